"""A store in front of other storage: shared by machines that see nothing else of each other."""

from __future__ import annotations

import errno
import io
import pickle
import tarfile
import threading
import uuid
from collections.abc import Callable
from pathlib import Path

import fsspec
import pytest
from fsspec.implementations.local import LocalFileSystem
from fsspec.implementations.memory import MemoryFileSystem

from bench_lipsync.harness.errors import BenchError, ClipError, NoRoomError, Status
from bench_lipsync.harness.store import mirror as remote_store
from bench_lipsync.harness.store import object_storage as remote_files
from bench_lipsync.harness.store.mirror import MirroredStore, open_store
from bench_lipsync.harness.store.object_storage import StorageAddressError
from bench_lipsync.harness.store.store import FAILURE_FILE, FILES_FILE, KEY_FILE, Store

PARTS = {"clip": "a"}


def _write(text: str) -> Callable[[Path], None]:
    def build(folder: Path) -> None:
        (folder / "deep").mkdir()
        (folder / "deep" / "out.txt").write_text(text)

    return build


def _never(folder: Path) -> None:
    raise AssertionError("made again although the storage has it")


@pytest.fixture(params=["memory", "file"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    name = uuid.uuid4().hex
    return f"memory://{name}" if request.param == "memory" else f"file://{tmp_path / name}"


@pytest.fixture
def machine(tmp_path: Path, url: str, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], MirroredStore]:
    monkeypatch.setattr(remote_files, "_LONGEST_WAIT", 0.001)
    monkeypatch.setattr(remote_store.logger, "propagate", True)  # A run that another test made turns it off.
    return lambda name: MirroredStore(url, tmp_path / name)


def _object(url: str, entry: Path) -> fsspec.core.OpenFile:
    return fsspec.open(f"{url}/{'/'.join(entry.parts[-3:])}.tar", "rb")


def test_what_one_machine_made_the_other_fetches(machine, url: str) -> None:
    entry = machine("one").make("stage", PARTS, _write("text"))
    other = machine("two")
    found = other.make("stage", PARTS, _never)
    assert (entry.made, found.made) == (True, False)
    assert found.path.is_relative_to(other.root)
    for name in ("deep/out.txt", FILES_FILE, KEY_FILE):
        assert (found.path / name).read_bytes() == (entry.path / name).read_bytes()
    third = pickle.loads(pickle.dumps(machine("three")))  # noqa: S301, our own
    assert third.file(third.ref(third.root / other.ref(found.path)) + "/deep/out.txt").read_text() == "text"
    for store in (other, third):
        assert not list((store.root / "tmp").iterdir())


def test_what_nobody_made_is_missing(machine) -> None:
    assert machine("one").find("stage", PARTS) is None
    with pytest.raises(BenchError, match="has no stage/ab/abc"):
        machine("one").file("stage/ab/abc/out.txt")


def test_remembered_failures_are_shared(machine) -> None:
    def fails(folder: Path) -> None:
        raise ClipError(Status.NO_FACE, "nobody there")

    with pytest.raises(ClipError):
        machine("one").make("stage", PARTS, fails, remember=frozenset({Status.NO_FACE}))
    with pytest.raises(ClipError, match="nobody there"):
        machine("two").make("stage", PARTS, _never)
    assert len(list(machine("two").root.rglob(FAILURE_FILE))) == 1


def test_who_loses_a_race_takes_the_winners_entry(machine) -> None:
    late = machine("late")

    def build(folder: Path) -> None:
        machine("early").make("stage", PARTS, _write("first"))
        _write("second")(folder)

    assert (late.make("stage", PARTS, build).path / "deep/out.txt").read_text() == "first"


def test_many_makers_at_once_end_with_one_whole_entry(machine) -> None:
    together, found = threading.Barrier(4), []

    def build(folder: Path) -> None:
        together.wait(timeout=20)
        _write("same")(folder)

    def work(number: int) -> None:
        found.append(machine(f"m{number % 2}").make("stage", PARTS, build).path)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [(path / "deep/out.txt").read_text() for path in found] == ["same"] * 4
    assert machine("later").make("stage", PARTS, _never).made is False


@pytest.mark.parametrize("damage", ["empty", "cut", "flipped", "no tar", "other key"])
def test_a_broken_object_is_made_again(machine, url: str, damage: str, caplog: pytest.LogCaptureFixture) -> None:
    entry = machine("one").make("stage", PARTS, _write("text")).path
    place = _object(url, entry)
    with place as stream:
        whole = stream.read()
    other = machine("one").make("stage", {"clip": "b"}, _write("text")).path
    with _object(url, other) as stream:
        foreign = stream.read()
    broken = {
        "empty": b"",
        "cut": whole[:700],
        "flipped": whole.replace(b"text", b"tex!"),
        "no tar": b"x" * 5000,
        "other key": foreign,
    }[damage]
    place.fs.pipe_file(place.path, broken)
    again = machine("two").make("stage", PARTS, _write("text"))
    assert again.made and "is not used" in caplog.text
    assert not machine("three").make("stage", PARTS, _never).made, "the broken object was replaced"


def _tar(*members: tuple[tarfile.TarInfo, bytes]) -> bytes:
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as archive:
        for member, content in members:
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
    return packed.getvalue()


def _odd(name: str, kind: bytes = tarfile.REGTYPE, target: str = "") -> tarfile.TarInfo:
    member = tarfile.TarInfo(name)
    member.type, member.linkname = kind, target
    return member


@pytest.mark.parametrize(
    "member",
    [
        _odd("../../outside"),
        _odd("/outside"),
        _odd("link", tarfile.SYMTYPE, "/etc/passwd"),
        _odd("link", tarfile.LNKTYPE, "../../outside"),
        _odd("pipe", tarfile.FIFOTYPE),
        _odd("disk", tarfile.BLKTYPE),
        _odd("a\\b"),
        _odd("n" * 300),
    ],
    ids=lambda member: f"{member.name[:12]} {member.type!r}",
)
def test_a_hostile_object_writes_nothing(machine, url: str, tmp_path: Path, member: tarfile.TarInfo) -> None:
    entry = machine("one").make("stage", PARTS, _write("text")).path
    place = _object(url, entry)
    place.fs.pipe_file(place.path, _tar((member, b"" if member.type != tarfile.REGTYPE else b"evil")))
    two = machine("two")
    assert two.find("stage", PARTS) is None
    assert not list((two.root / "tmp").iterdir()) and not list(tmp_path.rglob("outside"))


def test_an_object_without_end_is_not_fetched(machine, monkeypatch: pytest.MonkeyPatch, caplog) -> None:
    machine("one").make("stage", PARTS, _write("text"))
    monkeypatch.setattr(remote_store, "MAX_BYTES", 100)
    assert machine("two").find("stage", PARTS) is None
    assert "more than 100 bytes" in caplog.text


def test_a_damaged_local_copy_is_fetched_again(machine) -> None:
    store = machine("one")
    entry = store.make("stage", PARTS, _write("text")).path
    (entry / "deep" / "out.txt").write_text("te")
    assert not store.make("stage", PARTS, _never).made
    assert (entry / "deep" / "out.txt").read_text() == "text"


def _failing(monkeypatch: pytest.MonkeyPatch, method: str, *errors: Exception) -> list[Exception]:
    """Let the next calls of fsspec's `method` fail; returns what is left to raise."""
    left = list(errors)
    for files in (MemoryFileSystem, LocalFileSystem):
        real = getattr(files, method)

        def call(self, *args, real=real, **more):
            if left:
                raise left.pop(0)
            return real(self, *args, **more)

        monkeypatch.setattr(files, method, call)
    return left


@pytest.mark.parametrize("method", ["put_file", "get_file", "info"])
def test_a_network_that_fails_for_a_while_is_waited_for(machine, monkeypatch: pytest.MonkeyPatch, method: str) -> None:
    left = _failing(monkeypatch, method, ConnectionError("reset"), TimeoutError("slow"), RuntimeError("503"))
    assert machine("one").make("stage", PARTS, _write("text")).made
    assert machine("two").find("stage", PARTS) and not left


def test_a_network_that_stays_away_ends_the_run_with_a_way_out(machine, monkeypatch: pytest.MonkeyPatch) -> None:
    _failing(monkeypatch, "put_file", *[ConnectionError("reset")] * remote_files.TRIES)
    store = machine("one")
    with pytest.raises(StorageAddressError, match=r"failed 10 times .ConnectionError: reset.*same command"):
        store.make("stage", PARTS, _write("text"))
    assert not list((store.root / "tmp").iterdir())
    assert store.make("stage", PARTS, _write("text")).made, "nothing half made was left, here or there"


@pytest.mark.parametrize(
    ("error", "kind", "says"),
    [
        (PermissionError("403"), StorageAddressError, "not allowed"),
        (FileNotFoundError("no such bucket"), StorageAddressError, "no such bucket; make it first"),
        (OSError(errno.ENOSPC, "full"), NoRoomError, "No space left"),
    ],
)
def test_what_no_waiting_helps_ends_at_once(machine, monkeypatch: pytest.MonkeyPatch, error, kind, says: str) -> None:
    left = _failing(monkeypatch, "put_file", error, ValueError("tried again"))
    with pytest.raises(kind, match=says):
        machine("one").make("stage", PARTS, _write("text"))
    assert len(left) == 1


def test_a_store_opens_by_its_address(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BENCH_CACHE", str(tmp_path))
    monkeypatch.delenv("BENCH_STORE", raising=False)
    assert open_store().root == tmp_path / "store"
    monkeypatch.setenv("BENCH_STORE", "memory://lab/one")
    one, two = open_store(), open_store("memory://lab/two")
    assert isinstance(one, MirroredStore) and isinstance(two, MirroredStore) and one.root != two.root
    plain = open_store(str(tmp_path / "shared"))
    assert type(plain) is Store and plain.root == tmp_path / "shared"


@pytest.mark.parametrize("address", ["nosuch://bucket/x", "s3://bucket/x"])
def test_an_address_that_cannot_be_opened_says_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, address: str
) -> None:
    def missing(url: str, **_: object) -> object:
        raise ImportError("Install s3fs")

    if address.startswith("s3"):
        monkeypatch.setattr(fsspec.core, "url_to_fs", missing)
    with pytest.raises(StorageAddressError, match="bench-lipsync\\[s3\\]" if address.startswith("s3") else "nosuch"):
        MirroredStore(address, tmp_path).find("stage", PARTS)
