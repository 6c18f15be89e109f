"""Downloads full videos with yt-dlp, an optional extra; videos that are gone are reported."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Protocol

from bench_lipsync.harness.datasets.cutting.interval import FullVideo
from bench_lipsync.harness.datasets.discover import shown
from bench_lipsync.harness.errors import BenchError

INSTALL = 'pip install "bench-lipsync[download]"'


class VideoUnavailableError(Exception):
    """A video that could not be downloaded; the message is one line."""


class Downloader(Protocol):
    """Downloads full videos into a folder."""

    def fetch(self, video: FullVideo, folder: Path) -> None:
        """Write `NAME.*` into `folder`: one file with video and audio, or one of each.

        Raises:
            VideoUnavailableError: The video cannot be downloaded.
        """
        ...


class YtDlp:
    """yt-dlp through its Python interface. Video and audio stay separate files, so that no ffmpeg program is needed."""

    def __init__(self) -> None:
        try:
            import yt_dlp
        except ImportError as error:
            raise BenchError(f"--download needs yt-dlp, which is not installed: {INSTALL}") from error
        self._module: Any = yt_dlp

    def fetch(self, video: FullVideo, folder: Path) -> None:
        """Download at the listed resolution, or the nearest that YouTube still has."""
        options = {
            "format": "(bv,ba[ext=m4a])/b",
            # HDTF's crop boxes were measured at this height; they are scaled to any other.
            "format_sort": [*([f"res:{video.resolution}"] if video.resolution else []), "vcodec:h264"],
            "paths": {"home": str(folder)},
            "outtmpl": {"default": f"{video.name}.%(format_id)s.%(ext)s"},
            "restrictfilenames": True,
            "noplaylist": True,
            "quiet": True,
            "no_warnings": True,
            "noprogress": True,
            "color": "never",
            "retries": 3,
            "socket_timeout": 30,
        }
        try:
            with self._module.YoutubeDL(options) as client:
                client.download([video.url])
        except (self._module.utils.YoutubeDLError, OSError) as error:
            lines = str(error).removeprefix("ERROR: ").splitlines() or [type(error).__name__]
            raise VideoUnavailableError(shown(lines[0])) from error
