"""Which differences of a table are more than chance, and the marks of best and second-best values that follow.

A table of several runs has pairs that no run has tested. Every row carries the share of each speaker in its value, so
they can be tested here if both rows are over the same clips. The correction is over all tests of the table, even if
only a part of it is shown.
"""

from __future__ import annotations

from dataclasses import replace
from itertools import combinations

from bench_lipsync.harness.aggregation.model_tests import correct
from bench_lipsync.harness.results.row_tests import NO_PARTS, OTHER_CLIPS, compare_rows
from bench_lipsync.harness.results.schema import PairTest, RunResult
from bench_lipsync.reports.table.loading import Run
from bench_lipsync.reports.table.model import Cell, Column, Row, Verdicts


def find_verdicts(rows: list[Row], columns: list[Column], runs: list[Run]) -> Verdicts:
    """Test every two rows that are no bounds on every column that has a better direction."""
    tests = [
        _test(one, two, column.key, runs)
        for one, two in combinations([row for row in rows if not row.bound], 2)
        for column in columns
        if column.direction != "none" and column.key in one.measured and column.key in two.measured
    ]
    return Verdicts(tuple(correct(tests)), sum(test.p is not None for test in tests))


def _test(one: Row, two: Row, column: str, runs: list[Run]) -> PairTest:
    own_test = _made_by_run(one, two, column, runs[one.run].result) if one.run == two.run else None
    if own_test is not None:
        return own_test.model_copy(update={"one": one.label, "two": two.label, "p_holm": None})
    first, second = one.measured[column], two.measured[column]
    untested = PairTest(one=one.label, two=two.label, column=column)
    p, note = compare_rows(first.people, second.people)
    if first.people is None or note in (NO_PARTS, OTHER_CLIPS):
        return untested.model_copy(update={"note": note})
    difference = (first.value or 0.0) - (second.value or 0.0)
    counts = {"n_clips": first.n_ok, "n_people": len(first.people.groups)}
    return untested.model_copy(update={"difference": difference, "p": p, "note": note, **counts})


def _made_by_run(one: Row, two: Row, column: str, run: RunResult) -> PairTest | None:
    """The run's own test of the pair, turned so that the difference is `one` minus `two`."""
    for test in run.tests:
        if test.column == column and (test.one, test.two) == (one.model, two.model):
            return test
        if test.column == column and (test.two, test.one) == (one.model, two.model):
            return test.model_copy(update={"difference": None if test.difference is None else -test.difference})
    return None


def mark_best(rows: list[Row], columns: list[Column], verdicts: Verdicts) -> list[Row]:
    """Every column's best, where it beats all others by more than chance; with it the second, by the same rule."""
    marks: dict[tuple[str, int], str] = {}
    for position, column in enumerate(columns):
        valued = [(row.label, row.cells[position].value or 0.0) for row in rows if not row.bound]
        have = {row.label for row in rows if row.cells[position].value is not None}
        sign = -1 if column.direction == "higher" else 1
        ranked = [label for label, _ in sorted(valued, key=lambda item: sign * item[1]) if label in have]
        if column.direction == "none" or len(ranked) < 2 or not _leads(ranked, column.key, verdicts):
            continue
        marks[ranked[0], position] = "best"
        if len(ranked) > 2 and _leads(ranked[1:], column.key, verdicts):
            marks[ranked[1], position] = "second"
    return [replace(row, cells=tuple(_marked(row, n, marks) for n in range(len(columns)))) for row in rows]


def _leads(ranked: list[str], column: str, verdicts: Verdicts) -> bool:
    return all(verdicts.differ(ranked[0], other, column) for other in ranked[1:])


def _marked(row: Row, position: int, marks: dict[tuple[str, int], str]) -> Cell:
    mark = marks.get((row.label, position))
    return replace(row.cells[position], best=mark == "best", second=mark == "second")
