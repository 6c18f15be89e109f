"""`run.json` as it is read back: whole, or a message that says what is wrong with it."""

from __future__ import annotations

import json
import random
from pathlib import Path
from typing import Any

import pytest

from bench_lipsync.harness.errors import BenchError
from bench_lipsync.harness.results.schema import RUN_FILE, RunResult, read_result, write_result

RUN: dict[str, Any] = {
    "status": "complete",
    "created": "2026-11-23T10:00:00+00:00",
    "spec": {"dataset": "demo", "models": ["static"]},
    "spec_hash": "0" * 64,
    "provenance": {"bench_version": "0", "python": "3.11", "platform": "x", "device": "cpu"},
    "models": [{"name": "static", "kind": "bound"}],
    "metrics": [
        {
            **{"model": "static", "mode": "zero-shot", "name": "PSNR", "variant": "rgb255", "signature": "PSNR|v1"},
            **{"direction": "higher", "value": 30.5},
            "people": {"groups": ["anna", "berta"], "sums": [1.0, 2.0], "weights": [1.0, 1.0], "clips": "0"},
        }
    ],
    "clips": [],
    "failures": [],
}


def written(folder: Path, text: str | bytes) -> Path:
    (folder / RUN_FILE).write_bytes(text.encode() if isinstance(text, str) else text)
    return folder


def test_it_comes_back_as_it_was(tmp_path: Path) -> None:
    run = RunResult.model_validate(RUN)
    write_result(run, tmp_path)
    assert read_result(tmp_path) == run


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "is damaged"),
        ("{", "is damaged"),
        ("[" * 100_000, "is damaged"),
        (b"\xff\xfe", "is not UTF-8"),
        ("[1]", "holds a list"),
        ("null", "holds a NoneType"),
        ("{}", "schema version None"),
        ('{"schema_version": 99}', "update bench"),
        ('{"schema_version": 1}', "status: Field required"),
        ('{"schema_version": 1, "timings": {"a": NaN}}', "NaN is no number"),
        (json.dumps({**RUN, "schema_version": 1, "surprise": 1}), "unknown key 'surprise'"),
        (json.dumps({**RUN, "schema_version": 1, "models": [{"kind": "bound"}]}), "a model has no name"),
    ],
)
def test_what_is_wrong_is_said(text: str | bytes, reason: str, tmp_path: Path) -> None:
    with pytest.raises(BenchError, match=reason) as caught:
        read_result(written(tmp_path, text))
    assert RUN_FILE in str(caught.value) and str(caught.value).isprintable()


def test_people_and_their_sums_are_equally_many(tmp_path: Path) -> None:
    run = json.loads(json.dumps({**RUN, "schema_version": 1}))
    run["metrics"][0]["people"]["sums"].pop()
    with pytest.raises(BenchError, match=r"metrics\.0\.people: .*not equally many"):
        read_result(written(tmp_path, json.dumps(run)))


def test_no_key_is_shown_as_it_is(tmp_path: Path) -> None:
    with pytest.raises(BenchError) as caught:
        read_result(written(tmp_path, json.dumps({**RUN, "schema_version": 1, "\x1b[31m\n": 1})))
    assert str(caught.value).isprintable()


def test_a_pipe_is_not_waited_for(tmp_path: Path) -> None:
    import os

    os.mkfifo(tmp_path / RUN_FILE)
    with pytest.raises(BenchError, match="is not a run folder"):
        read_result(tmp_path)


def test_damaged_bytes_end_in_a_message_or_in_a_run(tmp_path: Path) -> None:
    good = write_result(RunResult.model_validate(RUN), tmp_path).read_bytes()
    dice = random.Random(0)  # the same damage every time
    for _ in range(300):
        data = bytearray(good)
        for _ in range(dice.choice([1, 2, 8])):
            data[dice.randrange(len(data))] = dice.randrange(256)
        try:
            assert isinstance(read_result(written(tmp_path, bytes(data))), RunResult)
        except BenchError as error:
            assert RUN_FILE in str(error)
