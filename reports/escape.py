"""Text from outside as literal Markdown."""

from __future__ import annotations

from bench_lipsync.harness.util.sanitize import printable

_MARKDOWN = "\\`*_{}[]<>()#+!|~$&"


def markdown(text: str) -> str:
    """`text` as Markdown that shows it literally: no tag, link, emphasis or new line can come of it."""
    return "".join(f"\\{char}" if char in _MARKDOWN else char for char in printable(text))
