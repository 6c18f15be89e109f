"""A disk that is full, read-only or failing: a state of the machine that ends a run, never a property of a clip."""

from __future__ import annotations

import contextlib
import errno
import os
import shutil
from collections.abc import Iterator
from pathlib import Path

from bench_lipsync.harness.errors import NoRoomError

_NO_ROOM = frozenset({errno.ENOSPC, errno.EROFS, getattr(errno, "EDQUOT", errno.ENOSPC)})

_MARGIN = 16 << 20
"""Bytes that stay free beside what is fetched."""


@contextlib.contextmanager
def room_needed(folder: Path) -> Iterator[None]:
    """Turn an error raised inside into a `NoRoomError` for `folder` if a full or failing disk caused it."""
    try:
        yield
    except NoRoomError:
        raise
    except Exception as error:
        if full := storage_error(error):
            raise no_room(folder, full) from error
        raise


@contextlib.contextmanager
def written_by_ffmpeg(path: Path) -> Iterator[None]:
    """The same around FFmpeg's writing of a file, where an input/output error is the disk's too.

    When it reads, FFmpeg says that of broken files as well.
    """
    try:
        yield
    except OSError as error:
        if error.errno in _NO_ROOM | {errno.EIO}:
            raise no_room(path.parent, error) from error
        raise


def storage_error(error: BaseException | None) -> OSError | None:
    """The error of a full, read-only or failing disk in the chain of causes of `error`; `None` without one."""
    for link in _chain(error):
        if isinstance(link, OSError) and (link.errno in _NO_ROOM or (link.errno == errno.EIO and not _of_ffmpeg(link))):
            return link
    return None


def machine_error(error: BaseException | None) -> bool:
    """Whether the machine and not the input caused `error`: its disk, the operating system, too little memory."""
    own = (link for link in _chain(error) if isinstance(link, (OSError, MemoryError)) and not _of_ffmpeg(link))
    return storage_error(error) is not None or any(own)


def no_room(folder: Path, error: OSError) -> NoRoomError:
    """The error for a failed write below `folder`, or to the file that `error` names."""
    if isinstance(error.filename, str) and folder not in Path(error.filename).parents:
        folder = Path(error.filename).absolute().parent
    reason = os.strerror(error.errno or errno.EIO)
    return NoRoomError(
        f"writing below {folder} failed: {reason}{_free(folder)}. Make room (`bench cache gc --max-size 50GB`), or set "
        "BENCH_CACHE or --out to a folder on another disk; the same command goes on from here"
    )


def require_room(folder: Path, needed: int) -> None:
    """Raise `NoRoomError` unless `needed` more bytes fit on the disk of `folder`, with a margin."""
    free = shutil.disk_usage(folder).free
    if free < needed + _MARGIN:
        raise NoRoomError(
            f"{needed / 1e6:.0f} MB are needed and {free / 1e6:.0f} MB free at {folder}; make room or set BENCH_CACHE "
            "to a folder on another disk (what was downloaded is kept and will be continued)"
        )


def _chain(error: BaseException | None) -> Iterator[BaseException]:
    seen: set[int] = set()
    while error is not None and id(error) not in seen:
        seen.add(id(error))
        yield error
        error = error.__cause__ or (None if error.__suppress_context__ else error.__context__)


def _of_ffmpeg(error: BaseException) -> bool:
    return type(error).__module__.startswith("av.")


def _free(folder: Path) -> str:
    while not folder.exists() and folder != folder.parent:
        folder = folder.parent
    try:
        return f", {shutil.disk_usage(folder).free / 1e6:,.0f} MB free"
    except OSError:
        return ""
