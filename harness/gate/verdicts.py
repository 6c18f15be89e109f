"""Verdicts of the gate: one for every number, and the overall result."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

from bench_lipsync.harness.gate.rules import GateSpec, Rule
from bench_lipsync.harness.statistics.paired import holm


class Verdict(StrEnum):
    """The outcome for one number."""

    OK = "ok"
    BETTER = "better"
    UNSURE = "unsure"
    """Beyond the tolerance, but no more than chance."""
    SHOWN = "not judged"
    NEW = "new"
    WORSE = "worse"
    MOVED = "moved"
    """A bound row that changed: the yardstick is another one."""
    FEWER = "fewer clips"
    OTHER = "other clips"
    """The clips that both have are not known, so the two were not compared."""
    MISSING = "missing"
    SLOWER = "slower"


FAILING = frozenset({Verdict.WORSE, Verdict.MOVED, Verdict.FEWER, Verdict.OTHER, Verdict.MISSING, Verdict.SLOWER})


@dataclass(frozen=True)
class Finding:
    """The verdict on one number."""

    model: str
    """Name in the baseline; `""` for a stage of the run."""
    column: str
    """`NAME[variant]`, `seconds per clip`, or a stage."""
    verdict: Verdict
    base: float | None = None
    candidate: float | None = None
    direction: str = "none"
    unit: str = ""
    loss: float | None = None
    """By how much the candidate is worse, in the metric's unit; negative where it is better."""
    allowed: float | None = None
    p: float | None = None
    """Two-sided p of no difference, after Holm's correction for all tests of the gate."""
    reason: str = ""
    """Why the verdict is this one, and how many clips it is about where that is not all of them."""
    bound: bool = False
    """Whether the row is a reference and no model."""
    n_clips: int | None = None
    """Clips that both sides have, which the two values are over; `None` where they are not compared."""

    @property
    def fails(self) -> bool:
        """Whether it makes the gate fail."""
        return self.verdict in FAILING


@dataclass(frozen=True)
class GateResult:
    """The verdicts and notices of a comparison."""

    base: str
    candidate: str
    findings: tuple[Finding, ...]
    notices: tuple[str, ...]
    """What a reader must know although nothing was refused."""

    @property
    def failed(self) -> tuple[Finding, ...]:
        """Findings that make the gate fail."""
        return tuple(finding for finding in self.findings if finding.fails)

    @property
    def judged(self) -> int:
        """How many numbers were held against a rule."""
        return sum(finding.verdict not in (Verdict.SHOWN, Verdict.NEW) for finding in self.findings)

    @property
    def passed(self) -> bool:
        """Whether nothing failed."""
        return not self.failed


@dataclass(frozen=True)
class PendingFinding:
    """A finding that still needs the correction of its test."""

    finding: Finding
    rule: Rule | None = None
    """`None` where the verdict stands already."""
    p: float | None = None
    why_untested: str = ""


def settle(pending: Sequence[PendingFinding], gate: GateSpec) -> list[Finding]:
    """Correct the p-values for the number of tests, then decide each verdict."""
    adjusted = holm([item.p for item in pending])
    return [_settled(item, gate, p) for item, p in zip(pending, adjusted, strict=True)]


def _settled(item: PendingFinding, gate: GateSpec, p: float | None) -> Finding:
    rule, finding = item.rule, replace(item.finding, p=p)
    loss, allowed = finding.loss or 0.0, finding.allowed or 0.0
    if rule is None or abs(loss) <= allowed:
        return finding
    real = p is None or p < gate.alpha
    if loss < 0:
        return replace(finding, verdict=Verdict.BETTER) if real else finding
    why = _why_worse(item, rule, gate, real)
    verdict = Verdict.WORSE if why else Verdict.UNSURE
    why = why or "beyond the tolerance, but no more than chance"
    return replace(finding, verdict=verdict, reason="; ".join(filter(None, (why, finding.reason))))


def _why_worse(item: PendingFinding, rule: Rule, gate: GateSpec, real: bool) -> str:
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
