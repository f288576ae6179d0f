"""Findings as lines for a terminal, and as JSON. Pure."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Final

from pipeline.doctor.checks import Finding, Verdict, exit_status

NAME_WIDTH: Final = 25
VERDICT_WIDTH: Final = 8
FEW: Final = 3
_COLOURS: Final = {
    Verdict.OK: "\033[32m",
    Verdict.DIFFERS: "\033[1;33m",
    Verdict.FAILED: "\033[1;31m",
    Verdict.SKIPPED: "\033[2m",
}
_PLAIN: Final = "\033[0m"
_BOLD: Final = "\033[1m"


def heading(topic: str, about: str, *, colour: bool) -> str:
    """Above the findings of a topic."""
    title = f"{_BOLD}{topic}{_PLAIN}" if colour else topic
    return f"\n{title}{f'  {about}' if about else ''}"


def lines(finding: Finding, *, colour: bool) -> list[str]:
    """One line when it is as expected, else what was expected as well."""
    word = finding.verdict.value.ljust(VERDICT_WIDTH)
    if colour:
        word = f"{_COLOURS[finding.verdict]}{word}{_PLAIN}"
    indent = " " * (VERDICT_WIDTH + 3 + NAME_WIDTH)
    out = [f"  {word} {finding.check.name.ljust(NAME_WIDTH)}{one_line(finding.seen)}"]
    if finding.verdict in (Verdict.DIFFERS, Verdict.FAILED):
        out += [
            f"{indent}expected: {finding.check.expected}",
            f"{indent}see {finding.check.page}",
        ]
    return out


def skipped_lines(findings: Sequence[Finding], *, colour: bool) -> list[str]:
    """Checks that were skipped for one reason: a few by name, many by their number."""
    if len(findings) <= FEW:
        return [line for finding in findings for line in lines(finding, colour=colour)]
    word = Verdict.SKIPPED.value.ljust(VERDICT_WIDTH)
    if colour:
        word = f"{_COLOURS[Verdict.SKIPPED]}{word}{_PLAIN}"
    many = f"{len(findings)} checks".ljust(NAME_WIDTH)
    return [f"  {word} {many}{one_line(findings[0].seen)}"]


def one_line(text: str) -> str:
    """What a server or a file said, without control characters."""
    return "".join(char if char.isprintable() else " " for char in text)


def summary(findings: Iterable[Finding]) -> str:
    """The last line."""
    counts = Counter(finding.verdict for finding in findings)
    told = [f"{counts[verdict]} {verdict.value}" for verdict in Verdict if counts[verdict]]
    return ", ".join(told) or "nothing was checked"


def as_json(findings: Sequence[Finding], about: dict[str, str]) -> str:
    """One object: what was talked to, the findings, and the exit status."""
    listed = [
        {
            "topic": finding.check.topic,
            "name": finding.check.name,
            "verdict": finding.verdict.value,
            "seen": finding.seen,
            "expected": finding.check.expected,
            "page": finding.check.page,
        }
        for finding in findings
    ]
    document = {**about, "findings": listed, "exitStatus": exit_status(findings)}
    return json.dumps(document, indent=2, ensure_ascii=False)
