"""The history of what was current."""

import pytest

from processors.images.selection import MAX_STEPS, Selection


def walked(*ids: str) -> Selection:
    selection = Selection()
    for image_id in ids:
        selection.go(image_id)
    return selection


def test_back_and_forward() -> None:
    selection = walked("a", "b", "c")
    assert [selection.back(), selection.back(), selection.forward()] == ["b", "a", "b"]
    assert not selection.go("b")
    assert selection.future == ["c"]
    assert selection.go("d")
    assert (selection.past, selection.future) == (["a", "b"], [])
    with pytest.raises(IndexError):
        selection.forward()
    with pytest.raises(IndexError):
        Selection().back()


def test_from_nothing_there_is_no_step_back_to_nothing() -> None:
    selection = Selection(None, ["a"])
    assert selection.back() == "a"
    assert selection.future == []


def test_what_is_gone_is_no_step_any_more() -> None:
    selection = walked("a", "b", "a", "c")
    selection.forget("b", None)
    assert selection.past == ["a"]
    selection.forget("c", "other")
    assert (selection.current, selection.past) == ("a", [])
    selection.forget("a", "other")
    assert selection.current == "other"
    selection = walked("a", "b", "a")
    selection.back()
    selection.forget("b", None)
    assert (selection.current, selection.past, selection.future) == ("a", [], [])


def test_it_is_bounded() -> None:
    selection = walked(*map(str, range(MAX_STEPS + 50)))
    assert len(selection.past) == MAX_STEPS
