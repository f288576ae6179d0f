"""Who may make a picture next."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from processors.images.queueing import MAX_WAITING, FairQueue, QueueFull


def test_so_many_at_a_time_and_of_one_room_fewer() -> None:
    queue = FairQueue(total=3)
    for ticket in "abc":
        queue.enter(ticket, "r1", "ada", 2)
    queue.enter("d", "r2", "ben", 2)
    assert sorted(queue.admit()) == ["a", "b", "d"]
    assert queue.position("c") == 1
    assert queue.position("a") == 0
    queue.leave("a")
    assert queue.admit() == ["c"]
    assert (queue.counters.entered, queue.counters.admitted) == (4, 4)


def test_rooms_and_people_take_turns() -> None:
    queue = FairQueue(total=1)
    for ticket, room, who in (
        ("a1", "r1", "ada"), ("a2", "r1", "ada"), ("b1", "r1", "ben"), ("c1", "r2", "cy"),
    ):  # fmt: skip
        queue.enter(ticket, room, who, 4)
    order = []
    while admitted := queue.admit():
        order += admitted
        queue.leave(admitted[0])
    assert order == ["a1", "c1", "b1", "a2"]


def test_who_gives_up_waiting_makes_way() -> None:
    queue = FairQueue(total=1)
    for ticket in "abc":
        queue.enter(ticket, "r", "ada", 1)
    assert queue.admit() == ["a"]
    assert (queue.position("b"), queue.position("c")) == (1, 2)
    queue.leave("b")
    queue.leave("b")
    assert queue.position("c") == 1
    queue.leave("a")
    assert queue.admit() == ["c"]
    queue.leave("nobody")


def test_a_room_that_asks_for_too_much_is_refused() -> None:
    queue = FairQueue(total=1)
    for number in range(MAX_WAITING):
        queue.enter(str(number), "r", "ada", 1)
    with pytest.raises(QueueFull):
        queue.enter("more", "r", "ada", 1)
    assert queue.counters.refused == 1
    queue.enter("other", "r2", "ada", 1)


@given(
    st.integers(1, 4),
    st.lists(st.tuples(st.sampled_from("pqr"), st.sampled_from("xyz"), st.booleans()), max_size=40),
)
def test_nobody_is_forgotten_and_the_bounds_hold(
    total: int, steps: list[tuple[str, str, bool]]
) -> None:
    queue = FairQueue(total)
    running: set[str] = set()
    waiting: set[str] = set()
    rooms: dict[str, str] = {}
    for number, (room, who, ends) in enumerate(steps):
        ticket = str(number)
        rooms[ticket] = room
        queue.enter(ticket, room, who, 2)
        waiting.add(ticket)
        if ends and running:
            gone = min(running)
            running.remove(gone)
            queue.leave(gone)
        admitted = set(queue.admit())
        assert admitted <= waiting
        waiting -= admitted
        running |= admitted
        assert len(running) <= total
        assert all([rooms[one] for one in running].count(name) <= 2 for name in "pqr")
    while running:
        gone = running.pop()
        queue.leave(gone)
        admitted = set(queue.admit())
        waiting -= admitted
        running |= admitted
    assert not waiting


def test_who_waits_with_one_wish_only_can_give_up_too() -> None:
    queue = FairQueue(total=1)
    queue.enter("a", "r", "ada", 1)
    queue.enter("b", "r", "ben", 1)
    assert queue.admit() == ["a"]
    queue.leave("b")
    queue.leave("a")
    assert queue.admit() == []
