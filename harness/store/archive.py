"""An entry of the store as one tar file, for object storage."""

from __future__ import annotations

import tarfile
from pathlib import Path, PurePosixPath

from bench_lipsync.harness.store.entry import all_files, foreign_problems
from bench_lipsync.harness.util.disk import storage_error


class BrokenObjectError(Exception):
    """A fetched object is not the entry that it claims to be."""


def pack(entry: Path, target: Path) -> None:
    """Write the files of `entry` into an uncompressed tar; the same files give the same bytes."""
    with tarfile.open(target, "w", format=tarfile.PAX_FORMAT) as archive:
        for name, path in all_files(entry).items():
            member = tarfile.TarInfo(name)  # No owner, no time, no rights of this machine.
            member.size = path.stat().st_size
            with path.open("rb") as stream:
                archive.addfile(member, stream)


def unpack(source: Path, folder: Path, stage: str, key: str) -> None:
    """Write the files of an object into the empty `folder`, and check them against the entry's own list and name.

    Raises `BrokenObjectError` for anything but plain files below it, for more than was asked for, and for files that
    are not as they were written.
    """
    try:
        with tarfile.open(source, "r:") as archive:
            for member in archive:
                _extract(archive, member, folder)
    except (tarfile.TarError, EOFError, ValueError, OSError) as error:
        if storage_error(error):
            raise
        raise BrokenObjectError(str(error) or type(error).__name__) from error
    if wrong := foreign_problems(folder, stage, key):
        raise BrokenObjectError(wrong[0])


def _extract(archive: tarfile.TarFile, member: tarfile.TarInfo, folder: Path) -> None:
    path = PurePosixPath(member.name)
    plain = member.isreg() and not member.issparse() and not path.is_absolute() and ".." not in path.parts
    if not plain or "\\" in member.name or ":" in member.name:
        raise BrokenObjectError(f"{member.name!r} is no plain file of an entry")
    archive.extract(member, folder, set_attrs=False, filter="data")
