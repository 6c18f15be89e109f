"""Imports go in one direction: the contracts of pyproject.toml, and no circle of files or of packages."""

from __future__ import annotations

import ast
import graphlib
import os
import shutil
import subprocess
import sys
from collections import Counter
from importlib import import_module
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parent.parent
FOLDERS = ("harness", "models", "metrics", "baselines", "reports")


MOST_FILES = 17
"""In one folder, so that it can be taken in at a glance."""


def test_no_folder_is_crowded() -> None:
    files = (path for name in FOLDERS for path in (REPOSITORY / name).rglob("*.py"))
    counts = Counter(path.parent.relative_to(REPOSITORY).as_posix() for path in files)
    assert {folder: count for folder, count in counts.items() if count > MOST_FILES} == {}


def test_packages_use_public_names_of_each_other() -> None:
    """What another package may use is what the package's `__init__` names."""
    modules = {
        ".".join(("bench_lipsync", *path.relative_to(REPOSITORY).with_suffix("").parts)).removesuffix(".__init__"): path
        for folder in FOLDERS
        for path in (REPOSITORY / folder).rglob("*.py")
    }
    packages = {name for name, path in modules.items() if path.name == "__init__.py"}
    private = []
    for name, path in modules.items():
        here = name if name in packages else name.rpartition(".")[0]
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if not isinstance(node, ast.ImportFrom) or node.module not in modules or node.module in packages:
                continue
            there, _, module = node.module.rpartition(".")
            if f"{here}.".startswith(f"{there}."):  # its own package, or one inside it
                continue
            public = {*import_module(there).__all__}
            private += [
                f"{name}: {node.module}.{alias.name}" for alias in node.names if not {alias.name, module} & {*public}
            ]
    assert private == []


@pytest.fixture(scope="module")
def laid_out(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder that holds the sources as a wheel lays them out, which is the layout that import-linter can read."""
    root = tmp_path_factory.mktemp("site")
    for folder in FOLDERS:
        shutil.copytree(REPOSITORY / folder, root / "bench_lipsync" / folder, ignore=_not_python)
    shutil.copytree(REPOSITORY / "src/bench_lipsync", root / "bench_lipsync", ignore=_not_python, dirs_exist_ok=True)
    return root


def _not_python(folder: str, names: list[str]) -> list[str]:
    return [name for name in names if not name.endswith(".py") and not (Path(folder) / name).is_dir()]


def test_import_linter(laid_out: Path) -> None:
    command = [sys.executable, "-c", "from importlinter.cli import lint_imports_command; lint_imports_command()"]
    arguments = ["--config", str(REPOSITORY / "pyproject.toml"), "--no-cache"]
    environment = {**os.environ, "PYTHONPATH": str(laid_out)}
    done = subprocess.run(  # noqa: S603
        [*command, *arguments], cwd=laid_out, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_no_circles(laid_out: Path) -> None:
    code = (
        "import grimp\n"
        "graph = grimp.build_graph('bench_lipsync', cache_dir=None)\n"
        "for module in sorted(graph.modules):\n"
        "    print(module, bool(graph.find_children(module)), *graph.find_modules_directly_imported_by(module))\n"
    )
    environment = {**os.environ, "PYTHONPATH": str(laid_out)}
    text = subprocess.run(  # noqa: S603
        [sys.executable, "-c", code], cwd=laid_out, env=environment, capture_output=True, text=True, check=True
    ).stdout
    files: dict[str, set[str]] = {}
    packages: set[str] = set()
    for line in text.splitlines():
        module, is_package, *imported = line.split()
        files[module] = set(imported)
        if is_package == "True":
            packages.add(module)
    assert len(files) > 300
    assert _circle(files) == []

    def package(module: str) -> str:
        return module if module in packages else module.rpartition(".")[0]

    edges: dict[str, set[str]] = {}
    for module, imported in files.items():
        here = package(module)
        there = {package(other) for other in imported}
        # A package and one inside it are one room for this purpose.
        edges.setdefault(here, set()).update(
            other
            for other in there
            if not f"{other}.".startswith(f"{here}.") and not f"{here}.".startswith(f"{other}.")
        )
    assert _circle(edges) == []


def _circle(edges: dict[str, set[str]]) -> list[str]:
    try:
        graphlib.TopologicalSorter(edges).prepare()
    except graphlib.CycleError as error:
        return list(error.args[1])
    return []
