import pytest

from emulator.json_types import JSON, list_of, number_of, object_of, text_of


def test_readers_give_the_value_or_an_empty_one() -> None:
    assert object_of({"a": 1}) == {"a": 1}
    assert object_of([1]) == {}
    assert list_of([1]) == [1]
    assert list_of({"a": 1}) == []
    assert text_of("a") == "a"
    assert text_of(None) == ""


@pytest.mark.parametrize(
    ("value", "number"),
    [(3, 3.0), (2.5, 2.5), ("25000", 25000.0), ("x", None), (True, None), (None, None)],
)
def test_numbers_may_be_written_as_strings(value: JSON, number: float | None) -> None:
    assert number_of(value) == number


@pytest.mark.parametrize("value", [10**400, "9" * 400, "9" * 5000])
def test_what_no_float_holds_is_no_number(value: JSON) -> None:
    assert number_of(value) is None
