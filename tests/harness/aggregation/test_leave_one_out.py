"""Set metrics of more features than are loaded at once: the same values, each file read in parts, people in units."""

from __future__ import annotations

import tracemalloc
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from bench_lipsync.harness.aggregation import leave_one_out
from bench_lipsync.harness.aggregation.leave_one_out import MAX_UNITS, speaker_units, unit_sums
from bench_lipsync.harness.aggregation.pooling import Pooled, Side, group_people, pool
from bench_lipsync.harness.aggregation.stored_features import StoredFeatures
from bench_lipsync.harness.api.clip import PreparedClip
from bench_lipsync.harness.api.metric import ClipAccumulator, ManyFeatures
from bench_lipsync.harness.scoring.score_files import FEATURES_FILE, load_features, save_features
from bench_lipsync.harness.scoring.scorers import LoadedScorer
from bench_lipsync.harness.statistics.moments import FeatureMoments, moments
from bench_lipsync.harness.store.store import Store
from bench_lipsync.metrics.distribution.fid import INFO as FID
from bench_lipsync.metrics.distribution.fid import FidScorer
from bench_lipsync.metrics.distribution.frechet import frechet_distance, frechet_of_moments
from bench_lipsync.metrics.distribution.kid import INFO as KID
from bench_lipsync.metrics.distribution.kid import kernel_distance

DIMENSIONS = 24


class NoNetwork(FidScorer):
    """FID and KID of features that are there already."""

    def __init__(self) -> None:
        self.many = 0

    def open(self, clip: PreparedClip) -> ClipAccumulator:
        raise NotImplementedError

    def pool_many(self, output: ManyFeatures, truth: ManyFeatures) -> dict[str, float]:
        self.many += 1
        return super().pool_many(output, truth)


class Plain:
    """A scorer of somebody else, who never heard of sums."""

    metrics = (FID,)

    @staticmethod
    def describe() -> tuple[object, ...]:
        return (FID,)

    def open(self, clip: PreparedClip) -> ClipAccumulator:
        raise NotImplementedError

    def pool(self, output: Sequence[NDArray[np.float32]], truth: Sequence[NDArray[np.float32]]) -> dict[str, float]:
        return {FID.column: frechet_distance(output, truth)}


def save(folder: Path, features: NDArray[np.float32]) -> Path:
    folder.mkdir(parents=True)
    save_features(folder / FEATURES_FILE, {FID.column: features, KID.column: features})
    return folder / FEATURES_FILE


class World:
    """20 people with two or three clips of 30 to 60 frames; every third output stands still."""

    def __init__(self, root: Path) -> None:
        rng = np.random.default_rng(3)
        self.identities = {f"c{i:02d}": f"person {i % 20}" for i in range(53)}
        self.truth, self.output = {}, {}
        for place, clip in enumerate(self.identities):
            real = rng.normal(size=(int(rng.integers(30, 60)), DIMENSIONS)).astype(np.float32)
            made = np.repeat(real[:1], len(real), 0) if place % 3 == 0 else real + 0.3
            self.truth[clip] = save(root / f"truth-{clip}", real)
            self.output[clip] = save(root / f"output-{clip}", made.astype(np.float32))

    def pool(self, store: Store, scorer: object, without: str = "") -> Pooled:
        keep = {clip for clip in self.output if clip != without}
        loaded = LoadedScorer("x", scorer, scorer.metrics)  # type: ignore[arg-type, attr-defined]
        return pool(loaded, Side(self.output).only(keep), Side(self.truth).only(keep), self.identities, store)


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path)


