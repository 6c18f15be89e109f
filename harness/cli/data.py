"""`bench data`: what a dataset holds, whether it can be read, and cutting HDTF and VoxCeleb2 from full videos."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from bench_lipsync.harness.cli import _options as options
from bench_lipsync.harness.errors import BenchError

if TYPE_CHECKING:
    from bench_lipsync.harness.api.dataset import ClipList
    from bench_lipsync.harness.datasets.cutting import Interval, Outcome

_Dataset = Annotated[str, typer.Argument(help="demo, hdtf, voxceleb2 or folder.", show_default=False)]


def register(app: typer.Typer) -> None:
    """Add the command group to `app`."""
    data = typer.Typer(no_args_is_help=True, rich_markup_mode=None, help=__doc__)
    data.command("list", epilog="Example: bench data list voxceleb2 --data-root ~/VoxCeleb2 --split test")(list_clips)
    data.command("verify", epilog="Example: bench data verify folder --data-root ~/clips --json")(verify)
    data.command(
        "prepare",
        epilog="Example: bench data prepare hdtf --data-root ~/hdtf_videos --metadata ~/HDTF/HDTF_dataset "
        "--out ~/hdtf_clips --split test --download",
    )(prepare)
    app.add_typer(data, name="data", epilog="Example: bench data list folder --data-root ~/clips")


def list_clips(
    dataset: _Dataset,
    data_root: options.DataRoot = None,
    split: options.Split = "auto",
    limit: options.Limit = None,
    seconds: Annotated[bool, typer.Option(help="Open every file and say how long it is.")] = True,
    as_json: options.Json = False,
) -> None:
    """The clips of a dataset as a run would take them: id, identity, seconds, split, file (tab-separated)."""
    from bench_lipsync.harness.datasets.discover import shown
    from bench_lipsync.harness.stages.source import clip_seconds
    from bench_lipsync.harness.util.progress import each

    listed = _clips(dataset, data_root, split, limit)
    rows: list[dict[str, Any]] = []
    for clip in each("list", listed.clips, quiet=not seconds):
        stated = clip_seconds(clip) if seconds else None
        parts = (clip.id, clip.identity, stated, clip.split, str(clip.video))
        rows.append(dict(zip(("id", "identity", "seconds", "split", "file"), parts, strict=True)))
    if as_json:
        answer = {"dataset": dataset, "split": listed.split, "notices": listed.notices, "clips": rows}
        print(json.dumps(answer, indent=1))
        return
    for row in rows:
        length = "?" if row["seconds"] is None else f"{row['seconds']:.2f}"
        print(row["id"], row["identity"], length, row["split"], shown(row["file"], 400), sep="\t")
    print(f"{len(rows)} clips, {len({row['identity'] for row in rows})} identities", file=sys.stderr)


def verify(
    dataset: _Dataset,
    data_root: options.DataRoot = None,
    split: options.Split = "all",
    limit: options.Limit = None,
    as_json: options.Json = False,
) -> None:
    """Decode every clip from end to end; exit code 1 if one of them cannot be used."""
    from bench_lipsync.harness.errors import Status
    from bench_lipsync.harness.stages.verify_clip import verify_clip
    from bench_lipsync.harness.util.progress import each

    listed = _clips(dataset, data_root, split, limit)
    verdicts = [verify_clip(clip) for clip in each("verify", listed.clips)]
    bad = sum(verdict.status is not Status.OK for verdict in verdicts)
    if as_json:
        print(json.dumps([verdict.row() for verdict in verdicts], indent=1))
    else:
        for verdict in verdicts:
            length = "?" if verdict.seconds is None else f"{verdict.seconds:.2f}"
            print(verdict.clip.id, verdict.status, length, verdict.reason, sep="\t")
    print(f"{len(verdicts) - bad} of {len(verdicts)} clips can be read", file=sys.stderr)
    raise typer.Exit(1 if bad else 0)


def prepare(
    dataset: Annotated[str, typer.Argument(help="hdtf or voxceleb2; the others need no preparation.")],
    data_root: Annotated[Path, typer.Option("--data-root", help="Folder with the full videos: Name.mp4, or ID.mp4.")],
    metadata: Annotated[
        Path, typer.Option(help="The data set's text files: folder HDTF_dataset of github.com/MRzzm/HDTF, or txt.")
    ],
    out: Annotated[Path, typer.Option(help="Folder for the clips and DATASET_report.csv.")],
    split: Annotated[str, typer.Option(help="test, train or all: whose intervals to cut.")] = "all",
    download: Annotated[bool, typer.Option("--download", help="Fetch missing videos with yt-dlp.")] = False,
    force: Annotated[bool, typer.Option("--force", help="Cut again what is there already.")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Print the plan and do nothing.")] = False,
    min_face: Annotated[
        int | None,
        typer.Option(min=1, help="voxceleb2: least width and height of the face's box in pixels. (default: 256)"),
    ] = None,
    margin: Annotated[
        float | None,
        typer.Option(min=0, max=2, help="voxceleb2: margin on each side, as a share of the box. (default: 0.1)"),
    ] = None,
    limit: options.Limit = None,
    as_json: options.Json = False,
) -> None:
    """Cut and crop a data set's intervals out of full videos; every interval gets a row in DATASET_report.csv.

    Exit code 1 if an interval that the metadata describes did not become a clip. The same command goes on where it
    was interrupted.
    """
    from bench_lipsync.harness.datasets.cutting import (
        Preparation,
        YtDlp,
        left_out,
        plan,
        prepare,
        report_of,
        write_report,
    )
    from bench_lipsync.harness.run.selection import limited
    from bench_lipsync.harness.util.progress import stage

    if dataset not in ("hdtf", "voxceleb2"):
        raise BenchError(f"dataset {dataset!r} needs no preparation; hdtf and voxceleb2 have full videos to cut")
    if not data_root.is_dir() and not download:
        raise BenchError(f"--data-root {data_root} is no folder; put the full videos there or add --download")
    report = report_of(dataset, out)
    intervals = _intervals(dataset, metadata, report, split, min_face, margin)
    job = Preparation(data_root, out, force=force, downloader=YtDlp() if download else None)
    listed = list(intervals)
    if limit is not None:  # Of those that can become clips, as a run chooses among these.
        listed = list(limited([interval for interval in listed if interval.problem is None], limit))
    planned = plan(listed, job)
    for notice in left_out(data_root):
        print(f"note: {notice}", file=sys.stderr)
    if dry_run:
        _show_outcomes(planned, as_json)
        return
    outcomes: list[Outcome] = []
    try:
        with stage("cut", len(planned)) as tick:
            for outcome in prepare(planned, job):
                outcomes.append(outcome)
                tick(outcome.interval.id)
                if len(outcomes) == 1 and not report.exists():  # from now on the folder can be told from others
                    write_report(planned, report)
    finally:
        if out.is_dir():  # else the reason is on its way to the user
            write_report([*outcomes, *planned[len(outcomes) :]], report)
    _show_outcomes(outcomes, as_json)
    print(f"report: {report}", file=sys.stderr)
    raise typer.Exit(1 if any(outcome.failed for outcome in outcomes) else 0)


def _intervals(
    dataset: str, metadata: Path, report: Path, split: str, min_face: int | None, margin: float | None
) -> Iterator[Interval]:
    """The intervals of a data set, in order. Raises a usage error for an option of the other one."""
    if dataset == "hdtf":
        from bench_lipsync.harness.datasets import hdtf

        for option, value in (("--min-face", min_face), ("--margin", margin)):
            if value is not None:
                raise typer.BadParameter("is for voxceleb2; hdtf has crop boxes of its own", param_hint=option)
        yield from hdtf.select(metadata, split)
        return
    from bench_lipsync.harness.datasets import voxceleb2

    rule = voxceleb2.CropRule(
        voxceleb2.MIN_FACE if min_face is None else min_face, voxceleb2.MARGIN if margin is None else margin
    )
    voxceleb2.check_output(report.parent, report, rule)
    found = voxceleb2.find_annotations(metadata, split)
    for notice in found.notices:
        print(f"note: {notice}", file=sys.stderr)
    yield from voxceleb2.read_tracks(found, rule)


def _clips(dataset: str, data_root: Path | None, split: str, limit: int | None) -> ClipList:
    from bench_lipsync.harness.api.dataset import ClipRequest
    from bench_lipsync.harness.run.selection import list_clips

    listed = list_clips(dataset, ClipRequest(data_root=data_root, split=split), limit)
    for notice in listed.notices:
        print(f"note: {notice}", file=sys.stderr)
    return listed


def _show_outcomes(outcomes: list[Outcome], as_json: bool) -> None:
    from collections import Counter

    if as_json:
        print(json.dumps([outcome.row() for outcome in outcomes], indent=1))
    else:
        for outcome in outcomes:
            print(outcome.interval.id, outcome.status, outcome.reason, sep="\t")
    counts = Counter(str(outcome.status) for outcome in outcomes)
    print(", ".join(f"{count} {fate}" for fate, count in counts.most_common()), file=sys.stderr)
