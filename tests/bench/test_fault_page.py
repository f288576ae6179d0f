"""What the page says of what was found, and that it says where something is missed."""

import json
from dataclasses import asdict, replace
from pathlib import Path

import pytest

from bench.faults.outcome import Outcome, Result
from bench.faults.page import Before, Reliability, page_text, write_page
from bench.faults.rotations_page import Rotations, chart, keep, read, rotations_section
from bench.faults.rows import WORDS, Kind, Row
from bench.faults.summary import Span, Summary, misses, read_summary, summary
from bench.soak_page import Sample

PLANNED = Row("planned", "goAway in quiet", Kind.PLANNED)
BREAK = Row("break", "closed in mid-utterance", Kind.UNPLANNED)
LIVE = Row("live", "the same, live handles", Kind.UNPLANNED, doubled_ok=WORDS)
MUTE = Row("mute", "no answer", Kind.UNPLANNED, limit_s=6.0)
NOTHING = Row("nothing", "no fault", Kind.NONE)

GOOD = summary(
    Result(
        "break",
        30.4,
        0.8,
        [Outcome("talk", injected=24, said=384, calls=3, gaps=[0.5, 0.9], silences=[1.3, 1.7])],
    )
)


def test_a_row_is_summed_up() -> None:
    assert (GOOD.injected, GOOD.said, GOOD.calls, GOOD.talks) == (24, 384, 3, 1)
    assert GOOD.gap == Span(0.7, 0.9)
    assert GOOD.recovered == Span()
    assert read_summary(json.loads(json.dumps(asdict(GOOD)))) == replace(GOOD, failed=[])


@pytest.mark.parametrize("row", [PLANNED, BREAK, LIVE, MUTE])
def test_a_good_row_misses_nothing(row: Row) -> None:
    assert misses(row, replace(GOOD, gap=Span(0.0, 0.05))) == []


@pytest.mark.parametrize(
    ("row", "change", "words"),
    [
        (BREAK, {"lost": 2}, "2 words lost"),
        (BREAK, {"doubled": 1}, "1 words doubled"),
        (BREAK, {"strangers": 1}, "1 words of others heard"),
        (BREAK, {"results_lost": 1}, "1 results of tools lost"),
        (BREAK, {"injected": 19}, "injected 19 times only"),
        (BREAK, {"broken_off": 1}, "1 answers broken off"),
        (BREAK, {"failed": ["TimeoutError"]}, "1 talks failed: TimeoutError"),
        (BREAK, {"late_ms": 80.0}, "the machine was too busy"),
        (BREAK, {"silence": Span(2.1, 3.0)}, "median silence 2.1 s"),
        (BREAK, {"silence": Span(1.0, 4.1)}, "worst silence 4.1 s"),
        (MUTE, {"silence": Span(8.1, 9.0)}, "median silence 8.1 s"),
        (PLANNED, {"gap": Span(0.0, 0.2)}, "a planned gap of 0.2 s"),
        (LIVE, {"doubled": 24 * WORDS + 1}, "193 words doubled"),
    ],
)
def test_what_is_missed_is_said(row: Row, change: dict[str, object], words: str) -> None:
    found = replace(GOOD, **change)  # type: ignore[arg-type]  # names are checked by `replace`
    assert any(said.startswith(words) for said in misses(row, found))


def test_what_is_allowed_is_not_missed() -> None:
    assert misses(LIVE, replace(GOOD, doubled=24 * WORDS)) == []
    assert misses(MUTE, replace(GOOD, silence=Span(7.9, 9.9))) == []
    assert misses(NOTHING, replace(GOOD, injected=0)) == []


def page(**found: Summary) -> str:
    return page_text(
        Reliability(
            rows=[NOTHING, PLANNED, BREAK, LIVE, MUTE],
            found=found,
            before=[Before("Before", [replace(GOOD, lost=77), replace(GOOD, row="gone")])],
            rotations="",
            minutes=31.0,
            facts=[("date", "today")],
        )
    )


def test_the_page_has_a_row_for_each_that_was_run() -> None:
    text = page(nothing=replace(GOOD, injected=0), live=GOOD, mute=GOOD)
    lines = text.splitlines()
    assert (
        "| no fault | – | 0 of 384 | 0 | 0 of 3 | 0.70 / 0.90 | 1.50 / 1.70 | – | 0 | 0, 0 |"
        in lines
    )
    assert any(
        line.startswith("| the same, live handles | 24 | 0 of 384 | 0 of 192") for line in lines
    )
    assert any(line.startswith("| no answer (limit 6 s) | 24") for line in lines)
    assert "goAway in quiet" not in text
    assert "Every row reaches what is asked of it." in text
    assert "48 faults of 2 kinds while 1152 words were said" in text
    assert "(0.80 s)" in text


def test_the_page_begins_with_what_is_missed() -> None:
    text = page(nothing=GOOD, **{"break": replace(GOOD, lost=3)})
    assert "- closed in mid-utterance: 3 words lost" in text
    assert "Every row" not in text


def test_the_page_compares_with_what_was_before() -> None:
    text = page(nothing=GOOD)
    assert "## Before" in text
    assert "| closed in mid-utterance | 24 | 77 of 384 |" in text
    assert "| gone | 24 |" in text


def test_an_empty_page_is_a_page(tmp_path: Path) -> None:
    path = tmp_path / "reliability.md"
    write_page(Reliability([], {}, [], "", 0.0, []), path)
    assert "No fault has been measured yet" in path.read_text()


# The long talk


def sample(at_s: float, resident_mb: float = 100.0, tasks: int = 10) -> Sample:
    return Sample(at_s, resident_mb, 5, 20, tasks, 5, 5, 1.0, 2.0)


LONG = Rotations(
    minutes=25.0,
    peers=5,
    every_s=120.0,
    before=sample(0.0, tasks=1),
    begin=sample(20.0),
    samples=[sample(at_s, 100.0 + at_s / 3600) for at_s in (0.0, 600.0, 900.0, 1500.0)],
    last=sample(1500.0),
    end=sample(1600.0, tasks=1),
    summary=GOOD,
    facts=[("commit", "abc"), ("date", "today")],
)


def test_a_long_talk_is_told(tmp_path: Path) -> None:
    path = tmp_path / "rotations.json"
    assert rotations_section(path) == ""
    keep(LONG, path)
    text = rotations_section(path)
    assert "24 times in all. Of\n384 words 0 were lost and 0 doubled" in text
    assert "0.70 s (median), 0.90 s (worst)" in text
    assert "changed by\n+1.0 MB an hour" in text
    assert "no task, thread or descriptor is left over" in text
    assert "Measured at abc, today." in text
    again = read(path)
    assert again is not None
    assert again.samples == LONG.samples
    assert "<svg" in chart(again)


def test_what_is_left_over_is_named() -> None:
    more = replace(LONG, end=sample(1600.0, tasks=3), last=sample(1500.0, tasks=14))
    assert more.more == {"tasks": 2, "tasks in the talk": 4}


def test_without_a_change_in_a_turn_there_is_no_gap(tmp_path: Path) -> None:
    path = tmp_path / "rotations.json"
    keep(replace(LONG, summary=replace(GOOD, gap=Span()), end=sample(1.0, tasks=3)), path)
    text = rotations_section(path)
    assert "none, as no change fell into a turn" in text
    assert "left over: 2 tasks" in text
