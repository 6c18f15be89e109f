"""Adaptation of a tiny network: only the synthesis learns, stopping does not matter, and the file says what it saw."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from synthetic_clip import FRAMES, SyntheticClip, sound

from bench_lipsync.harness.api.clip import PreparedClip
from bench_lipsync.harness.api.model import AdaptableModel, AdaptRequest
from bench_lipsync.harness.api.seen_frames import frames_of, overlap
from bench_lipsync.harness.errors import BenchError
from bench_lipsync.models.stylelipsync.adaptation.adapt import adapt
from bench_lipsync.models.stylelipsync.adaptation.foreign_speech import ForeignSpeech, foreign_speech
from bench_lipsync.models.stylelipsync.adaptation.settings import DEMO_ADAPT, PUBLISHED, AdaptSettings, preset
from bench_lipsync.models.stylelipsync.adaptation.trainer import AdaptTrainer, Task
from bench_lipsync.models.stylelipsync.checkpoint import Checkpoint, CheckpointInfo, load_checkpoint, save_checkpoint
from bench_lipsync.models.stylelipsync.model import StyleLipSync
from bench_lipsync.models.stylelipsync.network.generator import StyleLipSyncNet
from bench_lipsync.models.stylelipsync.training.data import TrainingData
from bench_lipsync.models.training.clip_arrays import ClipSpan

SETTINGS = AdaptSettings(steps=4, batch=2, lr=1e-2, lambda_lpips=0.0, save_every=2)


def judge(frames: torch.Tensor, squares: torch.Tensor, mel: torch.Tensor) -> torch.Tensor:
    """In sync when bright where the sound is loud; the signature of the real expert's loss."""
    assert frames.shape[1] >= 5 and squares.shape[1] == mel.shape[1] == frames.shape[1]
    return (frames.mean(dim=(2, 3, 4)) - mel.mean(dim=(2, 3))).square().mean()


@pytest.fixture(scope="module")
def net(tiny_config) -> StyleLipSyncNet:
    torch.manual_seed(3)
    return StyleLipSyncNet(tiny_config).eval()


@pytest.fixture(scope="module")
def speech() -> ForeignSpeech:
    return foreign_speech([sound(seed, 30) for seed in (5, 6)], "noise")


@pytest.fixture
def task(speech: ForeignSpeech) -> Task:
    rng = np.random.default_rng(1)
    data = TrainingData(
        (ClipSpan("a", "a", 0, 20),),
        rng.integers(0, 256, (20, 32, 32, 3), np.uint8),
        np.where(np.arange(32)[:, None] < 16, 255, 0).astype(np.uint8) * np.ones((20, 1, 32), np.uint8),
        rng.normal(-2, 1, (20, 20, 80)).astype(np.float32),
        np.tile(np.float32([0.0, 0.5, 0.4]), (20, 1)),
    )
    return Task(data, 2, 14, speech, "task")


def states(adapter: AdaptTrainer) -> dict[str, torch.Tensor]:
    return {key: value.clone() for key, value in adapter.net.state_dict().items()}


def test_only_the_synthesis_network_learns(net: StyleLipSyncNet, task: Task) -> None:
    before = {key: value.clone() for key, value in net.state_dict().items()}
    adapter = AdaptTrainer(net, SETTINGS, task, judge=judge)
    losses = [adapter.step() for _ in range(2)]
    changed = {key for key, value in states(adapter).items() if not torch.equal(value, before[key])}
    assert changed and all(key.startswith("synthesis.") for key in changed)
    assert {key.removeprefix("synthesis.") for key in changed} >= {"b4.const", "b4.torgb.weight"}
    assert all(torch.equal(value, before[key]) for key, value in net.state_dict().items()), "a copy is tuned"
    assert all(float(part) > 0 for part in losses[0])


def test_it_learns_the_footage(net: StyleLipSyncNet, task: Task) -> None:
    adapter = AdaptTrainer(net, SETTINGS.model_copy(update={"steps": 40}), task, judge=judge)
    losses = [float(adapter.step().total) for _ in range(40)]
    assert np.mean(losses[-5:]) < 0.7 * losses[0]


def test_resuming_gives_the_same_weights_as_not_stopping(net: StyleLipSyncNet, task: Task, tmp_path: Path) -> None:
    straight, stopped = (AdaptTrainer(net, SETTINGS, task, judge=judge) for _ in range(2))
    for _ in range(4):
        straight.step()
    for _ in range(2):
        stopped.step()
    stopped.save(tmp_path / "state.pt")
    resumed = AdaptTrainer(net, SETTINGS, task, judge=judge)
    resumed.load(tmp_path / "state.pt")
    for _ in range(2):
        resumed.step()
    assert all(torch.equal(value, states(straight)[key]) for key, value in states(resumed).items())
    other = AdaptTrainer(net, SETTINGS.model_copy(update={"lr": 1.0}), task, judge=judge)
    with pytest.raises(BenchError, match=r"made with lr \S+, not \S+;"):
        other.load(tmp_path / "state.pt")


