from __future__ import annotations

import asyncio
import importlib.util
import os
import signal
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import numpy as np
import pytest

from emulator.tones import speak_in_tones
from emulator.voice import MAX_TEXT_CHARACTERS, Voice

HAS_ESPEAK = importlib.util.find_spec("espeakng_loader") is not None
needs_espeak = pytest.mark.skipif(not HAS_ESPEAK, reason="the emulator extra is not installed")


@pytest.fixture
async def voice() -> AsyncIterator[Voice]:
    voice = Voice()
    await voice.start()
    yield voice
    await voice.close()


def loaded_libraries() -> str:
    return Path("/proc/self/maps").read_text()


@needs_espeak
async def test_it_speaks_at_24_khz(voice: Voice) -> None:
    pcm = await voice.speak("Hello, this is the emulator.", voice="Kore")
    samples = np.frombuffer(pcm, dtype="<i2")
    assert 1.0 < len(samples) / 24_000 < 4.0
    assert np.abs(samples).max() > 3000
    assert voice.in_tones == 0


@needs_espeak
async def test_sessions_speak_at_once(voice: Voice) -> None:
    texts = ["one", "two words", "three little words"]
    together = await asyncio.gather(*(voice.speak(text, voice="Puck") for text in texts))
    alone = [await voice.speak(text, voice="Puck") for text in texts]
    for one, other in zip(together, alone, strict=True):
        assert len(one) == pytest.approx(len(other), rel=0.1)
    assert len(alone[0]) < len(alone[1]) < len(alone[2])


@needs_espeak
async def test_espeak_is_never_loaded_here(voice: Voice) -> None:
    await voice.speak("hello", voice="Kore")
    assert "espeakng_loader" not in sys.modules
    assert "espeak" not in loaded_libraries()


@needs_espeak
async def test_a_killed_child_costs_nothing(voice: Voice) -> None:
    assert voice.worker is not None and voice.worker.pid is not None
    os.kill(voice.worker.pid, signal.SIGKILL)
    assert await voice.speak("hello", voice="Kore")
    assert voice.in_tones == 0
    assert voice.worker.counts.started == 2


async def test_without_espeak_there_are_tones(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda _name: None)
    voice = Voice()
    await voice.start()
    assert voice.worker is None
    assert await voice.speak("two words", voice="Kore") == speak_in_tones("two words")
    assert voice.in_tones == 1
    await voice.close()


@needs_espeak
async def test_a_refusal_becomes_tones(voice: Voice, monkeypatch: pytest.MonkeyPatch) -> None:
    assert voice.worker is not None

    async def refuse(_payload: bytes, *, time_limit_s: float) -> bytes:
        return b"\x01no"

    monkeypatch.setattr(voice.worker, "request", refuse)
    assert await voice.speak("hello", voice="Kore") == speak_in_tones("hello")


@needs_espeak
async def test_a_child_that_cannot_speak_becomes_tones(
    voice: Voice, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("emulator.voice.SPEAK_TIME_LIMIT_S", 0.0)
    assert await voice.speak("hello", voice="Kore") == speak_in_tones("hello")


async def test_nothing_to_say(voice: Voice) -> None:
    assert await voice.speak("  \n", voice="Kore") == b""


async def test_closed_voices_speak_in_tones(voice: Voice) -> None:
    await voice.start()
    await voice.close()
    await voice.close()
    long = "word " * MAX_TEXT_CHARACTERS
    assert await voice.speak(long, voice="Kore") == speak_in_tones(long[:MAX_TEXT_CHARACTERS])
