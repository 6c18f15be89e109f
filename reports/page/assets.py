"""The page's own style and script, put together from small files, and the only ones that its policy admits."""

from __future__ import annotations

import base64
import hashlib
from dataclasses import dataclass
from importlib.resources import files

STYLES = ("page.css", "table.css", "charts.css", "clips.css", "strips.css", "small.css")
SCRIPTS = ("player.js", "difference.js", "strips.js", "list.js", "table.js", "keys.js", "theme.js", "main.js")


@dataclass(frozen=True)
class Asset:
    """Text that stands in the page, and its hash for the content security policy."""

    text: str

    @property
    def policy(self) -> str:
        """`sha256-...`: these bytes and no other may take effect."""
        return "sha256-" + base64.b64encode(hashlib.sha256(self.text.encode()).digest()).decode()


def asset(names: tuple[str, ...], package: str = "bench_lipsync.reports.templates") -> Asset:
    """The named files one after another."""
    return Asset("".join((files(package) / name).read_text(encoding="utf-8") for name in names))
