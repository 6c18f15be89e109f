"""The end of a run: from what happened (`harness.run.record`) to the numbers and the run folder."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

from bench_lipsync.harness.aggregation.measurements import Scored
from bench_lipsync.harness.aggregation.model_tests import pair_tests
from bench_lipsync.harness.aggregation.rows import metric_rows
from bench_lipsync.harness.api.clip import FPS, PreparedClip
from bench_lipsync.harness.errors import Status
from bench_lipsync.harness.profiling.profile import Profile
from bench_lipsync.harness.results.clip_table import list_failures, note_lines, write_clips
from bench_lipsync.harness.results.frame_curves import write_curves
from bench_lipsync.harness.results.model_run import ModelRun
from bench_lipsync.harness.results.schema import ClipFacts, MetricRow, PairTest, RunResult, SpeedRecord, write_result
from bench_lipsync.harness.run.adaptation_footage import notices as adaptation_notices
from bench_lipsync.harness.run.adaptation_footage import write_plan
from bench_lipsync.harness.run.record import Ledger, model_runs
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


def finish(
    spec: RunSpec, ledger: Ledger, scorers: ScorerSet, store: Store, folder: Path, *, report: PageWriter | None = None
) -> RunOutcome:
    """Aggregate and write the run folder; `report` writes its page (the engine does not know the reports)."""
    with span("aggregate"):
        prepared = {clip.id: PreparedClip.load(store.file(clip.entry)) for clip in ledger.clips if clip.entry}
        models = model_runs(ledger, store)
        scored = Scored(models, prepared, scorers, len(ledger.clips), spec.seed, store)
        rows, tests = metric_rows(scored), pair_tests(scored)
    with span("write"):
        infos = [info for scorer in scorers.loaded for info in scorer.wanted]
        write_clips(models, {clip.id: clip.identity for clip in ledger.clips}, infos, folder)
        write_curves(models, prepared, folder)
        if spec.adapt:
            write_plan(folder, {clip.id: clip.footage for clip in ledger.clips if clip.footage}, store)
        result = _result(spec, ledger, models, _Numbers(rows, tests, prepared))
        write_result(result, folder)
    with span("report"):
        page = report(folder) if report else None
    return RunOutcome(folder, result, page)


class _Numbers(NamedTuple):
    rows: list[MetricRow]
    tests: list[PairTest]
    prepared: dict[str, PreparedClip]


def _result(
    spec: RunSpec,
    ledger: Ledger,
    models: Sequence[ModelRun],
    numbers: _Numbers,
) -> RunResult:
    failures = list_failures(models, [clip.id for clip in ledger.clips])
    learned = [clip.footage for clip in ledger.clips if clip.footage]
    adaptation = adaptation_notices(learned, spec.adapt.seconds) if spec.adapt else ()
    return RunResult(
        status="partial" if failures or any(row.value is None for row in numbers.rows) else "complete",
        created=datetime.now(UTC).isoformat(timespec="seconds"),
        spec=spec.model_dump(mode="json", exclude={"data_root"}),
        spec_hash=ledger.spec_hash,
        notices=[*ledger.notices, *adaptation, *ledger.caveats, *note_lines(models)],
        provenance=ledger.provenance,
        models=ledger.cards,
        metrics=numbers.rows,
        tests=numbers.tests,
        clips=_clip_facts(ledger, numbers.prepared),
        failures=failures,
        timings={name: round(seconds, 2) for name, seconds in ledger.timings.items()},
        speed=[SpeedRecord(model=model.name, seconds=model.seconds) for model in models if model.seconds],
    )


def _clip_facts(ledger: Ledger, prepared: dict[str, PreparedClip]) -> list[ClipFacts]:
    facts = []
    for clip in ledger.clips:
        if clip.trouble:
            trouble = clip.trouble
            facts.append(
                ClipFacts(id=clip.id, identity=clip.identity, status=trouble.status.value, reason=trouble.reason)
            )
            continue
        ready = prepared[clip.id]
        facts.append(
            ClipFacts(
                id=clip.id,
                identity=clip.identity,
                status=Status.OK.value,
                frames=ready.frames,
                seconds=ready.frames / FPS,
                content_hash=ready.content_hash,
                donor=clip.donor,
            )
        )
    return facts
