"""The table says what was reached, and what was not."""

import pytest

from bench.table import FULL_LOAD_PERCENT, Row, as_markdown, doubts, rows

AUDIO = {"cpu %": 1.0, "speech ms p50": 20.0, "speech ms p95": 26.0, "chunk ms p95": 29.0}
STOCK_AUDIO = {"cpu %": 8.0, "speech ms p50": 83.0, "speech ms p95": 90.0, "chunk ms p95": 110.0}


def only(measured: dict[tuple[str, str], dict[str, float]], words: str) -> Row:
    (row,) = (row for row in rows(measured) if words in row.name)
    return row


@pytest.mark.parametrize(("stock", "reached"), [(20.0, True), (19.9, False)])
def test_processor_time_is_held_against_stock_of_the_same_load(stock: float, reached: bool) -> None:
    measured = {("vga", "easel"): {"cpu %": 4.0}, ("vga", "stock"): {"cpu %": stock}}
    row = only(measured, "640×480")
    assert row.reached is reached and row.easel == "4.00 %" and row.target.startswith("1/5")


def test_our_pages_camera_is_held_against_stocks_first_row() -> None:
    measured = {
        ("page", "easel"): {"cpu %": 2.0},
        ("vga", "stock"): {"cpu %": 14.0},
        ("hd", "stock"): {"cpu %": 30.0},
    }
    row = only(measured, "our page's camera")
    assert row.reached is True and row.against == "1/7.0" and "first row" in row.stock


def test_without_stock_a_ratio_is_neither_reached_nor_missed() -> None:
    row = only({("audio", "easel"): {"cpu %": 1.0}}, "speech only")
    assert row.reached is None and row.stock == row.against == "–"


def test_what_was_not_measured_has_no_row() -> None:
    assert rows({}) == []
    assert rows({("vga", "stock"): {"cpu %": 14.0}}) == []


def test_speech_counts_by_the_worse_of_first_and_later_chunks() -> None:
    measured = {("audio", "easel"): dict(AUDIO), ("audio", "stock"): STOCK_AUDIO}
    row = only(measured, "whichever is later")
    assert (row.easel, row.stock, row.reached) == ("29 ms", "110 ms", True)
    measured["audio", "easel"]["chunk ms p95"] = 30.1
    assert only(measured, "whichever is later").reached is False


@pytest.mark.parametrize(("lossy", "reached"), [(89.0, True), (90.0, False)])
def test_speech_with_loss_may_take_60_ms_more_than_without(lossy: float, reached: bool) -> None:
    measured = {("audio", "easel"): AUDIO, ("loss", "easel"): {"speech ms p95": lossy}}
    assert only(measured, "random loss").reached is reached


def test_more_sound_than_was_sent_is_none_missing() -> None:
    row = only({("loss", "easel"): {"missing %": -0.2}}, "never reached")
    assert row.easel == "0.0%" and row.reached is True


@pytest.mark.parametrize(
    ("rate", "reached"), [(0.964, False), (0.97, True), (1.004, True), (1.02, False)]
)
def test_pictures_come_neither_too_rarely_nor_too_often(rate: float, reached: bool) -> None:
    assert only({("vga", "easel"): {"pictures/s": rate}}, "JPEGs a second").reached is reached


def test_a_thread_that_is_left_over_misses_the_row_of_growth() -> None:
    kept = {"MB per visit": 0.01, "visits": 300.0, "threads": 0.0, "tasks": 0.0}
    assert only({("growth", "easel"): kept}, "came and went").reached is True
    assert only({("growth", "easel"): {**kept, "tasks": 1.0}}, "came and went").reached is False


def test_a_listener_costs_the_difference_of_two_rooms() -> None:
    measured = {
        ("listeners-2", "easel"): {"server %": 2.0},
        ("listeners-12", "easel"): {"server %": 4.5},
    }
    row = only(measured, "further listener")
    assert row.easel == "0.25%" and row.reached is True


def test_answers_are_taken_from_the_load_with_more_else_going_on() -> None:
    measured = {("audio", "easel"): {"answer ms p95": 3.0}}
    assert only(measured, "answer").easel == "3.0 ms"
    measured["vga", "easel"] = {"answer ms p95": 12.0}
    row = only(measured, "answer")
    assert row.easel == "12.0 ms" and row.reached is False


def test_a_measurement_is_doubted_for_each_reason() -> None:
    assert doubts("vga", "easel", {"load core %": FULL_LOAD_PERCENT, "late ms": 3.0}) == []
    (line,) = doubts(
        "vga", "stock", {"load core %": 96.0, "late ms": 54.0, "others on server core %": 40.0}
    )
    assert line.startswith("vga, stock: ")
    assert "96 %" in line and "54 ms" in line and "40 %" in line


def test_a_missed_target_is_seen_at_once() -> None:
    row = Row("a", "1", "2", "–", "0", False)
    assert as_markdown([row]).splitlines()[-1] == "| a | 1 | 2 | – | 0 | **no** |"
