"""One line, whatever the error."""

from __future__ import annotations

import pytest
from pydantic import BaseModel, ConfigDict, ValidationError

from bench_lipsync.harness.errors import BenchError, first_problem, suggest, validate


class _Inner(BaseModel):
    number: int


class _Outer(BaseModel):
    parts: list[_Inner]


@pytest.mark.parametrize(
    ("error", "line"),
    [
        (ValueError("one\ntwo"), "one"),
        (ValueError("\n one"), "one"),
        (KeyError(), "KeyError"),
        (OSError(""), "OSError"),
    ],
)
def test_the_first_line_or_the_class(error: Exception, line: str) -> None:
    assert first_problem(error) == line


def test_data_that_does_not_fit_is_named_by_its_place() -> None:
    with pytest.raises(ValidationError) as caught:
        _Outer.model_validate({"parts": [{"number": 1}, {"number": "x"}, {}]})
    assert first_problem(caught.value).startswith("parts.1.number: Input should be a valid integer")
    with pytest.raises(ValidationError) as caught:
        _Outer.model_validate(3)
    assert first_problem(caught.value).startswith("Input should be")


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        ("statik", "did you mean static?"),
        ("STATIC", "did you mean static?"),
        ("lse-c", "did you mean LSE-C or LSE-D?"),
        ("gan", "known: static, LSE-C, LSE-D"),
    ],
)
def test_an_unknown_name_gets_the_nearest_known_ones(name: str, hint: str) -> None:
    assert suggest(name, ["static", "LSE-C", "LSE-D"]) == hint


def test_the_hint_without_a_near_name_can_be_the_callers() -> None:
    assert suggest("gan", ["static"], otherwise="see `bench list`") == "see `bench list`"
    assert suggest("lsec", ["LSE-D", "LSE-C"], limit=1) == "did you mean LSE-C?"


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid")

    name: str
    inner: dict[str, _Inner | None] = {}
    lists: list[_Inner] = []


@pytest.mark.parametrize(
    ("data", "problem"),
    [
        ({}, "name: Field required"),
        ({"name": 1.5}, "name: Input should be a valid string; in YAML, write it in quotes (got 1.5)"),
        ({"name": "a", "nmae": 1}, "unknown key 'nmae' (did you mean name?)"),
        ({"name": "a", "inner": {"x": {"number": "y"}}}, "inner.x.number: Input should be a valid integer"),
        ({"name": "a", "lists": [{}]}, "lists.0.number: Field required"),
        ({"a\u202eb": 1, "name": "a"}, "unknown key 'a\\u202eb' (known: name, inner, lists)"),
        ([], "Input should be a valid dictionary"),
        ('{"name": 1', "Invalid JSON"),
    ],
)
def test_data_that_does_not_fit_is_one_typed_line(data: object, problem: str) -> None:
    with pytest.raises(BenchError) as caught:
        validate(_Strict, data, "file.yaml is not valid", "save it again")
    text = str(caught.value)
    assert text.startswith(f"file.yaml is not valid: {problem}") and text.endswith("; save it again")
    assert "\n" not in text and "\u202e" not in text


def test_all_problems_are_named_and_too_many_are_counted() -> None:
    with pytest.raises(BenchError) as caught:
        validate(_Strict, {f"key{number}": 1 for number in range(9)} | {"name": "a"}, "it")
    assert str(caught.value).count("unknown key") == 5 and str(caught.value).endswith("; 4 more")


def test_data_that_fits_is_built() -> None:
    assert validate(_Inner, b'{"number": 3}', "it") == validate(_Inner, {"number": 3}, "it") == _Inner(number=3)
