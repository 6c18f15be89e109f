"""Verdicts with known answers, refusals, and what noise does."""

from __future__ import annotations

import numpy as np
import pytest
from gate_runs import KINDS, PEOPLE, Parts, metric, noisy, result, usual

from bench_lipsync.harness.errors import BenchError
from bench_lipsync.harness.gate.baseline import baseline_of
from bench_lipsync.harness.gate.compare import YARDSTICK, compare
from bench_lipsync.harness.gate.rules import GateSpec, Rule, make_gate
from bench_lipsync.harness.gate.verdicts import Finding, GateResult, Verdict
from bench_lipsync.harness.results.schema import RunResult


def judge(
    base: RunResult | Parts,
    candidate: RunResult | Parts,
    gate: dict[str, object] | None = None,
    **options: dict[str, str],
) -> GateResult:
    sides = [baseline_of(side if isinstance(side, RunResult) else result(side)) for side in (base, candidate)]
    return compare(*sides, make_gate(gate or {}), **options)  # type: ignore[arg-type]


def found(answer: GateResult, column: str, model: str = "sls") -> Finding:
    return next(f for f in answer.findings if (f.model, f.column) == (model, column))


def moved(parts: Parts, name: str, by: object, model: str = "sls") -> Parts:
    return {**parts, model: {**parts[model], name: parts[model][name] + by}}


def test_a_run_is_no_worse_than_itself() -> None:
    answer = judge(usual(("sls", "static")), usual(("sls", "static")))
    assert answer.passed and answer.judged == 2 * len(KINDS) - 1
    assert {f.verdict for f in answer.findings} == {Verdict.OK, Verdict.SHOWN}


@pytest.mark.parametrize(("name", "by"), [("SSIM", -0.02), ("LPIPS", 0.01), ("LSE-C", -0.05), ("FID", 0.3)])
def test_a_loss_beyond_tolerance_fails_and_the_same_gain_is_said(name: str, by: float) -> None:
    answer = judge(usual(), moved(usual(), name, by))
    assert [f.column for f in answer.failed] == [f"{name}[v]"]
    assert answer.failed[0].verdict == Verdict.WORSE and answer.failed[0].p == 0.0
    gain = judge(usual(), moved(usual(), name, -by))
    assert gain.passed and found(gain, f"{name}[v]").verdict == Verdict.BETTER


def test_loss_tolerance_and_p_are_what_hand_counting_says() -> None:
    from scipy.stats import ttest_1samp

    step = -0.011 + 0.001 * np.arange(8) / 7
    answer = found(judge(usual(), moved(usual(), "SSIM", step)), "SSIM[v]")
    assert answer.loss == pytest.approx(0.0105) and answer.allowed == 0.01
    tests = len(KINDS)
    assert answer.p == pytest.approx(min(1, tests * ttest_1samp(step, 0).pvalue), rel=1e-6)


def test_the_larger_tolerance_counts_and_a_variant_beats_a_name() -> None:
    assert Rule(absolute=0.1, relative=0.05).allowed(4.0) == pytest.approx(0.2)
    assert Rule(absolute=0.1, relative=0.05).allowed(-0.1) == pytest.approx(0.1)
    gate = make_gate({"metrics": {"SSIM": {"absolute": 1}, "SSIM[v]": {"absolute": 2}, "KID": None}})
    assert gate.rule("SSIM[v]") == Rule(absolute=2) and gate.rule("SSIM[w]") == Rule(absolute=1)
    assert gate.rule("KID[v]") is None and gate.rule("new[v]") == GateSpec().default


def test_chance_and_certainty() -> None:
    """One bad clip of eight is no more than chance, until it is very bad; where no test is wanted tolerance decides."""
    one = np.zeros(8)
    one[3] = -0.16
    assert found(judge(usual(), moved(usual(), "SSIM", one)), "SSIM[v]").verdict == Verdict.UNSURE
    assert judge(usual(), moved(usual(), "SSIM", one)).passed
    terrible = judge(usual(), moved(usual(), "SSIM", 3 * one)).failed
    assert terrible[0].reason == "more than 5 times the tolerance"
    strict = judge(
        usual(), moved(usual(), "SSIM", one), {"metrics": {"SSIM": {"absolute": 0.01, "significant": False}}}
    )
    assert [f.reason for f in strict.failed] == ["beyond the tolerance"]
    assert judge(usual(), moved(usual(), "SSIM", one), {"significant": False}).failed


