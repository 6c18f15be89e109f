"""The contract of a dataset: takes a request, returns a list of clips with notices."""

from __future__ import annotations

from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol, runtime_checkable

from bench_lipsync.harness.api.clip import Clip


@dataclass(frozen=True)
class ClipRequest:
    """A request to a dataset."""

    data_root: Path | None = None
    """Folder with the footage; `None` where the dataset needs none (demo)."""
    split: str = "auto"
    """`test`, `train`, `all`, or `auto`: the test list where at least two of its identities are there, else `all`."""


@dataclass(frozen=True)
class ClipList:
    """The clips of a request, sorted by id."""

    clips: tuple[Clip, ...]
    split: str
    """The split that was used; `auto` has become `test` or `all` here."""
    notices: tuple[str, ...] = ()
    """Lines for the user, for example what was left out and why."""


class Dataset(Protocol):
    """A named collection of clips."""

    name: str

    def clips(self, request: ClipRequest) -> ClipList:
        """Find the clips.

        Raises:
            BenchError: They cannot be found; names the folder, what was expected there, and what to do.

        """
        ...


@runtime_checkable
class KeepsFootage(Protocol):
    """Optional: a dataset that keeps footage apart for adapting models to its speakers."""

    def adaptation_clips(self, identities: AbstractSet[str]) -> tuple[Clip, ...]:
        """Footage of `identities` that no split lists, sorted by id; speakers without any are left out."""
        ...
