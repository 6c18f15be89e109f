"""From per-clip scores to the rows of the results table: clip means with intervals, and pooled set metrics."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from harness.clip import PreparedClip
from harness.metric import MetricInfo
from harness.plugins import SCORERS_BY_METRIC
from harness.results import MetricRow
from harness.scorers import LoadedScorer, ScorerSet
from harness.scoring import Scores, load_features
from harness.stats import identity_bootstrap
from harness.status import ClipError


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


def metric_rows(
    runs: Sequence[ModelRun], clips: Mapping[str, PreparedClip], n_total: int, scorers: ScorerSet, seed: int
) -> list[MetricRow]:
    """One row per model and metric, the unavailable ones included."""
    truth = next((run for run in runs if run.name == "ground-truth"), None)
    rows = []
    for run in runs:
        for loaded in scorers.loaded:
            pooled = _pool(loaded, run, truth) if not run.unavailable else {}
            for info in loaded.wanted:
                if info.level == "set":
                    rows.append(_set_row(run, info, pooled.get(info.column), n_total))
                else:
                    rows.append(_clip_row(run, info, clips, n_total, seed))
        for missing in scorers.unavailable:
            rows.extend(_row(run, info, n_total, note=missing.reason) for info in missing.wanted)
    return _in_table_order(rows)


def _in_table_order(rows: list[MetricRow]) -> list[MetricRow]:
    """Model by model as given; within a model the metrics as `SCORERS_BY_METRIC` lists them, then by variant."""
    models = list(dict.fromkeys(row.model for row in rows))
    names = list(SCORERS_BY_METRIC)
    return sorted(rows, key=lambda row: (models.index(row.model), names.index(row.name), row.variant))


def _row(run: ModelRun, info: MetricInfo, n_total: int, **fields: object) -> MetricRow:
    values: dict[str, object] = {
        "model": run.name,
        "mode": run.mode,
        "name": info.name,
        "variant": info.variant,
        "signature": info.signature,
        "direction": info.direction,
        "unit": info.unit,
        "level": info.level,
        "n_total": n_total,
        "note": run.unavailable,
    }
    return MetricRow.model_validate({**values, **fields})


def _clip_row(run: ModelRun, info: MetricInfo, clips: Mapping[str, PreparedClip], n_total: int, seed: int) -> MetricRow:
    scored = {clip: s.values[info.column] for clip, s in sorted(run.scores.items()) if info.column in s.values}
    if not scored:
        return _row(run, info, n_total, note=run.unavailable or "no clip could be scored")
    values = list(scored.values())
    interval = identity_bootstrap(values, [clips[clip].identity for clip in scored], seed)
    return _row(
        run,
        info,
        n_total,
        value=sum(values) / len(values),
        ci_low=interval.low if interval else None,
        ci_high=interval.high if interval else None,
        n_ok=len(values),
    )


@dataclass(frozen=True)
class _Pooled:
    value: float | None
    n_ok: int
    note: str


def _set_row(run: ModelRun, info: MetricInfo, pooled: _Pooled | None, n_total: int) -> MetricRow:
    if pooled is None:
        return _row(run, info, n_total)
    return _row(run, info, n_total, value=pooled.value, n_ok=pooled.n_ok, note=pooled.note)


def _pool(loaded: LoadedScorer, run: ModelRun, truth: ModelRun | None) -> dict[str, _Pooled]:
    """Set metrics of one model: its clips' features against the ground truth's of the same clips."""
    pooled = {}
    for info in loaded.wanted:
        if info.level != "set":
            continue
        if truth is None:
            pooled[info.column] = _Pooled(None, 0, "needs the ground-truth row")
            continue
        common = [
            clip
            for clip, scores in sorted(run.scores.items())
            if info.column in scores.features and info.column in truth.scores.get(clip, Scores()).features
        ]
        if not common:
            pooled[info.column] = _Pooled(None, 0, "no clip could be scored")
            continue
        output = [load_features(run.scores[clip].features[info.column], info.column) for clip in common]
        real = [load_features(truth.scores[clip].features[info.column], info.column) for clip in common]
        frames = sum(len(features) for features in real)
        note = f"{frames} frames; below {real[0].shape[1]} the distance is biased" if frames < real[0].shape[1] else ""
        try:
            value = loaded.scorer.pool(output, real)[info.column]
        except ClipError as error:
            pooled[info.column] = _Pooled(None, len(common), error.reason)
            continue
        pooled[info.column] = _Pooled(value, len(common), note)
    return pooled
