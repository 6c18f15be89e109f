"""Arrays from untrusted pickles, read without executing anything that the pickle names.

A pickle names functions to call. These readers know the few names that arrays need and refuse all others.
"""

from __future__ import annotations

import math
import pickle
import zipfile
import zlib
from collections import OrderedDict
from collections.abc import Callable
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from bench_lipsync.harness.serialization.pickle_guard import check_pickle
from bench_lipsync.harness.serialization.weights import RefusedFileError
from bench_lipsync.harness.util.sanitize import shown

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

_NUMPY_GLOBALS = frozenset(
    {
        ("numpy.core.multiarray", "_reconstruct"),
        ("numpy._core.multiarray", "_reconstruct"),
        ("numpy", "ndarray"),
        ("numpy", "dtype"),
    }
)


_NUMBERS = frozenset({"f2", "f4", "f8", "i1", "i2", "i4", "i8", "u1", "u2", "u4", "u8"})
MAX_GROWTH = 20
"""How many times its own size an archive may unpack to; weights hardly shrink when they are compressed."""
_DEEPEST = 2_000
"""Characters of a dotted name; a dictionary inside itself never ends."""


def read_array_pickle(path: Path) -> dict[str, NDArray[np.generic]]:
    """Numeric arrays of a pickle of nested dicts, by dotted name (`Conv_0.kernel`). Raises `RefusedFileError`."""
    with path.open("rb") as stream:
        tree = _load(_ArrayUnpickler, path, stream)
    arrays: dict[str, NDArray[np.generic]] = {}
    _flatten(tree, "", arrays, path)
    return arrays


def read_torchscript(path: Path) -> dict[str, NDArray[np.float32]]:
    """float32 tensors of a TorchScript file by dotted name, in the order of definition; its code is not even read.

    Raises `RefusedFileError`.
    """
    try:
        with zipfile.ZipFile(path) as bundle:
            root = bundle.namelist()[0].partition("/")[0]
            if sum(entry.file_size for entry in bundle.infolist()) > MAX_GROWTH * path.stat().st_size:
                raise RefusedFileError(f"{path} is refused: it unpacks to more than {MAX_GROWTH} times its size")
            with bundle.open(f"{root}/data.pkl") as stream:
                tree = _load(lambda source: _ScriptUnpickler(source, bundle, root), path, stream)
    except (zipfile.BadZipFile, zlib.error, KeyError, IndexError, NotImplementedError, RuntimeError) as error:
        raise RefusedFileError(f"{path} is not a TorchScript file: {error}") from error
    arrays: dict[str, NDArray[np.generic]] = {}
    _flatten(tree, "", arrays, path)
    return arrays  # type: ignore[return-value]  # the unpickler builds float32 only


class _ArrayUnpickler(pickle.Unpickler):
    """Builds arrays by rules of ours: of the names in the pickle none is looked up, imported or called."""

    def find_class(self, module: str, name: str) -> Any:
        if (module, name) not in _NUMPY_GLOBALS:
            raise pickle.UnpicklingError(f"it asks for {module}.{name}")
        return {"_reconstruct": _Array, "ndarray": "ndarray", "dtype": _Kind}[name]


class _Kind:
    """Stands for `numpy.dtype`: a code such as `f4`, and the byte order that follows in its state."""

    def __init__(self, code: Any = "", *_: Any) -> None:
        self.code, self.order = str(code), "="

    def __setstate__(self, state: Any) -> None:
        self.order = str(state[1])

    def dtype(self) -> np.dtype[Any]:
        import numpy as np

        if self.code not in _NUMBERS or self.order not in ("<", ">", "=", "|"):
            raise pickle.UnpicklingError(f"it holds {self.code}, not numbers")
        return np.dtype(self.code).newbyteorder(self.order)  # type: ignore[arg-type]


