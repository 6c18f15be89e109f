"""The contract of a lip-sync model: prepared clip and audio in, canonical frames out, and a card beside it.

`LipSyncModel` is required of every model. The protocols below it are optional: a model that has their members is asked.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Protocol, runtime_checkable

from bench_lipsync.harness.api.clip import PreparedClip
from bench_lipsync.harness.errors import BenchError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from bench_lipsync.harness.api.seen_frames import SeenFrames


class VariantError(BenchError):
    """A variant that a model does not have, or that its weights were not trained as; ends a run before it begins."""


@dataclass(frozen=True)
class ModelCard:
    """Facts about a model that matter when its numbers are compared."""

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
    """What the model sees of the ground truth's mouth, in words."""
    caveat: str = ""
    """A warning about its numbers; shown with every table."""
    scores_audio: str = "given"
    """`given`: scored with the audio that it was given. `shuffled`: scored with another clip's audio (a bound)."""
    pose: str = "target"
    """`target`: the head is where the clip has it. `own`: it moves as the model likes, so that nothing can be compared
    with the clip pixel by pixel."""
    covers: str = "crop"
    """`crop`: its frames show the whole canonical crop. `face`: only the face and its surroundings."""


@dataclass(frozen=True)
class GenerateContext:
    """Everything beside the clip and the audio that a model may use."""

    seed: int = 0
    device: str = "cpu"
    batch_size: int = 8
    """Frames at once, at least 1. If memory runs out, the model is called again with half as many."""


@runtime_checkable
class LipSyncModel(Protocol):
    """A model under test. Instances are made once a run and used for every clip."""

    @property
    def card(self) -> ModelCard:
        """The model's card."""
        ...

    def fingerprint(self) -> str:
        """Changes whenever the frames that the model would produce may change (code version, weights, settings)."""
        ...

    def generate(
        self, clip: PreparedClip, audio: NDArray[np.int16], context: GenerateContext
    ) -> Iterator[NDArray[np.uint8]]:
        """Generate the clip's frames with lips driven by `audio`.

        Args:
            clip: The prepared clip.
            audio: (clip.frames * 640,) int16 at 16 kHz.
            context: Seed, device and batch size.

        Yields:
            Chunks (n, size, size, 3) uint8 RGB, `clip.frames` frames in all.

        Raises:
            ClipError: The clip cannot be generated.

        """
        ...


@runtime_checkable
class AnnotatingModel(LipSyncModel, Protocol):
    """Optional: a model that adds notes to clips that succeeded."""

    def notes(self, clip: PreparedClip) -> tuple[str, ...]:
        """Short sentences about the frames that `generate` has just yielded for `clip`; stored with them."""
        ...


@runtime_checkable
class MaskedModel(LipSyncModel, Protocol):
    """Optional: a model that reports which pixels it copies, so that `bench generate` pastes back only the others."""

    def keep(self, clip: PreparedClip, start: int, stop: int) -> NDArray[np.float32]:
        """The share of the input in the frames `start:stop` that `generate` has just yielded.

        Returns:
            (n, size, size) float32: 1 where a pixel is the input's, 0 where it is generated.
        """
        ...


@runtime_checkable
class TruthModel(LipSyncModel, Protocol):
    """Optional: a model whose frames are the ground truth's."""

    frames_are_truth: bool
    """Where true, `generate` is not called: the prepared video is scored instead of a copy of it."""


@runtime_checkable
class AdaptedModel(LipSyncModel, Protocol):
    """Optional: a model whose weights were adapted to a speaker. It is never scored on the frames it was adapted on."""

    @property
    def seen(self) -> Sequence[SeenFrames]:
        """The frames it was adapted on."""
        ...


@dataclass(frozen=True)
class AdaptRequest:
    """How a model is to be adapted to a speaker. The rest is the model's own choice."""

    regularise: bool = True
    """Whether to train on other audio too, so that the lips of the footage are not memorised."""
    synchronise: bool = True
    """Whether to train on synchrony with the footage's own audio."""
    steps: int | None = None
    earlier: tuple[int, ...] = ()
    """Smaller numbers of steps whose weights are wanted too. A model whose longer adaptations begin with its shorter
    ones writes each into `steps/NUMBER` of the folder, as an adaptation of so many steps would; others need not."""
    seed: int = 0
    device: str = "cpu"
    settings: Mapping[str, object] = field(default_factory=dict)
    """Further settings of the model's own adaptation, by name."""


@runtime_checkable
class AdaptableModel(LipSyncModel, Protocol):
    """Optional: a model that can be adapted to a speaker from a few seconds of footage."""

    def adaptation_key(self, request: AdaptRequest) -> str:
        """Changes whenever adapting on the same footage with the same kind of device may give other weights."""
        ...

    def describe_adaptation(self, request: AdaptRequest) -> str:
        """The adaptation in a few words, for a card: steps, weights of the losses.

        Raises:
            BenchError: For settings that the model does not have.

        """
        ...

    def adapt(self, footage: PreparedClip, frames: tuple[int, int], request: AdaptRequest, folder: Path) -> None:
        """Adapt a copy of the model and write it into `folder`.

        Args:
            footage: A clip of the speaker.
            frames: The range `frames[0]:frames[1]` of it to adapt on.
            request: Settings.
            folder: May hold the state of an interrupted call, from which this one goes on.

        Raises:
            ClipError: The footage cannot be used.

        """
        ...

    def adapted(self, folder: Path) -> LipSyncModel:
        """The model that `adapt` wrote into `folder`, an `AdaptedModel`."""
        ...
