"""The specification of a run: a frozen, validated `RunSpec`, read from YAML or the command line, with a hash.

The hash covers what changes results and nothing else: not the output folder, the device or where the data lie.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from bench_lipsync.harness.errors import BenchError, validate
from bench_lipsync.harness.registry.model_names import row_name
from bench_lipsync.harness.tasks.task import Task
from bench_lipsync.harness.util.files import sha256_json
from bench_lipsync.harness.util.text_files import read_yaml

if TYPE_CHECKING:
    from bench_lipsync.harness.registry.metric_names import MetricNames

Protocol = Literal["reconstruction", "cross"]
MODES = ("zero-shot", "adapted", "adapted-no-reg", "adapted-no-sync")
"""As published, adapted to each speaker, and adapted without the sync regulariser or without the sync loss on the own
audio; also the order of rows."""
_PLACE_ONLY = {"data_root"}
_IN_CLIPS = {"clips", "pairs", "task"}
"""Fields that the list of what is scored says already; of a task, its name and version count too."""


class AdaptSpec(BaseModel):
    """What models are adapted on. It also decides which frames are scored, in every row of the run."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    seconds: float = Field(default=5.0, ge=2.0, le=3600.0)
    """Of footage of each speaker."""
    steps: int | None = Field(default=None, ge=1)
    """Replaces the model's own number of steps."""
    earlier: tuple[int, ...] = ()
    """Smaller numbers of steps that runs will follow with; an adaptation may leave them in the store on its way."""
    settings: dict[str, Any] = Field(default_factory=dict)
    """Further settings of the models' own adaptation, as `sync_loss: cosine`; every adapted model must have them."""


