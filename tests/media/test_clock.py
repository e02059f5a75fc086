"""Times for frames whose own are missing or wrong."""

from __future__ import annotations

import pytest

from avcer.media.clock import Rising, in_order, rising


def times(given: list[float | None], interval_s: float = 0.1) -> list[float]:
    made = list(rising(((time, place) for place, time in enumerate(given)), interval_s))
    assert [place for _, place in made] == list(range(len(given)))
    return [time for time, _ in made]


def test_usable_times_pass_unchanged():
    assert times([0.007, 0.047, 0.3, 0.31]) == [0.007, 0.047, 0.3, 0.31]


def test_a_missing_time_lies_between_its_neighbours():
    assert times([0.0, None, 0.4, None, None, 1.0]) == pytest.approx([0.0, 0.2, 0.4, 0.6, 0.8, 1.0])


def test_missing_times_at_the_start_count_back_and_at_the_end_go_on():
    assert times([None, None, 1.0, None]) == pytest.approx([0.8, 0.9, 1.0, 1.1])


def test_without_any_time_the_average_rate_counts_from_zero():
    assert times([None] * 20) == pytest.approx([place / 10 for place in range(20)])


def test_a_time_that_stands_still_is_spread_and_the_clock_does_not_drift():
    assert times([0.0, 0.1, 0.1, 0.3, 0.4]) == pytest.approx([0.0, 0.1, 0.2, 0.3, 0.4])


def test_times_that_start_again_go_on():
    given = [place / 10 for place in range(30)] * 2
    assert times(given) == pytest.approx([place / 10 for place in range(60)])


def test_times_in_the_order_of_decoding_are_sorted():
    decoding = [1.0, 4.0, 3.0, 5.0, 2.0, 8.0, 7.0, 9.0, 6.0, None]
    sorted_times = list(in_order((time, place) for place, time in enumerate(decoding)))
    assert sorted_times == [*((float(place + 1), place) for place in range(9)), (None, 9)]


def test_at_most_eight_wait_for_a_usable_time():
    steady = Rising[int](0.1, head_s=3.0)
    assert [steady.feed(None, place) for place in range(7)] == [[]] * 7
    assert steady.feed(None, 7) == [(pytest.approx(3 + place / 10), place) for place in range(8)]
    assert steady.feed(3.7, 8) == []
    assert steady.feed(3.9, 9) == [(pytest.approx(3.8), 8), (3.9, 9)]
    assert steady.feed(3.9, 10) == []
    assert steady.finish() == [(pytest.approx(4.0), 10)]
    assert steady.finish() == []


def test_times_are_sorted_among_four_neighbours_and_no_more():
    given = [5.0, 1.0, 2.0, 3.0, 4.0, 6.0]
    assert [time for time, _ in in_order((time, None) for time in given)] == [1, 2, 3, 4, 5, 6]
    given = [5.0, 2.0, 3.0, 4.0, 1.0, 6.0]
    assert next(time for time, _ in in_order((time, None) for time in given)) == 1
    given = [6.0, 2.0, 3.0, 4.0, 5.0, 1.0, 7.0]
    assert next(time for time, _ in in_order((time, None) for time in given)) == 2
