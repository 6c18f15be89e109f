"""The pose-aware mask on a synthetic head: it covers the lips and chin, follows the pose, and ignores the lips."""

from __future__ import annotations

import numpy as np
import pytest
from filmed_heads import film, turn

from bench_lipsync.models.stylelipsync.mask.mask import (
    SIZE,
    box_masks,
    draw_masks,
    half_frame_mask,
    keep_planes,
    open_jaw,
    soften,
)
from bench_lipsync.models.stylelipsync.mask.mesh import VERTICES, fit_mesh, in_drawing, triangles
from bench_lipsync.models.stylelipsync.mask.similarity import fit

LIPS_AND_CHIN = (61, 291, 0, 17, 13, 14, 152, 148, 377)


def masks(landmarks: np.ndarray) -> np.ndarray:
    return draw_masks(fit_mesh(landmarks).face())


def test_fit_recovers_a_similarity() -> None:
    rng = np.random.default_rng(1)
    source = rng.normal(size=(20, 3))
    target = np.stack([2.5 * source @ turn(25).T + [1, 2, 3]])
    pose = fit(source, target)
    np.testing.assert_allclose(pose.scale, [2.5])
    np.testing.assert_allclose(pose.rotation[0], turn(25), atol=1e-12)
    np.testing.assert_allclose(pose.apply(source), target)
    np.testing.assert_allclose(pose.undo(target)[0], source, atol=1e-12)


def test_mesh_has_852_triangles_over_all_vertices() -> None:
    faces = triangles()
    assert faces.shape == (852, 3)
    assert set(faces.ravel()) == set(range(VERTICES))
    assert (np.sort(faces, axis=1)[:, :-1] < np.sort(faces, axis=1)[:, 1:]).all()


@pytest.mark.parametrize("yaw", [-30, 0, 30])
def test_covers_lips_and_chin_at_any_opening_and_yaw(yaw: float) -> None:
    openings = np.linspace(0, 0.22, 12)
    landmarks = film(openings, np.full(12, yaw))
    for mask, points in zip(masks(landmarks), landmarks, strict=True):
        x, y = points[list(LIPS_AND_CHIN), :2].round().astype(int).T
        assert (soften(mask)[y, x] < 0.05).all()


def test_is_the_same_whatever_the_lips_do() -> None:
    openings = 0.15 + 0.15 * np.sin(np.arange(20))
    drawn = masks(film(openings, np.zeros(20)))
    assert (drawn == drawn[0]).all()


def test_area_does_not_follow_the_opening_of_a_turning_head() -> None:
    rng = np.random.default_rng(3)
    openings, yaws = rng.uniform(0, 0.3, 200), rng.uniform(-20, 20, 200)
    area = (masks(film(openings, yaws)) > 0).mean(axis=(1, 2))
    assert abs(np.corrcoef(area, openings)[0, 1]) < 0.15


def test_moves_with_the_yaw() -> None:
    drawn = masks(film(np.zeros(3), np.array([-25.0, 0.0, 25.0])))
    centres = [np.nonzero(mask)[1].mean() for mask in drawn]
    steps = np.diff(centres)
    assert abs(steps[0]) > 2
    assert np.sign(steps[0]) == np.sign(steps[1])


def test_reaches_below_the_chin_and_leaves_the_eyes() -> None:
    landmarks = film(np.zeros(2), np.zeros(2))
    mask, points = masks(landmarks)[0], landmarks[0]
    rows = np.nonzero(mask.any(axis=1))[0]
    assert rows.max() > points[152, 1] + 5
    assert rows.min() > points[[33, 263], 1].max() + 5
    face = fit_mesh(landmarks).face()
    assert open_jaw(face.shape)[152, 1] > face.shape.vertices[152, 1] + 0.1


def test_size_of_the_clip_does_not_matter() -> None:
    small, large = (film(np.zeros(2), np.zeros(2), size) for size in (128, 512))
    drawn = [masks(in_drawing(points, size, SIZE)) for points, size in ((small, 128), (large, 512))]
    assert (drawn[0] != drawn[1]).mean() < 0.001


def test_soft_edge_is_the_published_one() -> None:
    mask = np.zeros((SIZE, SIZE), np.uint8)
    mask[100:150, 100:150] = 255
    keep = soften(mask)
    assert keep[125, 125] == 0.0
    assert keep[125, 150 + 9 + 11] == 1.0, "nine dilations and half the blur further out nothing is touched"
    assert 0.3 < keep[125, 150 + 9] < 0.7


def test_box_hides_the_lower_half_of_the_face_only() -> None:
    landmarks = film(np.array([0.0, 0.0, 0.3]), np.zeros(3))
    face = fit_mesh(landmarks).face()
    drawn = box_masks(face)
    for mask, points in zip(drawn, landmarks[:, :468, :2], strict=True):
        rows, columns = (np.nonzero(mask.any(axis=axis))[0] for axis in (1, 0))
        top, bottom = points[:, 1].min(), points[:, 1].max()
        np.testing.assert_allclose((rows[0], rows[-1]), ((top + bottom) / 2, bottom), atol=1.1)
        np.testing.assert_allclose((columns[0], columns[-1]), (points[:, 0].min(), points[:, 0].max()), atol=1.1)
        assert mask[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1].all(), "a rectangle"
    assert drawn[2].sum() > drawn[0].sum(), "a detector's box follows the jaw"
    hidden = {kind: (1 - keep_planes(face, kind, 3)).mean() for kind in ("box", "half-frame")}
    assert hidden["box"] < 0.7 * hidden["half-frame"]
    assert all(
        np.array_equal(keep_planes(face.span(t, t + 1), "box", 1)[0], keep_planes(face, "box", 3)[t]) for t in range(3)
    )


def test_half_frame_hides_the_lower_half() -> None:
    face = fit_mesh(film(np.zeros(3), np.zeros(3))).face()
    keep = keep_planes(face, "half-frame", 3)
    assert keep.shape == (3, SIZE, SIZE)
    assert keep[:, 150:].max() == 0.0
    assert keep[:, :100].min() == 1.0
    assert (half_frame_mask() == 255).mean() == 0.5


def test_landmark_mask_follows_the_true_jaw() -> None:
    face = fit_mesh(film(np.array([0.0, 0.0, 0.3, 0.3]), np.zeros(4))).face()
    hidden = (1 - keep_planes(face, "landmark", 4)).mean(axis=(1, 2))
    assert hidden[2] > hidden[0] * 1.02
    assert hidden[0] == hidden[1]


def test_unknown_mask_is_named() -> None:
    with pytest.raises(ValueError, match="not 'oval'"):
        keep_planes(fit_mesh(film(np.zeros(2), np.zeros(2))).face(), "oval", 2)
