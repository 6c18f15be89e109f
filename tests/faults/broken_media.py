"""Videos of a known head, written on the spot in any container, codec, rate and shape that FFmpeg writes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from functools import lru_cache
from pathlib import Path
from typing import Any

import av
import cv2
import numpy as np
from numpy.typing import NDArray

FRAMES = 42
"""At 25 per second: a little over the shortest clip that can be prepared."""
SECONDS = FRAMES / 25
WIDTH, HEIGHT = 240, 200


@lru_cache(maxsize=1)
def _portrait() -> NDArray[np.uint8]:
    from skimage.data import astronaut  # NASA's portrait of Eileen Collins, in the public domain

    return astronaut()


def head(time: float, width: int = WIDTH, height: int = HEIGHT) -> NDArray[np.uint8]:
    """The portrait as it is `time` seconds into every video here: it sways, so that pictures can be told apart."""
    shift = round(10 * np.sin(time * 25 / 9)) + 10
    picture = _portrait()[:300, 80 + shift : 440 + shift]
    return cv2.resize(picture, (width, height), interpolation=cv2.INTER_AREA)


def voice(rate: int = 48000, channels: int = 1, seconds: float = SECONDS) -> NDArray[np.int16]:
    """Noise (n, channels) that is never silent."""
    noise = np.random.default_rng(7).integers(-9000, 9001, (round(seconds * rate), 1))
    return np.repeat(noise, channels, axis=1).astype(np.int16)


@dataclass
class Picture:
    """A video stream."""

    codec: str = "libx264"
    pixels: str = "yuv420p"
    rate: Fraction | int = 25
    times: Sequence[float] | None = None
    """Seconds; `None` is `seconds` at `rate`."""
    seconds: float = SECONDS
    size: tuple[int, int] = (WIDTH, HEIGHT)
    options: dict[str, str] = field(default_factory=dict)
    tick: Fraction | None = None
    show: Callable[[NDArray[np.uint8]], NDArray[np.uint8]] = lambda picture: picture
    """What is stored for a picture."""
    colour: tuple[int, int, int] | None = None
    """FFmpeg's numbers of matrix, primaries, transfer."""
    aspect: Fraction | None = None
    rotation: float = 0.0
    cover: bool = False
    threads: int = 1

    def when(self) -> list[float]:
        if self.times is not None:
            return list(self.times)
        return [k / float(self.rate) for k in range(round(self.seconds * float(self.rate)))]


@dataclass
class Sound:
    """An audio stream."""

    codec: str = "aac"
    rate: int = 48000
    layout: str = "mono"
    sample: str | None = None
    seconds: float = SECONDS
    at: float = 0.0


def write(
    path: Path,
    pictures: Sequence[Picture] = (Picture(),),
    sounds: Sequence[Sound] = (Sound(),),
    *,
    container: str | None = None,
    options: dict[str, str] | None = None,
    attach: bytes | None = None,
) -> Path:
    """Write the streams, pictures first, to `path`; the same call gives the same bytes."""
    with av.open(str(path), "w", format=container, container_options={"fflags": "+bitexact", **(options or {})}) as out:
        video = [(_video_stream(out, one), one) for one in pictures]
        audio = [(_audio_stream(out, one), one) for one in sounds]
        if attach is not None:
            out.add_attachment("other.mkv", "video/x-matroska", attach)
        packets = [packet for stream, one in video for packet in _encode_pictures(stream, one)]
        packets += [packet for stream, one in audio for packet in _encode_sound(stream, one)]
        packets.sort(key=lambda packet: float((packet.dts if packet.dts is not None else 0) * packet.time_base))
        for packet in packets:
            out.mux(packet)
    return path


def _video_stream(out: Any, one: Picture) -> Any:
    rate = Fraction(one.rate)
    stream = out.add_stream(one.codec, rate=rate, options={"threads": str(one.threads), **one.options})
    stream.width, stream.height = one.size
    stream.pix_fmt = one.pixels
    context = stream.codec_context
    if one.codec == "libx264":
        context.options = {"preset": "veryfast", "crf": "16", "threads": str(one.threads), **one.options}
    elif "bit_rate" not in one.options and one.codec not in {"ffv1", "rawvideo", "png", "apng", "gif"}:
        context.bit_rate = 4_000_000
    if one.tick is not None or one.times is not None:
        context.time_base = one.tick or Fraction(1, 1000)
    if one.colour is not None:
        context.colorspace, context.color_primaries, context.color_trc = one.colour
    if one.aspect is not None:
        context.sample_aspect_ratio = one.aspect
    if one.rotation:
        stream.set_display_rotation(one.rotation)
    if one.cover:
        stream.disposition = type(stream.disposition).attached_pic
    return stream


def _encode_pictures(stream: Any, one: Picture) -> list[Any]:
    tick = one.tick or (Fraction(1, 1000) if one.times is not None else 1 / Fraction(one.rate))
    packets, times = [], one.when()
    for time in times:
        shown = one.show(head(time - times[0]))
        if shown.shape[1::-1] != one.size:
            shown = cv2.resize(shown, one.size, interpolation=cv2.INTER_AREA)
        frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(shown), format="rgb24")
        if one.pixels != "rgb24":
            matrix = {} if one.colour is None or one.colour[0] == 2 else {"dst_colorspace": one.colour[0]}
            frame = frame.reformat(format=one.pixels, threads=1, **matrix)
        frame.pts, frame.time_base = round(time / tick), tick
        packets += stream.encode(frame)
    return packets + stream.encode(None)


def _audio_stream(out: Any, one: Sound) -> Any:
    stream = out.add_stream(one.codec, rate=one.rate, layout=one.layout)
    if one.sample:
        stream.codec_context.format = one.sample
    if one.codec.startswith("wma"):
        stream.codec_context.bit_rate = 128_000
    return stream


def _encode_sound(stream: Any, one: Sound) -> list[Any]:
    samples = voice(one.rate, stream.codec_context.layout.nb_channels, one.seconds)
    resampler = av.AudioResampler(format=stream.codec_context.format, layout=one.layout, rate=one.rate)
    packets: list[Any] = []
    for start in range(0, len(samples), 1024):
        piece = np.ascontiguousarray(samples[start : start + 1024]).reshape(1, -1)
        frame = av.AudioFrame.from_ndarray(piece, format="s16", layout=one.layout)
        frame.sample_rate, frame.time_base = one.rate, Fraction(1, one.rate)
        frame.pts = round(one.at * one.rate) + start
        for made in resampler.resample(frame):
            packets += stream.encode(made)
    return packets + stream.encode(None)
