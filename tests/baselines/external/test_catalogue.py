"""Descriptions by name and by file: found without being opened, refused with the key that is wrong."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from made_clips import describe

from bench_lipsync.baselines.external import catalogue
from bench_lipsync.harness.errors import BenchError
from bench_lipsync.harness.registry.plugins import MODELS
from bench_lipsync.harness.registry.registry import UnknownNameError


def put(folder: Path, name: str, **changes: object) -> Path:
    fields = {**describe().model_dump(mode="json", exclude_defaults=True), "name": name, **changes}
    path = folder / f"{name}.yaml"
    path.write_text(yaml.safe_dump({key: value for key, value in fields.items() if value is not None}))
    return path


@pytest.mark.parametrize("name", catalogue.names())
def test_every_packaged_description_is_whole(name: str) -> None:
    found = catalogue.load(name)
    assert found.name == name and found.output.files
    for weight in found.weights:
        assert weight.page.startswith("https://")
    for item in found.inputs:
        assert re.fullmatch(r"[A-Za-z0-9_/-]+(\.[a-z0-9]+)?", item.path), (
            f"{item.path}: programs take names apart at dots"
        )
    if found.facts.keeps_upper_half:
        assert found.facts.pose == "target" and found.shows_all, "who edits the crop keeps its pose"
    assert found.verified == "", "nobody has run it against the real repository"


def test_folders_of_the_user_give_more_names(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    one, two = tmp_path / "one", tmp_path / "two"
    one.mkdir()
    two.mkdir()
    put(one, "mine")
    put(two, "mine", title="later")
    put(two, "other")
    monkeypatch.setenv(catalogue.FOLDER_VARIABLE, os.pathsep.join([str(one), str(two), str(tmp_path / "absent"), ""]))
    assert {"mine", "other"} <= set(catalogue.names()) & set(MODELS.names())
    assert catalogue.load("mine").title == "Nobody's model", "folders are looked through in their order"
    assert callable(MODELS.get("other"))
    assert "mine" not in MODELS.names(external=False)
    monkeypatch.delenv(catalogue.FOLDER_VARIABLE)
    assert "mine" not in MODELS.names()


def test_an_unknown_name_suggests_the_right_one() -> None:
    with pytest.raises(UnknownNameError, match="did you mean wav2lip-original"):
        catalogue.load("wav2lip-orginal")
    with pytest.raises(UnknownNameError, match="did you mean"):
        MODELS.get("wav2lip-orginal")


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"licenc": "MIT"}, r"unknown key 'licenc' \(did you mean licence"),
        ({"output": {"file": "x"}}, r"unknown key 'output\.file' \(did you mean files|output.files: Field required"),
        ({"output": {"files": "x", "offset": 99}}, r"output\.offset: .*less than or equal to 25 \(got 99\)"),
        ({"commit": 1234567}, r"commit: .*write it in quotes \(got 1234567\)"),
        ({"commit": "main"}, r"commit: .*\(got 'main'\)"),
        ({"repository": "git@example.org:x"}, r"repository: .*\(got 'git@"),
        (
            {"inputs": [{"name": "v", "kind": "video", "path": "../clip.mp4"}]},
            r"inputs\.0\.path: '\.\./clip\.mp4' must be",
        ),
        ({"steps": [{"argv": ["{nobody}"]}]}, r"\{nobody\} is no placeholder; known: audio"),
        ({"steps": [{"argv": []}]}, r"steps\.0\.argv"),
        ({"alignment": {"kind": "square"}}, r"alignment: alignment square needs a size"),
        ({"steps": [{"argv": ["x"], "shell": True}]}, r"unknown key 'steps\.0\.shell'"),
    ],
)
def test_mistakes_name_the_file_the_key_and_the_value(tmp_path: Path, changes: dict[str, object], message: str) -> None:
    path = put(tmp_path, "mine", **changes)
    with pytest.raises(BenchError, match=message) as caught:
        catalogue.load(str(path))
    assert str(path) in str(caught.value) and len(str(caught.value)) < 500


def test_files_that_are_no_descriptions(tmp_path: Path) -> None:
    path = tmp_path / "x.yaml"
    path.write_text("- a\n- b\n")
    with pytest.raises(BenchError, match=r"must hold keys and values .* not list"):
        catalogue.load(str(path))
    path.write_text("a: [b\n")
    with pytest.raises(BenchError, match="is not YAML"):
        catalogue.load(str(path))
    path.write_bytes(b"\xff\xfe\x00a")
    with pytest.raises(BenchError, match="is not UTF-8"):
        catalogue.load(str(path))
    path.write_text("a" * (catalogue.MAX_BYTES + 1))
    with pytest.raises(BenchError, match="at most 256000"):
        catalogue.load(str(path))
    path.write_text("!!python/object/apply:os.system ['echo pwned']\n")
    with pytest.raises(BenchError, match="is not YAML"):
        catalogue.load(str(path))
    with pytest.raises(BenchError, match=r"cannot read the description .*: No such file"):
        catalogue.load(str(tmp_path / "absent.yaml"))


def test_a_file_whose_name_says_something_else(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    put(tmp_path, "mine").rename(tmp_path / "yours.yaml")
    monkeypatch.setenv(catalogue.FOLDER_VARIABLE, str(tmp_path))
    with pytest.raises(BenchError, match="name is 'mine', but the file's name says 'yours'"):
        catalogue.load("yours")


def test_names_are_listed_without_opening_anything() -> None:
    code = (
        "import sys\nfrom bench_lipsync.harness.registry.plugins import MODELS\n"
        "assert 'wav2lip-original' in MODELS.names()\n"
        "print({'pydantic','yaml','numpy','av','cv2','torch'} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)  # noqa: S603
    assert done.stdout.strip() == "set()"
