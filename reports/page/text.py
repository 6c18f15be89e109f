"""Lines of the page that are made from several fields of a run: title, facts, what is missing, failures."""

from __future__ import annotations

from typing import Any

from bench_lipsync.harness.results.frame_curves import CURVES_FILE
from bench_lipsync.harness.results.schema import CLIPS_FILE
from bench_lipsync.reports.page.clip_selection import ClipSelection
from bench_lipsync.reports.page.players import ClipView
from bench_lipsync.reports.table.loading import Run
from bench_lipsync.reports.table.model import Grid


def title(grid: Grid, run: Run) -> str:
    """`MODEL, MODEL on DATASET`."""
    models = list(dict.fromkeys(row.model for row in grid.rows if not row.bound))
    models = models or list(dict.fromkeys(row.model for row in grid.rows)) or ["no model"]
    named = ", ".join(models) if len(models) <= 3 else f"{len(models)} models"
    return f"{named} on {run.result.spec.get('dataset', 'unknown clips')}"


def facts(runs: list[Run]) -> list[str]:
    """The line under the title."""
    result = runs[0].result
    identities = len({clip.identity for clip in result.clips})
    parts = [f"{_count(len(result.clips), 'clip')} of {_count(identities, 'identity', 'identities')}"]
    shown = {"split": "split {}", "protocol": "{}", "mode": "{}", "size": "{} px"}
    parts += [form.format(result.spec[key]) for key, form in shown.items() if key in result.spec]
    if len(runs) > 1:
        parts.append(f"{len(runs)} runs")
    return parts


def notices(runs: list[Run]) -> list[str]:
    """What the runs say about themselves; what they say alike of several models once: `one, two: TEXT`."""
    models_of: dict[str, list[str]] = {}
    for run in runs:
        known = {str(card.get("name")) for card in run.result.models}
        for notice in run.result.notices:
            name, colon, text = notice.partition(": ")
            models = models_of.setdefault(text if colon and name in known else notice, [])
            if colon and name in known and name not in models:
                models.append(name)
    return [f"{', '.join(models)}: {text}" if models else text for text, models in models_of.items()]


MAX_FAILURES = 200
"""Lines of them on a page."""


def missing(runs: list[Run], clips: list[ClipView], selection: ClipSelection) -> list[str]:
    """What a reader may look for in vain, and why."""
    lines = []
    if selection.left_out:
        lines.append(
            f"{len(clips)} of {len(clips) + selection.left_out} clips are shown: {selection.rule}. "
            "Table and charts are of all of them; bench report --clip NAME makes a page of others."
        )
    for run in runs:
        if run.folder is not None and not (run.folder / CLIPS_FILE).is_file():
            lines.append(f"{run.label} has no {CLIPS_FILE}: values per clip are not shown.")
        if run.folder is not None and not (run.folder / CURVES_FILE).is_file():
            lines.append(f"{run.label} has no {CURVES_FILE}: values per frame, pose and waveform are not shown.")
    if clips and not any(clip.playable for clip in clips):
        lines.append("No previews lie beside this run (media/MODEL/CLIP.mp4), so there is nothing to play.")
    hidden = len(runs[0].result.clips) - len(clips) - selection.left_out
    if hidden:
        lines.append(
            f"{_count(hidden, 'clip')} failed for every model and {'is' if hidden == 1 else 'are'} not shown here."
        )
    return lines


def failures(runs: list[Run]) -> list[dict[str, Any]]:
    """Failures, with the models that share clip, status and reason in one line."""
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


def _count(number: int, one: str, many: str | None = None) -> str:
    return f"{number} {one if number == 1 else many or one + 's'}"
