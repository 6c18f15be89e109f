"""The contract of a metric: a `Scorer` reads one clip's frames once and returns values or features for named metrics.

One scorer may give several metrics (SyncNet gives LSE-C, LSE-D and the offset), so that nothing is computed twice.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal, Protocol, runtime_checkable

from bench_lipsync.harness.api.clip import PreparedClip

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from bench_lipsync.harness.statistics.moments import FeatureMoments

Direction = Literal["higher", "lower", "none"]


@dataclass(frozen=True)
class Tolerance:
    """How far a metric may move before `bench compare` objects; the larger of the two counts."""

    absolute: float | None = None
    """In the metric's unit."""
    relative: float | None = None
    """Share of the baseline's value: 0.05 is 5 %."""


@dataclass(frozen=True)
class MetricInfo:
    """Static description of a metric."""

    name: str
    """As the field writes it: `LSE-C`, `FID`, `SSIM`."""
    variant: str
    """Which of the definitions in use: `syncnet_v2`, `alex`, `wang2004`."""
    direction: Direction
    """Which way is better; `none` for numbers that are only read, such as the audio-visual offset."""
    unit: str
    range: tuple[float | None, float | None]
    """Smallest and largest possible value; `None` is unbounded."""
    level: Literal["clip", "set"]
    """`clip`: a value per clip, averaged. `set`: features per clip, pooled over the clips into one value."""
    needs: frozenset[str]
    """Out of `truth` (ground-truth frames of the words that are judged), `input` (the frames that were edited, which
    are there under foreign audio too), `audio`, `faces` (the input's face track)."""
    signature: str
    """`NAME|key=value|...|vN`: everything that changes the number. Tables never mix signatures of one metric."""
    definition: str = ""
    on_request: bool = False
    """Whether only `NAME[VARIANT]` asks for it. Otherwise the name alone does, for all of its variants at once."""
    aliases: tuple[str, ...] = ()
    """Other words for the variant, which several variants may share: `LSE-C[gt-box]` asks for both networks."""
    default: bool = False
    """Whether a run computes it when no metrics are requested. For metrics that are cheap beside LSE, FID and LPIPS."""
    tolerance: Tolerance | None = None
    """What `bench compare` tolerates where `gate.yaml` says nothing: about what a reader would call a difference."""
    needs_alignment: bool = True
    """Whether its comparison with the ground truth needs both heads in the same pose. Only read for metrics that
    `compare`."""
    only_without_truth: bool = False
    """Whether it is measured under foreign audio only, in place of a variant that needs `truth` and is equal to it
    elsewhere."""

    @property
    def column(self) -> str:
        """Column name in tables and `clips.parquet`: `LSE-C[syncnet_v2]`."""
        return f"{self.name}[{self.variant}]"

    @property
    def compares(self) -> bool:
        """Whether the output is compared with the clip's own frames."""
        return self.level == "set" or bool(self.needs & {"truth", "input"})

    def is_measured(self, *, with_truth: bool) -> bool:
        """Whether a run measures it. `with_truth`: the clip's frames show the words that the output is judged by.

        Under foreign audio (the `cross` protocol) they do not, and are the input only.
        """
        return not self.only_without_truth if with_truth else self.level == "set" or "truth" not in self.needs


@dataclass(frozen=True)
class ClipScore:
    """What a scorer found in one clip."""

    values: Mapping[str, float] = field(default_factory=dict)
    """Clip metrics by `MetricInfo.column`; finite numbers only."""
    features: Mapping[str, NDArray[np.float32]] = field(default_factory=dict)
    """Features for set metrics by `MetricInfo.column`, each (frames, dimensions)."""
    per_frame: Mapping[str, NDArray[np.float32]] = field(default_factory=dict)
    """Curves for the report by `MetricInfo.column`, each (frames,)."""


class ClipAccumulator(Protocol):
    """A scorer at work on one clip: fed frame chunks in order, then asked for the result."""

    def update(self, output: NDArray[np.uint8], truth: NDArray[np.uint8]) -> None:
        """Take the next frames: both (n, size, size, 3) uint8 RGB, the same n."""
        ...

    def compute(self, audio: NDArray[np.int16]) -> ClipScore:
        """Close the clip; `audio` is the audio that the output is judged against. Raises `ClipError`."""
        ...


@runtime_checkable
class Scorer(Protocol):
    """A family of metrics computed in one pass; loaded once a run."""

    @property
    def metrics(self) -> tuple[MetricInfo, ...]:
        """The metrics it gives."""
        ...

    def open(self, clip: PreparedClip) -> ClipAccumulator:
        """Begin a clip (the ground truth's; the output has the same size and length)."""
        ...

    def pool(self, output: Sequence[NDArray[np.float32]], truth: Sequence[NDArray[np.float32]]) -> dict[str, float]:
        """Set metrics by column from per-clip features; scorers of clip metrics return an empty dict.

        All set metrics of one scorer have the same features. Called for all clips, and without each group of people in
        turn for intervals and tests (`harness.aggregation.pooling`), so its cost counts about a dozen times. Raises
        `ClipError`.
        """
        ...


@dataclass(frozen=True)
class ManyFeatures:
    """One side of a set metric that is too large for memory."""

    parts: Sequence[NDArray[np.float32]]
    """Features (rows, dimensions) clip by clip; an item is read when it is looked at and must not be kept."""
    moments: FeatureMoments
    """Their sums."""


@runtime_checkable
class PoolingScorer(Protocol):
    """A scorer whose set metrics need sums and some of the rows only; others get their rows a clip at a time."""

    def pool_many(self, output: ManyFeatures, truth: ManyFeatures) -> dict[str, float]:
        """What `Scorer.pool` gives, for any number of rows. Raises `ClipError`."""
        ...


@runtime_checkable
class CountedRows(Protocol):
    """Features in parts whose sizes are known without reading them; `ManyFeatures.parts` may be one."""

    def rows(self) -> NDArray[np.int64]:
        """(parts,) number of rows of each part."""
        ...


class ScorerClass(Protocol):
    """What the name of a scorer stands for: usually the class itself."""

    def __call__(self, *, device: str) -> Scorer:
        """The scorer, with its networks loaded. Raises `BenchError` (`AssetMissing`) where weights are missing."""
        ...

    def describe(self) -> tuple[MetricInfo, ...]:
        """The metrics it gives, before anything is loaded, in the order of the table's columns."""
        ...
