"""Small media files written on the spot, with the faults that real ones have."""

from __future__ import annotations

import random
from collections.abc import Iterable, Mapping, Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
from numpy.typing import NDArray

MATRICES = {0: (1, 0, 0, 1), 90: (0, 1, -1, 0), 180: (-1, 0, 0, -1), 270: (0, -1, 1, 0)}
"""a, b, c, d of an MP4's display matrix by degrees clockwise."""


def grey(level: int, width: int = 64, height: int = 48) -> NDArray[np.uint8]:
    """A plain grey picture; its level is the frame's number in most tests."""
    return np.full((height, width, 3), level, np.uint8)


def levels(chunks: Iterable[NDArray[np.uint8]]) -> list[int]:
    """Grey level in the middle of every frame."""
    return [int(frame[frame.shape[0] // 2, frame.shape[1] // 2, 0]) for chunk in chunks for frame in chunk]


def click(at: float, seconds: float, rate: int = 16000) -> NDArray[np.int16]:
    """Silence with one loud millisecond, `at` seconds in."""
    sound = np.zeros(round(seconds * rate), np.int16)
    sound[round(at * rate) : round(at * rate) + rate // 1000] = 20000
    return sound


def write_video(
    path: Path,
    frames: Sequence[NDArray[np.uint8]],
    times: Sequence[float] | None = None,
    *,
    codec: str = "ffv1",
    pixels: str = "bgr0",
    rate: int = 25,
    samples: NDArray[np.int16] | None = None,
    sound_rate: int = 16000,
    sound_codec: str = "pcm_s16le",
    sound_at: float = 0.0,
    options: Mapping[str, str] | None = None,
) -> Path:
    """Write frames at `times` (seconds; `None` is a constant `rate`) and mono or stereo `samples` (N,) or (N, 2)."""
    with av.open(str(path), "w") as container:
        video = container.add_stream(codec, rate=rate, options=dict(options or {}))
        video.height, video.width, _ = frames[0].shape
        video.pix_fmt = pixels
        tick = Fraction(1, rate) if times is None else Fraction(1, 1000)
        video.codec_context.time_base = tick
        audio: Any = None
        layout = "mono" if samples is None or samples.ndim == 1 else "stereo"
        if samples is not None:
            audio = container.add_stream(sound_codec, rate=sound_rate, layout=layout)
        for number, picture in enumerate(frames):
            frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(picture), format="rgb24")
            # One thread: with several, one picture in some hundred comes out torn in ten-bit formats of odd width.
            frame = frame.reformat(format=pixels, threads=1)
            frame.pts, frame.time_base = number if times is None else round(1000 * times[number]), tick
            container.mux(video.encode(frame))
        container.mux(video.encode(None))
        if samples is not None:
            resampler = av.AudioResampler(format=audio.codec_context.format, layout=layout, rate=sound_rate)
            for position in range(0, len(samples), 1024):
                piece = np.ascontiguousarray(samples[position : position + 1024]).reshape(1, -1)
                sound = av.AudioFrame.from_ndarray(piece, format="s16", layout=layout)
                sound.sample_rate, sound.time_base = sound_rate, Fraction(1, sound_rate)
                sound.pts = round(sound_at * sound_rate) + position
                for converted in resampler.resample(sound):
                    container.mux(audio.encode(converted))
            container.mux(audio.encode(None))
    return path


def break_packets(source: Path, numbers: range, *, audio: bool = False, noise: bool = True) -> Path:
    """A copy in which the later three quarters of some packets are noise, or zeros."""
    with av.open(str(source)) as container:
        stream = (container.streams.audio if audio else container.streams.video)[0]
        places = [(packet.pos, packet.size) for packet in container.demux(stream) if packet.size]
    data, chance = bytearray(source.read_bytes()), random.Random(1)
    for number in numbers:
        position, size = places[number]
        for offset in range(position + size // 4, position + size):
            data[offset] = chance.randrange(256) if noise else 0
    path = source.with_stem("broken")
    path.write_bytes(bytes(data))
    return path


def set_matrix(path: Path, a: int, b: int, c: int, d: int) -> None:
    """Overwrite the display matrix of an MP4's first track, as a phone would have set it."""
    data = bytearray(path.read_bytes())
    # A version 0 track header: 4 bytes version and flags, 20 of times and numbers, 16 of layout, then the matrix.
    start = data.index(b"tkhd") + 4 + 4 + 20 + 16
    one = 1 << 16
    values = (a * one, b * one, 0, c * one, d * one, 0, 0, 0, 1 << 30)
    data[start : start + 36] = b"".join(value.to_bytes(4, "big", signed=True) for value in values)
    path.write_bytes(bytes(data))
