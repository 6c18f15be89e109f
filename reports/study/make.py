"""`bench study make`: a page to send to raters, and the key to keep."""

from __future__ import annotations

import shutil
from collections.abc import Iterable
from io import BytesIO
from pathlib import Path
from typing import Any

from bench_lipsync.harness.errors import BenchError
from bench_lipsync.harness.util.files import write_text_atomically
from bench_lipsync.harness.util.output_marker import mark_output
from bench_lipsync.reports.page.media import preview_file
from bench_lipsync.reports.page.templating import Asset, asset, environment
from bench_lipsync.reports.study.plan import Item, Key, Videos, make_key
from bench_lipsync.reports.table.grid import make_grid
from bench_lipsync.reports.table.loading import Run, load_runs

KEY_FILE = "key.json"
PAGE_FOLDER = "page"
STYLES = ("page.css",)
OWN_STYLES = ("study.css",)
SCRIPTS = ("study_items.js", "study_answers.js", "study_main.js")
ROWS = ("ground-truth",)
"""Bounds that are asked about too; the others are no lip-sync."""


def make_study(
    runs: Path | str | Iterable[Path | str],
    out: Path,
    *,
    clips: int | None = None,
    ratings: int = 20,
    pairs: int = 20,
    checks: int = 2,
    seed: int = 0,
) -> Path:
    """Write a user study: `out/page/` for the raters and `out/key.json` to keep.

    Args:
        runs: Run folders with previews.
        out: Folder to write.
        clips: Largest number of clips, one of each speaker first; default: all.
        ratings: Videos that one rater scores, drawn anew for each.
        pairs: Pairs that one rater compares, drawn anew for each.
        checks: Attention checks of each of the two kinds.
        seed: Seed of the order of the videos.

    Returns:
        The page's file.

    Raises:
        BenchError: `out` holds a study already, or the runs have no previews.

    """
    if (out / KEY_FILE).exists():
        raise BenchError(f"{out} holds a study already, and its answers need its {KEY_FILE}; name another folder")
    loaded = load_runs(runs)
    files = _files(loaded, clips)
    names = tuple(dict.fromkeys(row for _, row in files))
    shown = {clip: tuple(row for other, row in files if other == clip) for clip in dict.fromkeys(c for c, _ in files)}
    hashes = tuple(run.result.spec_hash for run in loaded)
    key = make_key(Videos(names, shown), hashes, seed, checks)
    mark_output(out, "study")
    folder = out / PAGE_FOLDER
    (folder / "media").mkdir(parents=True, exist_ok=True)
    for item in key.items:
        for row, video in zip(item.models, item.videos, strict=True):
            if not (folder / "media" / video).exists():
                shutil.copyfile(files[item.clip, row], folder / "media" / video)
    portraits = {clip: _portrait(_truth(loaded, clip) or files[clip, rows[0]]) for clip, rows in shown.items()}
    page = write_text_atomically(folder / "index.html", _render(key, portraits, ratings, pairs))
    write_text_atomically(out / KEY_FILE, key.model_dump_json(indent=1) + "\n")
    return page


def _files(runs: list[Run], limit: int | None) -> dict[tuple[str, str], Path]:
    """Previews by clip and row, of models and the ground truth."""
    rows = [row for row in make_grid(runs).rows if not row.bound or row.model in ROWS]
    facts = runs[0].result.clips
    first = {clip.identity: clip.id for clip in reversed(facts)}
    ordered = sorted((clip for clip in facts), key=lambda clip: first[clip.identity] != clip.id)[:limit]
    wanted = {clip.id for clip in ordered}
    previews = {
        (clip.id, row.label): preview_file(runs[row.run].folder, row.model, clip.id)
        for clip in facts
        if clip.id in wanted
        for row in rows
    }
    return {pair: file for pair, file in previews.items() if file is not None}


def _truth(runs: list[Run], clip: str) -> Path | None:
    return next((file for run in runs if (file := preview_file(run.folder, "ground-truth", clip))), None)


def _portrait(video: Path) -> str:
    """The first frame as a JPEG in a `data:` URI: raters must know whose identity is to be kept."""
    import base64

    from bench_lipsync.harness.media.container import open_media

    with open_media(video) as container:
        frame: Any = next(container.decode(video=0))
        image = frame.to_image()
    image.thumbnail((192, 192))
    data = BytesIO()
    image.save(data, "JPEG", quality=85)
    return "data:image/jpeg;base64," + base64.b64encode(data.getvalue()).decode("ascii")


def _render(key: Key, portraits: dict[str, str], ratings: int, pairs: int) -> str:
    """The page; nothing in it tells a model's or a clip's name, nor which items are checks of pairs."""
    clips = {clip: number for number, clip in enumerate(portraits)}
    data: dict[str, Any] = {
        "study": key.study,
        "aspects": key.aspects,
        "ratings": ratings,
        "pairs": pairs,
        "people": list(portraits.values()),
        "items": [_public(item, clips) for item in key.items],
    }
    style = asset(STYLES).text + asset(OWN_STYLES, "bench_lipsync.reports.study.templates").text
    script = asset(SCRIPTS, "bench_lipsync.reports.study.templates")
    html: str = (
        environment("bench_lipsync.reports.study")
        .get_template("study.html.jinja")
        .render(style=Asset(style), script=script, data=data)
    )
    return html


def _public(item: Item, clips: dict[str, int]) -> dict[str, Any]:
    expected = item.expected if item.kind == "check-rating" else None
    always = item.kind.startswith("check")
    return {"id": item.id, "person": clips[item.clip], "videos": item.videos, "told": expected, "always": always}
