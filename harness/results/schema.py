"""The schema of `run.json` and `clips.parquet`; reads and writes `run.json`.

`run.json` is a `RunResult`. `clips.parquet` has one row per model and clip: `model, clip, identity, status, reason,
note`, then one column per clip-level metric named `NAME[variant]`.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Literal

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, model_validator

from bench_lipsync.harness.errors import BenchError, validate
from bench_lipsync.harness.statistics.cluster_sums import ClusterSums
from bench_lipsync.harness.util.files import write_text_atomically
from bench_lipsync.harness.util.sanitize import shown
from bench_lipsync.harness.util.text_files import read_text

if TYPE_CHECKING:
    pass

SCHEMA_VERSION = 1
RUN_FILE = "run.json"
CLIPS_FILE = "clips.parquet"
MAX_BYTES = 512 << 20
"""Of `run.json`; that of 36,237 clips and 14 rows has 26 MB."""
CLIP_COLUMNS = ("model", "clip", "identity", "status", "reason", "note")


class _Record(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class PeopleRecord(_Record):
    """The sums over speakers behind a number (`statistics.cluster_sums`), so that any two rows can be tested later."""

    groups: list[str]
    """Speakers, or bundles of them; sorted."""
    sums: list[float]
    weights: list[float]
    """Clips of each."""
    scale: Literal["linear", "log"] = "linear"
    """`log`: sums are of the value's natural logarithm."""
    clips: str
    """sha256 of the ids of the clips: rows with equal ones are over the same clips."""

    @model_validator(mode="after")
    def _each_has_all(self) -> PeopleRecord:
        if not len(self.groups) == len(self.sums) == len(self.weights):
            raise ValueError("groups, sums and weights are not equally many")
        return self

    def clusters(self) -> ClusterSums:
        """The sums as intervals and tests take them."""
        return ClusterSums(tuple(self.groups), np.array(self.sums), np.array(self.weights))


class MetricRow(_Record):
    """One number of the results table."""

    model: str
    mode: str
    """`zero-shot`; adaptation adds `adapted`."""
    name: str
    variant: str
    signature: str
    """Everything that changes the number; rows with different signatures never share a column."""
    direction: Literal["higher", "lower", "none"]
    unit: str = ""
    level: Literal["clip", "set"] = "clip"
    value: float | None = None
    """`None` where it could not be computed; `note` says why. Never 0 in its place."""
    ci_low: float | None = None
    ci_high: float | None = None
    """95% interval over identities; `None` where the sample is too small for one."""
    n_ok: int = 0
    """Clips behind the value."""
    n_total: int = 0
    """Requested clips."""
    clips: str = ""
    """sha256 of the ids of the clips behind the value; empty in runs of older versions."""
    note: str = ""
    from_truth: float | None = None
    """|value - ground truth's value| over the clips that both have; `None` for metrics that compare with the ground
    truth themselves, and where it has no value."""
    n_from_truth: int = 0
    """Clips behind `from_truth`; 0 in runs of older versions."""
    people: PeopleRecord | None = None
    """`None` where the value or its parts could not be computed."""

    FOR_TESTS: ClassVar = frozenset({"clips", "people"})
    """Fields that only comparisons need; lists of numbers leave them out."""

    @property
    def column(self) -> str:
        """`NAME[variant]`, the column of `clips.parquet` for clip-level metrics."""
        return f"{self.name}[{self.variant}]"


class ClipFacts(_Record):
    """Facts about one clip, as prepared."""

    id: str
    identity: str
    status: str
    reason: str = ""
    frames: int | None = None
    seconds: float | None = None
    content_hash: str | None = None
    donor: str | None = None
    """The clip whose audio this one gets in the `shuffled-audio` row and in the `cross` protocol."""


class Failure(_Record):
    """A (model, clip) pair that did not end in `ok`."""

    model: str
    clip: str
    status: str
    reason: str


class PairTest(_Record):
    """A paired test of two models over the clips that both have."""

    one: str
    two: str
    """Names of the rows."""
    column: str
    difference: float | None = None
    """Value of `one` minus that of `two` over the common clips."""
    p: float | None = None
    """Two-sided, uncorrected; `None` where it could not be tested, and `note` says why."""
    p_holm: float | None = None
    """Corrected over all tests of this run."""
    n_clips: int = 0
    n_people: int = 0
    note: str = ""