class RunSpec(BaseModel):
    """The specification of a run: models, clips and metrics.

    Example:
        >>> spec = RunSpec(models=("stylelipsync",), dataset="demo", metrics=("PSNR", "SSIM"))
        >>> spec.split, spec.protocol, spec.row_names()
        ('auto', 'reconstruction', {'stylelipsync': 'zero-shot'})

    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    models: tuple[str, ...] = Field(min_length=1)
    """Names as in `registry.model_names`, e.g. `stylelipsync@no-mals`; the bound rows are added by themselves."""
    dataset: str
    data_root: Path | None = None
    split: str = "auto"
    """`test`, `train`, `all` or `auto`; resolved before the run is hashed."""
    protocol: Protocol = "reconstruction"
    """`reconstruction`: own audio. `cross`: another clip's audio, without metrics that need true frames."""
    mode: str = "zero-shot"
    """One or several of `MODES`, separated by commas; each requested model gets a row in each."""
    adapt: AdaptSpec | None = None
    """Given: frames are kept for adaptation as `harness.run.adaptation_footage` says, even if no row is adapted."""
    limit: int | None = Field(default=None, ge=1)
    """At most this many clips (or pairs), spread over the list by the hash of their ids."""
    task: Task | None = None
    """The named task that the run is of; `changes_to_task` says whether it was changed."""
    clips: tuple[str, ...] | None = None
    """Only these clips, by id or by the end of their path; `None`: all of the split."""
    pairs: tuple[tuple[str, str], ...] | None = None
    """Pairs (video, audio) to score, each named as in `clips`; the audio may also be a file below the data root."""
    clip_seconds: float | None = Field(default=None, ge=1.6, le=3600.0)
    """Only the first seconds of every clip and audio; `None`: all of it."""
    metrics: tuple[str, ...] = Field(default_factory=lambda: _every_metric().default)
    """`NAME` or `NAME[VARIANT]` as `bench list metrics` lists them; `all` is every one of them."""
    size: int = Field(default=256, ge=64, le=1024)
    """Side of the canonical crop in pixels."""
    seed: int = 0

    @field_validator("models", "metrics")
    @classmethod
    def _no_repeats(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(dict.fromkeys(value))

    @field_validator("metrics", mode="before")
    @classmethod
    def _all_metrics(cls, value: Any) -> Any:
        if not isinstance(value, (str, list, tuple)):
            raise ValueError(f"metrics are a list of names, not {value!r}")
        from bench_lipsync.harness.registry.metric_names import own_name

        words = (value,) if isinstance(value, str) else tuple(value)
        words = tuple(own_name(word) if isinstance(word, str) else word for word in words)
        if not any(str(word).lower() == "all" for word in words):
            return words
        every = _every_metric().all
        return tuple(name for word in words for name in (every if str(word).lower() == "all" else (word,)))

    @field_validator("mode", mode="before")
    @classmethod
    def _known_modes(cls, value: Any) -> str:
        if not isinstance(value, (str, list, tuple)):
            raise ValueError(f"a mode is a word or a list of words, not {value!r}")
        parts = value.split(",") if isinstance(value, str) else list(value)
        words = [str(word).strip() for word in parts]
        unknown = [word for word in words if word not in MODES]
        if unknown or not words:
            raise ValueError(f"no mode is called {', '.join(unknown) or repr(value)}; known: {', '.join(MODES)}")
        return ",".join(mode for mode in MODES if mode in words)

    @model_validator(mode="after")
    def _pairs_fit_the_rest(self) -> RunSpec:
        if self.pairs is not None and self.clips is not None:
            raise ValueError("clips and pairs cannot go together: a list of pairs names its clips")
        if self.pairs is not None and self.protocol != "cross":
            raise ValueError("pairs of video and audio need the protocol cross")
        return self

    @model_validator(mode="before")
    @classmethod
    def _adapted_needs_footage(cls, values: Any) -> Any:
        if isinstance(values, dict) and "adapted" in str(values.get("mode", "")) and values.get("adapt") is None:
            return {**values, "adapt": AdaptSpec()}
        return values

    @property
    def modes(self) -> tuple[str, ...]:
        """The modes, in the order of `MODES`."""
        return tuple(self.mode.split(","))

    def row_names(self) -> dict[str, str]:
        """Mode by row name, for every requested model in every mode, in the order of the table."""
        return {mode_name(row_name(model), mode): mode for model in self.models for mode in self.modes}

    def changes_to_task(self) -> list[str]:
        """Names of the fields in which the run is not what its task fixes."""
        if self.task is None:
            return []
        given = self.model_dump(mode="json")
        asked = type(self)(models=self.models, **self.task.fixed()).model_dump(mode="json")
        listed = self.task.draw.rule == "list"
        names = {*self.task.fixed(), "pairs"} - ({"clips", "pairs"} if listed else set())
        if self.task.split == "auto":
            names.discard("split")
        return sorted(name for name in names if given[name] != asked[name])

    def hash(self, clip_ids: list[str]) -> str:
        """sha256 over the result-changing fields and the ids of what is scored."""
        # Left out where it says nothing, so that runs without adaptation keep the hash that they always had.
        unsaid = {name for name in ("adapt", "clip_seconds") if getattr(self, name) is None}
        fields = self.model_dump(mode="json", exclude=_PLACE_ONLY | _IN_CLIPS | unsaid)
        if self.task is not None:
            fields["task"] = self.task.title
        if self.adapt is not None:
            del fields["adapt"]["earlier"]  # It changes no number.
            if not self.adapt.settings:
                del fields["adapt"]["settings"]
        return sha256_json({**fields, "models": [row_name(name) for name in self.models], "clips": clip_ids})

    def to_yaml(self) -> str:
        """The spec as YAML that `load_spec` reads back to an equal object."""
        import yaml

        return str(yaml.safe_dump(self.model_dump(mode="json"), sort_keys=False))


def _every_metric() -> MetricNames:
    """Imports all scorers, so it runs only when a spec is made."""
    from bench_lipsync.harness.registry.metric_names import metric_names

    return metric_names()


def mode_name(name: str, mode: str) -> str:
    """Name of the row of model `name` in `mode`: `stylelipsync (adapted)`."""
    return name if mode == MODES[0] else f"{name} ({mode})"


def make_spec(values: dict[str, Any]) -> RunSpec:
    """Validate a mapping. Raises `BenchError` that names every wrong key or value, with the nearest known key."""
    return validate(RunSpec, values, "the run specification is not valid")


def load_spec(path: Path) -> dict[str, Any]:
    """A YAML file's mapping, for `make_spec`. Raises `BenchError` if it is missing or not a mapping."""
    values = read_yaml(path, "the run specification")
    if not isinstance(values, dict):
        raise BenchError(f"{path} holds a {type(values).__name__}, not a mapping of run options")
    return values
