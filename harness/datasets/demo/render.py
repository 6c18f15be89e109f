"""Renders the frames of a clip: mouth and eyes move in the portrait's plane, then the head is rotated."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, NamedTuple

from bench_lipsync.harness.datasets.demo.eyes import EyeRig, build_eyes, move_eyes
from bench_lipsync.harness.datasets.demo.geometry import STRIDE, Pose, Relief, inverse_map
from bench_lipsync.harness.datasets.demo.motion import Motion
from bench_lipsync.harness.datasets.demo.mouth import articulate_mouth
from bench_lipsync.harness.datasets.demo.mouth_rig import Lips, MouthRig, build_mouth
from bench_lipsync.harness.datasets.demo.portraits import Portrait
from bench_lipsync.harness.datasets.demo.relief import build_relief
from bench_lipsync.harness.datasets.demo.visemes import Articulation

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

FRAME_SIZE = 288
"""Side of a frame in pixels."""
YAW_GAIN = 1.22
"""Compensates for the bounded slope of the relief: with this factor MediaPipe measures the intended yaw."""
NOISE = 1.1
"""Standard deviation of the camera's noise in grey levels."""


class Head(NamedTuple):
    """The data of a portrait that are constant over a clip."""

    portrait: Portrait
    mouth: MouthRig
    eyes: tuple[EyeRig, EyeRig]
    relief: Relief
    yaw: float
    """The still's own yaw in degrees."""


def build_head(portrait: Portrait) -> Head:
    """Prepare a portrait for rendering (about half a second)."""
    landmarks = portrait.landmarks
    return Head(
        portrait,
        build_mouth(portrait.still, landmarks),
        build_eyes(landmarks),
        build_relief(landmarks, portrait.still.shape[0]),
        _own_yaw(landmarks),
    )


def _own_yaw(landmarks: NDArray[np.float32]) -> float:
    """Yaw of the portrait in degrees: the slope in depth from one cheek and eye to the other."""
    import numpy as np

    left, right = landmarks[[33, 50, 234]].mean(axis=0), landmarks[[263, 280, 454]].mean(axis=0)
    return float(np.degrees(np.arctan2(right[2] - left[2], right[0] - left[0])))


def render_frames(
    head: Head, speech: Articulation, motion: Motion, rng: np.random.Generator
) -> Iterator[NDArray[np.uint8]]:
    """Yield every frame, (FRAME_SIZE, FRAME_SIZE, 3) uint8 RGB."""
    import numpy as np

    grain = rng.normal(0, NOISE, (4, FRAME_SIZE + 64, FRAME_SIZE + 64, 3)).astype(np.float32)
    guess = None
    for index in range(len(motion.yaw)):
        lips = Lips(*(float(getattr(speech, name)[index]) for name in Lips._fields))
        face = articulate_mouth(head.portrait.still, head.mouth, lips)
        move_eyes(face, head.eyes, float(motion.blink[index]), float(motion.brow[index]))
        pose = Pose(
            yaw=YAW_GAIN * (float(motion.yaw[index]) - head.yaw),
            pitch=float(motion.pitch[index]),
            roll=float(motion.roll[index]),
            shift_x=float(motion.shift_x[index]),
            shift_y=float(motion.shift_y[index]),
        )
        guess = inverse_map(head.relief, pose, guess)
        frame = _look_up(face, guess, float(motion.zoom[index]))
        top, left = rng.integers(0, 64, 2)
        noise = grain[rng.integers(0, 4), top : top + FRAME_SIZE, left : left + FRAME_SIZE]
        frame = frame * np.float32(motion.gain[index]) + noise
        yield np.clip(np.rint(frame), 0, 255).astype(np.uint8)


def _look_up(face: NDArray[np.uint8], backward: NDArray[np.float32], zoom: float) -> NDArray[np.float32]:
    """Sample `face` through the coarse backward map at frame size, with a camera of scale `zoom`."""
    import cv2
    import numpy as np

    size = face.shape[0]
    line = ((np.arange(FRAME_SIZE, dtype=np.float32) + 0.5) / FRAME_SIZE - 0.5) * size / zoom + size / 2 - 0.5
    coarse = (line - (STRIDE - 1) / 2) / STRIDE
    x, y = np.meshgrid(coarse, coarse)
    fine = cv2.remap(backward, x, y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    out = cv2.remap(face, fine[..., 0], fine[..., 1], cv2.INTER_CUBIC, borderMode=cv2.BORDER_REFLECT_101)
    return np.asarray(out, dtype=np.float32)
