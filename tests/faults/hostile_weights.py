"""Weights files that want to run code, to fill the memory, or to be taken for something else."""

from __future__ import annotations

import io
import json
import os
import pickle
import struct
import tarfile
import zipfile
from collections import OrderedDict
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np


class _Runs:
    """Calls `function(*arguments)` when a careless reader unpickles it."""

    def __init__(self, function: Callable[..., Any], *arguments: Any) -> None:
        self._call = (function, arguments)

    def __reduce__(self) -> tuple[Callable[..., Any], tuple[Any, ...]]:
        return self._call


def _system(trace: Path) -> Any:
    return _Runs(os.system, f"touch '{trace}'")


def _eval(trace: Path) -> Any:
    return _Runs(eval, f"open({str(trace)!r}, 'w').close()")


def _exec(trace: Path) -> Any:
    return _Runs(exec, f"open({str(trace)!r}, 'w').close()")


def _opens(trace: Path) -> Any:
    return _Runs(open, str(trace), "w")


def _makes_folder(trace: Path) -> Any:
    return _Runs(os.mkdir, str(trace))


def _imports(trace: Path) -> Any:
    return _Runs(__import__, "antigravity")


def _builds(trace: Path) -> Any:
    import subprocess

    return _Runs(subprocess.check_output, ["touch", str(trace)])


PAYLOADS = {"os.system": _system, "eval": _eval, "exec": _exec, "open": _opens, "mkdir": _makes_folder}
PAYLOADS |= {"import": _imports, "subprocess": _builds}


def _torch_zip(content: Any, path: Path, compress: int = zipfile.ZIP_STORED) -> None:
    """The layout of `torch.save`, with any pickle in it."""
    with zipfile.ZipFile(path, "w", compress) as bundle:
        bundle.writestr("archive/data.pkl", content if isinstance(content, bytes) else pickle.dumps(content, 2))
        bundle.writestr("archive/version", "3\n")
        bundle.writestr("archive/byteorder", "little")


def _plain(content: Any, path: Path) -> None:
    path.write_bytes(pickle.dumps(content, 4))


def _nested(content: Any, path: Path) -> None:
    _torch_zip({"G": OrderedDict(a={"b": [content]}), "state_dict": {"x": (content,)}}, path)


def _legacy(content: Any, path: Path) -> None:
    """Before PyTorch 1.6: magic number, protocol, system, object, keys."""
    magic, system = 0x1950A86A20F9469CFC6C, {"protocol_version": 1001, "little_endian": True, "type_sizes": {}}
    path.write_bytes(b"".join(pickle.dumps(one, 2) for one in (magic, 1001, system, content, [])))


def _tar(content: Any, path: Path) -> None:
    """Before PyTorch 0.1.10."""
    with tarfile.open(path, "w") as tar:
        for name in ("storages", "tensors", "pickle"):
            body = pickle.dumps(content if name == "pickle" else 0, 2)
            info = tarfile.TarInfo(name)
            info.size = len(body)
            tar.addfile(info, io.BytesIO(body))


def _script(content: Any, path: Path) -> None:
    """TorchScript: code beside the pickle."""
    with zipfile.ZipFile(path, "w") as bundle:
        bundle.writestr("net/data.pkl", pickle.dumps(content, 2))
        bundle.writestr("net/constants.pkl", pickle.dumps((), 2))
        bundle.writestr("net/code/__torch__.py", "import os\nos.system('touch owned')\n")
        bundle.writestr("net/version", "3\n")


def _array(content: Any, path: Path) -> None:
    with path.open("wb") as stream:
        np.save(stream, np.array([content], object), allow_pickle=True)


def _arrays(content: Any, path: Path) -> None:
    with path.open("wb") as stream:
        np.savez(stream, a=np.array([content], object))


def _network(content: Any, path: Path) -> None:
    _plain({"G_ema": content, "G": {"x": content}}, path)


LAYOUTS: dict[str, Callable[[Any, Path], None]] = {
    "torch_zip": _torch_zip,
    "plain_pickle": _plain,
    "nested": _nested,
    "legacy": _legacy,
    "tar": _tar,
    "torchscript": _script,
    "npy": _array,
    "npz": _arrays,
    "network_pickle": _network,
}


