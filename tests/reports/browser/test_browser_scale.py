"""300 clips of 6 models and the bounds: the page opens at once and holds few videos at a time."""

from __future__ import annotations

import time
from pathlib import Path

import pytest
from looking import Opener, ready, wait
from make_runs import make_folder, write_curves, write_records, write_video

from bench_lipsync.harness.results.schema import ClipFacts, read_result, write_result
from bench_lipsync.harness.store.store import link_or_copy
from bench_lipsync.reports.page.write import write_page

CLIPS = [f"clip-{number:03}" for number in range(300)]
MODELS = [f"model-{number}" for number in range(6)]
FRAMES = 100
LIVE = "[...document.querySelectorAll('video')].filter((video) => video.src).length"


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = make_folder(tmp_path_factory.mktemp("many") / "run", MODELS, CLIPS[:1], media=False)
    facts = [
        ClipFacts(id=clip, identity=f"person {clip[5:7]}", status="ok", frames=FRAMES, seconds=4) for clip in CLIPS
    ]
    result = read_result(folder).model_copy(update={"clips": facts})
    write_result(result, folder)
    write_records(result, folder)
    write_curves(result, folder, FRAMES)
    write_video(folder / "one.mp4", frames=FRAMES)
    for card in result.models:
        for clip in CLIPS:
            link_or_copy(folder / "one.mp4", folder / "media" / card["name"] / f"{clip}.mp4")
    began = time.monotonic()
    page = write_page(folder, folder / "report.html")
    assert time.monotonic() - began < 60
    return page


def test_300_clips_of_6_models_stay_usable(report: Path, open_page: Opener) -> None:
    began = time.monotonic()
    page = open_page(report)
    opened = time.monotonic() - began
    painted = page.evaluate("performance.getEntriesByName('first-contentful-paint')[0].startTime")
    print(f"{report.stat().st_size / 1e6:.1f} MB, painted after {painted:.0f} ms, loaded after {opened:.2f} s")
    assert painted < 5000  # generous: a busy machine is no slow page
    assert opened < 30
    most = 0
    for number in (1, 2, 3, 50, 51, 150, 298, 299, 300):
        page.evaluate(f"document.querySelector('#clip-{number}').scrollIntoView({{ block: 'center' }})")
        page.wait_for_timeout(150)
        most = max(most, page.evaluate(LIVE))
    print(f"at most {most} videos at a time")
    assert 9 <= most <= 60
    page.locator("#clip-300 .play").click()
    wait(page, "document.querySelector('#clip-300 video').currentTime > 0.2", 20)
    began = time.monotonic()
    page.locator("#identity").select_option(label="person 07")
    assert page.locator("#count").inner_text() == "10 of 300 clips"
    page.locator("#identity").select_option(label="all")
    page.locator("#end").select_option("best")
    print(f"filtered and ordered in {time.monotonic() - began:.2f} s")
    assert time.monotonic() - began < 20
    ready(page, 1)
