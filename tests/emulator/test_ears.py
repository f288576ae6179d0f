from __future__ import annotations

import importlib.util
import logging
import os
import signal
from collections.abc import AsyncIterator

import pytest

from emulator.ears import Ears
from tests.emulator.spoken import speak

needs_extras = pytest.mark.skipif(
    not all(importlib.util.find_spec(name) for name in ("pocketsphinx", "espeakng_loader")),
    reason="the emulator extra is not installed",
)


@pytest.fixture
async def ears() -> AsyncIterator[Ears]:
    ears = Ears()
    await ears.start()
    await ears.start()
    yield ears
    await ears.close()
    await ears.close()


@needs_extras
async def test_it_hears_words(ears: Ears, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    [pcm] = speak(["what do you see"], "Kore")
    assert await ears.hear(pcm.tobytes()) == "what do you see"
    assert not ears.refusals
    assert "what do you see" not in caplog.text


@needs_extras
async def test_what_is_not_understood_is_counted(ears: Ears) -> None:
    assert await ears.hear(bytes(32_000)) == ""
    assert await ears.hear(b"") == ""
    assert ears.refusals == {"silent": 2}


@needs_extras
async def test_a_killed_child_costs_nothing(ears: Ears) -> None:
    [pcm] = speak(["hello"], "Kore")
    assert ears.worker is not None and ears.worker.pid is not None
    os.kill(ears.worker.pid, signal.SIGKILL)
    assert await ears.hear(pcm.tobytes()) == "hello"


@needs_extras
async def test_a_child_that_is_too_slow(ears: Ears, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("emulator.ears.HEAR_TIME_LIMIT_S", 0.0)
    assert await ears.hear(bytes(32_000)) == ""
    assert ears.refusals == {"no answer": 1}


async def test_without_pocketsphinx_it_is_deaf(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda _name: None)
    ears = Ears()
    await ears.start()
    assert ears.worker is None
    assert await ears.hear(bytes(32_000)) == ""
    assert ears.refusals == {"deaf": 1}
    await ears.close()
