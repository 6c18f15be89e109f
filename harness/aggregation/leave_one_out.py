"""Leave-one-group-out pooling: a set metric over some clips, and again without each group of speakers.

Up to `IN_MEMORY` bytes of features are loaded at once. Beyond, every row is read once into sums (number, sum, sum of
products), a unit of speakers at a time; the sums of a union of units follow without the rows. Units are small, so that
a clip that one model failed on costs its unit again and nothing else, and every group that is left out is a union of
them. Sums are stored, so all pairs of models share them.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from functools import cached_property, reduce
from operator import add
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from bench_lipsync.harness.aggregation.stored_features import StoredFeatures
from bench_lipsync.harness.api.metric import ManyFeatures, PoolingScorer
from bench_lipsync.harness.errors import ClipError, Status
from bench_lipsync.harness.scoring.score_files import load_features
from bench_lipsync.harness.scoring.scorers import LoadedScorer
from bench_lipsync.harness.statistics.intervals import MIN_CLUSTERS
from bench_lipsync.harness.statistics.moments import FeatureMoments, moments
from bench_lipsync.harness.store.store import Store

IN_MEMORY = 64 << 20
"""Bytes of one side's features up to which all of them are loaded at once: 8192 frames of FID's."""
MAX_UNITS = 128
"""More speakers than this share units."""
_SUMS_VERSION = 1


@dataclass(frozen=True)
class LeaveOneOut:
    """The set metrics of one scorer for one model; both sides have the same clips in the same order."""

    loaded: LoadedScorer
    output: Mapping[str, Path]
    """Files with the model's features, by clip."""
    truth: Mapping[str, Path]
    """Files with the ground truth's."""
    identities: Mapping[str, str]
    groups: Mapping[str, str]
    """The group that each clip is left out with."""
    store: Store

    def compute(self, *, with_spread: bool) -> dict[str, object]:
        """The fields of `pooling.Pooled`; without the values for each group if not `with_spread`.

        Raises:
            ClipError: The scorer cannot give a finite value.

        """
        counts = dict(Counter(self.groups.values()))
        left_out = sorted(counts) if with_spread and len(counts) >= MIN_CLUSTERS else []
        features = StoredFeatures(list(self.truth.values()), self._column)
        samples, dimensions = int(features.rows().sum()), features.dimensions
        small = samples * dimensions * 4 <= IN_MEMORY
        by_sums = isinstance(self.loaded.scorer, PoolingScorer)
        value = self._in_memory if small else self._by_sums if by_sums else self._clip_by_clip
        return {
            "values": _finite(value(None)),
            "without": {group: _finite(value(group)) for group in left_out},
            "clips": counts,
            "samples": samples,
            "dimensions": dimensions,
        }

    @cached_property
    def _column(self) -> str:
        return next(info.column for info in self.loaded.scorer.metrics if info.level == "set")

    def _kept(self, without: str | None) -> list[str]:
        return [clip for clip in self.output if self.groups[clip] != without]

    def _in_memory(self, without: str | None) -> dict[str, float]:
        kept = self._kept(without)
        output, truth = ([side[clip] for clip in kept] for side in self._arrays)
        return self.loaded.scorer.pool(output, truth)

    @cached_property
    def _arrays(self) -> list[dict[str, NDArray[np.float32]]]:
        return [
            {clip: load_features(path, self._column) for clip, path in side.items()}
            for side in (self.output, self.truth)
        ]

    def _by_sums(self, without: str | None) -> dict[str, float]:
        scorer = self.loaded.scorer
        if not isinstance(scorer, PoolingScorer):
            raise TypeError(f"{self.loaded.name} cannot pool sums")
        kept = self._kept(without)
        output, truth = (
            ManyFeatures(StoredFeatures([files[clip] for clip in kept], self._column), sums.without(without))
            for files, sums in zip((self.output, self.truth), self._sums, strict=True)
        )
        return scorer.pool_many(output, truth)

    @cached_property
    def _sums(self) -> list[_SideSums]:
        return [
            _SideSums(unit_sums(side, self._column, self.identities), self._group_units, self.store)
            for side in (self.output, self.truth)
        ]

    @cached_property
    def _group_units(self) -> dict[str, list[str]]:
        """Units of each group, sorted."""
        units = speaker_units({self.identities[clip] for clip in self.output})
        members: dict[str, set[str]] = {}
        for clip in self.output:
            members.setdefault(self.groups[clip], set()).add(units[self.identities[clip]])
        return {group: sorted(names) for group, names in members.items()}

    def _clip_by_clip(self, without: str | None) -> dict[str, float]:
        """For scorers that cannot pool sums: as much memory as they take themselves."""
        kept = self._kept(without)
        output, truth = (
            StoredFeatures([side[clip] for clip in kept], self._column) for side in (self.output, self.truth)
        )
        return self.loaded.scorer.pool(output, truth)


def speaker_units(speakers: set[str]) -> dict[str, str]:
    """Unit of every speaker: itself, or with more than `MAX_UNITS` speakers one chosen by the hash of the name."""
    if len(speakers) <= MAX_UNITS:
        return {name: name for name in speakers}
    numbers = {name: int(hashlib.sha256(name.encode()).hexdigest()[:8], 16) % MAX_UNITS for name in speakers}
    return {name: f"unit-{number:03d}" for name, number in numbers.items()}


@dataclass(frozen=True)
class UnitSums:
    """The sums of one unit's features of one model, in the store once they were needed."""

    files: tuple[Path, ...]
    column: str

    def make(self, store: Store) -> FeatureMoments:
        """From the store if nothing changed; reads each file once otherwise."""
        features = StoredFeatures(self.files, self.column)
        entries = [Store.content_hash(path) for path in self.files]
        parts = {"version": _SUMS_VERSION, "column": self.column, "features": entries}

        def build(folder: Path) -> None:
            moments(features, features.dimensions).save(folder / "moments.safetensors")

        return FeatureMoments.load(store.make("moments", parts, build).path / "moments.safetensors")


def unit_sums(files: Mapping[str, Path], column: str, identities: Mapping[str, str]) -> dict[str, UnitSums]:
    """The sums of one side by unit, sorted; `files` of features by clip."""
    units = speaker_units({identities[clip] for clip in files})
    members: dict[str, list[Path]] = {}
    for clip in sorted(files):
        members.setdefault(units[identities[clip]], []).append(files[clip])
    return {unit: UnitSums(tuple(members[unit]), column) for unit in sorted(members)}


class _SideSums:
    """Sums of one side, of all clips and without a group; in memory are those of all clips and of one unit."""

    def __init__(self, sums: Mapping[str, UnitSums], group_units: Mapping[str, Collection[str]], store: Store) -> None:
        self._sums, self._group_units, self._store = sums, group_units, store
        self._all = self._total(sums)

    def without(self, group: str | None) -> FeatureMoments:
        return self._all if group is None else self._all - self._total(self._group_units[group])

    def _total(self, units: Collection[str]) -> FeatureMoments:
        return reduce(add, (self._sums[unit].make(self._store) for unit in units))


def _finite(values: Mapping[str, float]) -> dict[str, float]:
    bad = [column for column, value in values.items() if not np.isfinite(value)]
    if bad:
        raise ClipError(Status.METRIC_FAILED, f"not a finite number: {', '.join(bad)}")
    return {column: float(value) for column, value in values.items()}
