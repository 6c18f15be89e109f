"""The whole path of a run: clips, preparation, models, aggregation, and the run folder that holds it all."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime, timezone
from pathlib import Path

from harness import progress, provenance, stages
from harness.adaptation import Footage, Plan, make_plan
from harness.adapted import adapt_all
from harness.aggregate import ModelRun, Scored, metric_rows
from harness.clip import FPS, Clip, PreparedClip
from harness.comparisons import pair_tests
from harness.curves import write_curves
from harness.datasets.base import ClipList
from harness.donors import assign_donors
from harness.files import write_text_atomically
from harness.loading import ModelSet, load_models
from harness.model import AdaptRequest, GenerateContext
from harness.model_run import ModelJob, run_model
from harness.plugins import REPORTS
from harness.results import ClipFacts, MetricRow, PairTest, RunResult, SpeedRecord, write_result
from harness.run_clips import list_failures, note_lines, write_clips
from harness.scorers import ScorerSet, load_scorers
from harness.select import Selection, select
from harness.spec import RunSpec
from harness.status import ClipError, Status
from harness.store import Store

logger = logging.getLogger("bench")


@dataclass(frozen=True)
class RunOptions:
    """How a run is carried out; none of it changes a number beyond the device's rounding."""

    out: Path | None = None
    device: str = "cpu"
    batch_size: int = 8
    report: bool = True
    quiet: bool = False


@dataclass(frozen=True)
class RunOutcome:
    """A finished run."""

    folder: Path
    result: RunResult
    report: Path | None


@dataclass
class Prepared:
    """What preparation made of the clips."""

    clips: dict[str, PreparedClip] = field(default_factory=dict)
    failures: dict[str, ClipError] = field(default_factory=dict)


@dataclass
class _Run:
    """What the stages of one run share."""

    spec: RunSpec
    spec_hash: str
    options: RunOptions
    folder: Path
    found: ClipList
    store: Store
    scorers: ScorerSet
    loaded: ModelSet
    prepared: Prepared
    footage: dict[str, Footage]
    """What adapted rows learn each clip's person from, by clip id."""
    donors: dict[str, PreparedClip | None]
    timings: dict[str, float]


def execute(spec: RunSpec, options: RunOptions) -> RunOutcome:
    """Do everything that `bench run` does. Raises `BenchError` for mistakes of use; clip failures are results."""
    timings: dict[str, float] = {}
    # Names are checked first: a mistyped one must not cost the rendering or hashing of a data set, or leave a folder.
    with _timed(timings, "load"):
        scorers = load_scorers(spec.metrics, options.device, with_reference=spec.protocol == "reconstruction")
        loaded = load_models(spec.models, _requests(spec, options.device))
    with _timed(timings, "find clips"):
        selected = select(spec)
    found = selected.found
    spec = spec.model_copy(update={"split": found.split})
    spec_hash = spec.hash([clip.id for clip in found.clips])
    folder = options.out or Path("runs") / f"{spec.dataset}-{spec_hash[:8]}"
    folder.mkdir(parents=True, exist_ok=True)
    with _log_to(folder / "log.txt"):
        write_text_atomically(folder / "run.yaml", spec.to_yaml())
        store = Store()
        with _timed(timings, "prepare"):
            plan = _keep_footage(spec, selected, folder, store, options.quiet)
            scored = [clip for clip in plan.clips if clip.id not in plan.failures]
            prepared = prepare_all(scored, spec.size, store, options.quiet)
            prepared.failures.update(plan.failures)
        if spec.adapt:
            found = replace(found, clips=plan.clips, notices=(*found.notices, *plan.notices(spec.adapt.seconds)))
        footage = {clip: use for clip, use in plan.footage.items() if clip in prepared.clips}
        donors = assign_donors(list(prepared.clips.values()))
        run = _Run(spec, spec_hash, options, folder, found, store, scorers, loaded, prepared, footage, donors, timings)
        return _finish(run, _run_models(run))


def _requests(spec: RunSpec, device: str) -> dict[str, AdaptRequest | None]:
    """How the models of each mode are adapted."""
    steps = spec.adapt.steps if spec.adapt else None
    made = {
        "zero-shot": None,
        "adapted": AdaptRequest(True, steps, spec.seed, device),
        "adapted-no-reg": AdaptRequest(False, steps, spec.seed, device),
    }
    return {mode: made[mode] for mode in spec.modes}


def _keep_footage(spec: RunSpec, selected: Selection, folder: Path, store: Store, quiet: bool) -> Plan:
    """Which frames are scored and which are kept for adaptation."""
    clips = selected.found.clips
    if spec.adapt is None:
        return Plan(clips)
    plan = make_plan(clips, selected.pool, selected.kept, spec.adapt, size=spec.size, store=store, quiet=quiet)
    plan.write(folder)
    return plan


