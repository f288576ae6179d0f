"""Names lead nowhere else."""

import pytest

from processors.images.store import checked


def test_names_are_letters_digits_and_a_little_more() -> None:
    checked("abc-DEF_09", "a.b", "_-x", "room.json")


@pytest.mark.parametrize("name", ["", ".", "..", "../x", "a/b", "a\\b", "a b", "ä", "x" * 129])
def test_no_other(name: str) -> None:
    with pytest.raises(ValueError):
        checked("good", name)
