"""Names from outside made safe for file systems and pages, without ever becoming a path."""

from __future__ import annotations

import hashlib
import re
import unicodedata

_UNSAFE = re.compile(r"[^A-Za-z0-9._-]+")
_MAX = 100


def safe_id(name: str) -> str:
    """`name` as a stable id of letters, digits, `.`, `_`, `-`, never starting with a dot, at most 100 characters.

    Names that would lose information get eight hex digits of their sha256 appended, so that two of them never collide.
    """
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode()
    plain = _UNSAFE.sub("_", plain).strip("._-")
    if plain and plain == name and len(plain) <= _MAX:
        return plain
    digest = hashlib.sha256(name.encode("utf-8", "surrogatepass")).hexdigest()[:8]
    return f"{plain[: _MAX - 9] or 'clip'}-{digest}"


def shown(value: object, limit: int = 160) -> str:
    """`value` as text that is safe to print: no control, direction or undecodable characters, not too long."""
    text = str(value)
    text = text if text.isprintable() else ascii(text)[1:-1]
    return text if len(text) <= limit else f"{text[: limit - 12]}...{text[-9:]}"
