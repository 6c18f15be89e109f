"""Names of models: variants, arguments, and flags as another way to write them."""

from __future__ import annotations

import pytest

from harness.model_names import ModelName, parse_name, row_name, with_switches
from harness.status import BenchError


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


def test_flags_go_on_entries_without_a_variant() -> None:
    models = ("sls", "sls@box", "sls:/a/w.pth", "static")
    assert with_switches(models, "sls", ["no-mals"]) == ("sls@no-mals", "sls@box", "sls@no-mals:/a/w.pth", "static")
    with pytest.raises(BenchError, match="no-mals belongs to sls"):
        with_switches(("static",), "sls", ["no-mals"])
