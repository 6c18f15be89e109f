"""Protocol buffers' wire format, as far as FaceLandmarker's model file needs it to be read."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

_VARINT, _EIGHT_BYTES, _LENGTH, _FOUR_BYTES = 0, 1, 2, 5


def fields(message: int | bytes) -> Iterator[tuple[int, int | bytes]]:
    """(number, value) of every field of `message`: an `int` for varints, the bytes for all else.

    Raises `ValueError` for anything that is not a message.
    """
    if isinstance(message, int):
        raise ValueError("a number is not a message")
    position = 0
    while position < len(message):
        tag, position = _varint(message, position)
        kind = tag & 7
        if kind == _VARINT:
            value, position = _varint(message, position)
            yield tag >> 3, value
            continue
        if kind == _LENGTH:
            size, position = _varint(message, position)
        elif kind in (_EIGHT_BYTES, _FOUR_BYTES):
            size = 8 if kind == _EIGHT_BYTES else 4
        else:
            raise ValueError(f"unknown wire type {kind}")
        if position + size > len(message):
            raise ValueError("message ends within a field")
        yield tag >> 3, message[position : position + size]
        position += size


def floats(value: int | bytes) -> NDArray[np.float32]:
    """A float field, or a packed run of them."""
    if isinstance(value, int):
        raise ValueError("a varint is not a float")
    return np.frombuffer(value, "<f4")


def number(value: int | bytes) -> int:
    """An integer field."""
    if isinstance(value, bytes):
        raise ValueError("bytes are not an integer")
    return value


def _varint(message: bytes, position: int) -> tuple[int, int]:
    result = shift = 0
    while True:
        if position >= len(message):
            raise ValueError("message ends within a number")
        byte = message[position]
        position += 1
        result |= (byte & 0x7F) << shift
        if byte < 0x80:
            return result, position
        shift += 7
