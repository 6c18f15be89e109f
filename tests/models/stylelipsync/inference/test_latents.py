"""Latents as a stream equal those of the whole clip, and do not depend on how they are asked for."""

from __future__ import annotations

import pytest
import torch

from bench_lipsync.models.stylelipsync.inference import latents
from bench_lipsync.models.stylelipsync.inference.inference import prepare_inference
from bench_lipsync.models.stylelipsync.inference.latents import LatentStream
from bench_lipsync.models.stylelipsync.network.config import StyleLipSyncConfig
from bench_lipsync.models.stylelipsync.network.generator import StyleLipSyncNet


@pytest.fixture
def stream(tiny_config: StyleLipSyncConfig) -> LatentStream:
    torch.manual_seed(0)
    net = prepare_inference(StyleLipSyncNet(tiny_config))
    identity = torch.randn(1, 1, tiny_config.num_ws, tiny_config.w_dim)
    return LatentStream(net, torch.randn(75, 20, 80), identity)


@torch.inference_mode()
def whole(stream: LatentStream) -> torch.Tensor:
    audio = stream._net.audio_encoder(stream._windows)
    return stream._net.combine(audio[None], stream._identity)[0]


def test_blocks_with_their_halo_are_the_whole_clip(stream: LatentStream) -> None:
    torch.testing.assert_close(stream.span(0, 75), whole(stream), atol=1e-5, rtol=1e-5)


def test_too_small_a_halo_would_be_noticed(stream: LatentStream, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(latents, "RADIUS", 2)
    assert not torch.allclose(stream.span(0, 75), whole(stream), atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize("size", [1, 5, 32, 33, 75])
def test_any_spans_give_the_same_bits(stream: LatentStream, size: int) -> None:
    expected = stream.span(0, 75)
    parts = [stream.span(start, min(start + size, 75)) for start in range(0, 75, size)]
    assert torch.equal(torch.cat(parts), expected)
    assert torch.equal(stream.span(30, 40), expected[30:40])
