"""A download that resumes, shows its progress on stderr, and ends as a verified file or not at all."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from bench_lipsync.harness.util import progress
from bench_lipsync.harness.util.disk import require_room, room_needed
from bench_lipsync.harness.util.files import sha256_file

if TYPE_CHECKING:
    import requests

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
    Raises `DownloadError`, and `NoRoomError`, before it begins where `size` does not fit.
    """
    if target.is_file() and wrong_bytes(target, sha256, size) is None:
        return
    import requests

    part = target.with_name(target.name + ".part")
    # An earlier part may be of a file that has changed since; then it is fetched anew, once.
    stale = have = _length(part)
    if size is not None:
        require_room(target.parent, size - have)
    problem = ""
    with room_needed(target.parent), progress.download(label, size) as report:
        for _ in range(_ATTEMPTS):
            before = _length(part)
            try:
                _continue(session, url, part, size, report)
            except requests.RequestException as error:
                problem = _one_line(error)
                refused = isinstance(error, (requests.HTTPError, requests.ConnectionError))
                if refused and _length(part) == before:
                    break  # Nothing came: the address itself is out of reach.
                continue
            wrong = wrong_bytes(part, sha256, size)
            if wrong is None:
                part.replace(target)
                return
            part.unlink()
            if not stale:
                raise DownloadError(wrong)
            problem, stale = wrong, 0
    raise DownloadError(problem)


def _continue(session: requests.Session, url: str, part: Path, size: int | None, report: progress.Report) -> None:
    """One request for what `part` still lacks."""
    have = _length(part)
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


def wrong_bytes(path: Path, sha256: str | None, size: int | None) -> str | None:
    """How the file differs from the expected one; `None` if it does not."""
    actual = path.stat().st_size
    if size is not None and actual != size:
        return f"what came is {actual:,} bytes, expected {size:,}"
    digest = sha256_file(path) if sha256 is not None else None
    return None if digest == sha256 else f"what came has sha256 {digest}, expected {sha256}"


def _length(path: Path) -> int:
    return path.stat().st_size if path.is_file() else 0


def _one_line(error: Exception) -> str:
    from urllib.parse import urlsplit

    import requests

    from bench_lipsync.harness.assets.package_index import without_credentials

    url = error.request.url if isinstance(error, requests.ConnectionError) and error.request is not None else None
    if url:
        # The library's own words for it are three lines of nested exceptions.
        return f"cannot connect to {urlsplit(str(url)).hostname}"
    words = [without_credentials(word) if "@" in word else word for word in str(error).split()]
    return f"{type(error).__name__}: {' '.join(words)[:200]}"
