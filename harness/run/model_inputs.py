"""Inputs for a model that runs elsewhere and is scored here: every clip's canonical video and driving audio."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import NamedTuple

from bench_lipsync.harness.api.clip import SAMPLES_PER_FRAME
from bench_lipsync.harness.media import write_wav
from bench_lipsync.harness.run.audio_donors import assign_donors, fit_audio
from bench_lipsync.harness.run.selection import select_clips
from bench_lipsync.harness.run.spec import RunSpec
from bench_lipsync.harness.stages.stages import prepare_all
from bench_lipsync.harness.store.mirror import open_store
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
    prepared = prepare_all(select_clips(spec).clips, spec.size, open_store())
    donors = assign_donors(list(prepared.clips.values()))
    problems = [f"left out {clip}: {error.reason}" for clip, error in prepared.failures.items()]
    mark_output(folder, "inputs")
    written = 0
    for clip in prepared.clips.values():
        audio, donor = clip.audio(), donors[clip.id]
        if spec.protocol == "cross":
            if donor is None:
                problems.append(f"left out {clip.id}: no other clip whose audio could be used")
                continue
            audio = fit_audio(donor.audio(), clip.frames * SAMPLES_PER_FRAME)
        # A copy and no link: changing it must not change the stored clip.
        shutil.copyfile(clip.video_path, folder / f"{clip.id}.mkv")
        write_wav(folder / f"{clip.id}.wav", audio)
        written += 1
    return Written(written, tuple(problems))
