"""The order of a run's tasks, on made-up results: everything once, donors by the rule, in bounded advance, linear."""

from __future__ import annotations

import json
import random
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from bench_lipsync.harness.api.clip import Clip, DrivenClip
from bench_lipsync.harness.errors import ClipError, Status
from bench_lipsync.harness.run.audio_donors import Donors
from bench_lipsync.harness.run.schedule import FootageSources, Schedule, ScheduledRow
from bench_lipsync.harness.run.spec import AdaptSpec
from bench_lipsync.harness.run.work_items import (
    FootageRef,
    FootageTask,
    PairResult,
    PairTask,
    PrepareTask,
    share_strings,
)

ROWS = [ScheduledRow("model"), ScheduledRow("shuffled-audio", needs_donor=True)]


def clips(*identities: str) -> list[Clip]:
    return [Clip(f"c{number:05d}", who, Path(f"{number}.mp4")) for number, who in enumerate(identities)]


def driven(made: list[Clip]) -> list[DrivenClip]:
    return [DrivenClip(clip.id, clip) for clip in made]


def do(task: Any, bad: set[str]) -> Any:
    if isinstance(task, PairTask):
        return PairResult(video=task.entry)
    if task.clip.id in bad:
        return ClipError(Status.NO_FACE, "nobody")
    if isinstance(task, FootageTask):
        return FootageRef(f"footage {task.clip.id}", (0, 50), cut=not task.candidates)
    return f"entry {task.clip.id}"


def play(schedule: Schedule, workers: int = 1, bad: set[str] = frozenset(), seed: int = 0) -> list[Any]:
    """Do everything with `workers` at once that finish in any order; returns the tasks as they were given out."""
    chance, given, running = random.Random(seed), [], []
    while True:
        while len(running) < workers and (task := schedule.next()) is not None:
            given.append(task)
            running.append(task)
        if not running:
            return given
        task = running.pop(chance.randrange(len(running)))
        schedule.take(task, do(task, bad))


def facts(schedule: Schedule) -> list[tuple[str, str | None, str | None]]:
    return [(clip.id, clip.entry, clip.donor) for clip in schedule.clip_records()]


def donors_by_rule(made: list[Clip], bad: set[str]) -> dict[str, str | None]:
    """The rule in plain words: of the usable clips the next of another identity, else the next."""
    usable = [clip for clip in made if clip.id not in bad]
    found: dict[str, str | None] = {}
    for index, clip in enumerate(usable):
        others = usable[index + 1 :] + usable[:index]
        stranger = next((other for other in others if other.identity != clip.identity), None)
        found[clip.id] = stranger.id if stranger else (others[0].id if others else None)
    return found


@pytest.mark.parametrize("seed", range(30))
def test_donors_follow_the_rule_whatever_fails_and_whoever_is_faster(seed: int) -> None:
    chance = random.Random(seed)
    made = clips(*sorted(chance.choices("abc"[: chance.randint(1, 3)], k=chance.randint(1, 12))))
    bad = {clip.id for clip in made if chance.random() < 0.3}
    expected = donors_by_rule(made, bad)
    for workers, ahead in ((1, None), (3, 4)):
        schedule = Schedule(driven(made), ROWS, 256, ahead=ahead)
        given = play(schedule, workers, bad, seed)
        found = {clip: donor for clip, entry, donor in facts(schedule) if entry}
        assert found == expected
        pairs = [task for task in given if isinstance(task, PairTask)]
        assert Counter((task.row, task.clip) for task in pairs) == {(r.name, c): 1 for r in ROWS for c in expected}
        for task in pairs:
            wanted = expected[task.clip] if task.row == "shuffled-audio" else None
            assert task.donor == (f"entry {wanted}" if wanted else None)
        prepared = Counter(task.clip.id for task in given if isinstance(task, PrepareTask))
        assert prepared == {clip.id: 1 for clip in made}


