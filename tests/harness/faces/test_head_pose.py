from __future__ import annotations

import math

import numpy as np
import pytest

from bench_lipsync.harness.faces.head_pose import CanonicalFace, focal_length, project, solve_poses
from bench_lipsync.harness.faces.protobuf_wire import fields, floats


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
    from bench_lipsync.harness.faces.head_pose import canonical_face

    face = canonical_face()
    assert face.vertices.shape == (468, 3)
    assert face.vertices[:, 0].max() == pytest.approx(-face.vertices[:, 0].min(), abs=1e-4)
    nose, chin = face.vertices[1], face.vertices[152]
    assert nose[2] > chin[2]
    assert nose[1] > chin[1]
    assert np.count_nonzero(face.weights) == 33


def test_the_wire_format():
    message = b"\x08\x96\x01" + b"\x12\x04" + np.float32(1.5).tobytes() + b"\x1d" + np.float32(2).tobytes()
    (one, two, three) = fields(message)
    assert one == (1, 150)
    assert floats(two[1]).tolist() == [1.5]
    assert (three[0], floats(three[1]).tolist()) == (3, [2.0])
    for broken in (b"\x08", b"\x12\x09abc", b"\x0f", b"\x80"):
        with pytest.raises(ValueError, match=r"message|wire type"):
            list(fields(broken))
