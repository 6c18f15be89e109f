"""The tasks of a run and their results: plain data that travels between processes and machines.

References name an entry of the store, or a file in one, by its path below the store's root (`Store.ref`), so that they
mean the same wherever the store lies.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from sys import intern
from typing import ClassVar

from bench_lipsync.harness.api.clip import AudioSource, Clip
from bench_lipsync.harness.scoring.score import ClipResult


@dataclass(frozen=True, slots=True)
class FootageRef:
    """The footage that a model is adapted to one clip's speaker on."""

    entry: str
    """The prepared footage."""
    frames: tuple[int, int]
    """First frame and the one after the last."""
    cut: bool
    """Whether it is the beginning of the scored clip, cut off it."""


@dataclass(frozen=True, slots=True)
class AboutTask:
    """Describe the worker's machine; the result is a `results.schema.Provenance`."""

    stage: ClassVar[str] = "about"
    title: ClassVar[str] = "about this machine"


@dataclass(frozen=True, slots=True)
class FootageTask:
    """Find footage of a clip's speaker; the result is a `FootageRef`."""

    stage: ClassVar[str] = "footage"
    clip: Clip
    candidates: tuple[Clip, ...]
    """Other footage of the same speaker, best first."""
    seconds: float
    size: int

    @property
    def title(self) -> str:
        """For the progress display."""
        return f"footage for {self.clip.id}"

    @property
    def item(self) -> str:
        """What it is about, for the progress display."""
        return self.clip.id


@dataclass(frozen=True, slots=True)
class PrepareTask:
    """Bring a clip to its canonical form; the result is the reference of its entry."""

    stage: ClassVar[str] = "prepare"
    clip: Clip
    size: int

    @property
    def title(self) -> str:
        """For the progress display."""
        return f"prepare {self.clip.id}"

    @property
    def item(self) -> str:
        """What it is about, for the progress display."""
        return self.clip.id


@dataclass(frozen=True, slots=True)
class AudioTask:
    """Extract audio that drives clips; the result is the reference of its entry."""

    stage: ClassVar[str] = "audio"
    audio: AudioSource

    @property
    def item(self) -> str:
        """What it is about, for the progress display."""
        return self.audio.id

    @property
    def title(self) -> str:
        """For the progress display."""
        return f"audio {self.audio.id}"


@dataclass(frozen=True, slots=True)
class PairTask:
    """Generate and score one row's output for one clip; the result is a `PairResult`."""

    row: str
    clip: str
    """Id of the driven clip."""
    entry: str
    """The prepared clip."""
    donor: str | None = None
    """The prepared clip or audio that drives the model, or is scored against, in place of the clip's own audio."""
    footage: FootageRef | None = None
    """What an adapted row is adapted on."""

    @property
    def stage(self) -> str:
        """The row."""
        return self.row

    @property
    def item(self) -> str:
        """What it is about, for the progress display."""
        return self.clip

    @property
    def title(self) -> str:
        """For the progress display."""
        return f"{self.row} {self.clip}"


@dataclass(frozen=True, slots=True, kw_only=True)
class PairResult(ClipResult):
    """The outcome of one row on one clip."""

    video: str
    """The lossless output."""
    preview: str | None = None
    """A lossy copy that browsers play."""
    notes: tuple[str, ...] = ()
    """Remarks that belong beside the clip's numbers although it succeeded."""
    seconds: float | None = None
    """Wall time of generation."""


def share_strings(pair: PairResult) -> PairResult:
    """The same result in a third of the memory: one copy of each column name and file reference.

    What comes from another process shares no strings with other results, and a large run holds millions of them.
    """
    files: dict[str, str] = {}

    def shared(refs: Mapping[str, str]) -> dict[str, str]:
        return {intern(column): files.setdefault(ref, ref) for column, ref in refs.items()}

    values = {intern(column): value for column, value in pair.values.items()}
    return replace(pair, values=values, features=shared(pair.features), curves=shared(pair.curves))
