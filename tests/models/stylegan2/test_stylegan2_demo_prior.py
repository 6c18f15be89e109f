"""The committed demo prior fits the demo network and draws varied pictures that are no noise."""

from __future__ import annotations

from pathlib import Path

import torch

import bench_lipsync.models.stylegan2
from bench_lipsync.models.stylegan2.prior import load_prior
from bench_lipsync.models.stylelipsync.training.initialization import load_beginning
from bench_lipsync.models.stylelipsync.training.settings import DEMO_NETWORK

PRIOR = Path(bench_lipsync.models.stylegan2.__file__).parent / "weights" / "demo_prior.safetensors"


def test_the_demo_network_can_begin_from_it() -> None:
    beginning = load_beginning(PRIOR, DEMO_NETWORK)
    assert beginning.state["w_avg"].shape == (DEMO_NETWORK.w_dim,)
    assert float(beginning.state["w_avg"].abs().max()) > 0
    assert load_prior(PRIOR).info.kimg == 26.0


def test_its_pictures_are_pictures() -> None:
    torch.manual_seed(0)
    generator = load_prior(PRIOR).generator()
    with torch.no_grad():
        pictures = generator(torch.randn(6, 128))
    assert pictures.shape == (6, 3, 128, 128)
    assert 0.2 < float(pictures.std()) < 0.8
    assert float((pictures.abs() > 1.5).float().mean()) < 0.02
    # Neighbouring pixels agree, other latents do not.
    neighbours = (pictures[..., 1:] - pictures[..., :-1]).square().mean()
    others = (pictures[1:] - pictures[:-1]).square().mean()
    assert float(neighbours) < 0.2 * float(others)
    # The face is in the middle and redder than blue, whoever it is.
    middle = pictures[:, :, 48:96, 48:80].mean(dim=(2, 3))
    assert bool((middle[:, 0] > middle[:, 2]).all())
