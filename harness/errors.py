"""How a (model, clip) pair ended: `ok` or one typed failure with a reason, never a zero and never a silent drop."""

from __future__ import annotations

from enum import StrEnum


class Status(StrEnum):
    """Every outcome that a clip can have; the values are what `clips.parquet` stores."""

    OK = "ok"
    DECODE_ERROR = "decode_error"
    NO_FACE = "no_face"
    SEVERAL_FACES = "several_faces"
    TOO_SHORT = "too_short"
    TOO_LONG = "too_long"
    NO_AUDIO = "no_audio"
    MODEL_FAILED = "model_failed"
    TIMEOUT = "timeout"
    MEMORY = "memory"
    """Stopped because it took more memory than the run allows."""
    WORKER_LOST = "worker_lost"
    """The process that worked on it ended again and again: killed, crashed, or its machine went away."""
    BAD_OUTPUT = "bad_output"
    METRIC_FAILED = "metric_failed"
    SEEN = "seen"
    """The weights were adapted on frames of this clip, so its score would say nothing."""


class ClipError(Exception):
    """A clip that cannot go on: carries the `Status` it ends in and a one-line reason for a person."""

    def __init__(self, status: Status, reason: str) -> None:
        super().__init__(f"{status}: {reason}")
        self.status = status
        self.reason = reason

    def __reduce__(self) -> tuple[type[ClipError], tuple[Status, str]]:
        # The default would call __init__ with the formatted message alone and break across process pools.
        return (ClipError, (self.status, self.reason))


class BenchError(Exception):
    """A mistake in how the tool is used or set up; the CLI prints its message without a traceback and exits with 2."""


class NoRoomError(BenchError):
    """The disk is full, read-only or failing. Ends the run, whatever clip it hit; the same command goes on."""
