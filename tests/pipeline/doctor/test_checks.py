"""The list of assumptions, and what a run of them amounts to."""

from pathlib import Path

import pytest

from pipeline.doctor.checks import (
    CHECKS,
    IMAGES,
    INSTALLATION,
    LIVE,
    Verdict,
    exit_status,
    failed,
    finding,
    judged,
    skipped,
)

ROOT = Path(__file__).resolve().parents[3]


def test_each_check_names_a_page_that_exists_and_words_that_stand_there() -> None:
    for check in CHECKS.values():
        page, _, place = check.page.partition(", ")
        text = (ROOT / page).read_text("utf-8")
        assert place in text, check.name


def test_the_topics() -> None:
    assert {check.topic for check in CHECKS.values()} == {INSTALLATION, LIVE, IMAGES}


def test_the_page_of_the_doctor_lists_each_check() -> None:
    page = (ROOT / "docs" / "doctor.md").read_text("utf-8")
    assert [name for name in CHECKS if f"| {name} |" not in page] == []


def test_findings_of_what_is_no_check_are_a_mistake() -> None:
    with pytest.raises(KeyError):
        finding("weather", Verdict.OK, "fine")


@pytest.mark.parametrize(
    ("verdicts", "status"),
    [
        ([], 0),
        ([Verdict.OK, Verdict.SKIPPED], 0),
        ([Verdict.OK, Verdict.DIFFERS], 1),
        ([Verdict.DIFFERS, Verdict.FAILED], 2),
    ],
)
def test_the_exit_status(verdicts: list[Verdict], status: int) -> None:
    assert exit_status(finding("setup", verdict, "") for verdict in verdicts) == status


def test_makers() -> None:
    assert judged("setup", True, "a").verdict is Verdict.OK
    assert judged("setup", False, "a").verdict is Verdict.DIFFERS
    assert [found.verdict for found in skipped(("setup", "usage"), "b")] == [Verdict.SKIPPED] * 2
    assert [found.seen for found in failed(("setup",), "c")] == ["c"]