@pytest.mark.parametrize("seed", range(10))
def test_parts_find_the_donors_of_the_whole(seed: int) -> None:
    chance = random.Random(seed)
    made = clips(*sorted(chance.choices("abcd", k=11)))
    bad = {clip.id for clip in made if chance.random() < 0.3}
    whole = Schedule(driven(made), ROWS, 256)
    play(whole, 1, bad)
    found = []
    for own in (range(0, 4), range(4, 5), range(5, 11)):
        part = Schedule(driven(made), ROWS, 256, own=own)
        tasks = play(part, 2, bad, seed)
        found += facts(part)
        assert {task.clip for task in tasks if isinstance(task, PairTask)} <= {made[index].id for index in own}
    assert found == facts(whole)


def test_rows_come_one_after_the_other_while_clips_are_prepared_in_bounded_advance() -> None:
    schedule = Schedule(driven(clips(*"aabbccddee" * 5)), ROWS, 256, ahead=4)
    given = play(schedule, workers=2)
    waiting, most = 0, 0
    for task in given:
        waiting += isinstance(task, PrepareTask)
        waiting -= isinstance(task, PairTask) and task.row == "model"
        most = max(most, waiting)
    assert most <= 5
    first = next(index for index, task in enumerate(given) if isinstance(task, PairTask))
    assert first < 10, "the first row begins before everything is prepared"


def test_without_advance_everything_is_prepared_first() -> None:
    given = play(Schedule(driven(clips(*"abc")), ROWS, 256))
    kinds = [getattr(task, "row", "prepare") for task in given]
    assert kinds == ["prepare"] * 3 + ["model"] * 3 + ["shuffled-audio"] * 3


def test_footage_comes_first_and_what_is_cut_off_is_not_scored() -> None:
    made = clips("a", "a", "b")
    footage = FootageSources(AdaptSpec(seconds=5), tuple(made), ())
    rows = [ScheduledRow("model"), ScheduledRow("model (adapted)", adapted=True)]
    schedule = Schedule(driven(made), rows, 256, footage=footage)
    given = play(schedule, bad={"c00001"})
    assert [type(task).__name__ for task in given[:5]] == [
        "FootageTask",
        "PrepareTask",
        "FootageTask",
        "FootageTask",
        "PrepareTask",
    ]
    asked = next(task for task in given if isinstance(task, FootageTask))
    assert [clip.id for clip in asked.candidates] == ["c00000", "c00001"]
    adapted = [task for task in given if isinstance(task, PairTask) and task.row == "model (adapted)"]
    assert [task.footage and task.footage.entry for task in adapted] == ["footage c00000", "footage c00002"]
    assert all(task.footage is None for task in given if isinstance(task, PairTask) and task.row == "model")


def test_a_clip_cut_for_footage_is_prepared_without_it() -> None:
    footage = FootageSources(AdaptSpec(seconds=5), (), ())
    given = play(Schedule(driven(clips("a")), [], 256, footage=footage))
    assert isinstance(given[1], PrepareTask) and given[1].clip.start == 6.0


@pytest.mark.parametrize("people", [1, 2, 118])
def test_work_grows_with_the_number_of_clips(people: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Counted: how often a candidate for a donor is looked at, with one clip in ten unusable."""
    asked = Counter()
    original = Donors.candidates

    def counting(self: Donors, index: int) -> Any:
        for candidate in original(self, index):
            asked["candidates"] += 1
            yield candidate

    monkeypatch.setattr(Donors, "candidates", counting)
    count = 4000
    made = clips(*sorted(f"p{number % people:03d}" for number in range(count)))
    schedule = Schedule(driven(made), ROWS, 256, ahead=8)
    play(schedule, 4, {clip.id for clip in made[::10]})
    assert asked["candidates"] < 3 * count


def test_results_from_other_processes_share_their_texts() -> None:
    """A large run keeps half a million of them."""
    refs = {"A[x]": "score/ab/abcd/curves.npz", "B[x]": "score/ab/abcd/curves.npz"}
    one, two = (
        share_strings(PairResult(json.loads('{"A[x]": 1.5}'), curves=json.loads(json.dumps(refs)), video="v"))
        for _ in range(2)
    )
    assert one == PairResult({"A[x]": 1.5}, curves=refs, video="v")
    assert next(iter(one.values)) is next(iter(two.values))
    assert len({id(ref) for ref in one.curves.values()}) == 1
