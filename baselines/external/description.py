"""What one external model is, as read from its YAML file: data only, checked when it is read, never run as code."""

from __future__ import annotations

import re
from pathlib import PurePosixPath
from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

PLACEHOLDERS = ("python", "seed", "frames", "out")
"""Words in braces that a command may use beside the names of its inputs and weights."""
_PLACEHOLDER = re.compile(r"\{([a-z_0-9]+)\}")


def _inside(path: str) -> str:
    """A path that stays below the folder that it is relative to."""
    parts = PurePosixPath(path)
    if parts.is_absolute() or ".." in parts.parts or not parts.parts or "\\" in path:
        raise ValueError(f"{path!r} must be a relative path that stays inside, with forward slashes")
    return path


Inside = Annotated[str, AfterValidator(_inside)]
Shim = Literal["numpy-aliases", "yaml-load", "librosa-mel", "functional-tensor", "face-alignment-3d"]


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Weight(_Part):
    """A file of weights, which the user supplies."""

    file: Inside
    """Where the program looks for it, below its working directory."""
    page: str
    """Where the authors offer it, for a person to read."""
    sha256: str | None = Field(default=None, pattern="^[0-9a-f]{64}$")
    """`None` where the authors publish no checksum; then any file of that name is taken and its own is recorded."""
    optional: bool = False


class Environment(_Part):
    """What the program needs to run; how it is made is the user's choice (`baselines.external.environments`)."""

    python: str
    """Version, as `3.8`."""
    packages: tuple[str, ...] = ()
    """Pip requirements with the pins that are known to matter."""
    conda: tuple[str, ...] = ()
    """Conda packages that pip does not have."""
    image: str = ""
    """A container image to start from, for docker."""
    imports: tuple[str, ...] = ()
    """Modules that must be importable; `bench baselines doctor` tries them."""
    programs: tuple[str, ...] = ()
    """Programs that must be on PATH, as `ffmpeg`."""
    gpu: bool = True
    notes: tuple[str, ...] = ()


class Input(_Part):
    """A file that is written for the program before it starts; `{name}` in a command is its path."""

    name: str = Field(pattern="^[a-z][a-z0-9]*$")
    kind: Literal["video", "audio", "image", "frames", "masks", "openface-csv", "text"]
    """`video`: the clip; `audio`: 16 kHz mono WAV; `image`: the first frame; `frames`: a folder of pictures;
    `masks`: a folder of white lower faces on black; `openface-csv`: 68 landmarks a frame in OpenFace's columns;
    `text`: `content` with placeholders filled in."""
    path: Inside
    """Letters, digits, `_`, `-` and one dot for the suffix: several programs take names apart at dots."""
    with_audio: bool = False
    """Put the audio into the video file as well."""
    crf: int | None = Field(default=None, ge=0, le=10)
    """Quality of a H.264 `video`; `None` is lossless."""
    digits: int = Field(default=6, ge=1, le=8)
    """Of the numbers that name the pictures of `frames`."""
    pictures: Literal["png", "jpg"] = "png"
    """What the pictures of `frames` are; `jpg` is written at its highest quality."""
    first: int = Field(default=0, ge=0, le=1)
    """Number of the first picture of `frames`."""
    content: str = ""


class Step(_Part):
    """One command: program and arguments, each a string of its own; there is no shell."""

    argv: tuple[str, ...] = Field(min_length=1)
    """`{python}` is the environment's interpreter, `{out}` the folder for results, `{seed}`, `{frames}`."""
    prelude: bool = True
    """Start the Python script through our prelude, which seeds every random number generator first."""


class Alignment(_Part):
    """Where the program's picture lies in the face's geometry; `none` where it edits the canonical crop itself."""

    kind: Literal["none", "whole", "similarity", "square"] = "none"
    """`whole`: the crop resized to `size`, for programs that know no other.
    `similarity`: the points below are brought to the given places of a picture of `size`, a frame at a time.
    `square`: one square around the first frame's landmarks, `margin` of its size more on every side, resized to
    `size`."""
    size: int | None = Field(default=None, ge=32, le=2048)
    left_eye: tuple[float, float] | None = None
    right_eye: tuple[float, float] | None = None
    """Of the picture's left and right, in pixels, as mean of the eye's landmarks."""
    mouth: tuple[float, float] | None = None
    smoothing: float = Field(default=0.0, ge=0, lt=1)
    """Share of the previous frame's translation that is kept."""
    margin: float = Field(default=0.25, ge=0, le=2)
    crop: tuple[int, int, int, int] | None = None
    """(x, y, width, height) that the program cuts out of the aligned picture and resizes to its output's size."""

    @model_validator(mode="after")
    def _complete(self) -> Alignment:
        if self.kind != "none" and self.size is None:
            raise ValueError(f"alignment {self.kind} needs a size")
        if self.kind == "similarity" and None in (self.left_eye, self.right_eye, self.mouth):
            raise ValueError("alignment similarity needs left_eye, right_eye and mouth")
        return self


