from __future__ import annotations

import threading
from pathlib import Path

import pytest

from bench_lipsync.harness.errors import BenchError, ClipError, Status
from bench_lipsync.harness.store.store import FAILURE_FILE, FILES_FILE, KEY_FILE, Store, changed_files, link_or_copy

PARTS = {"clip": "a", "version": 1}


def _write(text: str):
    return lambda folder: (folder / "out.txt").write_text(text)


def test_an_entry_is_computed_once(tmp_path: Path) -> None:
    store = Store(tmp_path)
    first = store.make("stage", PARTS, _write("one"))
    second = store.make("stage", PARTS, _write("two"))
    assert (first.made, second.made) == (True, False)
    assert (second.path / "out.txt").read_text() == "one"


@pytest.mark.parametrize("other", [{"clip": "b", "version": 1}, {"clip": "a", "version": 2}, {"clip": "a"}])
def test_any_changed_part_is_another_entry(tmp_path: Path, other: dict[str, object]) -> None:
    store = Store(tmp_path)
    store.make("stage", PARTS, _write("one"))
    assert store.find("stage", other) is None
    assert store.find("elsewhere", PARTS) is None


def test_a_build_that_dies_leaves_nothing(tmp_path: Path) -> None:
    store = Store(tmp_path)

    def dies(folder: Path) -> None:
        (folder / "half").write_text("x")
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        store.make("stage", PARTS, dies)
    assert store.find("stage", PARTS) is None
    assert not list((tmp_path / "tmp").iterdir())


def test_failures_of_the_input_are_remembered_and_others_are_not(tmp_path: Path) -> None:
    store = Store(tmp_path)
    calls = []

    def fails(status: Status):
        def build(folder: Path) -> None:
            calls.append(status)
            (folder / "half").write_text("x")
            raise ClipError(status, "because")

        return build

    for _ in range(2):
        with pytest.raises(ClipError, match="no_face: because"):
            store.make("stage", PARTS, fails(Status.NO_FACE), remember=frozenset({Status.NO_FACE}))
        with pytest.raises(ClipError):
            store.make("other", PARTS, fails(Status.MODEL_FAILED), remember=frozenset({Status.NO_FACE}))
    assert calls == [Status.NO_FACE, Status.MODEL_FAILED, Status.MODEL_FAILED]
    remembered = next(tmp_path.glob(f"stage/*/*/{FAILURE_FILE}"))
    assert not (remembered.parent / "half").exists()


def test_two_makers_at_once_end_with_one_whole_entry(tmp_path: Path) -> None:
    store = Store(tmp_path)
    together = threading.Barrier(4)

    def build(folder: Path) -> None:
        together.wait(timeout=10)
        (folder / "out.txt").write_text("same")

    found: list[Path] = []
    threads = [threading.Thread(target=lambda: found.append(store.make("stage", PARTS, build).path)) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 4 and len(set(found)) == 1
    assert (found[0] / "out.txt").read_text() == "same"
    assert not list((tmp_path / "tmp").iterdir())


def test_a_link_replaces_what_was_there(tmp_path: Path) -> None:
    (tmp_path / "new").write_text("new")
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "file").write_text("old")
    link_or_copy(tmp_path / "new", tmp_path / "run" / "file")
    assert (tmp_path / "run" / "file").read_text() == "new"
    assert [path.name for path in (tmp_path / "run").iterdir()] == ["file"]


def test_an_entry_that_lost_bytes_is_made_again(tmp_path: Path) -> None:
    store = Store(tmp_path)
    entry = store.make("stage", PARTS, _write("whole"))
    (entry.path / "out.txt").write_text("wh")
    assert store.find("stage", PARTS) is None
    assert not entry.path.exists() and not list((tmp_path / "tmp").iterdir())
    again = store.make("stage", PARTS, _write("whole"))
    assert again.made and (again.path / "out.txt").read_text() == "whole"


def test_an_entry_without_its_list_is_still_found(tmp_path: Path) -> None:
    store = Store(tmp_path)
    entry = store.make("stage", PARTS, _write("old"))
    (entry.path / FILES_FILE).unlink()
    assert store.find("stage", PARTS) == entry.path
    (entry.path / FILES_FILE).write_text("{half")
    assert store.find("stage", PARTS) is None


