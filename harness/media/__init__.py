"""Media in and out through PyAV, whose wheels carry FFmpeg: no system package is needed.

Whatever comes in leaves as 25 fps constant-rate RGB frames and 16 kHz mono samples; every failure is a `ClipError`.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from bench_lipsync.harness.media.audio import decode_audio as decode_audio
    from bench_lipsync.harness.media.decode import decode_video as decode_video
    from bench_lipsync.harness.media.info import AudioInfo as AudioInfo
    from bench_lipsync.harness.media.info import MediaInfo as MediaInfo
    from bench_lipsync.harness.media.info import VideoInfo as VideoInfo
    from bench_lipsync.harness.media.info import probe as probe
    from bench_lipsync.harness.media.lossless import LosslessWriter as LosslessWriter
    from bench_lipsync.harness.media.lossless import read_lossless as read_lossless
    from bench_lipsync.harness.media.mp4 import write_preview as write_preview
    from bench_lipsync.harness.media.wav import read_wav as read_wav
    from bench_lipsync.harness.media.wav import write_wav as write_wav

_HOME = {
    "AudioInfo": "info",
    "LosslessWriter": "lossless",
    "MediaInfo": "info",
    "VideoInfo": "info",
    "decode_audio": "audio",
    "decode_video": "decode",
    "probe": "info",
    "read_lossless": "lossless",
    "read_wav": "wav",
    "write_preview": "mp4",
    "write_wav": "wav",
}

__all__ = [
    "AudioInfo",
    "LosslessWriter",
    "MediaInfo",
    "VideoInfo",
    "decode_audio",
    "decode_video",
    "probe",
    "read_lossless",
    "read_wav",
    "write_preview",
    "write_wav",
]


def __getattr__(name: str) -> Any:
    """Import the module of a public name when it is first used."""
    home = _HOME.get(name)
    if home is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(importlib.import_module(f"{__name__}.{home}"), name)
    globals()[name] = value
    return value
