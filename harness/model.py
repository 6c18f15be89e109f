"""The contract of a lip-sync model: prepared clip and audio in, canonical frames out, and a card beside it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Protocol, runtime_checkable

from harness.clip import PreparedClip

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


@dataclass(frozen=True)
class ModelCard:
    """What a reader must know about a model before comparing its numbers."""

    name: str
    kind: str
    """`model`, `bound` (a reference row that needs no network) or `precomputed`."""
    description: str = ""
    native_size: int | None = None
    """Side in pixels at which the model works before its output is brought to the canonical crop."""
    licence: str = "Apache-2.0"
    trained_on: str = "nothing"
    weights: str = "none"
    """Name and sha256 prefix of the weights, as `stylelipsync-demo@1a2b3c4d`."""
    seed_controlled: bool = True
    uses_enhancer: bool = False
    gt_leak: str = "none"
    """What of the ground truth's mouth the model can see, in words."""
    caveat: str = ""
    """What a reader of its numbers must be told; shown with every table."""
    scores_audio: str = "given"
    """`given`: scored with the audio that it was given. `shuffled`: scored with another clip's audio (a bound)."""


@dataclass(frozen=True)
class GenerateContext:
    """Everything beside the clip and the audio that a model may use."""

    seed: int = 0
    device: str = "cpu"
    batch_size: int = 8
    work_dir: Path | None = None
    options: dict[str, object] = field(default_factory=dict)


@runtime_checkable
class LipSyncModel(Protocol):
    """A model under test. Instances are made once a run and used for every clip."""

    @property
    def card(self) -> ModelCard:
        """What the model is."""
        ...

    def fingerprint(self) -> str:
        """Changes whenever the frames that the model would produce may change (code version, weights, settings)."""
        ...

    def generate(
        self, clip: PreparedClip, audio: NDArray[np.int16], context: GenerateContext
    ) -> Iterator[NDArray[np.uint8]]:
        """Yield chunks (n, size, size, 3) uint8 RGB, `clip.frames` frames in all, lips driven by `audio`.

        `audio` has exactly `clip.frames * 640` samples at 16 kHz. Raise `ClipError` for a clip that cannot be done.
        """
        ...
