"""Schema of an external model's YAML description: data only, validated when it is read, never run as code."""

from __future__ import annotations

import re
from pathlib import PurePosixPath
from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

PLACEHOLDERS = ("python", "seed", "frames", "out")
"""Placeholders that a command may use in braces beside the names of its inputs."""
_PLACEHOLDER = re.compile(r"\{([a-z_0-9]+)\}")


def _inside(path: str) -> str:
    """Validate that a relative path does not leave its folder."""
    parts = PurePosixPath(path)
    if parts.is_absolute() or ".." in parts.parts or not parts.parts or "\\" in path:
        raise ValueError(f"{path!r} must be a relative path that stays inside, with forward slashes")
    return path


Inside = Annotated[str, AfterValidator(_inside)]
Shim = Literal["numpy-aliases", "yaml-load", "librosa-mel", "functional-tensor", "face-alignment-3d", "torch-0.4"]


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Weight(_Part):
    """A file of weights, supplied by the user."""

    file: Inside
    """Path at which the program expects it, below its working directory."""
    page: str
    """Page on which the authors offer it."""
    sha256: str | None = Field(default=None, pattern="^[0-9a-f]{64}$")
    """`None` where the authors publish no checksum; any file of that name is then accepted, and its sha256 recorded."""
    optional: bool = False


class Environment(_Part):
    """Requirements of the program; the user chooses the kind of environment (`baselines.external.environments`)."""

    python: str
    """Version, as `3.8`."""
    packages: tuple[str, ...] = ()
    """Pip requirements with the pins that are known to be necessary."""
    conda: tuple[str, ...] = ()
    """Conda packages that are not available from pip."""
    image: str = ""
    """Base image for docker."""
    imports: tuple[str, ...] = ()
    """Modules that must be importable; `bench baselines doctor` imports them."""
    programs: tuple[str, ...] = ()
    """Programs that must be on PATH, such as `ffmpeg`."""
    gpu: bool = True
    notes: tuple[str, ...] = ()


class Input(_Part):
    """A file written for the program before it starts; `{name}` in a command is its path."""

    name: str = Field(pattern="^[a-z][a-z0-9]*$")
    kind: Literal["video", "audio", "image", "frames", "masks", "openface-csv", "text"]
    """`video`: the clip; `audio`: 16 kHz mono WAV; `image`: the first frame; `frames`: a folder of images;
    `masks`: a folder of white lower faces on black; `openface-csv`: 68 landmarks a frame in OpenFace's columns;
    `text`: `content` with placeholders replaced."""
    path: Inside
    """Letters, digits, `_`, `-` and one dot for the suffix: several programs split names at dots."""
    with_audio: bool = False
    """Add the audio to the video file."""
    crf: int | None = Field(default=None, ge=0, le=10)
    """Quality of an H.264 `video`; `None` is lossless."""
    digits: int = Field(default=6, ge=1, le=8)
    """Digits of the numbers that name the images of `frames`."""
    pictures: Literal["png", "jpg"] = "png"
    """Format of the images of `frames`; `jpg` is written at its highest quality."""
    first: int = Field(default=0, ge=0, le=1)
    """Number of the first image of `frames`."""
    content: str = ""


class Step(_Part):
    """One command, as a list of arguments; there is no shell."""

    argv: tuple[str, ...] = Field(min_length=1)
    """`{python}` is the environment's interpreter, `{out}` the folder for results, `{seed}`, `{frames}`."""
    prelude: bool = True
    """Start the Python script through the prelude, which seeds every random number generator first."""


