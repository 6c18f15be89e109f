"""A store backed by S3-like storage or a shared folder: entries made on one machine are reused by the others.

`BENCH_STORE=s3://bucket/prefix` (any address that fsspec understands) keeps a copy of every entry there, one object
each, so that it appears at once and complete. A requested entry that is missing locally is fetched, checked against
its own hashes, and kept in a local folder that belongs to this address.
"""

from __future__ import annotations

import logging
import os
from pathlib import Path

from bench_lipsync.harness.store.archive import BrokenObjectError, pack, unpack
from bench_lipsync.harness.store.object_storage import ObjectTooLargeError, RemoteFiles
from bench_lipsync.harness.store.scratch import place, scratch_folder
from bench_lipsync.harness.store.store import Store
from bench_lipsync.harness.util.files import sha256_json
from bench_lipsync.harness.util.paths import cache_dir, user_path

logger = logging.getLogger(__name__)
VARIABLE = "BENCH_STORE"
MAX_BYTES = 64 * 10**9
"""Largest object that is taken: three hours of lossless crops are a third of it."""


def open_store(address: str | None = None) -> Store:
    """The store at `address`, or at `$BENCH_STORE`.

    `s3://bucket/prefix` and the like give a `MirroredStore`, a path a plain store in that folder, nothing the plain
    one in the cache folder.
    """
    address = address or os.environ.get(VARIABLE, "")
    if "://" in address:
        return MirroredStore(address)
    return Store(user_path(address).resolve() if address else None)


class MirroredStore(Store):
    """A store whose entries are kept below `url` too. Can be pickled.

    Its methods raise `StorageAddressError` when the storage cannot be reached for minutes.
    """

    def __init__(self, url: str, root: Path | None = None) -> None:
        # A folder of its own: entries that were made without this storage would be missing there.
        super().__init__(root or cache_dir() / "mirror" / sha256_json(url)[:16])
        self.url = url
        self._remote = RemoteFiles(url)

    def __reduce__(self) -> tuple[type[MirroredStore], tuple[str, Path]]:
        return (MirroredStore, (self.url, self.root))

    def _fetch(self, entry: Path) -> None:
        """Fetch an entry if the storage has it; a broken one counts as missing and is replaced when made again."""
        with scratch_folder(self.root) as scratch:
            packed, folder = scratch / "object.tar", scratch / "entry"
            folder.mkdir()
            try:
                if not self._remote.get(self._object(entry), packed, MAX_BYTES):
                    return
                unpack(packed, folder, entry.parent.parent.name, entry.name)
            except (BrokenObjectError, ObjectTooLargeError) as error:
                logger.warning("%s/%s is not used: %s", self.url, self._object(entry), error)
                return
            place(folder, entry)

    def _share(self, scratch: Path, entry: Path) -> None:
        """Upload a sealed folder before it gets its name here, unless the storage has the entry already."""
        self._fetch(entry)
        if entry.is_dir():
            return
        with scratch_folder(self.root) as folder:
            packed = folder / "object.tar"
            pack(scratch, packed)
            self._remote.put(packed, self._object(entry))

    def _object(self, entry: Path) -> str:
        return f"{self.ref(entry)}.tar"
