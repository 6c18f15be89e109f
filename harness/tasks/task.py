"""The definition of a task, as a YAML file holds it."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from bench_lipsync.harness.errors import BenchError
from bench_lipsync.harness.util.files import sha256_file

_NAME = re.compile(r"[a-z0-9][a-z0-9_-]*(/[a-z0-9][a-z0-9_-]*)*")
_COLUMN = re.compile(r"[^\[\]]+\[[^\[\]]+\]")
Text = Annotated[str, Field(min_length=1)]


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Draw(_Part):
    """Which clips of the split a task is over, and which audio drives them."""

    rule: Literal["all", "hash", "cross", "list"] = "all"
    """`all` clips; `hash`: `clips` of them, spread by the hash of their ids; `cross`: `videos` of different speakers,
    each driven by `audio_per_video` clips of other speakers, no audio twice as long as there is enough; `list`: the
    pairs of a published list, which the user gives with --pairs."""
    clips: int | None = Field(default=None, ge=1)
    videos: int | None = Field(default=None, ge=1)
    audio_per_video: int | None = Field(default=None, ge=1)
    seed: int = 0
    """Of the order in which `cross` draws."""
    order: Literal["audio,video", "video,audio"] | None = None
    """Columns of the list."""
    sha256: str | None = Field(default=None, pattern=r"^[0-9a-f]{12,64}$")
    """How the sha256 of the list begins, where it is known."""
    page: str = ""
    """Where the list is to be had."""

    @model_validator(mode="after")
    def _has_what_its_rule_needs(self) -> Draw:
        needs = {"all": (), "hash": ("clips",), "cross": ("videos", "audio_per_video"), "list": ("order", "page")}
        for name in needs[self.rule]:
            if not getattr(self, name):
                raise ValueError(f"rule {self.rule} needs {name}")
        return self


class Published(_Part):
    """Values of a publication. They were measured on other clips and with other code, and are shown as such."""

    source: Text
    """For example `arXiv 2305.00521, Table 1`."""
    note: str = ""
    """What is known to differ."""
    rows: dict[str, dict[str, float]] = Field(min_length=1)
    """By system, then by column `NAME[variant]`."""

    @field_validator("rows")
    @classmethod
    def _columns(cls, rows: dict[str, dict[str, float]]) -> dict[str, dict[str, float]]:
        wrong = [column for values in rows.values() for column in values if not _COLUMN.fullmatch(column)]
        if wrong:
            raise ValueError(f"{wrong[0]!r} is no column; write it as NAME[variant], for example SSIM[wang2004]")
        return rows


class StudyPlan(_Part):
    """A user study: its questions are answered by people and not by metrics."""

    raters: int = Field(ge=1)
    videos_per_model: int = Field(ge=1)
    questions: tuple[Text, ...] = Field(min_length=1)
    scores: dict[str, dict[str, str]] = Field(default_factory=dict)
    """Published mean opinions with their intervals, by system and question."""


class Task(_Part):
    """One named, versioned evaluation: what another lab needs to measure the same.

    A new version is a new task: its numbers are not comparable with those of another version.
    """

    name: str
    """Words of lower-case letters, digits, `_` and `-`, with `/` between group and task."""
    version: int = Field(ge=1)
    summary: Text
    """One sentence."""
    dataset: Text
    split: str = "auto"
    protocol: Literal["reconstruction", "cross"] = "reconstruction"
    mode: str = "zero-shot"
    adapt: dict[str, float] | None = None
    """`seconds` (and `steps`) of adaptation."""
    clip_seconds: float | None = None
    """Only the first seconds of every clip and audio."""
    metrics: tuple[Text, ...] = Field(min_length=1)
    models: tuple[Text, ...] = ()
    """Models that are run where none is named."""
    draw: Draw = Draw()
    published: Published | None = None
    study: StudyPlan | None = None
    notes: tuple[Text, ...] = ()
    """What is ours and what is the publication's."""

    @field_validator("name")
    @classmethod
    def _plain_name(cls, name: str) -> str:
        if not _NAME.fullmatch(name):
            raise ValueError(f"{name!r} is no name of a task; use a-z, 0-9, - and _, with / between group and task")
        return name

    @property
    def title(self) -> str:
        """`stylelipsync/hdtf-cross@1`."""
        return f"{self.name}@{self.version}"

    def signature(self, changed: Sequence[str] = ()) -> str:
        """The task in a table: `task=stylelipsync/hdtf-cross|version=1`; with `changed` fields it is another one."""
        if changed:
            return f"task=none|from={self.title}|changed={','.join(changed)}"
        return f"task={self.name}|version={self.version}"

    def check_list(self, path: Path) -> None:
        """Check that a file is the published list that the task is over. Raises `BenchError`."""
        if self.draw.rule != "list":
            raise BenchError(f"the task {self.title} draws its pairs by itself; leave --pairs out")
        digest = sha256_file(path)
        if self.draw.sha256 and not digest.startswith(self.draw.sha256):
            raise BenchError(
                f"{path} is not the list of the task {self.title}: its sha256 begins {digest[:12]}, that of the list "
                f"{self.draw.sha256[:12]} ({self.draw.page}); for a list of your own, leave --task out"
            )

    def fixed(self) -> dict[str, Any]:
        """The fields of a run's specification that the task fixes."""
        values: dict[str, Any] = {
            "dataset": self.dataset,
            "split": self.split,
            "protocol": self.protocol,
            "mode": self.mode,
            "metrics": self.metrics,
            "limit": None,
            "clips": None,
            "clip_seconds": self.clip_seconds,
        }
        return values | ({"adapt": self.adapt} if self.adapt else {})
