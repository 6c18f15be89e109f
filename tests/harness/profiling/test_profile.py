"""Spans and records: exclusive times that add up, across threads and generators, cheap, and a trace viewers take."""

from __future__ import annotations

import json
import pickle
import threading
import time
from collections.abc import Iterator
from contextvars import copy_context
from pathlib import Path

import pytest

from bench_lipsync.harness.profiling.profile import Profile
from bench_lipsync.harness.profiling.summary import profile_table, summarise, write_profile
from bench_lipsync.harness.util import spans as profile
from bench_lipsync.harness.util.background import Prefetch
from bench_lipsync.harness.util.spans import OTHER, Key, Record, Total, recording, span, timed


class Clock:
    """Stands in for `time`: nothing passes but what is asked for."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.now = self.used = 100.0
        self.time = self.perf_counter = lambda: self.now
        self.process_time = self.thread_time = lambda: self.used
        monkeypatch.setattr(profile, "time", self)

    def sleep(self, seconds: float) -> None:
        """Time without work."""
        self.now += seconds

    def work(self, seconds: float) -> None:
        """Time of the processor."""
        self.now += seconds
        self.used += seconds


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    return Clock(monkeypatch)


def wall(record: Record, stage: str, detail: str = "") -> float:
    return record.totals[Key(stage, detail)].wall


def test_time_counts_once_and_adds_up(clock: Clock) -> None:
    with recording() as record:
        with span("outer", items=4):
            clock.work(2)
            with span("inner", "part"):
                clock.sleep(5)
        clock.sleep(3)
    assert {key: (total.wall, total.cpu, total.items) for key, total in record.totals.items()} == {
        Key("outer", ""): (2, 2, 4),
        Key("inner", "part"): (5, 0, 0),
        Key(OTHER, ""): (3, 0, 0),
    }
    assert (record.seconds, record.cpu) == (10, 2)


def test_real_clocks_add_up() -> None:
    with recording() as record:
        with span("sleep"):
            time.sleep(0.02)
        with span("work"):
            sum(range(1_000_000))
    assert wall(record, "sleep") >= 0.02 and record.totals[Key("work", "")].cpu > 0
    assert record.cpu >= record.totals[Key("work", "")].cpu
    assert sum(total.wall for total in record.totals.values()) == pytest.approx(record.seconds, abs=5e-3)


def test_a_thread_that_joins_is_counted_beside() -> None:
    def work() -> None:
        with span("helper"):
            time.sleep(0.03)

    with recording() as record:
        thread = threading.Thread(target=copy_context().run, args=(work,), name="mate")
        stranger = threading.Thread(target=work)
        with span("wait"):
            for one in (thread, stranger):
                one.start()
            for one in (thread, stranger):
                one.join()
    helper = record.totals[Key("helper", "")]
    assert (helper.wall, helper.count) == (0.0, 1), "the stranger belongs to no task"
    assert helper.beside >= 0.03
    assert {event.thread for event in record.events} == {"", "mate"}
    assert sum(total.wall for total in record.totals.values()) == pytest.approx(record.seconds, abs=2e-3)


def test_records_of_threads_do_not_mix() -> None:
    records: dict[str, Record] = {}

    def task(name: str) -> None:
        with recording() as record:
            for _ in range(200):
                with span(name):
                    pass
        records[name] = record

    threads = [threading.Thread(target=task, args=(name,)) for name in "abcd"]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for name, record in records.items():
        assert {key.stage: total.count for key, total in record.totals.items()} == {name: 200, OTHER: 1}


def test_an_inner_record_takes_its_time_from_the_outer_one(clock: Clock) -> None:
    with recording() as driver, span("schedule"):
        with recording() as task:
            clock.work(1)
            with span("faces"):
                clock.work(4)
        clock.work(2)
    assert (wall(task, "faces"), wall(task, OTHER)) == (4, 1)
    assert (wall(driver, "schedule"), wall(driver, OTHER)) == (2, 0)
    assert Key("faces", "") not in driver.totals


def test_an_error_passes_and_is_counted() -> None:
    with recording() as record, pytest.raises(ZeroDivisionError), span("bad"):
        1 / 0  # noqa: B018
    assert record.totals[Key("bad", "")].count == 1


def test_timed_counts_the_making_not_the_use(clock: Clock) -> None:
    closed = []

    def chunks() -> Iterator[list[int]]:
        try:
            for size in (3, 2):
                clock.sleep(2)
                yield [0] * size
        finally:
            closed.append(True)

    with recording() as record:
        sizes = []
        for chunk in timed(chunks(), "decode"):
            clock.sleep(5)
            sizes.append(len(chunk))
    assert sizes == [3, 2] and closed == [True]
    total = record.totals[Key("decode", "")]
    assert (total.wall, total.items, wall(record, OTHER)) == (4, 5, 10)
    with recording():
        early = timed(chunks(), "decode")
        next(early)
        early.close()  # type: ignore[attr-defined]
    assert closed == [True, True]


def test_reading_ahead_is_counted_beside_and_waiting_for_it_apart() -> None:
    def slow() -> Iterator[str]:
        for item in "abc":
            time.sleep(0.03)
            yield item

    with recording() as record, Prefetch(timed(slow(), "decode")) as items:
        assert list(items) == list("abc")
    assert record.totals[Key("decode", "")].beside >= 0.09
    assert wall(record, "wait for frames") >= 0.06


def test_a_record_travels_and_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(profile, "MAX_EVENTS", 10)
    with recording() as record:
        for _ in range(50):
            with span("many"):
                pass
    assert (len(record.events), record.dropped, record.totals[Key("many", "")].count) == (10, 41, 50)
    assert pickle.loads(pickle.dumps(record)) == record  # noqa: S301 - our own bytes


def test_spans_are_cheap() -> None:
    """A clip of 100 frames has about 200 of them and takes seconds: a fiftieth of a percent at 20 microseconds each."""
    with recording():
        began = time.thread_time()
        for _ in range(5000):
            with span("cheap", items=1):
                pass
        assert (time.thread_time() - began) / 5000 < 20e-6


@pytest.fixture
def run(clock: Clock, monkeypatch: pytest.MonkeyPatch) -> Profile:
    """Two workers, three tasks, and a driver that aggregates."""
    monkeypatch.setattr("bench_lipsync.harness.profiling.profile.time", clock)
    profile = Profile()
    with profile.driving():
        for worker, model in (("w1", ""), ("w2", "mine"), ("w1", "other")):
            with recording() as record:
                with span("generate" if model else "faces", model, items=10):
                    clock.work(2)
                with span("score", "lpips", items=10):
                    clock.work(0.5)
                with span("score", "ssim", items=10):
                    pass
            profile.add(worker, f"task {model}", record, model)
        with span("aggregate"):
            clock.work(2)
        with span("wait for workers"):
            clock.sleep(3)
    return profile


def test_the_summary_says_who_did_what(run: Profile) -> None:
    summary = summarise(run)
    stages = {line["stage"]: line for line in summary["stages"]}
    assert summary["tasks"] == 3
    assert stages["generate"]["clips"] == 2 and stages["generate"]["frames"] == 20
    assert (stages["generate"]["seconds"], stages["generate"]["seconds_per_frame"]) == (4, 0.2)
    assert stages["score"]["clips"] == 3
    assert sum(line["share"] for line in stages.values()) == pytest.approx(1, abs=1e-3)
    assert {(part["stage"], part["name"]) for part in summary["parts"]} == {
        ("generate", "mine"),
        ("generate", "other"),
        ("score", "lpips"),
        ("score", "ssim"),
    }
    assert stages["generate"]["seconds_per_clip"] == 2
    assert summary["models"] == [
        {"model": name, "seconds": 2.5, "clips": 1, "seconds_per_clip": 2.5} for name in ("mine", "other")
    ]
    told = [(worker["worker"], worker["tasks"], worker["busy"], worker["idle"]) for worker in summary["workers"]]
    assert told == [("w1", 2, 5, 7.5), ("w2", 1, 2.5, 10)]
    assert (summary["seconds"], summary["work_seconds"], summary["cpu_seconds"]) == (12.5, 7.5, 7.5)
    driver = summary["driver"]
    assert driver["stages"] == {"wait for workers": 3, "aggregate": 2, "other": 0}
    assert driver["seconds"] == 2, "neither the tasks in its process nor waiting is its own work"


def test_the_table_and_the_hint(run: Profile) -> None:
    text = profile_table(run)
    assert "generate" in text and "  lpips" in text and "driver:" in text and "hint: " in text
    assert "everything was in the store" in profile_table(Profile())


def test_the_hint_names_the_bottleneck() -> None:
    def of(busy: float = 1.0, **walls: float) -> str:
        totals = {Key(stage.replace("_", " "), ""): Total(wall=seconds, count=1) for stage, seconds in walls.items()}
        profile = Profile(began=0.0, ended=10.0)
        seconds = sum(walls.values())
        profile.add("w1", "t", Record(seconds=seconds, cpu=busy * seconds, totals=totals))
        return str(summarise(profile)["hint"])

    assert "generate" in of(generate=5, faces=2) and "GPU" in of(generate=5, faces=2)
    assert "decoding is slower" in of(generate=5, wait_for_frames=2)
    assert "faces" in of(faces=6, generate=2)
    assert "only 10% of their time" in of(0.1, faces=6) and "into faces" in of(0.1, faces=6)


def test_the_trace_is_one_that_viewers_take(run: Profile, tmp_path: Path) -> None:
    """The Trace Event Format's JSON object form: complete and metadata events with the fields it asks for."""
    write_profile(run, tmp_path)
    assert json.loads((tmp_path / "profile.json").read_text())["tasks"] == 3
    trace = json.loads((tmp_path / "trace.json").read_text())
    assert set(trace) == {"traceEvents", "displayTimeUnit", "otherData"} and trace["displayTimeUnit"] == "ms"
    named = {}
    for event in trace["traceEvents"]:
        assert isinstance(event["pid"], int) and isinstance(event["tid"], int)
        if event["ph"] == "M":
            named[event["name"], event["pid"], event["tid"]] = event["args"]["name"]
            continue
        assert event["ph"] == "X" and event["dur"] >= 0
        assert isinstance(event["ts"], int) and isinstance(event["dur"], int)
        assert 0 <= event["ts"] <= run.seconds * 1e6
        assert ("thread_name", event["pid"], event["tid"]) in named
    assert [name for (kind, _, _), name in named.items() if kind == "process_name"] == ["driver", "w1", "w2"]
    of_thread = {tid: pid for kind, pid, tid in named}
    assert len(of_thread) == len({(pid, tid) for _, pid, tid in named}) and 0 not in of_thread, "as Perfetto needs it"
    _nested([event for event in trace["traceEvents"] if event["ph"] == "X"])


def _nested(events: list[dict[str, int]]) -> None:
    """Spans of one thread lie inside of each other or apart, or a viewer could not stack them."""
    for row in {(event["pid"], event["tid"]) for event in events}:
        ends: list[int] = []
        for event in (one for one in events if (one["pid"], one["tid"]) == row):
            while ends and ends[-1] <= event["ts"]:
                ends.pop()
            end = event["ts"] + event["dur"]
            assert not ends or end <= ends[-1]
            ends.append(end)


def test_memory_of_the_trace_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bench_lipsync.harness.profiling.profile.MAX_TRACE", 5)
    profile = Profile()
    for _ in range(4):
        with recording() as record, span("one"):
            pass
        profile.add("w", "t", record)
    assert profile.kept == 5 and profile.dropped == 3
    assert summarise(profile)["tasks"] == 4
