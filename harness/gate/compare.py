"""Whether a candidate is worse than a baseline: one verdict for every row and metric, and for speed on request.

A value that is worse by more than its tolerance fails if the paired test over speakers says that the loss is more than
chance, or if it is so large that no test is needed (`GateSpec.hard`). Where there is no test, the tolerance decides.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

from bench_lipsync.harness.gate.baseline import Baseline, Value
from bench_lipsync.harness.gate.compatibility import check_comparable, notices, pair_rows
from bench_lipsync.harness.gate.rules import GateSpec
from bench_lipsync.harness.gate.significance import gate_p
from bench_lipsync.harness.gate.speed import speed_findings
from bench_lipsync.harness.gate.verdicts import Finding, GateResult, PendingFinding, Verdict, settle

TRUTH = "ground-truth"
EVERY = "every metric"
"""Column of the finding about a missing row."""
UNSTEADY = "only read, and without synchrony it may be anything"
YARDSTICK = "a bound row changed, so the measure or the footage did, and not the model"


def compare(
    base: Baseline,
    candidate: Baseline,
    gate: GateSpec | None = None,
    *,
    pairs: Mapping[str, str] | None = None,
    names: tuple[str, str] = ("baseline", "candidate"),
) -> GateResult:
    """Judge every number of a candidate against a baseline.

    Args:
        base: The reference.
        candidate: What is judged.
        gate: Tolerances and rules; default: those of the metrics.
        pairs: The candidate's row name by the baseline's, where they differ.
        names: Names of the two sides in the result.

    Returns:
        A verdict for every number, and notices.

    Raises:
        BenchError: The two must not be compared (other specifications, signatures or clips, no common row), or the gate
            names metrics or models that the baseline lacks.

    """
    gate = gate or GateSpec()
    gate.check_names(base.columns, base.models)
    check_comparable(base, candidate, same_footage=gate.same_footage)
    rows = pair_rows(base, candidate, pairs or {}, gate.models)
    sides = _Sides(base, candidate, gate)
    findings = settle([item for name, other in rows.items() for item in sides.row(name, other)], gate)
    findings += speed_findings(base, candidate, rows, gate)
    return GateResult(*names, tuple(findings), notices(base, candidate, rows))


@dataclass(frozen=True)
class _Sides:
    """The two tables and the rules."""

    base: Baseline
    candidate: Baseline
    gate: GateSpec

    def row(self, name: str, other: str | None) -> Iterator[PendingFinding]:
        """Every number of a row of the baseline against the candidate's row `other`."""
        if other is None:
            reason = f"the candidate has no row {name!r}; its rows: {', '.join(sorted(self.candidate.models))}"
            yield PendingFinding(Finding(name, EVERY, Verdict.MISSING, reason=reason))
            return
        row, theirs = self.base.models[name], self.candidate.models[other].metrics
        had = {column: row.metrics[column] for column in self._order() if _has(row.metrics.get(column))}
        for column, value in had.items():
            yield self._number(name, column, value, theirs.get(column) or Value(note="not measured by the candidate"))
        for column, value in theirs.items():
            if _has(value) and column not in had:
                start = _start(name, column, self.candidate)
                reason = "the baseline does not have it"
                yield PendingFinding(replace(start, verdict=Verdict.NEW, candidate=value.value, reason=reason))

    def _order(self) -> list[str]:
        """Columns as the candidate has them: a saved baseline is sorted for its diffs and not for readers."""
        return list(dict.fromkeys([*self.candidate.columns, *self.base.columns]))

    def _number(self, name: str, column: str, before: Value, now: Value) -> PendingFinding:
        bound = self.base.models[name].kind == "bound"
        start = _start(name, column, self.base)
        finding = replace(start, base=before.value, candidate=now.value, bound=bound)
        rule = self.gate.rule(column)
        if rule is None or (bound and not self.gate.bounds):
            return PendingFinding(replace(finding, verdict=Verdict.SHOWN, reason="left out by the gate"))
        if bound and name != TRUTH and finding.direction == "none":
            return PendingFinding(replace(finding, verdict=Verdict.SHOWN, reason=UNSTEADY))
        if now.value is None:
            return PendingFinding(replace(finding, verdict=Verdict.MISSING, reason=now.note or "no value"))
        if now.n < before.n:
            reason = f"{now.n} clips have a value, {before.n} had one"
            return PendingFinding(replace(finding, verdict=Verdict.FEWER, reason=reason))
        loss, allowed = self._loss(column, before, now, bound), rule.allowed(before.value or 0.0)
        finding = replace(finding, loss=loss, allowed=allowed)
        if bound:
            return PendingFinding(
                replace(finding, verdict=Verdict.MOVED, reason=YARDSTICK) if loss > allowed else finding
            )
        tested = gate_p(self.base, self.candidate, before, now)
        return PendingFinding(finding, rule, tested.p, tested.note)

    def _loss(self, column: str, before: Value, now: Value, bound: bool) -> float:
        """How much worse; for metrics without a better direction, how much further from the ground truth's value."""
        old, new = before.value or 0.0, now.value or 0.0
        direction = self.base.columns[column].direction
        if bound:
            return abs(new - old)
        if direction != "none":
            return old - new if direction == "higher" else new - old
        truths = [_truth(side, column) for side in (self.base, self.candidate)]
        if truths[0] is None or truths[1] is None:
            return abs(new - old)
        return abs(new - truths[1]) - abs(old - truths[0])


def _start(name: str, column: str, side: Baseline) -> Finding:
    facts = side.columns[column]
    return Finding(name, column, Verdict.OK, direction=facts.direction, unit=facts.unit)


def _has(value: Value | None) -> bool:
    return value is not None and value.value is not None


def _truth(side: Baseline, column: str) -> float | None:
    row = side.models.get(TRUTH)
    value = row.metrics.get(column) if row else None
    return value.value if value else None
