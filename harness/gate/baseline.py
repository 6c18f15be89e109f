"""The reference of a comparison: the numbers of a run and the share of each speaker in them."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, PrivateAttr

from bench_lipsync.harness.results.common_clips import Number, RunNumbers
from bench_lipsync.harness.results.schema import MetricRow, PeopleRecord, RunResult
from bench_lipsync.harness.util.files import sha256_json

BASELINE_VERSION = 1
COMPARED_SPEC = ("adapt", "dataset", "protocol", "seed", "size", "split")
"""Fields of the specification that must agree before numbers may be compared; clips and signatures come on top."""


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class ClipKey(_Part):
    """One clip that was scored."""

    identity: str
    content: str = ""
    """Beginning of the prepared clip's hash; empty for a clip that could not be prepared."""


class ColumnFacts(_Part):
    """Static facts of a column."""

    signature: str
    direction: Literal["higher", "lower", "none"]
    unit: str = ""


class SpeakerGroup(_Part):
    """Speakers that several numbers share."""

    clips: str
    """sha256 of the clips' ids."""
    groups: dict[str, float]
    """Clips of each speaker."""


class Value(_Part):
    """One number."""

    value: float | None = None
    """`None` where it could not be computed; `note` says why. Only in runs, never in a saved file."""
    n: int = 0
    """Clips behind it."""
    note: str = ""
    clips: str = ""
    """sha256 of the clips' ids where `people` does not say it."""
    people: str = ""
    """Key of `Baseline.people`; empty where the shares are unknown."""
    scale: Literal["linear", "log"] = "linear"
    sums: list[float] = Field(default_factory=list)
    """Share of each speaker (`harness.statistics.cluster_sums`), in the sorted order of their names."""


class BaselineRow(_Part):
    """One row of the table."""

    kind: str = "model"
    weights: str = "none"
    metrics: dict[str, Value] = Field(default_factory=dict)
    """By column, as `LSE-C[open-syncnet]`."""
    seconds: dict[str, float] = Field(default_factory=dict)
    """How long each clip took to generate."""


class Baseline(_Part):
    """Everything of a run that a comparison needs."""

    baseline: int = BASELINE_VERSION
    bench: str
    created: str
    device: str
    spec: dict[str, Any]
    """The fields of `COMPARED_SPEC`."""
    spec_hash: str
    clips: dict[str, ClipKey]
    columns: dict[str, ColumnFacts]
    people: dict[str, SpeakerGroup] = Field(default_factory=dict)
    models: dict[str, BaselineRow]
    stages: dict[str, float] = Field(default_factory=dict)
    """Seconds of the run's stages."""
    _run: RunNumbers | None = PrivateAttr(default=None)
    """The numbers of the run folder that it was made of, for the values of single clips; a file holds none."""

    def number(self, model: str, column: str) -> Number | None:
        """A number as it is compared with others; `None` where there is none."""
        row = self.models.get(model)
        value = row.metrics.get(column) if row else None
        if value is None or value.value is None:
            return None
        people = self._people_of(value)
        return Number(
            value.value,
            value.n,
            len(self.clips),
            value.clips or (people.clips if people else ""),
            people,
            self._run.by_clip(model, column) if self._run else dict,
            {clip: key.identity for clip, key in self.clips.items()},
        )

    def _people_of(self, value: Value) -> PeopleRecord | None:
        if not value.sums:
            return None
        people = self.people[value.people]
        names = sorted(people.groups)
        weights = [people.groups[name] for name in names]
        return PeopleRecord(groups=names, sums=value.sums, weights=weights, scale=value.scale, clips=people.clips)

    @property
    def measured(self) -> set[str]:
        """Columns in which some row has a value."""
        rows = self.models.values()
        return {column for row in rows for column, value in row.metrics.items() if value.value is not None}


def baseline_of(result: RunResult, folder: Path | None = None) -> Baseline:
    """The numbers of a run, for comparison; `folder` holds the values of single clips."""
    cards = {str(card.get("name")): card for card in result.models}
    people: dict[str, SpeakerGroup] = {}
    columns: dict[str, ColumnFacts] = {}
    values: dict[str, dict[str, Value]] = {name: {} for name in cards}
    for row in result.metrics:
        columns.setdefault(row.column, ColumnFacts(signature=row.signature, direction=row.direction, unit=row.unit))
        values.setdefault(row.model, {})[row.column] = _value(row, people)
    seconds = {record.model: record.seconds for record in result.speed}
    rows = {
        name: BaselineRow(
            kind=str(cards.get(name, {}).get("kind", "model")),
            weights=str(cards.get(name, {}).get("weights", "none")),
            metrics=metrics,
            seconds=seconds.get(name, {}),
        )
        for name, metrics in values.items()
    }
    clips = {clip.id: ClipKey(identity=clip.identity, content=(clip.content_hash or "")[:16]) for clip in result.clips}
    made = Baseline(
        bench=result.provenance.bench_version,
        created=result.created,
        device=result.provenance.device,
        spec={key: result.spec.get(key) for key in COMPARED_SPEC},
        spec_hash=result.spec_hash,
        clips=clips,
        columns=columns,
        people=people,
        models=rows,
        stages=result.timings,
    )
    made._run = RunNumbers(result, folder)
    return made


def _value(row: MetricRow, people: dict[str, SpeakerGroup]) -> Value:
    if row.value is None:
        return Value(note=row.note, n=row.n_ok)
    if row.people is None:
        return Value(value=row.value, n=row.n_ok, clips=row.clips)
    ordered = sorted(zip(row.people.groups, row.people.weights, row.people.sums, strict=True))
    group = SpeakerGroup(clips=row.people.clips, groups={name: weight for name, weight, _ in ordered})
    key = sha256_json(group.model_dump())[:8]
    people[key] = group
    return Value(value=row.value, n=row.n_ok, people=key, scale=row.people.scale, sums=[part for _, _, part in ordered])
