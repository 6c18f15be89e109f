"""Deterministic speech synthesis with the time of every phoneme."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from bench_lipsync.harness.api.clip import SAMPLE_RATE
from bench_lipsync.harness.errors import BenchError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

_PALATAL = ";"
"""eSpeak NG's mark of a palatalised consonant: part of the phoneme before it."""


@dataclass(frozen=True)
class Voice:
    """Settings of eSpeak NG."""

    name: str
    """Voice and variant, such as `English (America)+f2`."""
    rate: int = 150
    """Words a minute."""
    pitch: int = 50
    """0..100."""
    range: int = 50
    """Liveliness of the intonation, 0..100."""


@dataclass(frozen=True)
class Phoneme:
    """An eSpeak NG mnemonic with its stress mark, and its time in seconds."""

    name: str
    start: float
    end: float


@dataclass(frozen=True)
class Utterance:
    """Samples int16 (N,) at 16 kHz and the phonemes in them."""

    samples: NDArray[np.int16]
    phonemes: tuple[Phoneme, ...]


def synthesise(text: str, voice: Voice, lead: float = 0.24, tail: float = 0.3) -> Utterance:
    """Synthesise an utterance.

    Args:
        text: The sentence.
        voice: Settings of the speech engine.
        lead: Silence before it in seconds.
        tail: Silence after it in seconds.

    Raises:
        BenchError: The speech engine fails or yields no phonemes.
    """
    import numpy as np
    from scipy.signal import resample_poly

    request = {"text": text, "voice": voice.name, "rate": voice.rate, "pitch": voice.pitch, "range": voice.range}
    # The interpreter and a file of this folder: the command line holds no input of the user.
    child = subprocess.run(  # noqa: S603
        [sys.executable, str(Path(__file__).with_name("espeak.py"))],
        input=json.dumps(request).encode(),
        capture_output=True,
        check=False,
        timeout=120,
    )
    if child.returncode != 0:
        last = child.stderr.decode("utf-8", "replace").strip().splitlines()[-1:] or ["no message"]
        raise BenchError(f"speech synthesis of {text!r} failed: {last[0]}; reinstall espeakng-loader")
    head, _, pcm = child.stdout.partition(b"\n")
    header = json.loads(head)
    wave = np.frombuffer(pcm, dtype="<i2").astype(np.float64)
    rate = int(header["rate"])
    marks = [(str(name), sample / rate) for name, sample in header["phonemes"]]
    spoken = [mark for mark in marks if not mark[0].startswith("_")]
    if not spoken:
        raise BenchError(f"speech synthesis of {text!r} gave no phonemes; the sentence needs words")
    # Remove the engine's trailing pause; `tail` replaces it.
    last_end = next((at for name, at in marks if at > spoken[-1][1]), len(wave) / rate)
    wave = wave[: round(last_end * rate)]
    divisor = int(np.gcd(SAMPLE_RATE, rate))
    wave = resample_poly(wave, SAMPLE_RATE // divisor, rate // divisor)
    pads = (round(lead * SAMPLE_RATE), round(tail * SAMPLE_RATE))
    samples = np.clip(np.rint(np.pad(wave, pads)), -32768, 32767).astype(np.int16)
    ends = [at for _, at in marks[1:]] + [last_end]
    phonemes: list[Phoneme] = []
    for (name, start), end in zip(marks, ends, strict=True):
        if name.startswith("_") or end <= start:
            continue
        if name == _PALATAL and phonemes:
            phonemes[-1] = replace(phonemes[-1], end=lead + min(end, last_end))
        else:
            phonemes.append(Phoneme(name, lead + start, lead + min(end, last_end)))
    return Utterance(samples, tuple(phonemes))
