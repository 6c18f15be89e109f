from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench_lipsync.harness.faces.crop import EDGE, SIDE, TIGHT, CropBox, crop_box, cut
from bench_lipsync.harness.faces.region import Region, bounding


def test_regions():
    points = np.array([[10, 20, 5], [30, 50, -5]], np.float32)
    box = Region.around(points)
    assert box == Region(10, 20, 20, 30)
    assert (box.side, box.centre) == (30, (20, 35))
    assert box.overlap(box) == 1
    assert box.overlap(Region(20, 20, 20, 30)) == pytest.approx(1 / 3)
    assert box.overlap(Region(31, 20, 5, 5)) == 0
    assert bounding([box, Region(0, 40, 5, 5)]) == Region(0, 20, 30, 30)
    assert Region(-5.5, 3.2, 10, 4).inside(Region(0, 0, 100, 100)) == Region(0, 3, 5, 5)
    assert Region(200, 0, 5, 5).inside(Region(0, 0, 100, 100)).width == 0


def test_a_face_with_room_around_it_gets_the_whole_head():
    box = crop_box(Region(500, 300, 150, 200), 1280, 720)
    assert box == CropBox(x=575 - 160, y=400 - 10 - 160, side=320)


@pytest.mark.parametrize(("width", "height"), [(224, 224), (256, 256), (512, 512)])
def test_a_clip_cropped_to_a_head_is_taken_as_it_is(width: int, height: int):
    face = Region(0.2 * width, 0.05 * height, 0.6 * width, 0.72 * height)
    assert crop_box(face, width, height) == CropBox(0, 0, width)


faces = st.builds(Region, st.floats(-50, 500), st.floats(-50, 400), st.floats(20, 400), st.floats(20, 400))


@given(face=faces, width=st.integers(64, 700), height=st.integers(64, 700))
def test_the_face_always_lies_within(face: Region, width: int, height: int):
    box = crop_box(face, width, height)
    margin = EDGE * face.side - 1
    assert box.x <= face.x - margin
    assert box.y <= face.y - margin
    assert box.x + box.side >= face.x + face.width + margin
    assert box.y + box.side >= face.y + face.height + margin
    assert TIGHT * face.side - 1 <= box.side <= SIDE * face.side + 1


@pytest.mark.parametrize("size", [64, 128, 256])
def test_a_spot_lands_where_the_affine_says(size: int):
    frame = np.zeros((1, 200, 300, 3), np.uint8)
    frame[0, 90:94, 140:144] = 255
    box = CropBox(100, 40, 128)
    crop = cut(frame, box, size)[0, ..., 0].astype(float)
    rows, columns = np.mgrid[:size, :size] + 0.5
    found = np.array([(columns * crop).sum(), (rows * crop).sum()]) / crop.sum()
    assert found == pytest.approx(box.affine(size) @ (142, 92, 1), abs=0.05)


def test_the_frame_itself_is_not_touched_when_sizes_agree():
    frame = np.random.default_rng(0).integers(0, 256, (2, 64, 64, 3), dtype=np.uint8)
    assert np.array_equal(cut(frame, CropBox(0, 0, 64), 64), frame)


def test_shrinking_averages():
    checks = np.indices((64, 64)).sum(axis=0) % 2 * 255
    frame = np.repeat(checks[None, ..., None], 3, axis=-1).astype(np.uint8)
    assert abs(cut(frame, CropBox(0, 0, 64), 32).astype(int) - 127.5).max() <= 0.5


def test_outside_the_frame_its_edge_goes_on():
    frame = np.random.default_rng(0).integers(0, 256, (1, 20, 20, 3), dtype=np.uint8)
    crop = cut(frame, CropBox(-4, 6, 24), 24)[0]
    assert np.array_equal(crop[:14, 4:], frame[0, 6:])
    assert np.array_equal(crop[:14, :4], np.repeat(frame[0, 6:, :1], 4, axis=1))
    assert np.array_equal(crop[14:, 4:], np.repeat(frame[0, 19:], 10, axis=0))
