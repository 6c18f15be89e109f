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

from harness import profile_record
from harness.prefetch import Prefetch
from harness.profile import OTHER, Key, Record, Total, recording, span, timed
from harness.profile_report import Profile


def wall(record: Record, stage: str, detail: str = "") -> float:
    return record.totals[Key(stage, detail)].wall


def test_time_counts_once_and_adds_up() -> None:
    with recording() as record:
        with span("outer", items=4):
            time.sleep(0.02)
            with span("inner", "part"):
                time.sleep(0.05)
        time.sleep(0.03)
    assert 0.02 <= wall(record, "outer") < 0.045
    assert 0.05 <= wall(record, "inner", "part") < 0.08
    assert 0.03 <= wall(record, OTHER) < 0.06
    assert sum(total.wall for total in record.totals.values()) == pytest.approx(record.seconds, abs=2e-3)
    assert record.totals[Key("outer", "")].items == 4


def test_sleeping_is_no_processor_time_and_computing_is() -> None:
    with recording() as record:
        with span("sleep"):
            time.sleep(0.05)
        with span("work"):
            sum(range(1_000_000))
    sleep, work = record.totals[Key("sleep", "")], record.totals[Key("work", "")]
    assert sleep.cpu < 0.02 < sleep.wall
    assert 0 < work.cpu <= work.wall + 0.01
    assert record.cpu >= work.cpu


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


def test_an_inner_record_takes_its_time_from_the_outer_one() -> None:
    with recording() as driver, span("schedule"):
        with recording() as task, span("faces"):
            time.sleep(0.04)
        time.sleep(0.01)
    assert wall(task, "faces") >= 0.04
    assert wall(driver, "schedule") < 0.035
    assert Key("faces", "") not in driver.totals


def test_an_error_passes_and_is_counted() -> None:
    with recording() as record, pytest.raises(ZeroDivisionError), span("bad"):
        1 / 0  # noqa: B018
    assert record.totals[Key("bad", "")].count == 1


def test_timed_counts_the_making_not_the_use() -> None:
    closed = []

    def chunks() -> Iterator[list[int]]:
        try:
            for size in (3, 2):
                time.sleep(0.02)
                yield [0] * size
        finally:
            closed.append(True)

    with recording() as record:
        sizes = []
        for chunk in timed(chunks(), "decode"):
            time.sleep(0.05)
            sizes.append(len(chunk))
    assert sizes == [3, 2] and closed == [True]
    total = record.totals[Key("decode", "")]
    assert 0.04 <= total.wall < 0.09 and total.items == 5
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
    monkeypatch.setattr(profile_record, "MAX_EVENTS", 10)
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
def run() -> Profile:
    """Two workers, three tasks, and a driver that aggregates."""
    profile = Profile()
    with profile.driving():
        for worker, model in (("w1", ""), ("w2", "mine"), ("w1", "mine")):
            with recording() as record:
                with span("generate" if model else "faces", model, items=10):
                    time.sleep(0.02)
                with span("score", "lpips", items=10):
                    time.sleep(0.005)
                with span("score", "ssim", items=10):
                    pass
            profile.add(worker, f"task {model}", record, model)
        with span("aggregate"):
            time.sleep(0.02)
        with span("wait for workers"):
            time.sleep(0.03)
    return profile


def test_the_summary_says_who_did_what(run: Profile) -> None:
    summary = run.summary()
    stages = {line["stage"]: line for line in summary["stages"]}
    assert summary["tasks"] == 3
    assert stages["generate"]["clips"] == 2 and stages["generate"]["frames"] == 20
    assert stages["generate"]["seconds_per_frame"] == pytest.approx(stages["generate"]["seconds"] / 20, abs=1e-5)
    assert stages["score"]["clips"] == 3
    assert sum(line["share"] for line in stages.values()) == pytest.approx(1, abs=1e-3)
    assert {(part["stage"], part["name"]) for part in summary["parts"]} == {
        ("generate", "mine"),
        ("score", "lpips"),
        ("score", "ssim"),
    }
    (model,) = summary["models"]
    assert model["model"] == "mine" and model["clips"] == 2
    assert [(worker["worker"], worker["tasks"]) for worker in summary["workers"]] == [("w1", 2), ("w2", 1)]
    assert all(0 < worker["busy_share"] < 1 for worker in summary["workers"])
    driver = summary["driver"]
    assert 0.02 <= driver["stages"]["aggregate"] < 0.05
    assert driver["seconds"] < 0.06, "neither the tasks in its process nor waiting is its own work"


def test_the_table_and_the_hint(run: Profile) -> None:
    text = run.table()
    assert "generate" in text and "  lpips" in text and "driver:" in text and "hint: " in text
    assert "everything was in the store" in Profile().table()


def test_the_hint_names_the_bottleneck() -> None:
    def of(**walls: float) -> str:
        totals = {Key(stage.replace("_", " "), ""): Total(wall=seconds, count=1) for stage, seconds in walls.items()}
        profile = Profile(began=0.0, ended=10.0)
        profile.add("w1", "t", Record(seconds=sum(walls.values()), totals=totals))
        return str(profile.summary()["hint"])

    assert "generate" in of(generate=5, faces=2) and "GPU" in of(generate=5, faces=2)
    assert "decoding is slower" in of(generate=5, wait_for_frames=2)
    assert "faces" in of(faces=6, generate=2)


def test_the_trace_is_one_that_viewers_take(run: Profile, tmp_path: Path) -> None:
    """The Trace Event Format's JSON object form: complete and metadata events with the fields it asks for."""
    run.write(tmp_path)
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
        assert 0 <= event["ts"] <= run.seconds * 1e6
        assert ("thread_name", event["pid"], event["tid"]) in named
    assert [named["process_name", number, 0] for number in range(3)] == ["driver", "w1", "w2"]
    _nested([event for event in trace["traceEvents"] if event["ph"] == "X"])


def _nested(events: list[dict[str, float]]) -> None:
    """Spans of one thread lie inside of each other or apart, or a viewer could not stack them."""
    for row in {(event["pid"], event["tid"]) for event in events}:
        ends: list[float] = []
        for event in (one for one in events if (one["pid"], one["tid"]) == row):
            while ends and ends[-1] <= event["ts"] + 1:
                ends.pop()
            end = event["ts"] + event["dur"]
            assert not ends or end <= ends[-1] + 1
            ends.append(end)


def test_memory_of_the_trace_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("harness.profile_report.MAX_TRACE", 5)
    profile = Profile()
    for _ in range(4):
        with recording() as record, span("one"):
            pass
        profile.add("w", "t", record)
    assert profile.kept == 5 and profile.dropped == 3
    assert profile.summary()["tasks"] == 4
