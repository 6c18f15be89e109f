from __future__ import annotations

import io
import math
import zipfile
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

from bench_lipsync.harness.faces.head_pose import CanonicalFace, canonical_face, focal_length, project, solve_poses


def turned(yaw: float, x: float = 0.0, y: float = 0.0, z: float = -50.0) -> np.ndarray:
    pose = np.eye(4, dtype=np.float32)
    angle = math.radians(yaw)
    pose[0, 0] = pose[2, 2] = math.cos(angle)
    pose[0, 2], pose[2, 0] = math.sin(angle), -math.sin(angle)
    pose[:3, 3] = x, y, z
    return pose


def test_a_point_ahead_is_seen_in_the_middle():
    points = np.array([[0, 0, 0], [0, 5, 0], [5, 0, 0]], np.float32)
    seen = project(turned(0), points, 1280, 720)
    step = focal_length(720) * 5 / 50
    assert seen == pytest.approx(np.array([[640, 360], [640, 360 - step], [640 + step, 360]]))


def test_a_known_pose_is_found_again():
    rng = np.random.default_rng(0)
    vertices = rng.normal(0, 5, (468, 3)) * (1, 1.3, 0.6)
    face = CanonicalFace(vertices, np.where(np.arange(468) % 9 == 0, rng.uniform(0.5, 1, 468), 0))
    poses = [turned(0), turned(30, 3, -2, -60), turned(-20, -8, 5, -80)]
    landmarks = np.zeros((3, 478, 3), np.float32)
    for found, pose in zip(landmarks, poses, strict=True):
        found[:468, :2] = project(pose, vertices, 640, 480)
        # MediaPipe's z: depth in pixels at the face's distance, smaller is nearer.
        found[:468, 2] = -(vertices @ pose[2, :3]) * focal_length(480) / -pose[2, 3]
    solved = solve_poses(landmarks, 640, 480, face)
    for one, pose in zip(solved, poses, strict=True):
        cosine = (np.trace(one[:3, :3].T @ pose[:3, :3]) - 1) / 2
        assert np.degrees(np.arccos(min(1.0, cosine))) < 4
        assert np.abs(project(one, vertices, 640, 480) - project(pose, vertices, 640, 480)).mean() < 2


def test_one_frame_does_not_depend_on_the_others():
    rng = np.random.default_rng(1)
    face = CanonicalFace(rng.normal(0, 5, (468, 3)), np.ones(468))
    landmarks = rng.normal(50, 40, (4, 478, 3)).astype(np.float32)
    together = solve_poses(landmarks, 200, 200, face)
    alone = np.concatenate([solve_poses(landmarks[k : k + 1], 200, 200, face) for k in range(4)])
    assert together == pytest.approx(alone, abs=1e-5)
    assert (np.linalg.det(together[:, :3, :3]) > 0).all(), "turned, never mirrored"


def test_the_canonical_face_is_a_face():
    face = canonical_face()
    assert face.vertices.shape == (468, 3)
    assert face.vertices[:, 0].max() == pytest.approx(-face.vertices[:, 0].min(), abs=1e-4)
    nose, chin = face.vertices[1], face.vertices[152]
    assert nose[2] > chin[2]
    assert nose[1] > chin[1]
    assert np.count_nonzero(face.weights) == 33


def test_the_canonical_face_is_that_of_the_asset():
    """Read from the model file: GeometryPipelineMetadata, with the mesh and the weights of its points."""
    from bench_lipsync.harness.assets.lookup import asset_path

    with zipfile.ZipFile(asset_path("face_landmarker")) as archive:
        message = list(fields(archive.read("geometry_pipeline_metadata_landmarks.binarypb")))
    mesh = next(value for number, value in message if number == 1)
    buffer = b"".join(value for number, value in fields(mesh) if number == 3)
    points = [dict(fields(value)) for number, value in message if number == 2]
    face = canonical_face()
    # A vertex is x, y, z and two texture coordinates; a point is its number (1, left out where 0) and its weight (2).
    np.testing.assert_array_equal(face.vertices, np.frombuffer(buffer, "<f4").reshape(-1, 5)[:, :3])
    weights = {point.get(1, 0): np.frombuffer(point[2], "<f4")[0] for point in points}
    np.testing.assert_array_equal(np.flatnonzero(face.weights), sorted(weights))
    assert all(face.weights[number] == weight for number, weight in weights.items())


def fields(message: bytes) -> Iterator[tuple[int, Any]]:
    """Number and value of every field of a protocol buffer: an `int` for varints, bytes for all else."""
    stream = io.BytesIO(message)

    def varint() -> int:
        value = shift = 0
        while (byte := stream.read(1)[0]) & 0x80:
            value, shift = value | (byte & 0x7F) << shift, shift + 7
        return value | byte << shift

    while stream.tell() < len(message):
        number, kind = divmod(varint(), 8)
        yield number, varint() if kind == 0 else stream.read(varint() if kind == 2 else {1: 8, 5: 4}[kind])
