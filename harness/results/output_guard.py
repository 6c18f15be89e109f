"""Keeps what a command writes apart from what it reads, and a run's own files from being replaced by anything else."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path

from bench_lipsync.harness.errors import BenchError
from bench_lipsync.harness.results.frame_curves import CURVES_FILE
from bench_lipsync.harness.results.schema import CLIPS_FILE, RUN_FILE
from bench_lipsync.harness.util.output_marker import MARKER, marked_around, read_mark

PAGE_FILE = "report.html"
RUN_FILES = frozenset(
    {RUN_FILE, CLIPS_FILE, CURVES_FILE, PAGE_FILE, MARKER, "run.yaml", "log.txt", "shard.json", "adaptation.json"}
    | {"profile.json", "trace.json"}
)
"""What the commands that write a run put into its folder, and no other command may replace."""
RUN_FOLDERS = frozenset({"generated", "media", "store", "curve"})


def check_out_folder(folder: Path, kind: str, reads: Mapping[str, Path], option: str = "--out") -> None:
    """Check that a folder may be written to, before anything is.

    Args:
        folder: The folder; it need not exist.
        kind: What will be in it, as its marker says.
        reads: What the command reads, by the option that names it.
        option: The option that names the folder.

    Raises:
        BenchError: The folder holds what the command reads, or another kind of output.

    """
    place = folder.resolve()
    for source, path in reads.items():
        if path.resolve().is_relative_to(place):
            raise BenchError(
                f"{option} {folder} holds {source} {path}, which the command reads; give the output a folder of its "
                f"own, for example {option} {folder / kind}"
            )
    mark = read_mark(folder)
    if mark and mark.kind != kind:
        raise BenchError(f"{option} {folder} is the folder of a {mark.kind}, not of a {kind}; name another folder")


def check_out_file(path: Path, reads: Iterable[Path] = (), option: str = "--out", own: Iterable[str] = ()) -> None:
    """Check that a file may be written, before anything is.

    Args:
        path: The file; it need not exist.
        reads: Files that the command reads.
        option: The option that names the file.
        own: Names of files in a run folder that belong to the command.

    Raises:
        BenchError: The file is one that the command reads, or belongs to a run, a training or the like; or it is a
            folder.

    """
    if path.is_dir():
        raise BenchError(f"{option} {path} is a folder; name a file, for example {option} {path / 'result'}")
    place = path.resolve()
    if any(place == read.resolve() or (path.exists() and read.exists() and path.samefile(read)) for read in reads):
        raise BenchError(f"{option} {path} is a file that the command reads; name another file")
    if (around := marked_around(place.parent)) is None:
        return
    folder, mark = around
    parts = place.relative_to(folder).parts
    if mark.kind == "run":
        taken = parts[0] in RUN_FOLDERS if len(parts) > 1 else parts[0] in RUN_FILES.difference(own)
    else:
        taken = place.exists()
    if taken:
        raise BenchError(f"{option} {path} is a file of the {mark.kind} in {folder}; name another file")
