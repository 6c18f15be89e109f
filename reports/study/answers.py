"""Reads raters' files, which are untrusted input."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field

from bench_lipsync.harness.errors import BenchError, first_problem
from bench_lipsync.reports.study.plan import Item, Key

MAX_BYTES = 16 * 1024 * 1024


class _Record(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class Answer(_Record):
    """One question answered."""

    item: str
    values: dict[str, int]
    """By aspect: 1 to 5 for a video, -1 (the item's first is better), 0 or 1 for a pair."""
    swapped: bool = False
    seconds: float = Field(default=0, ge=0)


class Sheet(_Record):
    """One rater's file."""

    version: int
    study: str
    rater: str = Field(min_length=1, max_length=64)
    started: str
    finished: str | None
    answers: list[Answer]


@dataclass(frozen=True)
class Rater:
    """One rater whose file fits the study."""

    name: str
    answers: dict[str, Answer]
    """By item."""
    failed: tuple[str, ...]
    """Items of checks that were answered wrongly."""


def read_key(path: Path) -> Key:
    """The maker's key. Raises `BenchError` for anything else."""
    try:
        return Key.model_validate_json(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise BenchError(
            f"{path} is not the key of a study ({first_problem(error)}); `bench study make` writes it"
        ) from error


def read_raters(paths: Sequence[Path], key: Key) -> list[Rater]:
    """Every rater once, in the order of the files. Raises `BenchError` that names a wrong file."""
    raters: dict[str, Rater] = {}
    items = {item.id: item for item in key.items}
    for path in paths:
        sheet = _sheet(path)
        if sheet.study != key.study:
            raise BenchError(
                f"{path} answers study {sheet.study}, the key is of {key.study}; name the other's key.json"
            )
        if sheet.rater in raters:
            raise BenchError(f"{path} is a second file of rater {sheet.rater}; give only one of them")
        raters[sheet.rater] = _rater(path, sheet, items, key)
    if not raters:
        raise BenchError("no file with answers was given; name those that the raters saved")
    return list(raters.values())


def _sheet(path: Path) -> Sheet:
    try:
        if path.stat().st_size > MAX_BYTES:
            raise BenchError(f"{path} has more than {MAX_BYTES // 2**20} MB and is no file of answers")
        return Sheet.model_validate(json.loads(path.read_text(encoding="utf-8")))
    except (OSError, ValueError, RecursionError) as error:
        raise BenchError(f"{path} is not a file of answers: {first_problem(error)}") from error


def _rater(path: Path, sheet: Sheet, items: dict[str, Item], key: Key) -> Rater:
    answers: dict[str, Answer] = {}
    for answer in sheet.answers:
        item = items.get(answer.item)
        if item is None or answer.item in answers:
            wrong = "asked twice" if item else "not in the study"
            raise BenchError(f"{path}: question {answer.item!r} is {wrong}; leave the file out")
        allowed = range(1, 6) if len(item.models) == 1 else range(-1, 2)
        if set(answer.values) != set(key.aspects) or not all(value in allowed for value in answer.values.values()):
            raise BenchError(f"{path}: question {answer.item!r} is answered with {answer.values!r}; leave the file out")
        answers[answer.item] = answer
    failed = [name for name, answer in answers.items() if _fails(items[name], answer)]
    return Rater(sheet.rater, answers, tuple(failed))


def _fails(item: Item, answer: Answer) -> bool:
    """An instruction has to be followed everywhere; one video twice must be seen as equal in half of the aspects."""
    if item.expected is None:
        return False
    wrong = sum(value != item.expected for value in answer.values.values())
    return wrong > (len(answer.values) // 2 if item.kind == "check-pair" else 0)
