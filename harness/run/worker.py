"""Carries out the tasks of a run in a worker, with its store, models and scorers."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, NamedTuple

from bench_lipsync.harness.api.clip import PreparedClip
from bench_lipsync.harness.api.model import AdaptableModel, AdaptedModel, GenerateContext, LipSyncModel
from bench_lipsync.harness.api.seen_frames import refuse_seen
from bench_lipsync.harness.compute.device import device_of_worker
from bench_lipsync.harness.compute.threads import settle_threads
from bench_lipsync.harness.results import provenance
from bench_lipsync.harness.run.adaptation_footage import find_footage
from bench_lipsync.harness.run.audio_donors import row_audio
from bench_lipsync.harness.run.executors.base import WorkerContext
from bench_lipsync.harness.run.model_loading import LoadedModel, load_row
from bench_lipsync.harness.run.spec import RunSpec
from bench_lipsync.harness.run.work_items import (
    AboutTask,
    AudioTask,
    FootageRef,
    FootageTask,
    PairResult,
    PairTask,
    PrepareTask,
)
from bench_lipsync.harness.scoring.applicability import applicable
from bench_lipsync.harness.scoring.score import score_clip
from bench_lipsync.harness.scoring.scorers import LoadedScorer, load_scorers
from bench_lipsync.harness.stages import stages
from bench_lipsync.harness.store.mirror import open_store
from bench_lipsync.harness.store.store import Store
from bench_lipsync.harness.util.spans import span

_MODELS_KEPT = 2


class LoadedParts(NamedTuple):
    """What the driver's process has loaded already."""

    device: str
    store: Store
    scorers: tuple[LoadedScorer, ...]
    models: dict[str, LoadedModel]
    """By the name of the row."""


@dataclass(frozen=True)
class TaskRunnerConfig:
    """From which every worker makes its task runner; picklable."""

    spec: RunSpec
    device: str
    """`cpu`, `cuda`, `cuda:1` or `auto`, as seen from the worker."""
    batch_size: int
    previews: bool
    loaded: LoadedParts | None = None
    """For a runner in the driver's process; does not travel to other processes."""

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "loaded": None}

    def open(self, context: WorkerContext) -> Callable[[Any], Any]:
        """Load what the tasks need, or use what is loaded. Raises `BenchError`."""
        if self.loaded is not None:
            return TaskRunner(self, *self.loaded).do
        settle_threads()
        device = device_of_worker(self.device, context.index, context.alone)
        scorers = load_scorers(self.spec.metrics, device, with_reference=self.spec.protocol == "reconstruction")
        return TaskRunner(self, device, open_store(), scorers.loaded, {}).do


@dataclass
class TaskRunner:
    """Carries out tasks; their results lie in the store."""

    config: TaskRunnerConfig
    device: str
    store: Store
    scorers: tuple[LoadedScorer, ...]
    models: dict[str, LoadedModel]
    """By the name of the row; loaded when first needed, the least recently used one dropped."""
    _adapted: tuple[Path, LipSyncModel] | None = None

    def do(self, task: Any) -> Any:
        """The task's result. Raises `ClipError` for what is wrong with a clip, `BenchError` for what ends the run."""
        if isinstance(task, PairTask):
            return self._pair(task)
        if isinstance(task, PrepareTask):
            return self.store.ref(stages.prepare(task.clip, task.size, self.store).directory)
        if isinstance(task, AudioTask):
            return self.store.ref(stages.prepare_audio(task.audio, self.store))
        if isinstance(task, FootageTask):
            footage = find_footage(task.clip, task.candidates, task.seconds, task.size, self.store)
            return FootageRef(self.store.ref(footage.clip.directory), footage.frames, footage.cut)
        if isinstance(task, AboutTask):
            return provenance.gather(self.device)
        raise TypeError(f"no such task: {type(task).__name__}")

    def _pair(self, task: PairTask) -> PairResult:
        """Generate, score, preview."""
        row, store, ref = self._row(task.row), self.store, self.store.ref
        clip = replace(self._load(task.entry), id=task.clip)
        network = self._adapted_to(row, task.footage) if task.footage else row.model
        refuse_seen(network.seen if isinstance(network, AdaptedModel) else (), clip)
        donor = stages.read_audio(store.file(task.donor)) if task.donor else None
        audio = row_audio(row.card, clip, donor, cross=self.config.spec.protocol == "cross")
        context = GenerateContext(self.config.spec.seed, self.device, self.config.batch_size)
        output = stages.generate(network, clip, audio.driving, context, store)
        scores = score_clip(applicable(self.scorers, row.card), clip, output, audio.reference, store)
        preview = stages.preview(output, audio.reference, store) if self.config.previews else None
        return PairResult(
            video=ref(output.video),
            preview=ref(preview) if preview else None,
            values=scores.values,
            features=scores.features,
            curves=scores.curves,
            failures=scores.failures,
            notes=output.notes,
            seconds=output.seconds,
        )

    def _row(self, name: str) -> LoadedModel:
        """Rows come one after the other, so more than two are rarely needed at once."""
        row = self.models.pop(name, None)
        if row is None:
            with span("load", name):
                row = load_row(self.config.spec, self.device, name)
        while len(self.models) >= _MODELS_KEPT:
            del self.models[next(iter(self.models))]
        self.models[name] = row
        return row

    def _load(self, entry: str) -> PreparedClip:
        return PreparedClip.load(self.store.file(entry))

    def _adapted_to(self, row: LoadedModel, footage: FootageRef) -> LipSyncModel:
        """The row's model adapted to a speaker; made in the store if it is not there yet."""
        if row.request is None or not isinstance(row.model, AdaptableModel):
            raise TypeError(f"{row.name} is not adapted")
        folder = stages.adapt(row.model, self._load(footage.entry), footage.frames, row.request, self.store)
        # One at a time: a published network takes half a gigabyte.
        if self._adapted is None or self._adapted[0] != folder:
            self._adapted = (folder, row.model.adapted(folder))
        return self._adapted[1]