class _Array:
    """Stands for an array that is being rebuilt; its state is (version, shape, kind, column order, bytes)."""

    def __init__(self, *_: Any) -> None:
        self.value: NDArray[np.generic] | None = None

    def __setstate__(self, state: Any) -> None:
        import numpy as np

        _, shape, kind, by_columns, content = state
        if not isinstance(kind, _Kind) or not isinstance(content, bytes) or not isinstance(shape, tuple):
            raise pickle.UnpicklingError("it holds an array of objects, not numbers")
        flat = np.frombuffer(content, kind.dtype())
        self.value = flat.reshape(shape, order="F" if by_columns else "C").copy(order="K")


class _ScriptUnpickler(pickle.Unpickler):
    def __init__(self, stream: Any, bundle: zipfile.ZipFile, root: str) -> None:
        super().__init__(stream)
        self._bundle = bundle
        self._root = root

    def find_class(self, module: str, name: str) -> Any:
        if module.startswith("__torch__."):
            return _Module
        known = {
            ("torch._utils", "_rebuild_tensor_v2"): _rebuild_tensor,
            ("torch", "FloatStorage"): "float32",
            ("collections", "OrderedDict"): OrderedDict,
            ("torch.jit._pickle", "build_intlist"): list,
        }
        if (module, name) not in known:
            raise pickle.UnpicklingError(f"it asks for {module}.{name}")
        return known[module, name]

    def persistent_load(self, pid: Any) -> NDArray[np.float32]:
        import numpy as np

        kind, dtype, key, _, count = pid
        if kind != "storage" or dtype != "float32":
            raise pickle.UnpicklingError(f"it holds a {kind} of {dtype}")
        return np.frombuffer(self._bundle.read(f"{self._root}/data/{key}"), dtype="<f4", count=count)


class _Module:
    """Stands for any module of the script; its attributes come from the pickle's state."""

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.state = dict(state)


def _rebuild_tensor(
    storage: NDArray[np.float32], offset: int, size: tuple[int, ...], stride: tuple[int, ...], *_: Any
) -> NDArray[np.float32]:
    import numpy as np

    last = offset + sum((n - 1) * step for n, step in zip(size, stride, strict=True))
    # Tensors of networks never overlap themselves; one that does may be meant to fill the memory.
    overlaps = math.prod(size) > storage.size
    if offset < 0 or min((*size, 1)) < 1 or min((*stride, 0)) < 0 or last >= storage.size or overlaps:
        raise pickle.UnpicklingError(f"a tensor of {size} reaches outside its storage")
    view = np.lib.stride_tricks.as_strided(storage[offset:], size, [4 * step for step in stride])
    return np.ascontiguousarray(view).reshape(size)


def _load(reader: Callable[[IO[bytes]], pickle.Unpickler], path: Path, stream: IO[bytes]) -> Any:
    try:
        check_pickle(stream)
        stream.seek(0)
        return reader(stream).load()
    except Exception as error:  # Any exception at all can come out of hostile bytes.
        raise RefusedFileError(f"{shown(path)} is refused, nothing in it was run: {shown(error, 300)}") from error


def _flatten(tree: Any, prefix: str, into: dict[str, NDArray[np.generic]], path: Path) -> None:
    import numpy as np

    if len(prefix) > _DEEPEST:
        raise RefusedFileError(f"{path} is refused: it holds itself")
    if isinstance(tree, _Array):
        tree = tree.value
    if isinstance(tree, np.ndarray):
        if tree.dtype.kind not in "fiu":
            raise RefusedFileError(f"{path} is refused: {prefix} holds {tree.dtype}, not numbers")
        into[prefix] = tree
    elif isinstance(tree, _Module):
        for key, value in tree.state.items():
            if isinstance(value, (_Module, np.ndarray)):  # Plain attributes such as `training` are no weights.
                _flatten(value, f"{prefix}.{key}" if prefix else key, into, path)
    elif isinstance(tree, dict):
        for key, value in tree.items():
            _flatten(value, f"{prefix}.{key}" if prefix else str(key), into, path)
    else:
        raise RefusedFileError(f"{path} is refused: {prefix or 'its top'} is a {type(tree).__name__}, not arrays")
