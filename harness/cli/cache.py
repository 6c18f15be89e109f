"""`bench cache`: what the store of prepared, generated and scored clips holds, whether it is whole, and making room."""

from __future__ import annotations

import json
import re
import time
from typing import Annotated

import typer

from bench_lipsync.harness.errors import BenchError

_UNITS = {"B": 1, "KB": 1e3, "MB": 1e6, "GB": 1e9, "TB": 1e12}
_TIMES = {"m": 60.0, "h": 3600.0, "d": 86400.0, "w": 604800.0}
JsonOption = Annotated[bool, typer.Option("--json", help="For programs.")]


def register(app: typer.Typer) -> None:
    """Add the commands to `app`."""
    group = typer.Typer(help="Look after the store of results: ls, verify, gc.", no_args_is_help=True)
    group.command("ls", epilog="Example: bench cache ls")(list_entries)
    group.command("verify", epilog="Example: bench cache verify --remove")(verify)
    group.command("gc", epilog="Example: bench cache gc --unused 30d --max-size 50GB")(collect_garbage)
    app.add_typer(group, name="cache")


def list_entries(as_json: JsonOption = False) -> None:
    """Say for each stage how many results are kept, how large they are, and when one was last used."""
    from bench_lipsync.harness.store.maintenance import entries
    from bench_lipsync.harness.store.mirror import open_store

    store = open_store()
    rows: dict[str, dict[str, float]] = {}
    for entry in entries(store):
        row = rows.setdefault(entry.stage, {"entries": 0, "bytes": 0, "last_used": 0})
        row["entries"] += 1
        row["bytes"] += entry.bytes
        row["last_used"] = max(row["last_used"], entry.used)
    if as_json:
        typer.echo(json.dumps({"store": str(store.root), "stages": rows}, indent=2))
        return
    typer.echo(f"{store.root}")
    for stage, row in rows.items():
        used = time.strftime("%Y-%m-%d %H:%M", time.localtime(row["last_used"]))
        typer.echo(f"  {stage:10} {row['entries']:>7.0f} entries  {_size(row['bytes']):>9}  last used {used}")
    total = sum(row["bytes"] for row in rows.values())
    typer.echo(f"  {'all':10} {sum(row['entries'] for row in rows.values()):>7.0f} entries  {_size(total):>9}")


def verify(
    remove: Annotated[bool, typer.Option("--remove", help="Take damaged entries away; they are made again.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Read every file of the store and compare it with the hash that was written beside it; exit code 1 for damage."""
    from bench_lipsync.harness.store.maintenance import entries, problems
    from bench_lipsync.harness.store.mirror import open_store
    from bench_lipsync.harness.util import progress

    store = open_store()
    damaged = {}
    for entry in progress.each("verify", list(entries(store)), quiet=as_json):
        if found := problems(entry):
            damaged[f"{entry.stage}/{entry.path.name}"] = found
            if remove:
                store.remove(entry.path)
    if as_json:
        typer.echo(json.dumps({"damaged": damaged, "removed": remove}, indent=2))
    else:
        for name, found in damaged.items():
            typer.echo(f"{name}: {'; '.join(found)}{'; removed' if remove else ''}")
        typer.echo(f"{len(damaged)} damaged" + ("" if remove or not damaged else "; bench cache verify --remove"))
    raise typer.Exit(1 if damaged and not remove else 0)


def collect_garbage(
    unused: Annotated[str | None, typer.Option(help="Remove what was not used for so long, as 12h, 30d, 8w.")] = None,
    max_size: Annotated[str | None, typer.Option(help="Keep at most so much, as 500MB, 50GB; oldest go first.")] = None,
    stage: Annotated[str | None, typer.Option(help="Only this stage, as generate.")] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what would go.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Make room: remove results that were not used for long, also while runs go on.

    What was used within the last hour, or since the oldest of the runs that go on now began, always stays. Run folders
    keep their videos: they share the files, and only the store's name for them goes.
    """
    from bench_lipsync.harness.store.maintenance import make_room
    from bench_lipsync.harness.store.mirror import open_store

    if unused is None and max_size is None:
        raise BenchError("say what may go: --unused 30d, --max-size 50GB, or both; --dry-run only looks")
    gone = make_room(
        open_store(),
        max_bytes=None if max_size is None else int(_number(max_size, _UNITS, "50GB")),
        max_age=None if unused is None else _number(unused, _TIMES, "30d"),
        stage=stage,
        dry=dry_run,
    )
    if as_json:
        typer.echo(json.dumps({"entries": len(gone.entries), "bytes": gone.bytes, "left_over": gone.left_over}))
        return
    verb = "would remove" if dry_run else "removed"
    typer.echo(
        f"{verb} {len(gone.entries)} entries, {_size(gone.bytes)}; {gone.left_over} half made ones of killed runs"
    )


def _number(text: str, units: dict[str, float], example: str) -> float:
    match = re.fullmatch(r"([0-9]+(?:\.[0-9]+)?)\s*([A-Za-z]+)", text.strip())
    known = {unit.lower(): value for unit, value in units.items()}
    if not match or match[2].lower() not in known:
        raise BenchError(f"{text!r} is no amount; for example {example} ({', '.join(units)})")
    return float(match[1]) * known[match[2].lower()]


def _size(count: float) -> str:
    for unit in ("B", "KB", "MB", "GB"):
        if count < 1000:
            return f"{count:.0f} {unit}" if unit == "B" else f"{count:.1f} {unit}"
        count /= 1000
    return f"{count:.1f} TB"
