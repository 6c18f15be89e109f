"""What the browser tests share: waiting, and looking at what a reader sees."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TYPE_CHECKING

import cv2
import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from playwright.sync_api import Locator, Page

Opener = Callable[..., "Page"]
VIDEOS = "[...document.querySelectorAll('.clip video')].slice(0, 4)"


def wait(page: Page, condition: str, seconds: float = 10) -> None:
    """Until `condition` holds; the page's policy forbids the `eval` of Playwright's own waiting."""
    end = time.monotonic() + seconds
    while not page.evaluate(condition):
        assert time.monotonic() < end, f"never came true: {condition}"
        page.wait_for_timeout(20)


def ready(page: Page, clip: int = 1) -> Page:
    """With that clip in view and its four videos decoded."""
    page.evaluate(f"document.querySelector('#clip-{clip}').scrollIntoView({{ block: 'center' }})")
    page.locator(f"#clip-{clip} video").nth(3).wait_for()
    wait(page, f"{VIDEOS}.every((video) => video.readyState >= 3)")
    return page


def scrub(page: Page, frame: int) -> None:
    """Move the first clip's slider and let every video arrive."""
    page.locator(".clip .scrub").first.fill(str(frame))
    wait(page, f"{VIDEOS}.every((video) => !video.seeking)")
    page.wait_for_timeout(150)


def picture(place: Locator) -> NDArray[np.uint8]:
    """What a reader sees there, RGB."""
    image = cv2.imdecode(np.frombuffer(place.screenshot(), np.uint8), cv2.IMREAD_COLOR)
    assert image is not None
    return np.asarray(image[..., ::-1], np.uint8)


def seen_frame(place: Locator, frames: int) -> float:
    """The frame that a video shows: its white bar grows with the frame's number."""
    image = picture(place)
    return float((image[len(image) // 2].min(axis=1) > 200).mean()) * frames
