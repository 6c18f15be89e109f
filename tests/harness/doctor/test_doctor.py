"""`bench doctor`: a verdict that is right, fixes that can be typed, and no network loaded on the way."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest
import typer
from typer.testing import CliRunner

from bench_lipsync.harness.assets.cache import file_path
from bench_lipsync.harness.assets.catalog import CATALOG
from bench_lipsync.harness.assets.lookup import AssetMissing
from bench_lipsync.harness.cli.info import register
from bench_lipsync.harness.doctor import machine as doctor_machine
from bench_lipsync.harness.doctor import plugins as doctor_parts
from bench_lipsync.harness.doctor.examine import examine
from bench_lipsync.harness.doctor.findings import Diagnosis, Finding
from bench_lipsync.harness.registry.metric_names import metric_names
from bench_lipsync.harness.registry.plugins import MODELS, SCORERS


@pytest.fixture(autouse=True)
def cache(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """An empty cache, no network, no folders of one's own."""
    monkeypatch.setenv("BENCH_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("BENCH_OFFLINE", "1")
    monkeypatch.delenv("BENCH_ASSETS", raising=False)
    doctor_parts.index_problem.cache_clear()
    return tmp_path / "cache"


def put(*names: str) -> None:
    """Files of the right size; nothing more is looked at, since digests are checked on the way in."""
    for name in names:
        for file in CATALOG[name].files:
            path = file_path(CATALOG[name], file)
            path.parent.mkdir(parents=True, exist_ok=True)
            with path.open("wb") as stream:
                stream.truncate(file.size)


def by_name(findings: list[Finding] | tuple[Finding, ...]) -> dict[str, Finding]:
    return {item.name: item for item in findings}


def test_complete_set_up_works() -> None:
    put("face_landmarker", "inception_fid", "alexnet_lpips")
    found = examine()
    assert found.obstacles == ()
    assert found.default_run_works
    lines = by_name(found.findings)
    assert {"Python", "PyTorch", "cores", "memory", "cache", "disk", *CATALOG, *MODELS.names(external=False)} <= set(
        lines
    )
    assert lines["LSE-C[syncnet_v2]"].state == "missing"
    assert "bench assets add syncnet_v2 FILE" in lines["LSE-C[syncnet_v2]"].fix
    assert lines["LSE-C[open-syncnet]"].state == "ok"
    for name in metric_names().default:
        assert any(item.name.startswith(f"{name}[") and item.state == "ok" for item in found.findings), name


def test_without_landmarks_and_network_nothing_can_be_prepared() -> None:
    found = examine()
    assert not found.default_run_works
    names = {item.name for item in found.obstacles}
    assert "face_landmarker" in names
    assert any(name.startswith("FID") for name in names)
    assert not any(name.startswith("LSE") for name in names), "the open network comes with the package"
    obstacle = by_name(found.obstacles)["face_landmarker"]
    assert "BENCH_OFFLINE" in obstacle.detail
    assert obstacle.fix == "bench assets fetch face_landmarker"


def test_with_an_index_that_answers_it_would_be_fetched(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doctor_parts, "index_problem", lambda source: None)
    found = by_name(doctor_parts.assets())
    assert found["face_landmarker"].state == "fetch"
    assert found["s3fd"].state == "missing"
    assert found["arcface_mbf"].state == "missing", "its licence is for the user to accept"
    assert found["arcface_mbf"].fix == "bench assets fetch arcface_mbf"
    assert by_name(doctor_parts.metrics())["FID[inception-2015-12-05]"].state == "fetch"


def test_a_library_that_only_an_extra_installs_is_told_with_its_weights(monkeypatch: pytest.MonkeyPatch) -> None:
    found: dict[str, object] = {}
    monkeypatch.setattr(doctor_parts, "find_spec", found.get)
    fix = "pip install 'bench-lipsync[dlib]'"
    bare = by_name(doctor_parts.metrics())["LMD[atvg-mean]"]
    assert (bare.state, bare.detail) == ("missing", "needs dlib_landmarks, dlib")
    assert bare.fix == f"bench assets fetch dlib_landmarks; {fix}"
    put("dlib_landmarks")
    assert by_name(doctor_parts.metrics())["LMD[atvg-mean]"].fix == fix
    found["dlib"] = object()
    assert by_name(doctor_parts.metrics())["LMD[atvg-mean]"].state == "ok"


def test_an_index_that_does_not_answer_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("BENCH_OFFLINE")
    monkeypatch.setenv("PIP_INDEX_URL", "http://127.0.0.1:9/simple")
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    problem = doctor_parts.index_problem("pypi:toy==1.0!toy/weights.bin")
    assert problem is not None
    assert "does not answer" in problem


def test_catalogue_says_which_scorers_need_which_asset(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Every scorer is made with all assets missing; the one that it then asks for must name it."""
    # An empty cache without a network, not a patched function: modules imported meanwhile would keep the patch.
    monkeypatch.setenv("BENCH_CACHE", str(tmp_path))
    monkeypatch.setenv("BENCH_OFFLINE", "1")
    monkeypatch.delenv("BENCH_ASSETS", raising=False)
    for scorer in SCORERS.names():
        factory = SCORERS.get(scorer)
        needs = {spec.name for spec in CATALOG.values() if scorer in spec.scorers}
        try:
            factory(device="cpu")
        except AssetMissing as error:
            assert any(name in str(error) for name in needs), (
                f"{error}: the catalogue must list {scorer} in its scorers"
            )
        else:
            assert not needs, f"{scorer} was made without {needs}"
    for spec in CATALOG.values():
        assert set(spec.models) <= set(MODELS.names())


def test_weights_that_come_with_the_package_are_looked_for(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr("bench_lipsync.models.syncnet.open.WEIGHTS", tmp_path / "absent.safetensors")
    monkeypatch.setitem(doctor_parts.PACKAGED._targets, "lse-open-syncnet", tmp_path / "absent.safetensors")
    found = by_name(doctor_parts.metrics())["LSE-C[open-syncnet]"]
    assert found.state == "broken"
    assert found.needed, "no network is left that could read LSE-C"
    assert "absent.safetensors" in found.detail


def test_a_library_that_is_missing_or_too_old_is_an_obstacle(monkeypatch: pytest.MonkeyPatch) -> None:
    versions = {"av": None, "numpy": "1.0"}
    real = doctor_machine._version
    monkeypatch.setattr(doctor_machine, "_version", lambda name: versions.get(name, real(name)))
    found = by_name(doctor_machine.libraries())
    assert found["av"].state == found["numpy"].state == "broken"
    assert found["av"].fix.startswith('pip install "av')
    assert "1.0 is installed" in found["numpy"].detail


def test_torchvision_of_another_build_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    def wrong() -> None:
        raise OSError("libcudart.so.13: cannot open shared object file")

    monkeypatch.setattr(doctor_machine, "_load_operators", wrong)
    torch = by_name(doctor_machine.machine())["PyTorch"]
    assert torch.state == "broken"
    assert "same index" in torch.fix


def test_small_machines_are_told(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(doctor_machine.shutil, "disk_usage", lambda _: SimpleNamespace(free=int(3e8)))
    monkeypatch.setattr(doctor_machine, "usable_memory", lambda: (int(2e9), int(1e9)))
    found = by_name(doctor_machine.machine())
    assert found["disk"].state == "broken"
    assert found["memory"].state == "note"
    (tmp_path / "file").write_bytes(b"")
    monkeypatch.setenv("BENCH_CACHE", str(tmp_path / "file" / "cache"))
    assert by_name(doctor_machine.machine())["cache"].state == "broken"


def test_a_check_that_fails_is_a_finding(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken() -> list[Finding]:
        raise RuntimeError("boom")

    monkeypatch.setattr(doctor_parts, "metrics", broken)
    found = examine()
    assert not found.default_run_works
    assert any("boom" in item.detail for item in found.obstacles)


def app() -> typer.Typer:
    made = typer.Typer()
    register(made)
    made.command("other")(lambda: None)
    return made


@pytest.mark.parametrize(("works", "code"), [(True, 0), (False, 1)])
def test_exit_code_and_screen(monkeypatch: pytest.MonkeyPatch, works: bool, code: int) -> None:
    findings = (
        Finding("machine", "disk", "ok" if works else "broken", "0.3 GB free", "make room", needed=True),
        Finding("metrics", "FID[a]", "ok", ""),
        Finding("metrics", "SSIM[b]", "ok", ""),
        Finding("metrics", "LSE-C[c]", "missing", "needs net", "bench assets add net FILE"),
    )
    monkeypatch.setattr("bench_lipsync.harness.doctor.examine.examine", lambda: Diagnosis(findings))
    shown = CliRunner().invoke(app(), ["doctor"])
    assert shown.exit_code == code
    assert "FID[a], SSIM[b]" in shown.stdout
    assert "LSE-C[c]: needs net" in shown.stdout
    assert ("does not work" in shown.stdout) is not works
    told = CliRunner().invoke(app(), ["doctor", "--json"])
    assert told.exit_code == code
    assert json.loads(told.stdout)["default_run_works"] is works
    assert "Example: bench doctor" in CliRunner().invoke(app(), ["doctor", "--help"]).stdout


def test_no_network_is_loaded() -> None:
    code = (
        "import sys, torch\n"
        "made = []\n"
        "torch.nn.Module.load_state_dict = lambda self, *a, **k: made.append(type(self).__name__)\n"
        "from bench_lipsync.harness.doctor.examine import examine\n"
        "examine()\n"
        "print('HEAVY', made, sorted({'mediapipe', 'torchvision', 'pandas'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)  # noqa: S603
    assert "HEAVY [] []" in done.stdout
