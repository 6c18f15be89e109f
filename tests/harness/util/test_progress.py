"""Bars on a terminal, lines in a file and in a notebook without widgets, nothing when quiet."""

from __future__ import annotations

import io
import re
import sys
import time
from collections.abc import Iterator

import pytest

from bench_lipsync.harness.util import progress
from bench_lipsync.harness.util.progress import download, each, stage, stages


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True

    def text(self) -> str:
        return re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", self.getvalue())


def terminal(monkeypatch: pytest.MonkeyPatch) -> Terminal:
    """Called in the test itself: between a fixture and the test pytest puts its own stream in place."""
    screen = Terminal()
    monkeypatch.setattr(sys, "stderr", screen)
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("COLUMNS", "120")
    return screen


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[float]]:
    now = [100.0]
    monkeypatch.setattr(progress.time, "monotonic", lambda: now[0])
    yield now


def test_a_terminal_shows_count_rate_and_note(monkeypatch: pytest.MonkeyPatch) -> None:
    screen = terminal(monkeypatch)
    with stage("prepare", 4) as tick:
        for number in range(4):
            time.sleep(0.01)
            tick(f"clip_{number:03d}")
    assert re.search(r"prepare .* 4/4 \d+\.\d\d/s .* clip_003", screen.text())


def test_a_terminal_shows_bytes(monkeypatch: pytest.MonkeyPatch) -> None:
    screen = terminal(monkeypatch)
    with download("weights.bin", 3_000_000) as report:
        report(0, 3_000_000)
        report(3_000_000, 3_000_000)
    assert re.search(r"weights\.bin .* 3\.0/3\.0 MB", screen.text())


def test_lines_have_rate_and_time_left(capsys: pytest.CaptureFixture[str], clock: list[float]) -> None:
    with stage("prepare", 10) as tick:
        for _ in range(10):
            clock[0] += 4
            tick()
    assert capsys.readouterr().err.splitlines() == [
        "prepare: 4/10, 0.25/s, 24 s left",
        "prepare: 8/10, 0.25/s, 8 s left",
        "prepare: 10/10, 0.25/s, 40 s",
    ]


def test_the_clock_of_a_stage_starts_when_it_begins(capsys: pytest.CaptureFixture[str], clock: list[float]) -> None:
    with stages({"early": 1, "late": 1}) as view:
        clock[0] += 50
        view.begin("late")
        clock[0] += 2
        view.tick("late")
        view.begin("nothing of that name")
    assert capsys.readouterr().err == "late: 1/1, 0.50/s, 2 s\n"


def test_quiet_and_empty_stages_show_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    screen = terminal(monkeypatch)
    assert list(each("prepare", "abc", quiet=True)) == ["a", "b", "c"]
    assert list(each("prepare", "")) == []
    with stages({"prepare": 1}, quiet=True) as view:
        view.begin("prepare")
        view.tick("prepare")
        view.footer(tuple)
    assert screen.getvalue() == ""


@pytest.mark.parametrize("widgets", [True, False])
def test_a_notebook_has_bars_where_it_has_widgets(monkeypatch: pytest.MonkeyPatch, widgets: bool) -> None:
    monkeypatch.setitem(sys.modules, "IPython", object())
    monkeypatch.setattr("rich.console._is_jupyter", lambda: True)
    monkeypatch.setattr(progress, "find_spec", lambda name: object() if widgets else None)
    assert (progress._console() is not None) == widgets
