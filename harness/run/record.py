"""The record of a run or of a shard, as plain data: what the run folder is written from.

It refers to results in the store and holds none of them but single numbers. As JSON it travels in `shard.json`, where
its fields are keys.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from bench_lipsync.harness.results.model_run import ModelRun
from bench_lipsync.harness.results.schema import Provenance
from bench_lipsync.harness.run.work_items import FootageRef, PairResult
from bench_lipsync.harness.scoring.score import FailureRecord

PairRecord = PairResult | FailureRecord


@dataclass(slots=True)
class ClipRecord:
    """What happened to one clip."""

    id: str
    identity: str
    entry: str | None = None
    """The prepared clip."""
    trouble: FailureRecord | None = None
    """Why it could not be prepared."""
    donor: str | None = None
    """Id of the clip whose audio it gets where it must not be its own."""
    footage: FootageRef | None = None


@dataclass(slots=True)
class RowRecord:
    """What happened in one row."""

    name: str
    mode: str = "zero-shot"
    unavailable: str = ""
    refused: dict[str, str] = field(default_factory=dict)
    """Metrics that do not apply to the model: reason by column."""
    pairs: dict[str, PairRecord] = field(default_factory=dict)
    """By clip id, in the order of the clips; only of clips that could be prepared."""


@dataclass(slots=True)
class RunRecord:
    """A run, or a shard of one."""

    spec_hash: str
    clips: list[ClipRecord]
    rows: list[RowRecord]
    cards: list[dict[str, Any]]
    """Model cards, in the order of the rows."""
    notices: list[str]
    """Of the dataset."""
    caveats: list[str]
    """Of the models."""
    signatures: list[str]
    """Of all requested metrics."""
    provenance: Provenance
    timings: dict[str, float] = field(default_factory=dict)
    """Seconds of work by stage, summed over the workers."""

    def files(self) -> Iterator[str]:
        """Every reference into the store."""
        for clip in self.clips:
            yield from (ref for ref in (clip.entry, clip.footage.entry if clip.footage else None) if ref)
        for row in self.rows:
            for pair in row.pairs.values():
                if isinstance(pair, PairResult):
                    yield from (ref for ref in (pair.video, pair.preview) if ref)
                    yield from pair.features.values()
                    yield from pair.curves.values()


def model_runs(record: RunRecord) -> list[ModelRun]:
    """The rows as aggregation takes them."""
    unprepared = {clip.id: clip.trouble for clip in record.clips if clip.trouble}
    runs = []
    for row in record.rows:
        run = ModelRun(row.name, unavailable=row.unavailable, mode=row.mode, refused=row.refused)
        if not row.unavailable:
            run.failures.update(unprepared)
        for clip, pair in row.pairs.items():
            if isinstance(pair, FailureRecord):
                run.failures[clip] = pair
                continue
            run.scores[clip] = pair
            run.notes[clip] = pair.notes
            if pair.seconds is not None:
                run.seconds[clip] = pair.seconds
        runs.append(run)
    return runs
