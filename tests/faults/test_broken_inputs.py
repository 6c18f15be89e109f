"""Hundreds of broken, hostile and odd inputs through the real code: a typed end for each, in time, in memory, at home.

By default a fixed sample; all of them with `BENCH_FAULTS=full`. docs/hostile_input.md says what is among them.
"""

from __future__ import annotations

import os
import re
import shutil
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from broken_campaign import Campaign, Told, counting_server, make_canary
from broken_case import Case
from broken_files import all_cases

pytestmark = pytest.mark.faults
FULL = os.environ.get("BENCH_FAULTS") == "full"
MAX_SECONDS = 25.0
"""Of processor time for one input; most take hundredths of a second."""
MAX_MEGABYTES = 900.0
"""By which one input may raise the peak of memory; the largest legal pictures take most of it."""
_LEFT_TO_ITSELF = re.compile(r'"(?:/dev/(?:null|shm|urandom|tty)|/proc/|/sys/)')


@dataclass
class Outcome:
    """The whole campaign."""

    cases: dict[str, Case]
    told: list[Told]
    hits: list[str]
    scratch: Path
    trace: Path | None
    canary: Path


@pytest.fixture(scope="module")
def outcome(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Outcome]:
    """Run once for all tests below."""
    shared = Path(__file__).resolve().parents[3] / "shared"
    cases = all_cases(shared if FULL and shared.is_dir() else None)
    names = [name for name, case in cases.items() if FULL or case.core]
    folder = tmp_path_factory.mktemp("broken")
    trace = folder / "trace.txt" if shutil.which("strace") else None
    with counting_server() as (address, hits):
        campaign = Campaign(folder, make_canary(folder), address, shared if FULL and shared.is_dir() else None, trace)
        told = list(campaign.run(names))
    yield Outcome(cases, told, hits, folder, trace, campaign.canary)
    _print_table(told)


def _print_table(told: list[Told]) -> None:
    groups = Counter((one.name.split("/")[0], status) for one in told for status in one.statuses)
    for (group, status), count in sorted(groups.items()):
        print(f"{group:12} {status:14} {count}")


def _wrong(outcome: Outcome, judge: object) -> list[str]:
    return [f"{one.name}: {found}" for one in outcome.told if (found := judge(one))]  # type: ignore[operator]


@pytest.mark.timeout(3600)
def test_every_input_ends_in_a_status_that_fits(outcome: Outcome) -> None:
    assert len(outcome.told) == (len(outcome.cases) if FULL else sum(case.core for case in outcome.cases.values()))
    assert len(outcome.cases) >= 200

    def judge(one: Told) -> object:
        return one.ends if not one.ends or not one.statuses <= outcome.cases[one.name].accept else None

    assert not _wrong(outcome, judge)


def test_legal_inputs_come_out_as_the_reference_does(outcome: Outcome) -> None:
    def judge(one: Told) -> object:
        case = outcome.cases[one.name]
        expected = 42 if case.frames is None else case.frames
        odd = [
            end
            for end in one.ends
            if end["status"] == "ok"
            and one.name.startswith(("legal/", "beside/"))
            and (abs(end["frames"] - expected) > 1 or end.get("difference", 0.0) > case.tolerance)
        ]
        return odd

    assert not _wrong(outcome, judge)


def test_nothing_takes_long_or_fills_the_memory(outcome: Outcome) -> None:
    def judge(one: Told) -> object:
        slow, large = one.seconds > MAX_SECONDS, one.megabytes > MAX_MEGABYTES
        return f"{one.seconds} s, {one.megabytes} MB" if slow or large else None

    assert not _wrong(outcome, judge)


def test_reasons_are_lines_for_people(outcome: Outcome) -> None:
    def judge(one: Told) -> object:
        case = outcome.cases[one.name]
        reasons = [end["reason"] for end in one.ends if end["status"] not in ("ok", "loaded", "extracted")]
        bad = [
            reason
            for reason in reasons
            if not reason or not reason.isprintable() or len(reason) > 900 or "Traceback" in reason
        ]
        missing = case.says and not any(case.says in reason for reason in reasons)
        return bad or one.log or (f"does not say {case.says}: {reasons}" if missing else None)

    assert not _wrong(outcome, judge)


def test_nothing_outside_is_read_written_or_asked(outcome: Outcome) -> None:
    assert not outcome.hits, "somebody asked the network on behalf of a file"
    assert not _wrong(outcome, lambda one: one.broken_rules or one.owned)
    shown = [one.name for one in outcome.told if any("CANARY" in end["reason"] for end in one.ends)]
    assert not shown


def test_the_kernel_agrees(outcome: Outcome) -> None:
    """strace's list of everything that was opened, renamed and connected to, FFmpeg's own doings included."""
    if outcome.trace is None:
        pytest.skip("NOT CHECKED by strace: it is not installed")
    lines = outcome.trace.read_text(errors="replace").splitlines()
    assert any("a.mp4" in line for line in lines), "the trace saw nothing"
    assert not [line for line in lines if "/CANARY-7f3a/" in line and "symlink" not in line]
    assert not [line for line in lines if "connect(" in line and "AF_INET" in line]
    home = (str(outcome.scratch), os.environ.get("BENCH_CACHE", "\0"), "__pycache__")
    writes = [line for line in lines if "O_WRONLY" in line or "O_RDWR" in line or "rename" in line]
    away = [line for line in writes if not any(place in line for place in home) and not _LEFT_TO_ITSELF.search(line)]
    assert not [line for line in away if re.search(r'"(/|\.\.)', line) and "ENOENT" not in line], away[:5]
