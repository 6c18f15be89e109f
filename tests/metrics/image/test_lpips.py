from __future__ import annotations

import os
import warnings
from pathlib import Path

import lpips
import numpy as np
import pytest
import torch
from check_scorer import check_scorer
from skimage import data
from skimage.filters import gaussian

from bench_lipsync.harness.assets.lookup import asset_path, asset_present
from bench_lipsync.harness.errors import ClipError, Status
from bench_lipsync.harness.serialization.array_pickle import read_array_pickle
from bench_lipsync.metrics.image.lpips import LpipsScorer, load_lpips, lpips_distance


@pytest.fixture(scope="module")
def weights() -> Path:
    if os.environ.get("BENCH_OFFLINE") and not asset_present("alexnet_lpips"):
        pytest.skip("NOT CHECKED: the weights of LPIPS are not in the cache and BENCH_OFFLINE is set")
    return asset_path("alexnet_lpips")


@pytest.fixture(scope="module")
def model(weights: Path) -> torch.nn.Module:
    return load_lpips("alex")


def photographs() -> tuple[np.ndarray, np.ndarray]:
    face = np.ascontiguousarray(data.astronaut()[:128, 160:288])
    noise = np.random.default_rng(0).normal(0, 20, face.shape)
    blurred = (gaussian(face, 3, channel_axis=2) * 255).astype(np.uint8)
    noisy = np.clip(face + noise, 0, 255).astype(np.uint8)
    outputs = np.stack([blurred, face, noisy, np.roll(face, 1, axis=1), 255 - face])
    return outputs, np.stack([face] * len(outputs))


def test_equals_the_package_with_the_same_backbone(model: torch.nn.Module, weights: Path) -> None:
    arrays = read_array_pickle(weights)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        reference = lpips.LPIPS(net="alex", version="0.1", pnet_rand=True, verbose=False)
    convolutions = [module for module in reference.net.modules() if isinstance(module, torch.nn.Conv2d)]
    for index, convolution in enumerate(convolutions):
        kernel = torch.tensor(arrays[f"AlexNet_0.Conv_{index}.kernel"]).permute(3, 2, 0, 1)
        convolution.weight.data.copy_(kernel)
        convolution.bias.data.copy_(torch.tensor(arrays[f"AlexNet_0.Conv_{index}.bias"]))
    output, truth = photographs()
    with torch.no_grad():
        pair = [torch.from_numpy(x).permute(0, 3, 1, 2).float() / 255 for x in (output, truth)]
        expected = reference(*pair, normalize=True).flatten().numpy()
    np.testing.assert_allclose(lpips_distance(model, output, truth), expected, atol=1e-6)


def test_heads_of_the_package_equal_the_heads_beside_the_backbone(model: torch.nn.Module, weights: Path) -> None:
    # Two independent copies of the published heads: the backbone comes from the very same model.
    arrays = read_array_pickle(weights)
    for index in range(5):
        expected = arrays[f"NetLinLayer_{index}.Conv_0.kernel"].reshape(-1)
        head = model.state_dict()[f"lin{index}.model.1.weight"].numpy().reshape(-1)
        np.testing.assert_array_equal(head, expected)


FROZEN = (0.59637, 0.0, 0.22717, 0.02269, 0.37904)
"""Of a blurred, an equal, a noisy, a shifted and an inverted photograph."""


def test_keeps_its_values(model: torch.nn.Module) -> None:
    # Measured once with the published weights; a changed weight, input scale or order of channels would move them.
    values = lpips_distance(model, *photographs())
    np.testing.assert_allclose(values, FROZEN, atol=2e-4)


def test_scorer_gives_the_mean_of_the_frames_and_zero_for_identical_ones(model: torch.nn.Module) -> None:
    output, truth = photographs()
    cases = (None, output, truth), (None, truth.copy(), truth)
    scores = check_scorer(LpipsScorer(device="cpu"), *cases, tolerance=1e-6, track=False)
    expected = lpips_distance(model, output, truth).mean()
    assert [score.values["LPIPS[alex]"] for score in scores] == [pytest.approx(expected, abs=1e-6), 0.0]


def test_works_as_a_loss_without_training_itself(model: torch.nn.Module) -> None:
    image = torch.zeros(1, 3, 64, 64, requires_grad=True)
    model(image, torch.ones(1, 3, 64, 64)).sum().backward()
    assert image.grad is not None
    assert float(image.grad.abs().sum()) > 0
    assert not any(parameter.requires_grad for parameter in model.parameters())


def test_shapes_that_differ_are_bad_output(model: torch.nn.Module) -> None:
    with pytest.raises(ClipError) as caught:
        lpips_distance(model, np.zeros((1, 64, 64, 3), np.uint8), np.zeros((1, 64, 65, 3), np.uint8))
    assert caught.value.status is Status.BAD_OUTPUT
