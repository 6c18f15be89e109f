"""Silent-audio leakage: lip motion during silence."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from bench_lipsync.harness.api.clip import SAMPLES_PER_FRAME
from bench_lipsync.harness.api.metric import MetricInfo, Tolerance

BELOW_SPEECH = 35.0
"""dB below the loud frames of the audio from which on a frame is silent."""
FLOOR = -60.0
"""dB of full scale below which a frame is silent whatever the rest is like."""
MARGIN = 3
"""Frames (0.12 s) next to speech that do not count: lips open before a phoneme and close after it."""
MIN_FRAMES = 6
"""Steps between silent frames below which a clip has no value."""

INFO = MetricInfo(
    name="LipLeak",
    variant="opening-speed",
    direction="lower",
    unit="",
    range=(0.0, None),
    level="clip",
    needs=frozenset({"audio", "faces"}),
    signature=f"LipLeak|points=mediapipe@crop|opening=mean-of-3-inner-lip-pairs|silence=p95-{BELOW_SPEECH:g}dB,"
    f"{FLOOR:g}dBFS|margin={MARGIN}|unit=truth-in-speech|pool=clip-mean|v1",
    definition="mean speed of the lips' opening in silence, as a part of the true lips' mean speed while they speak; "
    "none for clips without silence",
    tolerance=Tolerance(relative=0.25, absolute=0.02),
)


def silent_frames(audio: NDArray[np.int16]) -> NDArray[np.bool_]:
    """(T,) whether a frame's 640 samples are silent; samples after the last complete frame are left out.

    A frame is silent where its level lies 35 dB below the 95th percentile of the levels, or below -60 dB of full
    scale. Steady noise is no silence.
    """
    frames = audio[: len(audio) // SAMPLES_PER_FRAME * SAMPLES_PER_FRAME].reshape(-1, SAMPLES_PER_FRAME)
    power = np.square(frames / 32768.0).mean(axis=1)
    levels = 10.0 * np.log10(np.maximum(power, 1e-12))
    loud = float(np.percentile(levels, 95)) if len(levels) else FLOOR
    return np.asarray(levels < max(FLOOR, loud - BELOW_SPEECH))


def without_margin(silent: NDArray[np.bool_], margin: int = MARGIN) -> NDArray[np.bool_]:
    """Silent frames (T,) that are more than `margin` frames away from any that is not."""
    speech = np.convolve(~silent, np.ones(2 * margin + 1), mode="same") if len(silent) else np.zeros(0)
    return np.asarray(speech[: len(silent)] < 0.5)


def leakage(
    output: NDArray[np.float64],
    truth: NDArray[np.float64],
    silent: NDArray[np.bool_],
    truth_silent: NDArray[np.bool_],
) -> float | None:
    """Mean step of the opening `output` (T,) in silence over the mean step of `truth` (T,) outside of its own silence.

    `silent` belongs to the audio that the output was made for, `truth_silent` to the truth's own. NaN in a curve
    leaves its two steps out. `None` with fewer than `MIN_FRAMES` steps on either side, or true lips that do not move.
    """
    quiet, speech = without_margin(silent), ~truth_silent
    own = np.abs(np.diff(output))[quiet[1:] & quiet[:-1]]
    scale = np.abs(np.diff(truth))[speech[1:] & speech[:-1]]
    own, scale = own[np.isfinite(own)], scale[np.isfinite(scale)]
    if min(len(own), len(scale)) < MIN_FRAMES or scale.mean() == 0:
        return None
    return float(own.mean() / scale.mean())
