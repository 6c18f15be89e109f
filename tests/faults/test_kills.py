"""Runs that are killed at random moments: the same command goes on, and ends as if nothing had happened.

A real `bench run` on short clips, in one process that is forked from one with everything imported. It is killed by
time, or just before a random change of the file system, again and again, until the same command reaches its end.
"""

from __future__ import annotations

import os
import random
import signal
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from results_digest import differences, results_digest
from small_world import Ended, Forks, entries, left_over, words

from bench_lipsync.harness.store.maintenance import entries as stored
from bench_lipsync.harness.store.maintenance import problems
from bench_lipsync.harness.store.store import Store

pytestmark = [pytest.mark.faults, pytest.mark.timeout(3600)]
FULL = os.environ.get("BENCH_FAULTS") == "full"
KILLS = 60 if FULL else 10
STOPS = 150 if FULL else 5
SEED = 20261123
PAGES = ("--no-report", "--report")
MOST_OF_ONE_RUN = 6
"""Kills before a run is left alone."""
ENDINGS = {signal.SIGKILL: {-9}, signal.SIGTERM: {130, -15}, signal.SIGINT: {130, -2}}


@dataclass
class Life:
    """One run from an empty store to its end, however often it is killed on the way."""

    root: Path
    forks: Forks
    arguments: list[str]
    chance: random.Random
    whole: Any

    @property
    def cache(self) -> Path:
        return self.root / "cache"

    def attempt(self, **kill: Any) -> Ended:
        """One start of the command. What was finished before it must not be made again."""
        before = entries(self.cache)
        ended = self.forks.run(self.arguments, self.cache, **kill)
        after = entries(self.cache)
        assert {name: after.get(name) for name in before} == before, "a finished entry was made again"
        assert "Traceback" not in ended.said, ended.said
        return ended

    def kill(self) -> str | None:
        """Start it and kill it at a random moment; how, or `None` if it came to its end before."""
        if self.chance.random() < 0.5:
            event = self.chance.randint(1, self.whole.events)
            ended, number = self.attempt(at_event=event), signal.SIGKILL
            name = "SIGKILL before a change of the disk"
        else:
            number = self.chance.choice([signal.SIGKILL] * 3 + [signal.SIGINT, signal.SIGTERM])
            after = self.chance.uniform(0.05, self.whole.seconds)
            ended = self.attempt(after=after, signal=int(number))
            name = f"{number.name} after a time"
        if ended.code == 0:
            return None
        assert ended.code in ENDINGS[number], (name, ended)
        return name


def test_a_run_that_is_killed_again_and_again_ends_the_same(
    tmp_path: Path, clips: Path, forks: Forks, undisturbed: Callable[[str], Any], capsys: pytest.CaptureFixture[str]
) -> None:
    chance = random.Random(SEED)
    kinds: Counter[str] = Counter()
    began, lives = time.monotonic(), 0
    while sum(kinds.values()) < KILLS:
        lives += 1
        page = PAGES[lives % 3 == 0]
        whole, root = undisturbed(page), tmp_path / str(lives)
        (root / "cache").mkdir(parents=True)
        life = Life(root, forks, words(clips, root / "run", page), chance, whole)
        for _ in range(MOST_OF_ONE_RUN):
            how = life.kill()
            if how is None:
                break
            kinds[how] += 1
        last = life.attempt()
        assert last.code == 0, (lives, last)
        assert differences(whole.folder, root / "run") == [], f"seed {SEED}, life {lives}"
        assert results_digest(root / "run") == whole.digest
        assert set(entries(life.cache)) == whole.entries
        assert left_over(life.cache, root / "run") == []
        assert not any(problems(entry) for entry in stored(Store(life.cache / "store")))
    with capsys.disabled():
        counts = ", ".join(f"{count} x {name}" for name, count in sorted(kinds.items()))
        print(f"\n{sum(kinds.values())} kills ({counts}) in {lives} runs, {time.monotonic() - began:.0f} s")


def test_ctrl_c_at_any_moment_ends_in_order(
    tmp_path: Path, clips: Path, forks: Forks, undisturbed: Callable[[str], Any], capsys: pytest.CaptureFixture[str]
) -> None:
    """Threads decode and encode meanwhile; nothing that they work with may be closed before they have ended."""
    whole, chance, stops, lives = undisturbed("--no-report"), random.Random(SEED), 0, 0
    while stops < STOPS:
        lives += 1
        root = tmp_path / str(lives)
        (root / "cache").mkdir(parents=True)
        life = Life(root, forks, words(clips, root / "run"), chance, whole)
        code = 1
        while code and stops < STOPS:
            ended = life.attempt(after=chance.uniform(0.05, whole.seconds), signal=int(signal.SIGINT))
            code = ended.code
            if code:
                stops += 1
                assert code in ENDINGS[signal.SIGINT], (stops, ended)
                assert code == -2 or "interrupted; the same command goes on" in ended.said, (stops, ended)
        if not code:
            assert results_digest(root / "run") == whole.digest
            assert left_over(life.cache, root / "run") == []
    with capsys.disabled():
        print(f"\n{stops} times Ctrl-C in {lives} runs")


def test_what_is_finished_is_not_done_again(
    tmp_path: Path, clips: Path, forks: Forks, undisturbed: Callable[[str], Any]
) -> None:
    """Of a run that is killed right after each of its entries, every start adds entries and repeats none."""
    whole = undisturbed("--no-report")
    (tmp_path / "cache").mkdir()
    chance = random.Random(SEED)
    life = Life(tmp_path, forks, words(clips, tmp_path / "run"), chance, whole)
    seen = [0]
    for _ in range(30 if FULL else 4):
        # Enough changes for one more entry, too few for many.
        ended = life.attempt(at_event=40 + 2 * len(entries(life.cache)))
        seen.append(len(entries(life.cache)))
        if ended.code == 0:
            break
    assert seen == sorted(seen) and seen[-1] > 0
    assert life.attempt().code == 0
    assert results_digest(tmp_path / "run") == whole.digest
