"""Stand-alone script: `python prelude.py SCRIPT ARGUMENTS` or `python prelude.py -m MODULE ARGUMENTS`.

Seeds every random number generator, restores what newer libraries removed, then runs the program as Python would, in
the folder that `BENCH_FOLDER` names below the present one.
A library is seeded and patched right after the program has imported it; no further library is imported.
It runs in the foreign environment: standard library only, and the syntax of Python 3.6.
"""

import builtins
import importlib
import importlib.abc
import importlib.util
import os
import random
import runpy
import sys
import types
from typing import Any


class AfterImport(importlib.abc.MetaPathFinder):
    """Calls the functions registered for a module once that module has been loaded."""

    def __init__(self, actions: Any) -> None:
        self._actions = actions  # name: list of functions of the module
        self._searching = set()  # type: ignore

    def find_spec(self, fullname: str, path: Any = None, target: Any = None) -> Any:
        """The spec that the other finders give, with a loader that calls the actions."""
        if fullname not in self._actions or fullname in self._searching:
            return None
        self._searching.add(fullname)
        try:
            spec = importlib.util.find_spec(fullname)
        finally:
            self._searching.discard(fullname)
        if spec is None or spec.loader is None or not hasattr(spec.loader, "exec_module"):
            return None
        load, actions = spec.loader.exec_module, self._actions[fullname]

        def load_and_act(module: Any) -> None:
            load(module)
            for act in actions:
                act(module)

        spec.loader.exec_module = load_and_act  # type: ignore
        return spec


def seed_numpy(numpy: Any) -> None:
    """Seed the global generator."""
    numpy.random.seed(SEED % 2**32)


def seed_torch(torch: Any) -> None:
    """Seed the generators of all devices, and choose deterministic algorithms."""
    torch.manual_seed(SEED)
    torch.backends.cudnn.benchmark = False
    torch.backends.cudnn.deterministic = True


def seed_tensorflow(tensorflow: Any) -> None:
    """Seed version 2 or version 1."""
    if hasattr(tensorflow.random, "set_seed"):
        tensorflow.random.set_seed(SEED)
    else:
        tensorflow.set_random_seed(SEED)


def numpy_aliases(numpy: Any) -> None:
    """`np.float` and the like, which NumPy 1.24 removed."""
    names = {"float": float, "int": int, "bool": bool, "object": object, "complex": complex, "str": str}
    for name, kind in names.items():
        if name not in vars(numpy):
            setattr(numpy, name, kind)


def yaml_load(yaml: Any) -> None:
    """`yaml.load(stream)` without a loader, which PyYAML 6 refuses; it reads data only."""
    load = yaml.load

    def load_safely(stream: Any, Loader: Any = yaml.SafeLoader) -> Any:
        return load(stream, Loader)

    yaml.load = load_safely


def librosa_mel(filters: Any) -> None:
    """`librosa.filters.mel(rate, n_fft, ...)` by position, which librosa 0.10 refuses."""
    mel = filters.mel

    def mel_by_position(*positional: Any, **named: Any) -> Any:
        named.update(zip(("sr", "n_fft", "n_mels", "fmin", "fmax", "htk"), positional))  # noqa: B905 - not in Python 3.6
        return mel(**named)

    filters.mel = mel_by_position


def functional_tensor(transforms: Any) -> None:
    """`torchvision.transforms.functional_tensor`, which torchvision 0.17 made private."""
    old = "torchvision.transforms.functional_tensor"
    if importlib.util.find_spec(old) is None:
        sys.modules[old] = transforms.functional


def face_alignment_3d(face_alignment: Any) -> None:
    """`LandmarksType._2D` and `_3D`, which face-alignment 1.4 renamed."""
    kinds = face_alignment.LandmarksType
    for old, new in (("_2D", "TWO_D"), ("_2halfD", "TWO_HALF_D"), ("_3D", "THREE_D")):
        if not hasattr(kinds, old) and hasattr(kinds, new):
            setattr(kinds, old, getattr(kinds, new))


def torch_04(torch: Any) -> None:
    """For Python 2 and torch 0.4: `xrange`, channels from `/`, `torch.nn._functions.thnn` (only ever imported)."""
    builtins.xrange = range  # type: ignore
    initialize = torch.nn.Conv2d.__init__

    def with_whole_channels(self: Any, in_channels: Any, *positional: Any, **named: Any) -> None:
        initialize(self, int(in_channels), *positional, **named)

    torch.nn.Conv2d.__init__ = with_whole_channels
    name = "torch.nn._functions.thnn"
    try:
        importlib.import_module(name)
    except ImportError:
        functions, thnn = types.ModuleType("torch.nn._functions"), types.ModuleType(name)
        thnn.rnnFusedPointwise = None  # type: ignore
        sys.modules.update({"torch.nn._functions": functions, name: thnn})


SEED = int(os.environ.get("BENCH_SEED", "0"))
SEEDS = {"numpy": seed_numpy, "torch": seed_torch, "tensorflow": seed_tensorflow}
SHIMS = {
    "numpy-aliases": ("numpy", numpy_aliases),
    "yaml-load": ("yaml", yaml_load),
    "librosa-mel": ("librosa.filters", librosa_mel),
    "functional-tensor": ("torchvision.transforms", functional_tensor),
    "face-alignment-3d": ("face_alignment", face_alignment_3d),
    "torch-0.4": ("torch", torch_04),
}
"""By the name used in descriptions: the module to patch, and the function that patches it."""


def main() -> None:
    """Register the seeds and shims, then run the program."""
    actions = {name: [seed] for name, seed in SEEDS.items()}
    for name in os.environ.get("BENCH_SHIMS", "").split():
        module, patch = SHIMS[name]
        actions.setdefault(module, []).append(patch)
    sys.meta_path.insert(0, AfterImport(actions))
    random.seed(SEED)
    if sys.argv[1] == "-m":
        del sys.argv[:2]  # `run_module` puts the file's path where the module's name is now, as `-m` does.
        sys.path[0] = os.getcwd()  # noqa: PTH109 - as Python itself does
        runpy.run_module(sys.argv[0], run_name="__main__", alter_sys=True)
    else:
        del sys.argv[0]
        script, folder = os.path.abspath(sys.argv[0]), os.environ.get("BENCH_FOLDER", "")  # noqa: PTH100
        sys.path[0] = os.path.dirname(script)  # noqa: PTH120
        if folder:
            os.chdir(folder)
            sys.argv[0] = os.path.relpath(script)
        runpy.run_path(sys.argv[0], run_name="__main__")


if __name__ == "__main__":
    main()
