"""Do 95% intervals hold the truth 95 times of 100, and do tests find a difference that is none 5 times of 100?

`python benchmarks/accuracy/statistics_simulation.py [--studies 1000]` makes up studies whose truth is known and counts;
what it gave is in docs/statistics.md. The standard error of a share near 95% over 1,000 studies is 0.7 points.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from bench_lipsync.harness.statistics.cluster_sums import ClusterSums, from_clips, from_left_out
from bench_lipsync.harness.statistics.intervals import asinh_interval, interval
from bench_lipsync.harness.statistics.paired import ALPHA, holm, paired_p
from bench_lipsync.metrics.distribution.frechet import frechet_distance
from bench_lipsync.metrics.distribution.kid import kernel_distance

Array = NDArray[np.float64]
Distance = Callable[[list[Array], list[Array]], float]

EFFECTS: dict[str, Callable[[np.random.Generator, int], Array]] = {
    "normal": lambda rng, n: rng.normal(size=n),
    "skewed": lambda rng, n: (rng.gamma(4, size=n) - 4) / 2,
    "heavy tails": lambda rng, n: rng.standard_t(4, n) / np.sqrt(2),
}
"""How people, and clips of a person, differ: mean 0, variance 1; the skewed one has skewness 1."""
CLIPS: dict[str, Callable[[np.random.Generator, int], NDArray[np.int64]]] = {
    "1": lambda rng, people: np.ones(people, np.int64),
    "1 to 8": lambda rng, people: rng.integers(1, 9, people),
    "very uneven": lambda rng, people: np.minimum(rng.geometric(0.15, people), 40),
}
"""Clips of each person."""
DISTANCES: dict[str, Distance] = {
    "FID": frechet_distance,  # type: ignore[dict-item]
    "KID": lambda made, real: kernel_distance(made, real).mean,  # type: ignore[arg-type]
}


def clip_study(rng: np.random.Generator, people: int, clips: str, effects: str) -> ClusterSums:
    """A clip metric whose true mean is 0; half of the variance is between people."""
    counts = CLIPS[clips](rng, people)
    values = np.repeat(EFFECTS[effects](rng, people), counts) + EFFECTS[effects](rng, int(counts.sum()))
    return from_clips(list(values), [f"p{i:03d}" for i, count in enumerate(counts) for _ in range(count)])


def clip_intervals(studies: int) -> None:
    """Coverage of the mean's interval."""
    print(
        "\n## Intervals of clip metrics: share that holds the true mean\n\npeople | clips each | " + " | ".join(EFFECTS)
    )
    for people in (5, 8, 20):
        for clips in CLIPS:
            rng = np.random.default_rng(people)
            shares = []
            for effects in EFFECTS:
                found = [interval(clip_study(rng, people, clips, effects)) for _ in range(studies)]
                some = [ends for ends in found if ends is not None]
                shares.append(np.mean([ends.low <= 0 <= ends.high for ends in some]))
            print(f"{people} | {clips} | " + " | ".join(f"{share:.1%}" for share in shares), flush=True)


def clip_tests(studies: int) -> None:
    """False positives of the paired test, and of any of ten correlated metrics after Holm."""
    print("\n## Paired test of two equal models: share of p < 0.05\n\npeople | clips each | " + " | ".join(EFFECTS))
    for people in (5, 8, 20):
        for clips in CLIPS:
            rng = np.random.default_rng(100 + people)
            shares = []
            for effects in EFFECTS:
                found = [_null_p(rng, people, clips, effects) for _ in range(studies)]
                shares.append(np.mean([p <= ALPHA for p in found if p is not None]))
            print(f"{people} | {clips} | " + " | ".join(f"{share:.1%}" for share in shares), flush=True)
    rng = np.random.default_rng(7)
    wrong = [min(holm(_family(rng, 10, 10))) <= ALPHA for _ in range(studies)]
    print(
        f"\nafter Holm, any of 10 metrics that share half their variance, 10 people: {np.mean(wrong):.1%}", flush=True
    )


def _null_p(rng: np.random.Generator, people: int, clips: str, effects: str) -> float | None:
    """Two models with the same law: each clip's pair may as well be swapped."""
    counts = CLIPS[clips](rng, people)
    names = [f"p{i:03d}" for i, count in enumerate(counts) for _ in range(count)]
    one, two = (np.repeat(EFFECTS[effects](rng, people), counts) + EFFECTS[effects](rng, len(names)) for _ in range(2))
    return paired_p(from_clips(list(one), names), from_clips(list(two), names))


