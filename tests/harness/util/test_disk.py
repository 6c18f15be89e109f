"""Errors of the file system in words: what could not be written, why, and a way out that helps there."""

from __future__ import annotations

import errno
import os
import shutil
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from bench_lipsync.harness.errors import NoRoomError
from bench_lipsync.harness.util.disk import no_room, room_needed
from bench_lipsync.harness.util.files import link_or_copy
from bench_lipsync.harness.util.paths import cache_dir
from bench_lipsync.metrics.lse.spool import FrameSpool

GC = "bench cache gc"


def said(number: int, *names: Path, folder: Path | None = None) -> str:
    error = OSError(number, os.strerror(number), *map(str, names[:1]), *((None, str(names[1])) if names[1:] else ()))
    return str(no_room(folder, error))


def test_a_copy_that_does_not_fit_names_its_target(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(source: Path, target: Path) -> None:
        raise OSError(errno.ENOSPC, "No space left on device", str(source), None, str(target))

    monkeypatch.setattr(os, "link", full)
    monkeypatch.setattr(shutil, "copyfile", full)
    source, run = tmp_path / "store/clip.mkv", tmp_path / "run/generated/static"
    source.parent.mkdir()
    source.touch()
    with pytest.raises(NoRoomError) as caught:
        link_or_copy(source, run / "clip.mkv")
    assert f"writing below {run} failed: No space left on device" in str(caught.value)


@pytest.mark.parametrize(
    ("place", "advice"),
    [
        ("cache/assets", f"Make room (`{GC} --max-size 50GB`), or set BENCH_CACHE to a folder on another disk"),
        ("shared/prepare", f"Make room (`{GC} --max-size 50GB`), or set BENCH_STORE to a folder on another disk"),
        ("run", "Make room there, or give a folder on another disk"),
    ],
)
def test_the_advice_fits_the_place(place: str, advice: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BENCH_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("BENCH_STORE", str(tmp_path / "shared"))
    (tmp_path / place).mkdir(parents=True)
    assert advice in said(errno.ENOSPC, folder=tmp_path / place)


def test_temporary_files_name_their_own_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    spool = FrameSpool()

    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(spool, "_file", SimpleNamespace(write=full))
    with pytest.raises(NoRoomError) as caught, room_needed(cache_dir()):
        spool.push(np.zeros((1, 2, 2, 3), np.uint8))
    assert f"writing below {tmp_path} failed" in str(caught.value)
    assert "Make room there, or set TMPDIR to a folder on another disk" in str(caught.value)


def test_a_folder_above_the_cache_that_cannot_be_made(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BENCH_CACHE", str(tmp_path / "home/.cache/bench"))
    assert "set BENCH_CACHE to a folder that you may write to" in said(errno.EACCES, tmp_path / "home/.cache")


@pytest.mark.parametrize("number", [errno.EROFS, errno.EACCES, errno.EPERM])
@pytest.mark.parametrize("place", ["cache", "run"])
def test_what_may_not_be_written_is_not_called_full(number: int, place: str, tmp_path: Path) -> None:
    text = said(number, folder=cache_dir() if place == "cache" else tmp_path / "run")
    assert "room" not in text and "free" not in text and os.strerror(number) in text
    assert ("set BENCH_CACHE to a folder that you may write to" in text) == (place == "cache")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="NOT CHECKED: needs /dev/full")
@pytest.mark.parametrize("unbuffered", ["", "1"])
@pytest.mark.parametrize("command", ["list models", "list models --json", "assets list", "cache ls", "--help"])
def test_standard_output_on_a_full_disk_is_called_so(command: str, unbuffered: str) -> None:
    words = [sys.executable, "-c", "from bench_lipsync.harness.cli import main; main()", *command.split()]
    environment = {**os.environ, "PYTHONUNBUFFERED": unbuffered}
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(words, env=environment, stdout=full, stderr=subprocess.PIPE, text=True, check=False)  # noqa: S603
    assert done.returncode == 2
    assert done.stderr == "bench: writing to standard output failed: No space left on device\n"
