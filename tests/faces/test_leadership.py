"""The causal leader: the largest face now, which keeps the lead until another one is much larger for long enough."""

from __future__ import annotations

from avcer.faces.leadership import LargestNow


def test_the_largest_leads_at_once_and_of_equals_the_first() -> None:
    assert LargestNow().update(0.0, {1: 100.0, 2: 300.0}, [1, 2]) == 2
    assert LargestNow().update(0.0, {1: 300.0, 2: 300.0}, [1, 2]) == 1
    assert LargestNow().update(0.0, {}, []) == -1


def test_a_face_that_is_a_little_larger_does_not_take_over() -> None:
    now = LargestNow()
    now.update(0.0, {1: 100.0}, [1])
    assert {now.update(second / 10, {1: 100.0, 2: 140.0}, [1, 2]) for second in range(1, 50)} == {1}


def test_a_much_larger_one_takes_over_after_its_time_without_a_break() -> None:
    now = LargestNow()
    now.update(0.0, {1: 100.0}, [1])
    leads = [now.update(tenth / 10, {1: 100.0, 2: 200.0}, [1, 2]) for tenth in range(1, 5)]
    leads.append(now.update(0.5, {1: 100.0, 2: 100.0}, [1, 2]))  # a break
    leads += [now.update(tenth / 10, {1: 100.0, 2: 200.0}, [1, 2]) for tenth in range(6, 13)]
    assert leads == [1] * 10 + [2] * 2


def test_a_leader_that_is_missed_keeps_the_lead_while_it_is_alive() -> None:
    now = LargestNow()
    now.update(0.0, {1: 300.0, 2: 100.0}, [1, 2])
    assert now.update(0.1, {2: 100.0}, [1, 2]) == 1
    assert now.update(0.2, {2: 100.0}, [2]) == 2
    assert now.update(0.3, {}, []) == -1


def test_a_challenger_that_is_half_as_large_again_takes_over_when_its_time_is_over_to_the_frame() -> None:
    now = LargestNow(ratio=1.5, patience_s=0.5)
    now.update(0.0, {1: 100.0}, [1])
    assert [now.update(at / 4, {1: 100.0, 2: 150.0}, [1, 2]) for at in range(4, 7)] == [1, 1, 2]


def test_two_who_are_larger_by_turns_begin_anew_each_time() -> None:
    now = LargestNow()
    now.update(0.0, {1: 100.0}, [1])
    turns = [{1: 100.0, 2: 300.0, 3: 200.0}, {1: 100.0, 2: 200.0, 3: 300.0}]
    assert {now.update(tenth / 10, turns[tenth // 3 % 2], [1, 2, 3]) for tenth in range(1, 40)} == {1}


def test_a_leader_that_is_missed_is_challenged_by_the_size_it_had() -> None:
    now = LargestNow()
    now.update(0.0, {1: 100.0}, [1])
    assert {now.update(tenth / 10, {2: 140.0}, [1, 2]) for tenth in range(1, 20)} == {1}
    assert [now.update(2 + tenth / 10, {2: 160.0}, [1, 2]) for tenth in range(6)] == [1] * 5 + [2]
