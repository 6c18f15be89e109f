"""Recordings in a folder as samples: the foreign sound of an adaptation."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import TYPE_CHECKING

from bench_lipsync.harness.datasets.discover import AUDIO_SUFFIXES, VIDEO_SUFFIXES, find_files, shown
from bench_lipsync.harness.errors import BenchError, ClipError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

MAX_FILES = 100
MAX_SECONDS = 20.0
"""Taken from the beginning of each file."""


def read_speech(folder: Path) -> list[NDArray[np.int16]]:
    """The sound of up to `MAX_FILES` audio and video files below `folder`, int16 mono at 16 kHz.

    Which ones is decided by the hash of their paths below `folder`. Raises `BenchError` if none has sound.
    """
    from bench_lipsync.harness.media import decode_audio

    if not folder.is_dir():
        raise BenchError(f"--foreign {shown(folder)} is no folder; give one with recordings of other people")
    files = find_files(folder, (*AUDIO_SUFFIXES, *VIDEO_SUFFIXES)).files
    spread = sorted(files, key=lambda path: hashlib.sha256(path.relative_to(folder).as_posix().encode()).hexdigest())
    heard = []
    for path in spread:
        try:
            heard.append(decode_audio(path, end=MAX_SECONDS))
        except ClipError:
            continue  # silent videos are common in such folders
        if len(heard) == MAX_FILES:
            break
    if not heard:
        raise BenchError(f"none of the {len(files)} media files below {shown(folder)} has sound that can be decoded")
    return heard
