"""Previews for the page: in a folder beside it or inside it, never read from outside the run folder."""

from __future__ import annotations

import base64
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

from bench_lipsync.harness.store.store import link_or_copy
from bench_lipsync.harness.util.output_marker import mark_output
from bench_lipsync.harness.util.sanitize import safe_id
from bench_lipsync.reports.table.loading import Run


@dataclass(frozen=True)
class Media:
    """Turns previews into sources for `<video>`."""

    page: Path
    """The page that they are for."""
    embed: bool
    """Whether they go into the page itself, a third larger; otherwise they lie in a folder beside it."""

    @property
    def folder(self) -> Path:
        """`F_media` beside `F.html`."""
        return self.page.with_name(f"{self.page.stem}_media")

    def source(self, run: Run, model: str, clip: str) -> str | None:
        """`data:` URI or relative link of a preview, `None` where there is none.

        A page in its run folder links that folder's `media/`; any other page gets its own copies.
        """
        file = preview_file(run.folder, model, clip)
        if file is None:
            return None
        if self.embed:
            return "data:video/mp4;base64," + base64.b64encode(file.read_bytes()).decode("ascii")
        names = (safe_id(model), f"{safe_id(clip)}.mp4")
        if run.folder is not None and run.folder.resolve() == self.page.parent.resolve():
            return _link("media", *names)
        mark_output(self.folder, "previews")
        link_or_copy(file, self.folder.joinpath(safe_id(run.label), *names))
        return _link(self.folder.name, safe_id(run.label), *names)


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


def _link(*parts: str) -> str:
    return "/".join(quote(part) for part in parts)
