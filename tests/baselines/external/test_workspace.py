"""Private folders: what is copied, what is linked, what is left out, and that they go away."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from bench_lipsync.baselines.external.environments.docker import remove_container
from bench_lipsync.baselines.external.program.repository import LARGE, clone_files
from bench_lipsync.baselines.external.program.workspace import open_workspace, remove_stale, workspaces_root
from bench_lipsync.harness.errors import BenchError


@pytest.fixture(autouse=True)
def clone(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    monkeypatch.setenv("BENCH_CACHE", str(tmp_path / "cache"))
    folder = tmp_path / "clone"
    for name in ("run.py", "lib/deep/x.py", ".git/config", "lib/__pycache__/x.pyc", "data/big.bin"):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(name)
    with (folder / "data" / "big.bin").open("wb") as stream:
        stream.truncate(LARGE + 1)
    (folder / "run.py").chmod(0o755)
    return folder


def test_contents(clone: Path, tmp_path: Path) -> None:
    weight = tmp_path / "weights.pth"
    weight.write_text("weights")
    with open_workspace(clone, {"checkpoints/w.pth": weight}) as space:
        here = space.folder
        assert (here / "run.py").read_text() == "run.py"
        assert os.access(here / "run.py", os.X_OK)
        assert not (here / "run.py").is_symlink()
        assert not (here / ".git").exists()
        assert not (here / "lib" / "__pycache__").exists()
        assert (here / "data" / "big.bin").is_symlink()
        assert (here / "checkpoints" / "w.pth").read_text() == "weights"
        assert space.linked_folders == (tmp_path,), "it holds the clone as well"
        assert not set(space.token) - set("0123456789abcdef")
        (here / "run.py").write_text("changed")
        (here / "data" / "big.bin").unlink()
        assert space.damaged() == ()
    assert not here.exists()
    assert (clone / "run.py").read_text() == "run.py"
    assert (clone / "data" / "big.bin").stat().st_size == LARGE + 1


def test_writing_through_a_link_is_seen(clone: Path) -> None:
    with open_workspace(clone, {}) as space:
        with (space.folder / "data" / "big.bin").open("ab") as stream:
            stream.write(b"x")
        assert space.damaged() == (clone / "data" / "big.bin",)


def test_weights_take_the_place_of_what_the_clone_has(clone: Path, tmp_path: Path) -> None:
    (tmp_path / "mine").write_text("mine")
    with open_workspace(clone, {"data/big.bin": tmp_path / "mine", "run.py": tmp_path / "mine"}) as space:
        assert (space.folder / "data" / "big.bin").read_text() == "mine"
        assert (space.folder / "run.py").read_text() == "mine"


def test_links_of_a_clone(clone: Path, tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "w.pth").write_text("small")
    (clone / "checkpoints").symlink_to(outside)
    (clone / "circle").symlink_to(clone)
    (clone / "nowhere").symlink_to(tmp_path / "missing")
    os.mkfifo(clone / "pipe")
    names = [file.name for file in clone_files(clone)]
    assert names == ["checkpoints/w.pth", "data/big.bin", "lib/deep/x.py", "run.py"]
    with open_workspace(clone, {}) as space:
        (space.folder / "checkpoints" / "w.pth").write_text("changed")
    assert (outside / "w.pth").read_text() == "small"


def test_a_clone_that_holds_the_cache_does_not_copy_it(clone: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BENCH_CACHE", str(clone / "cache"))
    with open_workspace(clone, {}), open_workspace(clone, {}) as space:
        assert not list(space.folder.glob("cache/workspaces/*"))


def test_clone_that_is_gone() -> None:
    with pytest.raises(BenchError, match="bench baselines setup"), open_workspace(Path("/nowhere/at/all"), {}):
        pass
    assert [path.name for path in workspaces_root().iterdir()] == ["making"]


def test_folders_that_a_program_locked(clone: Path) -> None:
    with open_workspace(clone, {}) as space:
        (space.folder / "locked" / "in").mkdir(parents=True)
        (space.folder / "locked" / "in" / "x").write_text("x")
        (space.folder / "locked" / "in").chmod(0)
        (space.folder / "away").symlink_to(clone)
    assert not space.folder.exists()
    assert (clone / "run.py").exists()


def test_stale_ones_go_and_live_ones_stay(clone: Path) -> None:
    stale = workspaces_root() / "0011223344556677"
    with open_workspace(clone, {}) as space:
        stale.mkdir()
        (stale / "x").write_text("x")
        stale.with_suffix(".lock").touch()
        assert remove_stale(remove_container) == 1
        assert not stale.exists()
        assert space.folder.exists()
    assert [path.name for path in workspaces_root().iterdir()] == ["making"]


def test_nothing_to_remove_makes_nothing() -> None:
    assert remove_stale(remove_container) == 0
    assert not workspaces_root().exists()


def test_a_data_set_is_no_clone(clone: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bench_lipsync.baselines.external.program.repository.MAX_FILES", 2)
    with pytest.raises(BenchError, match="more than 2 files"), open_workspace(clone, {}):
        pass
