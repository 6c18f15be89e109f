"""`report.html`: one self-contained page with the table, synchronised players and everything needed to judge them."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Iterable
from datetime import datetime, timezone
from importlib.resources import files
from pathlib import Path
from typing import Any

from harness.files import write_text_atomically
from harness.results import CLIPS_FILE
from reports.grid import Grid, make_grid
from reports.html_table import TableView, table_view
from reports.media import EMBED_LIMIT, Embedder
from reports.players import ClipView, clip_views
from reports.remarks import remarks
from reports.runs import Run, load_runs
from reports.text import visible


def write_page(runs: Path | str | Iterable[Path | str], out: Path, embed_limit: int = EMBED_LIMIT) -> Path:
    """Write the page of one or several run folders to `out` and return `out`.

    Previews are embedded clip by clip until `embed_limit` bytes of video are in the page; the others are linked
    relative to `out`, and the page says so. Nothing in it needs a network or a server. Missing previews, missing
    per-clip records and failed clips leave a page that says what is missing.

    Raises `BenchError` for a folder without a run, `ComparisonError` for runs that must not share a table.
    """
    loaded = load_runs(runs)
    grid = make_grid(loaded)
    embedder = Embedder(out.parent, embed_limit)
    clips = clip_views(loaded, grid, embedder)
    return write_text_atomically(out, _render(loaded, grid, table_view(grid), clips, embedder))


def _render(runs: list[Run], grid: Grid, table: TableView, clips: list[ClipView], embedder: Embedder) -> str:
    from jinja2 import Environment, PackageLoader, StrictUndefined

    environment = Environment(
        loader=PackageLoader("reports"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["visible"] = lambda value: visible(str(value))
    environment.filters["minus"] = lambda text: text.replace("-", "−") if text != "n/a" else text
    environment.filters["moment"] = _moment
    style, script = _asset("report.css"), _asset("report.js")
    return environment.get_template("page.html.jinja").render(
        style=style,
        script=script,
        style_hash=_csp_hash(style),
        script_hash=_csp_hash(script),
        title=_title(grid, runs[0]),
        runs=runs,
        specs=[json.dumps(run.result.spec, indent=1, ensure_ascii=False) for run in runs],
        grid=grid,
        table=table,
        remarks=remarks(grid),
        notices=list(dict.fromkeys(notice for run in runs for notice in run.result.notices)),
        clips=clips,
        orders=_orders(grid, clips),
        missing=_missing(runs, clips),
        linked=embedder.linked,
        failures=_failures(runs),
        facts=_facts(runs),
    )


def _asset(name: str) -> str:
    return (files("reports.templates") / name).read_text(encoding="utf-8")


def _csp_hash(text: str) -> str:
    """What the page's content security policy admits: these bytes and no other script or style."""
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()


def _moment(created: str) -> str:
    """`2026-01-02 03:04 UTC`; the text as it is where it is no ISO time."""
    try:
        return datetime.fromisoformat(created).astimezone(timezone.utc).strftime("%Y-%m-%d %H:%M UTC")
    except ValueError:
        return created


def _title(grid: Grid, run: Run) -> str:
    models = list(dict.fromkeys(row.model for row in grid.rows if not row.bound))
    models = models or list(dict.fromkeys(row.model for row in grid.rows)) or ["no model"]
    named = ", ".join(models) if len(models) <= 3 else f"{len(models)} models"
    return f"{named} on {run.result.spec.get('dataset', 'unknown clips')}"


def _facts(runs: list[Run]) -> list[str]:
    """The line under the title."""
    result = runs[0].result
    people = len({clip.identity for clip in result.clips})
    facts = [f"{_count(len(result.clips), 'clip')} of {_count(people, 'identity', 'identities')}"]
    shown = {"split": "split {}", "protocol": "{}", "mode": "{}", "size": "{} px"}
    facts += [form.format(result.spec[key]) for key, form in shown.items() if key in result.spec]
    if len(runs) > 1:
        facts.append(f"{len(runs)} runs")
    return facts


def _count(number: int, one: str, many: str | None = None) -> str:
    return f"{number} {one if number == 1 else many or one + 's'}"


def _orders(grid: Grid, clips: list[ClipView]) -> dict[str, Any]:
    """Data for the script: by which metrics the clips can be ordered, and their values."""
    known = {key for clip in clips for key in clip.order}
    columns = [column for column in grid.columns if column.key in known and column.direction != "none"]
    return {
        "columns": [{"key": column.key, "name": column.name, "direction": column.direction} for column in columns],
        "clips": {f"clip-{clip.number}": clip.order for clip in clips},
    }


def _missing(runs: list[Run], clips: list[ClipView]) -> list[str]:
    """What a reader may look for in vain, and why."""
    said = []
    for run in runs:
        if run.folder is not None and not (run.folder / CLIPS_FILE).is_file():
            said.append(f"{run.label} has no {CLIPS_FILE}: values per clip are not shown.")
    if clips and not any(clip.playable for clip in clips):
        said.append("No previews lie beside this run (media/MODEL/CLIP.mp4), so there is nothing to play.")
    hidden = len(runs[0].result.clips) - len(clips)
    if hidden:
        said.append(
            f"{_count(hidden, 'clip')} failed for every model and {'is' if hidden == 1 else 'are'} not shown here."
        )
    return said


def _failures(runs: list[Run]) -> list[dict[str, Any]]:
    """Failures with the models that share clip, status and reason in one line."""
    grouped: dict[tuple[str, str, str], list[str]] = {}
    for run in runs:
        for failure in run.result.failures:
            models = grouped.setdefault((failure.clip, failure.status, failure.reason), [])
            if failure.model not in models:
                models.append(failure.model)
    everyone = {str(card.get("name")) for run in runs for card in run.result.models}
    return [
        {"clip": clip, "status": status, "reason": reason, "models": models, "all": set(models) == everyone}
        for (clip, status, reason), models in grouped.items()
    ]
