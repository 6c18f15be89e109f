"""The players in a browser: one clock, one frame, and what follows the cursor."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from looking import VIDEOS, Opener, picture, ready, scrub, seen_frame, wait
from make_runs import make_folder

from bench_lipsync.reports.page.write import write_page

FRAMES = 75
SPREAD = """async (seconds) => {
  const videos = [...document.querySelectorAll(".clip.built video")].slice(0, 4);
  const spread = [];
  const end = performance.now() + 1000 * seconds;
  while (performance.now() < end) {
    await new Promise(requestAnimationFrame);
    const times = videos.map((video) => video.currentTime);
    spread.push(Math.max(...times) - Math.min(...times));
  }
  return spread;
}"""


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_folder(tmp_path_factory.mktemp("run") / "run", clips=["c1", "c2"], frames=FRAMES, curves=True)


@pytest.fixture(scope="module")
def report(run: Path) -> Path:
    return write_page(run, run / "report.html")


def test_players_stay_within_one_frame_of_each_other(report: Path, open_page: Opener) -> None:
    page = ready(open_page(report))
    play = page.locator(".clip .play").first
    play.click()
    wait(page, "document.querySelector('.clip video').currentTime > 0.4")
    tries = [page.evaluate(SPREAD, 1.5) for _ in range(3)]
    apart = [float(np.quantile(spread, 0.95)) for spread in tries if len(spread) > 20]
    play.click()
    if not apart:
        pytest.skip(f"NOT CHECKED: too busy here, {len(tries[0])} pictures in 1.5 s")
    assert min(apart) < 1 / 25, f"{apart} s apart"
    play.click()
    assert play.get_attribute("aria-label") == "Pause"
    play.click()
    times = page.evaluate(f"{VIDEOS}.map((video) => [video.paused, video.currentTime])")
    assert all(paused for paused, _ in times)
    assert len({time for _, time in times}) == 1


def test_scrubbing_shows_the_same_frame_in_every_player(report: Path, open_page: Opener) -> None:
    page = ready(open_page(report))
    for frame in (60, 15):
        scrub(page, frame)
        seen = [seen_frame(page.locator(".clip video").nth(n), FRAMES) for n in range(4)]
        assert max(seen) - min(seen) < 1
        assert abs(seen[0] - frame) <= 1.5  # a pixel of the bar is more than one frame
        assert page.locator(".clip .time").first.inner_text() == f"{frame / 25:.2f} s · {frame + 1}/{FRAMES}"


def test_the_playing_clip_loops_and_stops_at_the_end_without(report: Path, open_page: Opener) -> None:
    page = ready(open_page(report))
    page.locator(".clip .loop").first.uncheck()
    scrub(page, FRAMES - 8)
    play = page.locator(".clip .play").first
    play.click()
    wait(page, "document.querySelector('.play').getAttribute('aria-pressed') === 'false'")
    assert page.locator(".clip .time").first.inner_text().endswith(f"{FRAMES}/{FRAMES}")
    page.locator(".clip .loop").first.check()
    scrub(page, FRAMES - 8)
    play.click()
    wait(page, "document.querySelector('.clip video').currentTime < 1")
    assert play.get_attribute("aria-pressed") == "true"


def test_strips_follow_the_cursor_and_move_it(report: Path, open_page: Opener) -> None:
    page = ready(open_page(report))
    scrub(page, 37)
    clip = page.locator(".clip").first
    left = clip.locator(".cursor").evaluate("(node) => parseFloat(node.style.left)")
    assert left == pytest.approx(100 * 37.5 / FRAMES, abs=0.01)
    assert clip.locator(".now").nth(1).inner_text() == f"{37 / (FRAMES - 1):.3f}"[:5]
    scrub(page, 1)
    assert clip.locator(".now").nth(1).inner_text() == "–"  # the gap is a gap
    assert clip.locator(".strip.values path").first.get_attribute("d").count("M") == 2  # type: ignore[union-attr]
    assert clip.locator(".strip.turn path").count() == 1
    assert clip.locator(".strip.sound path").count() == 1
    box = clip.locator(".plots").bounding_box()
    assert box is not None
    page.mouse.click(box["x"] + box["width"] * 0.5, box["y"] + 10)
    assert clip.locator(".time").inner_text().endswith(f"38/{FRAMES}")


def test_the_difference_is_black_where_nothing_differs(report: Path, open_page: Opener) -> None:
    page = ready(open_page(report))
    scrub(page, 40)
    page.locator("#difference").check()
    page.wait_for_timeout(200)
    clip = page.locator(".clip").first
    assert clip.locator("canvas").count() == 3  # the truth itself has none
    shown = picture(clip.locator(".frame").nth(1)).astype(int)
    quarter, width = shown.shape[0] // 2, shown.shape[1]
    assert shown[quarter, width // 4].max() < 30  # the white bar is in both
    assert shown[quarter, width * 3 // 4].min() > 60  # |40 - 0| x 4, and the encoder's rounding
    page.locator("#difference").uncheck()
    assert clip.locator("canvas").count() == 0


def test_zoom_enlarges_the_mouth(report: Path, open_page: Opener) -> None:
    page = ready(open_page(report))
    video = page.locator(".clip video").first
    before = video.bounding_box()
    page.locator("#zoom").check()
    after = video.bounding_box()
    assert before is not None and after is not None
    assert after["width"] == pytest.approx(2.2 * before["width"], rel=0.01)


def test_keys(report: Path, open_page: Opener) -> None:
    page = ready(open_page(report))
    time = page.locator(".clip .time").first
    for key, expected in (("ArrowRight", 2), ("ArrowRight", 3), ("ArrowLeft", 2)):
        page.keyboard.press(key)
        assert time.inner_text().endswith(f"{expected}/{FRAMES}")
    page.keyboard.press("Space")
    wait(page, "document.querySelector('.clip video').currentTime > 0.2")
    page.keyboard.press("Space")
    assert page.locator(".clip .play").first.get_attribute("aria-pressed") == "false"
    page.keyboard.press("d")
    assert page.locator("#difference").is_checked()
    page.keyboard.press("z")
    assert page.locator("#zoom").is_checked()
    page.keyboard.press("n")
    page.wait_for_timeout(200)
    page.keyboard.press("ArrowRight")
    assert page.locator("#clip-2 .time").inner_text().endswith(f"2/{FRAMES}")
    page.locator("#order").focus()
    page.keyboard.press("ArrowRight")  # a select keeps its keys
    assert page.locator("#clip-2 .time").inner_text().endswith(f"2/{FRAMES}")


def test_one_file_plays_as_well(run: Path, tmp_path: Path, open_page: Opener) -> None:
    page = ready(open_page(write_page(run, tmp_path / "alone" / "page.html", embed=True)))
    assert [path.name for path in (tmp_path / "alone").iterdir()] == ["page.html"]
    scrub(page, 50)
    assert abs(seen_frame(page.locator(".clip video").first, FRAMES) - 50) <= 1.5


def test_the_page_can_leave_with_its_folder(run: Path, tmp_path: Path, open_page: Opener) -> None:
    write_page(run, tmp_path / "made" / "page.html")
    page = ready(open_page((tmp_path / "made").rename(tmp_path / "moved") / "page.html"))
    scrub(page, 50)
    assert abs(seen_frame(page.locator(".clip video").nth(1), FRAMES) - 50) <= 1.5
