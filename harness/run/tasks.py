"""The tasks of a run and what comes of them: plain data that can travel between processes and machines.

References name an entry of the store, or a file in one, by its path below the store's root (`Store.ref`), so that they
mean the same wherever the store lies.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from sys import intern

from bench_lipsync.harness.api.clip import Clip
from bench_lipsync.harness.errors import ClipError, Status


@dataclass(frozen=True, slots=True)
class Trouble:
    """How something failed: a `ClipError` as plain data."""

    status: Status
    reason: str

    @classmethod
    def of(cls, error: ClipError) -> Trouble:
        """The same as `error`."""
        return cls(error.status, error.reason)

    def error(self) -> ClipError:
        """The same as an error."""
        return ClipError(self.status, self.reason)


@dataclass(frozen=True, slots=True)
class FootageRef:
    """What one clip's person is learned from."""

    entry: str
    """The prepared footage."""
    frames: tuple[int, int]
    """First frame and the one after the last."""
    cut: bool
    """Whether it was cut off the scored clip."""


@dataclass(frozen=True, slots=True)
class AboutTask:
    """Asks a worker where it is; the result is a `harness.results.schema.Provenance`."""

    @property
    def stage(self) -> str:
        """The part of the run."""
        return "about"

    @property
    def title(self) -> str:
        """For the progress view."""
        return "about this machine"


@dataclass(frozen=True, slots=True)
class FootageTask:
    """Find footage of a clip's person; the result is a `FootageRef`."""

    clip: Clip
    candidates: tuple[Clip, ...]
    """Other footage of the same person, best first."""
    seconds: float
    size: int

    @property
    def stage(self) -> str:
        """The part of the run."""
        return "footage"

    @property
    def title(self) -> str:
        """For the progress view."""
        return f"footage for {self.clip.id}"


@dataclass(frozen=True, slots=True)
class PrepareTask:
    """Bring a clip to its canonical form; the result is the reference of its entry."""

    clip: Clip
    size: int

    @property
    def stage(self) -> str:
        """The part of the run."""
        return "prepare"

    @property
    def title(self) -> str:
        """For the progress view."""
        return f"prepare {self.clip.id}"


@dataclass(frozen=True, slots=True)
class PairTask:
    """Generate and score one row's output for one clip; the result is a `PairDone`."""

    row: str
    clip: str
    """Id."""
    entry: str
    """The prepared clip."""
    donor: str | None = None
    """The prepared clip whose sound is heard or judged in place of its own."""
    footage: FootageRef | None = None
    """What an adapted row learns from."""

    @property
    def stage(self) -> str:
        """The part of the run."""
        return self.row

    @property
    def title(self) -> str:
        """For the progress view."""
        return f"{self.row} {self.clip}"


@dataclass(frozen=True, slots=True)
class PairDone:
    """What came of one row on one clip."""

    video: str
    """The lossless output."""
    preview: str | None
    """What browsers play."""
    values: dict[str, float]
    """Clip metrics by column."""
    features: dict[str, str]
    """Files with the features of set metrics, by column."""
    curves: dict[str, str]
    """Files with per-frame values, by column."""
    failures: tuple[Trouble, ...] = ()
    """Of scorers; the other scorers' values are there."""
    notes: tuple[str, ...] = ()
    """What a reader of the clip's numbers should know although it went well."""
    seconds: float | None = None
    """How long generating took."""


def lean(pair: PairDone) -> PairDone:
    """The same in a third of the memory: what came from another process shares no text with other results."""
    files: dict[str, str] = {}

    def shared(refs: dict[str, str]) -> dict[str, str]:
        return {intern(column): files.setdefault(ref, ref) for column, ref in refs.items()}

    values = {intern(column): value for column, value in pair.values.items()}
    return replace(pair, values=values, features=shared(pair.features), curves=shared(pair.curves))
