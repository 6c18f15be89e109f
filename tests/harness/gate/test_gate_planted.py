"""Regressions planted into real runs of the demo set: a blurred model, late lips and a slow one are caught."""

from __future__ import annotations

import time
from collections.abc import Iterator

import numpy as np
import pytest
from numpy.typing import NDArray

from bench_lipsync.harness.api.clip import PreparedClip
from bench_lipsync.harness.api.model import GenerateContext, ModelCard
from bench_lipsync.harness.gate.baseline import Baseline, baseline_of
from bench_lipsync.harness.gate.compare import compare
from bench_lipsync.harness.gate.rules import make_gate
from bench_lipsync.harness.gate.verdicts import GateResult, Verdict
from bench_lipsync.harness.registry import plugins
from bench_lipsync.harness.run.pipeline import RunOptions, execute
from bench_lipsync.harness.run.spec import make_spec

pytestmark = pytest.mark.slow
LATE = 4


class Planted:
    """The truth with a little grain, and one fault."""

    def __init__(self, fault: str) -> None:
        self.fault = fault
        self.card = ModelCard(name="planted", kind="model", weights=fault)

    def fingerprint(self) -> str:
        return f"{self.fault} 1"

    def generate(
        self, clip: PreparedClip, audio: NDArray[np.int16], context: GenerateContext
    ) -> Iterator[NDArray[np.uint8]]:
        import cv2

        frames = np.concatenate(list(clip.read_frames()))
        rng = np.random.default_rng(1 if self.fault == "grain" else 0)
        noisy = np.clip(frames + rng.integers(-2, 3, frames.shape), 0, 255).astype(np.uint8)
        if self.fault == "late":
            noisy = np.concatenate([noisy[:1].repeat(LATE, axis=0), noisy[:-LATE]])
        if self.fault == "blurred":
            noisy = np.stack([cv2.GaussianBlur(frame, (0, 0), 2.0) for frame in noisy])
        if self.fault == "slow":
            time.sleep(3)
        yield noisy


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Baseline]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(plugins.MODELS._targets, "planted", Planted)
        faults = ("none", "grain", "late", "blurred", "slow")
        spec = make_spec(
            {
                "models": tuple(f"planted:{fault}" for fault in faults),
                "dataset": "demo",
                "limit": 5,
                "size": 128,
                "metrics": ("LSE-C", "AV-offset", "SSIM"),
            }
        )
        out = tmp_path_factory.mktemp("planted")
        yield baseline_of(execute(spec, RunOptions(out=out)).result)


def judge(run: Baseline, fault: str) -> GateResult:
    gate = make_gate({"models": ["planted:none"], "speed": {"relative": 0.5}})
    return compare(run, run, gate, pairs={"planted:none": f"planted:{fault}"})


def verdicts(answer: GateResult) -> dict[str, Verdict]:
    return {f.column.partition("[")[0]: f.verdict for f in answer.findings if f.model == "planted:none"}


def test_other_grain_alone_passes(run: Baseline) -> None:
    answer = judge(run, "grain")
    quality = [finding for finding in answer.failed if finding.verdict != Verdict.SLOWER]
    assert not quality and answer.judged > 3


def test_a_blurred_model_is_caught(run: Baseline) -> None:
    found = verdicts(judge(run, "blurred"))
    assert found["SSIM"] == Verdict.WORSE


def test_late_lips_are_caught_by_what_measures_synchrony(run: Baseline) -> None:
    answer = judge(run, "late")
    assert verdicts(answer)["AV-offset"] == Verdict.WORSE
    offset = next(f for f in answer.failed if f.column.startswith("AV-offset"))
    assert abs(offset.candidate or 0) == pytest.approx(LATE, abs=1)


def test_a_slow_model_is_caught_by_its_time_alone(run: Baseline) -> None:
    assert [f.verdict for f in judge(run, "slow").failed] == [Verdict.SLOWER]


def test_every_clip_has_its_time(run: Baseline) -> None:
    assert all(seconds > 3 for seconds in run.models["planted:slow"].seconds.values())
    assert set(run.models["planted:slow"].seconds) == set(run.clips)
