"""The sync expert: its geometry, its loss, its weights file and its training."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from bench_lipsync.harness.errors import BenchError
from bench_lipsync.models.syncnet.expert import train as expert_train
from bench_lipsync.models.syncnet.expert.batches import make_batch
from bench_lipsync.models.syncnet.expert.data import ExpertData
from bench_lipsync.models.syncnet.expert.network import SyncExpert, load_expert, save_expert, sync_logits, sync_loss
from bench_lipsync.models.syncnet.losses import info_nce
from bench_lipsync.models.syncnet.open.network import OpenSyncNet, save_open_syncnet
from bench_lipsync.models.syncnet.settings import ExpertSettings
from bench_lipsync.models.syncnet.trainer import CURVE, SyncLoss
from bench_lipsync.models.training.clip_arrays import ClipSpan


@pytest.fixture
def expert() -> SyncExpert:
    torch.manual_seed(0)
    return SyncExpert().eval().requires_grad_(False)


def sample(batch: int = 2, length: int = 7) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    draw = torch.Generator().manual_seed(1)
    frames = torch.rand(batch, length, 3, 32, 32, generator=draw) * 2 - 1
    squares = torch.tensor([0.1, 0.2, 0.3]).expand(batch, length, 3).clone()
    return frames, squares, torch.randn(batch, length, 20, 80, generator=draw) - 2


def test_every_five_frames_are_judged_with_the_window_of_the_middle_one(expert: SyncExpert) -> None:
    frames, squares, mel = sample()
    logits = sync_logits(expert, frames, squares, mel)
    assert logits.shape == (2, 3)
    for i in range(3):
        alone = sync_logits(expert, frames[:, i : i + 5], squares[:, i : i + 5], mel[:, i : i + 5])
        torch.testing.assert_close(alone[:, 0], logits[:, i])
    changed = mel.clone()
    changed[:, [0, 1, 5, 6]] = 0  # no window of five has these in its middle
    torch.testing.assert_close(sync_logits(expert, frames, squares, changed), logits)


def test_loss_is_minus_the_log_of_the_score(expert: SyncExpert) -> None:
    given = sample()
    scores = sync_logits(expert, *given).sigmoid()
    assert ((scores > 0) & (scores < 1)).all()
    torch.testing.assert_close(sync_loss(expert, *given), -scores.log().mean())


def test_cosine_loss_is_one_minus_the_cosine(expert: SyncExpert) -> None:
    """Between 0 and 2, and 0 for equal vectors; only the part of a vector across its partner is followed."""
    frames, squares, mel = sample()
    cosines = (expert.embed_faces(frames, squares) * expert.embed_audio(mel)).sum(dim=-1)
    torch.testing.assert_close(sync_loss(expert, frames, squares, mel, "cosine"), 1 - cosines.mean())
    expert.embed_audio = lambda mel: expert.embed_faces(frames, squares)  # type: ignore[method-assign]
    assert float(sync_loss(expert, frames, squares, mel, "cosine")) == pytest.approx(0, abs=1e-6)
    expert.embed_audio = lambda mel: -expert.embed_faces(frames, squares)  # type: ignore[method-assign]
    assert float(sync_loss(expert, frames, squares, mel, "cosine")) == pytest.approx(2)


def test_info_nce_by_hand() -> None:
    """Two windows at right angles; the audio of the second points to the first a little."""
    faces = torch.eye(2)[None]
    audio = torch.tensor([[[1.0, 0.0], [0.6, 0.8]]])
    scores = torch.tensor([[1.0, 0.6], [0.0, 0.8]]) / 0.5
    towards_audio = -(scores.diagonal() - scores.logsumexp(dim=1)).mean()
    towards_faces = -(scores.diagonal() - scores.logsumexp(dim=0)).mean()
    torch.testing.assert_close(info_nce(faces, audio, 0.5), (towards_audio + towards_faces) / 2)
    # Another clip is no negative: the loss of both is the mean of each.
    both = info_nce(torch.cat([faces, faces]), torch.cat([audio, faces]), 0.5)
    torch.testing.assert_close(both, (info_nce(faces, audio, 0.5) + info_nce(faces, faces, 0.5)) / 2)


def test_gradient_reaches_every_frame_and_only_the_lower_face(expert: SyncExpert) -> None:
    frames, squares, mel = sample(1, 5)
    frames.requires_grad_()
    sync_loss(expert, frames, squares, mel).backward()
    assert frames.grad is not None
    reached = frames.grad.abs().amax(dim=(0, 2))  # (5, 32, 32)
    assert (reached.amax(dim=(1, 2)) > 0).all()
    # The square reaches from 0.1 - 0.45 to 0.1 + 0.45 across and 0.2 - 0.45 to 0.2 + 0.45 down, of -1 to 1.
    columns, rows = np.flatnonzero(reached.amax(dim=(0, 1))), np.flatnonzero(reached.amax(dim=(0, 2)))
    assert (columns.min(), columns.max()) == (10, 25)
    assert (rows.min(), rows.max()) == (11, 26)


def test_fewer_than_five_frames_are_refused(expert: SyncExpert) -> None:
    with pytest.raises(ValueError, match="5 frames at a time, not 4"):
        sync_loss(expert, *(part[:, :4] for part in sample()))


def test_weights_round_trip_and_others_are_refused(expert: SyncExpert, tmp_path: Path) -> None:
    save_expert(expert, tmp_path / "a.safetensors", {"clips": "0"})
    given = sample()
    again = sync_logits(load_expert(tmp_path / "a.safetensors"), *given).sigmoid()
    torch.testing.assert_close(again, sync_logits(expert, *given).sigmoid(), atol=5e-3, rtol=0)
    save_open_syncnet(OpenSyncNet(), tmp_path / "b.safetensors", {})
    with pytest.raises(BenchError, match="'open-syncnet' in its metadata, not 'sync-expert'"):
        load_expert(tmp_path / "b.safetensors")
    with pytest.raises(BenchError, match="--network expert"):
        load_expert(tmp_path / "none.safetensors")


def test_pairs_by_hand() -> None:
    """Two stretches of three windows; a scale of 1 and a threshold of 0 make the log odds the cosines."""
    expert = SyncExpert()
    with torch.no_grad():
        expert.log_scale.fill_(0.0)
        expert.threshold.fill_(0.0)
    axes = torch.eye(6).view(2, 3, 6)
    # Right pairs have cosine 1, all others 0.
    wanted = F.softplus(torch.tensor(-1.0)) + 0.5 * F.softplus(torch.tensor(0.0)) + 0.5 * F.softplus(torch.tensor(0.0))
    torch.testing.assert_close(expert_train.pair_loss(expert, axes, axes), wanted)
    # A neighbour is neither right nor wrong.
    near = axes.clone()
    near[:, 1] = F.normalize(axes[:, 0] + axes[:, 1], dim=-1)
    worse = expert_train.pair_loss(expert, near, axes)
    cosines = torch.tensor([1.0, 0.5**0.5, 1.0])
    wanted = F.softplus(-cosines).mean() + F.softplus(torch.tensor(0.0))
    torch.testing.assert_close(worse, wanted)


def arrays(clips: int = 4, frames: int = 16) -> ExpertData:
    """Clips whose lower face brightens with the loudness of the sound."""
    draw = np.random.default_rng(0)
    total = clips * frames
    loud = draw.uniform(0, 1, total)
    pictures = np.full((total, 32, 32, 3), 100, np.uint8)
    pictures[:, 16:28, 10:22] = (80 + 150 * loud)[:, None, None, None]
    mel = (-4 + 3 * loud)[:, None, None] + draw.normal(0, 0.05, (total, 20, 80))
    mouth = np.tile(np.array([0.0, 0.4, 0.3], np.float32), (total, 1))
    spans = tuple(ClipSpan(f"c{i}", f"p{i}", i * frames, frames) for i in range(clips))
    return ExpertData(spans, pictures, mel.astype(np.float32), mouth)


def test_batches_depend_on_seed_and_step_alone() -> None:
    data, config = arrays(), ExpertSettings(batch=3, frames=8)
    first = make_batch(data, list(data.clips), config, 5, augment=True)
    again = make_batch(data, list(data.clips), config, 5, augment=True)
    other = make_batch(data, list(data.clips), config, 6, augment=True)
    assert all(torch.equal(a, b) for a, b in zip(first, again, strict=True))
    assert not torch.equal(first.frames, other.frames)
    assert first.frames.shape == (3, 8, 3, 32, 32)
    assert first.frames.abs().max() < 1.5


class FakeClip:
    frames = 16

    def __init__(self, name: str) -> None:
        self.identity = name


def train(out: Path, steps: int, loss: str = "calibrated") -> list[str]:
    """Loss curve of a run on the arrays above, as it is written."""
    settings = ExpertSettings(steps=steps, batch=3, frames=8, warmup=2, save_every=4, loss=loss)
    expert_train.run([FakeClip(f"p{i}") for i in range(4)], out, settings)  # type: ignore[list-item]
    return [",".join(line.split(",")[:1] + line.split(",")[2:]) for line in (out / CURVE).read_text().splitlines()]


@pytest.mark.parametrize("loss", ["calibrated", "contrastive"])
def test_interrupted_training_ends_the_same(loss: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(expert_train, "load_data", lambda clips, folder, resolution: arrays())
    monkeypatch.setattr("bench_lipsync.models.syncnet.trainer.ROW_EVERY", 2)
    whole = train(tmp_path / "whole", 10, loss)
    step = expert_train._ExpertTrainer.step

    def interrupted(trainer: expert_train._ExpertTrainer) -> SyncLoss:
        if trainer.done == 7:
            raise KeyboardInterrupt
        return step(trainer)

    with monkeypatch.context() as patch:
        patch.setattr(expert_train._ExpertTrainer, "step", interrupted)
        with pytest.raises(KeyboardInterrupt):
            train(tmp_path / "parts", 10, loss)
    assert train(tmp_path / "parts", 10, loss) == whole
    assert len(whole) == 6
    one, other = (load_expert(tmp_path / part / expert_train.WEIGHTS).state_dict() for part in ("whole", "parts"))
    assert all(torch.equal(one[key], other[key]) for key in one)
    with pytest.raises(BenchError, match=r"made with 10 steps, not 11, over which its learning rate falls"):
        train(tmp_path / "parts", 11, loss)


def test_the_contrastive_loss_is_told_and_gives_no_probabilities(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(expert_train, "load_data", lambda clips, folder, resolution: arrays())
    weights = tmp_path / expert_train.WEIGHTS
    train(tmp_path, 2, "contrastive")
    assert float(load_expert(weights).log_scale.exp()) == pytest.approx(1 / 0.07, rel=1e-3), "it is not learned"
    with pytest.raises(BenchError, match=r"trained with the contrastive loss .* choose the sync loss cosine"):
        load_expert(weights, form="bce")


def test_sound_is_told_from_shifted_sound(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Training lowers the loss on material where sound and picture plainly belong together."""
    monkeypatch.setattr(expert_train, "load_data", lambda clips, folder, resolution: arrays(6, 40))
    monkeypatch.setattr("bench_lipsync.models.syncnet.trainer.ROW_EVERY", 1)
    curve = train(tmp_path, 30)
    losses = [float(line.split(",")[1]) for line in curve[1:]]
    assert np.mean(losses[-5:]) < 0.9 * np.mean(losses[:5])


def test_committed_weights_load_and_say_how_they_were_made() -> None:
    from safetensors import safe_open

    from bench_lipsync.models.syncnet.expert.network import WEIGHTS

    load_expert()
    with safe_open(WEIGHTS, framework="pt") as file:
        assert json.loads(file.metadata()["train"])["steps"] > 0
