"""A tiny training run learns, stops and goes on exactly, and its samples are what they say."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from bench_lipsync.harness.errors import BenchError
from bench_lipsync.models.stylelipsync.network.generator import StyleLipSyncNet
from bench_lipsync.models.stylelipsync.training.batches import draw, window
from bench_lipsync.models.stylelipsync.training.data import TrainingData
from bench_lipsync.models.stylelipsync.training.initialization import equalised_parameters
from bench_lipsync.models.stylelipsync.training.losses import ReconstructionLoss
from bench_lipsync.models.stylelipsync.training.settings import PRESETS, TrainSettings
from bench_lipsync.models.stylelipsync.training.train import _begin
from bench_lipsync.models.stylelipsync.training.trainer import StyleLipSyncTrainer, schedule
from bench_lipsync.models.training.settings import make_settings
from bench_lipsync.models.vision.mouth import cut, mouth_squares


def weights(trainer: StyleLipSyncTrainer) -> list[torch.Tensor]:
    return [value.clone() for value in (*trainer.net.state_dict().values(), *trainer.ema.state_dict().values())]


def test_loss_falls(settings: TrainSettings, data: TrainingData) -> None:
    trainer = StyleLipSyncTrainer(settings, data)
    losses = [float(trainer.step().total) for _ in range(settings.steps)]
    assert np.mean(losses[-10:]) < 0.3 * np.mean(losses[:5])


@pytest.mark.parametrize("change", [{}, {"fusion": "standard"}, {"fusion": "sum"}, {"mals": False}])
def test_resuming_gives_the_same_weights_as_not_stopping(
    change: dict[str, object], settings: TrainSettings, data: TrainingData, tmp_path: Path
) -> None:
    settings = settings.model_copy(update={"network": settings.network.model_copy(update=change)})
    straight = StyleLipSyncTrainer(settings, data)
    for _ in range(6):
        straight.step()
    stopped = StyleLipSyncTrainer(settings, data)
    for _ in range(3):
        stopped.step()
    stopped.save(tmp_path / "state.pt")
    torch.manual_seed(99)
    resumed = StyleLipSyncTrainer(settings, data)
    resumed.load(tmp_path / "state.pt")
    for _ in range(3):
        resumed.step()
    assert resumed.done == 6
    assert all(torch.equal(a, b) for a, b in zip(weights(straight), weights(resumed), strict=True))


def test_resuming_with_other_settings_is_an_error_that_names_them(
    settings: TrainSettings, data: TrainingData, tmp_path: Path
) -> None:
    StyleLipSyncTrainer(settings, data).save(tmp_path / "state.pt")
    with pytest.raises(BenchError, match=r"made with batch 2, not 9; lr 0.005, not 1.0"):
        StyleLipSyncTrainer(settings.model_copy(update={"lr": 1.0, "batch": 9}), data).load(tmp_path / "state.pt")
    StyleLipSyncTrainer(settings.model_copy(update={"steps": 5}), data).load(tmp_path / "state.pt")
    with pytest.raises(BenchError, match="made with 2 clips a step, not 4"):
        StyleLipSyncTrainer(settings.model_copy(update={"accumulate": 2}), data).load(tmp_path / "state.pt")


def test_a_frozen_decoder_does_not_change(settings: TrainSettings, data: TrainingData) -> None:
    trainer = StyleLipSyncTrainer(settings.model_copy(update={"train_synthesis": False}), data)
    before = {key: value.clone() for key, value in trainer.net.state_dict().items()}
    trainer.step()
    after = trainer.net.state_dict()
    changed = {key.split(".")[0] for key, value in after.items() if not torch.equal(value, before[key])}
    assert changed == {"audio_encoder", "face_encoder", "lip_encoder", "mals"}


def test_samples_stay_in_one_clip_and_mirror_as_a_whole(settings: TrainSettings, data: TrainingData) -> None:
    plain = settings.model_copy(update={"colour": 0.0, "batch": 40})
    batch = draw(data, plain, 0)
    assert batch.frames.shape == (40, 3, 3, 32, 32)
    corner = batch.frames[:, :, :, 0, 0]
    assert torch.equal(corner, batch.reference[:, None, :, 0, 0].expand_as(corner)), "reference of the same person"
    sample = window(data, 0, 2, 5)
    assert torch.equal(sample.mel[1], torch.from_numpy(data.mel[1]))


def test_mouth_square_is_cut_out_where_the_lips_are() -> None:
    landmarks = np.zeros((1, 478, 3), np.float32)
    landmarks[0, :, :2] = 0.75, 0.5
    landmarks[0, [61, 291], 0] = 0.65, 0.85
    square = mouth_squares(landmarks)
    np.testing.assert_allclose(square, [[0.5, 0.0, 0.3]], atol=1e-6)
    frames = torch.zeros(1, 3, 32, 32)
    frames[..., 16:, :][..., 20:] = 1.0
    piece = cut(frames, torch.from_numpy(square))
    assert piece[0, 0, 48, 48] == 1.0
    assert piece[0, 0, 8].max() == 0.0


def test_schedule_warms_up_and_falls_to_zero(settings: TrainSettings) -> None:
    cosine = settings.model_copy(update={"schedule": "cosine", "warmup": 10, "steps": 100, "lr": 1.0})
    assert schedule(cosine, 0) == 0.1
    assert schedule(cosine, 50) == pytest.approx(0.5)
    assert schedule(cosine, 100) == pytest.approx(0.0)
    assert schedule(settings, 59) == 1.0


def test_the_released_options_are_the_default() -> None:
    released = PRESETS["released"]
    assert released == TrainSettings()
    assert (released.steps, released.batch, released.frames, released.lr) == (200_000, 8, 5, 1e-4)
    assert (released.betas, released.lambda_l2, released.lambda_lpips) == ((0.9, 0.99), 1.0, 1.0)
    assert not released.train_synthesis
    assert released.network.resolution == 256
    assert make_settings(PRESETS, "demo", {"steps": 7, "lr": None}).steps == 7
    with pytest.raises(BenchError, match="paper or released or demo"):
        make_settings(PRESETS, "best", {})


def test_the_paper_is_ten_lpips_at_three_scales_and_the_cosine_without_l2() -> None:
    paper = PRESETS["paper"]
    assert (paper.lambda_l2, paper.lambda_lpips, paper.lpips_levels) == (0.0, 10.0, 3)
    assert (paper.lambda_sync, paper.sync_loss, paper.sync_start) == (0.1, "cosine", 0)
    assert (paper.frames, paper.lr, paper.network.resolution, paper.train_synthesis) == (5, 1e-4, 256, False)
    ours = (paper.lambda_mouth, paper.lambda_inner, paper.lambda_tone, paper.face_cut, paper.composite, paper.flip)
    assert not any(ours)
    small = make_settings(PRESETS, "paper", {"network": {"resolution": 128}, "lpips_net": "alex"})
    assert (small.lpips_levels, small.network.resolution) == (3, 128)
    with pytest.raises(BenchError, match="the last of lpips_levels=3 has 16 px"):
        make_settings(PRESETS, "paper", {"network": {"resolution": 64}})


def test_multi_scale_lpips_is_added_up_over_halved_frames(settings: TrainSettings) -> None:
    network = settings.network.model_copy(update={"resolution": 128})
    many = settings.model_copy(
        update={"network": network, "lambda_l2": 0.0, "lambda_lpips": 10.0, "lambda_mouth": 0.0, "lpips_levels": 3}
    )
    loss = ReconstructionLoss(many, "cpu")
    loss.lpips = lambda output, truth: (output - truth).mean(dim=(1, 2, 3)) + output.shape[-1]  # type: ignore[assignment]
    output, truth = torch.full((2, 3, 128, 128), 0.5), torch.zeros(2, 3, 128, 128)
    found = loss(output, truth, torch.zeros(2, 3))
    assert float(found.lpips) == pytest.approx(3 * 0.5 + 128 + 64 + 32)
    assert float(found.total) == pytest.approx(10 * float(found.lpips))


def test_scratch_start_is_grey_and_lets_every_code_through(settings: TrainSettings, data: TrainingData) -> None:
    net = StyleLipSyncTrainer(settings, data).net.eval()
    with torch.no_grad():
        batch = draw(data, settings, 0)
        ws = net.latents(batch.mel, batch.reference)
        frames = net.decode(batch.frames.flatten(0, 1), ws.flatten(0, 1))
    assert frames.std() < 0.5
    assert ws.std(dim=-1).min() > 0.1


def test_unit_size_weights_are_those_of_the_decoder_and_its_fusion(tiny_config) -> None:
    net = StyleLipSyncNet(tiny_config)
    found = equalised_parameters(net)
    names = {name.split(".")[0] for name, parameter in net.named_parameters() if parameter in found}
    assert names == {"synthesis", "face_encoder"}
    assert all(parameter in found for parameter in net.synthesis.parameters())
    assert not any(".f_enc" in name for name, parameter in net.named_parameters() if parameter in found)


def test_a_recipe_that_freezes_the_decoder_does_not_begin_from_nothing(tmp_path: Path, settings: TrainSettings) -> None:
    trainer = SimpleNamespace(settings=settings.model_copy(update={"train_synthesis": False}))
    with pytest.raises(BenchError, match=r"freezes the decoder.*--init"):
        _begin(trainer, tmp_path, None)  # type: ignore[arg-type]
