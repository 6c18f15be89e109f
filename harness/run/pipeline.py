"""A run from its specification to its folder: plan, carry out the tasks, write the results."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, field, replace
from pathlib import Path

from bench_lipsync.harness.api.clip import Clip
from bench_lipsync.harness.compute.batching import AUTO
from bench_lipsync.harness.compute.process_state import run_settings
from bench_lipsync.harness.profiling.profile import Profile
from bench_lipsync.harness.profiling.summary import write_profile
from bench_lipsync.harness.registry.model_names import parse_name
from bench_lipsync.harness.results import provenance
from bench_lipsync.harness.run.audio_donors import needs_donor
from bench_lipsync.harness.run.driver import RunState, drive
from bench_lipsync.harness.run.executors.factory import ExecutorOptions, make_executor
from bench_lipsync.harness.run.finalize import PageWriter, RunOutcome, finalize
from bench_lipsync.harness.run.folder import (
    check_run_folder,
    check_same_run,
    linker,
    made_folder,
    open_run_folder,
)
from bench_lipsync.harness.run.model_loading import ModelSet, load_models, requests
from bench_lipsync.harness.run.progress_display import DisplayFactory, progress_display
from bench_lipsync.harness.run.record import RowRecord, RunRecord
from bench_lipsync.harness.run.schedule import FootageSources, Schedule, ScheduledRow
from bench_lipsync.harness.run.selection import Selection, Shard, select
from bench_lipsync.harness.run.spec import RunSpec
from bench_lipsync.harness.run.worker import LoadedParts, TaskRunnerConfig
from bench_lipsync.harness.scoring.applicability import inapplicable
from bench_lipsync.harness.scoring.scorers import ScorerSet, load_scorers, require_metrics
from bench_lipsync.harness.store.mirror import open_store
from bench_lipsync.harness.store.store import Store
from bench_lipsync.harness.util.progress import hidden

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class RunOptions:
    """How a run is carried out; none of it changes a number beyond the device's rounding."""

    out: Path | None = None
    device: str = "cpu"
    workers_device: str | None = None
    """`device` as workers see it, where that is another machine's; `None`: the same."""
    batch_size: int = AUTO
    report: PageWriter | None = None
    """Writes the page; without it there are neither a page nor previews."""
    display: DisplayFactory | None = None
    """Shows the progress, for example `progress_display.progress_display`; `None`: nothing is shown."""
    force: bool = False
    """Replace the results of another run in `out`, and a better earlier result of this one."""
    executor: ExecutorOptions = field(default_factory=ExecutorOptions)
    profile: bool = False
    """Measure where the time goes, and write `profile.json` and `trace.json`."""


@dataclass(frozen=True)
class Plan:
    """A run before anything is computed; whatever is wrong with its options was found."""

    spec: RunSpec
    options: RunOptions
    selected: Selection
    scorers: ScorerSet
    models: ModelSet
    store: Store
    folder: Path
    shard: Shard | None = None
    profile: Profile = field(default_factory=Profile)

    @property
    def spec_hash(self) -> str:
        """Of the specification and the clips."""
        return self.spec.hash([item.id for item in self.selected.driven])

    @property
    def content(self) -> str:
        """Identifies the run, or the shard of it, in the marker of its folder."""
        return self.content_of(self.shard)

    def content_of(self, shard: Shard | None) -> str:
        """The same for another shard of the run."""
        return self.spec_hash + (f".{shard.name}" if shard else "")


def execute(spec: RunSpec, options: RunOptions) -> RunOutcome:
    """Carry out a run: prepare the clips, run the models, score their outputs and write the run folder.

    Prints nothing; progress goes to `options.display`. Whether it returns or raises, the process keeps its logging,
    environment variables, numbers of threads and signal handlers. What is in the store is not computed again.

    Args:
        spec: Models, clips and metrics.
        options: Where and how the run is carried out; they change no number.

    Returns:
        The results, as they also are in the run folder. Failures of clips are part of them.

    Raises:
        BenchError: The specification, the options or this machine do not allow the run; says why and what to do.

    """
    with open_plan(spec, options) as plan:
        record = do_tasks(plan)
        outcome = finalize(
            plan.spec, record, plan.scorers, plan.store, plan.folder, report=options.report, force=options.force
        )
    return replace(outcome, profile=plan.profile if options.profile else None)


@contextmanager
def open_plan(spec: RunSpec, options: RunOptions, shard: Shard | None = None) -> Iterator[Plan]:
    """Plan a run or a shard and open its folder; on leaving, the process is as it was. Raises `BenchError`."""
    with run_settings(), hidden(options.display is None):
        plan = _make_plan(spec, options, shard)
        if not options.force:
            check_same_run(plan.folder, plan.spec, plan.content)
        with open_run_folder(plan.folder, plan.spec, plan.store, plan.content), plan.profile.driving():
            _log_unavailable(plan)
            yield plan
        if options.profile:
            write_profile(plan.profile, plan.folder)