class Alignment(_Part):
    """How the program's frames are aligned to the face; `none` where it edits the canonical crop itself."""

    kind: Literal["none", "whole", "similarity", "square"] = "none"
    """`whole`: the crop resized to `size`, for programs that know no other.
    `similarity`: eyes and mouth are mapped to the positions below in a frame of `size`, frame by frame.
    `square`: one square around the first frame's landmarks, extended by `margin` of its size on every side, resized
    to `size`."""
    size: int | None = Field(default=None, ge=32, le=2048)
    left_eye: tuple[float, float] | None = None
    right_eye: tuple[float, float] | None = None
    """In pixels, as mean of the eye's landmarks; left and right as seen in the frame."""
    mouth: tuple[float, float] | None = None
    smoothing: float = Field(default=0.0, ge=0, lt=1)
    """Share of the previous frame's position that is kept."""
    margin: float = Field(default=0.25, ge=0, le=2)
    crop: tuple[int, int, int, int] | None = None
    """(x, y, width, height) that the program crops from the aligned frame and resizes to its output's size."""

    @model_validator(mode="after")
    def _complete(self) -> Alignment:
        if self.kind != "none" and self.size is None:
            raise ValueError(f"alignment {self.kind} needs a size")
        if self.kind == "similarity" and None in (self.left_eye, self.right_eye, self.mouth):
            raise ValueError("alignment similarity needs left_eye, right_eye and mouth")
        return self


class Output(_Part):
    """The program's result, and how its frames correspond to the clip's."""

    files: str
    """Pattern below the working directory, such as `results/*.mp4`; exactly one video, or all images of a folder."""
    kind: Literal["video", "frames"] = "video"
    panel: tuple[float, float] = (0.0, 1.0)
    """Left and right edge of the result within the frame, as shares of its width."""
    rate: float = 25.0
    """Frames per second; other rates than 25 are converted by the nearest time stamp."""
    offset: int = Field(default=0, ge=-25, le=25)
    """The clip's frame that the first frame shows."""
    lost: int = Field(default=5, ge=0, le=50)
    """Frames that may be missing at the end; the last one is repeated, which is noted."""
    extra: int = Field(default=5, ge=0, le=50)
    """Surplus frames that are accepted; they are dropped."""
    size: tuple[int, int] | None = None
    """Width and height of the full frame; `None`: those of the input."""
    placed: Literal["by-alignment", "by-face"] = "by-alignment"
    """`by-face`: the program crops in its own way, so the face in its first frame is registered to the clip's."""
    audio: bool = True
    """Whether an audio track is required."""


class Limits(_Part):
    """Limits at which a program is stopped."""

    seconds: float = Field(default=600, gt=0)
    seconds_per_frame: float = Field(default=5, ge=0)
    output_mb: int = Field(default=4_000, gt=0)
    """Megabytes by which the working directory may grow."""


class Facts(_Part):
    """Facts needed to interpret its numbers; the rest of a `ModelCard`."""

    trained_on: str = "unknown"
    native_size: int | None = None
    pose: Literal["target", "own"] = "target"
    """`own`: the model generates head motion, so full-reference metrics do not apply."""
    keeps_upper_half: bool = False
    """The upper half of the face is copied from the input, so that a temporal shift can be detected there."""
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
    """The commit that the description was written for."""
    licence: str
    paper: str = ""
    verified: str = ""
    """Date and manner of its run against the real repository; empty: never."""
    environment: Environment
    weights: tuple[Weight, ...] = ()
    folders: tuple[Inside, ...] = ()
    """Folders that the program expects in its working directory."""
    clear: tuple[Inside, ...] = ()
    """Patterns of files that are deleted from the working directory first, for programs that process all they find."""
    inputs: tuple[Input, ...] = Field(min_length=1)
    steps: tuple[Step, ...] = Field(min_length=1)
    variables: dict[str, str] = Field(default_factory=dict)
    """Environment variables beside those set for every program. `BENCH_FOLDER` names a folder below the working
    directory in which the prelude starts Python scripts; the paths of inputs stay relative to the working directory."""
    shims: tuple[Shim, ...] = ()
    """Functions removed from newer libraries that the prelude restores."""
    alignment: Alignment = Alignment()
    output: Output
    limits: Limits = Limits()
    facts: Facts = Facts()
    notes: tuple[str, ...] = ()
    """Notes on its setup."""

    @property
    def shows_all(self) -> bool:
        """Whether its output covers the whole canonical crop; if not, full frames cannot be compared."""
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
    """Replace the placeholders in `text`; other braces, as in JSON, stay."""
    return _PLACEHOLDER.sub(lambda match: values.get(match[1], match[0]), text)
