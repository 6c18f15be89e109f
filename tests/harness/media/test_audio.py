from __future__ import annotations

import itertools
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
from media_files import click, grey, write_video

from bench_lipsync.harness.errors import ClipError, Status
from bench_lipsync.harness.media import decode_audio, decode_video, write_preview, write_wav


def where(samples: np.ndarray) -> float:
    """Seconds at which the loudest sample lies."""
    return int(np.abs(samples.astype(int)).argmax()) / 16000


def test_sixteen_kilohertz_mono_is_left_alone(tmp_path: Path):
    sound = np.random.default_rng(0).integers(-20000, 20000, 16000, dtype=np.int16)
    path = write_video(tmp_path / "a.mkv", [grey(0)] * 25, samples=sound)
    assert np.array_equal(decode_audio(path), sound)


@pytest.mark.parametrize(
    ("name", "codec", "rate"),
    [
        ("a.mp4", "aac", 48000),
        ("a.mp4", "aac", 44100),
        ("a.mp4", "aac", 16000),
        ("a.mkv", "aac", 44100),
        ("a.mkv", "libopus", 48000),
        ("a.mp4", "libmp3lame", 44100),
        ("a.avi", "pcm_s16le", 44100),
        ("a.mov", "pcm_s16le", 22050),
    ],
)
def test_a_click_stays_where_it_was(tmp_path: Path, name: str, codec: str, rate: int):
    sound = {"samples": click(1.0, 2.0, rate), "sound_rate": rate, "sound_codec": codec}
    # Not H.264 in AVI, which has no place for the order of B-frames.
    video = "mpeg4" if name == "a.avi" else "libx264"
    path = write_video(tmp_path / name, [grey(0)] * 50, codec=video, pixels="yuv420p", **sound)
    samples = decode_audio(path)
    assert abs(where(samples) - 1.0) < 0.002
    assert abs(len(samples) / 16000 - 2.0) < 0.1


def test_channels_are_averaged(tmp_path: Path):
    left = np.full(16000, 8000, np.int16)
    path = write_video(tmp_path / "a.mkv", [grey(0)] * 25, samples=np.stack([left, 0 * left], axis=1))
    assert abs(decode_audio(path).astype(int) - 4000).max() <= 1


@pytest.mark.parametrize("late", [0.5, 0.013])
def test_late_sound_is_preceded_by_silence(tmp_path: Path, late: float):
    path = write_video(tmp_path / "a.mkv", [grey(0)] * 50, samples=click(0.25, 1.0), sound_at=late)
    samples = decode_audio(path)
    assert abs(where(samples) - 0.25 - late) < 0.001
    assert not samples[: round(late * 16000)].any()


def test_early_sound_is_cut(tmp_path: Path):
    times = [0.5 + k / 25 for k in range(50)]
    path = write_video(tmp_path / "a.mkv", [grey(0)] * 50, times, samples=click(1.0, 2.5))
    samples = decode_audio(path)
    assert abs(where(samples) - 0.5) < 0.001
    assert len(samples) == 32000


def test_start_and_end_cut_sound_and_picture_alike(tmp_path: Path):
    """A flash in frame 60 and a click at its beginning; wherever the cut, they stay together."""
    frames = [grey(250 if k == 60 else 0) for k in range(100)]
    path = write_video(tmp_path / "a.mp4", frames, codec="libx264", pixels="yuv420p", samples=click(2.4, 4.0))
    for start, end in [(None, None), (1.0, 3.0), (2.0, None), (2.4, 2.6), (None, 2.6)]:
        chunks = np.concatenate(list(decode_video(path, start=start, end=end)))
        flash = int(chunks.mean(axis=(1, 2, 3)).argmax())
        samples = decode_audio(path, start=start, end=end)
        assert abs(where(samples) - flash / 25) < 0.001, (start, end)
        if end is not None:
            assert len(samples) == round((end - (start or 0.0)) * 16000)


def test_a_gap_becomes_silence_and_what_follows_keeps_its_time(tmp_path: Path):
    sound = np.full(32000, 5000, np.int16)
    whole = write_video(tmp_path / "whole.mkv", [grey(0)] * 50, samples=sound)
    gapped = tmp_path / "gapped.mkv"
    with av.open(str(whole)) as source, av.open(str(gapped), "w") as target:
        streams = [target.add_stream_from_template(stream) for stream in source.streams]
        for packet in source.demux():
            if packet.dts is None or (packet.stream.type == "audio" and 0.5 <= packet.pts * packet.time_base < 1.0):
                continue
            packet.stream = streams[packet.stream.index]
            target.mux(packet)
    samples = decode_audio(gapped)
    silent = np.flatnonzero(samples == 0) / 16000
    assert len(samples) == 32000
    assert abs(silent.min() - 0.5) < 0.07
    assert abs(silent.max() - 1.0) < 0.07
    assert abs(len(silent) / 16000 - 0.5) < 0.1


def test_rounded_timestamps_leave_no_seam(tmp_path: Path):
    """Matroska keeps milliseconds: 1024 samples at 44.1 kHz are never a whole number of them."""
    time = np.arange(88200) / 44100
    tone = (10000 * np.sin(2 * np.pi * 440 * time)).astype(np.int16)
    path = write_video(tmp_path / "a.mkv", [grey(0)] * 50, samples=tone, sound_rate=44100)
    expected = 10000 * np.sin(2 * np.pi * 440 * np.arange(32000) / 16000)
    assert np.abs(decode_audio(path)[500:31500] - expected[500:31500]).max() < 30


def test_a_file_without_sound_has_no_audio(tmp_path: Path):
    path = write_video(tmp_path / "a.mkv", [grey(0)] * 5)
    with pytest.raises(ClipError) as caught:
        decode_audio(path)
    assert caught.value.status == Status.NO_AUDIO


def test_a_file_without_picture_begins_with_its_first_sound(tmp_path: Path):
    write_wav(tmp_path / "a.wav", click(0.3, 1.0))
    assert where(decode_audio(tmp_path / "a.wav")) == 0.3
    assert where(decode_audio(tmp_path / "a.wav", start=0.2)) == pytest.approx(0.1)
    with av.open(str(tmp_path / "a.m4a"), "w") as container:
        stream = container.add_stream("aac", rate=16000, layout="mono")
        frame = av.AudioFrame.from_ndarray(click(0.3, 1.0)[None], format="s16", layout="mono")
        frame.sample_rate, frame.pts, frame.time_base = 16000, 0, Fraction(1, 16000)
        for packet in itertools.chain(stream.encode(frame), stream.encode(None)):
            container.mux(packet)
    assert abs(where(decode_audio(tmp_path / "a.m4a")) - 0.3) < 0.002


def test_previews_keep_picture_and_sound_together(tmp_path: Path):
    frames = np.stack([grey(250 if k == 30 else 0) for k in range(50)])
    write_preview(tmp_path / "a.mp4", [frames[:32], frames[32:]], click(1.2, 2.0))
    shown = np.concatenate(list(decode_video(tmp_path / "a.mp4")))
    assert int(shown.mean(axis=(1, 2, 3)).argmax()) == 30
    assert abs(where(decode_audio(tmp_path / "a.mp4")) - 1.2) < 0.002
