"""Phonemes to lip motion: targets blended over time and sampled at the frame rate."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from bench_lipsync.harness.api.clip import FPS
from bench_lipsync.harness.datasets.demo.lip_targets import targets
from bench_lipsync.harness.datasets.demo.speech import Phoneme

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    FloatArray = NDArray[np.float64]

RATE = 500
"""Internal rate in Hz, before sampling at the frame rate."""
SMOOTH = {"opening": 0.036, "width": 0.055, "tongue": 0.03}
"""Standard deviation in seconds of the blend between neighbouring targets (coarticulation)."""
ANTICIPATION = 0.02
"""Seconds by which lips precede the audio; with the blend they start to move about 50 ms early."""
RAMP = 0.05
"""Duration of a closing or tucking movement in seconds."""
MIN_HOLD = 0.045
"""Minimum duration of a closure in seconds: longer than a frame, so that one frame always shows it."""
CLOSURE_BEFORE_BURST = 0.05
"""eSpeak NG times a voiceless stop at its burst; the closure is the silence of about 50 ms before it."""
_BILABIAL, _LABIODENTAL = frozenset("pbm"), frozenset("fv")


@dataclass(frozen=True)
class Articulation:
    """Lip curves at 25 fps, float64 (frames,); frame i is at i/25 s."""

    opening: FloatArray
    """0 closed .. 1 as wide as speech gets; 0 in bilabials."""
    width: FloatArray
    """-1 rounded .. 1 spread."""
    press: FloatArray
    """0..1, lips pressed together (p, b, m)."""
    tuck: FloatArray
    """0..1, lower lip under the upper teeth (f, v)."""
    tongue: FloatArray
    """0..1, tongue tip raised."""


def is_bilabial(name: str) -> bool:
    """Whether both lips must touch for this mnemonic (p, b, m)."""
    return name.lstrip("',%=|")[:1] in _BILABIAL


def closure(phoneme: Phoneme) -> tuple[float, float]:
    """Start and end in seconds of the lip contact in a bilabial."""
    kind = phoneme.name.lstrip("',%=|")[:1]
    if kind == "p":
        start, end = phoneme.start - CLOSURE_BEFORE_BURST, phoneme.start + 0.004
    elif kind == "b":
        start, end = phoneme.start - 0.02, phoneme.start + 0.6 * (phoneme.end - phoneme.start)
    else:
        start, end = phoneme.start - 0.005, phoneme.end - 0.012
    lacking = max(0.0, MIN_HOLD - (end - start)) / 2
    return start - lacking, end + lacking


def articulate(phonemes: tuple[Phoneme, ...], frames: int) -> Articulation:
    """Blend the targets of `phonemes` over `frames` frames at 25 fps."""
    import numpy as np
    from scipy.ndimage import gaussian_filter1d

    steps = int(np.ceil((frames / FPS + 0.5) * RATE))
    time = np.arange(steps) / RATE
    curves = {name: np.zeros(steps) for name in SMOOTH}
    press, tuck = np.zeros(steps), np.zeros(steps)
    for phoneme in phonemes:
        early = CLOSURE_BEFORE_BURST if phoneme.name.lstrip("',%=|")[:1] in ("p", "t", "k") else 0.0
        shapes = targets(phoneme.name)
        edges = np.linspace(phoneme.start - early, phoneme.end, len(shapes) + 1) - ANTICIPATION
        for shape, begin, end in zip(shapes, edges[:-1], edges[1:], strict=True):
            window = slice(max(0, round(begin * RATE)), max(0, round(end * RATE)))
            for name in SMOOTH:
                curves[name][window] = getattr(shape, name)
        if is_bilabial(phoneme.name):
            press = np.maximum(press, _pulse(time, *closure(phoneme)))
        elif phoneme.name.lstrip("',%=|")[:1] in _LABIODENTAL:
            tuck = np.maximum(tuck, _pulse(time, phoneme.start - 0.01, max(phoneme.end - 0.02, phoneme.start + 0.03)))
    curves = {name: gaussian_filter1d(curve, SMOOTH[name] * RATE, mode="nearest") for name, curve in curves.items()}
    opening = curves["opening"] * (1 - press) * (1 - tuck) + 0.1 * tuck * (1 - press)
    at = np.arange(frames) * RATE // FPS
    return Articulation(opening[at], curves["width"][at], press[at], tuck[at], curves["tongue"][at])


def _pulse(time: FloatArray, start: float, end: float) -> FloatArray:
    """1 from `start` to `end` with minimum-jerk flanks of `RAMP` seconds outside (Flash and Hogan 1985)."""
    import numpy as np

    x = np.clip(np.minimum(time - start, end - time) / RAMP + 1, 0, 1)
    return np.asarray(x**3 * (10 - 15 * x + 6 * x**2))
