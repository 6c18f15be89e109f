"""Differences of each variant from the full model, with intervals and paired tests."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

from bench_lipsync.harness.ablation.variants import FULL, Ablation
from bench_lipsync.harness.results.row_tests import compare_rows
from bench_lipsync.harness.results.schema import MetricRow, RunResult
from bench_lipsync.harness.statistics.cluster_sums import difference
from bench_lipsync.harness.statistics.intervals import interval
from bench_lipsync.harness.statistics.paired import ALPHA, TOO_FEW, holm


@dataclass(frozen=True)
class Delta:
    """One variant's value of one metric beside the full model's."""

    label: str
    mode: str
    column: str
    direction: str
    base: float
    value: float
    low: float | None = None
    """95 % interval of the difference over speakers; on a logarithmic scale (FID) that of the ratio, times the full
    model's value."""
    high: float | None = None
    p: float | None = None
    p_holm: float | None = None
    """Corrected for all tests of the page."""
    note: str = ""

    @property
    def delta(self) -> float:
        """Variant minus full model."""
        return self.value - self.base

    @property
    def counts(self) -> bool:
        """Whether the difference is more than chance."""
        return self.p_holm is not None and self.p_holm < ALPHA

    @property
    def worse(self) -> bool:
        """Whether the variant is on the worse side; never for metrics without one."""
        return self.delta < 0 if self.direction == "higher" else self.delta > 0 if self.direction == "lower" else False


def deltas(ablation: Ablation) -> list[Delta]:
    """Every variant in every mode on every metric that it and the full model have; in the order of the table."""
    rows = {mode: ablation.variants.rows(mode) for mode in ablation.modes}
    return corrected([delta for mode in ablation.modes for delta in _against(ablation.result, rows[mode], mode)])


def mode_deltas(ablation: Ablation) -> list[Delta]:
    """The same for every model's other modes against its zero-shot row; empty where there is one mode."""
    first, *others = ablation.modes
    compared: list[Delta] = []
    for label in ablation.variants.rows(first):
        for mode in others:
            rows = {FULL: ablation.variants.rows(first)[label], "own": ablation.variants.rows(mode)[label]}
            compared += [replace(delta, label=label) for delta in _against(ablation.result, rows, mode)]
    return corrected(compared)


def corrected(uncorrected: Sequence[Delta]) -> list[Delta]:
    """Set `p_holm`, corrected over all of the deltas."""
    adjusted = holm([delta.p for delta in uncorrected])
    return [replace(delta, p_holm=p) for delta, p in zip(uncorrected, adjusted, strict=True)]


def _against(result: RunResult, rows: dict[str, str], mode: str) -> list[Delta]:
    seed = result.spec.get("seed") or 0
    values = result.rows_with_values()
    full = values.get(rows[FULL], {})
    return [
        _delta(label, mode, column, (full[column], own), seed)
        for label, name in rows.items()
        if label != FULL
        for column, own in values.get(name, {}).items()
        if column in full
    ]


def _delta(label: str, mode: str, column: str, pair: tuple[MetricRow, MetricRow], seed: int) -> Delta:
    base, own = pair
    start = Delta(label, mode, column, base.direction, base.value or 0.0, own.value or 0.0)
    p, note = compare_rows(own.people, base.people)
    if own.people is None or base.people is None or note:
        return replace(start, note=note)
    ends = interval(difference(own.people.clusters(), base.people.clusters()), seed)
    if ends is None:  # The test needs as many speakers.
        return replace(start, note=TOO_FEW)
    low, high = ends
    if base.people.scale == "log":
        low, high = (start.base * (math.exp(end) - 1) for end in ends)
    return replace(start, low=low, high=high, p=p)