def _family(rng: np.random.Generator, people: int, tests: int) -> list[float]:
    shared = rng.normal(size=people)
    found = []
    for _ in range(tests):
        gap = shared + rng.normal(size=people)
        names = [str(i) for i in range(people)]
        p = paired_p(from_clips(list(gap), names), from_clips([0.0] * people, names))
        found.append(1.0 if p is None else p)
    return found


class SetStudy:
    """Features of people under a model: each person is met by the model with a severity of their own.

    `strength` is how much a model changes in the middle: 1 is far from the truth, 0.2 so near that KID is around zero.
    """

    def __init__(
        self,
        rng: np.random.Generator,
        people: int,
        dimensions: int,
        frames: int,
        *,
        severity: float,
        strength: float = 1.0,
    ) -> None:
        scale = np.exp(-np.arange(dimensions) / (dimensions / 4))
        self.counts = {f"p{i:03d}": int(count) for i, count in enumerate(rng.integers(1, 5, people))}
        self.truth: list[Array] = []
        self.models: tuple[list[Array], list[Array]] = ([], [])
        for count in self.counts.values():
            centre = rng.normal(size=dimensions) * scale
            clips = centre + 0.4 * rng.normal(size=(count, 1, dimensions)) * scale
            real = clips + 0.5 * rng.normal(size=(count, frames, dimensions)) * scale
            self.truth.append(real.reshape(-1, dimensions))
            for model in self.models:
                how = strength * np.exp(severity * rng.normal())
                shift = 0.3 * how * (1 + 0.5 * rng.normal(size=dimensions))
                noise = 0.25 * how * rng.normal(size=real.shape)
                model.append((real + (shift + noise) * scale).reshape(-1, dimensions))

    def people(self, model: int, distance: Distance, log: bool) -> ClusterSums:
        """What each person adds to the model's distance."""
        made, real = self.models[model], self.truth
        names = list(self.counts)
        without = {n: distance(made[:i] + made[i + 1 :], real[:i] + real[i + 1 :]) for i, n in enumerate(names)}
        value = distance(made, real)
        if log:
            return from_left_out(float(np.log(value)), {n: float(np.log(v)) for n, v in without.items()}, self.counts)
        return from_left_out(value, without, self.counts)


def set_metrics(studies: int) -> None:
    """Coverage of the expected value at the study's size, and false positives between two equal models."""
    print("\n## Set metrics\n\nmetric | people | dimensions | frames a clip | severity | strength | holds | p < 0.05")
    for severity, strength in ((0.2, 1.0), (0.4, 1.0), (0.4, 0.2)):
        for name, people, dimensions, frames in (
            ("FID", 8, 8, 30),
            ("FID", 8, 64, 8),
            ("FID", 12, 8, 30),
            ("FID", 12, 64, 8),
            ("KID", 8, 8, 8),
            ("KID", 12, 8, 8),
        ):
            if name == "KID" or strength == 1.0:
                rng = np.random.default_rng(people + dimensions)
                made = [
                    SetStudy(rng, people, dimensions, frames, severity=severity, strength=strength)
                    for _ in range(studies)
                ]
                shares = " | ".join(f"{share:.1%}" for share in set_shares(made, name))
                print(f"{name} | {people} | {dimensions} | {frames} | {severity} | {strength} | {shares}", flush=True)


def set_shares(studies: list[SetStudy], name: str) -> tuple[float, float]:
    """Share of intervals that hold the expected value, and of equal models that seem to differ."""
    log = name == "FID"
    pairs = [[study.people(model, DISTANCES[name], log) for model in range(2)] for study in studies]
    expected = np.mean([np.exp(one.value) if log else one.value for one, _ in pairs])
    target = float(np.log(expected)) if log else float(expected)
    ends = [found for one, _ in pairs if (found := (interval if log else asinh_interval)(one)) is not None]
    p_values = [p for one, two in pairs if (p := paired_p(one, two)) is not None]
    held = np.mean([low <= target <= high for low, high in ends])
    return float(held), float(np.mean([p <= ALPHA for p in p_values]))


def main() -> None:
    """Run all parts."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--studies", type=int, default=1000)
    parser.add_argument("--parts", default="intervals,tests,sets", help="which, separated by commas")
    options = parser.parse_args()
    parts = {"intervals": clip_intervals, "tests": clip_tests, "sets": set_metrics}
    for part in options.parts.split(","):
        parts[part](options.studies)


if __name__ == "__main__":
    main()
