"""How much a media file may ask for. Each limit is far beyond what a talking face needs, and each message names it."""

from __future__ import annotations

import ctypes
from functools import lru_cache
from pathlib import Path

MAX_SIDE = 8192
"""Largest width or height in pixels that is decoded."""
MAX_PIXELS = 8192 * 4352
"""Largest picture in pixels: 8K in both of its shapes. FFmpeg may hold 16 of them, at 1.5 to 8 bytes a pixel."""
MAX_SECONDS = 4 * 3600.0
"""Longest video or audio that is decoded from one file."""
MAX_CLIP_SECONDS = 3600.0
"""Longest clip that is prepared: what is kept of its face and audio grows with it, some 0.4 GB an hour."""
MAX_GAP_SECONDS = 10.0
"""Longest time without a new frame; a longer one is a broken timestamp, not a pause."""
AUDIO_RATES = (2_000, 768_000)
"""Lowest and highest samples per second that are resampled: a second at 1 Hz would become 16,000 samples each."""
MAX_CHANNELS = 64
"""Channels of audio that are averaged."""
MAX_STREAMS = 200
"""Streams of one file; each costs a decoder."""
MAX_ALLOCATION = 1 << 30
"""Bytes that FFmpeg may ask for at once: a picture of `MAX_PIXELS` in any format fits, a header's lie does not."""

SMALLER = "scale it down, for example to 1080 pixels of height"
"""The way out for pictures that are too large."""
SHORTER = "cut it into shorter clips"
"""The way out for files that are too long."""

FORMATS = (
    # Videos.
    *("mov", "mp4", "matroska", "webm", "avi", "mpegts", "mpeg", "mpegvideo", "asf", "flv", "ogg", "mxf", "nut", "dv"),
    *("ivf", "obu", "h264", "hevc", "m4v", "h263", "mjpeg", "rm", "gxf", "wtv", "yuv4mpegpipe"),
    # Images, animated and single.
    *("gif", "apng", "jpeg_pipe", "png_pipe", "webp_pipe", "webp_anim", "bmp_pipe", "tiff_pipe"),
    # Audio.
    *("wav", "w64", "aiff", "au", "caf", "flac", "mp3", "aac", "ac3", "eac3", "dts", "amr", "wv", "tta", "ape"),
)
"""FFmpeg's readers that are used. All others stay shut: those that open what a file names (playlists, IMF, DASH, SDP,
VobSub, picture lists), devices, text that is painted, and some three hundred formats of games and old machines."""
_LIBRARY_FOLDERS = ("../av.libs", ".dylibs", "../av.dylibs")
"""Where PyAV's wheels keep FFmpeg, beside the package."""


@lru_cache(maxsize=1)
def limit_allocations() -> bool:
    """Set `MAX_ALLOCATION` in the FFmpeg that PyAV's wheel brings; once a process, for all threads.

    PyAV has no name for this setting. False where FFmpeg comes from elsewhere (conda, a distribution): its own limit of
    2 GiB stays.
    """
    import av

    home = Path(av.__file__).parent
    for folder in _LIBRARY_FOLDERS:
        for library in sorted((home / folder).resolve().glob("*avutil*")):
            try:
                # The library is loaded already; this only gives a handle to it.
                set_limit = ctypes.CDLL(str(library)).av_max_alloc
            except (OSError, AttributeError):
                continue
            set_limit.argtypes, set_limit.restype = [ctypes.c_size_t], None
            set_limit(MAX_ALLOCATION)
            return True
    return False
