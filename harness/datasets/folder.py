"""Dataset `folder`: any videos below a folder, with optional audio of the same stem and optional `identities.csv`."""

from __future__ import annotations

import csv
import io
import math
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from bench_lipsync.harness.api.clip import Clip
from bench_lipsync.harness.api.dataset import ClipList, ClipRequest
from bench_lipsync.harness.datasets.discover import (
    AUDIO_SUFFIXES,
    VIDEO_SUFFIXES,
    audio_beside,
    find_files,
    ids_from_paths,
    listed,
    require_root,
    shown,
)
from bench_lipsync.harness.datasets.splits import check_split
from bench_lipsync.harness.errors import BenchError
from bench_lipsync.harness.faces.region import Region
from bench_lipsync.harness.util.sanitize import plain_name, safe_id
from bench_lipsync.harness.util.text_files import read_text

IDENTITIES = "identities.csv"
MAX_TABLE_BYTES = 32 << 20
"""Size limit of that table; half a million rows fit."""
_COLUMNS = ("identity", "box", "start", "end")
_EXPECTED = f"videos ({', '.join(VIDEO_SUFFIXES)}), in any subfolders"


class FolderDataset:
    """The user's own videos; there is no test list, so the only split is `all`."""

    name = "folder"

    def clips(self, request: ClipRequest) -> ClipList:
        """Every video below `request.data_root`.

        The id is the path below the root without suffix. The identity is the top-level subfolder, or the clip's id for
        a file directly in the root; `identities.csv` in the root (columns `file`, `identity`) overrides both. Its
        columns `box` (where to look for the face), `start` and `end` (seconds) may be empty or missing.

        Raises:
            BenchError: Missing or empty folder, another split than `auto` or `all`, or an invalid table.
        """
        if check_split(request.split) not in ("auto", "all"):
            raise BenchError(f"dataset 'folder' has no {request.split} list: any videos may lie there; use --split all")
        root = require_root(request.data_root, self.name, _EXPECTED)
        media = find_files(root, (*VIDEO_SUFFIXES, *AUDIO_SUFFIXES))
        videos = [path for path in media.files if path.suffix.lower() in VIDEO_SUFFIXES]
        notices = list(media.notices)
        if not videos:
            raise BenchError("; ".join([f"no videos below {shown(root)}; looked for {_EXPECTED}", *notices]))
        audio = audio_beside(videos, [path for path in media.files if path.suffix.lower() in AUDIO_SUFFIXES])
        ids = ids_from_paths(videos, root)
        rows = _rows(videos, ids, root, notices)
        clips = (Clip(ids[path], video=path, audio=audio.get(path), **vars(rows[path])) for path in videos)
        return ClipList(tuple(sorted(clips, key=lambda clip: clip.id)), "all", tuple(notices))


@dataclass(frozen=True)
class _Row:
    """What the table says about a video."""

    identity: str
    box: tuple[int, int, int, int] | None = None
    start: float | None = None
    end: float | None = None


def _rows(videos: list[Path], ids: dict[Path, str], root: Path, notices: list[str]) -> dict[Path, _Row]:
    result = {}
    for path in videos:
        parts = path.relative_to(root).parts
        result[path] = _Row(safe_id(parts[0]) if len(parts) > 1 else ids[path])
    table = root / IDENTITIES
    if os.path.lexists(table):
        result.update(_read_table(table, videos, root, notices))
    elif len(videos) > 1 and len({row.identity for row in result.values()}) == 1:
        notices.append(
            f"all {len(videos)} clips count as one identity ({result[videos[0]].identity}), so intervals say nothing: "
            f"point --data-root at that folder, or put {IDENTITIES} (columns file,identity) into the data root"
        )
    return result


def _read_table(table: Path, videos: list[Path], root: Path, notices: list[str]) -> dict[Path, _Row]:
    try:
        is_inside = table.resolve(strict=True).is_relative_to(root.resolve())
    except (OSError, RuntimeError):  # RuntimeError: a loop of links, before Python 3.13.
        is_inside = False
    if not is_inside:
        reason = "is a link that leads out of the data root or nowhere; put the file itself there"
        raise BenchError(f"{shown(table)} {reason}")
    known = {plain_name(path.relative_to(root).as_posix()): path for path in videos}
    result: dict[Path, _Row] = {}
    unknown: list[str] = []
    text = read_text(table, "the table", MAX_TABLE_BYTES)
    try:
        reader = csv.DictReader(io.StringIO(text, newline=""))
        if not {"file", "identity"} <= set(reader.fieldnames or ()):
            header = shown(",".join(reader.fieldnames or ()))
            raise BenchError(f"{shown(table)} needs the header file,identity; its first line is {header!r}")
        for values in reader:
            cells = {name: (values.get(name) or "").strip() for name in ("file", *_COLUMNS)}
            file, where = cells.pop("file"), f"{shown(table)} line {reader.line_num}"
            if None in values:
                raise BenchError(f"{where}: more values than columns for {shown(file)!r}; put a box in quotes")
            row = _row(cells, f"{where}, {shown(file)!r}")
            path = known.get(plain_name(file))
            if path is None:
                unknown.append(file)
            elif (first := result.setdefault(path, row)) != row:
                column = next(name for name in _COLUMNS if getattr(first, name) != getattr(row, name))
                raise BenchError(f"{where}: {shown(file)!r} has two rows with another {column} each; leave one")
    except csv.Error as error:
        raise BenchError(f"{shown(table)} line {reader.line_num} is no CSV: {error}") from error
    if unknown:
        notices.append(f"{IDENTITIES}: {len(unknown)} rows name no video here ({shown(unknown[0])}, ...)")
    missing = [path for path in videos if path not in result]
    if missing:
        notices.append(f"{IDENTITIES} says nothing about {listed(missing, root)}: identity from the folder's name")
    return result


def _row(cells: Mapping[str, str], where: str) -> _Row:
    if not cells["identity"]:
        raise BenchError(f"{where}: no identity")
    box = None
    try:
        if cells["box"]:
            region = Region.parse(cells["box"])
            box = (int(region.x), int(region.y), int(region.width), int(region.height))
    except ValueError as error:
        raise BenchError(f'{where}: box {shown(cells["box"])!r}: {error}, as in "100,50,300,300"') from None
    start, end = (_seconds(cells[name], f"{where}: {name}") for name in ("start", "end"))
    if end is not None and end <= (start or 0.0):
        raise BenchError(f"{where}: end {end:g} lies before start {start or 0.0:g}; both are seconds into the file")
    return _Row(safe_id(cells["identity"]), box, start, end)


def _seconds(cell: str, where: str) -> float | None:
    if not cell:
        return None
    try:
        value = float(cell)
    except ValueError:
        value = math.nan
    if not 0 <= value < math.inf:
        raise BenchError(f"{where} {shown(cell)!r} is no number of seconds, as in 12.5")
    return value
