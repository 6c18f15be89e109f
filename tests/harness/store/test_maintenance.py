"""Looking after the store: damage is found, room is made from what was used least, and never from what is in use."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from bench_lipsync.harness.store.maintenance import RECENT, StoredEntry, entries, make_room, problems
from bench_lipsync.harness.store.store import KEY_FILE, Store

DAY = 86400.0


def _store(root: Path, *days: float, size: int = 1000) -> Store:
    """One entry for each of `days` since it was used."""
    store = Store(root)
    for number, age in enumerate(days):
        made = store.make("stage", {"number": number}, lambda folder: (folder / "data").write_bytes(bytes(size)))
        used = time.time() - age * DAY
        os.utime(made.path / KEY_FILE, (used, used))
    return store


def _numbers(store: Store) -> set[str]:
    return {entry.path.name for entry in entries(store)}


def test_every_entry_is_listed_with_its_size(tmp_path: Path) -> None:
    found = list(entries(_store(tmp_path, 1, 2, 3)))
    assert [entry.stage for entry in found] == ["stage"] * 3
    assert all(1000 < entry.bytes < 1400 for entry in found)
    assert sorted(round((time.time() - entry.used) / DAY) for entry in found) == [1, 2, 3]


def test_whole_entries_have_no_problems(tmp_path: Path) -> None:
    assert [problems(entry) for entry in entries(_store(tmp_path, 1, 2))] == [[], []]


def test_flipped_bits_are_found_although_the_size_is_right(tmp_path: Path) -> None:
    entry = next(entries(_store(tmp_path, 1)))
    (entry.path / "data").write_bytes(b"\1" + bytes(999))
    assert problems(entry) == ["data is missing or changed"]


def test_a_key_of_another_entry_is_found(tmp_path: Path) -> None:
    one, other = entries(_store(tmp_path, 1, 2))
    (one.path / KEY_FILE).write_bytes((other.path / KEY_FILE).read_bytes())
    assert problems(one) == [f"{KEY_FILE} belongs to {other.path.name[:12]}"]
    (one.path / KEY_FILE).write_text("[1]")
    assert "cannot be read" in problems(one)[0]


def test_what_was_not_used_for_long_goes(tmp_path: Path) -> None:
    store = _store(tmp_path, 1, 10, 100)
    gone = make_room(store, max_age=9 * DAY)
    assert len(gone.entries) == 2 and len(_numbers(store)) == 1


def test_the_longest_unused_go_until_the_rest_fits(tmp_path: Path) -> None:
    store = _store(tmp_path, 1, 10, 100, 50)
    oldest = sorted(entries(store), key=lambda entry: entry.used)[:2]
    gone = make_room(store, max_bytes=2 * oldest[0].bytes + 10)
    assert [entry.path.name for entry in gone.entries] == [entry.path.name for entry in oldest]
    assert gone.bytes == sum(entry.bytes for entry in oldest)


def test_what_was_just_used_stays(tmp_path: Path) -> None:
    store = _store(tmp_path, 0, RECENT / DAY / 2)
    assert make_room(store, max_bytes=0, max_age=0).entries == ()
    assert len(_numbers(store)) == 2


def test_finding_an_entry_is_using_it(tmp_path: Path) -> None:
    store = _store(tmp_path, 100)
    assert store.find("stage", {"number": 0})
    assert make_room(store, max_age=DAY).entries == ()


@pytest.mark.parametrize("stage", ["stage", "elsewhere"])
def test_one_stage_alone(tmp_path: Path, stage: str) -> None:
    assert len(make_room(_store(tmp_path, 10), max_age=DAY, stage=stage).entries) == (stage == "stage")


def test_a_look_removes_nothing(tmp_path: Path) -> None:
    store = _store(tmp_path, 10)
    left = tmp_path / "tmp" / "half"
    left.mkdir(parents=True)
    os.utime(left, (0, 0))
    gone = make_room(store, max_age=DAY, dry=True)
    assert (len(gone.entries), gone.left_over, len(_numbers(store)), left.exists()) == (1, 1, 1, True)
    make_room(store, max_age=DAY)
    assert not _numbers(store) and not left.exists()


def test_shared_files_keep_their_other_name(tmp_path: Path) -> None:
    store = _store(tmp_path / "store", 10)
    shared = tmp_path / "run.mkv"
    os.link(next(entries(store)).path / "data", shared)
    make_room(store, max_age=DAY)
    assert shared.stat().st_size == 1000


def test_an_entry_that_is_gone_meanwhile_is_no_error(tmp_path: Path) -> None:
    store = _store(tmp_path, 10)
    entry: StoredEntry = next(entries(store))
    store.remove(entry.path)
    store.remove(entry.path)
    assert not entry.path.exists()


def test_adaptations_that_nobody_goes_on_with_are_given_up(tmp_path: Path) -> None:
    store = _store(tmp_path, 0)
    for name, age in (("old", 2 * DAY), ("new", 60.0)):
        (tmp_path / "adapting" / name).mkdir(parents=True)
        saved = tmp_path / "adapting" / name / "state.pt"
        saved.touch()
        for path in (saved, saved.parent):
            os.utime(path, (time.time() - age,) * 2)
    assert make_room(store, max_age=DAY).left_over == 1
    assert [path.name for path in (tmp_path / "adapting").iterdir()] == ["new"]
