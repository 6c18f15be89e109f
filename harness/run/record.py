"""All that happened in a run, or in a part of one, as plain data: what the run folder is written from.

It refers to results in the store and holds none of them but single numbers. As JSON it travels in `shard.json`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from bench_lipsync.harness.results.model_run import ModelRun
from bench_lipsync.harness.results.schema import Provenance
from bench_lipsync.harness.run.tasks import FootageRef, PairDone, Trouble
from bench_lipsync.harness.scoring.score import Scores
from bench_lipsync.harness.store.store import Store


@dataclass(slots=True)
class ClipLine:
    """What is known of one clip."""

    id: str
    identity: str
    entry: str | None = None
    """The prepared clip."""
    trouble: Trouble | None = None
    """Why there is none."""
    donor: str | None = None
    """Id of the clip whose sound it gets where it must not be its own."""
    footage: FootageRef | None = None


@dataclass(slots=True)
class RowLine:
    """What happened in one row."""

    name: str
    mode: str = "zero-shot"
    unavailable: str = ""
    refused: dict[str, str] = field(default_factory=dict)
    """Metrics that say nothing about the model, by column, and why."""
    pairs: dict[str, PairDone | Trouble] = field(default_factory=dict)
    """By clip id, in the order of the clips; only of clips that could be prepared."""


@dataclass(slots=True)
class Ledger:
    """A run, or a part of one."""

    spec_hash: str
    clips: list[ClipLine]
    rows: list[RowLine]
    cards: list[dict[str, Any]]
    """Model cards, in the order of the rows."""
    notices: list[str]
    """Of the dataset."""
    caveats: list[str]
    """Of the models."""
    signatures: list[str]
    """Of all metrics asked for."""
    provenance: Provenance
    timings: dict[str, float] = field(default_factory=dict)
    """Seconds of work by stage, summed over the workers."""

    def files(self) -> Iterator[str]:
        """Every reference into the store."""
        for clip in self.clips:
            yield from (ref for ref in (clip.entry, clip.footage.entry if clip.footage else None) if ref)
        for row in self.rows:
            for pair in row.pairs.values():
                if isinstance(pair, PairDone):
                    yield from (ref for ref in (pair.video, pair.preview) if ref)
                    yield from pair.features.values()
                    yield from pair.curves.values()


def model_runs(ledger: Ledger, store: Store) -> list[ModelRun]:
    """The rows as aggregation wants them."""
    unprepared = {clip.id: clip.trouble.error() for clip in ledger.clips if clip.trouble}
    runs = []
    for row in ledger.rows:
        run = ModelRun(row.name, unavailable=row.unavailable, mode=row.mode, refused=row.refused)
        if not row.unavailable:
            run.failures.update(unprepared)
        for clip, pair in row.pairs.items():
            if isinstance(pair, Trouble):
                run.failures[clip] = pair.error()
                continue
            run.scores[clip] = _scores(pair, store)
            run.notes[clip] = pair.notes
            if pair.seconds is not None:
                run.seconds[clip] = pair.seconds
        runs.append(run)
    return runs


def _scores(pair: PairDone, store: Store) -> Scores:
    return Scores(
        values=pair.values,
        features=_Files(pair.features, store),
        curves=_Files(pair.curves, store),
        failures=[trouble.error() for trouble in pair.failures],
    )


class _Files(Mapping[str, Path]):
    """References as files of the store, each made when it is looked at: a large run has millions."""

    __slots__ = ("_refs", "_store")

    def __init__(self, refs: Mapping[str, str], store: Store) -> None:
        self._refs, self._store = refs, store

    def __getitem__(self, column: str) -> Path:
        return self._store.file(self._refs[column])

    def __contains__(self, column: object) -> bool:
        return column in self._refs

    def __iter__(self) -> Iterator[str]:
        return iter(self._refs)

    def __len__(self) -> int:
        return len(self._refs)
