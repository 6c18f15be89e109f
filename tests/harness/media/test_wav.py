from __future__ import annotations

import wave
from pathlib import Path

import numpy as np
import pytest

from bench_lipsync.harness.errors import ClipError
from bench_lipsync.harness.media import read_wav, write_wav


def test_round_trip(tmp_path: Path):
    samples = np.array([0, 1, -1, 32767, -32768], np.int16)
    write_wav(tmp_path / "a.wav", samples)
    assert np.array_equal(read_wav(tmp_path / "a.wav"), samples)
    assert read_wav(tmp_path / "a.wav").dtype == np.int16


def test_wrong_kinds_are_refused(tmp_path: Path):
    with pytest.raises(ValueError, match="int16"):
        write_wav(tmp_path / "a.wav", np.zeros(5, np.float32))
    with wave.open(str(tmp_path / "b.wav"), "wb") as file:
        file.setparams((2, 2, 44100, 0, "NONE", ""))
    with pytest.raises(ClipError, match="expected mono"):
        read_wav(tmp_path / "b.wav")
    (tmp_path / "c.wav").write_text("no sound")
    with pytest.raises(ClipError):
        read_wav(tmp_path / "c.wav")
