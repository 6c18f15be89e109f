"""Opening media files that may be hostile: local plain files only, no playlists, and FFmpeg's errors as `ClipError`."""

from __future__ import annotations

import stat
from collections.abc import Iterator
from contextlib import contextmanager
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING

import av
import av.error

from bench_lipsync.harness.errors import ClipError, Status
from bench_lipsync.harness.media.limits import FORMATS, MAX_PIXELS, MAX_STREAMS, limit_allocations
from bench_lipsync.harness.util.sanitize import shown

if TYPE_CHECKING:
    from av.audio.stream import AudioStream
    from av.container import InputContainer
    from av.video.stream import VideoStream


def _still_format(path: Path) -> str | None:
    """The single-picture reader for a JPEG: by its name alone FFmpeg would take it for the first of a picture list."""
    with path.open("rb") as file:
        return "jpeg_pipe" if file.read(3) == b"\xff\xd8\xff" else None


_LIMITS = {
    "protocol_whitelist": "file",
    "format_whitelist": ",".join(FORMATS),
    "max_streams": str(MAX_STREAMS),
    "enable_drefs": "0",
}
_PICTURE_LIMIT = {"max_pixels": str(MAX_PIXELS)}


@contextmanager
def media_errors(path: Path) -> Iterator[None]:
    """Turn every error that PyAV and FFmpeg raise inside into a `ClipError` with status `decode_error`."""
    try:
        yield
    except (av.error.FFmpegError, OSError, ValueError, ArithmeticError, MemoryError, RuntimeError) as error:
        detail = getattr(error, "strerror", None) or str(error) or type(error).__name__
        raise ClipError(Status.DECODE_ERROR, f"{shown(path.name)} cannot be read: {shown(detail)}") from error


@contextmanager
def open_media(path: Path) -> Iterator[InputContainer]:
    """Open a local plain file for reading.

    Raises `ClipError` (`decode_error`) for anything that is not a regular file, for playlists and other formats that
    pull in further files, and for whatever FFmpeg cannot open. Nothing but this one file is ever read.
    """
    name = shown(path.name)
    with media_errors(path):
        if not stat.S_ISREG(path.stat().st_mode):
            raise ClipError(Status.DECODE_ERROR, f"{name}: not a regular file")
        limit_allocations()
        try:
            # An absolute path: FFmpeg would take `a:b.mp4` for an address with the protocol `a`.
            container = av.open(
                str(path.resolve()),
                format=_still_format(path),
                container_options=_LIMITS,
                options=_PICTURE_LIMIT,
                metadata_errors="replace",
            )
        except av.error.ArgumentError as error:
            reason = f"{name}: not a video or audio format that is read; playlists and picture lists are not followed"
            raise ClipError(Status.DECODE_ERROR, reason) from error
        except (av.error.InvalidDataError, av.error.EOFError) as error:
            reason = f"{name}: no video or audio can be read from it; it is cut off, damaged or something else"
            raise ClipError(Status.DECODE_ERROR, reason) from error
    for stream in container.streams.video:
        if stream.codec_context is not None:
            stream.codec_context.options = _PICTURE_LIMIT
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
