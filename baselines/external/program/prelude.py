"""Stand-alone: `python prelude.py SCRIPT ARGUMENTS` or `python prelude.py -m MODULE ARGUMENTS`.

Seeds every random number generator, puts back what newer libraries removed, then runs the program as Python would have.
A library is seeded and mended right after the program has imported it; nothing is imported that the program does not.
It runs in the foreign environment: standard library only, and the syntax of Python 3.6.
"""

import importlib.abc
import importlib.util
import os
import random
import runpy
import sys
from typing import Any


class AfterImport(importlib.abc.MetaPathFinder):
    """Calls what was registered for a module once that module has been loaded."""

    def __init__(self, actions: Any) -> None:
        self._actions = actions  # name: list of functions of the module
        self._looking = set()  # type: ignore

    def find_spec(self, fullname: str, path: Any = None, target: Any = None) -> Any:
        """The spec that the other finders give, with a loader that calls the actions."""
        if fullname not in self._actions or fullname in self._looking:
            return None
        self._looking.add(fullname)
        try:
            spec = importlib.util.find_spec(fullname)
        finally:
            self._looking.discard(fullname)
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
    """The global generator."""
    numpy.random.seed(SEED % 2**32)


def seed_torch(torch: Any) -> None:
    """Those of all devices, and algorithms that give the same every time."""
    torch.manual_seed(SEED)
    torch.backends.cudnn.benchmark = False
    torch.backends.cudnn.deterministic = True


def seed_tensorflow(tensorflow: Any) -> None:
    """Version 2 and version 1."""
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

    def patient(stream: Any, Loader: Any = yaml.SafeLoader) -> Any:
        return load(stream, Loader)

    yaml.load = patient


def librosa_mel(filters: Any) -> None:
    """`librosa.filters.mel(rate, n_fft, ...)` by position, which librosa 0.10 refuses."""
    mel = filters.mel

    def patient(*given: Any, **named: Any) -> Any:
        named.update(zip(("sr", "n_fft", "n_mels", "fmin", "fmax", "htk"), given))  # noqa: B905 - not in Python 3.6
        return mel(**named)

    filters.mel = patient


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


SEED = int(os.environ.get("BENCH_SEED", "0"))
SEEDS = {"numpy": seed_numpy, "torch": seed_torch, "tensorflow": seed_tensorflow}
SHIMS = {
    "numpy-aliases": ("numpy", numpy_aliases),
    "yaml-load": ("yaml", yaml_load),
    "librosa-mel": ("librosa.filters", librosa_mel),
    "functional-tensor": ("torchvision.transforms", functional_tensor),
    "face-alignment-3d": ("face_alignment", face_alignment_3d),
}
"""By the name that a description gives: the module that is mended, and how."""


def main() -> None:
    """Seed, mend, run."""
    actions = {name: [seed] for name, seed in SEEDS.items()}
    for name in os.environ.get("BENCH_SHIMS", "").split():
        module, mend = SHIMS[name]
        actions.setdefault(module, []).append(mend)
    sys.meta_path.insert(0, AfterImport(actions))
    random.seed(SEED)
    if sys.argv[1] == "-m":
        del sys.argv[:2]  # `run_module` puts the file's path where the module's name is now, as `-m` does.
        sys.path[0] = os.getcwd()  # noqa: PTH109 - as Python itself does
        runpy.run_module(sys.argv[0], run_name="__main__", alter_sys=True)
    else:
        del sys.argv[0]
        sys.path[0] = os.path.dirname(os.path.abspath(sys.argv[0]))  # noqa: PTH100, PTH120
        runpy.run_path(sys.argv[0], run_name="__main__")


if __name__ == "__main__":
    main()