def test_too_few_people_let_the_tolerance_decide() -> None:
    people = PEOPLE[:3]
    few = {"sls": {name: sums[:3] for name, sums in usual()["sls"].items()}}
    answer = judge(result(few, people=people), result(moved(few, "SSIM", np.array([0, 0, -0.06])), people=people))
    assert "which decides: too few people" in answer.failed[0].reason


def test_an_offset_away_from_the_truth_is_worse_in_both_directions_and_towards_it_is_not() -> None:
    parts = usual(("sls", "ground-truth"))
    late = moved(parts, "AV-offset", 3.0)
    for by in (3.0, -3.0):
        assert [f.column for f in judge(parts, moved(parts, "AV-offset", by)).failed] == ["AV-offset[v]"]
    assert judge(late, parts).passed and found(judge(late, parts), "AV-offset[v]").verdict == Verdict.BETTER


def test_a_bound_that_moves_says_that_the_yardstick_did() -> None:
    parts = usual(("sls", "ground-truth"))
    for by in (0.05, -0.05):
        answer = judge(parts, moved(parts, "LSE-C", by, "ground-truth"))
        assert [(f.verdict, f.reason) for f in answer.failed] == [(Verdict.MOVED, YARDSTICK)]
        assert judge(parts, moved(parts, "LSE-C", by, "ground-truth"), {"bounds": False}).passed


def test_the_offset_of_a_bound_without_synchrony_is_not_judged() -> None:
    parts = usual(("sls", "ground-truth", "static"))
    assert judge(parts, moved(parts, "AV-offset", 3.0, "static")).passed
    assert not judge(parts, moved(parts, "AV-offset", 3.0, "ground-truth")).passed


def test_what_is_missing_is_loud() -> None:
    base = usual(("a", "b"))
    gone = judge(base, {"a": base["a"]})
    assert [(f.model, f.verdict) for f in gone.failed] == [("b", Verdict.MISSING)]
    assert "no row 'b'; its rows: a" in gone.failed[0].reason
    run = result(usual())
    rows = [
        row if row.name != "FID" else row.model_copy(update={"value": None, "note": "no net"}) for row in run.metrics
    ]
    lost = judge(run, run.model_copy(update={"metrics": rows}))
    assert [(f.column, f.reason) for f in lost.failed] == [("FID[v]", "no net")]
    unmeasured = judge(run, run.model_copy(update={"metrics": [row for row in rows if row.name != "FID"]}))
    assert unmeasured.failed[0].reason == "not measured by the candidate"
    back = judge(run.model_copy(update={"metrics": rows}), run)
    assert back.passed and found(back, "FID[v]").verdict == Verdict.NEW


def test_fewer_clips_fail_even_with_a_better_value() -> None:
    run = result(usual())
    fewer = [metric("sls", name, sums[:7] + 1, PEOPLE[:7]) for name, sums in usual()["sls"].items()]
    answer = judge(run, run.model_copy(update={"metrics": fewer}))
    assert {f.verdict for f in answer.findings} == {Verdict.FEWER}
    assert answer.failed[0].reason == "7 clips have a value, 8 had one"


def test_slower_is_caught_and_one_slow_clip_is_not() -> None:
    base = result(usual(), {"sls": 2.0})
    gate = {"speed": {"relative": 0.5}}
    slow = judge(base, result(usual(), {"sls": 3.2}), gate)
    assert [(f.column, f.verdict) for f in slow.failed] == [("seconds per clip", Verdict.SLOWER)]
    assert "1.60 times as long (median of 8 clips), 1.50 are allowed" in slow.failed[0].reason
    assert judge(base, result(usual(), {"sls": 2.8}), gate).passed
    hiccup = result(usual(), {"sls": 2.0})
    hiccup.speed[0].seconds["p0"] = 60.0
    assert judge(base, hiccup, gate).passed
    silent = judge(base, result(usual(), {"sls": 9.0}))
    assert silent.passed and found(silent, "seconds per clip").verdict == Verdict.SHOWN
    assert judge(base, result(usual()), gate).failed[0].verdict == Verdict.MISSING


def test_speed_of_another_device_is_not_judged() -> None:
    slow = result(usual(), {"sls": 90.0})
    other = slow.model_copy(update={"provenance": slow.provenance.model_copy(update={"device": "cuda"})})
    answer = judge(
        result(usual(), {"sls": 2.0}), other, {"speed": {"relative": 0.5}, "stages": {"prepare": {"relative": 1}}}
    )
    assert answer.passed and "not judged, for the devices differ" in found(answer, "seconds per clip").reason
    assert any("devices differ" in notice for notice in answer.notices)


