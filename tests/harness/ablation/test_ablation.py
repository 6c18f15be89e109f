"""Ablations: which variants, how far each is from the full model, and the page and tables of that."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml
from gate_runs import KINDS, PEOPLE, Parts, result, usual
from scipy.stats import ttest_rel
from typer.testing import CliRunner

from bench_lipsync.harness.ablation import run as ablation_run
from bench_lipsync.harness.ablation.deltas import TOO_FEW, deltas, mode_deltas
from bench_lipsync.harness.ablation.variants import (
    FULL,
    Ablation,
    CurvePoint,
    Variants,
    default_variants,
    differing_settings,
    load_variants,
)
from bench_lipsync.harness.errors import BenchError
from bench_lipsync.harness.results.schema import RunResult
from bench_lipsync.harness.run.pipeline import RunOptions, RunOutcome
from bench_lipsync.harness.run.spec import MODES, RunSpec, make_spec
from bench_lipsync.reports.ablation.page import write_ablation
from bench_lipsync.reports.ablation.tables import ablation_table

HOSTILE = "<script>alert(1)</script>&'\"\u202e$x$"


def parts(modes: tuple[str, ...] = ("",)) -> Parts:
    """A full model `m`, a variant `m@worse` with an SSIM that is 0.1 lower for everybody, and a bound."""
    made: Parts = {}
    for mode in modes:
        full = usual(("m",))["m"]
        made[f"m{mode}"] = full
        steps = -0.1 + 0.01 * np.arange(8)
        made[f"m@worse{mode}"] = {**full, "SSIM": full["SSIM"] + steps, "FID": full["FID"] + 0.2 + 0.01 * np.arange(8)}
    return {**made, "static": usual()["sls"]}


def ablation(run: RunResult | None = None, **changes: Any) -> Ablation:
    values = {
        "variants": Variants("m", {"worse": "m@worse"}),
        "modes": ("zero-shot",),
        "result": run or result(parts()),
    }
    return Ablation(**{**values, **changes})


def test_differences_intervals_and_tests_are_those_of_the_people() -> None:
    found = {delta.column: delta for delta in deltas(ablation())}
    assert set(found) == {f"{name}[v]" for name in KINDS}
    ssim = found["SSIM[v]"]
    assert ssim.delta == pytest.approx(-0.065) and ssim.worse and ssim.counts
    assert ssim.low is not None and ssim.high is not None and ssim.low < -0.065 < ssim.high < 0
    data = parts()
    p = ttest_rel(data["m"]["SSIM"], data["m@worse"]["SSIM"]).pvalue
    # FID has the smaller p, so that this one is the second of Holm.s steps.
    assert ssim.p == pytest.approx(p) and ssim.p_holm == pytest.approx(p * (len(KINDS) - 1))
    assert not found["LSE-C[v]"].counts and found["LSE-C[v]"].delta == 0


def test_distances_on_a_logarithmic_scale_have_the_interval_of_their_ratio() -> None:
    fid = next(delta for delta in deltas(ablation()) if delta.column == "FID[v]")
    assert fid.low is not None and fid.high is not None
    assert fid.value / fid.base == pytest.approx(np.exp(0.235))
    assert fid.base * (np.exp(0.2) - 1) < fid.low < fid.delta < fid.high < fid.base * (np.exp(0.27) - 1)


def test_few_people_have_a_difference_and_no_interval() -> None:
    few = {model: {name: sums[:3] for name, sums in row.items()} for model, row in parts().items()}
    found = deltas(ablation(result(few, people=PEOPLE[:3])))
    assert {(delta.low, delta.p, delta.note) for delta in found} == {(None, None, TOO_FEW)}


def test_modes_side_by_side_and_against_each_other() -> None:
    run = result(parts(("", " (adapted)")))
    both = ablation(run, modes=("zero-shot", "adapted"))
    assert {delta.mode for delta in deltas(both)} == {"zero-shot", "adapted"}
    against = mode_deltas(both)
    assert {delta.label for delta in against} == {FULL, "worse"} and {delta.mode for delta in against} == {"adapted"}
    assert all(delta.delta == 0 for delta in against)
    assert mode_deltas(ablation()) == []


def test_stylelipsync_lists_its_own_variants_and_what_differs() -> None:
    variants = default_variants("stylelipsync")
    assert variants.models[:2] == ("stylelipsync", "stylelipsync@no-mals") and len(variants.models) == 4
    told = differing_settings(variants)
    assert told[FULL] == {"mals": True, "fusion": "samf", "mask": "pose-aware"}
    assert told["no MaLS"] == {"mals": False, "fusion": "samf", "mask": "pose-aware"}
    assert told["half-frame mask"]["mask"] == "half-frame"


@pytest.mark.parametrize(
    ("name", "message"),
    [("static", "lists nothing that can be taken away"), ("stylelipsync:x.safetensors", "--variants FILE")],
)
def test_models_without_variants(name: str, message: str) -> None:
    with pytest.raises(BenchError, match=message):
        default_variants(name)


def test_variants_of_a_file(tmp_path: Path) -> None:
    path = tmp_path / "v.yaml"
    path.write_text("full: a\nvariants: {less: 'a@b', other: c}", encoding="utf-8")
    assert load_variants(path, None) == Variants("a", {"less": "a@b", "other": "c"})
    assert load_variants(path, "a").rows("adapted") == {
        FULL: "a (adapted)",
        "less": "a@b (adapted)",
        "other": "c (adapted)",
    }


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"variant": {}}, r"unknown key 'variant' .*did you mean variants"),
        ({"variants": {}}, "variants: "),
        ({"variants": {"x": "b"}}, "does not say what the variants are compared with"),
        ({"full": "a", "variants": {"x": "a"}}, "'x' of .* is the full model itself"),
        (["a"], "holds a list"),
    ],
)
def test_mistakes_in_a_file(tmp_path: Path, values: object, message: str) -> None:
    path = tmp_path / "v.yaml"
    path.write_text(yaml.safe_dump(values), encoding="utf-8")
    with pytest.raises(BenchError, match=message):
        load_variants(path, None)
    path.write_text("full: a\nvariants: {x: b}", encoding="utf-8")
    with pytest.raises(BenchError, match=r"--model says 'c' and .* says full: 'a'"):
        load_variants(path, "c")


@pytest.fixture
def executed(monkeypatch: pytest.MonkeyPatch) -> list[tuple[RunSpec, RunOptions]]:
    """The engine replaced: what it was asked for; every run gives the same result."""
    calls: list[tuple[RunSpec, RunOptions]] = []

    def execute(spec: RunSpec, options: RunOptions) -> RunOutcome:
        calls.append((spec, options))
        rows = ("", " (adapted)") if "adapted" in spec.mode else ("",)
        folder = options.out or Path("runs/x")
        folder.mkdir(parents=True, exist_ok=True)
        return RunOutcome(folder, result(parts(rows), spec=spec.model_dump(mode="json")), None)

    monkeypatch.setattr(ablation_run, "execute", execute)
    monkeypatch.setattr(ablation_run, "differing_settings", lambda variants: {})
    return calls


def test_every_variant_in_one_run(executed: list[Any], tmp_path: Path) -> None:
    from bench_lipsync.harness.cli.ablate import ablate

    variants = tmp_path / "v.yaml"
    variants.write_text("full: m\nvariants: {worse: 'm@worse'}", encoding="utf-8")
    import typer

    app = typer.Typer()
    app.command()(ablate)
    words = ["--variants", str(variants), "--dataset", "demo", "--seed", "7", "--limit", "9", "--device", "cpu"]
    done = CliRunner().invoke(app, [*words, "--out", str(tmp_path / "o")], catch_exceptions=False)
    assert done.exit_code == 0, done.output
    spec, _ = executed[0]
    assert len(executed) == 1 and (spec.models, spec.seed, spec.limit) == (("m", "m@worse"), 7, 9)
    assert "-0.065" in done.output and "worse" in done.output
    assert {path.name for path in (tmp_path / "o").iterdir()} == {"ablation.html", "ablation.tex", "ablation.md"}
    wrong = CliRunner().invoke(app, [*words, "--adapt-seconds", "2,5"])
    assert wrong.exit_code == 2 and "no mode adapts" in wrong.output


def test_a_curve_is_a_run_for_every_amount(executed: list[Any], tmp_path: Path) -> None:
    variants = Variants("m", {"worse": "m@worse"})
    spec = make_spec({"models": variants.models, "dataset": "demo", "mode": "zero-shot,adapted"})
    options = RunOptions(out=tmp_path)
    done = ablation_run.carry_out(spec, variants, options, seconds=[5, 2], steps=[100, 50]).ablation
    amounts = [(spec.adapt.seconds, spec.adapt.steps, options.out) for spec, options in executed]
    curve = tmp_path / "curve"
    assert amounts[0] == (5, 100, tmp_path)
    assert amounts[1:] == [
        (5, 50, curve / "5s-50steps"),
        (2, 100, curve / "2s-100steps"),
        (2, 50, curve / "2s-50steps"),
    ], "the most steps first, which may leave the others in the store"
    assert [spec.adapt.earlier for spec, _ in executed] == [(50,), (), (50,), ()]
    assert [(p.seconds, p.steps) for p in done.curve] == [(2, 50), (2, 100), (5, 50), (5, 100)]


def test_the_page_shows_everything_and_runs_nothing(tmp_path: Path) -> None:
    run = result(parts(("", " (adapted)")), notices=[f"m: {HOSTILE}", f"m@worse: {HOSTILE}"])
    points = tuple(CurvePoint(seconds, None, run) for seconds in (2.0, 5.0))
    variants = Variants("m", {HOSTILE: "m@worse"})
    settings = {FULL: {"mals": True}, HOSTILE: {"mals": False}}
    full = ablation(run, variants=variants, modes=("zero-shot", "adapted"), settings=settings, curve=points)
    page = write_ablation(full, tmp_path / "a.html").read_text(encoding="utf-8")
    assert "<script" not in page and "\u202e" not in page and "default-src 'none'" in page
    assert page.count("<figure") == 2 * len(KINDS) and "style=" not in page.partition("</style>")[2]
    ids = re.findall(r' id="([^"]+)"', page)
    assert len(ids) == len(set(ids))
    for text in ("Adapted against zero-shot", "Adaptation curves", "What differs", "<strong>False</strong>", "-0.065*"):
        assert text in page
    assert page.count("&lt;script&gt;alert(1)") >= 4 and "m, m@worse: &lt;script" in page


def test_tables(tmp_path: Path) -> None:
    text = ablation_table(ablation(), "markdown")
    assert "<br>**-0.065**\\* [" in text and "SSIM|v1" in text
    latex = ablation_table(ablation(variants=Variants("m", {HOSTILE: "m@worse"})), "latex")
    assert latex.isascii() and "$-$0.065$^{*}$" in latex and r"\textless{}script" in latex
    rows = [line for line in latex.splitlines() if line.endswith(r" \\")]
    assert {row.replace("\\&", "").count(" & ") for row in rows} == {len(KINDS)}
    with pytest.raises(BenchError, match="no format 'word'"):
        ablation_table(ablation(), "word")


def test_every_mode_has_a_mark_on_the_page(tmp_path: Path) -> None:
    run = result(parts(tuple("" if mode == "zero-shot" else f" ({mode})" for mode in MODES)))
    page = write_ablation(ablation(run, modes=MODES), tmp_path / "a.html").read_text(encoding="utf-8")
    assert all(f"{mark} {mode}" in page for mark, mode in zip(("circle", "square", "diamond"), MODES, strict=False))
    assert f"triangle {MODES[3]}" in page and len(MODES) == 4
