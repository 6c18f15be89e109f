"""Scores of a study: opinion scores and preferences with intervals over raters, and their agreement.

The unit is the rater, because answers of one rater are not independent. Intervals and tests are those of the results
table (`harness.statistics.intervals`, `harness.statistics.paired`) and generalise to other raters of the same videos.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import combinations
from pathlib import Path
from typing import NamedTuple

import numpy as np

from bench_lipsync.harness.errors import BenchError
from bench_lipsync.harness.statistics.cluster_sums import ClusterSums, from_clips
from bench_lipsync.harness.statistics.intervals import interval
from bench_lipsync.harness.statistics.paired import holm, paired_p
from bench_lipsync.reports.study.answers import Rater, read_key, read_raters
from bench_lipsync.reports.study.plan import Item, Key
from bench_lipsync.reports.study.result import Agreement, Opinion, Preference, StudyResult
from bench_lipsync.reports.study.tables import render_study


class _Vote(NamedTuple):
    rater: str
    value: float


def score_files(answers: Sequence[Path], key: Path, form: str = "text", keep_failed: bool = False) -> str:
    """Score the answers of a study.

    Args:
        answers: Files that raters saved.
        key: The study's `key.json`.
        form: One of `reports.study.tables.FORMATS`.
        keep_failed: Also count raters who failed a check.

    Returns:
        The scores as text.

    Raises:
        BenchError: A file does not belong to the study, or no rater is left.

    """
    known = read_key(key)
    return render_study(score_study(known, read_raters(answers, known), keep_failed), form)


def score_study(key: Key, raters: Sequence[Rater], keep_failed: bool = False) -> StudyResult:
    """Scores of `raters`, without those who failed a check unless `keep_failed`.

    Raises `BenchError` where no rater is left.
    """
    used = [rater for rater in raters if keep_failed or not rater.failed]
    excluded = {rater.name: list(rater.failed) for rater in raters if rater not in used}
    if not used:
        raise BenchError(f"all {len(raters)} raters failed a check; --keep-failed scores their answers all the same")
    questions = [item for item in key.items if item.expected is None]
    ratings = [item for item in questions if item.kind == "rating"]
    pairs = [item for item in questions if item.kind == "pair"]
    return StudyResult(
        study=key.study,
        raters=[rater.name for rater in used],
        excluded=excluded,
        clips={model: len({item.clip for item in ratings if item.models == (model,)}) for model in key.models},
        opinions=[_opinion(model, aspect, ratings, used) for model in key.models for aspect in key.aspects],
        preferences=_corrected(
            [_preference(two, aspect, pairs, used) for two in combinations(key.models, 2) for aspect in key.aspects]
        ),
        agreement=[
            Agreement(
                aspect=aspect,
                ratings=alpha(_by_item(ratings, aspect, used), range(1, 6)),
                pairs=alpha(_by_item(pairs, aspect, used), range(-1, 2)),
            )
            for aspect in key.aspects
        ],
    )


def _by_item(items: Sequence[Item], aspect: str, raters: Sequence[Rater]) -> list[dict[str, int]]:
    names = {item.id for item in items}
    return [{n: a.values[aspect] for n, a in rater.answers.items() if n in names} for rater in raters]


def _by_rater(votes: Sequence[_Vote]) -> ClusterSums:
    return from_clips([vote.value for vote in votes], [vote.rater for vote in votes])


def _opinion(model: str, aspect: str, items: Sequence[Item], raters: Sequence[Rater]) -> Opinion:
    own = [item.id for item in items if item.models == (model,)]
    votes = [_Vote(r.name, r.answers[item].values[aspect]) for r in raters for item in own if item in r.answers]
    if not votes:
        return Opinion(model=model, aspect=aspect, value=None)
    votes_by_rater = _by_rater(votes)
    bounds = interval(votes_by_rater)
    return Opinion(
        model=model,
        aspect=aspect,
        value=votes_by_rater.value,
        ci_low=None if bounds is None else max(1.0, bounds.low),
        ci_high=None if bounds is None else min(5.0, bounds.high),
        n_answers=len(votes),
        n_raters=len(votes_by_rater.groups),
    )


def _preference(two: tuple[str, str], aspect: str, items: Sequence[Item], raters: Sequence[Rater]) -> Preference:
    """Answers are -1 for the item's first row; a vote is 1 for `one`, 0.5 for a tie, 0 for the other."""
    votes = [
        _Vote(rater.name, 0.5 - rater.answers[item.id].values[aspect] * (0.5 if item.models == two else -0.5))
        for rater in raters
        for item in items
        if set(item.models) == set(two) and item.id in rater.answers
    ]
    counts = {value: sum(vote.value == value for vote in votes) for value in (1.0, 0.5, 0.0)}
    wins, ties, losses = counts[1.0], counts[0.5], counts[0.0]
    result = Preference(one=two[0], two=two[1], aspect=aspect, wins=wins, ties=ties, losses=losses, share=None)
    if not votes:
        return result
    votes_by_rater = _by_rater(votes)
    bounds = interval(votes_by_rater)
    even = ClusterSums(votes_by_rater.groups, votes_by_rater.weights / 2, votes_by_rater.weights)
    return result.model_copy(
        update={
            "share": votes_by_rater.value,
            "ci_low": None if bounds is None else max(0.0, bounds.low),
            "ci_high": None if bounds is None else min(1.0, bounds.high),
            "p": paired_p(votes_by_rater, even),
            "n_raters": len(votes_by_rater.groups),
        }
    )


def _corrected(preferences: list[Preference]) -> list[Preference]:
    adjusted = holm([test.p for test in preferences])
    return [test.model_copy(update={"p_holm": p}) for test, p in zip(preferences, adjusted, strict=True)]


def alpha(answers: Sequence[Mapping[str, int]], domain: Sequence[int]) -> float | None:
    """Krippendorff's alpha (2004, ordinal) of raters' `answers`, each by item; 1 is full agreement, 0 that of chance.

    `None` where no item has two answers or all answers are one value: agreement is then undefined.
    """
    import krippendorff

    items = sorted({item for rater in answers for item in rater})
    table = np.array([[rater.get(item, np.nan) for item in items] for rater in answers], np.float64)
    if not items or not (np.isfinite(table).sum(axis=0) > 1).any():
        return None
    paired = table[:, np.isfinite(table).sum(axis=0) > 1]
    if len(np.unique(paired[np.isfinite(paired)])) < 2:
        return None
    value = krippendorff.alpha(reliability_data=paired, value_domain=list(domain), level_of_measurement="ordinal")
    return float(value)
