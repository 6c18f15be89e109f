"""Tables of a run folder that are damaged, cut off, something else, or lack a column."""

from __future__ import annotations

import random
from pathlib import Path

import pandas as pd
import pytest

from bench_lipsync.harness.errors import BenchError
from bench_lipsync.harness.results.clip_table import clip_records
from bench_lipsync.harness.results.frame_curves import CURVES_FILE, read_curves
from bench_lipsync.harness.results.parquet import opened_table
from bench_lipsync.harness.results.schema import CLIP_COLUMNS, CLIPS_FILE


@pytest.fixture
def clips(tmp_path: Path) -> Path:
    rows = [{**dict.fromkeys(CLIP_COLUMNS, f"text {n % 7}"), "PSNR[rgb255]": n / 7} for n in range(500)]
    pd.DataFrame(rows).to_parquet(tmp_path / CLIPS_FILE)
    return tmp_path / CLIPS_FILE


def test_a_good_one_is_read(clips: Path) -> None:
    with opened_table(clips, CLIP_COLUMNS) as table:
        assert table.metadata.num_rows == 500
    assert len(list(clip_records(clips.parent))) == 500


@pytest.mark.parametrize("content", [b"", b"PAR1", b"no table\n" * 99, b"PAR1" + bytes(500) + b"PAR1"])
def test_something_else_is_named(content: bytes, clips: Path) -> None:
    clips.write_bytes(content)
    with pytest.raises(BenchError, match=rf"{CLIPS_FILE} cannot be read .*; make the run folder again"):
        list(clip_records(clips.parent))


def test_a_missing_column_is_named(clips: Path) -> None:
    pd.DataFrame({name: ["a"] for name in CLIP_COLUMNS if name != "status"}).to_parquet(clips)
    with pytest.raises(BenchError, match="has no column 'status'"):
        list(clip_records(clips.parent))
    pd.DataFrame({"model": ["a"]}).to_parquet(clips.parent / CURVES_FILE)
    with pytest.raises(BenchError, match="has no column 'clip'"):
        list(read_curves(clips.parent))


def test_what_the_reader_of_rows_raises_is_left_alone(clips: Path) -> None:
    with pytest.raises(ZeroDivisionError), opened_table(clips):
        raise ZeroDivisionError


def test_damaged_bytes_end_in_a_message_or_in_rows(clips: Path) -> None:
    good = clips.read_bytes()
    dice = random.Random(0)  # the same damage every time
    ends = set()
    for _ in range(200):
        data = bytearray(good[: dice.randrange(len(good))] if dice.random() < 0.2 else good)
        for _ in range(dice.choice([1, 3, 20]) if data else 0):
            data[dice.randrange(len(data))] = dice.randrange(256)
        clips.write_bytes(data)
        try:
            list(clip_records(clips.parent))
            ends.add("rows")
        except BenchError as error:
            assert CLIPS_FILE in str(error)
            ends.add("message")
    assert ends == {"rows", "message"}
