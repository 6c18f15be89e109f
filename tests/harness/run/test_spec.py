from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from bench_lipsync.harness.errors import BenchError
from bench_lipsync.harness.run.spec import RunSpec, load_spec, make_spec

BASE = {"models": ["stylelipsync"], "dataset": "demo"}


def test_yaml_round_trip(tmp_path: Path) -> None:
    spec = make_spec({**BASE, "limit": 3, "metrics": ["FID", "SSIM"], "data_root": "/somewhere"})
    path = tmp_path / "run.yaml"
    path.write_text(spec.to_yaml())
    assert make_spec(load_spec(path)) == spec


def test_an_unknown_key_is_an_error_with_a_suggestion() -> None:
    with pytest.raises(BenchError, match="'protocl' \\(did you mean protocol\\?\\)"):
        make_spec({**BASE, "protocl": "cross"})


@pytest.mark.parametrize(
    ("key", "value"), [("limit", 0), ("protocol", "selfie"), ("size", 12), ("models", []), ("seed", "x")]
)
def test_a_wrong_value_is_named(key: str, value: object) -> None:
    with pytest.raises(BenchError, match=key):
        make_spec({**BASE, key: value})


@pytest.mark.parametrize("text", ["[1, 2]", "a: [", "just words"])
def test_a_file_that_is_no_specification(tmp_path: Path, text: str) -> None:
    path = tmp_path / "run.yaml"
    path.write_text(text)
    with pytest.raises(BenchError, match=r"run\.yaml"):
        load_spec(path)


def test_the_hash_covers_results_and_not_places() -> None:
    spec = make_spec(BASE)
    same = spec.model_copy(update={"data_root": Path("/elsewhere")})
    assert spec.hash(["a"]) == same.hash(["a"])
    assert spec.hash(["a"]) != spec.hash(["a", "b"])
    for change in ({"seed": 1}, {"models": ("static",)}, {"protocol": "cross"}, {"size": 128}, {"metrics": ("FID",)}):
        assert spec.hash(["a"]) != spec.model_copy(update=change).hash(["a"]), change


def test_repeated_names_count_once() -> None:
    assert make_spec({**BASE, "models": ["a", "b", "a"]}).models == ("a", "b")


def test_every_field_survives_yaml() -> None:
    assert set(yaml.safe_load(make_spec(BASE).to_yaml())) == set(RunSpec.model_fields)


def test_all_metrics_by_one_name() -> None:
    spec = make_spec({**BASE, "metrics": ("FID", "all")})
    assert spec.metrics[0] == "FID" and spec.metrics.count("FID") == 1
    assert {"LSE-C", "LSE-C[pipeline]", "KID", "FVD", "CSIM", "LMD", "LipLeak", "CPBD"} <= set(spec.metrics)
    assert "LSE-C[gt-box]" not in spec.metrics, "LSE-C alone asks for it"
    assert make_spec({**BASE, "metrics": "all"}).metrics == make_spec({**BASE, "metrics": ["ALL"]}).metrics
