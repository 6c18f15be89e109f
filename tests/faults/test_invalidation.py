"""What a change makes again: exactly what depends on it, and nothing else."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from noise_runs import CLIPS, Darker, NoiseRuns, noise  # noqa: F401, a fixture

from bench_lipsync.harness.api.model import ModelCard
from bench_lipsync.harness.registry import plugins
from bench_lipsync.harness.store.store import Store
from bench_lipsync.metrics.image.psnr import PsnrScorer

pytestmark = pytest.mark.faults
MANY = len(CLIPS)
ROWS = ("darker", "loaded", "ground-truth", "static", "shuffled-audio", "nearest-sound")


class Loaded:
    """A model with a weight file: brightness times what stands in it."""

    card = ModelCard(name="loaded", kind="model")
    weights: Path

    def __init__(self) -> None:
        self.factor = int(self.weights.read_text())

    def fingerprint(self) -> str:
        from bench_lipsync.harness.util.files import sha256_file

        return f"loaded {sha256_file(self.weights)}"

    def generate(self, clip, audio, context):
        for chunk in clip.read_frames(chunk=16):
            yield (chunk // self.factor).astype(np.uint8)


@pytest.fixture
def made(noise: NoiseRuns, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Counter[str]]:  # noqa: F811
    """Runs both models and says how many entries were made, by stage and model or scorer."""
    monkeypatch.setitem(plugins.MODELS._targets, "loaded", Loaded)
    monkeypatch.setattr(Loaded, "weights", noise.root / "weights.txt", raising=False)
    Loaded.weights.write_text("3")
    real = Store.make

    def run(**values: object) -> Counter[str]:
        counts: Counter[str] = Counter()

        def make(self: Store, stage: str, parts: dict[str, object], *more: object, **others: object):
            entry = real(self, stage, parts, *more, **others)
            what = parts.get("model") or parts.get("scorer") or ""
            counts[f"{stage} {what}".strip()] += entry.made
            return entry

        monkeypatch.setattr(Store, "make", make)
        outcome = noise.run("run", models=("darker", "loaded"), **values)
        assert outcome.result.status == "complete", outcome.result.failures
        return +counts

    return run


def test_nothing_changed(made: Callable[..., Counter[str]]) -> None:
    first = made()
    assert first["prepare"] == first["generate darker"] == first["generate loaded"] == MANY
    # Frames that are the same are scored once: the ground truth's serve the row with foreign audio too.
    assert first["score psnr"] == first["score ssim"] == (len(ROWS) - 1) * MANY
    assert made() == Counter()


def test_a_changed_model_makes_its_frames_and_their_scores_again(
    made: Callable[..., Counter[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    made()
    monkeypatch.setattr(Darker, "print_of_weights", "darker-v2")
    # Its frames come out as before, so what was found in them still holds.
    assert made() == {"generate darker": MANY}

    def generate(self, clip, audio, context):
        for chunk in clip.read_frames(chunk=16):
            yield chunk // 4

    monkeypatch.setattr(Darker, "print_of_weights", "darker-v3")
    monkeypatch.setattr(Darker, "generate", generate)
    assert made() == {"generate darker": MANY, "score psnr": MANY, "score ssim": MANY}


def test_a_changed_weight_file_makes_its_models_frames_again(made: Callable[..., Counter[str]]) -> None:
    made()
    Loaded.weights.write_text("5")
    os.utime(Loaded.weights, (0, 0))  # Its content counts, not its date.
    assert made() == {"generate loaded": MANY, "score psnr": MANY, "score ssim": MANY}
    Loaded.weights.write_text("3")
    assert made() == Counter(), "the old file is known"


def test_a_changed_metric_is_measured_again(made: Callable[..., Counter[str]], monkeypatch: pytest.MonkeyPatch) -> None:
    made()
    changed = [replace(info, signature=f"{info.signature}|next") for info in PsnrScorer().metrics]
    monkeypatch.setattr(PsnrScorer, "metrics", changed)
    assert made() == {"score psnr": (len(ROWS) - 1) * MANY}


def test_another_preparation_makes_all_again(
    made: Callable[..., Counter[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    first = made()
    monkeypatch.setattr("bench_lipsync.harness.stages.prepare_clip.PREPARE_VERSION", "2|other")
    # The same pixels and sound came out of it, so everything behind it still holds.
    assert made() == {"prepare": MANY}
    assert first["prepare"] == MANY


def test_other_footage_makes_its_clip_again_and_no_other(
    made: Callable[..., Counter[str]],
    noise: NoiseRuns,  # noqa: F811
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    made()
    (noise.root / "clips" / f"{CLIPS[0]}.mp4").write_bytes(b"cut anew")
    import noise_runs

    real = noise_runs.np.random.default_rng
    monkeypatch.setattr(noise_runs.np.random, "default_rng", lambda seed: real(seed + 1))  # Other pixels.
    again = made()
    assert again["prepare"] == again["generate darker"] == again["generate loaded"] == 1
    # The clip before it hears its sound in the row with foreign audio, which pixel metrics do not.
    assert again["score psnr"] == again["score ssim"] == len(ROWS) - 1


def test_a_new_metric_leaves_the_others(made: Callable[..., Counter[str]]) -> None:
    made(metrics=["PSNR"])
    assert made() == {"score ssim": (len(ROWS) - 1) * MANY}