def _finish(run: _Run, models: list[ModelRun]) -> RunOutcome:
    """Aggregate and write the run folder."""
    clips, folder = run.found.clips, run.folder
    with _timed(run.timings, "aggregate"):
        scored = Scored(models, run.prepared.clips, run.scorers, len(clips), run.spec.seed, run.store)
        rows, tests = metric_rows(scored), pair_tests(scored)
        infos = [info for scorer in run.scorers.loaded for info in scorer.wanted]
        write_clips(models, {clip.id: clip.identity for clip in clips}, infos, folder)
        write_curves(models, run.prepared.clips, folder)
    result = _result(run, models, rows, tests)
    write_result(result, folder)
    report = REPORTS.get("html")(folder, folder / "report.html") if run.options.report else None
    return RunOutcome(folder, result, report)


def prepare_all(clips: Sequence[Clip], size: int, store: Store, quiet: bool = False) -> Prepared:
    """Prepare every clip, from the store where nothing changed; failures are kept beside the successes."""
    prepared = Prepared()
    for clip in progress.each("prepare", clips, quiet):
        try:
            prepared.clips[clip.id] = stages.prepare(clip, size, store)
        except ClipError as error:
            logger.warning("preparing %s: %s", clip.id, error)
            prepared.failures[clip.id] = error
    return prepared


def _run_models(run: _Run) -> list[ModelRun]:
    """Every model over every prepared clip, in the order of the table."""
    spec, options = run.spec, run.options
    job = ModelJob(
        folder=run.folder,
        store=run.store,
        scorers=run.scorers.loaded,
        clips=run.prepared.clips,
        unprepared=run.prepared.failures,
        donors=run.donors,
        cross=spec.protocol == "cross",
        context=GenerateContext(seed=spec.seed, device=options.device, batch_size=options.batch_size),
        previews=options.report,
    )
    done = {model.name: model for model in run.loaded.unavailable}
    for model in run.loaded.models:
        title = progress.stage(model.name, len(run.prepared.clips), options.quiet)
        with _timed(run.timings, model.name):
            adapted = adapt_all(model, run.footage, run.store)
            with title as tick:
                done[model.name] = run_model(model, job, tick, adapted)
    return [done[card["name"]] for card in run.loaded.cards]


def _result(run: _Run, models: list[ModelRun], rows: list[MetricRow], tests: list[PairTest]) -> RunResult:
    failures = list_failures(models, [clip.id for clip in run.found.clips])
    return RunResult(
        status="partial" if failures or any(row.value is None for row in rows) else "complete",
        created=datetime.now(timezone.utc).isoformat(timespec="seconds"),
        spec=run.spec.model_dump(mode="json", exclude={"data_root"}),
        spec_hash=run.spec_hash,
        notices=[*run.found.notices, *_caveats(run.loaded), *note_lines(models)],
        provenance=provenance.gather(run.options.device),
        models=run.loaded.cards,
        metrics=rows,
        tests=tests,
        clips=_clip_facts(run),
        failures=failures,
        timings={name: round(seconds, 2) for name, seconds in run.timings.items()},
        speed=[SpeedRecord(model=model.name, seconds=model.seconds) for model in models if model.seconds],
    )


def _caveats(models: ModelSet) -> list[str]:
    rows = {id(model.model): model for model in reversed(models.models)}  # one of a model's rows
    return [f"{model.name}: {model.card.caveat}" for model in reversed(rows.values()) if model.card.caveat]


def _clip_facts(run: _Run) -> list[ClipFacts]:
    prepared, donors = run.prepared, run.donors
    facts = []
    for clip in run.found.clips:
        if clip.id in prepared.failures:
            error = prepared.failures[clip.id]
            facts.append(ClipFacts(id=clip.id, identity=clip.identity, status=error.status.value, reason=error.reason))
            continue
        ready = prepared.clips[clip.id]
        donor = donors[clip.id]
        facts.append(
            ClipFacts(
                id=clip.id,
                identity=clip.identity,
                status=Status.OK.value,
                frames=ready.frames,
                seconds=ready.frames / FPS,
                content_hash=ready.content_hash,
                donor=donor.id if donor else None,
            )
        )
    return facts


@contextmanager
def _timed(timings: dict[str, float], stage: str) -> Iterator[None]:
    began = time.perf_counter()
    try:
        yield
    finally:
        timings[stage] = timings.get(stage, 0.0) + time.perf_counter() - began


@contextmanager
def _log_to(path: Path) -> Iterator[None]:
    """Tracebacks and warnings of the run go to its folder, not to the screen."""
    handler = logging.FileHandler(path, mode="w", encoding="utf-8")
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(message)s"))
    logger.addHandler(handler)
    logger.propagate = False
    try:
        yield
    finally:
        logger.removeHandler(handler)
        handler.close()
