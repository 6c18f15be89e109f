"""The demo dataset: which identity says which sentence in which voice, rendered once into the cache."""

from __future__ import annotations

import hashlib
import json
import tempfile
from dataclasses import dataclass
from functools import cache
from importlib.metadata import version
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING

from harness.clip import SAMPLES_PER_FRAME, Clip
from harness.datasets.base import ClipList, ClipRequest
from harness.datasets.demo.portraits import SPLITS, load_portrait, portrait_names, sentences
from harness.datasets.demo.speech import Voice
from harness.paths import cache_dir
from harness.status import BenchError

if TYPE_CHECKING:
    from harness.datasets.demo.render import Head

GENERATOR_VERSION = 1
"""Raise it with every change of the code in this folder that changes pixels, samples or curves."""
CLIPS_PER_IDENTITY = {"train": 5, "val": 2, "test": 1}
LICENCE = "Apache-2.0 (generated; the persons do not exist)"
YAW_REACH = (30.0, 12.0, 20.0, 8.0, 26.0)
"""Largest yaw in degrees, given to the clips of a split in turn."""
_ACCENTS = ("America", "Great Britain", "Received Pronunciation", "Scotland", "America, New York City", "Caribbean")
_VARIANTS = {"f": ("f1", "f2", "f3", "f4", "f5"), "m": ("m1", "m2", "m3", "m4", "m7", "m8")}
_VOICES = {"train": "mmmmfmmmffmmfmfmffffmmffmmmffmmmffffmfmfmmffmffm", "val": "fmmf", "test": "mffmfmmf"}
"""Which kind of voice suits the portraits of a split, in their order."""


@dataclass(frozen=True)
class ClipPlan:
    """All that decides one clip; equal plans give equal bytes."""

    id: str
    identity: str
    split: str
    portrait: str
    sentence: str
    voice: Voice
    yaw_reach: float
    """Degrees."""
    seed: int


def plans(split: str, clips_per_identity: int | None = None) -> tuple[ClipPlan, ...]:
    """What the clips of a split are, sorted by id; `clips_per_identity` defaults to `CLIPS_PER_IDENTITY`."""
    usual = CLIPS_PER_IDENTITY[split]
    texts, portraits = sentences(split), portrait_names(split)
    made = []
    for number, portrait in enumerate(portraits):
        for take in range(usual if clips_per_identity is None else clips_per_identity):
            # A take means the same clip however many are asked for. The stride has no divisor in common with the lists'
            # lengths, which spreads the sentences.
            turn, within = divmod(take, usual)
            serial = (turn * len(portraits) + number) * usual + within
            clip_id = f"demo_{portrait}_{take}"
            made.append(
                ClipPlan(
                    id=clip_id,
                    identity=f"demo_{portrait}",
                    split=split,
                    portrait=portrait,
                    sentence=texts[(serial * 7 + turn * 13) % len(texts)],
                    voice=_voice(split, number, take),
                    yaw_reach=YAW_REACH[(number + take) % len(YAW_REACH)],
                    seed=int.from_bytes(hashlib.sha256(clip_id.encode()).digest()[:8], "little"),
                )
            )
    return tuple(sorted(made, key=lambda plan: plan.id))


def _voice(split: str, number: int, take: int) -> Voice:
    """An identity keeps its accent, variant and pitch; its rate changes a little from clip to clip."""
    kind = _VOICES[split][number]
    variants = _VARIANTS[kind]
    offset = {"train": 0, "val": 2, "test": 1}[split]
    return Voice(
        name=f"English ({_ACCENTS[(number + offset) % len(_ACCENTS)]})+{variants[(number // 2 + offset) % len(variants)]}",
        rate=126 + 4 * ((3 * number + 2 * take) % 7),
        pitch=36 + 4 * ((5 * number + offset) % 9),
        range=40 + 5 * (number % 5),
    )