def _log_unavailable(plan: Plan) -> None:
    """Say in the log in full what tables say in one sentence."""
    for scorer in plan.scorers.unavailable:
        logger.warning("%s is unavailable: %s", ", ".join(info.column for info in scorer.wanted), scorer.details)
    for name, problem in plan.models.problems.items():
        logger.warning("%s is unavailable: %s", name, problem)


def _make_plan(spec: RunSpec, options: RunOptions, shard: Shard | None) -> Plan:
    if options.out is not None:
        check_run_folder(options.out, spec)
    with nullcontext() if options.out is None else made_folder(options.out):
        # Names before clips, whose rendering or hashing a mistyped one must not cost; clips before scorers, whose
        # weights are downloaded.
        require_metrics(spec.metrics)
        models = load_models(spec.models, requests(spec, options.device))
        selected = select(spec)
        scorers = load_scorers(spec.metrics, options.device, with_reference=spec.protocol == "reconstruction")
    spec = spec.model_copy(update={"split": selected.clips.split})
    digest = spec.hash([item.id for item in selected.driven])
    name = f"{spec.dataset}-{digest[:8]}" + (f".{shard.name}" if shard else "")
    return Plan(spec, options, selected, scorers, models, open_store(), options.out or Path("runs") / name, shard)


def do_tasks(plan: Plan) -> RunRecord:
    """Carry out all tasks of the plan: prepare, generate and score."""
    spec, options = plan.spec, plan.options
    driven = plan.selected.driven
    own = plan.shard.indexes(len(driven)) if plan.shard else None
    footage = FootageSources(spec.adapt, plan.selected.pool, plan.selected.kept) if spec.adapt else None
    schedule = Schedule(driven, _rows(plan), spec.size, own=own, footage=footage, ahead=options.executor.ahead)
    files = _required_files(spec, plan.selected.clips.clips)
    executor = make_executor(options.executor, _runner_config(plan), plan.store, files=files)
    with (options.display or progress_display)(schedule.counts()) as display:
        # Outputs of a shard are linked into the folder of the whole run, when shards are merged.
        state = RunState(schedule, display, plan.profile, None if plan.shard else linker(plan.store, plan.folder))
        drive(state, executor, ask_provenance=options.executor.settled != "local")
    return _record(plan, state)


def _rows(plan: Plan) -> list[ScheduledRow]:
    cross = plan.spec.protocol == "cross"
    return [
        ScheduledRow(model.name, needs_donor(model.card, cross=cross), model.request is not None)
        for model in plan.models.models
    ]


def _required_files(spec: RunSpec, clips: Sequence[Clip]) -> list[Path]:
    """What every machine must have: the data's folder, one clip to see whether it is mounted, the user's weights."""
    arguments = (parse_name(model).argument for model in spec.models)
    weights = [Path(argument) for argument in arguments if argument and Path(argument).exists()]
    return [*([spec.data_root] if spec.data_root else []), *(clip.video for clip in clips[:1]), *weights]


def _runner_config(plan: Plan) -> TaskRunnerConfig:
    options = plan.options
    models = {model.name: model for model in plan.models.models}
    loaded = LoadedParts(options.device, plan.store, plan.scorers.loaded, models)
    device = options.workers_device or options.device
    return TaskRunnerConfig(plan.spec, device, options.batch_size, options.report is not None, loaded)


def _record(plan: Plan, state: RunState) -> RunRecord:
    """What happened, in the order of the clips and rows, whatever the order of the work was."""
    rows = {run.name: RowRecord(run.name, run.mode, run.unavailable) for run in plan.models.unavailable}
    for model in plan.models.models:
        refused = inapplicable(plan.scorers.loaded, model.card)
        rows[model.name] = RowRecord(model.name, model.mode, "", refused, state.schedule.pair_records(model.name))
    return RunRecord(
        spec_hash=plan.spec_hash,
        clips=state.schedule.clip_records(),
        rows=[rows[card["name"]] for card in plan.models.cards],
        cards=plan.models.cards,
        notices=list(plan.selected.clips.notices),
        caveats=_caveats(plan.models),
        signatures=plan.scorers.signatures,
        provenance=state.provenance or provenance.gather(plan.options.device),
        timings=state.timings,
    )


def _caveats(models: ModelSet) -> list[str]:
    """One line per model, under the name of its first row."""
    rows = {id(row.model): row for row in reversed(models.models)}
    return [f"{row.name}: {row.card.caveat}" for row in reversed(rows.values()) if row.card.caveat]
