"""Reading and changing the boxes of an MP4 file, byte by byte."""

from __future__ import annotations

from collections.abc import Sequence

_HEADER = 8


def find_box(data: bytes, path: Sequence[str]) -> tuple[int, int]:
    """Start (of the size field) and end of the first box at `path`, e.g. `["moov", "trak"]`. Raises `KeyError`."""
    start, end = 0, len(data)
    for depth, name in enumerate(path):
        start, end = _child(data, start + (_HEADER if depth else 0), end, name.encode())
    return start, end


def _child(data: bytes, start: int, end: int, name: bytes) -> tuple[int, int]:
    while start + _HEADER <= end:
        size = int.from_bytes(data[start : start + 4], "big")
        if data[start + 4 : start + 8] == name:
            return start, start + size
        start += max(size, _HEADER)
    raise KeyError(name)


def patch_box(data: bytes, path: Sequence[str], offset: int, new: bytes) -> bytes:
    """Overwrite bytes of the box at `path` from `offset` on, counted from its size field."""
    start, end = find_box(data, path)
    place = start + offset
    assert place + len(new) <= end, path
    return data[:place] + new + data[place + len(new) :]


def in_box(data: bytes, path: Sequence[str], old: bytes, new: bytes) -> bytes:
    """Replace the first `old` inside the box at `path` by `new` of the same length."""
    start, end = find_box(data, path)
    return data[:start] + data[start:end].replace(old, new, 1) + data[end:]


def replace_box(data: bytes, path: Sequence[str], name: bytes, body: bytes) -> bytes:
    """Put a new box in the place of the one at `path`; boxes around it grow. The index must lie behind the media."""
    start, end = find_box(data, path)
    box = (_HEADER + len(body)).to_bytes(4, "big") + name + body
    grown = len(box) - (end - start)
    result = data[:start] + box + data[end:]
    for depth in range(1, len(path)):
        outer, outer_end = find_box(data, path[:depth])
        result = result[:outer] + (outer_end - outer + grown).to_bytes(4, "big") + result[outer + 4 :]
    return result
