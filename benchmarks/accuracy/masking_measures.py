"""What is measured of a clip's masks: coverage, what the area tells of the lips, motion with the head, steadiness."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter1d

from bench_lipsync.harness.api.clip import PreparedClip
from bench_lipsync.harness.faces.landmark_indices import OUTER_LIPS
from bench_lipsync.models.stylelipsync.mask.mask import SIZE, keep_planes
from bench_lipsync.models.stylelipsync.mask.mesh import UPPER_FACE, in_drawing, lip_opening
from bench_lipsync.models.stylelipsync.mask.predictor import find_face

Series = NDArray[np.float64]

CHIN = (152, 148, 377, 176, 400, 149, 378, 150, 379)
COVERED = 0.05
"""A point is covered where less than this part of the frame is kept."""
_SYLLABLES = 5.0  # frames; standard deviation of the low-pass whose rest is "fast"


@dataclass(frozen=True)
class MaskSeries:
    """One clip under one kind of mask, frame by frame."""

    clip: str
    opening: Series
    """(T,) distance of the inner lips, in distances of the outer eye corners."""
    yaw: Series
    """(T,) degrees."""
    area: Series
    """(T,) share of the frame that is hidden."""
    worst: Series
    """(T,) largest kept part under any point of the outer lips and the chin, true mouth."""
    edge: Series
    """(T - 1,) pixels of 256 that the edge moves on average beside the motion of the upper face in the picture."""


def measure(clip: PreparedClip, kinds: Sequence[str], mesh: str = "mediapipe") -> dict[str, MaskSeries]:
    """Everything about `clip` for each of `kinds` of masks."""
    points = in_drawing(clip.faces.landmarks, clip.size, SIZE)
    face = find_face(clip, mesh)
    motions = picture_motion(clip, points)
    result = {}
    for kind in kinds:
        keep = keep_planes(face, kind, clip.frames)
        result[kind] = MaskSeries(
            clip=clip.id,
            opening=lip_opening(clip.faces.landmarks),
            yaw=clip.faces.yaw_degrees().astype(np.float64),
            area=(1.0 - keep).mean(axis=(1, 2), dtype=np.float64),
            worst=kept_under(keep, points[:, [*OUTER_LIPS, *CHIN], :2]),
            edge=edge_motion(keep, motions),
        )
    return result


def kept_under(keep: NDArray[np.float32], points: NDArray[np.float32]) -> Series:
    """The largest value of `keep` (T, 256, 256) under any of a frame's `points` (T, n, 2), (T,); outside it is 0."""
    columns, rows = np.moveaxis(points.round().astype(int), -1, 0)
    inside = (columns >= 0) & (rows >= 0) & (columns < SIZE) & (rows < SIZE)
    found = keep[np.arange(len(keep))[:, None], rows.clip(0, SIZE - 1), columns.clip(0, SIZE - 1)]
    worst: Series = np.where(inside, found, 0.0).max(axis=1).astype(np.float64)
    return worst


def picture_motion(clip: PreparedClip, points: NDArray[np.float32]) -> list[NDArray[np.float64] | None]:
    """Similarity (2, 3) of each frame to the next one (T - 1), by optical flow in the upper face; None where it fails.

    The tracker is not asked: it is among what is judged.
    """
    motions: list[NDArray[np.float64] | None] = []
    before: NDArray[np.uint8] | None = None
    done = 0
    for chunk in clip.read_frames():
        for frame in chunk:
            grey = cv2.cvtColor(cv2.resize(frame, (SIZE, SIZE), interpolation=cv2.INTER_AREA), cv2.COLOR_RGB2GRAY)
            if before is not None:
                motions.append(_flow(before, grey, points[done - 1, list(UPPER_FACE), :2]))
            before, done = grey, done + 1
    return motions


def _flow(
    before: NDArray[np.uint8], after: NDArray[np.uint8], rigid: NDArray[np.float32]
) -> NDArray[np.float64] | None:
    region = np.zeros_like(before)
    cv2.fillConvexPoly(region, cv2.convexHull(rigid.round().astype(np.int32)), 255)
    corners = cv2.goodFeaturesToTrack(before, 60, 0.01, 4, mask=region)
    if corners is None or len(corners) < 8:
        return None
    moved, found, _ = cv2.calcOpticalFlowPyrLK(before, after, corners, None)
    good = found.ravel() == 1
    if good.sum() < 8:
        return None
    motion, _ = cv2.estimateAffinePartial2D(corners[good], moved[good], ransacReprojThreshold=1.0)
    return motion


def edge_motion(keep: NDArray[np.float32], motions: Sequence[NDArray[np.float64] | None]) -> Series:
    """How far the edge of `keep` (T, 256, 256) moves beside `motions`, (T - 1,) pixels; NaN where there is no motion.

    An edge that moves by d changes the plane by d for each pixel of its length.
    """
    moved = np.full(len(motions), np.nan)
    for index, motion in enumerate(motions):
        if motion is None:
            continue
        warped = cv2.warpAffine(keep[index], motion, (SIZE, SIZE), borderMode=cv2.BORDER_REPLICATE)
        outline, _ = cv2.findContours((keep[index] < 0.5).astype(np.uint8), cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
        length = sum(cv2.arcLength(line, True) for line in outline)
        moved[index] = np.abs(keep[index + 1] - warped).sum() / length
    return moved


def fast(values: Series) -> Series:
    """The part of `values` (T,) at the rate of syllables."""
    rest: Series = values - gaussian_filter1d(values, _SYLLABLES, mode="nearest")
    return rest


def correlation(first: Series, second: Series) -> float:
    """Pearson's r; 0 where one of the two does not change at all."""
    a, b = first - first.mean(), second - second.mean()
    energy = float(np.sqrt((a @ a) * (b @ b)))
    return float(a @ b) / energy if energy > 1e-12 else 0.0


def pooled(pairs: Sequence[tuple[Series, Series]]) -> float:
    """r over all clips' frames, each clip at mean 0 and deviation 1."""
    left, right = ([_standard(pair[side]) for pair in pairs] for side in (0, 1))
    return correlation(np.concatenate(left), np.concatenate(right))


def chance(
    pairs: Sequence[tuple[Series, Series]], of: Callable[[Sequence[tuple[Series, Series]]], float], rounds: int = 200
) -> tuple[float, float]:
    """The middle 95 % of a statistic when each clip's opening meets another clip's area: real signals, no secret."""
    rng = np.random.default_rng(0)
    found = []
    for _ in range(rounds):
        order = rng.permutation(len(pairs))
        mixed = []
        for mine, other in zip(order, np.roll(order, 1), strict=True):
            length = min(len(pairs[mine][0]), len(pairs[other][1]))
            mixed.append((pairs[mine][0][:length], pairs[other][1][:length]))
        found.append(of(mixed))
    low, high = np.quantile(found, [0.025, 0.975])
    return float(low), float(high)


def _standard(values: Series) -> Series:
    centred = values - values.mean()
    spread = float(centred.std())
    result: Series = centred / spread if spread > 1e-12 else np.zeros_like(centred)
    return result
