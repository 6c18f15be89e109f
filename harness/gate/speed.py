"""Compares durations: clip by clip for rows, totals for stages of the run."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from statistics import median

from bench_lipsync.harness.errors import BenchError
from bench_lipsync.harness.gate.baseline import Baseline
from bench_lipsync.harness.gate.rules import GateSpec, SpeedRule
from bench_lipsync.harness.gate.verdicts import Finding, Verdict

SECONDS = "seconds per clip"


def speed_findings(
    base: Baseline, candidate: Baseline, rows: Mapping[str, str | None], gate: GateSpec
) -> Iterator[Finding]:
    """Rows that generate frames, then the stages that the gate names."""
    same = base.device == candidate.device
    for name, other in rows.items():
        if other is not None and base.models[name].kind != "bound" and base.models[name].seconds:
            yield _row(name, base.models[name].seconds, candidate.models[other].seconds, gate.speed, same)
    for stage, rule in gate.stages.items():
        if stage not in base.stages:
            raise BenchError(
                f"the gate has a rule for stage {stage!r}, which the baseline lacks; "
                f"it has: {', '.join(base.stages) or 'none, it was saved without speed'}"
            )
        if stage not in candidate.stages:
            yield Finding("", stage, Verdict.MISSING, base=base.stages[stage], unit="s", reason="no such stage")
            continue
        before, now = base.stages[stage], candidate.stages[stage]
        ratio = now / before if before else math.inf if now else 1.0
        yield _judged(_seconds("", stage, before, now, f"{ratio:.2f} times as long"), ratio, rule, same)


def _row(name: str, old: Mapping[str, float], new: Mapping[str, float], rule: SpeedRule | None, same: bool) -> Finding:
    """The median of the clips' ratios: a single clip that another process held up does not move it."""
    common = sorted(set(old) & set(new))
    if not common:
        reason = "the candidate does not say how long its clips took"
        verdict = Verdict.MISSING if rule else Verdict.SHOWN
        return Finding(name, SECONDS, verdict, base=_mean(old.values()), unit="s", direction="lower", reason=reason)
    ratio = median(new[clip] / old[clip] if old[clip] else 1.0 for clip in common)
    before, now = _mean(old[clip] for clip in common), _mean(new[clip] for clip in common)
    text = f"{ratio:.2f} times as long (median of {len(common)} clips)"
    return _judged(_seconds(name, SECONDS, before, now, text), ratio, rule, same)


def _seconds(name: str, column: str, base: float, candidate: float, text: str) -> Finding:
    return Finding(name, column, Verdict.OK, base=base, candidate=candidate, direction="lower", unit="s", reason=text)


def _judged(finding: Finding, ratio: float, rule: SpeedRule | None, same: bool) -> Finding:
    text, base = finding.reason, finding.base or 0.0
    verdict = Verdict.OK
    if rule is None:
        verdict, text = Verdict.SHOWN, f"{text}; `speed` in the gate judges it"
    elif not same:
        verdict, text = Verdict.SHOWN, f"{text}; not judged, for the devices differ"
    elif ratio > 1 + rule.relative:
        verdict, text = Verdict.SLOWER, f"{text}, {1 + rule.relative:.2f} are allowed"
    allowed = base * rule.relative if rule else None
    return replace(finding, verdict=verdict, reason=text, loss=base * (ratio - 1), allowed=allowed)


def _mean(values: Iterable[float]) -> float:
    numbers = list(values)
    return math.fsum(numbers) / len(numbers)
