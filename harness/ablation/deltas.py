"""Differences of each variant from the full model, with intervals and paired tests."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

from bench_lipsync.harness.ablation.variants import FULL, Ablation
from bench_lipsync.harness.results.common_clips import compare, coverage
from bench_lipsync.harness.results.schema import MetricRow
from bench_lipsync.harness.statistics.cluster_sums import difference
from bench_lipsync.harness.statistics.intervals import interval
from bench_lipsync.harness.statistics.paired import ALPHA, TOO_FEW, holm


@dataclass(frozen=True)
class Delta:
    """One variant's value of one metric beside the full model's, and how far apart they are over common clips."""

    label: str
    mode: str
    column: str
    direction: str
    base: float
    value: float
    delta: float | None = None
    """Variant minus full model over the clips that both have; `None` where they are not compared."""
    n_clips: int = 0
    n_total: int = 0
    low: float | None = None
    """95 % interval of the difference over speakers; on a logarithmic scale (FID) that of the ratio, times the full
    model's value."""
    high: float | None = None
    p: float | None = None
    p_holm: float | None = None
    """Corrected for all tests of the page."""
    note: str = ""

    @property
    def coverage(self) -> str:
        """`over the 7 of 8 clips that both have`; empty where that is all of them."""
        return coverage(self.n_clips, self.n_total) if self.delta is not None else ""

    @property
    def counts(self) -> bool:
        """Whether the difference is more than chance."""
        return self.p_holm is not None and self.p_holm < ALPHA

    @property
    def worse(self) -> bool:
        """Whether the variant is on the worse side; never for metrics without one."""
        delta = self.delta or 0.0
        return delta < 0 if self.direction == "higher" else delta > 0 if self.direction == "lower" else False


def deltas(ablation: Ablation) -> list[Delta]:
    """Every variant in every mode on every metric that it and the full model have; in the order of the table."""
    rows = {mode: ablation.variants.rows(mode) for mode in ablation.modes}
    return corrected([delta for mode in ablation.modes for delta in _against(ablation, rows[mode], mode)])


def mode_deltas(ablation: Ablation) -> list[Delta]:
    """The same for every model's other modes against its zero-shot row; empty where there is one mode."""
    first, *others = ablation.modes
    compared: list[Delta] = []
    for label in ablation.variants.rows(first):
        for mode in others:
            rows = {FULL: ablation.variants.rows(first)[label], "own": ablation.variants.rows(mode)[label]}
            compared += [replace(delta, label=label) for delta in _against(ablation, rows, mode)]
    return corrected(compared)


def corrected(uncorrected: Sequence[Delta]) -> list[Delta]:
    """Set `p_holm`, corrected over all of the deltas."""
    adjusted = holm([delta.p for delta in uncorrected])
    return [replace(delta, p_holm=p) for delta, p in zip(uncorrected, adjusted, strict=True)]


def _against(ablation: Ablation, rows: dict[str, str], mode: str) -> list[Delta]:
    values = ablation.result.rows_with_values()
    full = values.get(rows[FULL], {})
    return [
        _delta(ablation, label, mode, (full[column], own))
        for label, name in rows.items()
        if label != FULL
        for column, own in values.get(name, {}).items()
        if column in full
    ]


def _delta(ablation: Ablation, label: str, mode: str, pair: tuple[MetricRow, MetricRow]) -> Delta:
    base, own = pair
    start = Delta(label, mode, own.column, base.direction, base.value or 0.0, own.value or 0.0)
    one, two = (ablation.numbers.number(row) for row in (own, base))
    if one is None or two is None:
        return start
    found = compare(one, two, tested=ablation.result.test(own.model, base.model, own.column))
    start = replace(start, delta=found.difference, n_clips=found.n_clips, n_total=found.n_total, note=found.note)
    if found.people is None:
        return replace(start, p=found.p)
    ends = interval(difference(*found.people), ablation.result.spec.get("seed") or 0)
    if ends is None:  # The test needs as many speakers.
        return replace(start, note=TOO_FEW)
    low, high = ends
    if base.people is not None and base.people.scale == "log":
        low, high = (start.base * (math.exp(end) - 1) for end in ends)
    return replace(start, low=low, high=high, p=found.p)
