"""Numbers of two rows over the clips that both have: the one way in which rows are compared.

A mean over some clips says nothing against a mean over others: the clip that one row lacks may be the hard one. So
sentences, marks and verdicts take both numbers from `compare`, and none is made where the common clips are unknown.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

from bench_lipsync.harness.results.clip_table import clip_values
from bench_lipsync.harness.results.schema import MetricRow, PairTest, PeopleRecord, RunResult
from bench_lipsync.harness.statistics.cluster_sums import ClusterSums, bundles, from_clips, mean
from bench_lipsync.harness.statistics.paired import PairedTest, paired_test

OTHER_CLIPS = "the rows are over different clips, and what each clip adds is not at hand"
NO_CLIP = "no clip that both have"
NO_PARTS = "the run does not hold what each person adds"


@dataclass(frozen=True)
class Number:
    """A number of a table, with what is known of the clips behind it."""

    value: float
    n_clips: int
    n_total: int
    """Requested clips; those of two numbers that are compared are the same."""
    clips: str = ""
    """sha256 of the ids of the clips behind it; empty where it is unknown."""
    people: PeopleRecord | None = None
    by_clip: Callable[[], Mapping[str, float]] = dict
    """Value of every clip; empty for set metrics, and where the run folder is not at hand."""
    identities: Mapping[str, str] = field(default_factory=dict)

    def has_clips_of(self, other: Number) -> bool:
        """Whether both are known to be over the same clips."""
        if self.clips and other.clips:
            return self.clips == other.clips
        return self.n_clips == self.n_total == other.n_clips


class RunNumbers:
    """The numbers of a run; the values of single clips are read when two rows are over different ones."""

    def __init__(self, result: RunResult, folder: Path | None) -> None:
        self._folder = folder
        self._identities = {clip.id: clip.identity for clip in result.clips}
        self._read: dict[str, Mapping[str, Mapping[str, float]]] = {}

    def number(self, row: MetricRow) -> Number | None:
        """The number of a row of the run; `None` where it has no value."""
        if row.value is None:
            return None
        return Number(
            row.value,
            row.n_ok,
            row.n_total,
            row.clips or (row.people.clips if row.people else ""),
            row.people,
            self.by_clip(row.model, row.column),
            self._identities,
        )

    def by_clip(self, model: str, column: str) -> Callable[[], Mapping[str, float]]:
        """Reads the values of a row by clip; none for set metrics."""

        def read() -> Mapping[str, float]:
            if column not in self._read:
                self._read[column] = {} if self._folder is None else clip_values(self._folder, column)
            return self._read[column].get(model, {})

        return read


class Comparison(NamedTuple):
    """Two numbers over the clips that both have, or why they are not compared."""

    values: tuple[float, ...] = ()
    """Of the first, the second and all others; empty where only their difference is known, or nothing."""
    difference: float | None = None
    """The first minus the second; `None` where they are not compared, and `note` says why."""
    p: float | None = None
    """Two-sided and uncorrected; `None` where it could not be tested, and `note` says why."""
    note: str = ""
    n_clips: int = 0
    n_people: int = 0
    n_total: int = 0
    people: tuple[ClusterSums, ClusterSums] | None = None
    """What each person adds to the first and the second."""

    @property
    def coverage(self) -> str:
        """`over the 7 of 8 clips that both have`; empty where that is all of them."""
        return coverage(self.n_clips, self.n_total) if self.difference is not None else ""


def coverage(clips: int, total: int) -> str:
    """`over the 7 of 8 clips that both have`; empty where that is all of them."""
    return f"over the {clips} of {total} clips that both have" if clips < total else ""


def compare(first: Number, second: Number, *others: Number, tested: PairTest | None = None) -> Comparison:
    """Compare two numbers of one metric over the clips that both have.

    Args:
        first: One of them.
        second: The other.
        others: More numbers that are needed beside the two; their clips must be common too.
        tested: The run's own test of the pair, for set metrics whose features are no longer at hand.

    """
    numbers = (first, second, *others)
    if all(first.has_clips_of(other) for other in numbers[1:]):
        values, one, two = tuple(number.value for number in numbers), first.people, second.people
        people = (one.clusters(), two.clusters()) if one and two and _fit(one, two) else None
        p, note = paired_test(*people) if people else PairedTest(None, NO_PARTS)
        counts = (first.n_clips, len(one.groups) if one else 0, first.n_total)
        return Comparison(values, values[0] - values[1], p, note, *counts, people)
    sides = [number.by_clip() for number in numbers]
    if all(sides):
        return _over_common(sides, first)
    if tested is not None and tested.difference is not None and not others:
        counts = (tested.n_clips, tested.n_people, first.n_total)
        return Comparison((), tested.difference, tested.p, tested.note, *counts)
    return Comparison(note=OTHER_CLIPS, n_total=first.n_total)


def _fit(first: PeopleRecord, second: PeopleRecord) -> bool:
    return first.scale == second.scale and first.groups == second.groups and first.weights == second.weights


def _over_common(sides: Sequence[Mapping[str, float]], first: Number) -> Comparison:
    common = sorted(set.intersection(*(set(side) for side in sides)))
    if not common:
        return Comparison(note=NO_CLIP, n_total=first.n_total)
    values = [[side[clip] for clip in common] for side in sides]
    group = bundles(set(first.identities.values()))
    people = [from_clips(side, [group[first.identities[clip]] for clip in common]) for side in values[:2]]
    means = tuple(mean(side) for side in values)
    p, note = paired_test(*people)
    counts = (len(common), len({first.identities[clip] for clip in common}), first.n_total)
    return Comparison(means, means[0] - means[1], p, note, *counts, (people[0], people[1]))
