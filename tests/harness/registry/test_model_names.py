"""Names of models: variants and arguments."""

from __future__ import annotations

import pytest

from bench_lipsync.harness.errors import BenchError
from bench_lipsync.harness.registry.model_names import ModelName, parse_name, row_name


@pytest.mark.parametrize(
    ("asked", "kind", "switches", "argument"),
    [
        ("static", "static", (), None),
        ("sls:w.pth", "sls", (), "w.pth"),
        ("sls@box", "sls", ("box",), None),
        ("sls@no-samf+box:/a@b/c:d.pth", "sls", ("box", "no-samf"), "/a@b/c:d.pth"),
    ],
)
def test_parts(asked: str, kind: str, switches: tuple[str, ...], argument: str | None) -> None:
    name = parse_name(asked)
    assert name == ModelName(kind, switches, argument)
    assert parse_name(str(name)) == name


def test_an_at_sign_needs_a_variant() -> None:
    with pytest.raises(BenchError, match="no variant behind the @"):
        parse_name("sls@:w.pth")


def test_rows_show_the_variant_and_no_folder() -> None:
    assert row_name("sls@no-mals:/some/where/mine.pth") == "sls@no-mals:mine.pth"
    assert row_name("sls@no-samf+box") == row_name("sls@box+no-samf")
    assert row_name("sls:/x/w.pth") == "sls:w.pth"
