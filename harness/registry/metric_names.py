"""The metrics that exist: every scorer, built in or of another package, describes its own.

Asking imports the modules of all scorers and loads no network. Nothing here runs for `bench --help`.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

from bench_lipsync.harness.api.metric import MetricInfo
from bench_lipsync.harness.errors import BenchError, suggest
from bench_lipsync.harness.registry.plugins import SCORERS

logger = logging.getLogger(__name__)
ALIASES: Mapping[str, str] = {"Sync-C": "LSE-C", "Sync-D": "LSE-D"}
"""Other names that papers give to a metric: read wherever a metric is named, and written nowhere."""


class Offer(NamedTuple):
    """A metric that a scorer gives."""

    scorer: str
    """Name in `harness.registry.plugins.SCORERS`."""
    info: MetricInfo


@dataclass(frozen=True)
class MetricNames:
    """All offers in the order of the table's columns, and the words that ask for them."""

    offers: tuple[Offer, ...]
    broken: Mapping[str, Exception]
    """Scorers that could not be asked."""

    @property
    def names(self) -> tuple[str, ...]:
        """Names that need no variant: `LSE-C`, `FID`."""
        return tuple(dict.fromkeys(offer.info.name for offer in self.offers if not offer.info.on_request))

    @property
    def order(self) -> tuple[str, ...]:
        """Every name once, in the order of the table's columns."""
        return tuple(dict.fromkeys((*self.names, *(offer.info.name for offer in self.offers))))

    @property
    def default(self) -> tuple[str, ...]:
        """Names that a run computes when none are requested, in the order of the table's columns.

        Raises `BenchError` where a built-in scorer cannot be imported, because the list would be incomplete.
        """
        self.require_builtin()
        infos = (offer.info for offer in self.offers)
        return tuple(dict.fromkeys(info.name for info in infos if info.default and not info.on_request))

    def require_builtin(self) -> None:
        """Raise `BenchError` unless every built-in scorer could be asked."""
        for name in SCORERS.builtin & self.broken.keys():
            raise BenchError(f"the default metrics are not known: scorer {name!r} is broken ({self.broken[name]})")

    @property
    def all(self) -> tuple[str, ...]:
        """What `--metrics all` asks for: every metric by its name, and the variants that the name alone leaves out."""
        rest = (offer.info for offer in self.offers if offer.info.on_request)
        return (*self.names, *dict.fromkeys(_by_name_first(self.order, [info.column for info in rest])))

    @property
    def words(self) -> tuple[str, ...]:
        """All words of `harness.run.spec.RunSpec.metrics`: names, then every variant."""
        variants = [word for word in self._asked_by if "[" in word]
        return (*self.names, *_by_name_first(self.order, variants))

    def ask(self, word: str) -> tuple[Offer, ...]:
        """What `NAME` or `NAME[VARIANT]` asks for, upper or lower case.

        Raises `BenchError` for a metric that nobody computes, with the nearest word.
        """
        lower = {known.lower(): known for known in self._asked_by}
        if (own := own_name(word).lower()) in lower:
            return self._asked_by[lower[own]]
        known = f"known: {', '.join(self.names)}, and the variants of `bench list metrics`"
        hint = suggest(word, [*self._asked_by, *ALIASES], limit=1, otherwise=known)
        unable = "".join(f"; scorer {name!r} could not be asked ({error})" for name, error in self.broken.items())
        raise BenchError(f"no metric is called {word!r}; {hint}{unable}")

    @cached_property
    def _asked_by(self) -> dict[str, tuple[Offer, ...]]:
        offers: dict[str, list[Offer]] = {name: [] for name in self.names}
        for offer in self.offers:
            info = offer.info
            words = [f"{info.name}[{variant}]" for variant in (info.variant, *info.aliases)]
            for word in words if info.on_request else [info.name, *words]:
                offers.setdefault(word, []).append(offer)
        return {word: tuple(offers) for word, offers in offers.items()}


def own_name(word: str) -> str:
    """`LSE-C[open-syncnet]` for `Sync-C[open-syncnet]`, upper or lower case; any other word as it is."""
    name, bracket, variant = word.partition("[")
    return {alias.lower(): own for alias, own in ALIASES.items()}.get(name.lower(), name) + bracket + variant


def metric_names() -> MetricNames:
    """Ask every scorer. One that cannot be asked is told in the log, and in the error if its metric is wanted."""
    offers: list[Offer] = []
    broken: dict[str, Exception] = {}
    for scorer in SCORERS.in_order():
        try:
            offers += [Offer(scorer, info) for info in SCORERS.get(scorer).describe()]
        except Exception as error:  # An import can fail in any way.
            logger.warning("scorer %s cannot say what it measures: %s: %s", scorer, type(error).__name__, error)
            broken[scorer] = error
    return MetricNames(tuple(offers), broken)


def _name(word: str) -> str:
    return word.partition("[")[0]


def _by_name_first(order: tuple[str, ...], words: list[str]) -> list[str]:
    """`words` by the metric that they name, otherwise as they came."""
    return sorted(words, key=lambda word: order.index(_name(word)))