def test_the_regulariser_pulls_towards_foreign_sound(net: StyleLipSyncNet, task: Task) -> None:
    """With nothing but the regulariser, synchrony with foreign sound gets better."""
    alone = SETTINGS.model_copy(update={"lambda_l2": 0.0, "lambda_sync": 0.0, "lambda_reg": 1.0, "steps": 40})
    adapter = AdaptTrainer(net, alone, task, judge=judge)
    reg = [float(adapter.step().reg) for _ in range(40)]
    assert np.mean(reg[-10:]) < 0.8 * np.mean(reg[:5])
    without = AdaptTrainer(net, SETTINGS.model_copy(update={"lambda_reg": 0.0}), task, judge=judge)
    assert float(without.step().reg) == 0


def test_latents_are_those_of_the_whole_clip(net: StyleLipSyncNet, task: Task) -> None:
    adapter = AdaptTrainer(net, SETTINGS, task, judge=judge)
    sample = adapter._sample(np.random.default_rng(4))
    start = next(t for t in range(20) if np.array_equal(task.data.mel[t], sample.batch.mel[0].numpy()))
    whole = net.latents(torch.from_numpy(task.data.mel[2:14])[None], sample.batch.reference[None])[0]
    torch.testing.assert_close(sample.own, whole[start - 2 : start + 3])


def test_what_it_needs(net: StyleLipSyncNet, task: Task) -> None:
    with pytest.raises(BenchError, match="needs foreign speech"):
        AdaptTrainer(net, SETTINGS, Task(task.data, 0, 20, None, ""), judge=judge)
    with pytest.raises(BenchError, match="at least 5"):
        AdaptTrainer(net, SETTINGS, Task(task.data, 0, 4, task.foreign, ""), judge=judge)
    with pytest.raises(BenchError, match="none of a second"):
        foreign_speech([sound(0, 3)], "short")


def test_recipes(tiny_config) -> None:
    assert preset(tiny_config) == DEMO_ADAPT and DEMO_ADAPT.steps < 500
    assert preset(tiny_config.model_copy(update={"resolution": 256})) == PUBLISHED
    assert PUBLISHED.steps == 3000


class HeardClip(SyntheticClip):
    def audio(self) -> np.ndarray:
        return sound(0, self.frames)


@pytest.fixture
def footage(tmp_path: Path) -> PreparedClip:
    return HeardClip("c", "c", tmp_path, {"frames": FRAMES, "size": 64, "content_hash": "abc"})


@pytest.fixture
def checkpoint(net: StyleLipSyncNet, tmp_path: Path) -> Checkpoint:
    save_checkpoint(tmp_path / "base.safetensors", net, CheckpointInfo(name="tiny", trained_on="noise"))
    return load_checkpoint(tmp_path / "base.safetensors")


def test_the_file_is_a_model_that_says_what_it_saw(
    checkpoint: Checkpoint, footage: PreparedClip, speech: ForeignSpeech, tmp_path: Path
) -> None:
    out = adapt(checkpoint, footage, (0, 8), SETTINGS, tmp_path / "me.safetensors", foreign=speech, judge=judge)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["base.safetensors", "me.log", "me.safetensors"]
    loaded = load_checkpoint(out)
    told = loaded.info.adapted
    assert told is not None and told.base == checkpoint.sha256
    assert (told.content_hash, told.start, told.stop, told.steps, told.lambda_reg) == ("abc", 0, 8, 4, 0.1)
    assert told.foreign == speech.name
    for key, value in loaded.net.state_dict().items():
        if not key.startswith("synthesis."):
            assert torch.equal(value, checkpoint.net.state_dict()[key]), key
    model = StyleLipSync(out)
    assert overlap(model.seen[0], frames_of(footage)) and not overlap(model.seen[0], frames_of(footage, 8))
    assert "tuned to one person on 0.32 s" in model.card.trained_on
    assert "tiny-adapted@" in model.card.weights
    with pytest.raises(BenchError, match="adapted already; begin from tiny"):
        adapt(loaded, footage, (0, 8), SETTINGS, tmp_path / "twice.safetensors", foreign=speech, judge=judge)


