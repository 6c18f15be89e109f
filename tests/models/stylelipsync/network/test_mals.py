"""Moving-average latent smoothing: the average by hand, and how far a frame's influence reaches."""

from __future__ import annotations

import torch

from bench_lipsync.models.stylelipsync.network.mals import RADIUS, MaLS, moving_average, smooth


def test_average_is_a_quarter_a_half_a_quarter_with_repeated_ends() -> None:
    actual = moving_average(torch.tensor([[[4.0, 0.0, 8.0]]]))
    assert actual.tolist() == [[[3.0, 3.0, 6.0]]]


def test_a_frame_reaches_exactly_three_neighbours() -> None:
    torch.manual_seed(0)
    module = MaLS(8).double()
    w = torch.randn(1, 21, 8, dtype=torch.float64)
    changed = w.clone()
    changed[:, 10] += 1.0
    touched = (module(w) - module(changed)).abs().amax(dim=(0, 2)) > 0
    assert touched.nonzero().flatten().tolist() == list(range(10 - RADIUS, 10 + RADIUS + 1))


def test_a_piece_with_its_neighbours_equals_the_whole() -> None:
    torch.manual_seed(0)
    modules = torch.nn.ModuleList(MaLS(8).double() for _ in range(4))
    ws = torch.randn(2, 30, 4, 8, dtype=torch.float64)
    whole = smooth(modules, ws)
    piece = smooth(modules, ws[:, 10 - RADIUS : 20 + RADIUS])[:, RADIUS:-RADIUS]
    torch.testing.assert_close(piece, whole[:, 10:20])


def test_each_latent_has_its_own_module() -> None:
    torch.manual_seed(0)
    modules = torch.nn.ModuleList(MaLS(8) for _ in range(3))
    ws = torch.randn(1, 5, 3, 8)
    for index in range(3):
        torch.testing.assert_close(smooth(modules, ws)[:, :, index], modules[index](ws[:, :, index]))
