"""Writing safetensors so that the same weights give the same bytes."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import Tensor


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
