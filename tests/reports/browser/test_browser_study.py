"""A study from a run to its scores: made, answered in a browser, saved, read."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from looking import Opener, wait
from make_runs import make_folder
from playwright.sync_api import Page

from bench_lipsync.harness.errors import BenchError
from bench_lipsync.reports.study.answers import read_key, read_raters
from bench_lipsync.reports.study.make import make_study
from bench_lipsync.reports.study.score import score_study

MODELS = ("secret-one", "secret-two")


@pytest.fixture(scope="module")
def study(tmp_path_factory: pytest.TempPathFactory) -> Path:
    run = make_folder(tmp_path_factory.mktemp("study") / "run", MODELS, ["clip-x"], frames=6)
    make_study(run, run.parent / "study", checks=1)
    return run.parent / "study"


def test_the_page_tells_no_name(study: Path) -> None:
    text = (study / "page" / "index.html").read_text(encoding="utf-8")
    for name in (*MODELS, "ground-truth", "clip-x", "check-pair"):
        assert name not in text
    assert sorted(path.name for path in (study / "page" / "media").iterdir()) == [f"v{n:04}.mp4" for n in range(3)]
    assert not (study / "page" / "key.json").exists()


def test_a_study_is_not_overwritten(study: Path) -> None:
    with pytest.raises(BenchError, match="holds a study already"):
        make_study(study.parent / "run", study)


def test_answers_from_the_browser_are_scored(study: Path, open_page: Opener, tmp_path: Path) -> None:
    page = open_page(study / "page" / "index.html", accept_downloads=True)
    key = read_key(study / "key.json")
    truth = {item.id: item for item in key.items}
    page.get_by_role("button", name="Begin").click()
    for number in range(len(key.items)):
        assert page.locator("#progress").inner_text() == f"{number + 1} of {len(key.items)}"
        if number == 2:
            page.reload()  # goes on where it was
        assert page.locator("fieldset input").first.is_disabled()
        watch(page)
        told = page.locator("#told")
        pair = page.locator("#second-figure").is_visible()
        value = told.inner_text().split("choose ")[1][0] if told.is_visible() else prefer(page, pair, truth)
        for group in page.locator("fieldset").all():
            group.locator(f"input[value='{value}']").check()
        page.locator("#next").click()
    with page.expect_download() as download:
        page.get_by_role("button", name="Save my answers").click()
    file = tmp_path / "answers.json"
    download.value.save_as(file)
    raters = read_raters([file], key)
    assert raters[0].failed == ()
    assert len(raters[0].answers) == len(key.items)
    result = score_study(key, raters)
    assert {o.value for o in result.opinions if o.model == "ground-truth"} == {5.0}
    assert {o.value for o in result.opinions if o.model == "secret-one"} == {3.0}
    shares = {p.share for p in result.preferences if (p.one, p.two) == ("secret-one", "ground-truth")}
    assert shares == {0.0}  # whichever side it was shown on
    assert json.loads(file.read_text(encoding="utf-8"))["finished"]


def watch(page: Page) -> None:
    page.locator("#play").click()
    wait(page, "!document.querySelector('fieldset').disabled")


def prefer(page: Page, pair: bool, truth: dict[str, object]) -> int:
    """This rater knows the ground truth's file by heart and prefers it; all others are 3."""
    real = next(i.videos[0] for i in truth.values() if i.kind == "rating" and i.models == ("ground-truth",))  # type: ignore[attr-defined]
    shown = page.evaluate("['first', 'second'].map((id) => document.getElementById(id).getAttribute('src'))")
    if not pair:
        return 5 if shown[0] == f"media/{real}" else 3
    sides = [source == f"media/{real}" for source in shown]
    return 0 if sides[0] == sides[1] else -1 if sides[0] else 1
