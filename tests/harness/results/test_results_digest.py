from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from results_digest import differences, results_digest, results_parts, table_digest


def _folder(root: Path, name: str, **changed: object) -> Path:
    folder = root / name
    (folder / "generated" / "m").mkdir(parents=True)
    (folder / "generated" / "m" / "a.mkv").write_bytes(b"frames")
    run = {"created": name, "timings": {"prepare": len(name)}, "speed": [name], "provenance": {"python": name}}
    (folder / "run.json").write_text(json.dumps({**run, "metrics": [1.5], "clips": ["a"], **changed}))
    pd.DataFrame({"model": ["m", "n"], "PSNR": [30.5, np.nan]}).to_parquet(folder / "clips.parquet")
    (folder / "log.txt").write_text(name)
    (folder / "report.html").write_text(name)
    return folder


def test_what_tells_of_the_carrying_out_does_not_count(tmp_path: Path) -> None:
    one, two = _folder(tmp_path, "one"), _folder(tmp_path, "another")
    assert results_digest(one) == results_digest(two) and differences(one, two) == []
    assert set(results_parts(one)) == {"run.json: metrics", "run.json: clips", "clips.parquet", "generated/m/a.mkv"}


@pytest.mark.parametrize("part", ["generated/m/a.mkv", "generated/m/b.mkv", "clips.parquet", "adaptation.json"])
def test_a_difference_is_named(tmp_path: Path, part: str) -> None:
    one, two = _folder(tmp_path, "one"), _folder(tmp_path, "two")
    if part == "clips.parquet":
        pd.DataFrame({"model": ["m", "n"], "PSNR": [30.5, np.nextafter(1, 2)]}).to_parquet(two / part)
    else:
        (two / part).write_bytes(b"other")
    assert results_digest(one) != results_digest(two)
    assert differences(one, two) == [part]


def test_a_changed_number_is_named(tmp_path: Path) -> None:
    assert differences(_folder(tmp_path, "a"), _folder(tmp_path, "b", metrics=[1.25])) == ["run.json: metrics"]


def _curves(values: list[list[float]]) -> pa.Table:
    return pa.table({"clip": [str(n) for n in range(len(values))], "values": pa.array(values, pa.list_(pa.float32()))})


def test_a_table_counts_by_its_content(tmp_path: Path) -> None:
    values = [[1.0, float("nan"), 3.0], [], [0.5]] * 700
    pq.write_table(_curves(values), tmp_path / "one", row_group_size=10, compression="none")
    pq.write_table(_curves(values), tmp_path / "two", compression="zstd")
    assert table_digest(tmp_path / "one") == table_digest(tmp_path / "two")
    others = [values[:-1], [*values[:-1], [0.5, 0.5]], values[::-1], [[1.0], [float("nan"), 3.0], *values[1:]]]
    digests = set()
    for number, other in enumerate(others):
        pq.write_table(_curves(other), tmp_path / str(number))
        digests.add(table_digest(tmp_path / str(number)))
    assert len(digests) == 4 and table_digest(tmp_path / "one") not in digests
