from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from bench_lipsync.harness.errors import ClipError, Status
from bench_lipsync.harness.media import LosslessWriter, decode_video, read_lossless


def noise(count: int, height: int = 40, width: int = 56) -> np.ndarray:
    return np.random.default_rng(count).integers(0, 256, (count, height, width, 3), dtype=np.uint8)


def write(path: Path, frames: np.ndarray, chunk: int = 7) -> Path:
    with LosslessWriter(path, frames.shape[2], frames.shape[1]) as writer:
        for start in range(0, len(frames), chunk):
            writer.write(frames[start : start + chunk])
    assert writer.frames == len(frames)
    return path


@settings(max_examples=25, deadline=None)
@given(
    shape=st.tuples(st.integers(1, 4), st.integers(2, 70), st.integers(2, 70), st.just(3)),
    data=st.data(),
)
def test_every_byte_comes_back(tmp_path_factory: pytest.TempPathFactory, shape: tuple[int, ...], data: st.DataObject):
    frames = data.draw(arrays(np.uint8, shape))
    path = write(tmp_path_factory.mktemp("l") / "a.mkv", frames)
    assert np.array_equal(np.concatenate(list(read_lossless(path))), frames)


def test_every_colour_comes_back(tmp_path: Path):
    cube = np.stack(np.meshgrid(*[np.arange(0, 256, 3, dtype=np.uint8)] * 3, indexing="ij"), axis=-1)
    assert np.array_equal(np.concatenate(list(read_lossless(write(tmp_path / "a.mkv", cube)))), cube)


@pytest.mark.parametrize(("start", "stop"), [(0, None), (13, 51), (119, 120), (100, 900), (35, 35), (500, 600)])
def test_reading_begins_and_ends_at_the_frame(tmp_path: Path, start: int, stop: int | None):
    frames = noise(120)
    chunks = list(read_lossless(write(tmp_path / "a.mkv", frames), start, stop, chunk=16))
    assert all(len(chunk) == 16 for chunk in chunks[:-1])
    found = np.concatenate(chunks) if chunks else frames[:0]
    assert np.array_equal(found, frames[start:stop])


def test_the_same_frames_give_the_same_file(tmp_path: Path):
    first, second = (write(tmp_path / f"{k}.mkv", noise(30), chunk=k).read_bytes() for k in (4, 30))
    assert first == second


def test_it_is_an_ordinary_video_too(tmp_path: Path):
    path = write(tmp_path / "a.mkv", noise(30))
    assert np.array_equal(np.concatenate(list(decode_video(path))), noise(30))


def test_frames_of_another_size_are_refused(tmp_path: Path):
    with pytest.raises(ValueError, match="expected uint8 frames"), LosslessWriter(tmp_path / "a.mkv", 32, 32) as writer:
        writer.write(noise(2))


def test_what_cannot_be_read_is_an_error(tmp_path: Path):
    path = write(tmp_path / "a.mkv", noise(20))
    path.write_bytes(bytes(200) + path.read_bytes()[200:])
    with pytest.raises(ClipError) as caught:
        list(read_lossless(path))
    assert caught.value.status == Status.DECODE_ERROR


def test_other_videos_are_refused(tmp_path: Path):
    from bench_lipsync.harness.media import write_preview

    write_preview(tmp_path / "a.mp4", [noise(3)], None)
    with pytest.raises(ClipError, match="not a canonical FFV1 file"):
        list(read_lossless(tmp_path / "a.mp4"))
