"""What a soak test found, and whether all is back."""

import json
from dataclasses import asdict, replace
from itertools import islice

import pytest

from bench.soak_page import Sample, Soak, counts_chart, memory_chart, page_text, read_soak
from bench.visits import PAUSE_S, STAY_S, visits

EMPTY = Sample(0.0, 170.0, 7, 19, 1, 0, 0, 10.0, 1.0)


def soak(**changes: object) -> Soak:
    """Three minutes of 10 peers; memory is that of pools at first, then grows by 3 MB a minute."""
    samples = [
        replace(EMPTY, at_s=float(at), resident_mb=150 + max(60, at) / 20, peers=10, cpu_s=at / 4)
        for at in range(0, 185, 5)
    ]
    end = replace(EMPTY, at_s=200.0)
    whole = Soak(3.0, 10, 1, EMPTY, EMPTY, samples, end, 90, 9, [], [("commit", "abc")])
    return replace(whole, **changes)  # type: ignore[arg-type]  # of whatever the caller names


def test_what_is_more_at_the_end_is_left_over() -> None:
    assert soak().back_at_the_start
    left = soak(end=replace(EMPTY, threads=8, tasks=3, descriptors=18))
    assert not left.back_at_the_start
    assert left.left_over() == {"threads": 1, "descriptors": 0, "tasks": 2, "rooms": 0, "peers": 0}
    assert "left over: 1 threads, 2 tasks" in page_text(left)


def test_memory_that_is_free_again_is_not_held_against_it() -> None:
    assert soak(end=replace(EMPTY, resident_mb=400.0)).back_at_the_start


def test_growth_is_counted_after_the_warm_up() -> None:
    assert soak().growth_mb_per_visit == pytest.approx(9 / 90)  # 3 MB a minute, 30 visits a minute
    assert soak(visits=0).growth_mb_per_visit == 0.0


def test_processor_time_is_that_of_one_peer() -> None:
    assert soak().cpu_percent_per_peer == pytest.approx(2.5)


def test_the_page_tells_of_failed_visits() -> None:
    assert "No visit failed." in page_text(soak())
    assert "failed: 2, the first with: TimeoutError." in page_text(
        soak(failures=["TimeoutError", "404 Not Found"])
    )


def test_what_other_programs_used_is_told_where_it_is_known() -> None:
    assert soak().others_percent is None and "not measured" in page_text(soak())
    shared = [replace(each, core_s=each.cpu_s + each.at_s / 5) for each in soak().samples]
    assert soak(samples=shared).others_percent == pytest.approx(20.0)
    assert "Other programs used 20.0 %" in page_text(soak(samples=shared))


def test_a_run_is_read_as_it_was_written() -> None:
    written = soak(failures=["TimeoutError"])
    again = read_soak(json.dumps(asdict(written)))
    assert page_text(again) == page_text(written)
    assert again.samples == written.samples and again.end == written.end


def test_the_charts_begin_and_end_with_the_samples() -> None:
    assert memory_chart(soak()).count("L") >= 36
    assert ">peers</text>" in counts_chart(soak())


def test_visits_repeat_with_their_seed_and_stay_within_their_bounds() -> None:
    first = list(islice(visits(1, 3), 200))
    assert first == list(islice(visits(1, 3), 200))
    assert first != list(islice(visits(2, 3), 200)) and first != list(islice(visits(1, 4), 200))
    assert all(STAY_S[0] <= each.stay_s <= STAY_S[1] for each in first)
    assert all(PAUSE_S[0] <= each.pause_s <= PAUSE_S[1] for each in first)
    for share in ("shares", "vanishes"):
        assert 5 < sum(getattr(each, share) for each in first) < 100
    assert 150 < sum(each.camera for each in first) < 200
