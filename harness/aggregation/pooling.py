"""Set metrics over a model's clips, and again without each group of speakers, as intervals and tests need them.

A bootstrap over clips would hold the same frames several times, which lowers the spread that FID sees; the jackknife
over speakers never does. It costs one more value per group, so speakers beyond `MAX_GROUPS` are bundled, and results
are stored.
"""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from bench_lipsync.harness.aggregation.leave_one_out import LeaveOneOut, speaker_units
from bench_lipsync.harness.api.metric import MetricInfo
from bench_lipsync.harness.errors import Status
from bench_lipsync.harness.scoring.scorers import LoadedScorer
from bench_lipsync.harness.statistics.cluster_sums import ClusterSums, from_left_out
from bench_lipsync.harness.store.store import Store
from bench_lipsync.harness.util.files import sha256_json

MAX_GROUPS = 12
"""More speakers than this are bundled into as many groups of about equally many clips."""
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
        """By clip, the name of the features' entry in the store, which hashes all that they depend on."""
        return {clip: Store.content_hash(path) for clip, path in self.files.items()}


@dataclass(frozen=True)
class Pooled:
    """The set metrics of one scorer for one model."""

    values: Mapping[str, float]
    """By column."""
    without: Mapping[str, Mapping[str, float]]
    """By group that was left out, then by column; empty if there are too few groups."""
    clips: Mapping[str, int]
    """Clips of each group."""
    samples: int
    """Rows of features that the ground truth has: frames, or windows of video."""
    dimensions: int

    def clusters(self, info: MetricInfo) -> ClusterSums | None:
        """The value as sums over groups, on the scale of `scale_of`; `None` if there are too few groups for it."""
        values = {group: metrics[info.column] for group, metrics in self.without.items()}
        value = self.values[info.column]
        if not values:
            return None
        if scale_of(info) == "linear":
            return from_left_out(value, values, self.clips)
        if min(value, *values.values()) <= 0:
            return None
        logs = {group: float(np.log(left)) for group, left in values.items()}
        return from_left_out(float(np.log(value)), logs, self.clips)

    def note(self, info: MetricInfo) -> str:
        """Remark on the value; empty if there is none."""
        if scale_of(info) == "linear" or self.samples >= self.dimensions:
            return ""
        return f"{self.samples} samples (frames or windows); below {self.dimensions} the distance is biased upwards"


def scale_of(info: MetricInfo) -> str:
    """`log` for pooled distances that cannot be negative, whose spread grows with them; else `linear`."""
    return "log" if info.level == "set" and info.range == (0.0, None) else "linear"


def pool(loaded: LoadedScorer, output: Side, truth: Side, identities: Mapping[str, str], store: Store) -> Pooled:
    """Compute all set metrics of a scorer, or take them from the store if nothing changed.

    Args:
        loaded: The scorer.
        output: Features of the model.
        truth: Features of the ground truth; of the clips of `output` at least.
        identities: The speaker of every clip.
        store: Keeps the result.

    Raises:
        ClipError: The scorer cannot give a finite value.

    """
    same_clips = {clip: truth.files[clip] for clip in output.files}
    groups = group_people({clip: identities[clip] for clip in output.files})
    parts = {
        "version": _VERSION,
        "scorer": loaded.name,
        "fingerprint": loaded.fingerprint,
        "output": _short(output.keys),
        "truth": _short(truth.keys),
        "groups": _short(groups),
    }

    def build(folder: Path) -> None:
        work = LeaveOneOut(loaded, output.files, same_clips, identities, groups, store)
        fields = work.compute(with_spread=output.keys != Side(same_clips).keys)
        (folder / "pooled.json").write_text(json.dumps(fields), encoding="utf-8")

    entry = store.make("pool", parts, build, remember=frozenset({Status.METRIC_FAILED}))
    return Pooled(**json.loads((entry.path / "pooled.json").read_text(encoding="utf-8")))


def group_people(identities: Mapping[str, str]) -> dict[str, str]:
    """Group of every clip: its speaker, or with more than `MAX_GROUPS` speakers a bundle of them.

    Units of speakers (`speaker_units`) are taken by size and then by the hash of their names, and each joins the bundle
    with the fewest clips, so that two models over the same clips have the same groups.
    """
    speakers = set(identities.values())
    if len(speakers) <= MAX_GROUPS:
        return dict(identities)
    units = speaker_units(speakers)
    sizes = Counter(units[speaker] for speaker in identities.values())
    filled = [0] * MAX_GROUPS
    bundle: dict[str, int] = {}
    for unit in sorted(sizes, key=lambda name: (-sizes[name], hashlib.sha256(name.encode()).hexdigest())):
        bundle[unit] = filled.index(min(filled))
        filled[bundle[unit]] += sizes[unit]
    return {clip: f"people-{bundle[units[speaker]] + 1:02d}" for clip, speaker in identities.items()}


def _short(facts: Mapping[str, str]) -> object:
    return dict(facts) if len(facts) <= _LISTED else {"clips": len(facts), "sha256": sha256_json(facts)}
