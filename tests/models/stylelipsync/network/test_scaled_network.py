"""Smaller configurations of the same classes, and the switches for ablation."""

from __future__ import annotations

import pytest
import torch
from pydantic import ValidationError

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


@pytest.mark.parametrize("switch", ["mals", "samf"])
def test_switching_a_part_off_removes_its_weights_and_still_runs(tiny_config, switch: str) -> None:
    config = tiny_config.model_copy(update={switch: False})
    names = StyleLipSyncNet(config).state_dict().keys()
    assert not any({"mals": name.startswith("mals."), "samf": ".f_mix" in name}[switch] for name in names)
    assert run(config).isfinite().all()


def test_a_single_frame_is_refused_with_mals(tiny_config) -> None:
    with pytest.raises(ValueError, match="at least 2 frames"):
        run(tiny_config, frames=1)


def test_odd_resolutions_and_unknown_keys_are_refused(tiny_config) -> None:
    for change in ({"resolution": 100}, {"resolutionn": 64}):
        with pytest.raises(ValidationError):
            type(tiny_config).model_validate({**tiny_config.model_dump(), **change})
