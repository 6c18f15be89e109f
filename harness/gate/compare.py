"""Whether a candidate is worse than a baseline: one verdict for every row and metric, and for speed on request.

Both values are over the clips that both sides have. One that is worse by more than its tolerance fails if the paired
test over speakers says that the loss is more than chance, or if it is so large that no test is needed
(`GateSpec.hard`). Where there is no test, the tolerance decides.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from bench_lipsync.harness.gate.baseline import Baseline, Value
from bench_lipsync.harness.gate.compatibility import check_comparable, notices, pair_rows
from bench_lipsync.harness.gate.rules import GateSpec, Rule
from bench_lipsync.harness.gate.significance import compare_sides
from bench_lipsync.harness.gate.speed import speed_findings
from bench_lipsync.harness.gate.verdicts import Finding, GateResult, PendingFinding, Verdict, settle

TRUTH = "ground-truth"
EVERY = "every metric"
"""Column of the finding about a missing row."""
UNSTEADY = "only read, and without synchrony it may be anything"
REMEDY = "run both again, or save the baseline again"
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
    return GateResult(*names, tuple(findings), (*notices(base, candidate, rows), *_fewer(findings, len(base.clips))))


def _fewer(findings: Sequence[Finding], clips: int) -> list[str]:
    """Says that some numbers are not over all clips."""
    counts = [finding.n_clips for finding in findings if finding.n_clips is not None and finding.n_clips < clips]
    if not counts:
        return []
    return [f"{len(counts)} numbers are over the clips that both have, {min(counts)} of {clips} at least"]


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
            now = theirs.get(column) or Value(note="not measured by the candidate")
            yield self._number((name, other), column, value, now)
        for column, value in theirs.items():
            if _has(value) and column not in had:
                start = _start(name, column, self.candidate)
                reason = "the baseline does not have it"
                yield PendingFinding(replace(start, verdict=Verdict.NEW, candidate=value.value, reason=reason))

    def _order(self) -> list[str]:
        """Columns as the candidate has them: a saved baseline is sorted for its diffs and not for readers."""
        return list(dict.fromkeys([*self.candidate.columns, *self.base.columns]))

    def _number(self, rows: tuple[str, str], column: str, before: Value, now: Value) -> PendingFinding:
        name = rows[0]
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
        return self._judged(finding, rows, before, rule)

    def _judged(self, finding: Finding, rows: tuple[str, str], before: Value, rule: Rule) -> PendingFinding:
        """The verdict over the clips that both sides have."""
        found = compare_sides(self.base, self.candidate, rows, finding.column)
        if found.values and found.n_clips < before.n:
            reason = f"{before.n - found.n_clips} of the {before.n} clips that had a value have none"
            return PendingFinding(replace(finding, verdict=Verdict.FEWER, reason=reason))
        if found.values and finding.direction == "none" and not finding.bound:
            found = compare_sides(self.base, self.candidate, rows, finding.column, beside=TRUTH)
        if not found.values:
            reason = f"not compared: {found.note}; {REMEDY}"
            return PendingFinding(replace(finding, verdict=Verdict.OTHER, reason=reason))
        old, new = found.values[:2]
        loss, allowed = _loss(finding, found.values), rule.allowed(old)
        finding = replace(
            finding, base=old, candidate=new, loss=loss, allowed=allowed, n_clips=found.n_clips, reason=found.coverage
        )
        if not finding.bound:
            return PendingFinding(finding, rule, found.p, found.note)
        if loss <= allowed:
            return PendingFinding(finding)
        reason = "; ".join(filter(None, (YARDSTICK, found.coverage)))
        return PendingFinding(replace(finding, verdict=Verdict.MOVED, reason=reason))


def _loss(finding: Finding, values: tuple[float, ...]) -> float:
    """How much worse; for metrics without a better direction, how much further from the ground truth's values."""
    old, new, *truths = values
    if finding.bound or (finding.direction == "none" and not truths):
        return abs(new - old)
    if finding.direction != "none":
        return old - new if finding.direction == "higher" else new - old
    return abs(new - truths[1]) - abs(old - truths[0])


def _start(name: str, column: str, side: Baseline) -> Finding:
    facts = side.columns[column]
    return Finding(name, column, Verdict.OK, direction=facts.direction, unit=facts.unit)


def _has(value: Value | None) -> bool:
    return value is not None and value.value is not None
