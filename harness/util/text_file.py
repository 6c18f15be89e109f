"""Reading a small text file that somebody else wrote: a plain file, not too large, in UTF-8."""

from __future__ import annotations

import stat
from pathlib import Path

from bench_lipsync.harness.errors import BenchError
from bench_lipsync.harness.util.sanitize import shown

MAX_BYTES = 8 << 20
"""No table or configuration of ours needs more; a larger one is not read."""


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