class SpeedRecord(_Record):
    """Generation times of one row."""

    model: str
    """Name of the row."""
    seconds: dict[str, float]
    """By clip id: wall time of generating it, decoding and writing included, measured when its frames were made; a run
    that took them from the store repeats that measurement."""


class Provenance(_Record):
    """Provenance of the numbers."""

    bench_version: str
    python: str
    platform: str
    device: str
    git: dict[str, Any] | None = None
    """`commit` and `dirty` of the checkout that the code was run from, if it was one."""
    packages: dict[str, str] = Field(default_factory=dict)
    ffmpeg: dict[str, str] = Field(default_factory=dict)
    assets: dict[str, str] = Field(default_factory=dict)
    """sha256 of every weight file in the cache that this run could use."""


class RunResult(_Record):
    """`run.json`."""

    schema_version: int = SCHEMA_VERSION
    status: Literal["complete", "partial"]
    """`partial` where something that was asked for failed: a requested row on a clip, or a requested metric. Bound
    rows, metrics that do not apply to a model and variants that the metric's name brings along are not asked for."""
    created: str
    spec: dict[str, Any]
    spec_hash: str
    notices: list[str] = Field(default_factory=list)
    provenance: Provenance
    models: list[dict[str, Any]]
    """Model cards, in the order of the table's rows."""
    metrics: list[MetricRow]
    tests: list[PairTest] = Field(default_factory=list)
    """Every two requested models on every metric with a better direction."""
    clips: list[ClipFacts]
    failures: list[Failure]
    timings: dict[str, float] = Field(default_factory=dict)
    """Seconds of work by stage, summed over the workers: `footage`, `prepare` and the names of the rows; close to 0 for
    what was in the store. The driver's own work is in the profile."""
    speed: list[SpeedRecord] = Field(default_factory=list)
    """Of every row that generated frames; empty in runs of older versions."""

    @model_validator(mode="after")
    def _cards_have_names(self) -> RunResult:
        if not all(isinstance(card.get("name"), str) for card in self.models):
            raise ValueError("a model has no name")
        return self

    def test(self, one: str, two: str, column: str) -> PairTest | None:
        """The run's own test of two rows, turned so that the difference is `one` minus `two`."""
        for test in self.tests:
            if test.column == column and (test.one, test.two) == (one, two):
                return test
            if test.column == column and (test.two, test.one) == (one, two):
                turned = None if test.difference is None else -test.difference
                return test.model_copy(update={"one": one, "two": two, "difference": turned})
        return None

    def rows_with_values(self) -> dict[str, dict[str, MetricRow]]:
        """Rows of `metrics` that have a value, by model (in the order of `models`) and column."""
        rows: dict[str, dict[str, MetricRow]] = {str(card.get("name")): {} for card in self.models}
        for row in self.metrics:
            if row.value is not None:
                rows.setdefault(row.model, {})[row.column] = row
        return {name: columns for name, columns in rows.items() if columns}


def write_result(result: RunResult, folder: Path) -> Path:
    """Write `run.json` atomically."""
    return write_text_atomically(folder / RUN_FILE, result.model_dump_json(indent=1) + "\n")


def read_result(folder: Path) -> RunResult:
    """Read a run folder's `run.json`. Raises `BenchError` for a missing or damaged file, or a newer schema."""
    path = folder / RUN_FILE
    if not path.is_file():
        raise BenchError(f"{folder} is not a run folder: it has no {RUN_FILE}; `bench run --out {folder}` makes one")
    again = "make the run folder again"
    try:
        data = json.loads(read_text(path, "the run", MAX_BYTES), parse_constant=_refuse)
    except (ValueError, RecursionError) as error:
        raise BenchError(f"{shown(path)} is damaged ({str(error)[:200]}); {again}") from None
    if not isinstance(data, dict):
        raise BenchError(f"{shown(path)} holds a {type(data).__name__} and not a run; {again}")
    version = data.get("schema_version")
    if version != SCHEMA_VERSION:
        raise BenchError(f"{path} has schema version {version}, this bench reads {SCHEMA_VERSION}; update bench")
    return validate(RunResult, data, f"{shown(path)} is damaged", again)


def _refuse(constant: str) -> None:
    """`NaN` and infinities, which are no JSON and which `bench` never writes."""
    raise ValueError(f"{constant} is no number")
