from __future__ import annotations

import pickle
from pathlib import Path

import numpy as np
import pytest

from bench_lipsync.harness.errors import ClipError, Status
from bench_lipsync.harness.faces.track import FaceTrack


def track(count: int = 5) -> FaceTrack:
    rng = np.random.default_rng(0)
    return FaceTrack(
        landmarks=rng.random((count, 478, 3), dtype=np.float32),
        pose=np.repeat(np.eye(4, dtype=np.float32)[None], count, axis=0),
        blendshapes=rng.random((count, 52), dtype=np.float32),
        affine=rng.random((count, 2, 3)),
        detected=rng.random(count) < 0.5,
    )


def test_every_bit_comes_back(tmp_path: Path):
    track().save(tmp_path / "a.npz")
    loaded = FaceTrack.load(tmp_path / "a.npz")
    for name, array in track().arrays().items():
        assert np.array_equal(getattr(loaded, name), array)
        assert getattr(loaded, name).dtype == array.dtype
    assert len(loaded) == 5


def test_the_same_track_gives_the_same_file(tmp_path: Path):
    for name in "ab":
        track().save(tmp_path / f"{name}.npz")
    assert (tmp_path / "a.npz").read_bytes() == (tmp_path / "b.npz").read_bytes()


class Bomb:
    def __reduce__(self):
        return (pytest.fail, ("the pickle ran",))


def test_nothing_in_a_file_is_executed(tmp_path: Path):
    arrays = track().arrays()
    arrays["pose"] = np.array([Bomb()], dtype=object)
    np.savez(tmp_path / "a.npz", **arrays)
    (tmp_path / "b.npz").write_bytes(pickle.dumps(Bomb()))
    for name in ("a.npz", "b.npz"):
        with pytest.raises(ClipError) as caught:
            FaceTrack.load(tmp_path / name)
        assert caught.value.status == Status.DECODE_ERROR


def test_missing_and_misshapen_arrays_are_refused(tmp_path: Path):
    arrays = track().arrays()
    np.savez(tmp_path / "a.npz", landmarks=arrays["landmarks"])
    np.savez(tmp_path / "b.npz", **{**arrays, "detected": np.ones(3, bool)})
    for name in ("a.npz", "b.npz", "missing.npz"):
        with pytest.raises(ClipError):
            FaceTrack.load(tmp_path / name)


def test_angles():
    turned = track(3)
    # The nose (+z of the canonical face) to the image's right, and up.
    turned.pose[1, :3, 2] = (np.sin(0.5), 0, np.cos(0.5))
    turned.pose[2, :3, 2] = (0, np.sin(0.25), np.cos(0.25))
    assert turned.yaw_degrees() == pytest.approx(np.degrees([0, 0.5, 0]), abs=1e-4)
    assert turned.pitch_degrees() == pytest.approx(np.degrees([0, 0, 0.25]), abs=1e-4)
