"""Small text and YAML files that a user wrote; mistakes name the file and never show a traceback."""

from __future__ import annotations

import stat
from pathlib import Path
from typing import Any

from bench_lipsync.harness.errors import BenchError
from bench_lipsync.harness.util.sanitize import shown

MAX_BYTES = 8 << 20
"""No table or configuration of ours needs more; a larger one is not read."""
MAX_VALUES = 1_000_000
"""Values in one file, those that `*name` repeats counted each time: ten short lines can stand for a billion."""


def read_text(path: Path, what: str, max_bytes: int = MAX_BYTES) -> str:
    """The text, without a byte order mark. `what` names the file in errors, as `the gate`.

    Raises `BenchError` for a file that is missing, no plain file (a named pipe would make the reader wait for ever),
    too large or not UTF-8.
    """
    name = f"{what} {shown(path)}"
    try:
        about = path.stat()
        if not stat.S_ISREG(about.st_mode):
            raise BenchError(f"cannot read {name}: it is not a plain file")
        if about.st_size > max_bytes:
            raise BenchError(f"{name} has {about.st_size} bytes; at most {max_bytes} are read")
        with path.open("rb") as stream:
            return stream.read(max_bytes).decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise BenchError(f"{name} is not UTF-8 text: byte {error.start} is {error.object[error.start]:#04x}") from None
    except (OSError, ValueError) as error:
        raise BenchError(f"cannot read {name}: {getattr(error, 'strerror', None) or error}") from None


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
