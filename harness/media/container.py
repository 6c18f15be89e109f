"""Opening media files that may be hostile: local plain files only, no playlists, and FFmpeg's errors as `ClipError`."""

from __future__ import annotations

import stat
from collections.abc import Iterator
from contextlib import contextmanager
from fractions import Fraction
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

import av
import av.error

from harness.status import ClipError, Status

if TYPE_CHECKING:
    from av.audio.stream import AudioStream
    from av.container import InputContainer
    from av.video.stream import VideoStream

MAX_SIDE = 8192
"""Largest width or height in pixels that is decoded."""
MAX_SECONDS = 4 * 3600.0
"""Longest video or audio that is decoded from one file."""
MAX_GAP_SECONDS = 10.0
"""Longest time without a new frame; a longer one is a broken timestamp, not a pause."""

_REFUSED = {
    # Demuxers that open other files or addresses that the file names.
    *(
        "concat",
        "dash",
        "hls",
        "image2",
        "imf",
        "rtp",
        "rtsp",
        "sap",
        "sdp",
        "vobsub",
        "webm_dash_manifest",
        "avs",
        "avisynth",
    ),
    # Devices, filter graphs, and pictures painted from text.
    *("lavfi", "fbdev", "kmsgrab", "x11grab", "alsa", "oss", "v4l2", "video4linux2", "tty", "ffmetadata"),
}


@lru_cache(maxsize=1)
def _allowed_formats() -> str:
    names = {name for entry in av.formats_available for name in entry.split(",")}
    return ",".join(sorted(names - _REFUSED))


def _still_format(path: Path) -> str | None:
    """The single-picture reader for a JPEG: by its name alone FFmpeg would take it for the first of a picture list."""
    with path.open("rb") as file:
        return "jpeg_pipe" if file.read(3) == b"\xff\xd8\xff" else None


@contextmanager
def media_errors(path: Path) -> Iterator[None]:
    """Turn every error that PyAV and FFmpeg raise inside into a `ClipError` with status `decode_error`."""
    try:
        yield
    except (av.error.FFmpegError, OSError, ValueError, ArithmeticError, MemoryError) as error:
        detail = getattr(error, "strerror", None) or str(error) or type(error).__name__
        raise ClipError(Status.DECODE_ERROR, f"{path.name}: {detail}") from error


@contextmanager
def open_media(path: Path) -> Iterator[InputContainer]:
    """Open a local plain file for reading.

    Raises `ClipError` (`decode_error`) for anything that is not a regular file, for playlists and other formats that
    pull in further files, and for whatever FFmpeg cannot open. Nothing but this one file is ever read.
    """
    with media_errors(path):
        if not stat.S_ISREG(path.stat().st_mode):
            raise ClipError(Status.DECODE_ERROR, f"{path.name}: not a regular file")
        limits = {"protocol_whitelist": "file", "format_whitelist": _allowed_formats()}
        try:
            # An absolute path: FFmpeg would take `a:b.mp4` for an address with the protocol `a`.
            container = av.open(
                str(path.resolve()), format=_still_format(path), container_options=limits, metadata_errors="replace"
            )
        except av.error.ArgumentError as error:
            reason = f"{path.name}: not a media file, or a playlist or picture list, which are not followed"
            raise ClipError(Status.DECODE_ERROR, reason) from error
    try:
        yield container
    finally:
        container.close()


def seconds(ticks: int | None, base: Fraction | None) -> float | None:
    """A timestamp or duration in seconds, `None` where the file does not say."""
    return None if ticks is None or base is None else float(ticks * base)


def video_stream(container: InputContainer) -> VideoStream | None:
    """The first stream of moving pictures; cover art and streams without a decoder do not count."""
    for stream in container.streams.video:
        cover_art = bool(stream.disposition & type(stream.disposition).attached_pic)
        if not cover_art and stream.codec_context is not None:
            return stream
    return None


def audio_stream(container: InputContainer) -> AudioStream | None:
    """The first audio stream that can be decoded."""
    return next((stream for stream in container.streams.audio if stream.codec_context is not None), None)
