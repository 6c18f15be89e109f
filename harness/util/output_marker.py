"""Marks the folders that bench writes, so that no command takes what is in them for footage."""

from __future__ import annotations

import json
import os
from collections.abc import Collection
from pathlib import Path
from typing import NamedTuple

MARKER = ".bench-output"
"""The file that marks a folder as written by bench."""
CACHE_TAG = "CACHEDIR.TAG"
"""Marks a folder as a cache, for bench and for other programs (bford.info/cachedir)."""
_CACHE_SIGNATURE = "Signature: 8a477f597d28d172789f06886806bc55"
_MOST_BYTES = 4096


class Mark(NamedTuple):
    """What a marker says of its folder."""

    kind: str
    """`run`, `training`, `previews`, ...; `output` where the marker cannot be read."""
    content: str = ""
    """What the folder holds, where one folder can hold one thing only: the hash of a run's specification."""


def mark_output(folder: Path, kind: str, content: str = "") -> None:
    """Mark a folder, which is made if it is missing, as written by bench."""
    new = Mark(kind, content)
    if read_mark(folder) == new:
        return
    folder.mkdir(parents=True, exist_ok=True)
    text = {"about": "Written by bench. Videos below this folder are output and never taken for footage."}
    (folder / MARKER).write_text(json.dumps(text | new._asdict()) + "\n", encoding="utf-8")


def read_mark(folder: Path) -> Mark | None:
    """The mark of `folder` itself; `None` for a folder that is no output."""
    try:
        with (folder / MARKER).open(encoding="utf-8") as file:
            data = json.loads(file.read(_MOST_BYTES))
        return Mark(str(data["kind"]), str(data["content"]))
    except FileNotFoundError:
        return None
    except (OSError, ValueError, KeyError, TypeError):
        return Mark("output") if os.path.lexists(folder / MARKER) else None


def marked_around(path: Path) -> tuple[Path, Mark] | None:
    """The nearest marked folder that is `path` or holds it, with its mark."""
    path = path.resolve()
    for folder in (path, *path.parents):
        if mark := read_mark(folder):
            return folder, mark
    return None


def tag_cache(folder: Path) -> None:
    """Tag a folder, which exists, as a cache."""
    tag = folder / CACHE_TAG
    if not tag.exists():
        tag.write_text(f"{_CACHE_SIGNATURE}\n# This folder is a cache of bench; see `bench cache`.\n", encoding="utf-8")


def is_output(folder: Path, names: Collection[str]) -> bool:
    """Whether a folder, which holds `names`, is output of this program or the cache of some other."""
    if MARKER in names:
        return True
    if CACHE_TAG not in names:
        return False
    try:
        with (folder / CACHE_TAG).open(encoding="utf-8", errors="replace") as file:
            return file.read(len(_CACHE_SIGNATURE)) == _CACHE_SIGNATURE
    except OSError:
        return False
