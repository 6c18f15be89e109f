"""Objects below an fsspec address: complete transfers only, repeated when the network fails."""

from __future__ import annotations

import contextlib
import logging
import os
import random
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

from bench_lipsync.harness.errors import BenchError
from bench_lipsync.harness.util.disk import no_room, storage_error
from bench_lipsync.harness.util.owner_token import owned_name

logger = logging.getLogger(__name__)
T = TypeVar("T")
TRIES = 10
"""Attempts at every transfer; the waits between them double from half a second to a minute: three minutes in all."""
_LONGEST_WAIT = 60.0
_WHOLE_AT_ONCE = frozenset({"s3", "s3a", "gs", "gcs", "abfs", "abfss", "az", "adl", "oss", "memory"})
"""Storage where an object appears when its upload is complete; elsewhere it is renamed then."""
_RIGHTS = "the storage must allow to list, read and write below the prefix (s3:ListBucket, GetObject, PutObject)"


class StorageAddressError(BenchError):
    """The storage behind an address cannot be reached or used."""


class ObjectTooLargeError(Exception):
    """An object is larger than anything that was put there."""


class _Connection(NamedTuple):
    process: int
    files: Any
    """fsspec's file system."""
    prefix: str


class RemoteFiles:
    """The objects below `url`, by their relative names; every process connects on its own."""

    def __init__(self, url: str) -> None:
        self.url = url
        self._made: _Connection | None = None

    def get(self, name: str, target: Path, max_bytes: int) -> bool:
        """Fetch an object into the file `target`; False if there is none.

        Raises `ObjectTooLargeError`, `NoRoomError`, and `StorageAddressError` when all attempts failed.
        """

        def download() -> bool:
            files, full = self._connection().files, self._full(name)
            try:
                if files.info(full)["size"] > max_bytes:
                    raise ObjectTooLargeError(f"more than {max_bytes} bytes")
                files.get_file(full, str(target))
            except FileNotFoundError:
                return False
            return True

        return self._try(download, f"fetching {self._full(name)}")

    def put(self, source: Path, name: str) -> None:
        """Put a file as an object; others see it when it is complete. Raises as `get`."""

        def upload() -> None:
            files, full = self._connection().files, self._full(name)
            protocols = {files.protocol} if isinstance(files.protocol, str) else set(files.protocol)
            if protocols & _WHOLE_AT_ONCE:
                files.put_file(str(source), full)
                return
            folder = full.rpartition("/")[0]
            half = f"{folder}/.half-{owned_name()}"
            files.makedirs(folder, exist_ok=True)
            try:
                files.put_file(str(source), half)
                files.mv(half, full)
            except BaseException:
                with contextlib.suppress(Exception):
                    files.rm_file(half)
                raise

        self._try(upload, f"putting {self._full(name)}")

    def _full(self, name: str) -> str:
        return f"{self._connection().prefix}/{name}"

    def _connection(self) -> _Connection:
        """The file system; anew in every process, since connections do not survive a fork."""
        if self._made is None or self._made.process != os.getpid():
            import fsspec

            try:
                # Listings that were read once would hide what others have made since.
                files, prefix = fsspec.core.url_to_fs(self.url, use_listings_cache=False)
            except (ImportError, ValueError) as error:
                raise StorageAddressError(_cannot_open(self.url, error)) from error
            self._made = _Connection(os.getpid(), files, prefix.rstrip("/"))
        return self._made

    def _try(self, transfer: Callable[[], T], what: str) -> T:
        """Do `transfer`, again after a growing wait if the network or the storage fails."""
        attempt = 0
        while True:
            try:
                return transfer()
            except (ObjectTooLargeError, BenchError):
                raise
            except PermissionError as error:
                raise StorageAddressError(f"{what}: not allowed ({error}); {_RIGHTS}") from error
            except FileNotFoundError as error:
                raise StorageAddressError(
                    f"{what}: {error}; make it first, or correct BENCH_STORE={self.url}"
                ) from error
            except Exception as error:  # Each kind of storage has errors of its own.
                if full := storage_error(error):
                    raise no_room(Path(self.url), full) from error
                attempt += 1
                reason = f"{type(error).__name__}: {error}"
                if attempt == TRIES:
                    raise StorageAddressError(_gave_up(self.url, what, reason)) from error
                wait = min(0.25 * 2**attempt, _LONGEST_WAIT) * random.uniform(0.8, 1.2)  # noqa: S311, no secret
                logger.warning("%s: %s; again in %.1f s", what, reason, wait)
                time.sleep(wait)


def _gave_up(url: str, what: str, reason: str) -> str:
    return (
        f"{what} failed {TRIES} times ({reason}). Is BENCH_STORE={url} right, and can it be reached from here? The "
        "same command goes on where it stopped"
    )


def _cannot_open(url: str, error: Exception) -> str:
    scheme = url.partition("://")[0]
    install = "pip install 'bench-lipsync[s3]'" if scheme in {"s3", "s3a"} else "install fsspec's package for it"
    way_out = install if isinstance(error, ImportError) else "addresses look like s3://bucket/prefix"
    return f"BENCH_STORE={url} cannot be opened ({error}); {way_out}"
