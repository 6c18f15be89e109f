"""Weights files: tensors read from untrusted files without running code, and safetensors with reproducible bytes."""

from __future__ import annotations

import io
import json
import pickle
import zipfile
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, NamedTuple, TypeVar

from bench_lipsync.harness.errors import BenchError, validate
from bench_lipsync.harness.serialization.pickle_guard import check_pickle
from bench_lipsync.harness.util.files import appearing
from bench_lipsync.harness.util.sanitize import shown

if TYPE_CHECKING:
    from torch import Tensor, nn

C = TypeVar("C")
M = TypeVar("M", bound="nn.Module")
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


def read_labelled(path: Path, key: str, label: str) -> SafeWeights:
    """`read_safetensors` of a file whose metadata says `key` = `label`; half precision becomes float32.

    Raises:
        RefusedFileError: For files that are broken.
        BenchError: For files of another label.

    """
    facts, state = read_safetensors(path)
    if facts.get(key) != label:
        raise BenchError(f"{shown(path)} has {key} {shown(facts.get(key))!r} in its metadata, not {label!r}")
    return SafeWeights(facts, {name: _full_precision(tensor) for name, tensor in state.items()})


def load_model(
    path: Path, label: tuple[str, str], config_type: type[C], build: Callable[[C], M], title: str
) -> tuple[M, dict[str, str]]:
    """A network from a safetensors file with its configuration, as JSON, in the metadata.

    Args:
        path: Of the file.
        label: Key and value of the metadata that say what the file holds.
        config_type: pydantic model or dataclass of the configuration.
        build: Makes the network.
        title: What the network is called in errors.

    Returns:
        The network in evaluation mode on the CPU, float32, and the metadata.

    Raises:
        BenchError: For missing, broken and foreign files, and for tensors that do not fit.

    """
    facts, state = read_labelled(path, *label)
    config = validate(config_type, facts.get("config", ""), f"{shown(path)} has metadata that is not understood")
    return fill_model(path, state, lambda: build(config), title), facts


def fill_model(path: Path, state: Mapping[str, Any], build: Callable[[], M], title: str) -> M:
    """The network that `build` makes with the tensors of `state`, in evaluation mode, float32.

    Raises:
        BenchError: Naming `path`, `title` and the tensors that are missing, unexpected or of another shape.

    """
    import torch

    # Without memory: random initialisation takes longer than loading, and a configuration may ask for any size.
    with torch.device("meta"):
        net = build()
    expected = {name: tuple(tensor.shape) for name, tensor in net.state_dict().items()}
    if odd := [str(name) for name, value in state.items() if not isinstance(value, torch.Tensor)]:
        raise BenchError(f"{shown(path)} does not fit {title}: {shown(odd[0])!r} is no tensor")
    actual = {name: tuple(tensor.shape) for name, tensor in state.items()}
    missing, extra = sorted(expected.keys() - actual.keys()), sorted(actual.keys() - expected.keys())
    shapes = sorted(name for name in actual.keys() & expected.keys() if actual[name] != expected[name])
    kinds = [("missing", missing), ("unexpected", extra), ("of another shape", shapes)]
    if wrong := [f"{len(names)} {kind}, such as {shown(names[0])}" for kind, names in kinds if names]:
        raise BenchError(f"{shown(path)} does not fit {title}: {'; '.join(wrong)}")
    net.load_state_dict(state, assign=True)
    return net.float().eval()


def _full_precision(tensor: Tensor) -> Tensor:
    return tensor.float() if tensor.is_floating_point() else tensor


def save_weights(tensors: Mapping[str, Tensor], path: Path, metadata: Mapping[str, str], *, half: bool = False) -> None:
    """Write `tensors` and `metadata`; an existing file is replaced at once, and everybody may read the result.

    `half` stores numbers in half precision. The library lists the metadata in an order that changes from call to call.
    Weights are known by the hash of their file, so the header is brought into one order here.
    """
    from safetensors.torch import save

    # Copies: the library refuses tensors that share memory.
    stored = {name: tensor.detach().cpu().contiguous().clone() for name, tensor in tensors.items()}
    if half:
        stored = {name: tensor.half() if tensor.is_floating_point() else tensor for name, tensor in stored.items()}
    # Written here and not by the library, whose error for a full disk is no `OSError`.
    content = _with_sorted_header(save(stored, metadata=dict(metadata)))
    with appearing(path) as partial:
        partial.write_bytes(content)


def _with_sorted_header(content: bytes) -> bytes:
    """The same file with its metadata sorted; the tensors behind the header stay where they are."""
    length = int.from_bytes(content[:8], "little")
    header = json.loads(content[8 : 8 + length])
    metadata = header.pop("__metadata__", {})
    ordered = {"__metadata__": dict(sorted(metadata.items())), **header}
    text = json.dumps(ordered, separators=(",", ":"), ensure_ascii=False).encode()
    if len(text) > length:
        raise ValueError(f"the sorted header takes {len(text)} bytes, the library's {length}")
    # The format allows spaces at the header's end.
    return content[:8] + text.ljust(length) + content[8 + length :]
