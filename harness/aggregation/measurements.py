"""The measurements of a run by row and column, as aggregation and tests need them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bench_lipsync.harness.aggregation.pooling import Pooled, Side, pool
from bench_lipsync.harness.api.clip import PreparedClip
from bench_lipsync.harness.errors import ClipError
from bench_lipsync.harness.results.model_run import ModelRun
from bench_lipsync.harness.scoring.scorers import LoadedScorer, ScorerSet
from bench_lipsync.harness.statistics.cluster_sums import ClusterSums, bundles, from_members
from bench_lipsync.harness.store.store import Store
from bench_lipsync.harness.util.files import sha256_json


class _Columns:
    """What was looked up so far, by row and column."""

    def __init__(self) -> None:
        self.read: set[str] = set()
        self.values: dict[tuple[str, str], NDArray[np.float64]] = {}
        self.features: dict[tuple[str, str], Side] = {}
        self.pooled: dict[tuple[str, str, str], Pooled | ClipError] = {}


@dataclass(frozen=True)
class Measurements:
    """All measurements of a run. What is looked up is kept."""

    runs: Sequence[ModelRun]
    clips: Mapping[str, PreparedClip]
    scorers: ScorerSet
    n_total: int
    """Requested clips."""
    seed: int
    store: Store
    _cache: _Columns = field(default_factory=_Columns, init=False, repr=False, compare=False)

    @property
    def truth(self) -> ModelRun | None:
        """The ground truth's row, if there is one."""
        return next((run for run in self.runs if run.name == "ground-truth"), None)

    @cached_property
    def ids(self) -> tuple[str, ...]:
        """Ids of all prepared clips, sorted: the order of `values`."""
        return tuple(sorted(self.clips))

    @cached_property
    def identities(self) -> dict[str, str]:
        """Speaker by clip id."""
        return {clip.id: clip.identity for clip in self.clips.values()}

    def values(self, run: ModelRun, column: str) -> NDArray[np.float64]:
        """(clips,) a clip metric in the order of `ids`, NaN where a clip has none."""
        key = (run.name, column)
        if run.name not in self._cache.read:
            self._read(run)
        values = self._cache.values.get(key)
        return np.full(len(self.ids), np.nan) if values is None else values

    def features(self, run: ModelRun, column: str) -> Side:
        """The files with the features of a set metric."""
        key = (run.name, column)
        if key not in self._cache.features:
            self._cache.features[key] = Side(
                {
                    clip: self.store.file(run.scores[clip].features[column])
                    for clip in self.ids
                    if _has(run, clip, column)
                }
            )
        return self._cache.features[key]

    def cluster_sums(self, values: NDArray[Any], chosen: NDArray[np.bool_]) -> ClusterSums:
        """The mean of a clip metric over the `chosen` clips as sums over speakers.

        Args:
            values: (clips,) as of `values`.
            chosen: (clips,) a mask.

        """
        groups, members = self._groups
        return from_members(values[chosen], members[chosen], groups)

    def speakers_in(self, chosen: NDArray[np.bool_]) -> int:
        """Number of speakers of the `chosen` clips."""
        return len(np.unique(self._speakers[chosen]))

    def ids_of(self, chosen: NDArray[np.bool_]) -> list[str]:
        """Ids of the `chosen` clips, sorted."""
        return [self.ids[place] for place in np.flatnonzero(chosen)]

    def pooled(self, loaded: LoadedScorer, run: ModelRun, clips: set[str]) -> Pooled:
        """Set metrics of `run` over `clips`, of which the ground truth has features too. Raises `ClipError`."""
        if self.truth is None:
            raise ValueError("set metrics need the ground truth")
        key = (loaded.name, run.name, sha256_json(sorted(clips)))
        if key not in self._cache.pooled:
            column = next(info.column for info in loaded.wanted if info.level == "set")
            output, truth = self.features(run, column).only(clips), self.features(self.truth, column).only(clips)
            try:
                self._cache.pooled[key] = pool(loaded, output, truth, self.identities, self.store)
            except ClipError as error:
                self._cache.pooled[key] = error
        pooled = self._cache.pooled[key]
        if isinstance(pooled, ClipError):
            raise pooled
        return pooled

    @cached_property
    def _speakers(self) -> NDArray[np.intp]:
        """(clips,) number of the speaker."""
        return np.unique([self.identities[clip] for clip in self.ids], return_inverse=True)[1]

    @cached_property
    def _groups(self) -> tuple[tuple[str, ...], NDArray[np.intp]]:
        """Names of the clusters of `cluster_sums`, sorted, and (clips,) the number of each clip's."""
        group = bundles(set(self.identities.values()))
        names, members = np.unique([group[self.identities[clip]] for clip in self.ids], return_inverse=True)
        return tuple(map(str, names)), members

    def _read(self, run: ModelRun) -> None:
        """All columns of a row in one pass over its clips."""
        self._cache.read.add(run.name)
        for place, clip in enumerate(self.ids):
            scores = run.scores.get(clip)
            for column, value in scores.values.items() if scores is not None else ():
                key = (run.name, column)
                if key not in self._cache.values:
                    self._cache.values[key] = np.full(len(self.ids), np.nan)
                self._cache.values[key][place] = value


def _has(run: ModelRun, clip: str, column: str) -> bool:
    scores = run.scores.get(clip)
    return scores is not None and column in scores.features
