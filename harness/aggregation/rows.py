"""From per-clip scores to the rows of the results table: clip means and pooled set metrics, with their intervals."""

from __future__ import annotations

import math
from collections.abc import Collection, Sequence

import numpy as np

from bench_lipsync.harness.aggregation.measurements import Measurements
from bench_lipsync.harness.aggregation.pooling import scale_of
from bench_lipsync.harness.api.metric import MetricInfo
from bench_lipsync.harness.errors import ClipError
from bench_lipsync.harness.results.model_run import ModelRun
from bench_lipsync.harness.results.schema import MetricRow, PeopleRecord
from bench_lipsync.harness.scoring.scorers import LoadedScorer
from bench_lipsync.harness.statistics.cluster_sums import ClusterSums, mean
from bench_lipsync.harness.statistics.intervals import asinh_interval, interval
from bench_lipsync.harness.util.files import sha256_json


def metric_rows(measured: Measurements) -> list[MetricRow]:
    """One row per model and metric, the unavailable ones included."""
    rows = []
    for run in measured.runs:
        for loaded in measured.scorers.loaded:
            sets = [info for info in loaded.wanted if info.level == "set"]
            rows += [_clip_row(measured, run, info) for info in loaded.wanted if info.level == "clip"]
            rows += _set_rows(measured, run, loaded, sets) if sets else []
        for missing in measured.scorers.unavailable:
            rows += [_row(measured, run, info, note=missing.reason) for info in missing.wanted]
    return _in_table_order(rows, measured.scorers.order)


def _in_table_order(rows: list[MetricRow], order: Sequence[str]) -> list[MetricRow]:
    """Model by model as given; within a model the metrics in their `order`, then by variant."""
    models = {name: place for place, name in enumerate(dict.fromkeys(row.model for row in rows))}
    names = {name: place for place, name in enumerate(dict.fromkeys([*order, *(row.name for row in rows)]))}
    return sorted(rows, key=lambda row: (models[row.model], names[row.name], row.variant))


def _row(measured: Measurements, run: ModelRun, info: MetricInfo, **fields: object) -> MetricRow:
    values: dict[str, object] = {
        "model": run.name,
        "mode": run.mode,
        "name": info.name,
        "variant": info.variant,
        "signature": info.signature,
        "direction": info.direction,
        "unit": info.unit,
        "level": info.level,
        "n_total": measured.n_total,
        "note": run.unavailable,
    }
    return MetricRow.model_validate({**values, **fields})


def _clip_row(measured: Measurements, run: ModelRun, info: MetricInfo) -> MetricRow:
    values = measured.values(run, info.column)
    chosen = np.isfinite(values)
    if not chosen.any():
        return _row(
            measured,
            run,
            info,
            note=run.unavailable or run.refused.get(info.column, "no clip could be scored"),
        )
    return _row(
        measured,
        run,
        info,
        value=mean(values[chosen]),
        n_ok=int(chosen.sum()),
        **_from_truth(measured, run, info),
        **_spread(measured.cluster_sums(values, chosen), measured.ids_of(chosen), info, measured.seed),
    )


def _from_truth(measured: Measurements, run: ModelRun, info: MetricInfo) -> dict[str, object]:
    """The fields of a row about its distance from the ground truth."""
    if measured.truth is None or run is measured.truth or "truth" in info.needs:
        return {}
    gaps = measured.values(run, info.column) - measured.values(measured.truth, info.column)
    gaps = gaps[np.isfinite(gaps)]
    return {"from_truth": abs(mean(gaps)), "n_from_truth": len(gaps)} if len(gaps) else {}


def _set_rows(
    measured: Measurements, run: ModelRun, loaded: LoadedScorer, infos: Sequence[MetricInfo]
) -> list[MetricRow]:
    if run.unavailable:
        return [_row(measured, run, info) for info in infos]
    if measured.truth is None:
        return [_row(measured, run, info, note="needs the ground-truth row") for info in infos]
    column = infos[0].column
    common = common_clips(measured, column, run, measured.truth)
    if not common:
        return [_row(measured, run, i, note=run.refused.get(i.column, "no clip could be scored")) for i in infos]
    try:
        pooled = measured.pooled(loaded, run, common)
    except ClipError as error:
        return [_row(measured, run, info, n_ok=len(common), note=error.reason) for info in infos]
    return [
        _row(
            measured,
            run,
            info,
            value=pooled.values[info.column],
            n_ok=len(common),
            note=pooled.note(info),
            **_spread(pooled.clusters(info), common, info, measured.seed),
        )
        for info in infos
    ]


def common_clips(measured: Measurements, column: str, *runs: ModelRun) -> set[str]:
    """Clips of which all of `runs` have features of a set metric."""
    return set.intersection(*(set(measured.features(run, column).files) for run in runs))


def _spread(sums: ClusterSums | None, clips: Collection[str], info: MetricInfo, seed: int) -> dict[str, object]:
    """The fields of a row about its clips and the uncertainty of its value."""
    digest = sha256_json(sorted(clips))
    if sums is None:
        return {"clips": digest}
    scale = scale_of(info)
    record = PeopleRecord(
        groups=list(sums.groups),
        sums=sums.sums.tolist(),
        weights=sums.weights.tolist(),
        scale="log" if scale == "log" else "linear",
        clips=digest,
    )
    # A pooled value without a logarithm is a difference of squares, whose spread grows with it all the same.
    ends = (asinh_interval if info.level == "set" and scale == "linear" else interval)(sums, seed)
    if ends is None:
        return {"clips": digest, "people": record}
    low, high = (math.exp(end) if scale == "log" else end for end in ends)
    least, most = info.range
    # No value lies beyond the metric's range, so neither does an interval; its coverage stays the same.
    low, high = (low if least is None else max(low, least)), (high if most is None else min(high, most))
    return {"clips": digest, "people": record, "ci_low": low, "ci_high": high}
