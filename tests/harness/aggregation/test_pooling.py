"""Set metrics over groups of people: leaving out, bundling, storing, notes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from bench_lipsync.harness.aggregation.measurements import Measurements
from bench_lipsync.harness.aggregation.pooling import MAX_GROUPS, Side, group_people, pool, scale_of
from bench_lipsync.harness.aggregation.rows import metric_rows
from bench_lipsync.harness.api.clip import PreparedClip
from bench_lipsync.harness.api.metric import ClipAccumulator, MetricInfo
from bench_lipsync.harness.errors import ClipError, Status
from bench_lipsync.harness.results.model_run import ModelRun
from bench_lipsync.harness.scoring.score import ClipResult
from bench_lipsync.harness.scoring.score_files import FEATURES_FILE, load_features, save_features
from bench_lipsync.harness.scoring.scorers import LoadedScorer, ScorerSet
from bench_lipsync.harness.statistics.intervals import interval
from bench_lipsync.harness.store.store import Store


def _info(name: str, low: float | None) -> MetricInfo:
    return MetricInfo(name, "v", "lower", "", (low, None), "set", frozenset(), f"{name}|v1")


SHIFT, SIGNED = _info("Shift", 0.0), _info("Signed", None)


class MeanShift:
    """Distance of the means, and the signed shift of the first dimension: known by hand without any person."""

    metrics = (SHIFT, SIGNED)

    def __init__(self) -> None:
        self.calls = 0

    @staticmethod
    def describe() -> tuple[MetricInfo, ...]:
        return MeanShift.metrics

    def open(self, clip: PreparedClip) -> ClipAccumulator:
        raise NotImplementedError

    def pool(self, output: Sequence[NDArray[np.float32]], truth: Sequence[NDArray[np.float32]]) -> dict[str, float]:
        self.calls += 1
        gap = np.concatenate(output).mean(0) - np.concatenate(truth).mean(0)
        if not np.isfinite(gap).all():
            raise ClipError(Status.METRIC_FAILED, "features are not finite")
        return {SHIFT.column: float(np.linalg.norm(gap)), SIGNED.column: float(gap[0])}


class World:
    """Stored features of 7 people, two clips each, 10 samples of 4 dimensions a clip."""

    def __init__(self, root: Path) -> None:
        rng = np.random.default_rng(0)
        self.store = Store(root / "store")
        self.scorer = MeanShift()
        self.loaded = LoadedScorer("shift", self.scorer, self.scorer.metrics)
        self.identities = {f"c{i:02d}": f"person {i // 2}" for i in range(14)}
        self.truth, self.output = {}, {}
        for clip in self.identities:
            real = rng.normal(size=(10, 4)).astype(np.float32)
            self.truth[clip] = self._save(f"truth-{clip}", real)
            self.output[clip] = self._save(f"output-{clip}", real + rng.gamma(2, size=4).astype(np.float32))

    def _save(self, name: str, features: NDArray[np.float32]) -> Path:
        def build(folder: Path) -> None:
            save_features(folder / FEATURES_FILE, {SHIFT.column: features})

        return self.store.make("score", {"name": name}, build).path / FEATURES_FILE


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path)


def test_values_and_parts_are_those_of_the_remaining_clips(world: World) -> None:
    found = pool(world.loaded, Side(world.output), Side(world.truth), world.identities, world.store)
    load = {
        side: {c: load_features(p, SHIFT.column) for c, p in getattr(world, side).items()}
        for side in ("output", "truth")
    }
    gaps = {clip: (load["output"][clip] - load["truth"][clip]).mean(0) for clip in world.identities}
    assert found.values[SIGNED.column] == pytest.approx(np.mean([gap[0] for gap in gaps.values()]), rel=1e-5)
    kept = [gap for clip, gap in gaps.items() if world.identities[clip] != "person 3"]
    assert found.without["person 3"][SHIFT.column] == pytest.approx(np.linalg.norm(np.mean(kept, axis=0)), rel=1e-5)
    assert found.clips == dict.fromkeys(sorted(set(world.identities.values())), 2)
    people = found.clusters(SHIFT)
    assert people is not None and np.exp(people.value) == pytest.approx(found.values[SHIFT.column])
    ends = interval(people)
    assert ends is not None and ends.low < np.log(found.values[SHIFT.column]) < ends.high


def test_it_is_computed_once(world: World) -> None:
    first = pool(world.loaded, Side(world.output), Side(world.truth), world.identities, world.store)
    assert world.scorer.calls == 8, "the value, and one without each of 7 people"
    assert pool(world.loaded, Side(world.output), Side(world.truth), world.identities, world.store) == first
    assert world.scorer.calls == 8
    fewer = Side(world.output).only(set(list(world.identities)[:13]))
    assert pool(world.loaded, fewer, Side(world.truth).only(set(fewer.files)), world.identities, world.store) != first


def test_the_truth_against_itself_costs_one_value_and_has_no_spread(world: World) -> None:
    found = pool(world.loaded, Side(world.truth), Side(world.truth), world.identities, world.store)
    assert (found.values[SHIFT.column], found.without, world.scorer.calls) == (0.0, {}, 1)
    assert found.clusters(SHIFT) is None


def test_few_people_have_a_value_and_no_parts(world: World) -> None:
    some = set(list(world.identities)[:8])
    output, truth = Side(world.output).only(some), Side(world.truth).only(some)
    found = pool(world.loaded, output, truth, world.identities, world.store)
    assert found.values and found.without == {} and world.scorer.calls == 1


def test_a_scorer_that_cannot_says_why_and_is_not_asked_again(world: World) -> None:
    clip = next(iter(world.output))
    broken = world._save("broken", np.full((10, 4), np.nan, np.float32))
    output = Side({**world.output, clip: broken})
    for _ in range(2):
        with pytest.raises(ClipError, match="not finite"):
            pool(world.loaded, output, Side(world.truth), world.identities, world.store)
    assert world.scorer.calls == 1


def test_few_samples_are_warned_of_where_the_distance_is_biased_by_them(world: World) -> None:
    some = set(list(world.identities)[:8])
    found = pool(
        world.loaded, Side(world.output).only(some), Side(world.truth).only(some), world.identities, world.store
    )
    assert found.note(SHIFT) == ""
    small = type(found)(found.values, found.without, found.clips, samples=3, dimensions=4)
    assert "3 samples" in small.note(SHIFT) and "below 4" in small.note(SHIFT)
    assert small.note(SIGNED) == "", "an unbiased distance needs no warning"
    assert (scale_of(SHIFT), scale_of(SIGNED)) == ("log", "linear")


def test_many_people_are_bundled_evenly_and_always_alike() -> None:
    identities = {f"clip {i}": f"person {i % 50}" for i in range(170)}
    groups = group_people(identities)
    assert groups == group_people(dict(reversed(identities.items())))
    sizes = Counter(groups.values())
    assert len(sizes) == MAX_GROUPS and max(sizes.values()) - min(sizes.values()) <= 4
    bundle = {identities[clip]: group for clip, group in groups.items()}
    assert all(bundle[identities[clip]] == group for clip, group in groups.items()), "a person is never divided"
    few = {f"clip {i}": f"person {i % MAX_GROUPS}" for i in range(30)}
    assert group_people(few) == few


def _result(ref: str) -> ClipResult:
    return ClipResult(features={SIGNED.column: ref})


def test_a_set_metric_can_be_asked_for_without_its_scorers_first(world: World, tmp_path: Path) -> None:
    # Like KID without FID: the file has the features under the scorer's first metric, the run asks for the second.
    loaded = LoadedScorer("shift", world.scorer, (SIGNED,))
    runs = [
        ModelRun(name, {clip: _result(world.store.ref(path)) for clip, path in files.items()})
        for name, files in (("ground-truth", world.truth), ("model", world.output))
    ]
    clips = {clip: PreparedClip(clip, who, tmp_path, {}) for clip, who in world.identities.items()}
    rows = metric_rows(Measurements(runs, clips, ScorerSet((loaded,), ()), len(clips), 0, world.store))
    row = next(row for row in rows if row.model == "model")
    assert row.name == "Signed"
    assert row.value is not None and row.n_ok == len(clips)
