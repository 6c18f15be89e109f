"""Set metrics of more frames than memory holds: every row is read once into sums, a unit of people at a time.

Units are small enough that a clip which one model failed on costs its unit again and nothing else, and every group that
`harness.aggregation.pooling` leaves out is a union of them. Sums are stored, so all pairs of models share them.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import reduce
from operator import add
from pathlib import Path

from bench_lipsync.harness.aggregation.stored_features import StoredFeatures
from bench_lipsync.harness.api.metric import ManyFeatures
from bench_lipsync.harness.statistics.moments import FeatureMoments, moments
from bench_lipsync.harness.store.store import Store

MAX_UNITS = 128
"""More people than this share units."""
_VERSION = 1


def people_units(people: set[str]) -> dict[str, str]:
    """Unit of every person: the person, or with more than `MAX_UNITS` people one that the hash of the name chooses."""
    if len(people) <= MAX_UNITS:
        return {person: person for person in people}
    return {
        person: f"unit-{int(hashlib.sha256(person.encode()).hexdigest()[:8], 16) % MAX_UNITS:03d}" for person in people
    }


@dataclass(frozen=True)
class UnitSums:
    """The sums of one unit's features of one model, in the store once they were asked for."""

    files: tuple[Path, ...]
    column: str

    def make(self, store: Store) -> FeatureMoments:
        """From the store if nothing changed; reads each file once otherwise."""
        features = StoredFeatures(self.files, self.column)
        parts = {
            "version": _VERSION,
            "column": self.column,
            "features": [Store.content_hash(path) for path in self.files],
        }

        def build(folder: Path) -> None:
            moments(features, features.dimensions).save(folder / "moments.safetensors")

        return FeatureMoments.load(store.make("moments", parts, build).path / "moments.safetensors")


def unit_sums(files: Mapping[str, Path], column: str, identities: Mapping[str, str]) -> dict[str, UnitSums]:
    """The sums that one side needs, by unit; `files` of features by clip."""
    units = people_units({identities[clip] for clip in files})
    members: dict[str, list[Path]] = {}
    for clip in sorted(files):
        members.setdefault(units[identities[clip]], []).append(files[clip])
    return {unit: UnitSums(tuple(members[unit]), column) for unit in sorted(members)}


class ManySide:
    """One side as a whole, and again without each group. In memory are the whole's sums and those of one group."""

    def __init__(
        self,
        files: Mapping[str, Path],
        column: str,
        identities: Mapping[str, str],
        groups: Mapping[str, str],
        store: Store,
    ) -> None:
        self._files, self._column, self._groups, self._store = files, column, groups, store
        self._sums = unit_sums(files, column, identities)
        units = people_units({identities[clip] for clip in files})
        self._units: dict[str, list[str]] = {}
        for clip in files:
            members = self._units.setdefault(groups[clip], [])
            if (unit := units[identities[clip]]) not in members:
                members.append(unit)
        self._whole = self._summed(list(self._sums))

    def whole(self) -> ManyFeatures:
        """All clips."""
        return ManyFeatures(self._parts(lambda clip: True), self._whole)

    def without(self, group: str) -> ManyFeatures:
        """The clips of all other groups."""
        kept = self._parts(lambda clip: self._groups[clip] != group)
        return ManyFeatures(kept, self._whole - self._summed(self._units[group]))

    def _parts(self, keep: Callable[[str], bool]) -> StoredFeatures:
        return StoredFeatures([path for clip, path in self._files.items() if keep(clip)], self._column)

    def _summed(self, units: Sequence[str]) -> FeatureMoments:
        return reduce(add, (self._sums[unit].make(self._store) for unit in sorted(units)))
