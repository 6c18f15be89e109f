"""Stand-alone: `python prelude.py SCRIPT ARGUMENTS` or `python prelude.py -m MODULE ARGUMENTS`.

Seeds every random number generator, puts back what newer libraries removed, then runs the program as Python would have.
It runs in the foreign environment: standard library only, and the syntax of Python 3.6.
"""

import importlib
import os
import random
import runpy
import sys
from typing import Any


def _load(name: str) -> Any:
    """The module, or None where it is missing or does not work here; the program will say so itself."""
    try:
        return importlib.import_module(name)
    except Exception:
        return None


def seed_all(seed: int) -> None:
    """Seed `random`, NumPy, PyTorch and TensorFlow, as far as they are here."""
    random.seed(seed)
    numpy = _load("numpy")
    if numpy is not None:
        numpy.random.seed(seed % 2**32)
    torch = _load("torch")
    if torch is not None:
        torch.manual_seed(seed)  # All GPUs as well.
        torch.backends.cudnn.benchmark = False
        torch.backends.cudnn.deterministic = True


def numpy_aliases() -> None:
    """`np.float` and the like, which NumPy 1.24 removed."""
    numpy = _load("numpy")
    names = {"float": float, "int": int, "bool": bool, "object": object, "complex": complex, "str": str}
    for name, kind in names.items():
        if numpy is not None and name not in vars(numpy):
            setattr(numpy, name, kind)


def yaml_load() -> None:
    """`yaml.load(stream)` without a loader, which PyYAML 6 refuses; it reads data only."""
    yaml = _load("yaml")
    if yaml is None:
        return
    load = yaml.load

    def patient(stream: Any, Loader: Any = yaml.SafeLoader) -> Any:
        return load(stream, Loader)

    yaml.load = patient


def librosa_mel() -> None:
    """`librosa.filters.mel(rate, n_fft, ...)` by position, which librosa 0.10 refuses."""
    filters = _load("librosa.filters")
    if filters is None:
        return
    mel = filters.mel

    def patient(*given: Any, **named: Any) -> Any:
        named.update(zip(("sr", "n_fft", "n_mels", "fmin", "fmax", "htk"), given))  # noqa: B905 - `strict` is not in Python 3.6
        return mel(**named)

    filters.mel = patient


def functional_tensor() -> None:
    """`torchvision.transforms.functional_tensor`, which torchvision 0.17 made private."""
    old = "torchvision.transforms.functional_tensor"
    if _load(old) is None:
        public = _load("torchvision.transforms.functional")
        if public is not None:
            sys.modules[old] = public


def face_alignment_3d() -> None:
    """`LandmarksType._2D` and `_3D`, which face-alignment 1.4 renamed."""
    face_alignment = _load("face_alignment")
    if face_alignment is None:
        return
    kinds = face_alignment.LandmarksType
    for old, new in (("_2D", "TWO_D"), ("_2halfD", "TWO_HALF_D"), ("_3D", "THREE_D")):
        if not hasattr(kinds, old) and hasattr(kinds, new):
            setattr(kinds, old, getattr(kinds, new))


SHIMS = {
    "numpy-aliases": numpy_aliases,
    "yaml-load": yaml_load,
    "librosa-mel": librosa_mel,
    "functional-tensor": functional_tensor,
    "face-alignment-3d": face_alignment_3d,
}


def main() -> None:
    """Seed, mend, run."""
    for name in os.environ.get("BENCH_SHIMS", "").split():
        SHIMS[name]()
    seed_all(int(os.environ.get("BENCH_SEED", "0")))
    if sys.argv[1] == "-m":
        del sys.argv[:2]  # Until it is found, Python shows "-m" there; `run_module` puts the file's path.
        sys.path[0] = os.getcwd()  # noqa: PTH109 - as Python itself does
        runpy.run_module(sys.argv[0], run_name="__main__", alter_sys=True)
    else:
        del sys.argv[0]
        sys.path[0] = os.path.dirname(os.path.abspath(sys.argv[0]))  # noqa: PTH100, PTH120
        runpy.run_path(sys.argv[0], run_name="__main__")


if __name__ == "__main__":
    main()
