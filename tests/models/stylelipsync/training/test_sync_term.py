"""The sync loss in training: judged on what is shown, counted from its step on, and only asked for when wanted."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from bench_lipsync.models.stylelipsync.training import losses
from bench_lipsync.models.stylelipsync.training.data import TrainingData
from bench_lipsync.models.stylelipsync.training.losses import ReconstructionLoss, tone_loss
from bench_lipsync.models.stylelipsync.training.settings import TrainSettings
from bench_lipsync.models.stylelipsync.training.trainer import StyleLipSyncTrainer


class Judge:
    """Stands for the expert: remembers what it was shown and finds the brightness of the mouth out of sync."""

    def __init__(self) -> None:
        self.shown: list[torch.Tensor] = []
        self.path: Path | None = None

    def load(self, path: Path | None, device: str, form: str) -> Judge:
        self.path, self.form = path, form
        return self

    def loss(
        self, expert: Judge, frames: torch.Tensor, squares: torch.Tensor, mel: torch.Tensor, form: str
    ) -> torch.Tensor:
        assert expert is self
        assert form == self.form
        assert (frames.shape[:2], squares.shape, mel.shape) == ((2, 5), (2, 5, 3), (2, 5, 20, 80))
        self.shown.append(frames.detach())
        return frames[:, :, :, 20:].square().mean()


@pytest.fixture
def judge(monkeypatch: pytest.MonkeyPatch) -> Judge:
    judge = Judge()
    monkeypatch.setattr(losses, "load_expert", judge.load)
    monkeypatch.setattr(losses, "sync_loss", judge.loss)
    return judge


@pytest.fixture
def synced(settings: TrainSettings) -> TrainSettings:
    return settings.model_copy(update={"frames": 5, "lambda_sync": 0.5})


def test_synchrony_is_judged_on_the_pasted_frame_and_added_with_its_weight(
    synced: TrainSettings, data: TrainingData, judge: Judge
) -> None:
    trainer = StyleLipSyncTrainer(synced, data, expert=Path("other.safetensors"))
    step = trainer.step()
    assert judge.path == Path("other.safetensors")
    plain = synced.lambda_l2 * (step.l2 + synced.lambda_mouth * step.mouth_l2)
    assert float(step.total) == pytest.approx(float(plain + 0.5 * step.sync))
    assert judge.shown[0][..., :16, :].abs().max() <= 1, "above the mask the true frame is shown"


def test_synchrony_counts_from_its_step_on(synced: TrainSettings, data: TrainingData, judge: Judge) -> None:
    trainer = StyleLipSyncTrainer(synced.model_copy(update={"sync_start": 2}), data)
    values = [float(trainer.step().sync) for _ in range(3)]
    assert values[:2] == [0.0, 0.0]
    assert values[2] > 0
    assert len(judge.shown) == 1


def test_without_weight_no_expert_is_loaded(settings: TrainSettings, data: TrainingData, judge: Judge) -> None:
    trainer = StyleLipSyncTrainer(settings, data)
    trainer.step()
    assert trainer.sync.expert is None
    assert not judge.shown


@pytest.mark.parametrize("form", ["bce", "cosine"])
def test_the_real_expert_gives_gradients(form: str, synced: TrainSettings, data: TrainingData, tmp_path: Path) -> None:
    from bench_lipsync.models.syncnet.expert.network import ExpertConfig, SyncExpert, save_expert

    torch.manual_seed(0)
    save_expert(SyncExpert(ExpertConfig(face_channels=(8, 8, 8, 8))), tmp_path / "expert.safetensors", {})
    synced = synced.model_copy(update={"sync_loss": form})
    trainer = StyleLipSyncTrainer(synced, data, expert=tmp_path / "expert.safetensors")
    frames = torch.rand(2, 5, 3, 32, 32).requires_grad_()
    mouth, mel = torch.tensor([0.0, 0.5, 0.4]).expand(2, 5, 3), torch.randn(2, 5, 20, 80)
    flat = [part.flatten(0, 1) for part in (frames, frames.detach(), mouth)]
    found = trainer.sync.add(trainer.loss(*flat), frames, mouth, mel, step=0)
    found.total.backward()
    assert float(found.sync.detach()) > 0
    assert frames.grad is not None
    assert frames.grad.abs().sum() > 0


def test_tone_and_inner_mouth_are_weighed_in(settings: TrainSettings) -> None:
    weighed = settings.model_copy(update={"lambda_tone": 2.0, "lambda_inner": 3.0, "lambda_mouth": 0.0})
    truth = torch.zeros(1, 3, 32, 32)
    output = torch.full_like(truth, 0.1)
    found = ReconstructionLoss(weighed, "cpu")(output, truth, torch.tensor([[0.0, 0.0, 0.5]]))
    assert float(found.tone) == pytest.approx(0.1)
    assert float(found.inner) == pytest.approx(0.01)
    assert float(found.total) == pytest.approx(0.01 + 3 * 0.01 + 2 * 0.1)
    noise = torch.randn(1, 3, 32, 32)
    assert tone_loss(noise, truth) < 0.6 * noise.abs().mean(), "noise has no tone"
