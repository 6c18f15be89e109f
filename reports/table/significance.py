"""Which differences of a table are more than chance: what `bench run` tested, or what the rows themselves allow.

A table of several runs has pairs that no run has tested. Every row carries the share of each speaker in its
value, so they can be tested here if both rows are over the same clips. The correction is over all tests of the table,
even if only a part of it is shown.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations

from bench_lipsync.harness.aggregation.model_tests import correct
from bench_lipsync.harness.results.row_tests import NO_PARTS, OTHER_CLIPS, compare_rows
from bench_lipsync.harness.results.schema import MetricRow, PairTest, RunResult
from bench_lipsync.harness.statistics.paired import ALPHA


@dataclass(frozen=True)
class Entry:
    """A model's row as the tests see it."""

    label: str
    model: str
    run: int
    metrics: Mapping[str, MetricRow]
    """By column; those with a value."""


@dataclass(frozen=True)
class Verdicts:
    """All tests of a table."""

    tests: tuple[PairTest, ...]
    """`one` and `two` are labels of the table's rows; `p_holm` is corrected over the table."""
    corrected_over: int
    """Tests with a p in the table, shown or not."""

    def shown(self, labels: Sequence[str], columns: Sequence[str]) -> Verdicts:
        """The tests of a part of the table. Their correction stays: choosing what to show makes nothing significant."""
        kept = [test for test in self.tests if {test.one, test.two} <= set(labels) and test.column in columns]
        return Verdicts(tuple(kept), self.corrected_over)

    def differ(self, one: str, two: str, column: str) -> bool:
        """Whether the difference between two rows counts."""
        for test in self.tests:
            if test.column == column and {test.one, test.two} == {one, two}:
                return test.p_holm is not None and test.p_holm < ALPHA
        return False

    @property
    def test_note(self) -> str:
        """What a reader must know about marks of best values; nothing where there is nothing to compare."""
        done = sum(test.p is not None for test in self.tests)
        if not self.tests:
            return ""
        rule = "best (and of three or more second best) is marked only where the difference counts"
        if done:
            correction = f"Holm's correction for {self.corrected_over} tests"
            return f"{rule}: paired test over identities, p < {ALPHA} after {correction}"
        reasons = "; ".join(dict.fromkeys(test.note for test in self.tests if test.note))
        return f"{rule}, and none could be tested: {reasons}"


def test_rows(entries: Sequence[Entry], columns: Sequence[str], runs: Sequence[RunResult]) -> Verdicts:
    """Tests of every two of `entries` on every one of `columns` that both have."""
    tests = [
        _test(one, two, column, runs)
        for one, two in combinations(entries, 2)
        for column in columns
        if column in one.metrics and column in two.metrics
    ]
    return Verdicts(tuple(correct(tests)), sum(test.p is not None for test in tests))


def _test(one: Entry, two: Entry, column: str, runs: Sequence[RunResult]) -> PairTest:
    own_test = _made_by_run(one, two, column, runs[one.run]) if one.run == two.run else None
    if own_test is not None:
        return own_test.model_copy(update={"one": one.label, "two": two.label, "p_holm": None})
    first, second = one.metrics[column], two.metrics[column]
    untested = PairTest(one=one.label, two=two.label, column=column)
    p, note = compare_rows(first.people, second.people)
    if first.people is None or note in (NO_PARTS, OTHER_CLIPS):
        return untested.model_copy(update={"note": note})
    difference = (first.value or 0.0) - (second.value or 0.0)
    counts = {"n_clips": first.n_ok, "n_people": len(first.people.groups)}
    return untested.model_copy(update={"difference": difference, "p": p, "note": note, **counts})


def _made_by_run(one: Entry, two: Entry, column: str, run: RunResult) -> PairTest | None:
    """The run's own test of the pair, turned so that the difference is `one` minus `two`."""
    for test in run.tests:
        if test.column == column and (test.one, test.two) == (one.model, two.model):
            return test
        if test.column == column and (test.two, test.one) == (one.model, two.model):
            return test.model_copy(update={"difference": None if test.difference is None else -test.difference})
    return None
