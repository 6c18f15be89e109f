"""From losses and tests to verdicts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from bench_lipsync.harness.gate.rules import GateSpec, Rule
from bench_lipsync.harness.gate.verdicts import Finding, Verdict
from bench_lipsync.harness.statistics.paired import holm


@dataclass(frozen=True)
class Open:
    """A finding that still needs the correction of its test."""

    finding: Finding
    rule: Rule | None = None
    """`None` where the verdict stands already."""
    p: float | None = None
    why_untested: str = ""


def settle(found: Sequence[Open], gate: GateSpec) -> list[Finding]:
    """Correct the tests for one another, then say what each number means."""
    adjusted = holm([item.p for item in found])
    return [_settled(item, gate, p) for item, p in zip(found, adjusted, strict=True)]


def _settled(item: Open, gate: GateSpec, p: float | None) -> Finding:
    rule, finding = item.rule, replace(item.finding, p=p)
    loss, allowed = finding.loss or 0.0, finding.allowed or 0.0
    if rule is None or abs(loss) <= allowed:
        return finding
    real = p is None or p < gate.alpha
    if loss < 0:
        return replace(finding, verdict=Verdict.BETTER) if real else finding
    reason = _why_worse(item, rule, gate, real)
    if reason:
        return replace(finding, verdict=Verdict.WORSE, reason=reason)
    return replace(finding, verdict=Verdict.UNSURE, reason="beyond the tolerance, but no more than chance")


def _why_worse(item: Open, rule: Rule, gate: GateSpec, real: bool) -> str:
    """Why a loss beyond the tolerance fails; empty where it does not."""
    loss, allowed = item.finding.loss or 0.0, item.finding.allowed or 0.0
    hard = rule.hard if rule.hard is not None else gate.hard
    if not (gate.significant if rule.significant is None else rule.significant):
        return "beyond the tolerance"
    if item.p is None:
        return f"beyond the tolerance, which decides: {item.why_untested}"
    if real:
        return "beyond the tolerance, and more than chance"
    return f"more than {hard:g} times the tolerance" if hard is not None and loss > hard * allowed else ""
