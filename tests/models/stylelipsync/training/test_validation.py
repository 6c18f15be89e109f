"""What is measured on held-out clips while training: against direct computation, with and without enough frames."""

from __future__ import annotations

import math
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from bench_lipsync.harness.api.clip import PreparedClip
from bench_lipsync.harness.errors import ClipError, Status
from bench_lipsync.harness.registry.registry import Registry
from bench_lipsync.models.stylelipsync.network.config import StyleLipSyncConfig
from bench_lipsync.models.stylelipsync.network.generator import StyleLipSyncNet
from bench_lipsync.models.stylelipsync.training import validation
from bench_lipsync.models.stylelipsync.training.data import TrainingData
from bench_lipsync.models.stylelipsync.training.settings import TrainSettings
from bench_lipsync.models.stylelipsync.training.validation import Validation, draw_clip


class Ear:
    """Stands for the sync scorer: LSE-C is the number of frames, LSE-D the number of samples; `b` is too short."""

    metrics = tuple(SimpleNamespace(name=name, column=f"{name}[ear]") for name in ("LSE-C", "LSE-D", "AV-offset"))

    def __init__(self, device: str) -> None:
        self.sizes: set[tuple[int, ...]] = set()

    def open(self, clip: PreparedClip) -> SimpleNamespace:
        seen: list[int] = []

        def update(output: np.ndarray, truth: np.ndarray) -> None:
            assert output.dtype == truth.dtype == np.uint8
            self.sizes.add(output.shape[1:])
            seen.append(len(output))

        def compute(audio: np.ndarray) -> SimpleNamespace:
            if clip.id == "b":
                raise ClipError(Status.TOO_SHORT, "short")
            return SimpleNamespace(values={"LSE-C[ear]": sum(seen), "LSE-D[ear]": len(audio), "AV-offset[ear]": 0})

        return SimpleNamespace(update=update, compute=compute)


@pytest.fixture
def clips(monkeypatch: pytest.MonkeyPatch) -> list[PreparedClip]:
    def distance(output: torch.Tensor, truth: torch.Tensor) -> torch.Tensor:
        return (output - truth).abs().amax(dim=(1, 2, 3), keepdim=True)

    monkeypatch.setattr(validation, "load_lpips", lambda net, device: distance)
    monkeypatch.setattr(validation, "SCORERS", Registry("scorer", {"lse-open-syncnet": Ear}))
    monkeypatch.setattr(PreparedClip, "audio", lambda self: np.zeros(640 * 12, np.int16))
    return [PreparedClip(name, name, Path("nowhere"), {"size": 64, "frames": 12}) for name in ("a", "b")]


@pytest.fixture
def net(tiny_config: StyleLipSyncConfig) -> StyleLipSyncNet:
    torch.manual_seed(0)
    return StyleLipSyncNet(tiny_config).eval()


def test_means_over_clips_of_what_is_drawn(clips: list[PreparedClip], net: StyleLipSyncNet, data: TrainingData) -> None:
    measured = Validation(clips, data, 2, "cpu")
    found = measured.measure(net)
    expected = []
    with torch.no_grad():
        for span in data.clips:
            output, truth = (torch.cat(parts) for parts in zip(*draw_clip(net, data, span, "cpu"), strict=True))
            kept = (part[:, :, :16] for part in (output, truth))
            torch.testing.assert_close(*kept, msg="what the mask keeps is the true frame")
            expected.append(((output - truth).square().mean().item(), (output - truth).abs().amax((1, 2, 3)).mean()))
    assert found.l2 == pytest.approx(np.mean([pair[0] for pair in expected]), rel=1e-5)
    assert found.lpips == pytest.approx(np.mean([float(pair[1]) for pair in expected]), rel=1e-5)
    assert (found.lse_c, found.lse_d) == (12, 12 * 640), "of the clip that is long enough"
    assert measured.scorer.sizes == {(64, 64, 3)}
    assert str(found).startswith("L2 ")


def test_no_clip_long_enough_is_said_as_nan(
    clips: list[PreparedClip], net: StyleLipSyncNet, data: TrainingData
) -> None:
    only_short = TrainingData(data.clips[1:], data.frames, data.keep, data.mel, data.mouth)
    found = Validation(clips, only_short, 9, "cpu").measure(net)
    assert math.isnan(found.lse_c)
    assert found.l2 > 0


def test_chunks_do_not_change_what_is_drawn(
    net: StyleLipSyncNet, data: TrainingData, monkeypatch: pytest.MonkeyPatch
) -> None:
    def draw() -> torch.Tensor:
        with torch.no_grad():
            return torch.cat([output for output, _ in draw_clip(net, data, data.clips[0], "cpu")])

    whole = draw()
    monkeypatch.setattr(validation, "_CHUNK", 5)
    torch.testing.assert_close(draw(), whole, rtol=1e-4, atol=1e-5)


def test_references_stay_away_from_the_window(settings: TrainSettings) -> None:
    from bench_lipsync.models.stylelipsync.training.batches import _reference

    gap = settings.model_copy(update={"reference_gap": 2, "frames": 3})
    rng = np.random.default_rng(0)
    drawn = {_reference(12, 4, gap, rng) for _ in range(300)}
    assert drawn == {0, 1, 9, 10, 11}
    assert {_reference(5, 1, gap, rng) for _ in range(100)} == set(range(5)), "a clip too short for it"
