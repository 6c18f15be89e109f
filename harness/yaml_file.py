"""Reading a small YAML file that a user wrote; mistakes name the file and never show a traceback."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from harness.status import BenchError

MAX_BYTES = 8 << 20
"""No file of ours needs more; a larger one is not read."""


def read_yaml(path: Path, what: str, max_bytes: int = MAX_BYTES) -> Any:
    """What the file holds, as plain data; nothing in it is run. `what` names it in errors, as `the gate`.

    Raises `BenchError` for a file that is missing, too large, no text or no YAML.
    """
    import yaml

    try:
        size = path.stat().st_size
        if size > max_bytes:
            raise BenchError(f"{what} {path} has {size} bytes; at most {max_bytes} are read")
        return yaml.safe_load(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise BenchError(f"cannot read {what} {path}: {error.strerror or error}") from None
    except (yaml.YAMLError, UnicodeDecodeError, RecursionError) as error:
        raise BenchError(f"{what} {path} is not YAML: {' '.join(str(error).split())[:300]}") from None
