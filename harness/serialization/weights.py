"""Weights files: tensors read from untrusted files without running code, and safetensors with reproducible bytes."""

from __future__ import annotations

import io
import json
import pickle
import zipfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, NamedTuple

from bench_lipsync.harness.errors import BenchError
from bench_lipsync.harness.serialization.pickle_guard import check_pickle
from bench_lipsync.harness.util.sanitize import shown

if TYPE_CHECKING:
    from torch import Tensor

MAX_HEADER = 16 << 20
"""Bytes of a safetensors header; that of StyleLipSync has 60,000."""
MAX_ENTRIES = 200_000
"""Files in a PyTorch archive, one for each tensor."""
_LEGACY_PICKLES = 5
"""Magic number, protocol, system, object and keys, one after the other, in files from before PyTorch 1.6."""


class SafeWeights(NamedTuple):
    """What a safetensors file holds."""

    facts: dict[str, str]
    """Its metadata."""
    state: dict[str, Tensor]


class RefusedFileError(BenchError):
    """A file from outside that is broken, wants to run code, holds something else, or asks for too much memory."""


def read_torch(path: Path, device: str = "cpu") -> Any:
    """Nested dictionaries, lists, numbers, text and tensors of a file that `torch.save` wrote.

    Read with `weights_only`. Raises `RefusedFileError` for any other name in the pickle (functions, classes,
    TorchScript, the tar layout of PyTorch 0.1), compressed or overlapping members, pickles that blow up, and tensors
    that are larger than what is stored of them.
    """
    try:
        with path.open("rb") as stream:
            check_torch(stream)
        return load_tensors(path, device)
    except Exception as error:  # Any exception at all can come out of hostile bytes.
        raise refused(path, error) from error


def refused(path: Path, error: Exception) -> RefusedFileError:
    """The error to raise for what a reader of tensors raised."""
    words = str(error).partition("WeightsUnpickler error: ")
    # PyTorch's own words in front of this tell how to run the file all the same.
    lines = [line.strip() for line in (words[2] or words[0]).splitlines() if line.strip()]
    detail = shown(lines[0].partition(" was not an allowed global")[0] if lines else type(error).__name__, 300)
    if isinstance(error, pickle.UnpicklingError):
        what = f"was refused: it holds more than tensors ({detail}); nothing in it was run"
    else:
        what = f"is no checkpoint: {detail}"
    return RefusedFileError(f"{shown(path)} {what}")


def load_tensors(source: Path | IO[bytes], device: str = "cpu") -> Any:
    """What `read_torch` gives, for a source that `check_torch` has passed."""
    import torch

    content = torch.load(source, map_location=device, weights_only=True)
    for tensor in _tensors(content):
        if tensor.layout != torch.strided or tensor.is_quantized or tensor.is_meta:
            raise pickle.UnpicklingError(f"a tensor is {tensor.layout}, not plain")
        # Tensors of networks never overlap themselves; one that does may be meant to fill the memory when copied.
        if tensor.numel() * tensor.element_size() > tensor.untyped_storage().nbytes():
            raise pickle.UnpicklingError(f"a tensor of {tuple(tensor.shape)} is larger than what is stored of it")
    return content


def check_torch(stream: IO[bytes]) -> None:
    """Look through a file of `torch.save` for what would fill the memory. Raises `pickle.UnpicklingError`."""
    size = stream.seek(0, io.SEEK_END)
    stream.seek(0)
    if zipfile.is_zipfile(stream):
        with zipfile.ZipFile(stream) as bundle:
            _check_zip(bundle, size)
        return
    stream.seek(0)
    for _ in range(_LEGACY_PICKLES):
        check_pickle(stream)


def _check_zip(bundle: zipfile.ZipFile, size: int) -> None:
    entries = bundle.infolist()
    if len(entries) > MAX_ENTRIES:
        raise pickle.UnpicklingError(f"its archive has {len(entries)} files")
    if any(entry.compress_type != zipfile.ZIP_STORED for entry in entries):
        raise pickle.UnpicklingError("its archive is compressed, which PyTorch never does")
    if sum(entry.file_size for entry in entries) > size:
        raise pickle.UnpicklingError("the files of its archive overlap")
    for entry in entries:
        if entry.filename.endswith(".pkl"):
            with bundle.open(entry) as stream:
                check_pickle(stream)


def _tensors(content: Any) -> Iterator[Tensor]:
    """Tensors at any depth, each container looked into once."""
    from torch import Tensor

    pending, seen = [content], set()
    while pending:
        value = pending.pop()
        if isinstance(value, Tensor):
            yield value
        elif isinstance(value, (dict, list, tuple, set)) and id(value) not in seen:
            seen.add(id(value))
            pending += [*value.keys(), *value.values()] if isinstance(value, dict) else value


def read_safetensors(path: Path) -> SafeWeights:
    """Metadata and tensors of a safetensors file. Raises `RefusedFileError`.

    The format holds no code; its reader checks that tensors lie within the file and do not overlap.
    """
    from safetensors import safe_open

    try:
        with path.open("rb") as stream:
            length = int.from_bytes(stream.read(8), "little")
        if length > MAX_HEADER:
            raise ValueError(f"its header claims {length} bytes; at most {MAX_HEADER} are read")
        with safe_open(path, framework="pt") as file:
            state = {key: file.get_tensor(key) for key in file.keys()}  # noqa: SIM118 - not a mapping
            return SafeWeights(dict(file.metadata() or {}), state)
    except Exception as error:  # The library's own kind, and whatever else hostile bytes bring about.
        raise RefusedFileError(f"{shown(path)} is no safetensors file: {shown(error, 300)}") from error


def save_weights(tensors: Mapping[str, Tensor], path: Path, metadata: Mapping[str, str]) -> None:
    """Write `tensors` and `metadata`; an existing file is replaced at once, and everybody may read the result.

    The library lists the metadata in an order that changes from call to call, and files that only their owner can
    read. Weights are known by the hash of their file, so the header is brought into one order here.
    """
    from safetensors.torch import save_file

    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_suffix(".partial")
    save_file(dict(tensors), partial, metadata=dict(metadata))
    _sort_header(partial)
    partial.chmod(0o644)
    partial.replace(path)


def _sort_header(path: Path) -> None:
    """Rewrite the header in place; the tensors behind it stay where they are."""
    with path.open("r+b") as file:
        length = int.from_bytes(file.read(8), "little")
        header = json.loads(file.read(length))
        metadata = header.pop("__metadata__", {})
        ordered = {"__metadata__": dict(sorted(metadata.items())), **header}
        text = json.dumps(ordered, separators=(",", ":"), ensure_ascii=False).encode()
        if len(text) > length:
            raise ValueError(f"{path.name}: the sorted header takes {len(text)} bytes, the library's {length}")
        file.seek(8)
        # The format allows spaces at the header's end.
        file.write(text.ljust(length))
