"""Set metrics over a model's clips, and again without each group of people: what their intervals and tests are made of.

A resample by drawing clips with replacement would hold the same frames several times, which FID takes for a smaller
spread; leaving people out never does. It costs one more value per group, so people beyond `MAX_GROUPS` are bundled, and
results are stored.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from bench_lipsync.harness.aggregation.pool_moments import people_units
from bench_lipsync.harness.aggregation.pool_values import PoolWork
from bench_lipsync.harness.api.metric import MetricInfo
from bench_lipsync.harness.errors import Status
from bench_lipsync.harness.scoring.scorers import LoadedScorer
from bench_lipsync.harness.statistics.cluster_sums import ClusterSums, from_left_out
from bench_lipsync.harness.store.store import Store
from bench_lipsync.harness.util.files import sha256_json

MAX_GROUPS = 12
"""More people than this are bundled into as many groups of about equally many clips."""
_VERSION = 1
_LISTED = 1000
"""Clips up to which an entry's key lists them; beyond, their hash says the same in less room."""


@dataclass(frozen=True)
class Side:
    """Stored features of one model, or of the ground truth, by clip."""

    files: Mapping[str, Path]

    def only(self, clips: set[str]) -> Side:
        """The same for some of the clips, in the order of their ids."""
        return Side({clip: self.files[clip] for clip in sorted(clips & set(self.files))})

    @property
    def keys(self) -> dict[str, str]:
        """What the features are, by clip: the names of their entries in the store, which hash all they come from."""
        return {clip: Store.content_hash(path) for clip, path in self.files.items()}


@dataclass(frozen=True)
class Pooled:
    """The set metrics of one scorer for one model."""

    values: Mapping[str, float]
    """By column."""
    without: Mapping[str, Mapping[str, float]]
    """By group that was left out, then by column; empty where there are too few people."""
    clips: Mapping[str, int]
    """Clips of each group."""
    samples: int
    """Rows of features that the ground truth has: frames, or windows of video."""
    dimensions: int

    def people(self, info: MetricInfo) -> ClusterSums | None:
        """What each group adds to the value, on the scale of `scale_of`; `None` where that cannot be said."""
        values = {group: found[info.column] for group, found in self.without.items()}
        value = self.values[info.column]
        if not values:
            return None
        if scale_of(info) == "linear":
            return from_left_out(value, values, self.clips)
        if min(value, *values.values()) <= 0:
            return None
        logs = {group: float(np.log(found)) for group, found in values.items()}
        return from_left_out(float(np.log(value)), logs, self.clips)

    def note(self, info: MetricInfo) -> str:
        """What a reader of the value must know."""
        if scale_of(info) == "linear" or self.samples >= self.dimensions:
            return ""
        return f"{self.samples} samples (frames or windows); below {self.dimensions} the distance is biased upwards"


def scale_of(info: MetricInfo) -> str:
    """`log` for pooled distances that cannot be negative, whose spread grows with them; else `linear`."""
    return "log" if info.level == "set" and info.range == (0.0, None) else "linear"


def pool(loaded: LoadedScorer, output: Side, truth: Side, identities: Mapping[str, str], store: Store) -> Pooled:
    """All set metrics of `loaded` over the clips of `output`, which `truth` has too, from the store if nothing changed.

    Raises `ClipError` where the scorer cannot give a value.
    """
    real = Side({clip: truth.files[clip] for clip in output.files})
    groups = group_people({clip: identities[clip] for clip in output.files})
    made = output.keys
    parts = {
        "version": _VERSION,
        "scorer": loaded.name,
        "fingerprint": loaded.fingerprint,
        "output": _short(made),
        "truth": _short(truth.keys),
        "groups": _short(groups),
    }

    def build(folder: Path) -> None:
        found = PoolWork(loaded, output.files, real.files, identities, groups, store).compute(apart=made != real.keys)
        (folder / "pooled.json").write_text(json.dumps(found), encoding="utf-8")

    entry = store.make("pool", parts, build, remember=frozenset({Status.METRIC_FAILED}))
    return Pooled(**json.loads((entry.path / "pooled.json").read_text(encoding="utf-8")))


def group_people(identities: Mapping[str, str]) -> dict[str, str]:
    """Group of every clip: its person, or with more than `MAX_GROUPS` people a bundle of them.

    Bundles are filled by the hash of the people's names (of their units' where `people_units` has put several
    together), always the one with the fewest clips, so that two models over the same clips have the same groups.
    """
    people = set(identities.values())
    if len(people) <= MAX_GROUPS:
        return dict(identities)
    units = people_units(people)
    sizes: dict[str, int] = {}
    for person in identities.values():
        sizes[units[person]] = sizes.get(units[person], 0) + 1
    filled = [0] * MAX_GROUPS
    bundle: dict[str, int] = {}
    for unit in sorted(sizes, key=lambda name: (-sizes[name], hashlib.sha256(name.encode()).hexdigest())):
        bundle[unit] = filled.index(min(filled))
        filled[bundle[unit]] += sizes[unit]
    return {clip: f"people-{bundle[units[person]] + 1:02d}" for clip, person in identities.items()}


def _short(facts: Mapping[str, str]) -> object:
    return dict(facts) if len(facts) <= _LISTED else {"clips": len(facts), "sha256": sha256_json(facts)}
