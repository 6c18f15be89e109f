"""Inputs for a model that runs elsewhere and is scored here: every clip's canonical video and driving audio."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from bench_lipsync.harness.api.clip import SAMPLES_PER_FRAME, DrivenClip, PreparedClip
from bench_lipsync.harness.errors import ClipError, Status
from bench_lipsync.harness.media import write_wav
from bench_lipsync.harness.run.audio_donors import assign_donors, fit_audio
from bench_lipsync.harness.run.selection import select
from bench_lipsync.harness.run.spec import RunSpec
from bench_lipsync.harness.stages.stages import prepare_all, prepare_audio, read_audio
from bench_lipsync.harness.store.mirror import open_store
from bench_lipsync.harness.store.store import Store
from bench_lipsync.harness.util.output_marker import mark_output


class Written(NamedTuple):
    """Result of `write_inputs`."""

    clips: int
    problems: tuple[str, ...]
    """Clips that were left out, and why."""


def write_inputs(spec: RunSpec, folder: Path) -> Written:
    """Write `CLIP.mkv` (FFV1, 25 frames per second, the canonical crop) and `CLIP.wav` (16 kHz mono) into `folder`.

    In the `cross` protocol the audio is that of the clip's donor. A video made from both, named `CLIP.mp4` or the like,
    is what `bench score` takes. Raises `BenchError` as `harness.run.selection.select` does.
    """
    selected, store = select(spec), open_store()
    prepared = prepare_all(selected.clips.clips, spec.size, store)
    donors = assign_donors(list(prepared.clips.values()))
    problems = [f"left out {clip}: {error.reason}" for clip, error in prepared.failures.items()]
    mark_output(folder, "inputs")
    written = 0
    for item in selected.driven:
        clip = prepared.clips.get(item.clip.id)
        if clip is None:
            continue
        audio, donor = clip.audio(), donors[clip.id]
        if spec.protocol == "cross":
            try:
                audio = fit_audio(_driving(item, donor, store), clip.frames * SAMPLES_PER_FRAME)
            except ClipError as error:
                problems.append(f"left out {item.id}: {error.reason}")
                continue
        # A copy and no link: changing it must not change the stored clip.
        shutil.copyfile(clip.video_path, folder / f"{item.id}.mkv")
        write_wav(folder / f"{item.id}.wav", audio)
        written += 1
    return Written(written, tuple(problems))


def _driving(item: DrivenClip, donor: PreparedClip | None, store: Store) -> NDArray[np.int16]:
    """The audio that drives `item` in the cross protocol. Raises `ClipError`."""
    if item.audio:
        return read_audio(prepare_audio(item.audio, store))
    if donor is None:
        raise ClipError(Status.NO_AUDIO, "no other clip whose audio could be used")
    return donor.audio()
