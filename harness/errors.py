"""Typed failures of clips and of use, and their texts: one line that names the object, the value and the way out.

A (model, clip) pair ends as `ok` or with one typed failure and its reason, never as a zero and never silently dropped.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from enum import StrEnum
from typing import Any, TypeVar, get_args

T = TypeVar("T")

_PROBLEMS = 5
"""How many problems of one file are named; the rest is counted."""


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

    @property
    def short(self) -> str:
        """One sentence for a table or a list, where the message may have more lines."""
        return first_problem(self)


class NoRoomError(BenchError):
    """The disk is full, read-only or failing. Ends the run, whatever clip it hit; the same command goes on."""


def first_problem(error: BaseException) -> str:
    """What is wrong first, on one line.

    Args:
        error: Any error.

    Returns:
        `key.part: message` of data that does not fit its schema, else the first line of the error's text; the name of
        its class for an error without text.

    """
    from pydantic import ValidationError

    if isinstance(error, ValidationError):
        details = error.errors()[0]
        place = ".".join(map(str, details["loc"]))
        return f"{place}: {details['msg']}" if place else details["msg"]
    lines = str(error).strip().splitlines()
    return lines[0] if lines else type(error).__name__


def suggest(name: str, known: Iterable[str], *, limit: int = 3, otherwise: str | None = None) -> str:
    """Hint for an unknown name: the nearest known ones, or all of them where none is near.

    Args:
        name: The name that was requested.
        known: Every valid name. Upper and lower case are not told apart.
        limit: How many near names are given at most.
        otherwise: The hint where no name is near; default `known: A, B, C`.

    Returns:
        A phrase for the end of an error's message.

    Example:
        >>> suggest("statik", ["static", "wav2lip"])
        'did you mean static?'
        >>> suggest("gan", ["static", "wav2lip"])
        'known: static, wav2lip'

    """
    names = list(known)
    by_lower = {word.lower(): word for word in reversed(names)}
    near = difflib.get_close_matches(name.lower(), by_lower, n=limit)
    if near:
        return f"did you mean {' or '.join(by_lower[word] for word in near)}?"
    return f"known: {', '.join(names)}" if otherwise is None else otherwise


def validate(model: type[T], data: object, source: str, remedy: str = "") -> T:
    """Check data from outside against a pydantic model or dataclass.

    Args:
        model: The type to build.
        data: A mapping, or JSON as `str` or `bytes`.
        source: Beginning of the error's message: what was read, for example `gate.yaml is not valid`.
        remedy: End of the error's message: the way out, for example `save it again`.

    Returns:
        The validated object.

    Raises:
        BenchError: The data does not fit. One line, with every wrong key (and the nearest known one) and value.

    """
    from pydantic import TypeAdapter, ValidationError

    adapter = TypeAdapter(model)
    try:
        return adapter.validate_json(data) if isinstance(data, (str, bytes)) else adapter.validate_python(data)
    except ValidationError as error:
        details = error.errors(include_url=False)
        problems = [_problem(model, item) for item in details[:_PROBLEMS]]
        if len(details) > _PROBLEMS:
            problems.append(f"{len(details) - _PROBLEMS} more")
        text = "; ".join([*problems, remedy] if remedy else problems)
        # Keys and values are from outside: none of them may turn the reading direction or talk to the terminal.
        raise BenchError(f"{source}: {text if text.isprintable() else ascii(text)[1:-1]}") from None


def _problem(model: Any, details: Any) -> str:
    """One entry of `ValidationError.errors()` as `key.part: message (got value)`."""
    place, kind, value = details["loc"], details["type"], details["input"]
    key = ".".join(map(str, place))[:160]
    if kind == "extra_forbidden":
        return f"unknown key {key!r} ({suggest(str(place[-1]), _keys_at(model, place[:-1]))})"
    message = str(details["msg"]).removeprefix("Value error, ")
    if kind == "string_type" and isinstance(value, (int, float)):
        message += "; in YAML, write it in quotes"
    # The input of a missing key, or of a check of several keys, is the whole mapping around it.
    shown = "" if kind in ("missing", "json_invalid") or isinstance(value, dict) else f" (got {value!r:.80})"
    return f"{key}: {message}{shown}" if key else message


def _keys_at(model: Any, place: tuple[int | str, ...]) -> list[str]:
    """The keys that a model knows at a place within it."""
    for part in place:
        fields = getattr(model, "model_fields", {})
        if part in fields:  # Otherwise an index, or a key of the user's.
            model = _inner_model(fields[part].annotation) or model
    return list(getattr(model, "model_fields", {}))


def _inner_model(annotation: Any) -> Any:
    """The first pydantic model in an annotation such as `dict[str, Rule | None]`."""
    if hasattr(annotation, "model_fields"):
        return annotation
    return next((model for part in get_args(annotation) if (model := _inner_model(part))), None)
