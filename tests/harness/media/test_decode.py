from __future__ import annotations

import gc
import tracemalloc
from pathlib import Path

import av
import numpy as np
import pytest
from media_files import grey, levels, write_video

from bench_lipsync.harness.media import decode_video, probe


def test_frames_come_out_as_they_went_in(tmp_path: Path):
    pictures = list(np.random.default_rng(0).integers(0, 256, (5, 48, 64, 3), dtype=np.uint8))
    path = write_video(tmp_path / "a.mkv", pictures)
    chunks = list(decode_video(path, chunk=2))
    assert [len(chunk) for chunk in chunks] == [2, 2, 1]
    assert all(chunk.dtype == np.uint8 and chunk.flags.c_contiguous for chunk in chunks)
    assert np.array_equal(np.concatenate(chunks), pictures)


def test_thirty_per_second_becomes_twenty_five(tmp_path: Path):
    path = write_video(tmp_path / "a.mkv", [grey(k) for k in range(60)], rate=30)
    assert levels(decode_video(path)) == [round(k * 30 / 25) for k in range(50)]


def test_variable_rate_shows_the_nearest_frame(tmp_path: Path):
    times = [0.0, 0.04, 0.05, 0.2, 0.21, 0.4]
    path = write_video(tmp_path / "a.mkv", [grey(k) for k in range(6)], times)
    assert levels(decode_video(path)) == [0, 1, 2, 2, 3, 3, 4, 4, 5, 5, 5]


def test_a_late_first_frame_is_time_zero(tmp_path: Path):
    path = write_video(tmp_path / "a.mkv", [grey(k) for k in range(10)], [1 + k / 25 for k in range(10)])
    assert probe(path).video.start == 1.0
    assert levels(decode_video(path)) == list(range(10))
    assert levels(decode_video(path, start=0.2)) == list(range(5, 10))


@pytest.mark.parametrize("pixels", ["yuv420p", "yuv422p", "yuv444p", "gray", "yuv420p10le"])
def test_odd_sizes_come_out_whole(tmp_path: Path, pixels: str):
    red = np.zeros((33, 51, 3), np.uint8)
    red[..., 0] = 200
    path = write_video(tmp_path / "a.mkv", [red] * 3, pixels=pixels)
    (chunk,) = decode_video(path)
    assert chunk.shape == (3, 33, 51, 3)
    expected = 60 if pixels == "gray" else 200
    assert abs(chunk[..., 0].astype(int) - expected).max() <= 4


def test_bt709_is_read_as_bt709(tmp_path: Path):
    """A file that says which matrix it uses gives the same colours as one that uses the other and says so."""
    from bench_lipsync.harness.media import write_preview

    green = np.zeros((64, 64, 3), np.uint8)
    green[..., 1] = 180
    write_preview(tmp_path / "a.mp4", [np.stack([green] * 5)], None)
    (chunk,) = decode_video(tmp_path / "a.mp4")
    assert abs(chunk.astype(int) - green).max() <= 3


def test_full_range_is_read_as_full_range(tmp_path: Path):
    path = write_video(tmp_path / "a.mkv", [grey(250)] * 3, codec="mjpeg", pixels="yuvj420p")
    assert set(levels(decode_video(path))) <= {249, 250, 251}


def test_start_and_end_cut_to_the_frame_with_and_without_seeking(tmp_path: Path):
    pictures = [grey(k % 250, 32, 32) for k in range(600)]
    path = write_video(tmp_path / "a.mp4", pictures, codec="libx264", pixels="yuv420p")
    whole = np.concatenate(list(decode_video(path)))
    assert len(whole) == 600
    for start, end in [(0.0, 1.0), (2.0, 3.0), (15.0, 16.0), (23.0, 99.0), (11.02, 12.0)]:
        part = np.concatenate(list(decode_video(path, start=start, end=end)))
        first = int(start * 25 + 0.49)
        assert np.array_equal(part, whole[first : first + len(part)]), start
        assert len(part) == min(round((end - start) * 25), 600 - first)
    assert list(decode_video(path, start=50.0)) == []


def test_chunks_of_large_frames_are_shorter(tmp_path: Path):
    path = write_video(tmp_path / "a.mkv", [grey(k, 4096, 2160) for k in range(4)], pixels="yuv420p")
    assert [len(chunk) for chunk in decode_video(path)] == [2, 2]


def test_memory_does_not_grow_with_length(tmp_path: Path):
    def peak(frames: int) -> int:
        path = write_video(tmp_path / f"{frames}.mkv", [grey(k % 250) for k in range(frames)], pixels="gray")
        tracemalloc.start()
        for _ in decode_video(path, chunk=8):
            pass
        highest = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return highest

    peak(50)
    picture = grey(0).nbytes
    assert peak(1000) - peak(100) < 10 * picture, "900 frames more, and not ten of them in memory"


def test_frames_are_freed_without_the_garbage_collector(tmp_path: Path):
    """Their memory is FFmpeg's, which the collector does not count: a cycle would keep hundreds of them."""
    path = write_video(tmp_path / "a.mkv", [grey(k) for k in range(100)])
    gc.collect()
    gc.disable()
    try:
        for _ in decode_video(path, chunk=8):
            alive = sum(isinstance(one, av.VideoFrame) for one in gc.get_objects())
    finally:
        gc.enable()
    assert alive < 10


@pytest.mark.shared
def test_real_clips_have_the_frames_that_their_length_says(shared: Path):
    for name, frames in [
        ("grid/bbaf2n.mpg", 75),
        ("wild/vretalk_face_1.mp4", 153),  # variable, 22.1 per second on average
        ("wild/newsdesk_FAzSK8PLmGI.mp4", 125),  # 29.97 per second
        ("edge/short_lrs2_demo.mp4", 22),
    ]:
        assert sum(len(chunk) for chunk in decode_video(shared / "media" / name)) == frames, name
