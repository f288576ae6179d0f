from typing import get_args

import pytest

from emulator.closes import Close
from emulator.effects import Drop, Effect, Hear, Send, SendRaw, SlowPong, SlowRead, Speak


def test_effects_are_values() -> None:
    assert Hear(1, b"\0\0") == Hear(1, b"\0\0") != Hear(2, b"\0\0")
    assert Speak(1, "hi", "Puck", "en-US") != Speak(1, "hi", "Kore", "en-US")
    with pytest.raises(AttributeError):
        Send({"goAway": {}}).body = {}  # type: ignore[misc]  # that it is frozen is the point


def test_the_ends_of_a_connection_are_effects_too() -> None:
    ends = {Close, Drop}
    assert set(get_args(Effect)) == {Send, SendRaw, Hear, Speak, SlowPong, SlowRead} | ends
