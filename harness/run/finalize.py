"""The end of a run: from its record to the numbers and the run folder."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

from bench_lipsync.harness.aggregation.measurements import Measurements
from bench_lipsync.harness.aggregation.model_tests import pair_tests
from bench_lipsync.harness.aggregation.rows import metric_rows
from bench_lipsync.harness.api.clip import FPS, PreparedClip
from bench_lipsync.harness.errors import Status
from bench_lipsync.harness.profiling.profile import Profile
from bench_lipsync.harness.registry.metric_names import metric_names
from bench_lipsync.harness.results.clip_table import list_failures, note_lines, write_clips
from bench_lipsync.harness.results.frame_curves import write_curves
from bench_lipsync.harness.results.model_run import ModelRun
from bench_lipsync.harness.results.schema import ClipFacts, Failure, MetricRow, RunResult, SpeedRecord, write_result
from bench_lipsync.harness.run.adaptation_footage import notices as adaptation_notices
from bench_lipsync.harness.run.adaptation_footage import write_plan
from bench_lipsync.harness.run.folder import check_not_worse
from bench_lipsync.harness.run.record import ClipRecord, RunRecord, model_runs
from bench_lipsync.harness.run.spec import RunSpec
from bench_lipsync.harness.scoring.scorers import ScorerSet
from bench_lipsync.harness.store.store import Store
from bench_lipsync.harness.util.spans import span

PageWriter = Callable[[Path], Path]
"""Writes the page of the run folder that it is called with, and returns the page's file."""


@dataclass(frozen=True)
class RunOutcome:
    """A finished run."""

    folder: Path
    """The run folder."""
    result: RunResult
    """The content of `run.json`."""
    report: Path | None
    """The page, if one was written."""
    profile: Profile | None = None
    """Where the time went, if `RunOptions.profile` asked for it."""


def finalize(
    spec: RunSpec,
    record: RunRecord,
    scorers: ScorerSet,
    store: Store,
    folder: Path,
    *,
    report: PageWriter | None = None,
    force: bool = False,
) -> RunOutcome:
    """Aggregate the record of a run and write its folder.

    Args:
        spec: What was requested.
        record: What happened.
        scorers: What was measured with.
        store: Holds what `record` refers to.
        folder: The run folder.
        report: Writes its page; the engine knows no reports.
        force: Replace an earlier result even by one with fewer numbers.

    Raises:
        BenchError: The folder has an earlier result of the same run with more numbers, and keeps it.

    """
    with span("aggregate"):
        loaded = {clip.id: PreparedClip.load(store.file(clip.entry)) for clip in record.clips if clip.entry}
        prepared = {name: replace(clip, id=name) for name, clip in loaded.items()}  # One may be driven several times.
        models = model_runs(record)
        footage = ModelRun("footage", notes={name: clip.notes for name, clip in prepared.items() if clip.notes})
        notices = _notices(spec, record, [footage, *models])
        for model in models:
            model.notes = {clip: (*footage.notes.get(clip, ()), *notes) for clip, notes in model.notes.items()}
        measurements = Measurements(models, prepared, scorers, len(record.clips), spec.seed, store)
        rows, tests = metric_rows(measurements), pair_tests(measurements)
    if not force:
        check_not_worse(folder, record.spec_hash, rows)
    with span("write"):
        infos = [info for scorer in scorers.loaded for info in scorer.wanted]
        write_clips(models, {clip.id: clip.identity for clip in record.clips}, infos, folder)
        write_curves(models, prepared, folder, store)
        if spec.adapt:
            write_plan(folder, {clip.id: clip.footage for clip in record.clips if clip.footage}, store)
        failures = list_failures(models, [clip.id for clip in record.clips])
        result = RunResult(
            status="complete" if _is_complete(spec, models, scorers, rows, failures) else "partial",
            created=datetime.now(UTC).isoformat(timespec="seconds"),
            spec=spec.model_dump(mode="json", exclude={"data_root"}),
            spec_hash=record.spec_hash,
            notices=notices,
            provenance=record.provenance,
            models=record.cards,
            metrics=rows,
            tests=tests,
            clips=[_clip_facts(clip, prepared.get(clip.id)) for clip in record.clips],
            failures=failures,
            timings={name: round(seconds, 2) for name, seconds in record.timings.items()},
            speed=[SpeedRecord(model=model.name, seconds=model.seconds) for model in models if model.seconds],
        )
        write_result(result, folder)
    with span("report"):
        page = report(folder) if report else None
    return RunOutcome(folder, result, page)


def _is_complete(
    spec: RunSpec,
    models: Sequence[ModelRun],
    scorers: ScorerSet,
    rows: Sequence[MetricRow],
    failures: Sequence[Failure],
) -> bool:
    """Whether every requested row has every clip and every requested metric that applies to it.

    A metric's name brings variants along whose weights a user may not have; one with a value is enough. A variant that
    is named must have one.
    """
    asked = spec.row_names()
    if any(failure.model in asked for failure in failures):
        return False
    missing = {info.column for scorer in scorers.unavailable for info in scorer.wanted}
    words = [{offer.info.column for offer in metric_names().ask(word)} for word in spec.metrics]
    for run in (run for run in models if run.name in asked):
        own = [row for row in rows if row.model == run.name and row.column not in run.refused]
        has = {row.column: row.value is not None for row in own}
        wanted = [*({column} for column in has if column not in missing), *(word & has.keys() for word in words)]
        if not all(any(has[column] for column in columns) for columns in wanted if columns):
            return False
    return True


def _notices(spec: RunSpec, record: RunRecord, models: Sequence[ModelRun]) -> list[str]:
    footage = [clip.footage for clip in record.clips if clip.footage]
    adaptation = adaptation_notices(footage, spec.adapt.seconds) if spec.adapt else ()
    return [*record.notices, *adaptation, *record.caveats, *note_lines(models)]


def _clip_facts(clip: ClipRecord, prepared: PreparedClip | None) -> ClipFacts:
    if prepared is None:
        status, reason = (clip.trouble.status, clip.trouble.reason) if clip.trouble else (Status.OK, "")
        return ClipFacts(id=clip.id, identity=clip.identity, status=status.value, reason=reason)
    return ClipFacts(
        id=clip.id,
        identity=clip.identity,
        status=Status.OK.value,
        frames=prepared.frames,
        seconds=prepared.frames / FPS,
        content_hash=prepared.content_hash,
        donor=clip.donor,
    )
