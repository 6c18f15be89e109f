"""Random motion of a clip: head pose, blinks, brows, camera; all curves are smooth and come from one generator."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from bench_lipsync.harness.api.clip import FPS

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    FloatArray = NDArray[np.float64]


@dataclass(frozen=True)
class Motion:
    """Curves of a clip at 25 fps, float64 (frames,)."""

    yaw: FloatArray
    """Degrees relative to the camera, positive to the right of the frame."""
    pitch: FloatArray
    roll: FloatArray
    shift_x: FloatArray
    """Pixels of the still."""
    shift_y: FloatArray
    zoom: FloatArray
    """Scale of the camera, about 1."""
    blink: FloatArray
    """0 open .. 1 shut."""
    brow: FloatArray
    """Pixels of the still, positive raises."""
    gain: FloatArray
    """Brightness factor, about 1."""


def make_motion(rng: np.random.Generator, frames: int, yaw_reach: float, emphasis: FloatArray) -> Motion:
    """Draw the motion of a clip.

    Args:
        rng: Source of randomness.
        frames: Number of frames.
        yaw_reach: Largest yaw in degrees, to one side or both.
        emphasis: (frames,) opening of the mouth, 0..1; head and brows move slightly with it.
    """
    import numpy as np
    from scipy.ndimage import gaussian_filter1d

    stress = gaussian_filter1d(emphasis, 4.0) - float(emphasis.mean())
    side = rng.choice([-1.0, 1.0])
    turns = _keys(rng, frames, 1.0)
    turns = turns - 0.35 * float(turns.max() + turns.min())
    turns = turns / max(1e-6, float(np.abs(turns).max())) * yaw_reach * side
    return Motion(
        yaw=turns,
        pitch=3.5 * _keys(rng, frames, 0.8) + 5.0 * stress,
        roll=3.0 * _keys(rng, frames, 1.1),
        shift_x=2.5 * _keys(rng, frames, 0.9),
        shift_y=2.0 * _keys(rng, frames, 0.9),
        zoom=1.0 + 0.012 * _keys(rng, frames, 1.3),
        blink=_blinks(rng, frames),
        brow=1.2 * _keys(rng, frames, 0.7) + 3.0 * stress,
        gain=1.0 + 0.015 * _keys(rng, frames, 1.0),
    )


def _keys(rng: np.random.Generator, frames: int, seconds: float) -> FloatArray:
    """Key poses in -1..1 about every `seconds`, joined by minimum-jerk moves (Flash and Hogan 1985), with tremor."""
    import numpy as np
    from scipy.ndimage import gaussian_filter1d

    times = [-float(rng.uniform(0.2, 1.0)) * seconds]
    while times[-1] < frames / FPS:
        times.append(times[-1] + seconds * float(rng.uniform(0.6, 1.3)))
    times.append(times[-1] + seconds)
    values = rng.uniform(-1, 1, len(times))
    now = np.arange(frames) / FPS
    index = np.searchsorted(times, now, side="right") - 1
    x = (now - np.take(times, index)) / (np.take(times, index + 1) - np.take(times, index))
    # Moves take three quarters of the interval; the head rests for the remainder.
    x = np.clip(x / 0.75, 0, 1)
    blend = x**3 * (10 - 15 * x + 6 * x**2)
    tremor = gaussian_filter1d(rng.standard_normal(frames + 40), 3.0)[20 : 20 + frames]
    return np.asarray(values[index] + (values[index + 1] - values[index]) * blend + 0.06 * tremor)


def _blinks(rng: np.random.Generator, frames: int) -> FloatArray:
    """A blink every two to four seconds: about 100 ms down and 160 ms up."""
    import numpy as np

    now = np.arange(frames) / FPS
    curve = np.zeros(frames)
    at = float(rng.uniform(0.3, 2.0))
    while at < frames / FPS:
        closing = np.clip((now - at) / 0.1, 0, 1)
        opening = np.clip((now - at - 0.14) / 0.16, 0, 1)
        curve = np.maximum(curve, closing * (1 - opening))
        at += float(rng.uniform(1.8, 4.0))
    return curve * curve * (3 - 2 * curve)
