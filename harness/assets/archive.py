"""Extracts one member of a wheel or an sdist to a path of ours, never to one that the archive names."""

from __future__ import annotations

import lzma
import tarfile
import zipfile
import zlib
from pathlib import Path
from typing import IO

from bench_lipsync.harness.util.disk import storage_error

_BROKEN = (
    *(zipfile.BadZipFile, tarfile.TarError, zlib.error, lzma.LZMAError),
    *(EOFError, OSError, NotImplementedError, RuntimeError, ValueError, OverflowError),
)
"""Whatever Python's readers of archives raise for hostile bytes."""
MAX_UNPACKED = 4 << 30
"""Bytes of a tar archive that are unpacked on the way to its member; a bomb in front of it is not gone through."""


class MemberError(Exception):
    """The archive is broken or does not hold the member; the message says which."""


def extract_member(archive: Path, member: str, target: Path, size: int) -> None:
    """Copy the regular file `member` of a zip (`.whl`) or `.tar.gz` to `target`, reading at most `size` + 1 bytes.

    The member's name is only compared, never used as a path. Raises `MemberError`.
    """
    try:
        if zipfile.is_zipfile(archive):
            with zipfile.ZipFile(archive) as bundle, bundle.open(member) as stream:
                _copy(stream, target, size)
            return
        with tarfile.open(archive) as tar:
            for item in tar:
                if item.offset > MAX_UNPACKED:
                    raise MemberError(f"{archive.name} holds no file {member} in its first {MAX_UNPACKED >> 30} GiB")
                if item.name == member and item.isreg():
                    content = tar.extractfile(item)
                    assert content is not None  # noqa: S101 - a regular file always has one
                    _copy(content, target, size)
                    return
        raise KeyError(member)
    except KeyError:
        raise MemberError(f"{archive.name} holds no file {member}") from None
    except tarfile.ReadError as error:
        raise MemberError(f"{archive.name} is no zip and no tar archive, or it is cut off") from error
    except _BROKEN as error:
        if storage_error(error):
            raise  # The disk's fault, not the archive's.
        raise MemberError(f"{archive.name} cannot be read: {' '.join(str(error).split())[:200]}") from error


def _copy(stream: IO[bytes], target: Path, size: int) -> None:
    left = size + 1  # One byte more than expected shows that the member is too long without unpacking a bomb.
    with target.open("wb") as out:
        while left > 0 and (block := stream.read(min(1 << 20, left))):
            out.write(block)
            left -= len(block)
