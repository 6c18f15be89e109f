"""Checks of assets, metrics and models: present, to be downloaded, or to be supplied by the user."""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import replace
from functools import lru_cache
from importlib.util import find_spec

from bench_lipsync.harness.assets.catalog import AssetSpec
from bench_lipsync.harness.assets.lookup import asset_available, asset_present, asset_specs
from bench_lipsync.harness.doctor.findings import Finding, State, failed_check
from bench_lipsync.harness.doctor.machine import PACKAGE
from bench_lipsync.harness.registry.metric_names import metric_names
from bench_lipsync.harness.registry.plugins import BOUNDS, MODELS, PACKAGED, SCORERS

DEFAULT_MODEL = "stylelipsync"
PREPARATION = "face_landmarker"
"""The asset without which no clip can be prepared."""
_SEE_LIBRARIES = "see libraries above"


def assets() -> list[Finding]:
    """Check every asset of the catalogue."""
    return [
        Finding("assets", spec.name, _state(spec), _where(spec), _fix(spec), spec.name == PREPARATION)
        for spec in asset_specs()
    ]


def metrics() -> list[Finding]:
    """Check every metric column; a default metric must have at least one that works."""
    known = metric_names()
    scorers = {name: _readiness("metrics", name, _needs(name)) for name in {offer.scorer for offer in known.offers}}
    findings = [
        failed_check("metrics", f"scorer {name}", error, _SEE_LIBRARIES, needed=name in SCORERS.builtin)
        for name, error in known.broken.items()
    ]
    for metric in known.order:
        rows = [(offer.info, scorers[offer.scorer]) for offer in known.offers if offer.info.name == metric]
        works = any(item.state in ("ok", "fetch") for _, item in rows)
        needed = any(info.default for info, _ in rows) and not works
        findings += [replace(item, name=info.column, needed=needed) for info, item in rows]
    return findings


def _needs(scorer: str) -> list[AssetSpec]:
    return [spec for spec in asset_specs() if scorer in spec.scorers]


def models() -> list[Finding]:
    """Check every model by name; bounds need no assets. External models have their own doctor."""
    findings = []
    for name in MODELS.names(external=False):
        needed = name in (DEFAULT_MODEL, *BOUNDS)
        try:
            MODELS.get(name)
        except Exception as error:  # An import can raise anything.
            findings.append(failed_check("models", name, error, _SEE_LIBRARIES, needed))
            continue
        readiness = _readiness("models", name, [spec for spec in asset_specs() if name in spec.models])
        findings.append(replace(readiness, needed=needed))
    return findings


def _readiness(section: str, name: str, needs: Iterable[AssetSpec]) -> Finding:
    """State of a plugin that needs these assets and, where `PACKAGED` names one, a file of the package."""
    if name in PACKAGED.names() and not (path := PACKAGED.get(name)).is_file():
        if section == "models":  # The user's own weights also work.
            fix = f"--model {name}:FILE takes yours, bench train {name} makes some"
            return Finding(section, name, "missing", "the package has no weights for it", fix)
        return Finding(section, name, "broken", f"{path.name} of the package is not there", "take a whole checkout")
    needs = list(needs)
    libraries = [spec.library for spec in needs if spec.library and find_spec(spec.library) is None]
    waiting = [spec for spec in needs if not asset_present(spec.name)]
    states = [_state(spec) for spec in waiting]
    if libraries:
        states.append("missing")
    worst: State = next((state for state in ("missing", "broken", "fetch") if state in states), "ok")
    names = ", ".join([*(spec.name for spec in waiting), *libraries])
    detail = {"ok": "", "fetch": f"fetches {names} first"}.get(worst, f"needs {names}")
    fixes = [*(_fix(spec) for spec in waiting), *(f"pip install '{PACKAGE}[{library}]'" for library in libraries)]
    return Finding(section, name, worst, detail, "; ".join(fixes))


def _state(spec: AssetSpec) -> State:
    if asset_present(spec.name):
        return "ok"
    if not asset_available(spec.name) or spec.asks_first:
        return "missing"
    return "fetch" if not spec.on_index or index_problem(spec.sources[0]) is None else "broken"


def _where(spec: AssetSpec) -> str:
    size = f"{spec.size / 1e6:.0f} MB"
    if asset_present(spec.name):
        return f"here, {size}; {spec.used_by}"
    problem = index_problem(spec.sources[0]) if asset_available(spec.name) and spec.on_index else None
    offer = "can be fetched" if not spec.asks_first else f"fetched only when you ask ({spec.licence})"
    status = problem or (offer if asset_available(spec.name) else "not on the package index")
    return f"{status}, {size}; {spec.used_by}"


def _fix(spec: AssetSpec) -> str:
    if asset_present(spec.name):
        return ""
    if asset_available(spec.name):
        return f"bench assets fetch {spec.name}"
    fetch = f"bench assets fetch {spec.name}, or " if spec.sources else ""
    return f"{fetch}bench assets add {spec.name} FILE, from {spec.page}"


@lru_cache(maxsize=1)
def index_problem(source: str) -> str | None:
    """The reason why the package index is out of reach, or `None` if it answers.

    One request is sent in the life of the process, for the project of `source`.
    """
    if os.environ.get("BENCH_OFFLINE", "0") not in ("", "0"):
        return "BENCH_OFFLINE is set"
    import requests

    from bench_lipsync.harness.assets.fetch import parse_pypi
    from bench_lipsync.harness.assets.package_index import index_urls, make_session, without_credentials

    index = index_urls()[0]
    page = f"{without_credentials(index).rstrip('/')}/{parse_pypi(source).project}/"
    try:
        make_session(index).head(page, timeout=3, allow_redirects=True).close()
    except requests.RequestException as error:
        return f"the package index does not answer ({type(error).__name__})"
    return None
