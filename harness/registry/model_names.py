"""How users name a model: `NAME`, `NAME@VARIANT`, `NAME:ARGUMENT` or `NAME@VARIANT:ARGUMENT`.

A variant is one or several switches joined by `+`, as `stylelipsync@no-mals+box`. Every part but the argument is a
plain word in a shell.
"""

from __future__ import annotations

from pathlib import PurePath
from typing import NamedTuple

from bench_lipsync.harness.errors import BenchError
from bench_lipsync.harness.util.sanitize import plain_name


class ModelName(NamedTuple):
    """The parts of a name."""

    kind: str
    """Name of the plug-in."""
    switches: tuple[str, ...] = ()
    """Sorted; what each means is the model's own."""
    argument: str | None = None
    """Weights or a folder; `None` where the name has no colon."""

    @property
    def variant(self) -> str:
        """The switches as one word, `""` for none."""
        return "+".join(self.switches)

    def __str__(self) -> str:
        at = f"@{self.variant}" if self.switches else ""
        return f"{self.kind}{at}" + (f":{self.argument}" if self.argument is not None else "")


def parse_name(text: str) -> ModelName:
    """Take a name apart. Raises `BenchError` for an `@` with nothing behind it."""
    head, colon, argument = text.partition(":")
    kind, at, variant = head.partition("@")
    switches = tuple(sorted({word for word in variant.split("+") if word}))
    if at and not switches:
        raise BenchError(f"model {text!r} has no variant behind the @; for example {kind}@no-mals")
    return ModelName(kind, switches, argument if colon else None)


def row_name(text: str) -> str:
    """`stylelipsync@box:/some/where/mine.pth` is shown and hashed as `stylelipsync@box:mine.pth`."""
    name = parse_name(text)
    return str(name if name.argument is None else name._replace(argument=plain_name(PurePath(name.argument).name)))
