"""The answer of the gate: a verdict for every number, and what they come to."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Verdict(StrEnum):
    """How one number came out."""

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
    MISSING = "missing"
    SLOWER = "slower"


FAILING = frozenset({Verdict.WORSE, Verdict.MOVED, Verdict.FEWER, Verdict.MISSING, Verdict.SLOWER})


@dataclass(frozen=True)
class Finding:
    """One row of the answer."""

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
    bound: bool = False
    """Whether the row is a reference and no model."""

    @property
    def fails(self) -> bool:
        """Whether it makes the gate fail."""
        return self.verdict in FAILING


@dataclass(frozen=True)
class GateResult:
    """The whole answer."""

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
