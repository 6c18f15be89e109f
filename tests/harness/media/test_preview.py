from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from media_files import grey

from bench_lipsync.harness.errors import ClipError
from bench_lipsync.harness.media import decode_video, probe, write_preview


@pytest.mark.parametrize("size", [(64, 48), (63, 47)])
def test_browsers_can_play_it(tmp_path: Path, size: tuple[int, int]):
    frames = np.stack([grey(100, *size)] * 30)
    write_preview(tmp_path / "a.mp4", [frames], np.zeros(30 * 640, np.int16))
    info = probe(tmp_path / "a.mp4")
    assert (info.video.codec, info.video.pixel_format, info.audio.codec) == ("h264", "yuv420p", "aac")
    assert (info.video.width, info.video.height) == (64, 48)
    assert info.video.rate == 25
    data = (tmp_path / "a.mp4").read_bytes()
    assert data.index(b"moov") < data.index(b"mdat"), "the index has to come first"


def test_colours_survive(tmp_path: Path):
    colours = np.array([(200, 40, 40), (40, 200, 40), (40, 40, 200), (230, 230, 230)], np.uint8)
    frames = np.repeat(colours[:, None, None], 64, axis=1).repeat(64, axis=2)
    write_preview(tmp_path / "a.mp4", [frames], None)
    (shown,) = decode_video(tmp_path / "a.mp4")
    assert probe(tmp_path / "a.mp4").audio is None
    assert np.abs(shown.astype(int) - frames).max() <= 6


def test_the_same_frames_give_the_same_file(tmp_path: Path):
    frames = np.random.default_rng(0).integers(0, 256, (20, 64, 64, 3), dtype=np.uint8)
    for name in "ab":
        write_preview(tmp_path / f"{name}.mp4", [frames], np.zeros(20 * 640, np.int16))
    assert (tmp_path / "a.mp4").read_bytes() == (tmp_path / "b.mp4").read_bytes()


def test_nothing_to_write_is_an_error(tmp_path: Path):
    with pytest.raises(ClipError, match="no frame"):
        write_preview(tmp_path / "a.mp4", [], None)
