"""Notes for the model wait until nobody speaks."""

from processors.images.quiet_notes import MAX_WAIT_S, QUIET_S, QuietNotes


def test_at_a_quiet_moment_once() -> None:
    notes = QuietNotes()
    assert notes.due(0.0) is None
    notes.note("x", 0.0)
    assert notes.due(0.0) == "x"
    assert notes.due(0.0) is None


def test_not_while_somebody_speaks_nor_right_after() -> None:
    notes = QuietNotes()
    notes.user(True, 1.0)
    notes.note("x", 1.0)
    assert notes.due(9.0) is None
    notes.user(False, 10.0)
    notes.model(True, 10.0)
    assert notes.due(11.0) is None
    notes.model(False, 12.0)
    assert notes.due(12.0 + QUIET_S / 2) is None
    assert notes.due(12.0 + QUIET_S) == "x"


def test_of_each_thing_the_newest_counts() -> None:
    notes = QuietNotes()
    notes.note("the first is current", 0.0)
    notes.note("one is called blue", 1.0, "image-name")
    notes.note("the second is current", 2.0)
    assert notes.due(3.0) == "one is called blue\nthe second is current"
    assert notes.dropped == 1


def test_an_old_one_is_dropped_but_for_what_is_current() -> None:
    notes = QuietNotes()
    notes.model(True, 0.0)
    notes.note("one is called blue", 0.0, "image-name")
    assert notes.due(1.0 + MAX_WAIT_S) is None
    assert notes.dropped == 1
    notes.note("the second is current", 1.0)
    assert notes.due(2.0 + MAX_WAIT_S) is None
    notes.model(False, 70.0)
    assert notes.due(90.0) == "the second is current"
