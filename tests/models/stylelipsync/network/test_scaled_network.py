"""Smaller configurations of the same classes, and the switches for ablation."""

from __future__ import annotations

import json

import pytest
import torch
from pydantic import ValidationError

from bench_lipsync.models.stylelipsync.network.config import StyleLipSyncConfig
from bench_lipsync.models.stylelipsync.network.generator import StyleLipSyncNet


def run(config, frames: int = 3) -> torch.Tensor:
    torch.manual_seed(0)
    net = StyleLipSyncNet(config).eval()
    size = config.resolution
    with torch.no_grad():
        return net(torch.zeros(2, frames, 3, size, size), torch.randn(2, frames, 20, 80), torch.zeros(2, 3, size, size))


def test_resolution_sets_latents_and_output(tiny_config) -> None:
    assert tiny_config.num_ws == 8
    assert run(tiny_config).shape == (2, 3, 3, 32, 32)


@pytest.mark.parametrize(
    ("change", "gone", "there"),
    [
        ({"mals": False}, "mals.", ".f_mix1.affine"),
        ({"fusion": "standard"}, ".affine.weight", ".f_mix1.conv.weight"),
        ({"fusion": "sum"}, ".f_mix", "mals."),
    ],
)
def test_switching_a_part_off_removes_its_weights_and_still_runs(tiny_config, change, gone: str, there: str) -> None:
    config = tiny_config.model_copy(update=change)
    names = [name for name in StyleLipSyncNet(config).state_dict() if not name.startswith("synthesis.")]
    assert not any(gone in name for name in names)
    assert any(there in name for name in names)
    assert run(config).isfinite().all()


@pytest.mark.parametrize(
    ("samf", "mask", "fusion", "now"),
    [
        (True, "pose-aware", "samf", "pose-aware"),
        (False, "pose-aware", "sum", "pose-aware"),
        (True, "box", "samf", "half-frame"),
        (True, "landmark", "samf", "landmark"),
    ],
)
def test_words_of_older_files_keep_their_meaning(tiny_config, samf: bool, mask: str, fusion: str, now: str) -> None:
    old = tiny_config.model_dump(exclude={"fusion"}) | {"samf": samf, "mask": mask}
    for config in (StyleLipSyncConfig(**old), StyleLipSyncConfig.model_validate_json(json.dumps(old))):
        assert (config.fusion, config.mask) == (fusion, now)
        assert StyleLipSyncConfig.model_validate_json(config.model_dump_json()) == config
    new = tiny_config.model_dump() | {"mask": "box"}
    assert StyleLipSyncConfig(**new).mask == "box", "a new file's box is the face's"
    with pytest.raises(ValidationError):
        StyleLipSyncConfig(**new, samf=False)


def test_a_single_frame_is_refused_with_mals(tiny_config) -> None:
    with pytest.raises(ValueError, match="at least 2 frames"):
        run(tiny_config, frames=1)


def test_odd_resolutions_and_unknown_keys_are_refused(tiny_config) -> None:
    for change in ({"resolution": 100}, {"resolutionn": 64}):
        with pytest.raises(ValidationError):
            type(tiny_config).model_validate({**tiny_config.model_dump(), **change})
