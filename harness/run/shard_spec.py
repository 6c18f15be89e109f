"""A run in parts, for batch queues: which clips a part is about."""

from __future__ import annotations

import re
from typing import NamedTuple

from bench_lipsync.harness.errors import BenchError


class Shard(NamedTuple):
    """Part `number` of `count`; the first is 1."""

    number: int
    of: int

    @classmethod
    def parse(cls, text: str) -> Shard:
        """Read `2/8`. Raises `BenchError`."""
        found = re.fullmatch(r"(\d{1,6})/(\d{1,6})", text.strip())
        shard = cls(*map(int, found.groups())) if found else cls(0, 0)
        if not 1 <= shard.number <= shard.of:
            raise BenchError(f"--shard {text!r}: expected NUMBER/COUNT from 1/COUNT to COUNT/COUNT, for example 2/8")
        return shard

    @property
    def name(self) -> str:
        """`shard-2-of-8`."""
        return f"shard-{self.number}-of-{self.of}"

    def indexes(self, clips: int) -> range:
        """Which of `clips`, sorted by id, are its own: neighbours, because donors are near."""
        return range((self.number - 1) * clips // self.of, self.number * clips // self.of)
