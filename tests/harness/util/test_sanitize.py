from __future__ import annotations

import os
import re
import subprocess
import sys
import unicodedata

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


@pytest.mark.parametrize("name", ["é", "Łukasz Żółć/1", "한국어", "a/é b"])
def test_both_spellings_of_a_name_are_one(name: str) -> None:
    assert safe_id(unicodedata.normalize("NFD", name)) == safe_id(unicodedata.normalize("NFC", name))


NAMES = ["é.mp4", "e\u0301.mp4", "한국어.mp4", "broken\udcff.mp4", "both é\udcff.mp4", "plain.mp4"]
PRINT_IDS = (
    "import os, sys; from bench_lipsync.harness.util.sanitize import safe_id; print(*map(safe_id, sys.argv[1:]))"
)


@pytest.mark.parametrize(
    "locale",
    [
        {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"},
        {"LC_ALL": "en_US.ISO-8859-1", "PYTHONUTF8": "0"},
        {"PYTHONUTF8": "1"},
    ],
    ids=["ascii", "latin-1", "utf-8"],
)
def test_ids_are_the_same_under_every_locale(locale: dict[str, str]) -> None:
    words = [name.encode("utf-8", "surrogateescape") for name in NAMES]
    command = [sys.executable, "-c", PRINT_IDS, *words]
    made = subprocess.run(command, env={**os.environ, **locale}, capture_output=True, text=True, check=True)  # noqa: S603
    assert made.stdout.split() == [safe_id(name) for name in NAMES]
