"""Where tables are printed."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.console import Console


def terminal(console: Console | None, width: int) -> Console:
    """`console`, or one on stdout. A pipe has no width (rich would take 80), so it gets `width`."""
    from rich.console import Console

    target = console or Console()
    if console is None and not target.is_terminal and "COLUMNS" not in os.environ:
        return Console(width=width)
    return target