def test_a_remembered_failure_is_listed_too(tmp_path: Path) -> None:
    store = Store(tmp_path)

    def build(folder: Path) -> None:
        raise ClipError(Status.NO_FACE, "because")

    with pytest.raises(ClipError):
        store.make("stage", PARTS, build, remember=frozenset({Status.NO_FACE}))
    failure = next(tmp_path.rglob(FAILURE_FILE))
    assert changed_files(failure.parent, hashes=True) == []
    failure.write_text("")
    assert changed_files(failure.parent) == [FAILURE_FILE]
    assert store.find("stage", PARTS) is None


def test_a_name_in_the_store_leads_back_to_the_file(tmp_path: Path) -> None:
    store = Store(tmp_path / "here")
    entry = store.make("stage", PARTS, _write("text"))
    ref = store.ref(entry.path / "out.txt")
    assert ref == f"stage/{entry.path.name[:2]}/{entry.path.name}/out.txt"
    assert store.file(ref).read_text() == "text"
    assert store.file(store.ref(entry.path)) == entry.path
    (tmp_path / "here").rename(tmp_path / "there")
    assert Store(tmp_path / "there").file(ref).read_text() == "text"


@pytest.mark.parametrize("ref", ["/etc/a/b/passwd", "a/../../b", "a/b/c/../../../../x", "stage/ab", "", "a\\b/c/d/e"])
def test_a_foreign_name_is_refused(tmp_path: Path, ref: str) -> None:
    with pytest.raises(BenchError, match="is not the name of a result"):
        Store(tmp_path).file(ref)


def test_a_lost_entry_is_named(tmp_path: Path) -> None:
    with pytest.raises(BenchError, match="has no stage/ab/abc"):
        Store(tmp_path).file("stage/ab/abc/out.txt")


def test_an_entry_of_another_store_is_taken_over_by_its_hashes(tmp_path: Path) -> None:
    theirs = Store(tmp_path / "theirs").make("stage", PARTS, _write("text")).path
    ours = Store(tmp_path / "ours")
    path = ours.adopt(theirs)
    assert ours.find("stage", PARTS) == path == ours.adopt(theirs)
    assert (path / "out.txt").samefile(theirs / "out.txt")
    bad = Store(tmp_path / "theirs").make("stage", {"clip": "b"}, _write("good")).path
    (bad / "out.txt").write_text("evil")
    with pytest.raises(BenchError, match=r"is damaged \(out.txt is missing or changed\)"):
        ours.adopt(bad)
    moved = bad.parent.parent / "aa" / ("a" * 64)
    moved.parent.mkdir(exist_ok=True)
    theirs.rename(moved)
    with pytest.raises(BenchError, match="belongs to"):
        ours.adopt(moved)
    assert not list((tmp_path / "ours" / "tmp").iterdir())


def test_a_link_in_another_store_is_not_taken_over(tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("text")
    theirs = Store(tmp_path / "theirs").make("stage", PARTS, _write("text")).path
    (theirs / "out.txt").unlink()
    (theirs / "out.txt").symlink_to(tmp_path / "secret")
    with pytest.raises(BenchError, match="is damaged"):
        Store(tmp_path / "ours").adopt(theirs)


def test_an_entry_that_somebody_made_again_is_not_taken_away(tmp_path: Path) -> None:
    store = Store(tmp_path)
    entry = store.make("stage", PARTS, _write("whole")).path
    assert not store.remove(entry, unless=lambda tombstone: (tombstone / "out.txt").read_text() == "whole")
    assert (entry / "out.txt").read_text() == "whole"
    assert store.remove(entry) and not store.remove(entry)


@pytest.mark.parametrize("broken", ["[1]", "{}x", '{"out.txt": 5}', '{"out.txt": ["a", "b"]}', ""])
def test_a_damaged_list_is_damage(tmp_path: Path, broken: str) -> None:
    entry = Store(tmp_path).make("stage", PARTS, _write("whole")).path
    (entry / FILES_FILE).write_text(broken)
    assert Store(tmp_path).find("stage", PARTS) is None


def test_an_entry_without_its_key_is_made_again(tmp_path: Path) -> None:
    entry = Store(tmp_path).make("stage", PARTS, _write("whole")).path
    (entry / KEY_FILE).unlink()
    assert Store(tmp_path).make("stage", PARTS, _write("whole")).made


def test_an_entry_tells_its_hash_and_its_inputs(tmp_path: Path) -> None:
    store, parts = Store(tmp_path), {"video": "abc", "start": 2.5}
    entry = store.make("prepare", parts, lambda folder: None).path
    assert Store.content_hash(entry / "faces.npz") == entry.name
    assert Store.inputs(entry) == parts
    assert Store.inputs(tmp_path) == {}
