"""What the tests of killed and shared runs have in common: clips, a quick start, and runs that nobody disturbed."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import pytest
from results_digest import results_digest
from small_world import Forks, entries, left_over, make_clips, words


@dataclass(frozen=True)
class Undisturbed:
    """A run that nobody killed."""

    folder: Path
    digest: str
    entries: set[str]
    seconds: float
    events: int


@pytest.fixture(scope="session")
def clips(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_clips(tmp_path_factory.mktemp("clips") / "clips")


@pytest.fixture(scope="session")
def forks() -> Iterator[Forks]:
    server = Forks()
    yield server
    server.close()


@pytest.fixture(scope="session")
def undisturbed(clips: Path, forks: Forks, tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Undisturbed]:
    """A run to compare with, by `--no-report` or `--report`."""

    @cache
    def run(page: str) -> Undisturbed:
        root = tmp_path_factory.mktemp("whole")
        ended = forks.run(words(clips, root / "run", page), root / "cache")
        assert ended.code == 0 and ended.events, ended.said
        assert left_over(root / "cache", root / "run") == []
        made = set(entries(root / "cache"))
        return Undisturbed(root / "run", results_digest(root / "run"), made, ended.seconds, ended.events)

    return run
