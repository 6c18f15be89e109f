"""Tensors out of StyleGAN2-ADA's network pickles, without running anything that they ask for.

Such a file is a plain pickle of {'G', 'D', 'G_ema', ...}. Every network in it asks to be rebuilt by a function of the
original code base, which would execute source text carried in the pickle. Here the function is replaced by one that
keeps the attributes and drops the source; the few names that tensors need have replacements of ours as well, names of
the libraries that such files mention become inert records, and every other name is refused.
"""

from __future__ import annotations

import io
import math
import pickle
from collections import OrderedDict
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from bench_lipsync.harness.serialization.pickle_guard import check_pickle
from bench_lipsync.harness.serialization.weights import RefusedFileError, check_torch, load_tensors

_INERT_PACKAGES = frozenset({"dnnlib", "numpy", "torch", "torch_utils", "training"})
"""Names from here may stand in a network pickle; nothing of them is imported or called."""


class Module:
    """Attributes of a network that the pickle wanted to rebuild; `class_name` is what it says of itself."""

    def __init__(self, class_name: str, state: Mapping[str, Any]) -> None:
        self.class_name = class_name
        self.state = dict(state)


class Inert:
    """Stands for any object that is not needed: takes every argument and state, does nothing."""

    def __init__(self, *args: Any, **kwargs: Any) -> None: ...

    def __setstate__(self, state: Any) -> None: ...


class Attributes(dict):  # type: ignore[type-arg]
    """Stands for the original code base's dictionaries with attributes."""

    def __setstate__(self, state: Any) -> None: ...


def read_network(path: Path, key: str = "G_ema") -> dict[str, Tensor]:
    """Tensors of the network `key` by dotted name, on the CPU. Raises `RefusedFileError`; runs nothing."""
    try:
        with path.open("rb") as stream:
            check_pickle(stream)
            stream.seek(0)
            content = _NetworkUnpickler(stream).load()
    except Exception as error:  # Any exception at all can come out of hostile bytes.
        raise RefusedFileError(f"{path} is refused, nothing in it was run: {error}") from error
    network = content.get(key) if isinstance(content, dict) else None
    if not isinstance(network, Module):
        names = ", ".join(sorted(map(str, content))) if isinstance(content, dict) else type(content).__name__
        raise RefusedFileError(f"{path} is no StyleGAN2-ADA file: no network {key!r} in it (found: {names[:200]})")
    tensors: dict[str, Tensor] = {}
    _collect(network, "", tensors, path, set())
    return tensors


class _NetworkUnpickler(pickle.Unpickler):
    """Builds dictionaries, tensors, `Module` and `Inert`; refuses every name of another package."""

    def find_class(self, module: str, name: str) -> Any:
        known = {
            ("collections", "OrderedDict"): OrderedDict,
            ("dnnlib.util", "EasyDict"): Attributes,
            ("torch._utils", "_rebuild_parameter"): _rebuild_parameter,
            ("torch._utils", "_rebuild_tensor_v2"): _rebuild_tensor,
            ("torch.storage", "_load_from_bytes"): _load_storage,
            ("torch_utils.persistence", "_reconstruct_persistent_obj"): _reconstruct,
        }
        if (module, name) in known:
            return known[module, name]
        if module.partition(".")[0] in _INERT_PACKAGES:
            return Inert
        raise pickle.UnpicklingError(f"it asks for {module}.{name}")


def _reconstruct(meta: Any) -> Module:
    # `meta` also holds the source text of the class, which is left alone.
    return Module(str(meta["class_name"]), meta["state"])


def _rebuild_parameter(data: Any, *_: Any) -> Any:
    return data


def _load_storage(saved: Any) -> Tensor:
    """A storage that was saved on its own, as a flat tensor; PyTorch's own restricted reader takes it apart."""
    check_torch(io.BytesIO(saved))
    storage = load_tensors(io.BytesIO(saved))
    if not isinstance(storage, torch.storage.TypedStorage):
        raise pickle.UnpicklingError(f"a storage is a {type(storage).__name__}")
    # TypedStorage is deprecated, but it is what the reader gives for this layout.
    content, flat = storage._untyped_storage, torch.empty(0, dtype=storage.dtype)
    return flat.set_(content, 0, (content.nbytes() // flat.element_size(),), (1,))


def _rebuild_tensor(storage: Any, offset: Any, size: Any, stride: Any, *_: Any) -> Tensor:
    if not isinstance(storage, Tensor):
        raise pickle.UnpicklingError(f"a tensor lies in a {type(storage).__name__}")
    if len(size) != len(stride) or min((offset, *size, *stride), default=0) < 0:
        raise pickle.UnpicklingError(f"a tensor has size {size} and stride {stride} at {offset}")
    last = offset + sum((n - 1) * step for n, step in zip(size, stride, strict=True))
    # Tensors of networks never overlap themselves; one that does may be meant to fill the memory.
    if 0 not in size and (last >= storage.numel() or math.prod(size) > storage.numel()):
        raise pickle.UnpicklingError(f"a tensor of {size} reaches outside its storage of {storage.numel()}")
    return storage.as_strided(size, stride, offset).clone(memory_format=torch.contiguous_format)


def _collect(module: Module, prefix: str, into: dict[str, Tensor], path: Path, seen: set[int]) -> None:
    """Parameters and buffers of `module` and of the modules in it, each of which is met once."""
    if id(module) in seen:
        raise RefusedFileError(f"{path} is refused: {prefix or 'a network'} is part of itself or of two networks")
    seen.add(id(module))
    for kind in ("_parameters", "_buffers", "_modules"):
        entries = module.state.get(kind) or {}
        if not isinstance(entries, dict):
            raise RefusedFileError(f"{path} is refused: {prefix}{kind} is a {type(entries).__name__}")
        for name, value in entries.items():
            if isinstance(value, Module):
                _collect(value, f"{prefix}{name}.", into, path, seen)
            elif isinstance(value, Tensor):
                into[f"{prefix}{name}"] = value
            elif value is not None:
                raise RefusedFileError(f"{path} is refused: {prefix}{name} is a {type(value).__name__}, no tensor")
