"""The results table as data: columns, rows, cells and what must be said below them.

Terminal, Markdown, LaTeX and HTML are drawn from one `Grid`, so that all of them show the same.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from bench_lipsync.harness.results.common_clips import Number
from bench_lipsync.harness.results.schema import MetricRow, PairTest
from bench_lipsync.harness.statistics.paired import ALPHA
from bench_lipsync.reports.table.format import ARROWS


@dataclass(frozen=True)
class Column:
    """One metric in one variant, with the only signature that its cells may have."""

    name: str
    variant: str
    direction: str
    unit: str
    signature: str
    decimals: int = 2

    @property
    def key(self) -> str:
        """`LSE-C[open-syncnet]`."""
        return f"{self.name}[{self.variant}]"

    @property
    def arrow(self) -> str:
        """`↑`, `↓` or nothing."""
        return ARROWS[self.direction]

    @property
    def title(self) -> str:
        """`FID ↓`."""
        return f"{self.name} {self.arrow}".strip()

    @property
    def detail(self) -> str:
        """Variant and unit: `rgb, dB`."""
        return ", ".join(part for part in (self.variant, self.unit) if part)

    def better(self, one: float, two: float) -> bool:
        """Whether `one` is strictly better than `two`; never for metrics without a direction."""
        return (one > two) if self.direction == "higher" else (one < two) if self.direction == "lower" else False


@dataclass(frozen=True)
class Cell:
    """One number, or the reason why there is none."""

    row: MetricRow | None
    text: str
    """The value alone, `n/a` without one."""
    interval: str
    """`[low, high]`, or nothing."""
    marks: tuple[str, ...] = ()
    """Letters of the footnotes that belong to it."""
    best: bool = False
    """Better than every other row that is no bound, by more than chance."""
    second: bool = False
    """Behind a `best` one, and better than all others by more than chance."""
    gap: str = ""
    """Distance from the ground truth's value, where that says something."""
    number: Number | None = field(default=None, repr=False, compare=False)
    """The number as it is compared with others."""

    @property
    def value(self) -> float | None:
        """The number itself."""
        return self.row.value if self.row else None


@dataclass(frozen=True)
class Row:
    """One model in one mode."""

    label: str
    model: str
    mode: str
    bound: bool
    run: int
    """Index of the run that it comes from."""
    coverage: str
    """`8/8`: clips behind the row's values and clips asked for; cells that differ have a footnote."""
    cells: tuple[Cell, ...]

    @property
    def numbers(self) -> dict[str, Number]:
        """Those that it has, by column."""
        return {cell.row.column: cell.number for cell in self.cells if cell.row and cell.number}


@dataclass(frozen=True)
class Verdicts:
    """All tests of a table."""

    tests: tuple[PairTest, ...]
    """`one` and `two` are labels of the table's rows; `p_holm` is corrected over the table."""
    corrected_over: int
    """Tests with a p in the table, shown or not."""
    n_clips: int
    """Of the runs."""

    def shown(self, labels: Sequence[str], columns: Sequence[str]) -> Verdicts:
        """The tests of a part of the table. Their correction stays: choosing what to show makes nothing significant."""
        kept = [test for test in self.tests if {test.one, test.two} <= set(labels) and test.column in columns]
        return replace(self, tests=tuple(kept))

    def beats(self, one: str, two: str, column: Column) -> bool:
        """Whether row `one` is better than `two` by more than chance, over the clips that both have."""
        for test in self.tests:
            if test.column == column.key and {test.one, test.two} == {one, two}:
                counts = test.p_holm is not None and test.p_holm < ALPHA and test.difference is not None
                sign = 1.0 if test.one == one else -1.0
                return counts and column.better(sign * (test.difference or 0.0), 0.0)
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
            return f"{rule}: paired test over identities, p < {ALPHA} after {correction}{self._fewer}"
        reasons = "; ".join(dict.fromkeys(test.note for test in self.tests if test.note))
        return f"{rule}, and none could be tested: {reasons}"

    @property
    def _fewer(self) -> str:
        """How many clips tests are over, where some are not over all."""
        counts = sorted({test.n_clips for test in self.tests if test.p is not None})
        if not counts or counts[0] >= self.n_clips:
            return ""
        number = str(counts[0]) if len(counts) == 1 else f"{counts[0]} to {counts[-1]}"
        return f", over the clips that both rows have ({number} of {self.n_clips})"


@dataclass(frozen=True)
class PublishedRow:
    """What a publication says of one system; no number of ours."""

    label: str
    values: tuple[str, ...]
    """By column; empty where the publication has none."""


@dataclass(frozen=True)
class Grid:
    """A results table."""

    columns: tuple[Column, ...]
    rows: tuple[Row, ...]
    footnotes: tuple[tuple[str, str], ...]
    """(mark, text) in the order of first use."""
    unmeasured: tuple[tuple[str, str], ...]
    """(columns, reason) of metrics that no row has; they would be columns of `n/a` alone."""
    verdicts: Verdicts
    """Which differences between the models are more than chance."""
    published: tuple[PublishedRow, ...] = ()
    """Of the task's publication, in columns of the same name."""
    published_note: str = ""
    """Source of the published values, and what differs."""
    task: str = ""
    """Signature of the task that the run is of; empty for a run without one."""

    @property
    def has_gaps(self) -> bool:
        """Whether any cell has a distance from the ground truth."""
        return any(cell.gap for row in self.rows for cell in row.cells)

    @property
    def signatures(self) -> tuple[str, ...]:
        """The task, then what every number was computed with, in the order of the columns."""
        return tuple(filter(None, (self.task, *(column.signature for column in self.columns))))
