"""Whatever a file holds, a mistake names it; nothing in it is run."""

from __future__ import annotations

from pathlib import Path

import pytest

from bench_lipsync.harness.errors import BenchError
from bench_lipsync.harness.util.text_files import read_yaml


def test_plain_data_comes_back(tmp_path: Path) -> None:
    path = tmp_path / "a.yaml"
    path.write_text("a: [1, two]\n", encoding="utf-8")
    assert read_yaml(path, "the file") == {"a": [1, "two"]}


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"a: [", "the file .* is not YAML"),
        (b"\xff\xfe\x00", "is not UTF-8 text"),
        (b"!!python/object/apply:os.system ['true']", "is not YAML"),
        (b"[" * 5_000, "is not YAML"),
        (b"seed: " + b"9" * 5_000, "is not YAML"),
        (b"day: 2001-99-99", "is not YAML"),
        (b"a: &a [*a]", "more than 1,000,000 values"),
        (b"a" * 10_001, "10001 bytes; at most 10000"),
    ],
)
def test_mistakes_are_told(tmp_path: Path, content: bytes, reason: str) -> None:
    path = tmp_path / "a.yaml"
    path.write_bytes(content)
    with pytest.raises(BenchError, match=reason):
        read_yaml(path, "the file", max_bytes=10_000)


def test_what_is_not_there_is_said(tmp_path: Path) -> None:
    with pytest.raises(BenchError, match=r"cannot read the file .*: No such file"):
        read_yaml(tmp_path / "none.yaml", "the file")
    with pytest.raises(BenchError, match="cannot read the file"):
        read_yaml(tmp_path, "the file")
