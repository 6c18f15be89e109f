"""Previews for the page: embedded up to a limit, linked beyond it, never read from outside the run folder."""

from __future__ import annotations

import base64
import os
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

from harness.names import safe_id

EMBED_LIMIT = 40 * 1024 * 1024
"""Bytes of video that are put into the page itself (a third more as base64); mail and browsers still take that well."""


@dataclass
class Embedder:
    """Turns preview files into sources for `<video>`; remembers what it has embedded so far."""

    page_folder: Path
    limit: int = EMBED_LIMIT
    embedded: int = 0
    linked: int = 0

    def sources(self, files: list[Path | None]) -> list[str | None]:
        """A source for each file of one clip: all embedded or all linked, so that a clip stays whole."""
        size = sum(file.stat().st_size for file in files if file is not None)
        if self.embedded + size <= self.limit:
            self.embedded += size
            return [None if file is None else _data_uri(file) for file in files]
        self.linked += sum(file is not None for file in files)
        return [None if file is None else self._link(file) for file in files]

    def _link(self, file: Path) -> str:
        try:
            relative = os.path.relpath(file.resolve(), self.page_folder.resolve())
        except ValueError:  # another drive on Windows
            return file.resolve().as_uri()
        return quote(Path(relative).as_posix())


def preview_file(run_folder: Path | None, model: str, clip: str) -> Path | None:
    """`media/MODEL/CLIP.mp4` of a run folder, or `None` where there is none.

    The names come from a file that anybody may have written: they are made safe first, and a link that leads out of
    the run folder is not followed, so that a page never carries a file of the machine that made it.
    """
    if run_folder is None:
        return None
    folder = (run_folder / "media").resolve()
    file = (folder / safe_id(model) / f"{safe_id(clip)}.mp4").resolve()
    return file if file.is_relative_to(folder) and file.is_file() else None


def _data_uri(file: Path) -> str:
    return "data:video/mp4;base64," + base64.b64encode(file.read_bytes()).decode("ascii")
