from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from bench_lipsync.harness.store.store import Store
from bench_lipsync.harness.util import owner_token as owner
from bench_lipsync.harness.util.files import appearing, link_or_copy, sweep_run_folder, write_text_atomically
from bench_lipsync.harness.util.owner_token import is_abandoned, is_alive, owned_name

DEAD = "import sys, bench_lipsync.harness.util.owner_token; print(bench_lipsync.harness.util.owner_token.owned_name())"


@pytest.fixture(scope="module")
def dead_name() -> str:
    """A name of a process of this machine that has ended."""
    command = [sys.executable, "-c", DEAD]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()  # noqa: S603, our own


def test_a_file_appears_whole_or_not_at_all(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "out.txt"
    with appearing(path) as half:
        half.write_text("one")
        assert not path.exists()
    assert path.read_text() == "one"
    with pytest.raises(KeyboardInterrupt), appearing(path) as half:
        half.write_text("two")
        raise KeyboardInterrupt
    assert path.read_text() == "one" and [file.name for file in path.parent.iterdir()] == ["out.txt"]
    write_text_atomically(path, "ü\r\n")
    assert path.read_bytes() == "ü\r\n".encode()


def test_a_long_name_has_room_for_its_unfinished_one(tmp_path: Path) -> None:
    path = tmp_path / ("x" * 250 + ".mkv")
    assert write_text_atomically(path, "x").is_file()


def test_linking_again_leaves_nothing_over(tmp_path: Path) -> None:
    (tmp_path / "source").write_text("x")
    for _ in range(3):
        link_or_copy(tmp_path / "source", tmp_path / "run" / "target")
    assert [path.name for path in (tmp_path / "run").iterdir()] == ["target"]


def test_names_tell_whether_their_maker_lives(dead_name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    mine = owned_name()
    assert (is_alive(mine), is_abandoned(mine)) == (True, False)
    assert (is_alive(dead_name), is_abandoned(dead_name)) == (False, True)
    assert (is_alive("plain"), is_abandoned("plain")) == (False, False)
    monkeypatch.setattr(owner, "_machine", lambda: "00000000")
    assert not any(ask(name) for ask in (is_alive, is_abandoned) for name in (mine, dead_name)), "another machine"


def test_sweeping_a_run_folder_takes_only_what_the_dead_left(tmp_path: Path, dead_name: str) -> None:
    keep = [tmp_path / "log.txt", tmp_path / ".hidden", tmp_path / "media" / f".half-{owned_name()}.mp4"]
    gone = [tmp_path / f".half-{dead_name}", tmp_path / "media" / "a" / f".half-{dead_name}.mp4"]
    for path in (*keep, *gone):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("x")
    assert sweep_run_folder(tmp_path) == 2
    assert all(path.exists() for path in keep) and not any(path.exists() for path in gone)


def test_sweeping_the_store_takes_only_what_the_dead_left(tmp_path: Path, dead_name: str) -> None:
    for name in (dead_name, owned_name(), "0123456789abcdef"):
        (tmp_path / "tmp" / name / "deep").mkdir(parents=True)
    (tmp_path / "tmp" / f"note-{dead_name}").write_text("x")
    assert Store(tmp_path).sweep() == 2
    assert len(list((tmp_path / "tmp").iterdir())) == 2 and not list((tmp_path / "tmp").glob(f"*{dead_name}"))
    assert Store(tmp_path / "none").sweep() == 0


def test_everything_is_on_the_disk_before_an_entry_has_its_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What a loss of power cannot take back: every file and folder of an entry, and then its name."""
    happened: list[str] = []
    real_fsync, real_rename = os.fsync, Path.rename

    def fsync(handle: int) -> None:
        happened.append(os.path.relpath(Path(f"/proc/self/fd/{handle}").readlink(), tmp_path))
        real_fsync(handle)

    def rename(self: Path, target: Path) -> Path:
        happened.append("rename")
        return real_rename(self, target)

    if not Path("/proc/self/fd").is_dir():
        pytest.skip("NOT CHECKED: needs /proc to see what is synced")
    monkeypatch.setattr(os, "fsync", fsync)
    monkeypatch.setattr(Path, "rename", rename)

    def build(folder: Path) -> None:
        (folder / "deep").mkdir()
        (folder / "deep" / "a.bin").write_bytes(b"a")
        (folder / "b.bin").write_bytes(b"b")

    entry = Store(tmp_path).make("stage", {}, build).path
    at = happened.index("rename")
    synced = {"/".join(name.split("/")[2:]) for name in happened[:at]}
    assert synced == {"deep/a.bin", "b.bin", "files.json", "key.json", "deep", ""}
    assert set(happened[at + 1 :]) == {f"stage/{entry.name[:2]}", "stage"}
