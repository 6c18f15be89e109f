"""Programs start as if Python had started them, with every generator seeded and old names put back."""

from __future__ import annotations

import ast
import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from bench_lipsync.baselines.external.environments import probe
from bench_lipsync.baselines.external.program import prelude

FAKES = {
    "torch": "class _B: pass\nbackends = _B(); backends.cudnn = _B()\nseeds = []\nmanual_seed = seeds.append\n"
    "class nn:\n    class Conv2d:\n        def __init__(self, *channels, bias=True): self.made = channels, bias\n",
    "numpy": "class random:\n    seeds = []\n    seed = seeds.append\nint = 'its own'\n",
    "yaml": "class SafeLoader: pass\ndef load(stream, Loader): return stream, Loader.__name__\n",
    "librosa/__init__": "",
    "librosa/filters": "def mel(*, sr, n_fft, n_mels=128): return sr, n_fft, n_mels\n",
    "torchvision/__init__": "",
    "torchvision/transforms/__init__": "from torchvision.transforms import functional\n",
    "torchvision/transforms/functional": "rgb_to_grayscale = 'gray'\n",
    "face_alignment": "class LandmarksType:\n    TWO_D = 1\n    TWO_HALF_D = 2\n    THREE_D = 3\n",
}
SHIMS = " ".join(prelude.SHIMS)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A working directory with small doubles of the libraries in a folder of their own."""
    for name, code in FAKES.items():
        path = tmp_path / "libraries" / f"{name}.py"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(code)
    (tmp_path / "work").mkdir()
    return tmp_path / "work"


def run(folder: Path, *words: str, seed: int = 5, libraries: bool = True) -> str:
    where = str(folder.parent / "libraries") if libraries else ""
    done = subprocess.run(  # noqa: S603
        [sys.executable, "-S", str(prelude.__file__), *words],
        cwd=folder,
        env={"BENCH_SEED": str(seed), "BENCH_SHIMS": SHIMS, "PYTHONPATH": where, "PYTHONDONTWRITEBYTECODE": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    return done.stdout.strip() if done.returncode == 0 else f"{done.returncode}: {done.stderr.strip()}"


@pytest.mark.parametrize("module", [prelude, probe])
def test_old_pythons_can_read_it(module: object) -> None:
    text = Path(str(module.__file__)).read_text()  # type: ignore[attr-defined]
    ast.parse(text, feature_version=(3, 6))
    assert "from __future__ import annotations" not in text, "Python 3.7 and newer"


def find_python(minor: int) -> str | None:
    """A Python 3.`minor` of this machine, from where they are usually kept; a name on PATH may not run."""
    kept = sorted(Path.home().glob(f".pyenv/versions/3.{minor}.*/bin/python"))
    for path in (*map(str, kept), shutil.which(f"python3.{minor}")):
        if path and subprocess.run([path, "-c", ""], capture_output=True, check=False).returncode == 0:  # noqa: S603
            return path
    return None


@pytest.mark.parametrize("minor", [6, 7, 8, 10, 13])
def test_other_pythons_run_it(folder: Path, minor: int) -> None:
    python = find_python(minor)
    if python is None:
        pytest.skip(f"there is no Python 3.{minor} here")
    (folder / "a.py").write_text("import random, sys, yaml; print(sys.argv, random.random(), yaml.load('x'))")
    variables = {"BENCH_SEED": "5", "BENCH_SHIMS": SHIMS, "PYTHONPATH": str(folder.parent / "libraries")}
    command = [python, str(prelude.__file__), "a.py", "1"]
    done = subprocess.run(command, cwd=folder, env=variables, capture_output=True, text=True, check=True)  # noqa: S603
    assert done.stdout.strip() == "['a.py', '1'] 0.6229016948897019 ('x', 'SafeLoader')"
    command = [python, str(probe.__file__), "json", "nothing"]
    done = subprocess.run(command, cwd=folder, env={}, capture_output=True, text=True, check=True)  # noqa: S603
    told = json.loads(done.stdout.splitlines()[-1])
    assert told["problems"]["json"] == ""
    assert told["problems"]["nothing"]


def test_script_sees_what_python_would_show(folder: Path) -> None:
    (folder / "sub").mkdir()
    (folder / "sub" / "helper.py").write_text("x = 3")
    script = "import sys, os, helper; print(__name__, sys.argv, os.path.basename(sys.path[0]), __file__, helper.x)"
    (folder / "sub" / "main.py").write_text(script)
    assert run(folder, "sub/main.py", "--a", "b c") == "__main__ ['sub/main.py', '--a', 'b c'] sub sub/main.py 3"


def test_module_sees_what_python_would_show(folder: Path) -> None:
    (folder / "scripts").mkdir()
    (folder / "scripts" / "inference.py").write_text("import sys; print(__name__, sys.argv[1:], __spec__.name)")
    assert run(folder, "-m", "scripts.inference", "--x", "1") == "__main__ ['--x', '1'] scripts.inference"


def test_exit_codes_and_tracebacks_pass(folder: Path) -> None:
    (folder / "a.py").write_text("import sys; sys.exit(3)")
    (folder / "b.py").write_text("raise ValueError('no face')")
    assert run(folder, "a.py").startswith("3:")
    assert run(folder, "b.py").endswith("ValueError: no face")


def test_seeds(folder: Path) -> None:
    (folder / "a.py").write_text(
        "import random, numpy, torch\n"
        "print(random.random(), numpy.random.seeds, torch.seeds, torch.backends.cudnn.deterministic)"
    )
    assert run(folder, "a.py") == "0.6229016948897019 [5] [5] True"
    assert run(folder, "a.py", seed=6) != run(folder, "a.py", seed=7)


def test_nothing_is_imported_that_the_program_does_not_import(folder: Path) -> None:
    names = [name for name in FAKES if "/" not in name]
    (folder / "a.py").write_text(f"import sys; print([name for name in {names} if name in sys.modules])")
    assert run(folder, "a.py") == "[]"


def test_without_the_libraries_the_program_says_so_itself(folder: Path) -> None:
    (folder / "a.py").write_text("print(1)\nimport yaml")
    assert "No module named 'yaml'" in run(folder, "a.py", libraries=False)


def test_shims(folder: Path) -> None:
    (folder / "a.py").write_text(
        "import numpy as np, yaml, librosa.filters, face_alignment\n"
        "from torchvision.transforms.functional_tensor import rgb_to_grayscale\n"
        "print(np.float, np.bool, np.int)\n"
        "print(yaml.load('x'), librosa.filters.mel(16000, 800, n_mels=80))\n"
        "print(face_alignment.LandmarksType._2D, face_alignment.LandmarksType._3D, rgb_to_grayscale)\n"
    )
    assert run(folder, "a.py").splitlines() == [
        "<class 'float'> <class 'bool'> its own",
        "('x', 'SafeLoader') (16000, 800, 80)",
        "1 3 gray",
    ]


def test_real_numpy_is_seeded(folder: Path) -> None:
    (folder / "a.py").write_text("import numpy as np; print(np.random.rand() == np.random.RandomState(5).rand())")
    done = subprocess.run(  # noqa: S603
        [sys.executable, str(prelude.__file__), "a.py"],
        cwd=folder,
        env={"BENCH_SEED": "5", "BENCH_SHIMS": "numpy-aliases yaml-load"},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.strip() == "True"


def test_python_2_and_torch_0_4(folder: Path) -> None:
    (folder / "a.py").write_text(
        "import torch\nfrom torch.nn._functions.thnn import rnnFusedPointwise\n"
        "print(list(xrange(2)), torch.nn.Conv2d(64 / 2, 3, bias=False).made, rnnFusedPointwise)"
    )
    assert run(folder, "a.py") == "[0, 1] ((32, 3), False) None"


def test_the_folder_in_which_a_script_is_started(folder: Path) -> None:
    (folder / "code").mkdir()
    (folder / "code" / "beside.py").write_text("value = 7")
    (folder / "code" / "a.py").write_text("import os, sys, beside\nprint(sys.argv, os.getcwd(), beside.value)")
    done = subprocess.run(  # noqa: S603
        [sys.executable, str(prelude.__file__), "code/a.py", "1"],
        cwd=folder,
        env={"BENCH_FOLDER": "code", "PYTHONDONTWRITEBYTECODE": "1"},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.strip() == f"['a.py', '1'] {(folder / 'code').resolve()} 7"
