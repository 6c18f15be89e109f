"""One line, whatever the error."""

from __future__ import annotations

import pytest
from pydantic import BaseModel, ValidationError

from bench_lipsync.harness.first_problem import first_problem


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
