"""From per-clip scores to the rows of the results table: clip means and pooled set metrics, with their intervals."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from harness.clip import PreparedClip
from harness.contributions import Contributions, from_clips
from harness.files import sha256_json
from harness.intervals import bent_interval, interval
from harness.metric import MetricInfo
from harness.pooling import Pooled, Side, pool, scale_of
from harness.results import MetricRow, PeopleRecord
from harness.scorers import LoadedScorer, ScorerSet
from harness.scoring import Scores
from harness.status import ClipError
from harness.store import Store


@dataclass
class ModelRun:
    """Everything that happened to one model, or why it could not be loaded."""

    name: str
    scores: dict[str, Scores] = field(default_factory=dict)
    """By clip id, for the clips that were generated."""
    failures: dict[str, ClipError] = field(default_factory=dict)
    """By clip id, for the others."""
    unavailable: str = ""
    mode: str = "zero-shot"
    notes: dict[str, tuple[str, ...]] = field(default_factory=dict)
    """By clip id: what a reader of its numbers should know although it went well."""
    seconds: dict[str, float] = field(default_factory=dict)
    """By clip id: how long generating it took, when that was done."""
    refused: dict[str, str] = field(default_factory=dict)
    """Metrics that say nothing about this model, by column, and why."""

    def values(self, column: str) -> dict[str, float]:
        """A clip metric by clip id, in the order of the ids."""
        return {clip: scores.values[column] for clip, scores in sorted(self.scores.items()) if column in scores.values}

    def features(self, column: str) -> Side:
        """Where the features of a set metric are."""
        found = {clip: scores.features[column] for clip, scores in self.scores.items() if column in scores.features}
        return Side(dict(sorted(found.items())))


@dataclass(frozen=True)
class Scored:
    """All that was measured in a run."""

    runs: Sequence[ModelRun]
    clips: Mapping[str, PreparedClip]
    scorers: ScorerSet
    n_total: int
    """Clips asked for."""
    seed: int
    store: Store

    @property
    def truth(self) -> ModelRun | None:
        """The ground truth's row, if there is one."""
        return next((run for run in self.runs if run.name == "ground-truth"), None)

    @property
    def identities(self) -> dict[str, str]:
        """Who speaks, by clip id."""
        return {clip.id: clip.identity for clip in self.clips.values()}


def metric_rows(scored: Scored) -> list[MetricRow]:
    """One row per model and metric, the unavailable ones included."""
    rows = []
    for run in scored.runs:
        for loaded in scored.scorers.loaded:
            sets = [info for info in loaded.wanted if info.level == "set"]
            rows += [_clip_row(scored, run, info) for info in loaded.wanted if info.level == "clip"]
            rows += _set_rows(scored, run, loaded, sets) if sets else []
        for missing in scored.scorers.unavailable:
            rows += [_row(scored, run, info, note=missing.reason) for info in missing.wanted]
    return _in_table_order(rows, scored.scorers.order)


def _in_table_order(rows: list[MetricRow], order: Sequence[str]) -> list[MetricRow]:
    """Model by model as given; within a model the metrics in their `order`, then by variant."""
    models = list(dict.fromkeys(row.model for row in rows))
    names = list(dict.fromkeys([*order, *(row.name for row in rows)]))
    return sorted(rows, key=lambda row: (models.index(row.model), names.index(row.name), row.variant))


def _row(scored: Scored, run: ModelRun, info: MetricInfo, **fields: object) -> MetricRow:
    values: dict[str, object] = {
        "model": run.name,
        "mode": run.mode,
        "name": info.name,
        "variant": info.variant,
        "signature": info.signature,
        "direction": info.direction,
        "unit": info.unit,
        "level": info.level,
        "n_total": scored.n_total,
        "note": run.unavailable,
    }
    return MetricRow.model_validate({**values, **fields})


def _clip_row(scored: Scored, run: ModelRun, info: MetricInfo) -> MetricRow:
    values = run.values(info.column)
    if not values:
        return _row(scored, run, info, note=run.unavailable or run.refused.get(info.column, "no clip could be scored"))
    people = clip_people(values, scored.identities)
    return _row(
        scored,
        run,
        info,
        value=math.fsum(values.values()) / len(values),
        n_ok=len(values),
        from_truth=_from_truth(scored, run, info),
        **_spread(people, values, info, scored.seed),
    )


def clip_people(values: Mapping[str, float], identities: Mapping[str, str]) -> Contributions:
    """What each person adds to the mean of a clip metric."""
    return from_clips(list(values.values()), [identities[clip] for clip in values])


def _from_truth(scored: Scored, run: ModelRun, info: MetricInfo) -> float | None:
    if scored.truth is None or run is scored.truth or "truth" in info.needs:
        return None
    own, real = run.values(info.column), scored.truth.values(info.column)
    gaps = [own[clip] - real[clip] for clip in own if clip in real]
    return abs(math.fsum(gaps) / len(gaps)) if gaps else None


def _set_rows(scored: Scored, run: ModelRun, loaded: LoadedScorer, infos: Sequence[MetricInfo]) -> list[MetricRow]:
    if run.unavailable:
        return [_row(scored, run, info) for info in infos]
    if scored.truth is None:
        return [_row(scored, run, info, note="needs the ground-truth row") for info in infos]
    column = infos[0].column
    common = common_clips(column, run, scored.truth)
    if not common:
        return [_row(scored, run, i, note=run.refused.get(i.column, "no clip could be scored")) for i in infos]
    try:
        pooled = pool_models(scored, loaded, run, common)
    except ClipError as error:
        return [_row(scored, run, info, n_ok=len(common), note=error.reason) for info in infos]
    return [
        _row(
            scored,
            run,
            info,
            value=pooled.values[info.column],
            n_ok=len(common),
            note=pooled.note(info),
            **_spread(pooled.people(info), common, info, scored.seed),
        )
        for info in infos
    ]


def common_clips(column: str, *runs: ModelRun) -> set[str]:
    """Clips whose features of a set metric all of `runs` have."""
    return set.intersection(*(set(run.features(column).files) for run in runs))


def pool_models(scored: Scored, loaded: LoadedScorer, run: ModelRun, clips: set[str]) -> Pooled:
    """Set metrics of `run` over `clips`, which the ground truth has too. Raises `ClipError`."""
    if scored.truth is None:
        raise ValueError("set metrics need the ground truth")
    column = next(info.column for info in loaded.wanted if info.level == "set")
    output, truth = run.features(column).only(clips), scored.truth.features(column).only(clips)
    return pool(loaded, output, truth, scored.identities, scored.store)


def _spread(
    people: Contributions | None, clips: Mapping[str, float] | set[str], info: MetricInfo, seed: int
) -> dict[str, object]:
    """The fields of a row that say how sure its value is."""
    if people is None:
        return {}
    scale = scale_of(info)
    record = PeopleRecord(
        groups=list(people.groups),
        sums=people.sums.tolist(),
        weights=people.weights.tolist(),
        scale="log" if scale == "log" else "linear",
        clips=sha256_json(sorted(clips)),
    )
    # A pooled value without a logarithm is a difference of squares, whose spread grows with it all the same.
    found = (bent_interval if info.level == "set" and scale == "linear" else interval)(people, seed)
    if found is None:
        return {"people": record}
    low, high = (math.exp(end) if scale == "log" else end for end in found)
    least, most = info.range
    # No value lies beyond the metric's range, so neither does an interval; what it covers stays the same.
    low, high = (low if least is None else max(low, least)), (high if most is None else min(high, most))
    return {"people": record, "ci_low": low, "ci_high": high}
