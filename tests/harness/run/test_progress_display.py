"""The progress of a run: lines where nobody watches, bars and workers on a terminal."""

from __future__ import annotations

import io
import re
import sys
import time

import pytest

from bench_lipsync.harness.run.executors.base import ActiveTask
from bench_lipsync.harness.run.progress_display import progress_display
from bench_lipsync.harness.util.progress import download, hidden


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def seen(text: str) -> str:
    return re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", text)


def test_lines_end_with_every_stage(capsys: pytest.CaptureFixture[str]) -> None:
    with progress_display({"prepare": 2, "model": 1}) as shown:
        shown.active([ActiveTask("w1", "prepare", "prepare a", time.monotonic()), ActiveTask("w2", "", "starts", 0.0)])
        for stage in ("prepare", "model", "prepare"):
            shown.tick(stage, "a")
    lines = capsys.readouterr().err.splitlines()
    assert [line.split(",")[0] for line in lines] == ["model: 1/1", "prepare: 2/2"]


def test_the_clock_of_a_stage_starts_with_its_first_task(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    now = [100.0]
    monkeypatch.setattr("bench_lipsync.harness.util.progress.time.monotonic", lambda: now[0])
    with progress_display({"prepare": 1, "model": 2, "failed": 1}) as shown:
        now[0] += 4.0
        shown.tick("prepare", "a", 4.0)
        now[0] += 0.5
        shown.tick("model", "a", 0.5)
        now[0] += 1.5
        shown.tick("model", "b", 1.5)
        shown.tick("failed")
    lines = capsys.readouterr().err.splitlines()
    assert lines == ["prepare: 1/1, 0.25/s, 4 s", "model: 2/2, 1.00/s, 2 s", "failed: 1/1, 0 s"]


def test_hidden_progress_says_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    with hidden(), progress_display({"prepare": 1}) as shown, download("weights", 1) as report:
        report(1, 1)
        shown.tick("prepare")
        shown.active([])
    assert capsys.readouterr() == ("", "")


def test_a_terminal_shows_begun_stages_and_every_worker(monkeypatch: pytest.MonkeyPatch) -> None:
    screen = Terminal()
    monkeypatch.setattr(sys, "stderr", screen)
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("COLUMNS", "120")
    now = time.monotonic()
    with progress_display({"prepare": 40, "mine": 40, "theirs": 40}) as shown:
        shown.tick("prepare", "clip_001")
        shown.active([ActiveTask(f"w{n}", "mine", f"mine clip_{n:03d}", now - 5) for n in range(1, 21)])
        time.sleep(0.3)
        shown.active([])
    text = seen(screen.getvalue())
    assert "prepare" in text and "1/40" in text and "w12 mine clip_012" in text
    assert re.search(r"w1 mine clip_001, \d+ s", text)
    assert "w13" not in text and "and 8 more workers" in text
    assert "theirs" not in text, "a stage that nobody has begun takes no room"
    assert "w1 mine" not in text.splitlines()[-1]
