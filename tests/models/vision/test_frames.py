"""Frames in and out of the network: ranges, masking, pasting."""

from __future__ import annotations

import numpy as np
import torch

from bench_lipsync.models.vision.frames import composite, hide, resize, to_tensor, to_uint8


def picture(size: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (2, size, size, 3), np.uint8)


def test_uint8_survives_the_way_through_a_tensor() -> None:
    frames = picture(8)
    assert (to_uint8(to_tensor(frames)) == frames).all()
    assert to_uint8(torch.tensor([-3.0, 3.0, 0.001]).expand(1, 3, 1, 3).contiguous())[0, 0, :, 0].tolist() == [
        0,
        255,
        128,
    ]


def test_hidden_pixels_are_black() -> None:
    keep = torch.tensor([0.0, 1.0])[None, None, None]
    assert hide(torch.full((1, 3, 1, 2), 0.5), keep)[0, 0, 0].tolist() == [-1.0, 0.5]


def test_composite_keeps_the_truth_where_told_and_the_output_elsewhere() -> None:
    truth, made = picture(16, 1), picture(16, 2)
    keep = np.zeros((2, 16, 16), np.float32)
    keep[:, :8] = 1.0
    mixed = composite(made, truth, keep)
    assert (mixed[:, :8] == truth[:, :8]).all()
    assert (mixed[:, 8:] == made[:, 8:]).all()


def test_composite_brings_a_small_output_to_the_size_of_the_truth() -> None:
    truth = np.full((2, 32, 32, 3), 10, np.uint8)
    made = np.full((2, 8, 8, 3), 200, np.uint8)
    assert (composite(made, truth, np.zeros((2, 16, 16), np.float32)) == 200).all()


def test_resize_keeps_dtype_and_equal_sizes() -> None:
    frames = picture(16)
    assert resize(frames, 16) is frames
    assert resize(frames, 8).shape == (2, 8, 8, 3)
    assert resize(frames, 8).dtype == np.uint8
