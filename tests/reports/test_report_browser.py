"""The page in a real browser, where there is one: its script runs, a name's does not."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest
from make_runs import make_folder

from reports.page import write_page

BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")


def dump(page: Path, profile: Path) -> str:
    """The document after its script ran, as HTML."""
    browser = next((found for name in BROWSERS if (found := shutil.which(name))), None)
    if browser is None:
        pytest.skip("NOT CHECKED: no Chromium or Chrome here, so the page was not opened in a browser")
    flags = ["--headless", "--no-sandbox", "--disable-gpu", f"--user-data-dir={profile}", "--virtual-time-budget=4000"]
    command = [browser, *flags, "--dump-dom", page.resolve().as_uri()]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)  # noqa: S603
    assert done.returncode == 0, done.stderr[-2000:]
    return done.stdout


@pytest.mark.slow
def test_script_runs_and_names_do_not(tmp_path: Path) -> None:
    marker = "document.documentElement.id='pwned'"
    names = [f"<script>{marker}</script>", f"</script><script>{marker}//", f'"><img src=x onerror="{marker}">']
    folder = make_folder(tmp_path / "run", names[:2], names)
    html = dump(write_page(folder, folder / "report.html"), tmp_path / "profile")
    assert 'id="pwned"' not in html
    assert '<button type="button" class="theme">Theme: auto</button>' in html
    assert 'src="blob:' in html  # the first clip's players got their previews
    assert "1/6" in html  # and their first frame's number, so the videos were decoded
