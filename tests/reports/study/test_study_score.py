"""Scores of a study: known answers, and refusals of files that are no answers."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from bench_lipsync.harness.errors import BenchError
from bench_lipsync.reports.study.answers import read_key, read_raters
from bench_lipsync.reports.study.plan import ASPECTS, Key, Videos, make_key
from bench_lipsync.reports.study.result import StudyResult
from bench_lipsync.reports.study.score import alpha, score_files, score_study
from bench_lipsync.reports.study.tables import render_study

ROWS = ("good", "ground-truth", "bad")
CLIPS = ("c1", "c2", "c3")
TRUTH = {"ground-truth": 5, "good": 4, "bad": 2}


@pytest.fixture
def key() -> Key:
    return make_key(Videos(ROWS, dict.fromkeys(CLIPS, ROWS)), ("hash",))


def sheet(key: Key, rater: str, careless: bool = False, shift: int = 0) -> dict[str, Any]:
    """Answers of a rater who sees what `TRUTH` says, plus `shift`; a careless one fails the instructions."""
    answers = []
    for item in key.items:
        scores = [TRUTH[model] for model in item.models]
        if item.expected is not None:
            value = item.expected if not careless else (item.expected % 5) + 1 if len(scores) == 1 else 0
        elif len(scores) == 1:
            value = max(1, min(5, scores[0] + shift))
        else:
            value = int(np.sign(scores[1] - scores[0]))
        answers.append({"item": item.id, "values": dict.fromkeys(ASPECTS, value), "swapped": False, "seconds": 3.5})
    told = {"version": 1, "study": key.study, "rater": rater, "started": "2026-01-01T00:00:00Z"}
    return {**told, "finished": None, "answers": answers}


def write(folder: Path, key: Key, *sheets: dict[str, Any]) -> list[Path]:
    (folder / "key.json").write_text(key.model_dump_json(), encoding="utf-8")
    paths = [folder / f"{number}.json" for number in range(len(sheets))]
    for path, content in zip(paths, sheets, strict=True):
        path.write_text(json.dumps(content), encoding="utf-8")
    return paths


def scored(folder: Path, key: Key, *sheets: dict[str, Any], keep_failed: bool = False) -> StudyResult:
    return score_study(key, read_raters(write(folder, key, *sheets), key), keep_failed)


def test_a_row_that_lacks_a_clip_is_said_to_compare_by_preferences_only(tmp_path: Path) -> None:
    shown = {"c1": ROWS, "c2": ROWS, "c3": ("good", "ground-truth")}
    key = make_key(Videos(ROWS, shown), ("hash",))
    result = scored(tmp_path, key, sheet(key, "r1"))
    assert result.clips == {"good": 3, "ground-truth": 3, "bad": 2}
    told = render_study(result)
    assert "Opinion scores of bad are of 2 of 3 clips" in told and "scores of good" not in told


def test_every_video_is_rated_every_two_are_compared_and_names_tell_nothing(key: Key) -> None:
    kinds = [item.kind for item in key.items]
    assert {kind: kinds.count(kind) for kind in set(kinds)} == {
        "rating": 9,
        "pair": 9,
        "check-rating": 2,
        "check-pair": 2,
    }
    names = {(item.clip, item.models[0]): item.videos[0] for item in key.items if item.kind == "rating"}
    assert sorted(names.values()) == [f"v{number:04}.mp4" for number in range(9)]
    assert [names[clip, row] for clip in CLIPS for row in ROWS] != sorted(names.values())
    assert make_key(Videos(ROWS, dict.fromkeys(CLIPS, ROWS)), ("hash",)) == key
    assert make_key(Videos(ROWS, dict.fromkeys(CLIPS, ROWS)), ("hash",), seed=1).study != key.study


def test_known_answers_give_known_scores(tmp_path: Path, key: Key) -> None:
    shifts = [-1, 0, 0, 0, 0, 1]
    result = scored(tmp_path, key, *(sheet(key, f"r{n}", shift=shift) for n, shift in enumerate(shifts)))
    good = next(o for o in result.opinions if o.model == "good" and o.aspect == "lip-sync")
    assert good.value == pytest.approx(4.0)
    assert (good.n_answers, good.n_raters) == (18, 6)
    assert good.ci_low is not None and good.ci_high is not None
    assert 3 < good.ci_low < 4 < good.ci_high <= 5
    best = next(p for p in result.preferences if (p.one, p.two, p.aspect) == ("good", "bad", "quality"))
    assert (best.wins, best.ties, best.losses, best.share) == (18, 0, 0, 1.0)
    assert best.p_holm is not None and best.p_holm < 0.001
    assert [each.pairs for each in result.agreement] == [1.0] * 4  # all prefer alike
    assert all(each.ratings is not None and 0.5 < each.ratings < 1 for each in result.agreement)


def test_ties_count_half_and_sides_do_not_matter(tmp_path: Path, key: Key) -> None:
    content = sheet(key, "r")
    pairs = [item for item in key.items if item.kind == "pair" and set(item.models) == {"good", "bad"}]
    for place, item in enumerate(pairs):
        answer = next(a for a in content["answers"] if a["item"] == item.id)
        answer["values"] = dict.fromkeys(ASPECTS, 0 if place else answer["values"]["quality"])
    turned = [
        item.model_copy(update={"models": item.models[::-1], "videos": item.videos[::-1]})
        if item.kind == "pair"
        else item
        for item in key.items
    ]
    flipped = json.loads(json.dumps(content))
    for answer, item in zip(flipped["answers"], key.items, strict=True):
        if item.kind == "pair":
            answer["values"] = {aspect: -value for aspect, value in answer["values"].items()}
    for known, given in ((key, content), (key.model_copy(update={"items": tuple(turned)}), flipped)):
        result = scored(tmp_path, known, given)
        found = next(p for p in result.preferences if {p.one, p.two} == {"good", "bad"})
        assert (found.wins, found.ties, found.losses) == (1, 2, 0)
        assert found.share == pytest.approx(2 / 3)
        assert found.p is None and found.ci_low is None  # one rater says nothing about raters


def test_raters_who_fail_a_check_are_left_out_and_named(tmp_path: Path, key: Key) -> None:
    sheets = [sheet(key, "careful"), sheet(key, "careless", careless=True)]
    result = scored(tmp_path, key, *sheets)
    assert result.raters == ["careful"]
    assert len(result.excluded["careless"]) == 2
    assert scored(tmp_path, key, *sheets, keep_failed=True).raters == ["careful", "careless"]
    with pytest.raises(BenchError, match="all 1 raters failed a check"):
        scored(tmp_path, key, sheets[1])


def test_alpha_equals_krippendorffs_own_example() -> None:
    """Krippendorff, Computing Krippendorff's Alpha-Reliability (2011), section C: ordinal alpha 0.815."""
    rows = ["1 2 3 3 2 1 4 1 2 . . .", "1 2 3 3 2 2 4 1 2 5 . 3", ". 3 3 3 2 3 4 2 2 5 1 .", "1 2 3 3 2 4 4 1 2 5 1 ."]
    raters = [{f"u{n:02}": int(v) for n, v in enumerate(row.split()) if v != "."} for row in rows]
    assert alpha(raters, range(1, 6)) == pytest.approx(0.815, abs=5e-4)