def test_values_are_those_of_everything_in_memory(
    world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    small = world.pool(Store(tmp_path / "a"), NoNetwork())
    monkeypatch.setattr(leave_one_out, "IN_MEMORY", 1000)
    scorer = NoNetwork()
    large, plain = world.pool(Store(tmp_path / "b"), scorer), world.pool(Store(tmp_path / "c"), Plain())
    assert scorer.many == 13, "the value, and one without each of 12 groups"
    assert large.clips == small.clips == plain.clips and large.samples == small.samples
    for one, two in ((small.values, large.values), *((small.without[g], large.without[g]) for g in small.clips)):
        assert two[FID.column] == pytest.approx(one[FID.column], rel=1e-9)
        assert two[KID.column] == one[KID.column], "the same rows are drawn"
    assert plain.without["people-03"][FID.column] == pytest.approx(small.without["people-03"][FID.column], rel=1e-12)


def test_a_clip_more_or_less_costs_its_unit_again(
    world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(leave_one_out, "IN_MEMORY", 1000)
    store = Store(tmp_path / "s")
    world.pool(store, NoNetwork())
    entries = set((store.root / "moments").glob("*/*"))
    assert len(entries) == 2 * 20
    world.pool(store, NoNetwork(), without="c07")
    assert len(set((store.root / "moments").glob("*/*")) - entries) == 2


def test_many_people_share_units_and_groups_are_made_of_them() -> None:
    identities = {f"clip {i}": f"person {i % 500}" for i in range(1700)}
    units = speaker_units(set(identities.values()))
    assert len(set(units.values())) <= MAX_UNITS
    assert units == {**units, **speaker_units(set(list(units)[:400]))}, "who else is there changes nothing"
    groups = group_people(identities)
    group_of: dict[str, set[str]] = {}
    for clip, person in identities.items():
        group_of.setdefault(units[person], set()).add(groups[clip])
    assert all(len(found) == 1 for found in group_of.values())
    files = {clip: Path(clip) / FEATURES_FILE for clip in identities}
    assert sum(len(unit.files) for unit in unit_sums(files, "x", identities).values()) == 1700


def test_kernel_distance_reads_the_rows_that_it_draws(world: World) -> None:
    """By hand: the same choices out of one large array, beyond and below the size that is loaded."""
    files = list(world.truth.values())
    parts = [load_features(path, FID.column) for path in files] * 6
    other = [part[::-1] + np.float32(0.1) for part in parts]
    assert sum(map(len, parts)) * 2 > 10_000
    stored = StoredFeatures(files * 6, FID.column)
    assert kernel_distance(stored, other, 5, 200) == kernel_distance(parts, other, 5, 200)
    assert kernel_distance([np.concatenate(parts)], [np.concatenate(other)], 5, 200) == kernel_distance(
        parts, other, 5, 200
    )


def test_stored_features_are_mapped(world: World, tmp_path: Path) -> None:
    clip = next(iter(world.truth))
    expected = load_features(world.truth[clip], FID.column)
    for column in (FID.column, KID.column):
        stored = StoredFeatures([world.truth[clip]], column)
        assert isinstance(stored[0], np.memmap)
        np.testing.assert_array_equal(stored[0], expected)
        assert (stored.rows().tolist(), stored.dimensions, len(stored[:1])) == ([len(expected)], DIMENSIONS, 1)
    save_features(tmp_path / "empty", {FID.column: expected[:0]})
    empty = StoredFeatures([tmp_path / "empty"], FID.column)
    assert empty[0].shape == (0, DIMENSIONS) and empty.rows().tolist() == [0]


def test_moments_add_up_and_come_back(tmp_path: Path) -> None:
    rng = np.random.default_rng(1)
    parts = [rng.normal(size=(n, 8)).astype(np.float32) for n in (3, 2500, 1, 700)]
    whole, some = moments(parts, 8), moments(parts[:2], 8)
    rows = np.concatenate(parts).astype(np.float64)
    np.testing.assert_allclose(whole.products, rows.T @ rows, rtol=1e-12)
    np.testing.assert_allclose(whole.factor().T @ whole.factor(), np.cov(rows, rowvar=False), rtol=1e-9, atol=1e-12)
    rest = whole - some
    np.testing.assert_allclose((some + rest).products, whole.products, rtol=1e-12)
    assert (rest.count, whole.count) == (701, 3204)
    whole.save(tmp_path / "m.safetensors")
    back = FeatureMoments.load(tmp_path / "m.safetensors")
    np.testing.assert_array_equal(back.products, whole.products)
    assert back.count == whole.count


def test_distances_of_still_and_few_frames(tmp_path: Path) -> None:
    """Where covariances have not full rank, rounding must not count as spread."""
    rng = np.random.default_rng(5)
    still = [np.repeat(rng.normal(size=(1, 96)), 30, 0).astype(np.float32) for _ in range(40)]
    moving = [(rng.normal(size=(30, 96)) * rng.uniform(0, 1, 96)).astype(np.float32) for _ in range(40)]
    for one, two in ((still, moving), (still, still[:20]), (moving, still), (moving, moving)):
        exact = frechet_distance(one, two)
        assert frechet_of_moments(moments(one, 96), moments(two, 96)) == pytest.approx(exact, rel=1e-9, abs=1e-9)


def test_memory_does_not_grow_with_the_rows(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    files = [save(tmp_path / f"{n}", rng.normal(size=(500, 64)).astype(np.float32)) for n in range(40)]
    peak = {}
    for clips in (10, 40):
        tracemalloc.start()
        moments(StoredFeatures(files[:clips], FID.column), 64)
        peak[clips] = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
    assert peak[40] < 1.1 * peak[10]
