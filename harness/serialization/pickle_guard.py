"""Static check for pickle bombs: walks the opcodes without executing them.

Which names a pickle may load is up to the loader. This is about pickles that load nothing and still fill the memory or
never end: a table of references with an entry number of two billion, or tuples of tuples that stand for
more values than there is time to count.
"""

from __future__ import annotations

import pickle
import pickletools
from typing import IO, Any

MAX_VALUES = 5_000_000
"""Values that one object may stand for, shared ones counted wherever they occur."""
_MARK = -1
_PUTS = frozenset({"PUT", "BINPUT", "LONG_BINPUT"})
_GETS = frozenset({"GET", "BINGET", "LONG_BINGET"})


def check_pickle(stream: IO[bytes]) -> None:
    """Read one pickle from `stream` to its end. Raises `pickle.UnpicklingError` for one that is broken or a bomb."""
    argument: Any
    stack: list[int] = []  # of each object how many values it stands for
    memo: dict[int, int] = {}
    try:
        for count, (opcode, argument, _) in enumerate(pickletools.genops(stream)):
            if opcode.name in _PUTS:
                if argument > count:
                    raise pickle.UnpicklingError(f"it numbers an object {argument} after {count} instructions")
                memo[argument] = stack[-1]
            elif opcode.name == "MEMOIZE":
                memo[len(memo)] = stack[-1]
            elif opcode.name in _GETS:
                stack.append(memo[argument])
            elif opcode.name == "DUP":
                stack.append(stack[-1])
            else:
                _apply(opcode, stack)
    except (ValueError, IndexError, KeyError, OverflowError, MemoryError) as error:
        raise pickle.UnpicklingError(f"it is broken: {error}") from error


def _apply(opcode: Any, stack: list[int]) -> None:
    """Take what the instruction takes from the stack and put down how many values its results stand for."""
    before, after = opcode.stack_before, opcode.stack_after
    taken: list[int] = []
    if pickletools.markobject in before or (opcode.name == "POP" and stack[-1] == _MARK):
        mark = len(stack) - 1 - stack[::-1].index(_MARK)
        taken = stack[mark + 1 :]
        del stack[mark:]
        before = before[: before.index(pickletools.markobject)] if pickletools.markobject in before else []
    if before:
        taken += stack[-len(before) :]
        del stack[-len(before) :]
    size = 1 + sum(taken)
    if size > MAX_VALUES:
        raise pickle.UnpicklingError(f"it stands for more than {MAX_VALUES:,} values")
    stack += [_MARK if kind is pickletools.markobject else size for kind in after]
