"""What `pip install` puts into site-packages: one name, with all its data, next to any repository's own `models/`."""

from __future__ import annotations

import os
import shutil
import site
import subprocess
import sys
import sysconfig
import zipfile
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parent.parent
PARTS = ("harness", "models", "metrics", "baselines", "reports")

WAV2LIP = {
    "models/__init__.py": "from .wav2lip import Wav2Lip\n",
    "models/wav2lip.py": "class Wav2Lip:\n    pass\n",
    "audio.py": "",
    "face_detection/__init__.py": "",
}
DINET = {
    "models/DINet.py": "class DINet:\n    pass\n",
    "utils/data_processing.py": "",
    "config/config.py": "",
}
STYLELIPSYNC = {
    "models/__init__.py": "",
    "models/generator.py": "class Generator:\n    pass\n",
    "metrics/__init__.py": "",
    "metrics/metric_main.py": "",
    "torch_utils/__init__.py": "",
    "utils/common.py": "",
}
"""Folders and modules of other repositories as they look to an import; the content is ours."""


def run(*command: str | Path, cwd: Path) -> str:
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    done = subprocess.run(  # noqa: S603
        list(map(str, command)), cwd=cwd, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Built from a copy, so that neither stale `build/` folders nor files that git ignores get in."""
    copy, out = tmp_path_factory.mktemp("copy"), tmp_path_factory.mktemp("wheel")
    for name in (*PARTS, "src"):
        shutil.copytree(REPOSITORY / name, copy / name, ignore=shutil.ignore_patterns("__pycache__", "*.egg-info"))
    for name in ("pyproject.toml", "setup.py", "README.md", "LICENSE"):
        shutil.copy(REPOSITORY / name, copy)
    run(sys.executable, "-m", "pip", "wheel", "-q", "--no-deps", "-w", out, ".", cwd=copy)
    (built,) = out.glob("*.whl")
    return built


@pytest.fixture(scope="module")
def python(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A fresh environment with the wheel; dependencies come from this one, without its install of the project."""
    folder = tmp_path_factory.mktemp("environment")
    run(sys.executable, "-m", "venv", folder, cwd=folder)
    python = folder / "bin" / "python"
    run(python, "-m", "pip", "install", "-q", "--no-deps", "--no-index", wheel, cwd=folder)
    here = run(python, "-c", "import sysconfig; print(sysconfig.get_path('purelib'))", cwd=folder).strip()
    # A folder that a .pth file names is searched, but its own .pth files (an editable install of this project) are not.
    Path(here, "dependencies.pth").write_text("\n".join({sysconfig.get_path("purelib"), *site.getsitepackages()}))
    return python


def test_wheel_has_one_top_level_name(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        names = {name.split("/")[0] for name in archive.namelist()}
    assert {name for name in names if not name.endswith(".dist-info")} == {"bench_lipsync"}


def test_wheel_has_every_file_of_the_five_folders(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        installed = {name.removeprefix("bench_lipsync/") for name in archive.namelist()}
    sources = {
        path.relative_to(REPOSITORY).as_posix()
        for part in PARTS
        for path in (REPOSITORY / part).rglob("*")
        if path.is_file() and path.suffix != ".pyc"
    }
    assert sources - installed == set()
    assert {"__init__.py", "py.typed"} <= installed


@pytest.mark.parametrize(
    ("layout", "theirs"),
    [(WAV2LIP, "models.wav2lip"), (DINET, "models.DINet"), (STYLELIPSYNC, "models.generator")],
    ids=["wav2lip", "dinet", "stylelipsync"],
)
def test_lives_inside_other_repositories(layout: dict[str, str], theirs: str, python: Path, tmp_path: Path) -> None:
    for name, text in layout.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    code = f"""
import importlib, sys
import bench_lipsync.models.stylelipsync.model
from bench_lipsync.harness.registry.plugins import MODELS, SCORERS
MODELS.get("wav2lip"), SCORERS.get("psnr"), MODELS.get("static")
theirs = importlib.import_module({theirs!r})
ours = {{name for name in sys.modules if name.partition(".")[0] in {PARTS!r}}}
assert ours <= {{"models", {theirs!r}}}, ours
print(theirs.__file__, bench_lipsync.__file__, sep="\\n")
"""
    own, installed = run(python, "-c", code, cwd=tmp_path).split()
    assert own == str(tmp_path / (theirs.replace(".", "/") + ".py"))
    assert Path(installed).is_relative_to(python.parent.parent)


def test_command_is_installed(python: Path, tmp_path: Path) -> None:
    assert "ground-truth" in run(python.with_name("bench"), "list", "models", cwd=tmp_path)


def test_importing_the_package_is_light() -> None:
    code = (
        "import sys, bench_lipsync, bench_lipsync.metrics\n"
        "print({'torch', 'numpy', 'pandas', 'cv2', 'av', 'mediapipe', 'pydantic', 'typer'} & set(sys.modules))"
    )
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "set()\n"  # noqa: S603


def test_every_public_name_is_there() -> None:
    import bench_lipsync

    assert all(getattr(bench_lipsync, name) is not None for name in bench_lipsync.__all__)
    assert set(bench_lipsync.__all__) <= set(dir(bench_lipsync))
    with pytest.raises(AttributeError, match="no attribute 'evalute'"):
        _ = bench_lipsync.evalute
