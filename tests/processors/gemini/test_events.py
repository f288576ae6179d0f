"""There is little to test in a set of values but that it is one."""

import dataclasses
import inspect
from typing import Any, get_args

import pytest

from processors.gemini import events
from processors.gemini.events import Interrupted, LiveEvent, TurnComplete, rate_of

DEFINED = [
    kind
    for _, kind in inspect.getmembers(events, inspect.isclass)
    if kind.__module__ == events.__name__
]


def test_every_event_is_in_the_closed_union() -> None:
    assert set(get_args(LiveEvent)) == set(DEFINED)


def test_events_are_values() -> None:
    assert TurnComplete(None, in_progress=False) == TurnComplete(None, in_progress=False)
    assert len({Interrupted(), Interrupted()}) == 1


@pytest.mark.parametrize("kind", DEFINED)
def test_nobody_can_change_an_event(kind: Any) -> None:
    event = kind(
        *("x" for field in dataclasses.fields(kind) if field.default is dataclasses.MISSING)
    )
    for field in dataclasses.fields(kind):
        with pytest.raises(dataclasses.FrozenInstanceError):
            setattr(event, field.name, "y")


@pytest.mark.parametrize(
    ("mime_type", "rate"),
    [
        ("audio/pcm", 24_000),
        ("audio/pcm;rate=16000", 16_000),
        ("audio/pcm; rate=48000", 48_000),
        ("audio/pcm;channels=1;rate=8000", 8_000),
        ("audio/pcm;rate=fast", 24_000),
        ("audio/pcm;rate", 24_000),
        ("audio/pcm;rate=²", 24_000),
        ("audio/pcm;rate=1600000", 24_000),
    ],
)
def test_the_rate_is_in_the_mime_type(mime_type: str, rate: int) -> None:
    assert rate_of(mime_type) == rate
