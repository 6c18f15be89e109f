"""Values of set metrics over some clips and without each group of people: in memory only where they fit."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np

from bench_lipsync.harness.aggregation.pool_moments import ManySide
from bench_lipsync.harness.aggregation.stored_features import StoredFeatures
from bench_lipsync.harness.api.metric import PoolingScorer
from bench_lipsync.harness.errors import ClipError, Status
from bench_lipsync.harness.scoring.score_files import load_features
from bench_lipsync.harness.scoring.scorers import LoadedScorer
from bench_lipsync.harness.statistics.intervals import MIN_CLUSTERS
from bench_lipsync.harness.store.store import Store

IN_MEMORY = 64 << 20
"""Bytes of one side's features up to which all of them are loaded at once: 8192 frames of FID's."""


@dataclass(frozen=True)
class PoolWork:
    """What there is to compute for one scorer and one model; both sides have the same clips in the same order."""

    loaded: LoadedScorer
    output: Mapping[str, Path]
    truth: Mapping[str, Path]
    identities: Mapping[str, str]
    groups: Mapping[str, str]
    store: Store

    def compute(self, *, apart: bool) -> dict[str, object]:
        """Fields of `harness.aggregation.pooling.Pooled`. Raises `ClipError`.

        `apart` is false for the ground truth against itself, whose value is 0 by definition and has no spread.
        """
        counts = dict(Counter(self.groups.values()))
        left_out = sorted(counts) if apart and len(counts) >= MIN_CLUSTERS else []
        features = StoredFeatures(list(self.truth.values()), self._column)
        samples, dimensions = int(features.rows().sum()), features.dimensions
        small = samples * dimensions * 4 <= IN_MEMORY
        values = self._in_memory if small else self._by_sums if self._sums else self._clip_by_clip
        return {
            "values": values(None),
            "without": {group: values(group) for group in left_out},
            "clips": counts,
            "samples": samples,
            "dimensions": dimensions,
        }

    @cached_property
    def _column(self) -> str:
        return next(info.column for info in self.loaded.scorer.metrics if info.level == "set")

    @property
    def _sums(self) -> bool:
        return isinstance(self.loaded.scorer, PoolingScorer)

    def _kept(self, without: str | None) -> list[str]:
        return [clip for clip in self.output if self.groups[clip] != without]

    def _in_memory(self, without: str | None) -> dict[str, float]:
        made, real = self._arrays
        kept = self._kept(without)
        return _finite(self.loaded.scorer.pool([made[clip] for clip in kept], [real[clip] for clip in kept]))

    @cached_property
    def _arrays(self) -> tuple[dict[str, np.ndarray], dict[str, np.ndarray]]:
        made, real = (
            {clip: load_features(path, self._column) for clip, path in side.items()}
            for side in (self.output, self.truth)
        )
        return made, real

    def _by_sums(self, without: str | None) -> dict[str, float]:
        scorer = self.loaded.scorer
        if not isinstance(scorer, PoolingScorer):
            raise TypeError(f"{self.loaded.name} cannot pool sums")
        made, real = self._many
        if without is None:
            return _finite(scorer.pool_many(made.whole(), real.whole()))
        return _finite(scorer.pool_many(made.without(without), real.without(without)))

    @cached_property
    def _many(self) -> tuple[ManySide, ManySide]:
        made, real = (
            ManySide(side, self._column, self.identities, self.groups, self.store) for side in (self.output, self.truth)
        )
        return made, real

    def _clip_by_clip(self, without: str | None) -> dict[str, float]:
        """For scorers that know nothing of sums: as much memory as they take themselves."""
        kept = self._kept(without)
        made, real = (StoredFeatures([side[clip] for clip in kept], self._column) for side in (self.output, self.truth))
        return _finite(self.loaded.scorer.pool(made, real))


def _finite(values: Mapping[str, float]) -> dict[str, float]:
    bad = [column for column, value in values.items() if not np.isfinite(value)]
    if bad:
        raise ClipError(Status.METRIC_FAILED, f"not a finite number: {', '.join(bad)}")
    return {column: float(value) for column, value in values.items()}
