"""Effects and their causes, percentiles, lines."""

import pytest

from bench.figures import (
    delays_ms,
    first_of_bursts,
    gaps,
    medians,
    percentile,
    rounded,
    silences_ms,
    slope,
)


@pytest.mark.parametrize(
    ("share", "value"), [(0.0, 1), (0.01, 1), (0.5, 50), (0.95, 95), (0.951, 96), (1.0, 100)]
)
def test_a_percentile_is_the_nearest_rank(share: float, value: int) -> None:
    assert percentile(list(range(100, 0, -1)), share) == value


def test_percentiles_of_few_values() -> None:
    assert percentile([], 0.5) == 0.0
    assert percentile([7.0], 0.01) == percentile([7.0], 0.99) == 7.0
    assert percentile([1.0, 2.0], 0.5) == 1.0
    assert percentile([1.0, 2.0], 0.51) == 2.0


def test_an_effect_belongs_to_the_latest_cause_of_its_name() -> None:
    causes = [(0.0, 1), (1.0, 2), (10.0, 1)]
    assert delays_ms(causes, [(10.08, 1)], 5.0) == pytest.approx([80])
    assert delays_ms(causes, [(10.08, 1)], 20.0) == pytest.approx([80])  # both are near enough
    assert delays_ms(causes, [(9.9, 1)], 5.0) == []  # the cause at 0 is too long ago
    assert delays_ms(causes, [(9.9, 1)], 9.95) == pytest.approx([9900])


def test_a_delay_of_more_than_the_distance_of_two_causes_is_seen_as_it_is() -> None:
    causes = [(float(second), second % 10) for second in range(10)]
    assert delays_ms(causes, [(3.0 + 1.25, 3)], 5.0) == pytest.approx([1250])


def test_an_effect_before_all_causes_is_left_out() -> None:
    assert delays_ms([(1.0, 0)], [(0.9, 0), (1.0, 0)], 5.0) == [0.0]
    assert delays_ms([(1.0, 0)], [(1.1, 9)], 5.0) == []


def test_the_first_of_each_burst_follows_a_pause() -> None:
    times = [0.0, 0.02, 0.04, 0.6, 0.62, 1.1, 1.12]
    assert first_of_bursts(times) == [0.0, 0.6]
    assert first_of_bursts([]) == []


def test_silence_comes_with_the_last_audible_packet_after_the_cut() -> None:
    audible = [0.96, 0.98, 1.0, 1.02, 1.04, 3.0]
    assert silences_ms([1.01], audible) == pytest.approx([30])
    assert silences_ms([1.05], audible) == [0.0]  # it had just ended
    assert silences_ms([2.0], audible) == []  # nothing was being heard


def test_gaps_lie_between_neighbours() -> None:
    assert gaps([1.0, 2.0, 4.5]) == [1.0, 2.5]
    assert gaps([1.0]) == gaps([]) == []


def test_a_slope_is_that_of_the_best_line() -> None:
    assert slope([(1, 10.0), (2, 13.0), (4, 19.0)]) == pytest.approx(3.0)
    assert slope([(0, 0.0), (1, 2.0), (2, 1.0), (3, 3.0)]) == pytest.approx(0.8)
    assert slope([]) == slope([(1, 5.0)]) == slope([(1, 5.0), (1, 7.0)]) == 0.0


def test_medians_are_of_the_runs_that_have_the_figure() -> None:
    runs = [{"a": 1.0, "b": 5.0}, {"a": 9.0}, {"a": 2.0}]
    assert medians(runs) == {"a": 2.0, "b": 5.0}
    assert medians([]) == {}


def test_the_least_of_runs_is_the_least_of_all() -> None:
    runs = [{"dB least": 35.0}, {"dB least": 31.0}, {"dB least": 36.0}]
    assert medians(runs) == {"dB least": 31.0}


def test_figures_are_rounded_for_people() -> None:
    assert rounded({"a": 1.23456}) == {"a": 1.235}
