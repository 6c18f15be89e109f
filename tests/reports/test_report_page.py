"""The page: complete, self-contained, safe against the names in it, and whole when pieces are missing."""

from __future__ import annotations

import base64
import json
import re
from html.parser import HTMLParser
from pathlib import Path

import pytest
from make_runs import BOUNDS, UNAVAILABLE, make_folder, make_result, metric_row, pair_test, write_video

from bench_lipsync.harness.results.schema import Failure
from bench_lipsync.reports.page.media import preview_file
from bench_lipsync.reports.page.write import write_page

HOSTILE = [
    "<script>alert(1)</script>",
    "</script><script>alert(2)//",
    "\"'><img src=x onerror=alert(3)>",
    "../../../etc/passwd",
    "\u202egnp.exe שלום",
]


class Page(HTMLParser):
    """Elements with attributes, scripts by type, and the text that a reader sees."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.scripts: list[tuple[str, str]] = []
        self.text = ""
        self._inside: str | None = None
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag in ("script", "style"):
            self._inside = dict(attrs).get("type") or tag
            self.scripts.append((self._inside, ""))

    def handle_endtag(self, tag: str) -> None:
        self._inside = None

    def handle_data(self, data: str) -> None:
        if self._inside:
            self.scripts[-1] = (self._inside, self.scripts[-1][1] + data)
        else:
            self.text += data

    def sources(self) -> list[list[str | None]]:
        """Players' sources, clip by clip."""
        return [json.loads(text) for (tag, attrs), text in self._json() if attrs.get("class") == "sources"]

    def _json(self) -> list[tuple[tuple[str, dict[str, str | None]], str]]:
        tags = [(tag, attrs) for tag, attrs in self.tags if tag in ("script", "style")]
        return [(tag, text) for tag, (kind, text) in zip(tags, self.scripts, strict=True) if kind == "application/json"]


def page_of(folder: Path, embed: bool = True) -> Page:
    return Page(write_page(folder, folder / "report.html", embed=embed).read_text(encoding="utf-8"))


def test_page_holds_the_table_the_players_and_the_provenance(tmp_path: Path) -> None:
    page = page_of(make_folder(tmp_path / "run", ["stylelipsync", "wav2lip"], notices=["a notice"]))
    for needle in (
        "stylelipsync, wav2lip on demo",
        "5.10",
        "[4.90, 5.50]",
        "3/3",
        "LSE-C|variant=open-syncnet|fps=25|v1",
    ):
        assert needle in page.text
    for needle in ("person clip-1", "a notice", "2026-01-02 03:04 UTC", "about wav2lip", "Every model got through"):
        assert needle in page.text
    assert [len(clip) for clip in page.sources()] == [5, 5, 5]
    labels = [attrs["aria-label"] for tag, attrs in page.tags if tag == "video"]
    assert labels[:5] == ["ground-truth", "stylelipsync", "wav2lip", "static", "shuffled-audio"]


def test_embedded_previews_are_the_files(tmp_path: Path) -> None:
    folder = make_folder(tmp_path / "run", clips=["c1"])
    source = page_of(folder).sources()[0][0]
    assert source is not None
    head, _, data = source.partition(",")
    assert head == "data:video/mp4;base64"
    assert base64.b64decode(data) == (folder / "media/ground-truth/c1.mp4").read_bytes()


def test_nothing_is_loaded_from_elsewhere_and_only_the_page_s_own_script_may_run(tmp_path: Path) -> None:
    page = page_of(make_folder(tmp_path / "run", HOSTILE[:2], HOSTILE))
    for _, attrs in page.tags:
        assert not {"src", "srcset", "action", "style"} & attrs.keys()
        assert not [name for name in attrs if name.startswith("on")]
        assert (attrs.get("href") or "#").startswith(("#", "data:"))
    policy = next(attrs["content"] or "" for tag, attrs in page.tags if attrs.get("http-equiv"))
    assert "unsafe" not in policy
    assert policy.startswith("default-src 'none'; script-src 'sha256-")
    assert [kind for kind, _ in page.scripts if kind == "script"] == ["script"]


def test_hostile_names_are_text(tmp_path: Path) -> None:
    failures = [Failure(model=HOSTILE[0], clip=name, status=HOSTILE[1], reason=HOSTILE[2]) for name in HOSTILE[:1]]
    spec = {"dataset": HOSTILE[0]}
    folder = make_folder(tmp_path / "run", HOSTILE[:2], HOSTILE, failures=failures, notices=HOSTILE, spec=spec)
    page = page_of(folder)
    for name in HOSTILE[:4]:
        assert name in page.text
    assert "\u202e" not in page.text
    assert "\\u202egnp.exe שלום" in page.text
    assert not [tag for tag, _ in page.tags if tag == "img"]
    raw = (folder / "report.html").read_text(encoding="utf-8")
    assert "alert(1)</script>" not in raw
    assert len(re.findall("</script", raw)) == len(page.scripts) - 1


def test_paired_tests_are_listed_and_marks_follow_them(tmp_path: Path) -> None:
    tests = [
        pair_test(HOSTILE[0], "m2"),
        pair_test(HOSTILE[0], "m2", "SSIM[wang2004]", p=None).model_copy(update={"note": "too few people for a test"}),
    ]
    page = page_of(make_folder(tmp_path / "run", [HOSTILE[0], "m2"], ["c"], media=False, tests=tests))
    assert "Paired tests" in page.text and "0.0001" in page.text and "too few people for a test" in page.text
    assert HOSTILE[0] in page.text
    assert sum("best" in (dict(given).get("class") or "").split() for tag, given in page.tags if tag == "td") == 1


