"""The gate's verdicts for a terminal, a pull request and programs; a baseline for a terminal."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import asdict
from typing import TYPE_CHECKING

from bench_lipsync.harness.gate.baseline import Baseline
from bench_lipsync.harness.gate.verdicts import Finding, GateResult, Verdict
from bench_lipsync.harness.util.sanitize import printable
from bench_lipsync.reports.escape import markdown
from bench_lipsync.reports.table.format import ARROWS, decimals_for, format_value
from bench_lipsync.reports.terminal import terminal

if TYPE_CHECKING:
    from rich.console import Console

HEAD = ("Row", "Number", "Baseline", "Candidate", "Change", "Allowed", "p", "Verdict")
_SIGNS = {Verdict.OK: "✅", Verdict.BETTER: "✅", Verdict.UNSURE: "⚠️", Verdict.SHOWN: "➖", Verdict.NEW: "➖"}
_FAIL = "❌"
_WIDTH = 140
_COLOURS = {Verdict.OK: "green", Verdict.BETTER: "green", Verdict.UNSURE: "yellow"}
_QUIET = (Verdict.OK, Verdict.SHOWN, Verdict.NEW)


def headline(result: GateResult) -> str:
    """One line: passed or failed, and how many of how many numbers."""
    if result.failed:
        return f"gate failed: {len(result.failed)} of {result.judged} numbers ({_counted(result.failed)})"
    unsure = sum(finding.verdict == Verdict.UNSURE for finding in result.findings)
    return f"gate passed: {result.judged} numbers" + (f", {unsure} of them unsure" if unsure else "")


def _counted(findings: tuple[Finding, ...]) -> str:
    return ", ".join(f"{count} {verdict}" for verdict, count in Counter(f.verdict for f in findings).items())


def cells(finding: Finding) -> tuple[str, ...]:
    """A finding under `HEAD`."""
    # Two digits more than a table of results would have: differences are smaller than values.
    digits = min(6, decimals_for([finding.base, finding.candidate]) + 1)
    moved = None
    if finding.base is not None and finding.candidate is not None:
        moved = finding.candidate - finding.base
    return (
        finding.model or "(run)",
        f"{finding.column} {ARROWS[finding.direction]}".rstrip(),
        _number(finding.base, digits),
        _number(finding.candidate, digits),
        _number(moved, digits, plus=True),
        _number(finding.allowed, digits),
        "" if finding.p is None else f"{finding.p:.2g}",
        str(finding.verdict),
    )


def _number(value: float | None, digits: int, *, plus: bool = False) -> str:
    return "" if value is None else f"{value:{'+' if plus else ''}.{digits}f}"


def gate_markdown(result: GateResult) -> str:
    """For a pull request or a job's summary: what failed first, the rest folded away."""
    loud = [finding for finding in result.findings if finding.verdict not in _QUIET]
    quiet = [finding for finding in result.findings if finding.verdict in _QUIET]
    lines = [
        f"### {_FAIL if result.failed else _SIGNS[Verdict.OK]} {headline(result)}",
        "",
        f"{markdown(result.candidate)} against {markdown(result.base)}",
    ]
    if loud:
        lines += ["", *_table(sorted(loud, key=lambda finding: not finding.fails))]
    if quiet:
        lines += ["", f"<details><summary>{len(quiet)} more numbers</summary>", "", *_table(quiet), "", "</details>"]
    lines += [line for notice in result.notices for line in ("", f"Note: {markdown(notice)}")]
    return "\n".join(lines) + "\n"


def _table(findings: list[Finding]) -> list[str]:
    head = [*HEAD, "Why"]
    lines = [f"| {' | '.join(head)} |", f"|{'---|' * 2}{'---:|' * 5}{'---|' * 2}"]
    for finding in findings:
        *texts, verdict = map(markdown, cells(finding))
        texts.append(f"{_SIGNS.get(finding.verdict, _FAIL)} {verdict}")
        lines.append(f"| {' | '.join([*texts, markdown(finding.reason)])} |")
    return lines


def gate_json(result: GateResult) -> str:
    """Everything, unrounded."""
    data = {
        "passed": result.passed,
        "headline": headline(result),
        "base": result.base,
        "candidate": result.candidate,
        "findings": [{**asdict(finding), "fails": finding.fails} for finding in result.findings],
        "notices": list(result.notices),
    }
    return json.dumps(data, indent=1, ensure_ascii=False) + "\n"


def print_gate(result: GateResult, console: Console | None = None) -> None:
    """The table on a terminal, and under it why something failed."""
    from rich import box
    from rich.table import Table
    from rich.text import Text

    target = terminal(console, _WIDTH)
    table = Table(box=box.SIMPLE_HEAD, padding=(0, 1))
    for place, name in enumerate(HEAD):
        table.add_column(name, justify="right" if 2 <= place <= 6 else "left", overflow="fold")
    steady = [finding for finding in result.findings if finding.bound and finding.verdict == Verdict.OK]
    for finding in result.findings:
        if finding.bound and not finding.fails:
            continue
        *texts, verdict = (Text(printable(text)) for text in cells(finding))
        verdict.stylize("bold red" if finding.fails else _COLOURS.get(finding.verdict, "dim"))
        table.add_row(*texts, verdict)
    target.print(table)
    if steady:
        target.print(f"{len(steady)} numbers of bound rows did not move")
    for finding in result.findings:
        if finding.reason and finding.verdict not in _QUIET and finding.verdict != Verdict.BETTER:
            where = f"{finding.model or '(run)'}, {finding.column}"
            target.print(Text(printable(f"{finding.verdict}: {where}: {finding.reason}")), soft_wrap=True)
    for notice in result.notices:
        target.print(Text(printable(f"note: {notice}")), soft_wrap=True)
    target.print(Text(headline(result), style="bold red" if result.failed else "bold green"))


def print_baseline(baseline: Baseline, console: Console | None = None) -> None:
    """Print a baseline: its table, then the clips, the origin and the signatures of its numbers."""
    from rich import box
    from rich.table import Table
    from rich.text import Text

    target = terminal(console, _WIDTH)
    table = Table(box=box.SIMPLE_HEAD, padding=(0, 1))
    table.add_column("Number", no_wrap=True, min_width=max(map(len, baseline.measured), default=0) + 2)
    for name in baseline.models:
        table.add_column(Text(printable(name)), justify="right", overflow="fold")
    for column, facts in baseline.columns.items():
        values = [row.metrics.get(column) for row in baseline.models.values()]
        numbers = [value.value if value else None for value in values]
        if any(number is not None for number in numbers):
            digits = decimals_for(numbers)
            label = Text(printable(f"{column} {ARROWS[facts.direction]}"))
            table.add_row(label, *(format_value(number, digits) for number in numbers))
    target.print(table)
    identities = len({clip.identity for clip in baseline.clips.values()})
    spec = ", ".join(f"{key} {value}" for key, value in baseline.spec.items() if value is not None)
    lines = [
        f"{len(baseline.clips)} clips of {identities} identities; {spec}",
        f"made {baseline.created} by bench {baseline.bench} on {baseline.device}",
    ]
    lines += sorted(baseline.columns[column].signature for column in baseline.measured)
    for line in lines:
        target.print(Text(printable(line)), soft_wrap=True)
