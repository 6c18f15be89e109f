"""LSE from embeddings: planted offsets, edges, equality with torch, short clips."""

from __future__ import annotations

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st

from bench_lipsync.harness.errors import ClipError, Status
from bench_lipsync.metrics.lse.formulas import VSHIFT, read_sync, shift_distances, window_count


def embeddings(count: int, dimensions: int = 16, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).standard_normal((count, dimensions)).astype(np.float32) * 5


@pytest.mark.parametrize("offset", [-15, -4, 0, 3, 15])
@pytest.mark.parametrize("edges", ["zeros", "pairs"])
def test_planted_offset_is_read(offset: int, edges: str) -> None:
    """An offset of +k means that the sound comes k frames early: window i of the lips belongs to i - k of the sound."""
    track = embeddings(160)
    lips = track[30:130]
    audio = track[30 + offset : 130 + offset]
    reading = read_sync(lips, audio, edges=edges)  # type: ignore[arg-type]
    assert reading.offset == offset
    assert reading.confidence > 1
    if offset == 0:
        assert reading.distance == pytest.approx(0, abs=1e-4)


def test_equals_pairwise_distance() -> None:
    """The published code pads with zero rows and calls `pairwise_distance`, which adds 1e-6 to each difference."""
    lips, audio = embeddings(40, seed=1), embeddings(40, seed=2)
    padded = F.pad(torch.from_numpy(audio), (0, 0, VSHIFT, VSHIFT))
    wide = torch.from_numpy(lips)
    expected = torch.stack(
        [F.pairwise_distance(wide[i].expand(31, -1), padded[i : i + 31]) for i in range(len(lips))]
    ).numpy()
    np.testing.assert_allclose(shift_distances(lips, audio), expected, rtol=1e-5)
    mean = torch.from_numpy(expected).mean(0)
    reading = read_sync(lips, audio)
    assert reading.distance == pytest.approx(float(mean.min()), rel=1e-5)
    assert reading.confidence == pytest.approx(float(mean.median() - mean.min()), rel=1e-3)
    assert reading.offset == VSHIFT - int(mean.argmin())


def test_edges_are_zero_vectors() -> None:
    lips, audio = embeddings(20), embeddings(20, seed=3)
    distances = shift_distances(lips, audio)
    norms = np.linalg.norm(lips, axis=1)
    for k in range(31):
        for i in range(20):
            if not 0 <= i + k - 15 < 20:
                assert distances[i, k] == pytest.approx(norms[i], rel=1e-4)


def test_edges_without_partner_do_not_count() -> None:
    lips, audio = embeddings(20), embeddings(20, seed=3)
    distances = shift_distances(lips, audio, edges="pairs")
    assert np.isnan(distances).sum() == 2 * sum(range(1, 16))
    reading = read_sync(lips, audio, edges="pairs", min_pairs=5)
    assert np.isfinite(reading.mean_distance).all()
    assert np.isfinite(reading.frame_confidence).all()


def test_frame_confidence_averages_to_the_confidence() -> None:
    reading = read_sync(embeddings(50), embeddings(50, seed=1))
    assert reading.frame_confidence.mean() == pytest.approx(reading.confidence, abs=1e-4)


def test_short_clips() -> None:
    none = np.empty((0, 8), np.float32)
    with pytest.raises(ClipError, match="0 windows") as caught:
        read_sync(none, none)
    assert caught.value.status is Status.TOO_SHORT
    with pytest.raises(ClipError, match="needs 20"):
        read_sync(embeddings(19), embeddings(19), edges="pairs", min_pairs=5)
    assert read_sync(embeddings(1), embeddings(1)).offset == 0


def test_mismatched_embeddings_are_a_mistake() -> None:
    with pytest.raises(ValueError, match=r"\(5, 16\)"):
        shift_distances(embeddings(5), embeddings(6))


@pytest.mark.parametrize(
    ("frames", "samples", "windows"),
    [(40, 25_600, 35), (40, 25_599, 34), (39, 25_600, 34), (4, 9_999, 0), (5, 3_200, 0)],
)
def test_window_count(frames: int, samples: int, windows: int) -> None:
    assert window_count(frames, samples) == windows


@settings(max_examples=40, deadline=None)
@given(count=st.integers(20, 60), seed=st.integers(0, 99), scale=st.floats(0.1, 10))
def test_scale_and_order(count: int, seed: int, scale: float) -> None:
    """Distances scale with the embeddings; confidence is never negative; the two edges agree where both are defined."""
    lips, audio = embeddings(count, seed=seed), embeddings(count, seed=seed + 100)
    one, other = read_sync(lips, audio), read_sync(lips * np.float32(scale), audio * np.float32(scale))
    assert one.confidence >= 0
    assert one.distance > 0
    assert other.distance == pytest.approx(one.distance * scale, rel=1e-3)
    zeros, pairs = shift_distances(lips, audio), shift_distances(lips, audio, edges="pairs")
    defined = ~np.isnan(pairs)
    np.testing.assert_array_equal(zeros[defined], pairs[defined])
