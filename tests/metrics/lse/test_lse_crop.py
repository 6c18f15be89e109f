"""The published crop: rows y-h..y+1.8h, columns x-1.4h..x+1.4h, 110 beyond the picture, BGR."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from bench_lipsync.harness.errors import ClipError
from bench_lipsync.metrics.lse.crop import crop_face, face_boxes


def test_crop_equals_the_published_slicing() -> None:
    frame = np.random.default_rng(0).integers(0, 255, (200, 180, 3), np.uint8)
    for x, y, half in ((90.0, 90.0, 40.0), (20.5, 30.2, 60.7), (170.0, 190.0, 50.0)):
        extra = int(half * 1.8)
        padded = np.pad(frame[..., ::-1], ((extra, extra), (extra, extra), (0, 0)), constant_values=110)
        my, mx = y + extra, x + extra
        rows = slice(int(my - half), int(my + half * 1.8))
        expected = cv2.resize(padded[rows, int(mx - half * 1.4) : int(mx + half * 1.4)], (224, 224))
        ours = crop_face(frame, np.array([x, y, half]))
        assert ours.shape == expected.shape
        np.testing.assert_array_equal(ours, expected)


def test_outside_is_110_and_colours_are_bgr() -> None:
    frame = np.zeros((50, 50, 3), np.uint8)
    frame[..., 0] = 200
    face = crop_face(frame, np.array([25.0, 25.0, 50.0]))
    assert tuple(face[0, 0]) == (110, 110, 110)
    assert tuple(face[100, 112]) == (0, 0, 200)


def test_boxes_follow_forehead_and_chin() -> None:
    landmarks = np.zeros((30, 478, 3), np.float32)
    landmarks[:, 151, :2], landmarks[:, 152, :2] = (50, 20), (50, 100)
    landmarks[:, 234, :2], landmarks[:, 454, :2] = (10, 60), (90, 60)
    landmarks[15, :, :2] += 40  # one frame jumps: the median filter must not follow
    np.testing.assert_allclose(face_boxes(landmarks), np.tile([50.0, 60.0, 40.0], (30, 1)))


def test_face_of_no_size_is_a_typed_failure() -> None:
    with pytest.raises(ClipError, match="face box"):
        crop_face(np.zeros((9, 9, 3), np.uint8), np.zeros(3))
