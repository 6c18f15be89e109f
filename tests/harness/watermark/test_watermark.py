"""The mark: survives what it must, is not seen, and is not found where it was not put."""

from __future__ import annotations

import hashlib
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
from numpy.typing import NDArray

from bench_lipsync.harness.watermark.detect import FALSE_ALARM_RATE, MAX_ERRORS, decide, detect, soft_bits
from bench_lipsync.harness.watermark.embed import embed
from bench_lipsync.harness.watermark.pattern import draw, key, measure


def scene(frames: int, height: int, width: int, seed: int = 0, noise: float = 3.0) -> list[NDArray[np.uint8]]:
    """Luma of a textured background with an ellipse that moves over it, as a head does."""
    random = np.random.default_rng(seed)
    rows, columns = np.mgrid[:height, :width]
    waves = sum(
        np.sin(rows * a + columns * b + c) / n
        for n, (a, b, c) in enumerate(random.uniform([-0.2, -0.2, 0], [0.2, 0.2, 6], (12, 3)), 1)
    )
    pictures = []
    for index in range(frames):
        x, y = width * (0.5 + 0.1 * np.sin(index / 5)), height * (0.5 + 0.05 * np.cos(index / 7))
        head = ((columns - x) / (0.2 * width)) ** 2 + ((rows - y) / (0.3 * height)) ** 2 < 1
        picture = 110 + 25 * waves + 60 * head + random.normal(0, noise, (height, width))
        pictures.append(np.clip(picture, 16, 235).astype(np.uint8))
    return pictures


def write(path: Path, pictures: list[NDArray[np.uint8]], crf: int, scale: float = 1.0, every: int = 1) -> Path:
    """H.264 of luma pictures, shrunk by FFmpeg's scaler, with one in `every` frames."""
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=25, options={"crf": str(crf)})
        for index, luma in enumerate(pictures[::every]):
            height, width = luma.shape
            grey = np.full((height // 2, width), 128, np.uint8)
            frame = av.VideoFrame.from_ndarray(np.vstack([luma, grey]), format="yuv420p")
            sides = [int(side * scale) // 2 * 2 for side in (width, height)]
            frame = frame.reformat(width=sides[0], height=sides[1], interpolation="BICUBIC", threads=1)
            if index == 0:
                stream.width, stream.height, stream.pix_fmt = *sides, "yuv420p"
            frame.pts, frame.time_base = index, Fraction(1, 25)
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return path


def psnr(one: NDArray[np.uint8], two: NDArray[np.uint8]) -> float:
    return float(10 * np.log10(255**2 / np.mean((one.astype(float) - two) ** 2)))


def test_false_alarm_rate_is_binomial_and_small() -> None:
    random = np.random.default_rng(1)
    sampled = random.binomial(64, 0.5, 2_000_000)
    assert pytest.approx(2.2833e-7, rel=1e-4) == FALSE_ALARM_RATE  # scipy.stats.binom.cdf(12, 64, 0.5)
    assert np.mean(sampled <= MAX_ERRORS) < 1e-5


def test_the_key_never_changes() -> None:
    """Whoever changes it makes the project deny the videos that it made before."""
    digest = hashlib.sha256(np.round(key().patterns * 1000).astype("<i2").tobytes())
    for part in (key().bit, np.round(key().shift * 4), key().payload):
        digest.update(part.astype("<i2").tobytes())
    assert digest.hexdigest()[:16] == "9defd00a5b3709d4"


def test_patterns_are_orthonormal_and_measured_as_drawn() -> None:
    patterns = key().patterns
    np.testing.assert_allclose(patterns @ patterns.T, np.eye(4), atol=1e-5)
    values = np.random.default_rng(0).normal(0, 10, (64, 4)).astype(np.float32)
    np.testing.assert_allclose(measure(draw(values, 256, 256)), values, atol=1e-3)
    assert np.corrcoef(measure(draw(values, 270, 480)).ravel(), values.ravel())[0, 1] > 0.98


@pytest.mark.parametrize("size", [(96, 128), (256, 256), (288, 360), (721, 1281)])
def test_one_frame_carries_all_bits_and_looks_the_same(size: tuple[int, int]) -> None:
    luma = scene(1, *size)[0]
    marked = embed(luma)
    assert decide([soft_bits(marked)]).errors == 0
    assert not decide([soft_bits(luma)]).marked
    assert psnr(luma, marked) > 45
    assert np.abs(marked.astype(int) - luma).max() <= 12


@pytest.mark.parametrize("level", [0, 16, 128, 235, 255])
def test_flat_pictures_are_marked_and_never_taken_for_marked(level: int) -> None:
    luma = np.full((270, 480), level, np.uint8)
    assert decide([soft_bits(luma)]).errors > 40, "a flat picture says nothing, and nothing is no mark"
    assert decide([soft_bits(embed(luma))]).errors == 0


def test_full_range_pictures_are_measured_on_the_same_scale() -> None:
    luma = scene(1, 256, 256)[0]
    marked = embed(luma, full_range=True)
    limited = np.round(marked * (219 / 255) + 16).astype(np.uint8)
    assert decide([soft_bits(marked, full_range=True)]).errors == 0
    assert decide([soft_bits(limited)]).errors == 0


def test_a_picture_without_room_is_refused() -> None:
    with pytest.raises(ValueError, match="12x40"):
        embed(np.zeros((40, 12), np.uint8))


@pytest.mark.parametrize(
    ("crf", "scale", "every"), [(18, 1.0, 1), (23, 1.0, 1), (28, 1.0, 1), (23, 0.5, 1), (23, 0.75, 1), (23, 1.0, 2)]
)
def test_survives_reencoding_and_resizing(tmp_path: Path, crf: int, scale: float, every: int) -> None:
    marked = [embed(luma) for luma in scene(16, 256, 320)]
    found = detect(write(tmp_path / "m.mp4", marked, crf, scale, every))
    assert found.marked
    assert found.errors <= 3


def test_unmarked_video_is_not_found(tmp_path: Path) -> None:
    found = detect(write(tmp_path / "u.mp4", scene(16, 256, 320), 23))
    assert not found.marked
    assert found.chance > 1e-3


def test_errors_on_unmarked_pictures_are_binomial() -> None:
    """Mean 32, standard deviation 4, as the false-alarm rate supposes."""
    random = np.random.default_rng(5)
    errors = [
        decide([soft_bits(random.normal(0, 1, (32, 32)).repeat(6, 0).repeat(6, 1) * 60 + 120)]).errors
        for _ in range(400)
    ]
    assert abs(np.mean(errors) - 32) < 0.8
    assert 3.5 < np.std(errors) < 4.5
    assert min(errors) > MAX_ERRORS


@pytest.mark.shared
def test_no_alarm_on_real_clips(shared: Path) -> None:
    clips = sorted((shared / "media" / "lrs3").glob("*.mp4")) + sorted((shared / "media" / "grid").glob("*.mpg"))
    assert clips
    for clip in clips:
        assert not detect(clip).marked, clip.name


@pytest.mark.shared
def test_real_clip_survives_half_size(shared: Path, tmp_path: Path) -> None:
    from bench_lipsync.harness.media.frames_at_times import pictures_at
    from bench_lipsync.harness.media.yuv_planes import ToPlanes

    to_planes = ToPlanes()
    clip = shared / "media" / "wild" / "vretalk_face_4.mp4"
    marked = [embed(to_planes(one.frame).luma) for one in pictures_at(clip, [index / 30 for index in range(20)])]
    assert detect(write(tmp_path / "half.mp4", marked, 23, 0.5)).errors <= 2