def test_stages() -> None:
    base, slow = result(usual()), result(usual(), timings={"prepare": 21.0})
    answer = judge(base, slow, {"stages": {"prepare": {"relative": 1.0}}})
    assert [(f.model, f.column, f.verdict) for f in answer.failed] == [("", "prepare", Verdict.SLOWER)]
    with pytest.raises(BenchError, match="stage 'prepair', which the baseline lacks; it has: prepare"):
        judge(base, slow, {"stages": {"prepair": {"relative": 1.0}}})


@pytest.mark.parametrize("key", ["dataset", "split", "protocol", "size", "seed", "adapt"])
def test_other_specifications_are_refused(key: str) -> None:
    base = result(usual())
    other = base.model_copy(update={"spec": {**base.spec, key: "x"}})
    with pytest.raises(BenchError, match=f"refused: {key} is .* in the baseline and 'x' in the candidate"):
        judge(base, other)


def test_other_clips_and_signatures_are_refused() -> None:
    base = result(usual())
    with pytest.raises(BenchError, match="8 clips and the candidate 7; 'p7' is only in the baseline"):
        judge(base, base.model_copy(update={"clips": base.clips[:-1]}))
    rows = [row.model_copy(update={"signature": "LSE-C|v2"}) if row.name == "LSE-C" else row for row in base.metrics]
    with pytest.raises(BenchError, match=r"LSE-C\[v\] was computed in two ways: LSE-C\|v1 .*, LSE-C\|v2"):
        judge(base, base.model_copy(update={"metrics": rows}))
    unmeasured = [row.model_copy(update={"value": None}) if row.name == "LSE-C" else row for row in rows]
    assert judge(base.model_copy(update={"metrics": unmeasured}), base).passed


def test_other_footage_is_said_and_refused_on_request() -> None:
    base = result(usual())
    clips = [base.clips[0].model_copy(update={"content_hash": "f" * 64}), *base.clips[1:]]
    other = base.model_copy(update={"clips": clips})
    assert "footage of 1 of 8 clips" in judge(base, other).notices[0]
    with pytest.raises(BenchError, match="footage of 1 clips is not the same, for example 'p0'"):
        judge(base, other, {"same_footage": True})


def test_rows_of_other_names_are_paired_on_request() -> None:
    base, other = usual(("old",)), {"new": usual(("old",))["old"]}
    with pytest.raises(BenchError, match=r"none of the baseline's models \(old\).*--pair old=ROW"):
        judge(base, other)
    answer = judge(base, other, pairs={"old": "new"})
    assert answer.passed and answer.judged == len(KINDS)
    with pytest.raises(BenchError, match="--pair names 'odl', which is no row of the baseline"):
        judge(base, other, pairs={"odl": "new"})


def test_models_of_the_gate() -> None:
    base = usual(("a", "b", "static"))
    worse = moved(base, "SSIM", -0.2, "b")
    assert judge(base, worse, {"models": ["a"]}).passed
    assert {f.model for f in judge(base, worse, {"models": ["a"]}).findings} == {"a", "static"}
    with pytest.raises(BenchError, match="names model 'c', which the baseline lacks"):
        judge(base, base, {"models": ["c"]})


@pytest.mark.parametrize(("times", "at_most", "by_tolerance_alone"), [(1.0, 0, 10), (2.0, 2, 50)])
def test_noise_alone_is_not_caught(times: float, at_most: int, by_tolerance_alone: int) -> None:
    """A hundred candidates that differ as much as two networks that were trained apart, and twice as much."""
    base = usual(("sls", "other"))
    candidates = [noisy(base, seed, times) for seed in range(100)]
    assert sum(not judge(base, candidate).passed for candidate in candidates) <= at_most
    alone = sum(not judge(base, candidate, {"significant": False}).passed for candidate in candidates)
    assert alone > by_tolerance_alone, "tolerances alone would have cried wolf, so this test has teeth"


@pytest.mark.parametrize(("name", "by"), [("SSIM", -0.02), ("LPIPS", 0.015), ("LSE-C", -0.1), ("PSNR", -2.0)])
def test_a_loss_is_caught_under_the_same_noise(name: str, by: float) -> None:
    base = usual()
    caught = sum(not judge(base, moved(noisy(base, seed), name, by)).passed for seed in range(100))
    assert caught >= 95
