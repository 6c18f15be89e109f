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
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from harness.contributions import Contributions, from_left_out
from harness.intervals import MIN_PEOPLE
from harness.metric import MetricInfo
from harness.scorers import LoadedScorer
from harness.scoring import load_features
from harness.status import ClipError, Status
from harness.store import Store

MAX_GROUPS = 12
"""More people than this are bundled into as many groups of about equally many clips."""
_VERSION = 1

Features: TypeAlias = dict[str, NDArray[np.float32]]


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
        return {clip: path.parent.name for clip, path in self.files.items()}


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

    def people(self, info: MetricInfo) -> Contributions | None:
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
    groups = group_people({clip: identities[clip] for clip in output.files})
    parts = {
        "version": _VERSION,
        "scorer": loaded.name,
        "fingerprint": loaded.fingerprint,
        "output": output.keys,
        "truth": truth.keys,
        "groups": groups,
    }

    def build(folder: Path) -> None:
        (folder / "pooled.json").write_text(json.dumps(_compute(loaded, output, truth, groups)), encoding="utf-8")

    entry = store.make("pool", parts, build, remember=frozenset({Status.METRIC_FAILED}))
    return Pooled(**json.loads((entry.path / "pooled.json").read_text(encoding="utf-8")))


def group_people(identities: Mapping[str, str]) -> dict[str, str]:
    """Group of every clip: its person, or with more than `MAX_GROUPS` people a bundle of them.

    Bundles are filled by the hash of the people's names, always the one with the fewest clips, so that two models over
    the same clips have the same groups.
    """
    sizes: dict[str, int] = {}
    for person in identities.values():
        sizes[person] = sizes.get(person, 0) + 1
    if len(sizes) <= MAX_GROUPS:
        return dict(identities)
    filled = [0] * MAX_GROUPS
    bundle: dict[str, int] = {}
    for person in sorted(sizes, key=lambda name: (-sizes[name], hashlib.sha256(name.encode()).hexdigest())):
        bundle[person] = filled.index(min(filled))
        filled[bundle[person]] += sizes[person]
    return {clip: f"people-{bundle[person] + 1:02d}" for clip, person in identities.items()}


def _compute(loaded: LoadedScorer, output: Side, truth: Side, groups: Mapping[str, str]) -> dict[str, object]:
    column = next(info.column for info in loaded.scorer.metrics if info.level == "set")
    made = {clip: load_features(path, column) for clip, path in output.files.items()}
    real = {clip: load_features(truth.files[clip], column) for clip in output.files}
    counts: dict[str, int] = {}
    for group in groups.values():
        counts[group] = counts.get(group, 0) + 1
    # The ground truth against itself has a value by definition and no spread worth computing.
    apart = len(counts) >= MIN_PEOPLE and output.keys != {clip: truth.keys[clip] for clip in output.files}
    return {
        "values": _values(loaded, made, real),
        "without": {group: _without(loaded, made, real, groups, group) for group in sorted(counts)} if apart else {},
        "clips": counts,
        "samples": sum(len(features) for features in real.values()),
        "dimensions": next(iter(real.values())).shape[1],
    }


def _values(loaded: LoadedScorer, made: Features, real: Features) -> dict[str, float]:
    values = loaded.scorer.pool(list(made.values()), list(real.values()))
    bad = [column for column, value in values.items() if not np.isfinite(value)]
    if bad:
        raise ClipError(Status.METRIC_FAILED, f"not a finite number: {', '.join(bad)}")
    return {column: float(value) for column, value in values.items()}


def _without(
    loaded: LoadedScorer, made: Features, real: Features, groups: Mapping[str, str], group: str
) -> dict[str, float]:
    kept = [clip for clip in made if groups[clip] != group]
    return _values(loaded, {clip: made[clip] for clip in kept}, {clip: real[clip] for clip in kept})
