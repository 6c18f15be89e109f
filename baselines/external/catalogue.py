"""Catalogue of external models: the packaged descriptions and the user's.

`bench run --model NAME` finds the packaged ones and those in the folders of `$BENCH_BASELINES`; `--model external:FILE`
reads any file. The name is the file name without `.yaml`, so that listing opens no file.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from bench_lipsync.harness.api.model import LipSyncModel
from bench_lipsync.harness.errors import BenchError, suggest, validate
from bench_lipsync.harness.registry.registry import UnknownNameError
from bench_lipsync.harness.util.text_files import read_yaml

if TYPE_CHECKING:
    from bench_lipsync.baselines.external.description import Description

FOLDER_VARIABLE = "BENCH_BASELINES"
"""Environment variable: folders with descriptions, separated as in PATH."""
PACKAGED = Path(__file__).parent / "descriptions"
"""The packaged descriptions."""
MAX_BYTES = 256_000
"""Larger files are not read; no description is that long."""
EXAMPLE = "bench run --model external:mine.yaml --dataset demo"


def names() -> list[str]:
    """All names, sorted."""
    return sorted(_files())


def targets() -> Mapping[str, Callable[..., LipSyncModel]]:
    """Factories by name, for `harness.registry.plugins.MODELS`; each reads its description when it is called."""
    return {name: partial(model, name) for name in _files()}


def model(name: str, argument: str | None = None, variant: str = "") -> LipSyncModel:
    """The model of a name.

    Raises:
        BenchError: It is not set up (`bench baselines setup`), or `argument` or `variant` was given.
    """
    from bench_lipsync.baselines.external.model import ExternalModel
    from bench_lipsync.harness.api.model import VariantError

    if argument is not None or variant:
        raise VariantError(
            f"{name} takes neither weights nor variants here; bench baselines setup {name} gives it its own"
        )
    return ExternalModel(load(name))


def from_file(file: str = "", variant: str = "") -> LipSyncModel:
    """`external:FILE`: the model of a description file.

    Raises:
        BenchError: No file or a variant is given, or the description is invalid.
    """
    from bench_lipsync.baselines.external.model import ExternalModel
    from bench_lipsync.harness.api.model import VariantError

    if not file or variant:
        raise VariantError(f"external needs the file of a description and has no variants; for example {EXAMPLE}")
    return ExternalModel(load(file))


def load(name_or_path: str) -> Description:
    """Read and validate a description.

    Args:
        name_or_path: One of `names()`, or a path that ends in `.yaml` or `.yml`.

    Raises:
        UnknownNameError: There is no such name; the message suggests the nearest ones.
        BenchError: The description is invalid; the message names the file, the key and its value.
    """
    if name_or_path.endswith((".yaml", ".yml")):
        return read(Path(name_or_path))
    files = _files()
    if name_or_path not in files:
        hint = suggest(name_or_path, sorted(files))
        raise UnknownNameError(f"no external model is called {name_or_path!r}; {hint}")
    description = read(files[name_or_path])
    if description.name != name_or_path:
        raise BenchError(
            f"{files[name_or_path]}: name is {description.name!r}, but the file's name says {name_or_path!r}; "
            "rename one of them"
        )
    return description


def read(path: Path) -> Description:
    """Read a description file; nothing in it is run. Raises `BenchError`."""
    from bench_lipsync.baselines.external.description import Description

    fields = read_yaml(path, "the description", MAX_BYTES)
    if not isinstance(fields, dict):
        raise BenchError(f"{path} must hold keys and values (name: ..., repository: ...), not {type(fields).__name__}")
    return validate(Description, fields, str(path))


def _files() -> dict[str, Path]:
    """Description files by name; a user's file takes precedence over a packaged one."""
    folders = [PACKAGED, *(Path(part) for part in os.environ.get(FOLDER_VARIABLE, "").split(os.pathsep)[::-1] if part)]
    return {path.stem: path for folder in folders for path in sorted(folder.glob("*.yaml")) if path.is_file()}