class Output(_Part):
    """What the program leaves behind, and how its frames belong to the clip's."""

    files: str
    """Pattern below the working directory, as `results/*.mp4`; exactly one video, or all pictures of a folder."""
    kind: Literal["video", "frames"] = "video"
    panel: tuple[float, float] = (0.0, 1.0)
    """Left and right edge of the part of the picture that is the result, as shares of its width."""
    rate: float = 25.0
    """Frames per second; what is not 25 is brought there by the nearest time stamp."""
    offset: int = Field(default=0, ge=-25, le=25)
    """The clip's frame that the first frame shows."""
    lost: int = Field(default=5, ge=0, le=50)
    """Frames that may be missing at the end; the last one is held for them, which is noted."""
    extra: int = Field(default=5, ge=0, le=50)
    """Frames that may come too many; they are left out."""
    size: tuple[int, int] | None = None
    """Width and height of the whole picture; `None`: that of the input."""
    placed: Literal["by-alignment", "by-face"] = "by-alignment"
    """`by-face`: the program cuts its picture in its own way, so the face of its first one is laid on the clip's."""
    audio: bool = True
    """Whether a sound track must be there."""


class Limits(_Part):
    """Before a program is stopped."""

    seconds: float = Field(default=600, gt=0)
    seconds_per_frame: float = Field(default=5, ge=0)
    output_mb: int = Field(default=4_000, gt=0)
    """That the working directory may grow by."""


class Facts(_Part):
    """What a reader must know before comparing its numbers; the rest of a `ModelCard`."""

    trained_on: str = "unknown"
    native_size: int | None = None
    pose: Literal["target", "own"] = "target"
    """`own`: heads move as the model likes, so nothing is compared pixel by pixel with the truth."""
    keeps_upper_half: bool = False
    """The upper half of the face is the input's own, so that a shift in time can be found by looking at it."""
    seed_controlled: bool = True
    uses_enhancer: bool = False
    gt_leak: str = "unknown"
    caveat: str = ""


class Description(_Part):
    """One external model."""

    name: str = Field(pattern=r"^[a-z][a-z0-9]*([+.-][a-z0-9]+)*$")
    title: str
    repository: str = Field(pattern=r"^https://[^\s]+$")
    commit: str = Field(pattern="^[0-9a-f]{7,40}$")
    """That the description was written for."""
    licence: str
    paper: str = ""
    verified: str = ""
    """When and how it was run against the real repository; empty: never."""
    environment: Environment
    weights: tuple[Weight, ...] = ()
    folders: tuple[Inside, ...] = ()
    """That the program expects to exist in its working directory."""
    clear: tuple[Inside, ...] = ()
    """Patterns of files that are taken out of the working directory first: programs that process all they find."""
    inputs: tuple[Input, ...] = Field(min_length=1)
    steps: tuple[Step, ...] = Field(min_length=1)
    variables: dict[str, str] = Field(default_factory=dict)
    """Environment variables beside those that every program gets."""
    shims: tuple[Shim, ...] = ()
    """What the prelude puts back that newer libraries removed."""
    alignment: Alignment = Alignment()
    output: Output
    limits: Limits = Limits()
    facts: Facts = Facts()
    notes: tuple[str, ...] = ()
    """For a person who sets it up."""

    @property
    def shows_all(self) -> bool:
        """Whether its picture covers the whole canonical crop; if not, whole frames cannot be compared."""
        return self.alignment.kind in ("none", "whole") and self.output.placed == "by-alignment"

    @model_validator(mode="after")
    def _placeholders(self) -> Description:
        names = [item.name for item in self.inputs]
        if len(set(names)) < len(names) or set(names) & set(PLACEHOLDERS):
            raise ValueError(f"inputs need names of their own, not {', '.join(sorted(names))}")
        known = {*names, *PLACEHOLDERS}
        texts = [word for step in self.steps for word in step.argv] + [item.content for item in self.inputs]
        used = {word for text in texts for word in _PLACEHOLDER.findall(text)}
        if used - known:
            raise ValueError(f"{{{min(used - known)}}} is no placeholder; known: {', '.join(sorted(known))}")
        return self


def fill(text: str, values: dict[str, str]) -> str:
    """`text` with its placeholders replaced; braces that are none, as in JSON, stay."""
    return _PLACEHOLDER.sub(lambda match: values.get(match[1], match[0]), text)
