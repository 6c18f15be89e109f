"""Names and messages from outside, made harmless where they are shown as plain text."""

from __future__ import annotations

import unicodedata

_HIDDEN = {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"}
"""Unicode categories that move the cursor, turn the reading direction or show nothing."""
_MARKDOWN = "\\`*_{}[]<>()#+!|~$&"


def markdown(text: str) -> str:
    """`text` as Markdown that shows it literally: no tag, link, emphasis or new line can come of it."""
    return "".join(f"\\{char}" if char in _MARKDOWN else char for char in visible(text))


def visible(text: str) -> str:
    r"""`text` on one line, with control, direction-turning and unassigned characters written as `\u202e`.

    A file name can hold terminal commands and characters that reorder the line around it; neither may take effect.
    """
    return "".join(_visible(char) for char in text)


def _visible(char: str) -> str:
    if char in "\t\n\r":
        return " "
    if unicodedata.category(char) not in _HIDDEN:
        return char
    return f"\\u{ord(char):04x}" if ord(char) < 0x10000 else f"\\U{ord(char):08x}"
