"""`bench convert stylegan2`: missing files and unknown presets are named."""

from __future__ import annotations

from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

from bench_lipsync.harness.cli import convert
from bench_lipsync.harness.errors import BenchError


@pytest.fixture
def app() -> typer.Typer:
    root = typer.Typer()
    convert.register(root)

    @root.command()
    def other() -> None:
        """Typer drops the name of a lone group."""

    return root


def test_conversion_reaches_the_converter_and_names_missing_files(app: typer.Typer, tmp_path: Path) -> None:
    out = tmp_path / "prior.safetensors"
    result = CliRunner().invoke(app, ["convert", "stylegan2", str(tmp_path / "none.pkl"), "--out", str(out)])
    assert isinstance(result.exception, BenchError)
    assert "none.pkl" in str(result.exception)
    result = CliRunner().invoke(app, ["convert", "stylegan2", "x.pkl", "--out", str(out), "--preset", "best"])
    assert "published or demo" in str(result.exception)
    assert not out.exists()


def test_help_has_an_example(app: typer.Typer) -> None:
    result = CliRunner().invoke(app, ["convert", "stylegan2", "--help"])
    assert result.exit_code == 0
    assert "Example: bench convert stylegan2" in result.output
