"""Fast inference computes what the network computes: in float32 up to rounding, in bfloat16 nearly."""

from __future__ import annotations

import math

import pytest
import torch

from bench_lipsync.harness.errors import BenchError
from bench_lipsync.models.stylelipsync.inference.inference import _batch_decoder, prepare_inference
from bench_lipsync.models.stylelipsync.network.config import StyleLipSyncConfig
from bench_lipsync.models.stylelipsync.network.generator import StyleLipSyncNet


def network(config: StyleLipSyncConfig) -> StyleLipSyncNet:
    """Random weights in which nothing is zero or one by default: noise, biases and norms count too."""
    torch.manual_seed(0)
    net = StyleLipSyncNet(config).eval()
    with torch.no_grad():
        for name, parameter in net.named_parameters():
            if parameter.ndim <= 1 and "audio" not in name:
                parameter.add_(0.2 * torch.randn_like(parameter))
    return net


def inputs(config: StyleLipSyncConfig, frames: int = 3) -> tuple[torch.Tensor, torch.Tensor]:
    torch.manual_seed(1)
    size = config.resolution
    return torch.randn(frames, 3, size, size).tanh(), torch.randn(frames, config.num_ws, config.w_dim)


def relative(actual: torch.Tensor, expected: torch.Tensor) -> float:
    assert actual.shape == expected.shape and actual.dtype == expected.dtype
    return float((actual - expected).abs().max() / expected.abs().max())


@pytest.mark.parametrize(
    "change",
    [{}, {"fusion": "standard"}, {"fusion": "sum"}, {"norm_groups": 1}, {"resolution": 64}, {"channel_max": 64}],
)
@torch.inference_mode()
def test_equals_the_network(tiny_config: StyleLipSyncConfig, change: dict[str, object]) -> None:
    config = tiny_config.model_copy(update=change)
    net = network(config)
    masked, ws = inputs(config)
    assert relative(prepare_inference(net).decode(masked, ws), net.decode(masked, ws)) < 1e-5


@torch.inference_mode()
def test_large_convolutions_in_parts_equal_the_whole(
    tiny_config: StyleLipSyncConfig, monkeypatch: pytest.MonkeyPatch
) -> None:
    net = network(tiny_config)
    masked, ws = inputs(tiny_config)
    whole = prepare_inference(net).decode(masked, ws)
    monkeypatch.setattr("bench_lipsync.models.stylelipsync.inference.fast_decoder._LARGEST", 5 * 32 * 32 * 4)
    assert relative(prepare_inference(net).decode(masked, ws), whole) < 1e-6


@torch.inference_mode()
def test_frames_do_not_depend_on_their_batch_and_inputs_stay(tiny_config: StyleLipSyncConfig) -> None:
    inference = prepare_inference(network(tiny_config))
    masked, ws = inputs(tiny_config)
    before = masked.clone(), ws.clone()
    together = inference.decode(masked, ws)
    alone = torch.cat([inference.decode(masked[i : i + 1], ws[i : i + 1]) for i in range(3)])
    assert relative(alone, together) < 1e-6
    assert torch.equal(inference.decode(masked, ws), together), "twice the same"
    assert torch.equal(masked, before[0]) and torch.equal(ws, before[1])


@torch.inference_mode()
def test_latents_are_those_of_the_network(tiny_config: StyleLipSyncConfig) -> None:
    net = network(tiny_config)
    mel, reference = torch.randn(1, 4, 20, 80), torch.randn(1, 3, 32, 32)
    inference = prepare_inference(net, "bf16")
    assert torch.equal(inference.latents(mel, reference), net.latents(mel, reference))
    identity = inference.lip_encoder(reference)[:, None]
    combined = inference.combine(inference.audio_encoder(mel[0])[None], identity)
    assert torch.equal(combined, net.latents(mel, reference))


@torch.inference_mode()
def test_bfloat16_is_near_and_not_the_same(tiny_config: StyleLipSyncConfig) -> None:
    net = network(tiny_config)
    masked, ws = inputs(tiny_config)
    exact, rounded = net.decode(masked, ws), prepare_inference(net, "bf16").decode(masked, ws)
    assert rounded.dtype == torch.float32
    snr = 10 * math.log10(exact.square().mean() / (rounded - exact).square().mean())
    assert 25 < snr < 80


@pytest.mark.parametrize("precision", ["fp32", "bf16"])
@torch.inference_mode()
def test_what_accelerators_run(tiny_config: StyleLipSyncConfig, precision: str) -> None:
    net = network(tiny_config)
    masked, ws = inputs(tiny_config)
    batch = _batch_decoder(net, precision, lambda function: function)  # type: ignore[arg-type]
    assert relative(batch(masked, ws), net.decode(masked, ws)) < {"fp32": 1e-6, "bf16": 0.1}[precision]


@torch.inference_mode()
def test_made_anew_after_a_change_of_weights(tiny_config: StyleLipSyncConfig) -> None:
    net = network(tiny_config)
    masked, ws = inputs(tiny_config)
    prepare_inference(net)
    for parameter in net.synthesis.parameters():
        parameter.mul_(0.5)
    assert relative(prepare_inference(net).decode(masked, ws), net.decode(masked, ws)) < 1e-5


def test_unknown_precision_and_missing_compiler_are_said(
    tiny_config: StyleLipSyncConfig, monkeypatch: pytest.MonkeyPatch
) -> None:
    net = network(tiny_config)
    with pytest.raises(BenchError, match=r"'fp16'; known: fp32, bf16"):
        prepare_inference(net, "fp16")  # type: ignore[arg-type]
    monkeypatch.setenv("CXX", "no-such-compiler")
    with pytest.raises(BenchError, match=r"needs a C\+\+ compiler, and 'no-such-compiler' is not on the path"):
        prepare_inference(net, compiled=True)


@pytest.mark.shared
@torch.inference_mode()
def test_frames_equal_the_golden_ones(golden) -> None:
    inference = prepare_inference(golden.net)
    ws = inference.latents(golden.mel, golden.reference)[0]
    frames = inference.decode(golden.masked[0], ws)
    expected = {key: torch.from_numpy(golden.expected[key]) for key in ("frames_stride4", "frames_mean", "frames_std")}
    assert relative(frames[:, :, ::4, ::4], expected["frames_stride4"]) < 2e-5
    assert relative(frames.mean(dim=(2, 3)), expected["frames_mean"]) < 2e-5
    assert relative(frames.std(dim=(2, 3)), expected["frames_std"]) < 2e-5
