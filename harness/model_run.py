"""One model over all clips: generate, score, preview; every clip ends as scores or as a typed failure."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from harness import stages
from harness.adapted import AdaptedWeights
from harness.aggregate import ModelRun
from harness.clip import SAMPLES_PER_FRAME, PreparedClip
from harness.comparable import comparable, refused
from harness.donors import fit_audio
from harness.loading import LoadedModel
from harness.model import GenerateContext, LipSyncModel
from harness.names import safe_id
from harness.scorers import LoadedScorer
from harness.scoring import Scores, score
from harness.seen import refuse_seen
from harness.status import ClipError, Status
from harness.store import Store, link_or_copy

logger = logging.getLogger("bench")


@dataclass(frozen=True)
class ModelJob:
    """Everything that is the same for all models of a run."""

    folder: Path
    store: Store
    scorers: tuple[LoadedScorer, ...]
    clips: Mapping[str, PreparedClip]
    unprepared: Mapping[str, ClipError]
    donors: Mapping[str, PreparedClip | None]
    cross: bool
    context: GenerateContext
    previews: bool = True


def run_model(
    model: LoadedModel, job: ModelJob, tick: Callable[[str], None], adapted: AdaptedWeights | None = None
) -> ModelRun:
    """Carry `model`, or its copy `adapted` to each person, over every clip of `job`; `tick` is called once a clip."""
    refusals = refused(job.scorers, model.card)
    run = ModelRun(model.name, failures=dict(job.unprepared), mode=model.mode, refused=refusals)
    for clip in job.clips.values():
        try:
            network = adapted.for_clip(clip.id) if adapted else model.model
            done = _one_clip(model, network, clip, job)
            run.scores[clip.id], run.notes[clip.id] = done.scores, done.notes
            if done.seconds is not None:
                run.seconds[clip.id] = done.seconds
        except ClipError as error:
            logger.warning("%s on %s: %s", model.name, clip.id, error)
            run.failures[clip.id] = error
        tick(clip.id)
    return run


class _Done(NamedTuple):
    scores: Scores
    notes: tuple[str, ...]
    seconds: float | None


def _one_clip(model: LoadedModel, network: LipSyncModel, clip: PreparedClip, job: ModelJob) -> _Done:
    refuse_seen(network, clip)
    given, judged = _audios(model, clip, job)
    output = stages.generate(network, clip, given, job.context, job.store)
    name = safe_id(model.name)
    link_or_copy(output.video, job.folder / "generated" / name / f"{clip.id}.mkv")
    scores = score(comparable(job.scorers, model.card), clip, output, judged, job.store)
    if job.previews:
        shown = stages.preview(output, judged, job.store)
        link_or_copy(shown, job.folder / "media" / name / f"{clip.id}.mp4")
    return _Done(scores, output.notes, output.seconds)


class _Audios(NamedTuple):
    given: NDArray[np.int16]
    judged: NDArray[np.int16]


def _audios(model: LoadedModel, clip: PreparedClip, job: ModelJob) -> _Audios:
    """What the model hears and what its lips are judged against."""
    own = clip.audio()
    real = model.name == "ground-truth"
    foreign_given = job.cross and not real
    foreign_judged = foreign_given or model.card.scores_audio == "shuffled"
    if not foreign_judged:
        return _Audios(own, own)
    donor = job.donors[clip.id]
    if donor is None:
        raise ClipError(Status.NO_AUDIO, "no other clip in this run whose audio could be used")
    foreign = fit_audio(donor.audio(), clip.frames * SAMPLES_PER_FRAME)
    return _Audios(foreign if foreign_given else own, foreign)
