"""What people and programs get to read."""

import json

from pipeline.doctor.checks import Verdict, finding, skipped
from pipeline.doctor.report import as_json, heading, lines, skipped_lines, summary

OK = finding("setup", Verdict.OK, "came first")
DIFFERS = finding("turn end", Verdict.DIFFERS, "too\nsoon\x1b[2J")


def test_what_is_as_expected_takes_a_line() -> None:
    (line,) = lines(OK, colour=False)
    assert line.split() == ["ok", "setup", "came", "first"]


def test_what_differs_says_what_was_expected_and_where_to_read() -> None:
    seen, expected, page = lines(DIFFERS, colour=False)
    assert seen.split() == ["differs", "turn", "end", "too", "soon", "[2J"]
    assert expected.strip() == f"expected: {DIFFERS.check.expected}"
    assert page.strip() == f"see {DIFFERS.check.page}"
    assert lines(finding("setup", Verdict.FAILED, "x"), colour=False)[1:] != []


def test_many_skipped_checks_take_a_line_as_well() -> None:
    few, many = skipped(("setup", "usage"), "why"), skipped(("setup",) * 9, "why")
    assert [line.split()[1] for line in skipped_lines(few, colour=False)] == ["setup", "usage"]
    (line,) = skipped_lines(many, colour=False)
    assert line.split() == ["skipped", "9", "checks", "why"]
    assert skipped_lines([], colour=False) == []


def test_colours_are_for_terminals() -> None:
    assert "\033[" in lines(OK, colour=True)[0]
    assert "\033[" in heading("Live API", "a model", colour=True)
    assert "\033[" in skipped_lines(skipped(("setup",) * 9, "why"), colour=True)[0]
    assert heading("Live API", "", colour=False) == "\nLive API"


def test_the_summary_counts() -> None:
    assert summary([OK, OK, DIFFERS]) == "2 ok, 1 differs"
    assert summary([]) == "nothing was checked"


def test_json_has_all_of_it() -> None:
    document = json.loads(as_json([OK, DIFFERS], {"talksTo": "x"}))
    assert (document["talksTo"], document["exitStatus"]) == ("x", 1)
    assert document["findings"][0] == {
        "topic": "Live API",
        "name": "setup",
        "verdict": "ok",
        "seen": "came first",
        "expected": OK.check.expected,
        "page": OK.check.page,
    }