@cache
def generator_version() -> str:
    """12 hex digits that change whenever the clips would: code version, stills, sentences, speech engine."""
    digest = hashlib.sha256(f"{GENERATOR_VERSION} {version('espeakng-loader')}".encode())
    data = files(__package__).joinpath("data")
    for name in sorted(entry.name for entry in data.iterdir()):
        digest.update(name.encode() + data.joinpath(name).read_bytes())
    return digest.hexdigest()[:12]


def render_clip(plan: ClipPlan, folder: Path, head: Head | None = None) -> Clip:
    """Render `plan` into `folder` as ID.mkv (FFV1), ID.wav and ID.json, unless it is there already.

    ID.json holds the ground truth: sentence, phonemes with times in seconds, and the curves of the mouth and the head at
    25 fps. `head` saves preparing the portrait again. Files appear under their names only when they are complete.
    """
    video = folder / f"{plan.id}.mkv"
    if not video.exists():
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=folder, prefix=f".{plan.id}.") as scratch:
            _render(plan, Path(scratch), head)
            # The video last: it is what says that the clip is complete.
            for suffix in (".json", ".wav", ".mkv"):
                (Path(scratch) / f"clip{suffix}").replace(folder / f"{plan.id}{suffix}")
    return Clip(plan.id, plan.identity, video, audio=video.with_suffix(".wav"), split=plan.split, licence=LICENCE)


def _render(plan: ClipPlan, scratch: Path, head: Head | None) -> None:
    import numpy as np

    from harness.datasets.demo.motion import make_motion
    from harness.datasets.demo.render import FRAME_SIZE, build_head, render_frames
    from harness.datasets.demo.speech import synthesise
    from harness.datasets.demo.visemes import articulate
    from harness.media import LosslessWriter, write_wav

    rng = np.random.Generator(np.random.PCG64(plan.seed))
    spoken = synthesise(plan.sentence, plan.voice)
    frames = -(-len(spoken.samples) // SAMPLES_PER_FRAME)
    speech = articulate(spoken.phonemes, frames)
    motion = make_motion(rng, frames, plan.yaw_reach, speech.opening)
    samples = np.pad(spoken.samples, (0, frames * SAMPLES_PER_FRAME - len(spoken.samples))).astype(np.float64)
    # A quiet room instead of digital silence.
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
    """Talking heads of people who do not exist, rendered on first use; known audio-visual offset 0."""

    name = "demo"

    def __init__(self, clips_per_identity: int | None = None) -> None:
        self._count = clips_per_identity

    def clips(self, request: ClipRequest) -> ClipList:
        """Clips of `test` (for `auto`), `train`, `val` or `all`. Raises `BenchError` for another split."""
        split = "test" if request.split == "auto" else request.split
        if split not in (*SPLITS, "all"):
            raise BenchError(f"demo has no split {request.split!r}; known: auto, all, {', '.join(SPLITS)}")
        wanted = [plan for part in (SPLITS if split == "all" else (split,)) for plan in plans(part, self._count)]
        clips = sorted(_render_missing(wanted), key=lambda clip: clip.id)
        notices = () if request.data_root is None else ("demo is generated: --data-root is not used",)
        return ClipList(tuple(clips), split, notices)


def _render_missing(wanted: list[ClipPlan]) -> list[Clip]:
    """Render what the cache lacks, with a progress bar; a head is prepared once for all its clips."""
    from harness.progress import stage

    root = cache_dir() / "demo" / generator_version()
    missing = sum(not (root / plan.split / f"{plan.id}.mkv").exists() for plan in wanted)
    heads: dict[str, Head] = {}
    clips = []
    with stage("demo clips", missing) as tick:
        for plan in wanted:
            exists = (root / plan.split / f"{plan.id}.mkv").exists()
            if not exists and plan.portrait not in heads:
                from harness.datasets.demo.render import build_head

                heads = {plan.portrait: build_head(load_portrait(plan.portrait))}
            clips.append(render_clip(plan, root / plan.split, heads.get(plan.portrait)))
            if not exists:
                tick(plan.id)
    return clips
