from __future__ import annotations

import numpy as np
import pytest

from bench_lipsync.harness.errors import ClipError
from bench_lipsync.metrics.distribution import kid
from bench_lipsync.metrics.distribution.fid import FidAccumulator, FidScorer
from bench_lipsync.metrics.distribution.kid import INFO, kernel_distance


def sides(n: int = 60, m: int = 60, d: int = 24, shift: float = 0.3) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(n + m)
    x, y = rng.gamma(0.5, size=(n, d)), rng.gamma(0.5, size=(m, d)) + shift
    return x.astype(np.float32), y.astype(np.float32)


def by_definition(x: np.ndarray, y: np.ndarray) -> float:
    """The unbiased estimate, pair by pair."""

    def k(a: np.ndarray, b: np.ndarray) -> float:
        return float((a.astype(np.float64) @ b.astype(np.float64) / len(a) + 1) ** 3)

    n, m = len(x), len(y)
    within_x = sum(k(x[i], x[j]) for i in range(n) for j in range(n) if i != j) / (n * (n - 1))
    within_y = sum(k(y[i], y[j]) for i in range(m) for j in range(m) if i != j) / (m * (m - 1))
    between = sum(k(a, b) for a in x for b in y) / (n * m)
    return within_x + within_y - 2 * between


def test_equals_the_definition() -> None:
    x, y = sides(20, 20, 8)
    assert kernel_distance([x], [y]).mean == pytest.approx(by_definition(x, y), rel=1e-6)


@pytest.mark.parametrize("rows", [10_000, 0])
def test_equals_torch_fidelity(monkeypatch: pytest.MonkeyPatch, rows: int) -> None:
    reference = pytest.importorskip("torch_fidelity.metric_kid")
    import torch

    monkeypatch.setattr(kid, "_GRAM_ROWS", rows)
    x, y = sides(150, 130)
    expected = reference.kid_features_to_metric(
        torch.from_numpy(x), torch.from_numpy(y), kid_subsets=12, kid_subset_size=100, verbose=False
    )
    ours = kernel_distance([x[:40], x[40:]], [y], 12, 100)
    assert ours.mean == pytest.approx(expected["kernel_inception_distance_mean"], rel=1e-5)
    assert ours.deviation == pytest.approx(expected["kernel_inception_distance_std"], rel=1e-4)


def test_both_ways_of_computing_agree(monkeypatch: pytest.MonkeyPatch) -> None:
    x, y = sides(150, 130)
    of_all_pairs = kernel_distance([x], [y], 7, 50)
    monkeypatch.setattr(kid, "_GRAM_ROWS", 0)
    assert kernel_distance([x], [y], 7, 50) == pytest.approx(of_all_pairs, rel=1e-6)
    monkeypatch.setattr(kid, "_BLOCK", 13)
    assert kernel_distance([x], [y], 7, 50) == pytest.approx(of_all_pairs, rel=1e-6)


def test_unbiased_where_fid_is_not() -> None:
    # Two draws of one distribution: around 0, whatever the number of frames.
    rng = np.random.default_rng(0)
    values = [
        kernel_distance(list(rng.normal(size=(1, 12, 64)).astype(np.float32)), [rng.normal(size=(12, 64))]).mean
        for _ in range(300)
    ]
    assert abs(np.mean(values)) < 3 * np.std(values) / np.sqrt(len(values))
    assert min(values) < 0 < max(values)


def test_grows_with_the_difference_and_does_not_see_the_parts() -> None:
    values = [kernel_distance([sides(shift=s)[0]], [sides(shift=s)[1]]).mean for s in (0.0, 0.1, 0.2, 0.4)]
    assert values == sorted(values) and values[-1] > 10 * abs(values[0])
    x, y = sides()
    assert kernel_distance(np.array_split(x, 5), np.array_split(y, 3)) == kernel_distance([x], [y])


def test_a_subset_is_never_larger_than_a_side() -> None:
    x, y = sides(40, 25)
    ours = kernel_distance([x], [y], 200)
    assert ours.mean == pytest.approx(by_definition(x, y), rel=0.05) and ours.deviation > 0
    assert kernel_distance([x], [x]).deviation == 0


def test_the_fid_scorer_gives_both_from_the_same_features() -> None:
    scorer = FidScorer.__new__(FidScorer)  # No network is needed to pool.
    assert [info.name for info in FidScorer.describe()] == ["FID", "KID"]
    assert [info.column for info in scorer.metrics] == ["FID[inception-2015-12-05]", "KID[inception-2015-12-05]"]
    x, y = sides(30, 30)
    assert scorer.pool([x], [y])[INFO.column] == kernel_distance([x], [y]).mean
    accumulator, frames = (
        FidAccumulator(lambda frames: np.ones((len(frames), 2048), np.float32)),
        np.zeros((3, 8, 8, 3)),
    )
    accumulator.update(frames.astype(np.uint8), frames.astype(np.uint8))
    features = accumulator.compute(np.zeros(0, np.int16)).features
    assert features["FID[inception-2015-12-05]"] is features["KID[inception-2015-12-05]"]


def test_too_few_frames_are_said() -> None:
    x, y = sides(1, 30)
    with pytest.raises(ValueError, match="at least 2 frames a side, there are 1 and 30"):
        kernel_distance([x], [y])
    with pytest.raises(ClipError, match="at least 2 frames"):
        FidScorer.__new__(FidScorer).pool([x], [y])
