"""Paths that cannot be used: one line with the path and exit code 2, at once and whatever the command."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from bench_lipsync.harness.cli import main


@pytest.fixture(autouse=True)
def _process_as_it_was(monkeypatch: pytest.MonkeyPatch) -> None:
    """`main` changes what belongs to the whole process."""
    monkeypatch.setattr("signal.signal", lambda *args: None)
    monkeypatch.setattr("logging.raiseExceptions", True)


def ended(monkeypatch: pytest.MonkeyPatch, *args: object) -> int:
    monkeypatch.setattr(sys, "argv", ["bench", *map(str, args)])
    with pytest.raises(SystemExit) as caught:
        main()
    assert isinstance(caught.value.code, int)
    return caught.value.code


@pytest.mark.parametrize(
    "command",
    [
        ("run", "--model", "static", "--dataset", "demo", "--limit", "1"),
        ("run", "--model", "static", "--dataset", "demo", "--limit", "1", "--shard", "1/2"),
        *(("train", model, "--dataset", "demo") for model in ("stylelipsync", "stylegan2", "syncnet", "wav2lip")),
    ],
)
@pytest.mark.parametrize("name", ["below_a_file", "too_long"])
def test_a_folder_that_cannot_be_made(
    command: tuple[str, ...],
    name: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    (tmp_path / "file").touch()
    out, reason = {
        "below_a_file": (tmp_path / "file" / "x", "Not a directory"),
        "too_long": (tmp_path / ("x" * 300), "File name too long"),
    }[name]
    assert ended(monkeypatch, *command, "--out", out) == 2
    said = capsys.readouterr().err.strip()
    assert said.startswith("bench: ") and reason in said and "\n" not in said


def test_a_file_in_the_way_is_called_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "file").touch()
    assert ended(monkeypatch, "train", "wav2lip", "--dataset", "demo", "--out", tmp_path / "file") == 2
    assert capsys.readouterr().err.endswith("file: there is such a file already; give a path that can be used\n")


def test_errors_that_name_no_path_stay_loud(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*args: object, **more: object) -> None:
        raise OSError("a mistake of ours")

    monkeypatch.setattr("bench_lipsync.harness.registry.registry.Registry.get", broken)
    monkeypatch.setattr(sys, "argv", ["bench", "data", "list", "demo"])
    with pytest.raises(OSError, match="a mistake of ours"):
        main()
