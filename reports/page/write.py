"""`report.html`: one page with the table, charts, synchronised players and everything needed to judge them."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from pathlib import Path

from bench_lipsync.harness.util.files import write_text_atomically
from bench_lipsync.reports.charts.results import make_charts
from bench_lipsync.reports.page.clip_selection import ClipSelection, choose_clips
from bench_lipsync.reports.page.html_table import table_view
from bench_lipsync.reports.page.media import Media
from bench_lipsync.reports.page.players import ClipView, clip_index, clip_views, filters
from bench_lipsync.reports.page.templating import SCRIPTS, STYLES, asset, environment
from bench_lipsync.reports.page.text import MAX_FAILURES, facts, failures, missing, notices, title
from bench_lipsync.reports.table.grid import make_grid
from bench_lipsync.reports.table.loading import Run, load_runs
from bench_lipsync.reports.table.model import Grid
from bench_lipsync.reports.table.remarks import remarks


def write_page(
    runs: Path | str | Iterable[Path | str], out: Path, embed: bool = False, clips: Sequence[str] = ()
) -> Path:
    """Write the HTML report of one or several run folders.

    The page needs no network and no server. Where previews, per-clip records or clips are missing, it says so.

    Args:
        runs: Run folders over the same clips.
        out: File to write. Previews lie in `F_media/` beside `F.html`; a page in its run folder uses that folder's
            `media/`.
        embed: Put the previews into the page instead.
        clips: Ids of the clips to show. Default: all, of a large run a selection (`reports.page.clip_selection`).

    Returns:
        `out`.

    Raises:
        BenchError: A folder holds no run, or a clip is unknown.
        ComparisonError: The runs must not share a table.

    """
    loaded = load_runs(runs)
    grid = make_grid(loaded)
    selection = choose_clips(loaded, grid, clips)
    views = clip_views(loaded, grid, Media(out, embed), selection)
    return write_text_atomically(out, _render(loaded, grid, views, selection, embed))


def write_run_page(folder: Path) -> Path:
    """`report.html` of a run folder, in it."""
    return write_page(folder, folder / "report.html")


def _render(runs: list[Run], grid: Grid, clips: list[ClipView], selection: ClipSelection, embed: bool) -> str:
    failed = failures(runs)
    html: str = (
        environment()
        .get_template("page.html.jinja")
        .render(
            style=asset(STYLES),
            script=asset(SCRIPTS),
            title=title(grid, runs[0]),
            runs=runs,
            specs=[json.dumps(run.result.spec, indent=1, ensure_ascii=False) for run in runs],
            grid=grid,
            table=table_view(grid),
            charts=make_charts(grid, runs),
            remarks=remarks(grid),
            notices=notices(runs),
            clips=clips,
            index=clip_index(grid, clips),
            filters=filters(clips),
            missing=missing(runs, clips, selection),
            embed=embed,
            failures=failed[:MAX_FAILURES],
            more_failures=len(failed) - MAX_FAILURES,
            facts=facts(runs),
        )
    )
    return html
