"""Names from outside made safe for file systems and pages, without ever becoming a path."""

from __future__ import annotations

import contextlib
import hashlib
import os
import re
import unicodedata

_UNSAFE = re.compile(r"[^A-Za-z0-9._-]+")
_MAX = 100
_HIDDEN = {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"}
"""Unicode categories that move the cursor, turn the reading direction or show nothing."""


def plain_name(name: str) -> str:
    """`name`, of a file or from a table, written the same on every machine: as UTF-8 and in NFC.

    macOS hands out names in NFD, and Python reads them in the encoding of the locale, which need not be theirs.
    """
    errors = "surrogateescape" if any("\udc80" <= char <= "\udcff" for char in name) else "strict"
    with contextlib.suppress(UnicodeError):  # A text that no file name is here, so it was not read from one.
        name = os.fsencode(name).decode("utf-8", errors)
    return unicodedata.normalize("NFC", name)


def safe_id(name: str) -> str:
    """`name` as a stable id of letters, digits, `.`, `_`, `-`, never starting with a dot, at most 100 characters.

    Names that would lose information get eight hex digits of their sha256 appended, so that two of them never collide,
    other than those that `plain_name` holds for one.
    """
    name = plain_name(name)
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode()
    plain = _UNSAFE.sub("_", plain).strip("._-")
    if plain and plain == name and len(plain) <= _MAX:
        return plain
    digest = hashlib.sha256(name.encode("utf-8", "surrogatepass")).hexdigest()[:8]
    return f"{plain[: _MAX - 9] or 'clip'}-{digest}"


def printable(text: str) -> str:
    r"""`text` on one line, with control, direction-turning and unassigned characters written as `\u202e`.

    A file name can hold terminal commands and characters that reorder the line around it; neither may take effect.
    """
    return text if text.isprintable() else "".join(map(_printable, text))


def _printable(char: str) -> str:
    if char in "\t\n\r":
        return " "
    if unicodedata.category(char) not in _HIDDEN:
        return char
    return f"\\u{ord(char):04x}" if ord(char) < 0x10000 else f"\\U{ord(char):08x}"


def shown(value: object, limit: int = 160) -> str:
    """`value` as printable text, shortened in the middle beyond `limit` characters."""
    text = printable(str(value))
    return text if len(text) <= limit else f"{text[: limit - 12]}...{text[-9:]}"