def _safetensors(header: Any, body: bytes = b"", length: int | None = None) -> bytes:
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    return struct.pack("<Q", len(text) if length is None else length) + text + body


def _f32(begin: int, end: int, *shape: int) -> dict[str, Any]:
    return {"dtype": "F32", "shape": list(shape), "data_offsets": [begin, end]}


def _doubling(levels: int = 80) -> bytes:
    """A tuple of twice itself, `levels` deep, as the key of a dictionary: whoever hashes it never ends."""
    body = b"".join(b"2\x86" for _ in range(levels))  # DUP, TUPLE2
    return b"\x80\x02}K\x01" + body + b"K\x02s."


def _large_memo() -> bytes:
    return b"\x80\x02K\x01r\xff\xff\xff\x7f."


def _huge_tensor() -> bytes:
    """A tensor of 10^12 numbers over a storage of one."""
    import torch

    buffer = io.BytesIO()
    torch.save({"G": {"a": torch.zeros(1).expand(1_000_000)}, "state_dict": {}}, buffer)
    return buffer.getvalue()


def _compressed() -> bytes:
    """A zip bomb in the layout of `torch.save`."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as bundle:
        bundle.writestr("archive/data.pkl", b"\x80\x02}." + bytes(100 << 20))
        bundle.writestr("archive/version", "3\n")
    return buffer.getvalue()


def _long_text() -> bytes:
    return b"\x80\x04\x8d" + struct.pack("<Q", 1 << 45) + b"x."


BOMBS: dict[str, Callable[[], bytes]] = {
    "empty": lambda: b"",
    "text": lambda: b"no weights\n" * 50,
    "half_a_zip": lambda: b"PK\3\4" + bytes(500),
    "pickle_cut_off": lambda: pickle.dumps({"a": list(range(1000))})[:-100],
    "pickle_large_memo": _large_memo,
    "pickle_doubling_tuple": _doubling,
    "pickle_long_text": _long_text,
    "pickle_without_end": lambda: b"\x80\x02" + b"K\x01" * 10_000,
    "pickle_pops_nothing": lambda: b"\x80\x02000.",
    "zip_bomb": _compressed,
    "tensor_larger_than_its_storage": _huge_tensor,
    "safetensors_header_of_an_exabyte": lambda: _safetensors({}, length=1 << 60),
    "safetensors_header_of_99_mb": lambda: _safetensors({}, length=99 << 20),
    "safetensors_header_no_json": lambda: _safetensors(b"{" * 1000),
    "safetensors_deep_header": lambda: _safetensors(b'{"a":' * 50_000),
    "safetensors_overlap": lambda: _safetensors({"a": _f32(0, 8, 2), "b": _f32(4, 12, 2)}, bytes(12)),
    "safetensors_behind_the_end": lambda: _safetensors({"a": _f32(0, 4_000_000, 1_000_000)}, bytes(8)),
    "safetensors_huge_shape": lambda: _safetensors({"a": _f32(0, 4, 1 << 40, 1 << 40)}, bytes(4)),
    "safetensors_negative": lambda: _safetensors(
        {"a": {"dtype": "F32", "shape": [-1], "data_offsets": [8, 4]}}, bytes(8)
    ),
    "safetensors_unknown_type": lambda: _safetensors(
        {"a": {"dtype": "OBJ", "shape": [1], "data_offsets": [0, 8]}}, bytes(8)
    ),
    "safetensors_of_a_foreign_network": lambda: _safetensors({"a": _f32(0, 4, 1)}, bytes(4)),
    "safetensors_deep_config": lambda: _safetensors(
        {
            "__metadata__": {"format": "stylelipsync-1", "config": "[" * 100_000, "divide": "9" * 5000},
            "a": _f32(0, 4, 1),
        },
        bytes(4),
    ),
    "npy_of_a_petabyte": lambda: _npy("(1000000, 1000000, 1000)"),
    "npy_header_with_code": lambda: _npy("(__import__('os').system('touch owned'),)"),
}


def _npy(shape: str) -> bytes:
    header = f"{{'descr': '<f4', 'fortran_order': False, 'shape': {shape}, }}".encode().ljust(117) + b"\n"
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(header)) + header + bytes(16)
