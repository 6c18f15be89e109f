"""Every command of the command line, as Typer reads it."""

from __future__ import annotations

from typing import Any

import typer

from bench_lipsync.harness.cli import app, register


def commands() -> dict[str, Any]:
    """The commands by their words: `run`, `data list`."""
    if not app.registered_commands:
        register()
    return dict(_below(typer.main.get_command(app), ()))


def _below(command: Any, words: tuple[str, ...]) -> list[tuple[str, Any]]:
    children = getattr(command, "commands", {})
    if not children:
        return [(" ".join(words), command)]
    return [pair for name, child in children.items() for pair in _below(child, (*words, name))]
