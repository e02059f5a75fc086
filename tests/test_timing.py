from __future__ import annotations

from collections.abc import Iterator

import pytest

from avcer import timing
from avcer.timing import Stages


class Clock:
    """A clock that the test moves."""

    def __init__(self) -> None:
        self.now_s = 100.0

    def perf_counter(self) -> float:
        return self.now_s


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(timing, "time", clock)
    return clock


def test_nothing_done_is_no_stage() -> None:
    assert Stages().as_dict() == {}


def test_a_stage_adds_up(clock: Clock) -> None:
    stages = Stages()
    for items in (1, 3):
        with stages.stage("static", items):
            clock.now_s += 2.0
        clock.now_s += 50.0
    assert stages.as_dict() == {"static": {"seconds": 4.0, "items": 4}}


def test_items_take_the_time_that_they_need_to_come_and_not_that_of_their_use(clock: Clock) -> None:
    def source() -> Iterator[str]:
        for letter in "abc":
            clock.now_s += 1.0
            yield letter

    stages = Stages()
    used = []
    for letter in stages.timed("decode", source()):
        used.append(letter)
        clock.now_s += 10.0
    assert used == ["a", "b", "c"]
    assert stages.as_dict() == {"decode": {"seconds": 3.0, "items": 3}}


def test_stages_are_told_apart_in_the_order_of_their_beginning(clock: Clock) -> None:
    stages = Stages()
    for name in ("decode", "detect", "decode"):
        with stages.stage(name):
            clock.now_s += 1.0
    assert list(stages.as_dict().items()) == [
        ("decode", {"seconds": 2.0, "items": 2}),
        ("detect", {"seconds": 1.0, "items": 1}),
    ]
