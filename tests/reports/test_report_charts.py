"""Charts as parts of the page: nothing that its policy forbids, colours by class, names as text, numbers as text."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET
from pathlib import Path

from make_runs import make_folder, metric_row

from bench_lipsync.reports.charts.results import make_charts
from bench_lipsync.reports.table.grid import make_grid
from bench_lipsync.reports.table.loading import load_runs

ATTACK = "<b>&\"' $\\frac{1}{0}$ \u202e"


def charts_of(folder: Path) -> list[ET.Element]:
    runs = load_runs(folder)
    return [ET.fromstring(chart.svg) for chart in make_charts(make_grid(runs), runs)]  # noqa: S314


def test_a_chart_for_every_metric_and_one_of_sync_against_quality(tmp_path: Path) -> None:
    drawn = charts_of(make_folder(tmp_path / "run", ["one", "two"], media=False))
    titles = [svg.findtext("title") for svg in drawn]
    assert titles == [f"{name} of every model" for name in ("LSE-C ↑", "LSE-D ↓", "FID ↓", "SSIM ↑")] + [
        "LSE-D ↓ against FID ↓"
    ]
    assert "one 5.00 [4.90, 5.50]" in (drawn[0].findtext("desc") or "")
    for svg in drawn:
        assert svg.attrib["role"] == "img"
        names = (svg.attrib["aria-labelledby"]).split()
        assert [svg[0].attrib["id"], svg[1].attrib["id"]] == names


def test_no_style_no_fixed_colour_no_id_twice(tmp_path: Path) -> None:
    drawn = charts_of(make_folder(tmp_path / "run", ["one", "two"], media=False))
    nodes = [node for svg in drawn for node in svg.iter()]
    assert not [node for node in nodes if node.tag == "style" or "style" in node.attrib]
    assert not [value for node in nodes for key, value in node.attrib.items() if re.search("#[0-9a-f]{6}", value)]
    ids = [node.attrib["id"] for node in nodes if "id" in node.attrib]
    assert len(ids) == len(set(ids))
    used = {node.attrib["href"][1:] for node in nodes if "href" in node.attrib}
    assert used <= set(ids)
    classes = {name for node in nodes for name in node.attrib.get("class", "").split()}
    assert {"f-m0", "s-m1", "s-b0", "f-ink", "f-muted"} <= classes


def test_names_are_text(tmp_path: Path) -> None:
    rows = [metric_row(ATTACK), metric_row("ground-truth", value=1000.0, ci_low=None, ci_high=None)]
    (svg,) = charts_of(make_folder(tmp_path / "run", [ATTACK], media=False, metrics=rows))
    texts = ["".join(node.itertext()) for node in svg.iter("text")]
    assert any(text.startswith("<b>&\"' $\\frac") for text in texts)
    assert "\u202e" not in "".join(svg.itertext())


def test_the_truth_may_leave_an_axis_that_the_models_fill(tmp_path: Path) -> None:
    rows = [
        metric_row("one", value=26.0, ci_low=25.0, ci_high=27.0),
        metric_row("two", value=22.0, ci_low=21.0, ci_high=23.0),
        metric_row("ground-truth", value=100.0, ci_low=100.0, ci_high=100.0),
    ]
    (svg,) = charts_of(make_folder(tmp_path / "run", ["one", "two"], media=False, metrics=rows))
    assert "100.0 →" in ["".join(node.itertext()) for node in svg.iter("text")]


def test_an_empty_table_has_no_chart(tmp_path: Path) -> None:
    assert charts_of(make_folder(tmp_path / "run", [], [], metrics=[])) == []
