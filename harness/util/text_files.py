"""Reading a small YAML file that a user wrote; mistakes name the file and never show a traceback."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from bench_lipsync.harness.errors import BenchError
from bench_lipsync.harness.util.text_file import MAX_BYTES, read_text

__all__ = ["MAX_BYTES", "MAX_VALUES", "read_yaml"]
MAX_VALUES = 1_000_000
"""Values in one file, those that `*name` repeats counted each time: ten short lines can stand for a billion."""


def read_yaml(path: Path, what: str, max_bytes: int = MAX_BYTES) -> Any:
    """What the file holds, as plain data; nothing in it is run. `what` names it in errors, as `the gate`.

    Raises `BenchError` for a file that is missing, too large, no text or no YAML.
    """
    import yaml

    text = read_text(path, what, max_bytes)
    try:
        content = yaml.safe_load(text)
        if _count(content) > MAX_VALUES:
            raise BenchError(f"{what} {path} stands for more than {MAX_VALUES:,} values; write less of it")
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        # ValueError: numbers of thousands of digits and dates that do not exist.
        raise BenchError(f"{what} {path} is not YAML: {' '.join(str(error).split())[:300]}") from None
    return content


def _count(content: Any) -> int:
    """Values in `content`, or more than `MAX_VALUES` as soon as that is known (also where it holds itself)."""
    total, pending = 0, [content]
    while pending and total <= MAX_VALUES:
        value = pending.pop()
        total += 1
        if isinstance(value, dict):
            pending += [*value.keys(), *value.values()]
        elif isinstance(value, (list, tuple, set)):
            pending += value
    return total
