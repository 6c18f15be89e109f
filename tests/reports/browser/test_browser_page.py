"""The page around the players in a browser: ranking, order, filters, themes, small windows, names that attack."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest
from looking import Opener, ready
from make_runs import make_folder, make_result, metric_row
from playwright.sync_api import Page

from bench_lipsync.harness.results.schema import CLIPS_FILE, Failure
from bench_lipsync.reports.page.write import write_page

CLIPS = ("a", "b", "c")
ATTACKS = [
    "<script>document.documentElement.id='pwned'</script>",
    "\"'><img src=x onerror=\"document.documentElement.id='pwned'\">",
    "</template></script><script>alert(1)//",
    "../../../etc/passwd",
    "\u202egnp.exe שלום $\\frac{1}{0}$",
]
CONTRAST = """() => {
  const channel = (text) => text.match(/[\\d.]+/g).slice(0, 3).map(Number);
  const light = (rgb) => rgb.map((v) => v / 255).map((v) => v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4)
    .reduce((sum, v, n) => sum + v * [0.2126, 0.7152, 0.0722][n], 0);
  const back = (node) => {
    for (; node; node = node.parentElement) {
      const colour = getComputedStyle(node).backgroundColor;
      if (!colour.endsWith(", 0)")) return colour;
    }
    return "rgb(255, 255, 255)";
  };
  const poor = [];
  for (const node of document.querySelectorAll("body *:not(script, style, noscript, .sr, option)")) {
    const own = [...node.childNodes].some((child) => child.nodeType === 3 && child.textContent.trim());
    if (!own || node.closest("svg:not(.chart svg)") || !node.getClientRects().length) continue;
    const style = getComputedStyle(node);
    const [one, two] = [node.closest("svg") ? style.fill : style.color, back(node)].map((c) => light(channel(c)));
    const ratio = (Math.max(one, two) + 0.05) / (Math.min(one, two) + 0.05);
    if (ratio < 4.5) poor.push(`${ratio.toFixed(2)} ${node.outerHTML.slice(0, 90)}`);
  }
  return [...new Set(poor)];
}"""
NAMELESS = """() => [...document.querySelectorAll("button, select, input, summary, svg[role=img], [role=region]")]
  .filter((node) => !(node.getAttribute("aria-label") || node.getAttribute("aria-labelledby") || node.labels?.length
    || node.textContent.trim()))
  .map((node) => node.outerHTML.slice(0, 120))"""


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three clips of three people; the second fails for wav2lip; its LSE-C grows, its SSIM falls from clip to clip."""
    folder = tmp_path_factory.mktemp("page") / "run"
    failures = [Failure(model="wav2lip", clip="b", status="model_failed", reason="out of memory")]
    make_folder(folder, ["stylelipsync", "wav2lip"], CLIPS, curves=True, failures=failures, status="partial")
    records = pd.read_parquet(folder / CLIPS_FILE)
    place = records["clip"].map(CLIPS.index)
    records["LSE-C[open-syncnet]"] += place
    records["SSIM[wang2004]"] -= place / 10
    records.loc[records["status"] != "ok", ["LSE-C[open-syncnet]", "SSIM[wang2004]"]] = None
    records.to_parquet(folder / "clips.parquet")
    return write_page(folder, folder / "report.html")


def listed(page: Page) -> list[str]:
    return page.locator(".clip:not([hidden]) h3").all_inner_texts()


def test_a_header_ranks_the_models(report: Path, open_page: Opener) -> None:
    page = open_page(report)
    models = page.locator("tbody.models th")
    assert models.all_inner_texts() == ["wav2lip", "stylelipsync"]  # LSE-C, higher is better
    page.get_by_role("button", name="LSE-D").click()
    assert models.all_inner_texts() == ["stylelipsync", "wav2lip"]
    assert page.locator("th[aria-sort]").count() == 1
    assert page.locator("th[aria-sort]").get_attribute("aria-sort") == "ascending"
    assert page.locator("tbody.bounds th").first.inner_text().startswith("ground-truth")


def test_worst_and_best_clips_first(report: Path, open_page: Opener) -> None:
    page = open_page(report)
    assert listed(page) == ["a", "b", "c"]  # worst LSE-C first
    page.locator("#end").select_option("best")
    assert listed(page) == ["c", "b", "a"]
    page.locator("#order").select_option("SSIM[wang2004]")
    assert listed(page) == ["a", "b", "c"]
    page.locator("#row").select_option("wav2lip")
    assert listed(page) == ["a", "c", "b"]  # it has no value for b
    page.locator("#order").select_option("")
    assert listed(page) == ["a", "b", "c"]


