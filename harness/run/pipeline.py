"""The whole path of a run: clips, tasks for them, workers, and the run folder that holds what came out."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from bench_lipsync.harness.api.clip import Clip
from bench_lipsync.harness.compute.batching import AUTO
from bench_lipsync.harness.compute.process_state import run_settings
from bench_lipsync.harness.profiling.profile import Profile
from bench_lipsync.harness.profiling.summary import write_profile
from bench_lipsync.harness.registry.model_names import parse_name
from bench_lipsync.harness.results import provenance
from bench_lipsync.harness.run.driver import Course, carry_out
from bench_lipsync.harness.run.executors.base import Place
from bench_lipsync.harness.run.executors.factory import ExecutorOptions, make_executor
from bench_lipsync.harness.run.finalize import PageWriter, RunOutcome, finish
from bench_lipsync.harness.run.folder import linker, open_run_folder
from bench_lipsync.harness.run.model_loading import ModelSet, load_models, requests
from bench_lipsync.harness.run.progress_display import DisplayFactory, progress_display
from bench_lipsync.harness.run.record import ClipLine, Ledger, RowLine
from bench_lipsync.harness.run.schedule import Footage, Row, Schedule
from bench_lipsync.harness.run.selection import Selection, Shard, select
from bench_lipsync.harness.run.spec import RunSpec
from bench_lipsync.harness.run.worker import Workshop, WorkshopSetup, needs_donor
from bench_lipsync.harness.scoring.applicability import refused
from bench_lipsync.harness.scoring.scorers import ScorerSet, load_scorers
from bench_lipsync.harness.store.mirror import open_store
from bench_lipsync.harness.store.store import Store
from bench_lipsync.harness.util.progress import hidden


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
    executor: ExecutorOptions = field(default_factory=ExecutorOptions)
    profile: bool = False
    """Measure where the time goes, and write `profile.json` and `trace.json`."""


@dataclass(frozen=True)
class Plan:
    """A run before anything was done: everything that can be wrong with its options has been found out."""

    spec: RunSpec
    options: RunOptions
    selected: Selection
    scorers: ScorerSet
    models: ModelSet
    store: Store
    folder: Path
    shard: Shard | None = None

    @property
    def spec_hash(self) -> str:
        """Of the specification and the clips."""
        return self.spec.hash([clip.id for clip in self.selected.found.clips])


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
    with run_settings(), hidden(options.display is None):
        plan = make_plan(spec, options)
        profile = Profile()
        with open_run_folder(plan.folder, plan.spec, plan.store), profile.driving():
            ledger = do_tasks(plan, profile)
            outcome = finish(plan.spec, ledger, plan.scorers, plan.store, plan.folder, report=options.report)
        if not options.profile:
            return outcome
        write_profile(profile, plan.folder)
        return replace(outcome, profile=profile)


def make_plan(spec: RunSpec, options: RunOptions, shard: Shard | None = None) -> Plan:
    """Load and look up everything that the run names. Raises `BenchError`."""
    # Names are checked first: a mistyped one must not cost the rendering or hashing of a data set, or leave a folder.
    scorers = load_scorers(spec.metrics, options.device, with_reference=spec.protocol == "reconstruction")
    models = load_models(spec.models, requests(spec, options.device))
    selected = select(spec)
    spec = spec.model_copy(update={"split": selected.found.split})
    digest = spec.hash([clip.id for clip in selected.found.clips])
    name = f"{spec.dataset}-{digest[:8]}" + (f".{shard.name}" if shard else "")
    return Plan(spec, options, selected, scorers, models, open_store(), options.out or Path("runs") / name, shard)


def do_tasks(plan: Plan, profile: Profile) -> Ledger:
    """Prepare, generate and score everything of the plan."""
    spec, options = plan.spec, plan.options
    rows = _rows(plan)
    clips = plan.selected.found.clips
    own = plan.shard.indexes(len(clips)) if plan.shard else None
    schedule = Schedule(clips, rows, spec.size, own, _footage(plan), options.executor.ahead)
    count = len(clips if own is None else own)
    stages = [*(["footage"] if spec.adapt else []), "prepare", *(row.name for row in rows)]
    files = _files_of(spec, clips)
    executor = make_executor(options.executor, *_setups(plan), notes=plan.store.root / "tmp", files=files)
    with (options.display or progress_display)(dict.fromkeys(stages, count)) as shown:
        # A part has no folders of its own for outputs: they belong to the whole.
        course = Course(schedule, shown, profile, None if plan.shard else linker(plan.store, plan.folder))
        carry_out(course, executor, ask_about=options.executor.settled != "local")
    return _ledger(plan, course)


def _rows(plan: Plan) -> list[Row]:
    cross = plan.spec.protocol == "cross"
    return [Row(one.name, needs_donor(one.card, cross=cross), one.request is not None) for one in plan.models.models]


def _footage(plan: Plan) -> Footage | None:
    return Footage(plan.spec.adapt, plan.selected.pool, plan.selected.kept) if plan.spec.adapt else None


def _files_of(spec: RunSpec, clips: Sequence[Clip]) -> list[Path]:
    """The folder of the data, one of its clips to see whether it is really mounted, and weights that users name."""
    named = (parse_name(model).argument for model in spec.models)
    weights = [Path(argument) for argument in named if argument and Path(argument).exists()]
    return [*([spec.data_root] if spec.data_root else []), *(clip.video for clip in clips[:1]), *weights]


@dataclass(frozen=True)
class _Here:
    """The setup of this process, where everything is loaded already."""

    workshop: Workshop

    def open(self, place: Place) -> Callable[[Any], Any]:
        return self.workshop.do


def _setups(plan: Plan) -> tuple[_Here, WorkshopSetup]:
    options = plan.options
    device = options.workers_device or options.device
    setup = WorkshopSetup(plan.spec, device, options.batch_size, options.report is not None)
    loaded = {model.name: model for model in plan.models.models}
    return _Here(Workshop(setup, options.device, plan.store, plan.scorers.loaded, loaded)), setup


def _ledger(plan: Plan, course: Course) -> Ledger:
    """What happened, in the order of the clips and rows, whatever the order of the work was."""
    lines = []
    for state in course.schedule.own_clips():
        donor = course.schedule.donor_of(state)
        clip = state.clip
        name = donor.clip.id if donor else None
        lines.append(ClipLine(clip.id, clip.identity, state.entry, state.trouble, name, state.footage))
    unavailable = {run.name: run for run in plan.models.unavailable}
    loaded = {model.name: model for model in plan.models.models}
    rows = []
    for card in plan.models.cards:
        name = card["name"]
        if name in unavailable:
            rows.append(RowLine(name, unavailable[name].mode, unavailable[name].unavailable))
            continue
        pairs = {line.id: course.schedule.pairs[name, line.id] for line in lines if line.entry}
        rows.append(RowLine(name, loaded[name].mode, "", refused(plan.scorers.loaded, loaded[name].card), pairs))
    return Ledger(
        spec_hash=plan.spec_hash,
        clips=lines,
        rows=rows,
        cards=plan.models.cards,
        notices=list(plan.selected.found.notices),
        caveats=_caveats(plan.models),
        signatures=sorted(info.signature for one in plan.scorers.loaded for info in one.wanted),
        provenance=course.provenance or provenance.gather(plan.options.device),
        timings=course.timings,
    )


def _caveats(models: ModelSet) -> list[str]:
    rows = {id(model.model): model for model in reversed(models.models)}  # one of a model's rows
    return [f"{model.name}: {model.card.caveat}" for model in reversed(rows.values()) if model.card.caveat]
