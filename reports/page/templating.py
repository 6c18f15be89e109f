"""Templates, styles and scripts of the pages; a page's content security policy admits its own and no others."""

from __future__ import annotations

import base64
import hashlib
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.resources import files
from typing import Any

from bench_lipsync.harness.util.sanitize import printable

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


def environment(package: str = "bench_lipsync.reports") -> Any:
    """The `jinja2.Environment` of every page here: escaping on, unknown names are errors, names made visible."""
    from jinja2 import Environment, PackageLoader, StrictUndefined

    made = Environment(
        loader=PackageLoader(package), autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    made.filters["printable"] = lambda value: printable(str(value))
    made.filters["minus"] = lambda text: text.replace("-", "−") if text != "n/a" else text
    made.filters["moment"] = _moment
    return made


def _moment(created: str) -> str:
    """`2026-01-02 03:04 UTC`; the text as it is where it is no ISO time."""
    try:
        return datetime.fromisoformat(created).astimezone(UTC).strftime("%Y-%m-%d %H:%M UTC")
    except ValueError:
        return created
