"""Colours relative to a person's tone: what is subtracted, what the network sees, and that it follows the skin."""

from __future__ import annotations

import pytest
import torch

from bench_lipsync.models.stylelipsync.network.config import StyleLipSyncConfig
from bench_lipsync.models.stylelipsync.network.generator import StyleLipSyncNet
from bench_lipsync.models.stylelipsync.network.tone import masked_input, tone_of
from bench_lipsync.models.vision.frames import hide

PUBLISHED, CENTRED = StyleLipSyncConfig(resolution=32), StyleLipSyncConfig(resolution=32, centred=True)
MOUTH = torch.tensor([[0.0, 0.5, 0.4]])
SMALL = CENTRED.model_copy(
    update={
        "channel_base": 256,
        "channel_max": 16,
        "w_dim": 16,
        "audio_widths": (8, 8, 8, 8),
        "audio_blocks": (1, 1, 1, 1),
        "reference_channel_base": 256,
        "reference_channel_max": 16,
    }
)


def skin(*colour: float) -> torch.Tensor:
    """A face of one colour, with dark lips across a third of the mouth's square, on a black ground."""
    image = torch.full((1, 3, 32, 32), -1.0)
    image[:, :, 8:] = torch.tensor(colour).view(1, 3, 1, 1)
    image[:, :, 23:26, 12:20] = -0.9
    return image


def test_the_published_network_sees_colours_as_they_are() -> None:
    frames, keep = torch.rand(2, 3, 32, 32) * 2 - 1, torch.rand(2, 1, 32, 32)
    tone = tone_of(PUBLISHED, frames, MOUTH.expand(2, 3))
    assert not tone.any()
    assert torch.equal(masked_input(PUBLISHED, frames, keep, tone), hide(frames, keep))


def test_the_tone_is_the_skin_around_the_mouth_whatever_the_lips_do() -> None:
    tone = tone_of(CENTRED, skin(0.5, 0.1, -0.3), MOUTH)
    assert tone.flatten().tolist() == pytest.approx([0.5, 0.1, -0.3])


def test_hidden_pixels_have_the_persons_tone() -> None:
    frames = skin(0.5, 0.1, -0.3)
    keep = torch.zeros(1, 1, 32, 32)
    assert not masked_input(CENTRED, frames, keep, tone_of(CENTRED, frames, MOUTH)).any()


def test_another_skin_moves_the_output_by_its_difference_and_by_nothing_else() -> None:
    net = StyleLipSyncNet(SMALL).eval()
    mel, keep = torch.randn(1, 3, 20, 80), torch.ones(1, 3, 1, 32, 32)
    keep[..., 16:, :] = 0
    shift = torch.tensor([-0.2, 0.1, 0.05]).view(1, 3, 1, 1)

    def draw(reference: torch.Tensor) -> torch.Tensor:
        tone = tone_of(SMALL, reference, MOUTH)
        masked = masked_input(SMALL, reference[:, None].expand(1, 3, 3, 32, 32), keep, tone[:, None])
        with torch.inference_mode():
            return net(masked, mel, reference - tone, "const") + tone[:, None]

    light = skin(0.5, 0.1, -0.3)
    torch.testing.assert_close(draw(light + shift), draw(light) + shift[:, None], atol=1e-5, rtol=0)
