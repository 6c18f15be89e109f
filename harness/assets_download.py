"""A download that resumes, shows its progress on stderr, and ends as a verified file or not at all."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from harness.files import sha256_file

if TYPE_CHECKING:
    import requests
    from rich.progress import Progress

_CHUNK = 1 << 16
_ATTEMPTS = 4
_TIMEOUT = (10.0, 60.0)
"""Seconds to connect and to wait between two packets."""


class DownloadError(Exception):
    """A download that did not give the expected bytes; the message says why in one line."""


def download(
    session: requests.Session, url: str, target: Path, *, sha256: str | None, size: int | None, label: str
) -> None:
    """Fetch `url` to `target`, going on from `target` + `.part` where an earlier try stopped.

    `sha256` and `size` are checked where given, and a body that outgrows `size` is cut off at once.
    Raises `DownloadError`.
    """
    if target.is_file() and _is_whole(target, sha256, size):
        return
    import requests

    part = target.with_name(target.name + ".part")
    problem = ""
    with _progress() as progress:
        task = progress.add_task(label, total=size)

        def report(done: int, total: int | None) -> None:
            progress.update(task, completed=done, total=total)

        for _ in range(_ATTEMPTS):
            before = part.stat().st_size if part.is_file() else 0
            try:
                _continue(session, url, part, size, report)
            except requests.RequestException as error:
                problem = _one_line(error)
                refused = isinstance(error, (requests.HTTPError, requests.ConnectionError))
                if refused and (part.stat().st_size if part.is_file() else 0) == before:
                    break  # Nothing came: the address itself is out of reach.
                continue
            if not _is_whole(part, sha256, size):
                found = part.stat().st_size
                part.unlink()
                raise DownloadError(f"got {found} bytes that are not the expected file")
            part.replace(target)
            return
    raise DownloadError(problem)


def _continue(
    session: requests.Session, url: str, part: Path, size: int | None, report: Callable[[int, int | None], None]
) -> None:
    """One request for what `part` still lacks."""
    have = part.stat().st_size if part.is_file() else 0
    if size is not None and have > size:
        part.unlink()
        have = 0
    if have and have == size:
        return
    # Identity: a Range of a body that is compressed on the way would mean something else.
    headers = {"Accept-Encoding": "identity"}
    if have:
        headers["Range"] = f"bytes={have}-"
    with session.get(url, stream=True, timeout=_TIMEOUT, headers=headers) as response:
        if have and response.status_code == 416:
            part.unlink()
            return _continue(session, url, part, size, report)
        response.raise_for_status()
        resumed = response.status_code == 206 and response.headers.get("Content-Range", "").startswith(f"bytes {have}-")
        if have and response.status_code == 206 and not resumed:
            part.unlink()
            return _continue(session, url, part, size, report)
        done = have if resumed else 0
        length = response.headers.get("Content-Length")
        total = size if size is not None else done + int(length) if length else None
        report(done, total)
        with part.open("ab" if resumed else "wb") as stream:
            for chunk in response.iter_content(_CHUNK):
                done += len(chunk)
                if size is not None and done > size:
                    break
                stream.write(chunk)
                report(done, total)
    return None


def _is_whole(path: Path, sha256: str | None, size: int | None) -> bool:
    if size is not None and path.stat().st_size != size:
        return False
    return sha256 is None or sha256_file(path) == sha256


def _progress() -> Progress:
    from rich.console import Console
    from rich.progress import (
        BarColumn,
        DownloadColumn,
        Progress,
        TextColumn,
        TimeRemainingColumn,
        TransferSpeedColumn,
    )

    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        DownloadColumn(),
        TransferSpeedColumn(),
        TimeRemainingColumn(),
    )
    return Progress(*columns, console=Console(stderr=True))


def _one_line(error: Exception) -> str:
    from urllib.parse import urlsplit

    import requests

    from harness.assets_index import without_credentials

    asked = error.request.url if isinstance(error, requests.ConnectionError) and error.request is not None else None
    if asked:
        # The library's own words for it are three lines of nested exceptions.
        return f"cannot connect to {urlsplit(str(asked)).hostname}"
    words = [without_credentials(word) if "@" in word else word for word in str(error).split()]
    return f"{type(error).__name__}: {' '.join(words)[:200]}"
