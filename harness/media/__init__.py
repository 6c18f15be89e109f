"""Media in and out through PyAV, whose wheels carry FFmpeg: no system package is needed.

Whatever comes in leaves as 25 fps constant-rate RGB frames and 16 kHz mono samples; every failure is a `ClipError`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import lazy_loader

if TYPE_CHECKING:
    from bench_lipsync.harness.media.audio import decode_audio as decode_audio
    from bench_lipsync.harness.media.damage import Damage as Damage
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

__getattr__, __dir__, __all__ = lazy_loader.attach(
    __name__,
    submodules=["mfcc"],
    submod_attrs={
        "audio": ["decode_audio"],
        "container": ["media_errors", "open_media"],
        "damage": ["Damage"],
        "decode": ["Shown", "decode_video", "shown_pictures"],
        "format": ["FPS", "SAMPLES_PER_FRAME", "SAMPLE_RATE"],
        "frames": ["timed_frames"],
        "frames_at_times": ["pictures_at"],
        "info": ["AudioInfo", "MediaInfo", "VideoInfo", "probe"],
        "limits": ["MAX_CLIP_SECONDS", "SHORTER"],
        "lossless": ["LosslessWriter", "read_lossless"],
        "mp4": ["Mp4Writer", "write_preview"],
        "wav": ["read_wav", "write_wav"],
        "yuv_planes": ["Planes", "ToPlanes"],
    },
)
