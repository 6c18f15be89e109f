"""What a media file says and shows about itself, before anything long is decoded."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from av.error import ArgumentError, InvalidDataError

from bench_lipsync.harness.errors import ClipError, Status
from bench_lipsync.harness.media.container import audio_stream, media_errors, open_media, seconds, video_stream
from bench_lipsync.harness.media.display_matrix import Orientation, orientation
from bench_lipsync.harness.media.limits import MAX_PIXELS, MAX_SIDE, SMALLER
from bench_lipsync.harness.util.sanitize import shown

if TYPE_CHECKING:
    from av.container import InputContainer
    from av.video.frame import VideoFrame
    from av.video.stream import VideoStream


@dataclass(frozen=True)
class VideoInfo:
    """The first video stream."""

    codec: str
    """FFmpeg's name of the decoder: `h264`, `mpeg1video`."""
    pixel_format: str
    width: int
    """Pixels across as shown, after rotation."""
    height: int
    """Pixels down as shown, after rotation."""
    rate: float | None
    """Average frames per second, where the file says."""
    seconds: float | None
    """Duration, where the file says."""
    start: float
    """Timestamp of the first frame in seconds: the zero of every time that this package gives or takes."""
    rotation: int
    """Degrees clockwise by which the stored picture is turned to be shown: 0, 90, 180 or 270."""
    mirrored: bool
    """Whether the stored picture is shown mirrored (before it is turned)."""
    pixel_aspect: str
    """Width to height of a pixel as the file claims, `1:1` if it does not say. Recorded, never applied."""


@dataclass(frozen=True)
class AudioInfo:
    """The first audio stream."""

    codec: str
    rate: int
    """Samples per second as stored."""
    channels: int
    seconds: float | None


@dataclass(frozen=True)
class MediaInfo:
    """A media file; `video` or `audio` is `None` where there is no such stream."""

    format: str
    """FFmpeg's name of the container: `mov,mp4,m4a,3gp,3g2,mj2`."""
    seconds: float | None
    video: VideoInfo | None
    audio: AudioInfo | None


def probe(path: Path) -> MediaInfo:
    """Open `path`, decode its first frame and say what it holds. Raises `ClipError` (`decode_error`)."""
    with open_media(path) as container, media_errors(path):
        length = None if container.duration is None else container.duration / 1_000_000
        return MediaInfo(container.format.name, length, video=_video(container), audio=_audio(container))


def check_size(path: Path, width: int, height: int) -> None:
    """Raise `ClipError` (`decode_error`) for a picture beyond the limits."""
    size = f"{shown(path.name)}: {width}x{height} is larger than"
    if max(width, height) > MAX_SIDE:
        raise ClipError(Status.DECODE_ERROR, f"{size} {MAX_SIDE} pixels a side; {SMALLER}")
    if width * height > MAX_PIXELS:
        raise ClipError(Status.DECODE_ERROR, f"{size} {MAX_PIXELS / 1e6:.0f} million pixels; {SMALLER}")


def first_frame(container: InputContainer, stream: VideoStream) -> VideoFrame:
    """Decode up to the first frame that comes out. Leaves the container somewhere behind it."""
    check_size(Path(container.name), stream.width, stream.height)
    for packet in container.demux(stream):
        try:
            frames = packet.decode()
        except InvalidDataError:
            continue
        except ArgumentError as error:
            # What FFmpeg says of a picture beyond `MAX_PIXELS` whose size stands in the stream alone.
            raise ValueError(f"its pictures are broken or larger than {MAX_PIXELS / 1e6:.0f} million pixels") from error
        for frame in frames:
            return frame
    raise ValueError("holds no frame that can be decoded")


def frame_time(frame: VideoFrame) -> float:
    """Timestamp of a frame in seconds, 0 where it has none."""
    return seconds(frame.pts if frame.pts is not None else frame.dts, frame.time_base) or 0.0


def _video(container: InputContainer) -> VideoInfo | None:
    stream = video_stream(container)
    if stream is None:
        return None
    frame = first_frame(container, stream)
    turn: Orientation = orientation(frame)
    width, height = (frame.height, frame.width) if turn.transposed else (frame.width, frame.height)
    rate = stream.average_rate
    aspect = stream.sample_aspect_ratio
    return VideoInfo(
        codec=stream.codec_context.name,
        pixel_format=frame.format.name,
        width=width,
        height=height,
        rate=float(rate) if rate else None,
        seconds=seconds(stream.duration, stream.time_base),
        start=frame_time(frame),
        rotation=turn.rotation,
        mirrored=turn.mirrored,
        pixel_aspect=f"{aspect.numerator}:{aspect.denominator}" if aspect else "1:1",
    )


def _audio(container: InputContainer) -> AudioInfo | None:
    stream = audio_stream(container)
    if stream is None:
        return None
    context = stream.codec_context
    length = seconds(stream.duration, stream.time_base)
    return AudioInfo(context.name, context.sample_rate, channels=context.layout.nb_channels, seconds=length)
