"""Audio of the recordings in a folder: the foreign speech of an adaptation."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import TYPE_CHECKING

from bench_lipsync.harness.datasets.discover import AUDIO_SUFFIXES, VIDEO_SUFFIXES, find_files, shown
from bench_lipsync.harness.errors import BenchError, ClipError
from bench_lipsync.harness.util.sanitize import plain_name

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

MAX_FILES = 100
MAX_SECONDS = 20.0
"""Read from the beginning of each file."""


def read_speech(folder: Path) -> list[NDArray[np.int16]]:
    """The audio of up to `MAX_FILES` audio and video files below a folder, selected by the hash of their paths.

    Returns:
        Int16 mono at 16 kHz, up to `MAX_SECONDS` each.

    Raises:
        BenchError: `folder` is no folder, or no file has audio that can be decoded.
    """
    from bench_lipsync.harness.media import decode_audio

    if not folder.is_dir():
        raise BenchError(f"--foreign {shown(folder)} is no folder; give one with recordings of other speakers")
    files = find_files(folder, (*AUDIO_SUFFIXES, *VIDEO_SUFFIXES)).files
    shuffled = sorted(files, key=lambda path: _digest(path.relative_to(folder)))
    recordings = []
    for path in shuffled:
        try:
            recordings.append(decode_audio(path, end=MAX_SECONDS))
        except ClipError:
            continue  # Videos without audio are common in such folders.
        if len(recordings) == MAX_FILES:
            break
    if not recordings:
        raise BenchError(f"none of the {len(files)} media files below {shown(folder)} has audio that can be decoded")
    return recordings


def _digest(path: Path) -> str:
    return hashlib.sha256(plain_name(path.as_posix()).encode("utf-8", "surrogatepass")).hexdigest()