def test_interrupted_adaptation_goes_on(
    checkpoint: Checkpoint,
    footage: PreparedClip,
    speech: ForeignSpeech,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    whole = adapt(checkpoint, footage, (0, 8), SETTINGS, tmp_path / "a.safetensors", foreign=speech, judge=judge)
    step, steps = AdaptTrainer.step, []

    def interrupted(self: AdaptTrainer):
        if len(steps) == 3:
            raise KeyboardInterrupt
        steps.append(self.done)
        return step(self)

    with monkeypatch.context() as patch:
        patch.setattr(AdaptTrainer, "step", interrupted)
        with pytest.raises(KeyboardInterrupt):
            adapt(checkpoint, footage, (0, 8), SETTINGS, tmp_path / "b.safetensors", foreign=speech, judge=judge)
    assert (tmp_path / "b.state.pt").is_file() and not (tmp_path / "b.safetensors").exists()
    again = adapt(checkpoint, footage, (0, 8), SETTINGS, tmp_path / "b.safetensors", foreign=speech, judge=judge)
    assert again.read_bytes() == whole.read_bytes()


@pytest.mark.parametrize("schedule", ["constant", "cosine"])
def test_with_a_constant_rate_a_long_adaptation_begins_with_the_shorter_ones(
    schedule: str, checkpoint: Checkpoint, footage: PreparedClip, speech: ForeignSpeech, tmp_path: Path
) -> None:
    settings = SETTINGS.model_copy(update={"schedule": schedule})

    def run(steps: int, name: str, earlier: dict[int, Path] | None = None) -> Path:
        own = settings.model_copy(update={"steps": steps})
        return adapt(checkpoint, footage, (0, 8), own, tmp_path / name, foreign=speech, judge=judge, earlier=earlier)

    run(5, "long.safetensors", {3: tmp_path / "steps" / "3.safetensors"})
    short = run(3, "short.safetensors")
    same = (tmp_path / "steps" / "3.safetensors").read_bytes() == short.read_bytes()
    assert same == (schedule == "constant"), "a rate that falls to zero falls sooner in the shorter one"


def test_as_a_model_that_can_be_adapted(tmp_path: Path, checkpoint: Checkpoint) -> None:
    model = StyleLipSync(tmp_path / "base.safetensors")
    assert isinstance(model, AdaptableModel)
    plain, no_reg, no_sync = AdaptRequest(), AdaptRequest(regularise=False), AdaptRequest(synchronise=False)
    cosine = AdaptRequest(settings={"sync_loss": "cosine"})
    requests = (plain, no_reg, no_sync, cosine, AdaptRequest(steps=9), AdaptRequest(seed=1))
    assert len({model.adaptation_key(request) for request in requests}) == 6
    assert model.adapt_settings(plain) == DEMO_ADAPT
    weights = [(found.lambda_sync, found.lambda_reg) for found in map(model.adapt_settings, (plain, no_reg, no_sync))]
    assert weights == [(0.1, 0.1), (0.1, 0.0), (0.0, 0.1)]
    assert "no sync regulariser" in model.describe_adaptation(no_reg)
    assert "no sync loss on the own audio" in model.describe_adaptation(no_sync)
    assert model.describe_adaptation(cosine).endswith("sync loss 1 - cosine")
    with pytest.raises(BenchError, match=r"unknown key 'sinc_loss' .*did you mean sync_loss"):
        model.describe_adaptation(AdaptRequest(settings={"sinc_loss": "cosine"}))


@pytest.mark.parametrize("form", ["bce", "cosine"])
def test_both_sync_terms_have_the_form_of_the_settings(form: str, net: StyleLipSyncNet, task: Task) -> None:
    from bench_lipsync.models.syncnet.expert.network import load_expert, sync_loss

    adapter = AdaptTrainer(net, SETTINGS.model_copy(update={"sync_loss": form}), task)
    frames, mel = torch.rand(1, 5, 3, 32, 32) * 2 - 1, torch.randn(1, 5, 20, 80)
    given = frames, torch.tensor([0.0, 0.5, 0.4]).expand(1, 5, 3), mel
    assert adapter.judge is not None
    torch.testing.assert_close(adapter.judge(*given), sync_loss(load_expert(), *given, form))
    found = adapter.step()
    assert float(found.total) == pytest.approx(float(found.reconstruction + 0.1 * found.sync + 0.1 * found.reg))


@pytest.mark.parametrize("arm", [{"lambda_reg": 0.0}, {"lambda_sync": 0.0}, {"sync_loss": "cosine"}])
def test_arms_of_the_adaptation_learn_other_weights(arm: dict, net: StyleLipSyncNet, task: Task) -> None:
    full, other = (AdaptTrainer(net, SETTINGS.model_copy(update=change), task) for change in ({}, arm))
    for adapter in (full, other):
        adapter.step()
        adapter.step()
    assert not torch.equal(states(full)["synthesis.b4.const"], states(other)["synthesis.b4.const"])
