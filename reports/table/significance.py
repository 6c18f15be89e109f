"""Which differences of a table are more than chance, and the marks of best and second-best values that follow.

A table of several runs has pairs that no run has tested; they are compared here (`results.common_clips`). The
correction is over all tests of the table, even if only a part of it is shown.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import combinations

from bench_lipsync.harness.aggregation.model_tests import correct
from bench_lipsync.harness.results.common_clips import compare
from bench_lipsync.harness.results.schema import PairTest
from bench_lipsync.reports.table.loading import Run
from bench_lipsync.reports.table.model import Cell, Column, Row, Verdicts


def find_verdicts(rows: list[Row], columns: list[Column], runs: list[Run]) -> Verdicts:
    """Test every two rows that are no bounds on every column that has a better direction."""
    tests = [
        _test(one, two, column.key, runs)
        for one, two in combinations([row for row in rows if not row.bound], 2)
        for column in columns
        if column.direction != "none" and column.key in one.numbers and column.key in two.numbers
    ]
    return Verdicts(tuple(correct(tests)), sum(test.p is not None for test in tests), len(runs[0].result.clips))


def _test(one: Row, two: Row, column: str, runs: list[Run]) -> PairTest:
    own_test = runs[one.run].result.test(one.model, two.model, column) if one.run == two.run else None
    if own_test is not None:
        return own_test.model_copy(update={"one": one.label, "two": two.label, "p_holm": None})
    found = compare(one.numbers[column], two.numbers[column])
    return PairTest(
        one=one.label,
        two=two.label,
        column=column,
        difference=found.difference,
        p=found.p,
        n_clips=found.n_clips,
        n_people=found.n_people,
        note=found.note,
    )


def mark_best(rows: list[Row], columns: list[Column], verdicts: Verdicts) -> list[Row]:
    """Every column's best, where it beats all others by more than chance; with it the second, by the same rule."""
    marks: dict[tuple[str, int], str] = {}
    for position, column in enumerate(columns):
        have = [row.label for row in rows if not row.bound and row.cells[position].value is not None]
        best = _leader(have, column, verdicts)
        if best is None:
            continue
        marks[best, position] = "best"
        second = _leader([label for label in have if label != best], column, verdicts)
        if second is not None:
            marks[second, position] = "second"
    return [replace(row, cells=tuple(_marked(row, n, marks) for n in range(len(columns)))) for row in rows]


def _leader(labels: Sequence[str], column: Column, verdicts: Verdicts) -> str | None:
    """The row that beats every other; never the one that is alone."""
    if len(labels) < 2:
        return None
    others = {one: [other for other in labels if other != one] for one in labels}
    return next((one for one in labels if all(verdicts.beats(one, other, column) for other in others[one])), None)


def _marked(row: Row, position: int, marks: dict[tuple[str, int], str]) -> Cell:
    mark = marks.get((row.label, position))
    return replace(row.cells[position], best=mark == "best", second=mark == "second")
