"""Beginning from a checkpoint, from one of other switches, and from a StyleGAN2 prior."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import pytest
import torch
from safetensors.torch import save_file

from bench_lipsync.harness.errors import BenchError
from bench_lipsync.models.stylelipsync.checkpoint import CheckpointInfo, save_checkpoint
from bench_lipsync.models.stylelipsync.network.config import StyleLipSyncConfig
from bench_lipsync.models.stylelipsync.network.generator import StyleLipSyncNet
from bench_lipsync.models.stylelipsync.training import initialization
from bench_lipsync.models.stylelipsync.training.data import TrainingData
from bench_lipsync.models.stylelipsync.training.initialization import from_net, load_beginning
from bench_lipsync.models.stylelipsync.training.settings import PRESETS, TrainSettings
from bench_lipsync.models.stylelipsync.training.trainer import StyleLipSyncTrainer
from bench_lipsync.models.training.settings import make_settings


def test_weights_are_taken_over_and_kept_when_going_on(
    settings: TrainSettings, data: TrainingData, tiny_config: StyleLipSyncConfig, tmp_path: Path
) -> None:
    torch.manual_seed(5)
    given = StyleLipSyncNet(tiny_config)
    given.w_avg.fill_(0.5)
    save_checkpoint(tmp_path / "given.safetensors", given, CheckpointInfo())
    trainer = StyleLipSyncTrainer(settings, data)
    note = trainer.begin_from(load_beginning(tmp_path / "given.safetensors", tiny_config))
    assert note.startswith("begun from given.safetensors: ")
    assert "new" not in note
    for own in (trainer.net, trainer.ema):
        assert all(torch.equal(value, given.state_dict()[key]) for key, value in own.state_dict().items())
    trainer.save(tmp_path / "state.pt")
    resumed = StyleLipSyncTrainer(settings, data)
    resumed.load(tmp_path / "state.pt")
    assert torch.equal(resumed.net.w_avg, given.w_avg)


def test_other_switches_keep_the_weights_that_both_have(
    settings: TrainSettings, data: TrainingData, tiny_config: StyleLipSyncConfig
) -> None:
    bare = StyleLipSyncNet(tiny_config.model_copy(update={"fusion": "sum", "mals": False, "mask": "box"}))
    trainer = StyleLipSyncTrainer(settings, data)
    fresh = trainer.net.mals[0].conv[0].weight.clone()
    note = trainer.begin_from(from_net(bare, settings.network, "bare"))
    assert "fusion sum -> samf, mals False -> True, mask box -> pose-aware" in note
    assert "face_encoder.f_mix1" in note
    assert torch.equal(trainer.net.face_encoder.f_enc1[0].conv.weight, bare.face_encoder.f_enc1[0].conv.weight)
    assert torch.equal(trainer.net.mals[0].conv[0].weight, fresh)
    without = StyleLipSyncTrainer(settings.model_copy(update={"network": bare.config}), data)
    assert ": {0} of {0} tensors".format(len(bare.state_dict())) in without.begin_from(
        from_net(trainer.net, bare.config)
    )
    without.step()


def test_other_sizes_are_an_error_that_names_them(settings: TrainSettings, tiny_config: StyleLipSyncConfig) -> None:
    other = StyleLipSyncNet(tiny_config.model_copy(update={"w_dim": 8, "fusion": "sum"}))
    with pytest.raises(BenchError, match="another network: w_dim differ"):
        from_net(other, settings.network)


@pytest.fixture
def prior(tiny_config: StyleLipSyncConfig, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """A prior file, and a loader that gives the synthesis network of another seed."""
    torch.manual_seed(7)
    net = StyleLipSyncNet(tiny_config)
    sizes = SimpleNamespace(resolution=32, w_dim=16, channels=tiny_config.channels)
    loaded = SimpleNamespace(synthesis_state=net.synthesis.state_dict(), w_avg=torch.arange(16.0), config=sizes)
    monkeypatch.setattr(initialization, "load_prior", lambda path: loaded)
    save_file({"x": torch.zeros(1)}, tmp_path / "prior.safetensors", metadata={"format": "prior"})
    return tmp_path / "prior.safetensors"


def test_a_prior_gives_the_decoder_and_the_mean_latent(
    settings: TrainSettings, data: TrainingData, prior: Path
) -> None:
    frozen = settings.model_copy(update={"train_synthesis": False})
    trainer = StyleLipSyncTrainer(frozen, data)
    before = trainer.net.lip_encoder.fcs[1].weight.clone()
    note = trainer.begin_from(load_beginning(prior, frozen.network))
    assert "begun from the StyleGAN2 prior prior.safetensors" in note
    assert torch.equal(trainer.net.lip_encoder.fcs[1].weight, before)
    assert torch.equal(trainer.ema.w_avg, torch.arange(16.0))
    given = initialization.load_prior(prior).synthesis_state
    trainer.step()
    own = trainer.net.synthesis.state_dict()
    assert all(torch.equal(own[key], value) for key, value in given.items())


def test_a_prior_of_another_size_is_an_error_that_names_it(tiny_config: StyleLipSyncConfig, prior: Path) -> None:
    wide = tiny_config.model_copy(update={"channel_max": 8})
    with pytest.raises(BenchError, match=r"prior\.safetensors has channels .*16.* the network to train .*8"):
        load_beginning(prior, wide)
    with pytest.raises(BenchError, match="has resolution 32, the network to train 64"):
        load_beginning(prior, tiny_config.model_copy(update={"resolution": 64}))


def test_switches_go_into_the_recipe_and_what_is_wrong_is_named() -> None:
    network = {"fusion": "standard", "mals": None, "mask": "box"}
    settings = make_settings(PRESETS, "demo", {"steps": 7, "lr": None, "network": network})
    assert (settings.network.fusion, settings.network.mals, settings.network.mask) == ("standard", True, "box")
    assert settings.network.resolution == 128
    with pytest.raises(BenchError, match=r"network\.mask"):
        make_settings(PRESETS, "demo", {"network": {"mask": "ears"}})
    with pytest.raises(BenchError, match="frames=3 goes only with lambda_sync=0"):
        make_settings(PRESETS, "demo", {"frames": 3})
