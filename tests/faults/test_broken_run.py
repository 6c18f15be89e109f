"""The command itself over good, broken and hostile files: a table, a page, a reason for each, no traceback."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from broken_media import Picture, write
from broken_names import tiny

pytestmark = pytest.mark.faults
EXPECTED = {"ok": 2, "decode_error": 4, "too_short": 2, "no_audio": 1}


def _fill(root: Path) -> None:
    for name in ("anna", "<b>carla"):
        (root / name).mkdir(parents=True)
        write(root / name / "good.mp4", [Picture()])
    (root / "anna" / "empty.mp4").touch()
    (root / "anna" / "te\nxt\x1b[31m.mp4").write_text("no film\n" * 99)
    (root / "anna" / "list.mp4").write_text("#EXTM3U\n#EXTINF:2,\n/etc/passwd\n#EXT-X-ENDLIST\n")
    (root / "\u202e4pm.mp4").write_bytes(tiny())
    with open(os.path.join(os.fsencode(root), b"\xff\xfe.mp4"), "wb") as stream:  # noqa: PTH118, PTH123
        stream.write(tiny())
    write(root / "<img src=x onerror=alert(1)>.mp4", [Picture()], [])
    write(root / "wide.mkv", [Picture("mjpeg", "yuvj420p", size=(8200, 16), times=[0.0])])
    (root / "out.mp4").symlink_to("/etc/passwd")
    os.mkfifo(root / "pipe.mp4")


@pytest.mark.skipif(os.environ.get("BENCH_FAULTS") != "full", reason="half a minute; runs with BENCH_FAULTS=full")
def test_a_run_over_all_sorts_of_files_ends_with_a_table(tmp_path: Path) -> None:
    import pandas as pd

    _fill(tmp_path / "data")
    words = ["run", "-m", "static", "-d", "folder", "--data-root", str(tmp_path / "data"), "--metrics", "SSIM"]
    words += ["--out", str(tmp_path / "run"), "--device", "cpu"]
    done = subprocess.run(  # noqa: S603 - this interpreter and our own words
        [sys.executable, "-c", "from bench_lipsync.harness.cli import main; main()", *words],
        capture_output=True,
        text=True,
        timeout=500,
        check=False,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
    )
    assert done.returncode == 0, done.stderr[-2000:]
    said = done.stdout + done.stderr + (tmp_path / "run" / "log.txt").read_text(encoding="utf-8")
    assert "Traceback" not in said and "\x1b[31m" not in said and "\u202e" not in said
    clips = pd.read_parquet(tmp_path / "run" / "clips.parquet")
    rows = clips[clips.model == "static"].drop_duplicates("clip")
    assert rows.status.value_counts().to_dict() == EXPECTED
    assert all(reason.isprintable() for reason in rows.reason.fillna(""))
    page = (tmp_path / "run" / "report.html").read_text(encoding="utf-8")
    assert "<img src=x" not in page and "root:x:0" not in page and "\u202e" not in page