def test_filters(report: Path, open_page: Opener) -> None:
    page = open_page(report)
    page.locator("#identity").select_option(label="person b")
    assert listed(page) == ["b"]
    assert page.locator("#count").inner_text() == "1 of 3 clips"
    page.locator("#identity").select_option(label="all")
    page.locator("#pose").select_option("profile")
    assert listed(page) == ["c"]
    page.locator("#pose").select_option(label="all")
    page.locator("#status").select_option("model_failed")
    assert listed(page) == ["b"]
    page.locator("#clip-2").scroll_into_view_if_needed()
    page.locator("#clip-2 .failed").wait_for()
    assert "out of memory" in page.locator(".clip:not([hidden])").inner_text()
    page.locator("#status").select_option("ok")
    assert listed(page) == ["a", "c"]


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_text_is_readable_in_both_themes(report: Path, open_page: Opener, scheme: str) -> None:
    page = ready(open_page(report, color_scheme=scheme))
    page.wait_for_timeout(200)
    assert page.evaluate(CONTRAST) == []


def test_the_theme_can_be_switched(report: Path, open_page: Opener) -> None:
    page = open_page(report, color_scheme="light")
    back = "getComputedStyle(document.body).backgroundColor"
    assert page.evaluate(back) == "rgb(246, 246, 243)"
    switch = page.get_by_role("button", name="Theme")
    switch.click()
    switch.click()
    assert switch.inner_text() == "Theme: dark"
    assert page.evaluate(back) == "rgb(18, 20, 23)"
    page.reload()
    assert page.evaluate(back) == "rgb(18, 20, 23)"


def test_everything_has_a_name_and_every_id_is_one(report: Path, open_page: Opener) -> None:
    page = ready(open_page(report))
    assert page.evaluate(NAMELESS) == []
    ids = page.evaluate("[...document.querySelectorAll('[id]')].map((node) => node.id)")
    assert len(ids) == len(set(ids))


@pytest.mark.parametrize("width", [360, 768])
def test_small_windows_scroll_the_table_and_not_the_page(report: Path, open_page: Opener, width: int) -> None:
    page = ready(open_page(report, width, 740, has_touch=True))
    assert page.evaluate("document.documentElement.scrollWidth") == width
    table = "document.querySelector('.scroll')"
    assert width > 700 or page.evaluate(f"{table}.scrollWidth > {table}.clientWidth")
    for name in (".clip .play", ".clip .scrub"):
        box = page.locator(name).first.bounding_box()
        assert box is not None
        assert box["height"] >= 24 and box["x"] >= 0 and box["x"] + box["width"] <= width


def test_nothing_moves_while_the_page_loads_and_scrolls(report: Path, open_page: Opener) -> None:
    page = open_page(report)
    page.evaluate("""() => { window.moved = 0; new PerformanceObserver((list) => {
      for (const entry of list.getEntries()) window.moved += entry.value;
    }).observe({ type: "layout-shift", buffered: true }); }""")
    for _ in range(12):
        page.mouse.wheel(0, 400)
        page.wait_for_timeout(60)
    assert page.evaluate("window.moved") < 0.02


def test_names_that_attack_are_text(tmp_path: Path, open_page: Opener) -> None:
    failures = [Failure(model=ATTACKS[0], clip=ATTACKS[1], status=ATTACKS[2], reason=ATTACKS[1])]
    models = ATTACKS[:3]
    rows = [*make_result(models, ATTACKS).metrics]
    rows += [metric_row(model, variant=ATTACKS[1], signature=ATTACKS[0]) for model in models]
    folder = make_folder(
        tmp_path / "run", models, ATTACKS, curves=True, failures=failures, notices=ATTACKS, metrics=rows
    )
    page = ready(open_page(write_page(folder, folder / "report.html")))
    assert page.evaluate("document.documentElement.id") == ""
    assert page.locator("img").count() == 0
    text = page.locator("body").inner_text()
    for name in ATTACKS[:4]:
        assert name in text
    assert "\u202e" not in text
    assert "\\u202egnp.exe שלום $\\frac{1}{0}$" in text
    page.locator("#identity").select_option(index=2)
    assert page.locator(".clip:not([hidden])").count() == 1
