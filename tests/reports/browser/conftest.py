"""A page opened in a real Chromium; whatever it says on its console is a failure."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from looking import Opener

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """The Chromium of this machine, never one that a test downloads."""
    found = next((path for name in BROWSERS if (path := shutil.which(name))), None)
    if found is None:
        pytest.skip("NOT CHECKED: no Chromium or Chrome here, so the pages were not opened in a browser")
    api = pytest.importorskip("playwright.sync_api", reason="NOT CHECKED: playwright is not installed")
    flags = ["--no-sandbox", "--autoplay-policy=no-user-gesture-required"]
    with api.sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path=found, args=flags)
        yield opened
        opened.close()


@pytest.fixture
def open_page(browser: Browser) -> Iterator[Opener]:
    """Opens a file; afterwards the page must have been silent, and must not have asked for anything but files."""
    said: list[str] = []
    contexts = []

    def opener(file: Path, width: int = 1280, height: int = 900, **options: Any) -> Page:
        context = browser.new_context(viewport={"width": width, "height": height}, **options)
        contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(10_000)
        page.on("console", lambda message: said.append(f"{message.type}: {message.text}"))
        page.on("pageerror", lambda error: said.append(f"error: {error}"))
        page.on("dialog", lambda dialog: (said.append(f"dialog: {dialog.message}"), dialog.dismiss()))
        local = ("file:", "blob:", "data:")
        page.on("request", lambda request: request.url.startswith(local) or said.append(f"request: {request.url}"))
        page.goto(file.resolve().as_uri())
        return page

    yield opener
    for context in contexts:
        context.close()
    assert said == []
