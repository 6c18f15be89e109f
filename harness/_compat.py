"""What newer Pythons have and 3.10 does not."""

from __future__ import annotations

import sys

if sys.version_info >= (3, 11):
    from enum import StrEnum
else:
    from enum import Enum

    class StrEnum(str, Enum):
        """Members are strings and print as their value (as `enum.StrEnum` does from Python 3.11 on)."""

        __str__ = str.__str__


__all__ = ["StrEnum"]
