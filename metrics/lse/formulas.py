"""LSE-C, LSE-D and the audio-visual offset from embeddings: pure functions of arrays.

Definition: Chung & Zisserman's SyncNet evaluation as Prajwal et al. (Wav2Lip, 2020) use it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, NamedTuple

import numpy as np

from bench_lipsync.harness.errors import ClipError, Status

if TYPE_CHECKING:
    from numpy.typing import NDArray

VSHIFT = 15
"""Largest shift tried, in frames, to either side."""
_EPS = 1e-6  # torch.nn.functional.pairwise_distance adds it to every difference; the published numbers include it

Edges = Literal["zeros", "pairs"]
"""What stands beyond the ends of the audio: `zeros`, zero vectors (as published); `pairs`, nothing: the mean of a
shift is taken over the windows that have a partner."""


class SyncReading(NamedTuple):
    """Reading of a sync network for one clip."""

    confidence: float
    """LSE-C: median minus minimum of the mean distance over the shifts; higher is better."""
    distance: float
    """LSE-D: smallest mean distance over the shifts; lower is better."""
    offset: int
    """Frames: 15 minus the index of the smallest mean distance. Positive: the audio comes too early."""
    mean_distance: NDArray[np.float32]
    """(31,) mean distance per shift; index k pairs lip window i with audio window i + k - 15."""
    frame_confidence: NDArray[np.float32]
    """(windows,) the median of `mean_distance` minus each window's own distance at the best shift."""


def shift_distances(
    lips: NDArray[np.float32], audio: NDArray[np.float32], vshift: int = VSHIFT, edges: Edges = "zeros"
) -> NDArray[np.float32]:
    """(N, 2*vshift+1) Euclidean distances d[i, k] between lip window i and audio window i + k - vshift.

    `lips` and `audio` are (N, D). Beyond the ends of `audio` there are zero vectors, or NaN distances with
    `edges="pairs"`. Zero vectors are what was published; they are far from embeddings of length 20 but at distance 1
    from unit vectors, nearer than unrelated ones (1.41), so that a network with unit vectors must not use them.
    """
    if lips.shape != audio.shape or lips.ndim != 2:
        raise ValueError(f"lips {lips.shape} and audio {audio.shape} must both be (windows, dimensions)")
    count = len(lips)
    padded = np.pad(audio, ((vshift, vshift), (0, 0)))
    distances = np.empty((count, 2 * vshift + 1), np.float32)
    for k in range(2 * vshift + 1):
        difference = lips - padded[k : k + count] + np.float32(_EPS)
        distances[:, k] = np.sqrt(np.einsum("nd,nd->n", difference, difference))
    if edges == "pairs":
        partner = np.arange(count)[:, None] + np.arange(-vshift, vshift + 1)[None]
        distances[(partner < 0) | (partner >= count)] = np.nan
    return distances


def read_sync(
    lips: NDArray[np.float32],
    audio: NDArray[np.float32],
    vshift: int = VSHIFT,
    edges: Edges = "zeros",
    min_pairs: int = 1,
) -> SyncReading:
    """The reading of one clip from its (N, D) embeddings.

    Raises `ClipError` (`too_short`) without a window, and with `edges="pairs"` when the largest shift leaves fewer than
    `min_pairs` windows with a partner.
    """
    needed = 1 if edges == "zeros" else vshift + min_pairs
    if len(lips) < needed:
        raise ClipError(
            Status.TOO_SHORT,
            f"{len(lips)} windows of five frames, the sync score needs {needed} (a clip of {needed + 5} frames)",
        )
    distances = shift_distances(lips, audio, vshift, edges)
    mean = np.nanmean(distances, axis=0).astype(np.float32)
    best = int(mean.argmin())
    median = np.median(mean)
    own = np.where(np.isnan(distances[:, best]), mean[best], distances[:, best])
    return SyncReading(
        confidence=float(median - mean[best]),
        distance=float(mean[best]),
        offset=vshift - best,
        mean_distance=mean,
        frame_confidence=(median - own).astype(np.float32),
    )


def window_count(frames: int, samples: int) -> int:
    """Windows that the published code scores: `min(frames, samples // 640) - 5`, one fewer than would fit; >= 0."""
    return max(0, min(frames, samples // 640) - 5)
