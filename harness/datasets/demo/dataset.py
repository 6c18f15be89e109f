"""The demo dataset: rendered once into the cache, on first use."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Set as AbstractSet
from pathlib import Path
from typing import TYPE_CHECKING

from bench_lipsync.harness.api.clip import SAMPLES_PER_FRAME, Clip
from bench_lipsync.harness.api.dataset import ClipList, ClipRequest
from bench_lipsync.harness.datasets.demo.plan import ClipPlan, adaptation_plans, generator_version, plans
from bench_lipsync.harness.datasets.demo.portraits import SPLITS, load_portrait
from bench_lipsync.harness.errors import BenchError, suggest
from bench_lipsync.harness.util.output_marker import tag_cache
from bench_lipsync.harness.util.paths import cache_dir

if TYPE_CHECKING:
    from bench_lipsync.harness.datasets.demo.render import Head

LICENCE = "Apache-2.0 (generated; the persons do not exist)"


def render_clip(plan: ClipPlan, folder: Path, head: Head | None = None) -> Clip:
    """Render a clip as ID.mkv (FFV1), ID.wav and ID.json, unless it exists already.

    ID.json holds the ground truth: sentence, phonemes with times in seconds, curves of mouth and head at 25 fps.
    Files appear under their names only when they are complete.

    Args:
        plan: The clip.
        folder: Receives the files.
        head: The prepared portrait, if it is at hand.
    """
    video = folder / f"{plan.id}.mkv"
    if not video.exists():
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=folder, prefix=f".{plan.id}.") as scratch:
            _render(plan, Path(scratch), head)
            # The video last: its presence marks the clip as complete.
            for suffix in (".json", ".wav", ".mkv"):
                (Path(scratch) / f"clip{suffix}").replace(folder / f"{plan.id}{suffix}")
    return Clip(plan.id, plan.identity, video, audio=video.with_suffix(".wav"), split=plan.split, licence=LICENCE)


def _render(plan: ClipPlan, scratch: Path, head: Head | None) -> None:
    import numpy as np

    from bench_lipsync.harness.datasets.demo.motion import make_motion
    from bench_lipsync.harness.datasets.demo.render import FRAME_SIZE, build_head, render_frames
    from bench_lipsync.harness.datasets.demo.speech import synthesise
    from bench_lipsync.harness.datasets.demo.visemes import articulate
    from bench_lipsync.harness.media import LosslessWriter, write_wav

    rng = np.random.Generator(np.random.PCG64(plan.seed))
    spoken = synthesise(plan.sentence, plan.voice)
    frames = -(-len(spoken.samples) // SAMPLES_PER_FRAME)
    speech = articulate(spoken.phonemes, frames)
    motion = make_motion(rng, frames, plan.yaw_reach, speech.opening)
    samples = np.pad(spoken.samples, (0, frames * SAMPLES_PER_FRAME - len(spoken.samples))).astype(np.float64)
    # Room noise instead of digital silence.
    samples = np.clip(np.rint(samples + rng.normal(0, 6.0, len(samples))), -32768, 32767)
    write_wav(scratch / "clip.wav", samples.astype(np.int16))
    if head is None:
        head = build_head(load_portrait(plan.portrait))
    with LosslessWriter(scratch / "clip.mkv", FRAME_SIZE, FRAME_SIZE) as writer:
        for frame in render_frames(head, speech, motion, rng):
            writer.write(frame[None])
    truth = {
        "id": plan.id,
        "sentence": plan.sentence,
        "voice": plan.voice.name,
        "frames": frames,
        "av_offset": 0,
        "phonemes": [[p.name, round(p.start, 4), round(p.end, 4)] for p in spoken.phonemes],
        "curves": {
            name: np.round(curve, 4).tolist() for part in (speech, motion) for name, curve in vars(part).items()
        },
    }
    (scratch / "clip.json").write_text(json.dumps(truth), encoding="utf-8")


class DemoDataset:
    """Synthetic talking heads, rendered on first use; their audio-visual offset is 0."""

    name = "demo"

    def __init__(self, clips_per_identity: int | None = None) -> None:
        self._count = clips_per_identity

    def clips(self, request: ClipRequest) -> ClipList:
        """Clips of `test` (for `auto`), `train`, `val` or `all`.

        Raises:
            BenchError: Another split was requested.
        """
        split = "test" if request.split == "auto" else request.split
        known = ("auto", "all", *SPLITS)
        if split not in known:
            raise BenchError(f"demo has no split {request.split!r}; {suggest(request.split, known)}")
        selected = [plan for part in (SPLITS if split == "all" else (split,)) for plan in plans(part, self._count)]
        clips = sorted(_render_missing(selected), key=lambda clip: clip.id)
        notices = () if request.data_root is None else ("demo is generated: --data-root is not used",)
        return ClipList(tuple(clips), split, notices)

    def adaptation_clips(self, identities: AbstractSet[str]) -> tuple[Clip, ...]:
        """Adaptation footage of the `identities` in the test split; those of other splits have several clips anyway."""
        return tuple(_render_missing([plan for plan in adaptation_plans() if plan.identity in identities]))


def _render_missing(selected: list[ClipPlan]) -> list[Clip]:
    """Render the clips that are not cached, with a progress bar; each head is prepared once for all its clips."""
    from bench_lipsync.harness.util.progress import stage

    root = cache_dir() / "demo" / generator_version()
    missing = sum(not (root / plan.split / f"{plan.id}.mkv").exists() for plan in selected)
    if missing:
        root.mkdir(parents=True, exist_ok=True)
        tag_cache(root)
    heads: dict[str, Head] = {}
    clips = []
    with stage("demo clips", missing) as tick:
        for plan in selected:
            exists = (root / plan.split / f"{plan.id}.mkv").exists()
            if not exists and plan.portrait not in heads:
                from bench_lipsync.harness.datasets.demo.render import build_head

                heads = {plan.portrait: build_head(load_portrait(plan.portrait))}
            clips.append(render_clip(plan, root / plan.split, heads.get(plan.portrait)))
            if not exists:
                tick(plan.id)
    return clips
