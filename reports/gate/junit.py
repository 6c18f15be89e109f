"""The gate's answer as JUnit XML, which every CI system can show: a suite a row, a test case a number."""

from __future__ import annotations

from xml.etree import ElementTree as Xml  # only writes

from bench_lipsync.harness.gate.verdicts import Finding, GateResult, Verdict
from bench_lipsync.harness.util.sanitize import printable
from bench_lipsync.reports.gate.text import HEAD, cells

_SKIPPED = (Verdict.SHOWN, Verdict.NEW)


def gate_junit(result: GateResult) -> str:
    """Failing numbers are failures, those that no rule judges are skipped; an unsure one passes and says so."""
    root = Xml.Element("testsuites", {"name": "bench compare", **_counts(result.findings)})
    for model in dict.fromkeys(finding.model for finding in result.findings):
        findings = tuple(finding for finding in result.findings if finding.model == model)
        name = printable(model or "(run)")
        suite = Xml.SubElement(root, "testsuite", {"name": name, **_counts(findings)})
        for finding in findings:
            _case(suite, f"bench.{name}", finding)
    Xml.indent(root, " ")
    return Xml.tostring(root, encoding="unicode", xml_declaration=True) + "\n"


def _counts(findings: tuple[Finding, ...]) -> dict[str, str]:
    counts = {
        "tests": len(findings),
        "failures": sum(finding.fails for finding in findings),
        "skipped": sum(finding.verdict in _SKIPPED for finding in findings),
        "errors": 0,
    }
    return {key: str(count) for key, count in counts.items()}


def _case(suite: Xml.Element, owner: str, finding: Finding) -> None:
    case = Xml.SubElement(suite, "testcase", {"classname": owner, "name": printable(finding.column), "time": "0"})
    details = printable(
        "; ".join(f"{name} {text}" for name, text in zip(HEAD[2:], cells(finding)[2:], strict=True) if text)
    )
    message = printable(f"{finding.verdict}: {finding.reason}")
    if finding.fails:
        Xml.SubElement(case, "failure", {"message": message, "type": str(finding.verdict)}).text = details
    elif finding.verdict in _SKIPPED:
        Xml.SubElement(case, "skipped", {"message": message})
    else:
        Xml.SubElement(case, "system-out").text = f"{details}; {finding.reason}" if finding.reason else details