def test_alpha_is_not_defined_without_overlap_or_variety() -> None:
    assert alpha([{"a": 1}, {"b": 2}], range(1, 6)) is None
    assert alpha([{"a": 3}, {"a": 3}], range(1, 6)) is None
    assert alpha([], range(1, 6)) is None


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"study": "other"}, "answers study other"),
        ({"answers": [{"item": "q9999", "values": {}}]}, "not in the study"),
        ({"extra": 1}, "extra"),
        ({"rater": ""}, "rater"),
        ({"answers": [{"item": "q0000", "values": {"quality": True}}]}, "quality"),
    ],
)
def test_wrong_files_are_refused(tmp_path: Path, key: Key, change: dict[str, Any], said: str) -> None:
    with pytest.raises(BenchError, match=said):
        read_raters(write(tmp_path, key, {**sheet(key, "r"), **change}), key)


def test_values_outside_the_scale_and_second_files_are_refused(tmp_path: Path, key: Key) -> None:
    content = sheet(key, "r")
    with pytest.raises(BenchError, match="second file of rater r"):
        read_raters(write(tmp_path, key, content, content), key)
    content["answers"][0]["values"]["quality"] = 6
    with pytest.raises(BenchError, match="is answered with"):
        read_raters(write(tmp_path, key, content), key)
    (tmp_path / "x.json").write_text("[" * 100_000, encoding="utf-8")
    with pytest.raises(BenchError, match="is not a file of answers"):
        read_raters([tmp_path / "x.json"], key)
    with pytest.raises(BenchError, match="is not the key of a study"):
        read_key(tmp_path / "x.json")


def test_tables(tmp_path: Path) -> None:
    rows = ("<b>m_1|$x$", "two")
    key = make_key(Videos(rows, {"c": rows}), ())
    answers = [
        {"item": item.id, "values": dict.fromkeys(ASPECTS, item.expected if item.expected is not None else 1)}
        for item in key.items
    ]
    told = {"version": 1, "study": key.study, "rater": "r", "started": "", "finished": None, "answers": answers}
    paths = write(tmp_path, key, told)
    made = {form: score_files(paths, tmp_path / "key.json", form) for form in ("text", "markdown", "latex", "json")}
    assert "<b>m_1|$x$" in made["text"] and "1.00" in made["text"]
    assert "\\<b\\>m\\_1\\|$x$" in made["markdown"]
    assert r"\textless{}b\textgreater{}m\_1\textbar{}\$x\$" in made["latex"]
    assert StudyResult.model_validate_json(made["json"]).raters == ["r"]
    with pytest.raises(BenchError, match="no format is called 'excel'"):
        score_files(paths, tmp_path / "key.json", "excel")
