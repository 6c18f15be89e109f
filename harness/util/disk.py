"""A disk that is full, read-only or failing: a state of the machine that ends a run, never a property of a clip."""

from __future__ import annotations

import contextlib
import errno
import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

from bench_lipsync.harness.errors import BenchError, NoRoomError
from bench_lipsync.harness.util.paths import cache_dir, user_path

_FULL = frozenset({errno.ENOSPC, getattr(errno, "EDQUOT", errno.ENOSPC)})
_NO_ROOM = _FULL | {errno.EROFS}

_MARGIN = 16 << 20
"""Bytes that stay free beside what is fetched."""


@contextlib.contextmanager
def room_needed(folder: Path | None) -> Iterator[None]:
    """Turn an error raised inside into a `NoRoomError` if a full or failing disk caused it.

    Args:
        folder: Where the code inside writes, for errors that name no file; `None`: anywhere.

    """
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


def no_room(folder: Path | None, error: OSError) -> NoRoomError:
    """The error for a failed write below `folder`, or to the file that `error` names; `None`: nobody knows where."""
    place = failed_path(error)
    if place is not None and (folder is None or folder not in place.parents):
        folder = place.absolute().parent
    if folder is None:
        return NoRoomError(f"writing failed: {os.strerror(error.errno or errno.EIO)}")
    return NoRoomError(f"writing below {folder} failed: {reason_and_way_out(error, folder)}")


def failed_path(error: OSError) -> Path | None:
    """What could not be read or written; of two names that of the target, for example of a copy."""
    name = error.filename if error.filename2 is None else error.filename2
    return Path(os.fsdecode(name)) if isinstance(name, (str, bytes, os.PathLike)) else None


def reason_and_way_out(error: OSError, path: Path) -> str:
    """Why `path` could not be used, and what helps."""
    if isinstance(error, FileExistsError):
        return "there is such a file already; give a path that can be used"
    number, variable = error.errno or errno.EIO, _variable_of(path)
    move = f"set {variable} to" if variable else "give"
    reason = os.strerror(number)
    if number in _FULL:
        ours = variable in ("BENCH_CACHE", "BENCH_STORE")
        room = "Make room (`bench cache gc --max-size 50GB`)" if ours else "Make room there"
        elsewhere = f"{move} a folder on another disk"
        return f"{reason}{_free(path)}. {room}, or {elsewhere}; the same command goes on from here"
    if number == errno.EIO:
        return f"{reason}{_free(path)}. The disk may be failing; {move} a folder on another one"
    return f"{reason}; {move} " + ("a folder that you may write to" if variable else "a path that can be used")


def _variable_of(path: Path) -> str:
    """The variable that says where `path` lies, which may be a folder above; `""` for a path of the command line."""
    path = path.absolute()
    if path == Path(tempfile.gettempdir()):
        return "TMPDIR"
    with contextlib.suppress(BenchError):
        store = os.environ.get("BENCH_STORE", "")
        for variable, folder in (("BENCH_STORE", store and user_path(store)), ("BENCH_CACHE", cache_dir())):
            if folder and (path.is_relative_to(folder) or folder.is_relative_to(path)):
                return variable
    return ""


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
