from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench_lipsync.harness.util.sanitize import safe_id


@given(st.text(max_size=300))
def test_any_text_becomes_a_safe_file_name(name: str) -> None:
    made = safe_id(name)
    assert re.fullmatch(r"[A-Za-z0-9_-][A-Za-z0-9._-]{0,99}", made)
    assert made == safe_id(name)


@pytest.mark.parametrize("name", ["WDA_AlexandriaOcasioCortez_000", "id00017-x.y", "a"])
def test_a_safe_name_stays_as_it_is(name: str) -> None:
    assert safe_id(name) == name


@pytest.mark.parametrize(("a", "b"), [("a/b", "a_b"), ("../x", "x"), ("ä", "a"), ("<script>", "script"), ("a ", "a")])
def test_names_that_look_alike_stay_apart(a: str, b: str) -> None:
    assert safe_id(a) != safe_id(b)
