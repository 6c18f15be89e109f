"""The parts of dubbing by themselves: the clock, the loop, the motion, the paste-back, the way through a file."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from media_files import grey, set_matrix, write_video

from bench_lipsync.harness.api.clip import SAMPLES_PER_FRAME, PreparedClip
from bench_lipsync.harness.dubbing.compositing import Patch, border_weight, paste, place, weight_of
from bench_lipsync.harness.dubbing.footage import presence
from bench_lipsync.harness.dubbing.head_motion import head_motion, similarity
from bench_lipsync.harness.dubbing.looped_clip import LoopedClip
from bench_lipsync.harness.dubbing.timing import bounce, make_timing, output_rate
from bench_lipsync.harness.faces.crop import CropBox, cut
from bench_lipsync.harness.media import LosslessWriter, decode_video
from bench_lipsync.harness.media.frames_at_times import pictures_at
from bench_lipsync.harness.media.mp4 import Mp4Writer
from bench_lipsync.harness.media.yuv_planes import Colour, Planes, ToPlanes

# The clock


def test_at_25_frames_everything_is_a_whole_frame() -> None:
    timing = make_timing(samples=11 * SAMPLES_PER_FRAME, rate=Fraction(25), last=4 / 25, prepared=5)
    assert timing.prepared.tolist() == [0, 1, 2, 3, 4, 3, 2, 1, 0, 1, 2], "forward, back, forward; ends once"
    assert timing.generated.tolist() == list(range(11))
    np.testing.assert_allclose(timing.shown * 25, timing.prepared)


def test_short_sound_ends_the_output() -> None:
    timing = make_timing(samples=16000, rate=Fraction(30), last=9.9, prepared=250)
    assert len(timing.shown) == 30
    np.testing.assert_allclose(timing.shown, np.arange(30) / 30)


@given(
    rate=st.sampled_from(
        [Fraction(24000, 1001), Fraction(25), Fraction(30000, 1001), Fraction(50), Fraction(2213, 100)]
    ),
    seconds=st.floats(0.1, 200),
    length=st.floats(0, 12),
)
@settings(max_examples=60, deadline=None)
def test_picture_and_lips_never_drift_apart(rate: Fraction, seconds: float, length: float) -> None:
    prepared = int(length * 25) + 1
    timing = make_timing(round(seconds * 16000), rate, length, prepared)
    clock = np.arange(len(timing.shown)) / float(rate)
    assert np.abs(timing.generated / 25 - clock).max() <= 0.02 + 1e-6, "the nearest generated frame"
    assert np.abs(timing.prepared[timing.generated] / 25 - timing.shown).max() <= 0.04 + 1e-6
    assert timing.prepared.min() >= 0
    assert timing.prepared.max() < prepared
    assert np.all(np.diff(timing.generated) >= 0)
    assert len(timing.prepared) == timing.generated[-1] + 1


def test_a_still_stands_still() -> None:
    assert bounce(np.arange(4.0), 0.0).tolist() == [0, 0, 0, 0]


@pytest.mark.parametrize(
    ("stated", "step", "rate"),
    [
        (29.97002997, 1001 / 30000, Fraction(30000, 1001)),
        (23.976, 0.0417, Fraction(24000, 1001)),
        (25.0, 0.04, Fraction(25)),
        (1000.0, 1 / 30, Fraction(30)),
        (None, 0.05, Fraction(20)),
        (1350 / 61, 61 / 1350, Fraction(1350, 61)),
    ],
)
def test_the_rate_is_the_one_that_the_frames_have(stated: float | None, step: float, rate: Fraction) -> None:
    assert output_rate(stated, np.arange(100) * step) == rate


# Lost faces


def test_short_gaps_stay_dubbed_and_long_ones_fade() -> None:
    detected = np.ones(40, bool)
    detected[5:8] = False
    detected[20:30] = False
    shown = presence(detected)
    assert shown[:16].tolist() == [1.0] * 16
    np.testing.assert_allclose(shown[16:20], [0.8, 0.6, 0.4, 0.2], atol=1e-6)
    assert not shown[20:30].any()
    np.testing.assert_allclose(shown[30:35], [0.2, 0.4, 0.6, 0.8, 1.0], atol=1e-6)


# The looped clip


def test_a_looped_clip_reads_any_chunk_alike(tmp_path: Path) -> None:
    with LosslessWriter(tmp_path / "video.mkv", 16, 16) as writer:
        writer.write(np.stack([grey(10 * level, 16, 16) for level in range(6)]))
    order = np.array([0, 1, 2, 3, 4, 5, 4, 3, 2, 1, 0, 1], np.intp)
    base = {"frames": 6, "size": 16, "content_hash": "x"}
    clip = LoopedClip("a", "a", tmp_path, base, order=order, samples=np.zeros(12 * 640, np.int16))
    assert isinstance(clip, PreparedClip)
    assert clip.frames == 12
    for chunk in (1, 4, 5, 32):
        frames = np.concatenate(list(clip.read_frames(chunk=chunk)))
        assert (frames[:, 0, 0, 0] // 10).tolist() == order.tolist()
    assert next(clip.read_frames(3, 7))[:, 0, 0, 0].tolist() == [30, 40, 50, 40]
    other = LoopedClip("a", "a", tmp_path, base, order=order[::-1].copy(), samples=clip.samples)
    assert other.content_hash != clip.content_hash


# The way through a file


def test_pictures_forwards_and_backwards_are_those_asked_for(tmp_path: Path) -> None:
    path = write_video(tmp_path / "a.mkv", [grey(5 * level) for level in range(40)])
    order = [*range(40), *range(38, -1, -1), *range(1, 5)]
    found = [one.frame.to_ndarray(format="rgb24")[0, 0, 0] for one in pictures_at(path, [i / 25 for i in order])]
    assert [round(level / 5) for level in found] == order


def test_pictures_of_a_variable_rate_are_the_nearest(tmp_path: Path) -> None:
    path = write_video(tmp_path / "a.mkv", [grey(20 * level) for level in range(4)], [0.0, 0.1, 0.5, 0.6])
    times = [one.time for one in pictures_at(path, [0.0, 0.04, 0.06, 0.31, 0.9, 0.29, 0.0])]
    np.testing.assert_allclose(times, [0.0, 0.0, 0.1, 0.5, 0.6, 0.1, 0.0], atol=2e-3)


# The head's motion


def test_motion_between_frames_follows_the_head() -> None:
    random = np.random.default_rng(0)
    shape = random.uniform(50, 200, (478, 3)).astype(np.float32)
    landmarks = np.stack([shape + np.float32([3 * index, index, 0]) for index in range(5)])
    times = np.arange(5) / 25
    assert head_motion(landmarks, times, 2, 2 / 25) is None, "the same picture is not resampled"
    move = head_motion(landmarks, times, 2, 2.5 / 25)
    assert move is not None
    np.testing.assert_allclose(move, [[1, 0, 1.5], [0, 1, 0.5]], atol=1e-4)


def test_similarity_recovers_turn_scale_and_shift() -> None:
    points = np.random.default_rng(1).normal(0, 30, (20, 2))
    true = np.array([[1.1 * np.cos(0.2), -1.1 * np.sin(0.2), 4.0], [1.1 * np.sin(0.2), 1.1 * np.cos(0.2), -7.0]])
    np.testing.assert_allclose(similarity(points, points @ true[:, :2].T + true[:, 2]), true, atol=1e-9)


# Paste-back


def planes(height: int, width: int, colour: Colour | None = None) -> Planes:
    random = np.random.default_rng(height)
    half = (-(-height // 2), -(-width // 2))
    values = [random.integers(30, 220, size).astype(np.uint8) for size in ((height, width), half, half)]
    return Planes(*values, colour=colour or Colour())  # type: ignore[misc]


@pytest.mark.parametrize("box", [CropBox(10, 7, 64), CropBox(-9, -5, 80), CropBox(61, 33, 101)])
def test_pixels_outside_the_mask_stay_bit_for_bit(box: CropBox) -> None:
    target = planes(99, 121)
    before = [plane.copy() for plane in (target.luma, target.blue, target.red)]
    weight = np.zeros((256, 256), np.float32)
    weight[96:160, 80:176] = 1
    patch = place(np.full((256, 256, 3), 255, np.uint8), weight, box, None)
    paste(target, patch)
    rows, columns = np.mgrid[:99, :121] + 0.5
    u, v = ((columns - box.x) * 256 / box.side, (rows - box.y) * 256 / box.side)
    near = 256 / box.side * 1.01
    outside = (u < 80 - near) | (u > 176 + near) | (v < 96 - near) | (v > 160 + near)
    inside = (u > 80 + near) & (u < 176 - near) & (v > 96 + near) & (v < 160 - near)
    assert np.array_equal(target.luma[outside], before[0][outside])
    assert inside.any()
    assert np.all(target.luma[inside] == 235), "white in limited range"
    far = outside[::2, ::2]
    for plane, old in ((target.blue, before[1]), (target.red, before[2])):
        padded = np.ones((100, 122), bool)
        padded[:99, :121] = outside
        blocks = padded.reshape(50, 2, 61, 2).all(axis=(1, 3))
        assert np.array_equal(plane[blocks], old[blocks])
    assert far.any()


def test_a_patch_beside_the_frame_or_without_weight_changes_nothing() -> None:
    target = planes(20, 20)
    before = target.luma.copy()
    paste(target, Patch(np.zeros((8, 8, 3), np.float32), np.ones((8, 8), np.float32), 40, 0))
    paste(target, place(np.zeros((256, 256, 3), np.uint8), np.zeros((256, 256), np.float32), CropBox(0, 0, 20), None))
    assert np.array_equal(target.luma, before)


@pytest.mark.parametrize("matrix", [1, 2, 9])
@pytest.mark.parametrize("full", [False, True])
def test_cutting_and_pasting_gives_the_picture_back(tmp_path: Path, matrix: int, full: bool) -> None:
    """The colours of the crop come back as the numbers that the file had, whatever matrix and range it says."""
    smooth = np.stack([*np.meshgrid(np.linspace(40, 200, 64), np.linspace(60, 180, 64)), np.full((64, 64), 120.0)], -1)
    ycc = Colour(matrix, full=full).from_rgb(smooth.astype(np.float32))
    source = Planes(
        np.round(ycc[..., 0]).astype(np.uint8),
        *(np.round(ycc[..., i].reshape(32, 2, 32, 2).mean((1, 3))).astype(np.uint8) for i in (1, 2)),
        colour=Colour(matrix, full=full),
    )
    path = tmp_path / "a.mkv"
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=25, options={"qp": "0"})
        stream.width = stream.height = 64
        stream.pix_fmt = "yuv420p"
        source.colour.tag(stream.codec_context)
        container.mux(stream.encode(source.frame(0, Fraction(25))))
        container.mux(stream.encode(None))
    decoded = ToPlanes()(next(pictures_at(path, [0.0])).frame)
    assert decoded.colour.full == full
    assert np.array_equal(decoded.luma, source.luma), "8-bit 4:2:0 keeps every value"
    rgb = next(decode_video(path))
    box = CropBox(0, 0, 64)
    blank = Planes(np.full_like(source.luma, 99), source.blue.copy(), source.red.copy(), decoded.colour)
    paste(blank, place(cut(rgb, box, 64)[0], np.ones((64, 64), np.float32), box, None))
    assert np.abs(blank.luma.astype(int) - source.luma).max() <= 2
    assert np.abs(blank.blue.astype(int) - source.blue)[2:-2, 2:-2].max() <= 2
    assert np.abs(blank.red.astype(int) - source.red)[2:-2, 2:-2].max() <= 2


def test_motion_moves_the_patch_in_full_frame_pixels() -> None:
    weight = np.zeros((256, 256), np.float32)
    weight[100:120, 100:120] = 1
    crop = np.zeros((256, 256, 3), np.uint8)
    still = place(crop, weight, CropBox(0, 0, 512), None)
    moved = place(crop, weight, CropBox(0, 0, 512), np.array([[1.0, 0, 10], [0, 1.0, -4]]))
    assert (moved.x - still.x, moved.y - still.y) == (20, -8)


def test_weights() -> None:
    keep = np.array([[1.0, 0.95, 0.5, 0.0]], np.float32)
    np.testing.assert_allclose(weight_of(keep), [[0, 0.4, 1, 1]], atol=1e-5)
    border = border_weight(64)
    assert border[32, 32] == 1
    assert border[0].max() < 0.03


# Sources and files of all kinds


@pytest.mark.parametrize(
    ("codec", "pixels"),
    [
        ("ffv1", "yuv444p"),
        ("ffv1", "yuv420p10le"),
        ("ffv1", "bgra"),
        ("ffv1", "yuva420p"),
        ("ffv1", "gray"),
        ("ffv1", "bgr0"),
    ],
)
def test_other_pixel_formats_become_420(tmp_path: Path, codec: str, pixels: str) -> None:
    path = write_video(tmp_path / "a.mkv", [grey(128, 50, 36)], codec=codec, pixels=pixels)
    found = ToPlanes()(next(pictures_at(path, [0.0])).frame)
    assert (found.luma.shape, found.blue.shape) == ((36, 50), (18, 25))
    assert abs(int(found.luma[18, 25]) - 126) <= 2, "128 of 255 is 126 in limited range"
    assert abs(int(found.blue[9, 12]) - 128) <= 1


def test_a_rotated_source_is_upright(tmp_path: Path) -> None:
    picture = grey(40, 64, 48)
    picture[:, :32] = 200
    path = write_video(tmp_path / "a.mp4", [picture] * 3, codec="libx264", pixels="yuv420p")
    set_matrix(path, 0, 1, -1, 0)
    found = ToPlanes()(next(pictures_at(path, [0.0])).frame)
    assert found.luma.shape == (64, 48)
    assert found.luma[10, 24] > found.luma[50, 24], "left has become top"
    assert np.all(np.abs(found.luma.astype(int) - next(decode_video(path))[0, ..., 0] * (219 / 255) - 16) <= 12)


def write_movie(path: Path, audio: Path, frames: int, size: tuple[int, int], rate: Fraction) -> Path:
    with Mp4Writer(path, rate, audio, tags={"comment": "synthetic"}) as writer:
        for _ in range(frames):
            writer.write(planes(*size))
    return path


@pytest.mark.parametrize("rate", [Fraction(30000, 1001), Fraction(25), Fraction(1350, 61)])
def test_a_movie_keeps_rate_sound_and_tags(tmp_path: Path, rate: Fraction) -> None:
    stereo = (8000 * np.sin(np.arange(44100)[:, None] * [0.05, 0.1])).astype(np.int16)
    sound = write_video(tmp_path / "a.mkv", [grey(9)] * 25, samples=stereo, sound_rate=44100, sound_codec="pcm_s16le")
    count = int(rate)
    path = write_movie(tmp_path / "m.mp4", sound, count, (49, 63), rate)
    with av.open(str(path)) as container:
        video, audio = container.streams.video[0], container.streams.audio[0]
        assert (video.width, video.height) == (64, 50), "odd sides are made even"
        assert video.average_rate == rate
        assert video.frames == count
        assert (audio.rate, audio.layout.name) == (44100, "stereo")
        assert container.metadata["comment"] == "synthetic"
        assert float(audio.duration * audio.time_base) == pytest.approx(count / float(rate), abs=0.05)
    data = path.read_bytes()
    assert data.index(b"moov") < data.index(b"mdat"), "plays while it loads"


def test_the_sound_lies_where_it_lay(tmp_path: Path) -> None:
    from media_files import click

    from bench_lipsync.harness.media import decode_audio

    sound = write_video(tmp_path / "a.mkv", [grey(9)] * 25, samples=click(0.5, 1.0))
    path = write_movie(tmp_path / "m.mp4", sound, 25, (48, 64), Fraction(25))
    assert abs(int(np.abs(decode_audio(path).astype(int)).argmax()) - 8000) < 64