def test_previews_in_the_run_folder_are_linked_where_they_lie(tmp_path: Path) -> None:
    folder = make_folder(tmp_path / "run", clips=["a", "b#1 50%"])
    page = page_of(folder, embed=False)
    source = page.sources()[1][1]
    assert source is not None
    assert re.fullmatch(r"media/stylelipsync/b_1_50-[0-9a-f]{8}\.mp4", source)
    assert "The previews lie in a folder beside this page" in page.text
    assert not (folder / "report_media").exists()


def test_a_page_elsewhere_gets_its_own_media_folder(tmp_path: Path) -> None:
    one, two = make_folder(tmp_path / "a run #1", ["m"], ["c"]), make_folder(tmp_path / "two", ["n"], ["c"])
    out = write_page([one, two], tmp_path / "pages" / "p.html")
    sources = [source for source in Page(out.read_text(encoding="utf-8")).sources()[0] if source]
    assert re.fullmatch(r"p_media/a_run_1-[0-9a-f]{8}/ground-truth/c\.mp4", sources[0])
    for source in sources:
        assert (out.parent / source).is_file()
    assert (out.parent / sources[0]).read_bytes() == (one / "media/ground-truth/c.mp4").read_bytes()


def test_a_preview_that_leads_out_of_the_run_folder_is_not_read(tmp_path: Path) -> None:
    folder = make_folder(tmp_path / "run", clips=["c"])
    write_video(tmp_path / "secret.mp4")
    target = folder / "media" / "stylelipsync" / "c.mp4"
    target.unlink()
    target.symlink_to(tmp_path / "secret.mp4")
    assert preview_file(folder, "stylelipsync", "c") is None
    assert preview_file(folder, "..", "../../secret") is None
    assert page_of(folder).sources()[0][1] is None


def test_failed_clips_show_their_reason_in_place_of_a_player(tmp_path: Path) -> None:
    failures = [Failure(model="stylelipsync", clip="clip-2", status="model_failed", reason="mask is empty")]
    page = page_of(make_folder(tmp_path / "run", failures=failures, status="partial"))
    assert page.sources()[1][1] is None
    assert page.text.count("mask is empty") == 2
    assert "partial" in page.text


def test_a_clip_whose_metric_failed_still_plays(tmp_path: Path) -> None:
    folder = make_folder(tmp_path / "run", clips=["c"])
    failure = Failure(model="stylelipsync", clip="c", status="metric_failed", reason="LSE: too few frames")
    result = make_result(["stylelipsync"], ["c"], failures=[failure])
    (folder / "run.json").write_text(result.model_dump_json(), encoding="utf-8")
    page = page_of(folder)
    assert page.sources()[0][1] is not None
    assert "metric_failed: LSE: too few frames" in page.text


def test_unavailable_metric_is_named_with_its_command(tmp_path: Path) -> None:
    missing = [metric_row("stylelipsync", "LSE-C", value=None, ci_low=None, ci_high=None, n_ok=0, note=UNAVAILABLE)]
    page = page_of(make_folder(tmp_path / "run", metrics=[*missing, metric_row("static", "FID")]))
    assert (
        "LSE-C[open-syncnet] — unavailable: syncnet_v2 is missing; run `bench assets add syncnet_v2 PATH`" in page.text
    )


def test_missing_previews_and_records_are_said(tmp_path: Path) -> None:
    folder = make_folder(tmp_path / "run", media=False)
    (folder / "clips.parquet").unlink()
    page = page_of(folder)
    assert page.sources() == []
    assert "run has no clips.parquet" in page.text
    assert "run has no frames.parquet" in page.text
    assert "No previews lie beside this run" in page.text
    assert page.text.count("no preview") >= 12


@pytest.mark.parametrize("models", [["stylelipsync"], []])
def test_no_clips(tmp_path: Path, models: list[str]) -> None:
    page = page_of(make_folder(tmp_path / "run", models, [], metrics=[]))
    assert "There is no clip to show." in page.text
    assert "0 clips of 0 identities" in page.text


def test_everything_failed(tmp_path: Path) -> None:
    names = ("stylelipsync", *BOUNDS)
    failures = [Failure(model=name, clip=clip, status="no_face", reason="no face") for name in names for clip in "ab"]
    rows = [
        metric_row(name, value=None, ci_low=None, ci_high=None, n_ok=0, note="no clip could be scored")
        for name in names
    ]
    page = page_of(make_folder(tmp_path / "run", clips="ab", failures=failures, metrics=rows, status="partial"))
    assert "2 clips failed for every model and are not shown here." in page.text
    assert page.text.count("no_face") == 2
    assert "LSE-C[open-syncnet] — no clip could be scored" in page.text


def test_several_runs_on_one_page(tmp_path: Path) -> None:
    one = make_folder(tmp_path / "one", ["a"], ["c"])
    two = make_folder(tmp_path / "two", ["b"], ["c"])
    page = Page(write_page([one, two], tmp_path / "both.html").read_text(encoding="utf-8"))
    assert "a, b on demo" in page.text
    assert [len(clip) for clip in page.sources()] == [5]


def test_the_same_run_gives_the_same_bytes(tmp_path: Path) -> None:
    folder = make_folder(tmp_path / "run", clips=["c"])
    pages = [write_page(folder, tmp_path / name / "p.html").read_bytes() for name in "ab"]
    assert pages[0] == pages[1]
