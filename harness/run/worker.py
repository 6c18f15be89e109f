"""What does the tasks of a run: the store, the loaded models and scorers; one of it in every worker."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from bench_lipsync.harness.api.clip import SAMPLES_PER_FRAME, PreparedClip
from bench_lipsync.harness.api.model import AdaptableModel, AdaptedModel, GenerateContext, LipSyncModel, ModelCard
from bench_lipsync.harness.api.seen_frames import refuse_seen
from bench_lipsync.harness.compute.device import device_of_worker
from bench_lipsync.harness.compute.threads import settle_threads
from bench_lipsync.harness.errors import ClipError, Status
from bench_lipsync.harness.results import provenance
from bench_lipsync.harness.run.adaptation_footage import find_footage
from bench_lipsync.harness.run.audio_donors import fit_audio
from bench_lipsync.harness.run.executors.base import Place
from bench_lipsync.harness.run.model_loading import LoadedModel, load_row
from bench_lipsync.harness.run.spec import RunSpec
from bench_lipsync.harness.run.tasks import (
    AboutTask,
    FootageRef,
    FootageTask,
    PairDone,
    PairTask,
    PrepareTask,
    Trouble,
)
from bench_lipsync.harness.scoring.applicability import comparable
from bench_lipsync.harness.scoring.score import score
from bench_lipsync.harness.scoring.scorers import LoadedScorer, load_scorers
from bench_lipsync.harness.stages import stages
from bench_lipsync.harness.store.mirror import open_store
from bench_lipsync.harness.store.store import Store
from bench_lipsync.harness.util.spans import span

_MODELS_KEPT = 2


@dataclass(frozen=True)
class WorkshopSetup:
    """From which a worker makes its workshop."""

    spec: RunSpec
    device: str
    """`cpu`, `cuda`, `cuda:1` or `auto`, as seen from the worker."""
    batch_size: int
    previews: bool

    def open(self, place: Place) -> Callable[[Any], Any]:
        """Load what the tasks need. Raises `BenchError`."""
        settle_threads()
        device = device_of_worker(self.device, place.index, place.alone)
        scorers = load_scorers(self.spec.metrics, device, with_reference=self.spec.protocol == "reconstruction")
        return Workshop(self, device, open_store(), scorers.loaded).do


@dataclass
class Workshop:
    """Does tasks; what it makes lies in the store."""

    setup: WorkshopSetup
    device: str
    store: Store
    scorers: tuple[LoadedScorer, ...]
    models: dict[str, LoadedModel] = field(default_factory=dict)
    """By the name of the row; loaded when first needed, the longest unused given up."""
    _tuned: tuple[Path, LipSyncModel] | None = None

    def do(self, task: Any) -> Any:
        """The task's result. Raises `ClipError` for what is wrong with a clip, `BenchError` for what ends the run."""
        if isinstance(task, PairTask):
            return self._pair(task)
        if isinstance(task, PrepareTask):
            return self.store.ref(stages.prepare(task.clip, task.size, self.store).directory)
        if isinstance(task, FootageTask):
            found = find_footage(task.clip, task.candidates, task.seconds, task.size, self.store)
            return FootageRef(self.store.ref(found.clip.directory), found.frames, found.cut)
        if isinstance(task, AboutTask):
            return provenance.gather(self.device)
        raise TypeError(f"no such task: {type(task).__name__}")

    def _pair(self, task: PairTask) -> PairDone:
        """Generate, score, preview."""
        row, store, ref = self._row(task.row), self.store, self.store.ref
        clip = self._load(task.entry)
        network = self._tuned_to(row, task.footage) if task.footage else row.model
        refuse_seen(network.seen if isinstance(network, AdaptedModel) else (), clip)
        donor = self._load(task.donor) if task.donor else None
        sound = sounds(row.card, clip, donor, cross=self.setup.spec.protocol == "cross")
        context = GenerateContext(self.setup.spec.seed, self.device, self.setup.batch_size)
        output = stages.generate(network, clip, sound.given, context, store)
        scores = score(comparable(self.scorers, row.card), clip, output, sound.judged, store)
        preview = stages.preview(output, sound.judged, store) if self.setup.previews else None
        return PairDone(
            video=ref(output.video),
            preview=ref(preview) if preview else None,
            values=scores.values,
            features={column: ref(path) for column, path in scores.features.items()},
            curves={column: ref(path) for column, path in scores.curves.items()},
            failures=tuple(Trouble.of(error) for error in scores.failures),
            notes=output.notes,
            seconds=output.seconds,
        )

    def _row(self, name: str) -> LoadedModel:
        """Rows come one after the other, so more than two are rarely needed at once."""
        row = self.models.pop(name, None)
        if row is None:
            with span("load", name):
                row = load_row(self.setup.spec, self.device, name)
        while len(self.models) >= _MODELS_KEPT:
            del self.models[next(iter(self.models))]
        self.models[name] = row
        return row

    def _load(self, entry: str) -> PreparedClip:
        return PreparedClip.load(self.store.file(entry))

    def _tuned_to(self, row: LoadedModel, footage: FootageRef) -> LipSyncModel:
        """The row's model tuned to a person; made in the store if it is not there yet."""
        if row.request is None or not isinstance(row.model, AdaptableModel):
            raise TypeError(f"{row.name} is not adapted")
        folder = stages.adapt(row.model, self._load(footage.entry), footage.frames, row.request, self.store)
        # One at a time: a published network takes half a gigabyte.
        if self._tuned is None or self._tuned[0] != folder:
            self._tuned = (folder, row.model.adapted(folder))
        return self._tuned[1]


class Sounds(NamedTuple):
    """What is heard in place of a clip's own sound, or is its own; int16 of shape (frames * 640,)."""

    given: NDArray[np.int16]
    """What the model hears."""
    judged: NDArray[np.int16]
    """What its lips are judged against."""


def sounds(card: ModelCard, clip: PreparedClip, donor: PreparedClip | None, *, cross: bool) -> Sounds:
    """The sounds of a row on `clip`. Raises `ClipError` (`no_audio`) where a donor is needed and there is none."""
    own = clip.audio()
    if not needs_donor(card, cross=cross):
        return Sounds(own, own)
    if donor is None:
        raise ClipError(Status.NO_AUDIO, "no other clip in this run whose audio could be used")
    foreign = fit_audio(donor.audio(), clip.frames * SAMPLES_PER_FRAME)
    return Sounds(foreign if _given_foreign(card, cross) else own, foreign)


def needs_donor(card: ModelCard, *, cross: bool) -> bool:
    """Whether another clip's sound is heard or judged in the row of a model with this card."""
    return _given_foreign(card, cross) or card.scores_audio == "shuffled"


def _given_foreign(card: ModelCard, cross: bool) -> bool:
    return cross and card.name != "ground-truth"
