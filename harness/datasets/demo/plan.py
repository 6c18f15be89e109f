"""Plan of the demo dataset: which identity says which sentence in which voice."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace
from functools import cache
from importlib.metadata import version
from importlib.resources import files

from bench_lipsync.harness.datasets.demo.portraits import portrait_names, sentences
from bench_lipsync.harness.datasets.demo.speech import Voice

GENERATOR_VERSION = 1
"""Increment with every change of the code in this folder that changes pixels, samples or curves."""
CLIPS_PER_IDENTITY = {"train": 5, "val": 2, "test": 1}
YAW_REACH = (30.0, 12.0, 20.0, 8.0, 26.0)
"""Largest yaw in degrees, assigned to the clips of a split in turn."""
_ACCENTS = ("America", "Great Britain", "Received Pronunciation", "Scotland", "America, New York City", "Caribbean")
_VARIANTS = {"f": ("f1", "f2", "f3", "f4", "f5"), "m": ("m1", "m2", "m3", "m4", "m7", "m8")}
_VOICES = {"train": "mmmmfmmmffmmfmfmffffmmffmmmffmmmffffmfmfmmffmffm", "val": "fmmf", "test": "mffmfmmf"}
"""Kind of voice for the portraits of a split, in their order."""


@dataclass(frozen=True)
class ClipPlan:
    """Everything that determines a clip; equal plans give equal bytes."""

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
    """Plans of the clips of a split, sorted by id; `clips_per_identity` defaults to `CLIPS_PER_IDENTITY`."""
    usual = CLIPS_PER_IDENTITY[split]
    texts, portraits = sentences(split), portrait_names(split)
    clips = []
    for number, portrait in enumerate(portraits):
        for take in range(usual if clips_per_identity is None else clips_per_identity):
            # A take is the same clip whatever the requested number of clips. The stride is coprime to the lengths of
            # the lists, which spreads the sentences.
            turn, within = divmod(take, usual)
            serial = (turn * len(portraits) + number) * usual + within
            clip_id = f"demo_{portrait}_{take}"
            clips.append(
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
    return tuple(sorted(clips, key=lambda plan: plan.id))


def adaptation_plans() -> tuple[ClipPlan, ...]:
    """Footage for the adaptation to the identities of the test split, one clip of 6 to 7 s each, sorted by id.

    It contains no sentence of the test split's clips.
    """
    test_plans = plans("test")
    spoken = {plan.sentence for plan in test_plans}
    unused = [text for text in sentences("test") if text not in spoken]
    adaptation = []
    for number, plan in enumerate(test_plans):
        clip_id = f"{plan.identity}_adapt"
        # One sentence is too short.
        pair = (unused[number % len(unused)], unused[(number + 3) % len(unused)])
        seed = int.from_bytes(hashlib.sha256(clip_id.encode()).digest()[:8], "little")
        reach = YAW_REACH[(number + 1) % len(YAW_REACH)]
        adaptation.append(replace(plan, id=clip_id, split="adapt", sentence=" ".join(pair), yaw_reach=reach, seed=seed))
    return tuple(adaptation)


def _voice(split: str, number: int, take: int) -> Voice:
    """The voice of a clip: accent, variant and pitch belong to the identity, the rate varies slightly."""
    kind = _VOICES[split][number]
    variants = _VARIANTS[kind]
    offset = {"train": 0, "val": 2, "test": 1}[split]
    accent = _ACCENTS[(number + offset) % len(_ACCENTS)]
    variant = variants[(number // 2 + offset) % len(variants)]
    return Voice(
        name=f"English ({accent})+{variant}",
        rate=126 + 4 * ((3 * number + 2 * take) % 7),
        pitch=36 + 4 * ((5 * number + offset) % 9),
        range=40 + 5 * (number % 5),
    )


@cache
def generator_version() -> str:
    """12 hex digits that change whenever the clips change: code version, portraits, sentences, speech engine."""
    digest = hashlib.sha256(f"{GENERATOR_VERSION} {version('espeakng-loader')}".encode())
    data = files(__package__).joinpath("data")
    names = (entry.name for entry in data.iterdir())
    for name in sorted(name for name in names if name.endswith((".jpg", ".npz", ".txt"))):
        digest.update(name.encode() + data.joinpath(name).read_bytes())
    return digest.hexdigest()[:12]
