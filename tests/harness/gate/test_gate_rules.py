"""`gate.yaml`: what is wrong in it is named, with the nearest right word."""

from __future__ import annotations

from pathlib import Path

import pytest

from bench_lipsync.harness.errors import BenchError
from bench_lipsync.harness.gate.rules import GateSpec, Rule, default_rules, load_gate, make_gate


def test_an_empty_file_is_the_default(tmp_path: Path) -> None:
    (tmp_path / "gate.yaml").write_text("# nothing\n", encoding="utf-8")
    assert load_gate(tmp_path / "gate.yaml") == GateSpec()


def test_a_full_file(tmp_path: Path) -> None:
    text = "alpha: 0.05\nmetrics:\n  SSIM: {absolute: 0.02, significant: false}\n  KID: null\nspeed: {relative: 0.3}\n"
    (tmp_path / "gate.yaml").write_text(text, encoding="utf-8")
    gate = load_gate(tmp_path / "gate.yaml")
    assert (gate.alpha, gate.metrics["KID"], gate.speed and gate.speed.relative) == (0.05, None, 0.3)


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"metric": {}}, r"unknown key 'metric' \(did you mean metrics\?\)"),
        ({"metrics": {"FID": {"relativ": 0.1}}}, r"unknown key 'metrics.FID.relativ' \(did you mean relative\?\)"),
        ({"speed": {"relatve": 1}}, r"did you mean relative"),
        ({"zzz": 1}, "known: alpha, significant"),
        ({"metrics": {"FID": {}}}, "needs `absolute`, `relative` or both"),
        ({"metrics": {"FID": {"absolute": -1}}}, "greater than or equal to 0"),
        ({"metrics": {"Sync-C": None, "LSE-C": None}}, "two rules for one metric under two names: Sync-C, LSE-C"),
        ({"alpha": 2}, r"alpha: .* \(got 2\)"),
        ([1], "holds a list, not a mapping"),
    ],
)
def test_mistakes_are_named(values: object, message: str) -> None:
    with pytest.raises(BenchError, match=message):
        make_gate(values)


def test_names_that_the_baseline_lacks() -> None:
    gate = make_gate({"metrics": {"LSEC": {"absolute": 1}}})
    with pytest.raises(BenchError, match=r"metric 'LSEC', which the baseline lacks \(did you mean LSE-C"):
        gate.check_names(["LSE-C[v]"], ["a"])


def test_a_rule_by_the_name_of_other_papers() -> None:
    gate = make_gate({"metrics": {"Sync-D[open-syncnet]": {"absolute": 1}, "Sync-C": None}})
    gate.check_names(["LSE-C[v]", "LSE-D[open-syncnet]"], ["a"])
    assert gate.rule("LSE-C[v]") is None and gate.rule("LSE-D[open-syncnet]") == Rule(absolute=1)


def test_no_file_and_no_yaml(tmp_path: Path) -> None:
    with pytest.raises(BenchError, match="cannot read the gate"):
        load_gate(tmp_path / "none.yaml")
    (tmp_path / "bad.yaml").write_text("a: [", encoding="utf-8")
    with pytest.raises(BenchError, match="is not YAML"):
        load_gate(tmp_path / "bad.yaml")


def test_default_rules_are_the_metrics_own_tolerances() -> None:
    expected = {
        "LSE-C": (0.02, 0.05),
        "LSE-D": (0.02, 0.05),
        "AV-offset": (0.5, None),
        "FID": (0.5, 0.1),
        "FVD": (5.0, 0.1),
        "KID": (0.002, 0.2),
        "SSIM": (0.01, None),
        "PSNR": (0.5, None),
        "LPIPS": (0.005, 0.05),
        "SSIM-mouth": (0.02, None),
        "PSNR-mouth": (0.5, None),
        "LPIPS-mouth": (0.01, 0.05),
        "LMD": (0.1, 0.1),
        "LMD-mouth": (0.1, 0.1),
        "LMD-missed": (1.0, None),
        "LipOpen-error": (0.01, 0.1),
        "LipOpen-corr": (0.03, None),
        "LipLeak": (0.02, 0.25),
        "CPBD": (0.02, None),
        "CPBD-mouth": (0.02, None),
        "CSIM": (0.01, None),
        "TWE": (0.05, 0.1),
        "Jitter": (0.02, 0.1),
    }
    rules = {name: (rule.absolute, rule.relative) for name, rule in default_rules().items()}
    assert {name: rule for name, rule in rules.items() if "[" not in name} == expected
    assert all(rules[column] == expected[column.partition("[")[0]] for column in rules if "[" in column)
    gate = GateSpec()
    assert gate.rule("SSIM[some-other-variant]") == default_rules()["SSIM"]
    assert gate.rule("LSE-tracks[pipeline]") == gate.default == gate.rule("New[metric]")
