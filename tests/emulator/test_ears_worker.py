"""What the ears understand, and what they must not understand; every sound is spoken here."""

from __future__ import annotations

import importlib.util
import io
import json
import subprocess
import sys

import numpy as np
import pytest

from emulator import phrases
from emulator.ears_worker import Recogniser, answer, average_fit
from emulator.hearing import Refusal
from emulator.worker_pipe import pack_frame, read_frame
from tests.emulator.spoken import (
    Samples,
    played_at,
    silence,
    speak,
    through_opus,
    with_frames_lost,
)

pytestmark = pytest.mark.skipif(
    not all(importlib.util.find_spec(name) for name in ("pocketsphinx", "espeakng_loader")),
    reason="the emulator extra is not installed",
)

COMMANDS = (
    "hello",
    "what do you see",
    "change the wall to blue",
    "make it warmer",
    "show me this room with a yellow wall",
    "only the left wall",
    "undo",
    "draw a red circle",
    "add a plant",
    "tell me a story",
    "stop",
    "what time is it",
    "goodbye",
)

# Sentences of different length; each damage is tried on these.
SOME = COMMANDS[1:9:2] + COMMANDS[11:]


@pytest.fixture(scope="module")
def recogniser() -> Recogniser:
    return Recogniser()


@pytest.fixture(scope="module")
def spoken() -> dict[str, Samples]:
    return dict(zip(COMMANDS, speak(COMMANDS, "Puck"), strict=True))


def test_the_commands_are_in_the_grammar() -> None:
    assert set(COMMANDS) <= set(phrases.sentences())


@pytest.mark.parametrize("command", COMMANDS)
def test_commands_through_opus(
    recogniser: Recogniser, spoken: dict[str, Samples], command: str
) -> None:
    pcm = np.concatenate([silence(0.5), spoken[command], silence(0.8)])
    assert recogniser.hear(through_opus(pcm, 24_000)) == command


@pytest.mark.parametrize("voice", ["Kore", "Charon", "Aoede"])
def test_other_voices(recogniser: Recogniser, voice: str) -> None:
    texts = ("change the floor to green", "make it black and white", "thank you")
    for text, pcm in zip(texts, speak(texts, voice), strict=True):
        assert recogniser.hear(np.concatenate([silence(0.2), pcm, silence(0.2)])) == text


def test_a_clipped_start(recogniser: Recogniser, spoken: dict[str, Samples]) -> None:
    pcm = spoken["change the wall to blue"]
    start = int(np.argmax(np.abs(pcm) > 300))
    assert recogniser.hear(pcm[start + 960 :]) == "change the wall to blue"


@pytest.mark.parametrize("speed", [0.5, 2 / 3, 1.5, 2.0])
def test_a_mistaken_sample_rate(
    recogniser: Recogniser, spoken: dict[str, Samples], speed: float
) -> None:
    understood = [one for one in SOME if recogniser.hear(played_at(spoken[one], speed)) == one]
    assert not understood


@pytest.mark.parametrize(
    ("milliseconds", "zeroed"), [(20, True), (20, False), (40, True), (60, True)]
)
def test_lost_frames(
    recogniser: Recogniser, spoken: dict[str, Samples], milliseconds: int, zeroed: bool
) -> None:
    understood = [
        one
        for one in SOME
        if recogniser.hear(with_frames_lost(spoken[one], milliseconds=milliseconds, zeroed=zeroed))
        == one
    ]
    assert not understood


def test_noise_and_silence(recogniser: Recogniser) -> None:
    noise = np.random.default_rng(0).normal(0, 3000, 32_000).astype(np.int16)
    assert recogniser.hear(noise) is Refusal.STEADY
    assert recogniser.hear(silence(2)) is Refusal.SILENT


def test_a_whistle_is_no_sentence() -> None:
    time = np.arange(16_000) / 16_000
    whistle = (8000 * np.hanning(16_000) * np.sin(2 * np.pi * 7500 * time)).astype(np.int16)
    pcm = np.concatenate([silence(0.2), whistle, silence(0.2)])
    # After speech the recogniser finds a word in it, and refuses it for another reason.
    assert Recogniser().hear(pcm) is Refusal.NO_SENTENCE


def test_swapped_bytes(recogniser: Recogniser, spoken: dict[str, Samples]) -> None:
    heard = [recogniser.hear(pcm.byteswap()) for pcm in spoken.values()]
    assert all(isinstance(one, Refusal) for one in heard)


def test_other_sentences(recogniser: Recogniser) -> None:
    others = (
        "the weather is nice today",
        "where is the nearest train station",
        "she sells sea shells by the sea shore",
        "my name is Susan and I live in London",
        "please turn on the radio",
    )
    heard = [recogniser.hear(pcm) for pcm in speak(others, "Puck")]
    assert all(isinstance(one, Refusal) for one in heard), heard


def test_answers_are_json(recogniser: Recogniser, spoken: dict[str, Samples]) -> None:
    heard = json.loads(answer(recogniser, spoken["what do you see"].tobytes() + b"\0"))
    assert heard == {"words": "what do you see", "refusal": ""}
    assert json.loads(answer(recogniser, b"")) == {"words": "", "refusal": "silent"}


def test_the_child_answers_until_its_stdin_ends(spoken: dict[str, Samples]) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "emulator.ears_worker"],
        input=pack_frame(7, spoken["what do you see"].tobytes()),
        capture_output=True,
        timeout=60,
        check=True,
    )
    answered = read_frame(io.BytesIO(done.stdout))
    assert answered is not None and answered[0] == 7
    assert json.loads(answered[1]) == {"words": "what do you see", "refusal": ""}


def test_average_fit_weighs_by_frames() -> None:
    segments = [("A", 0, 9, -10.0), ("B", 10, 29, -60.0)]
    assert average_fit(segments, 0, 29) == pytest.approx(-70 / 30)
    assert average_fit(segments, 5, 14) == pytest.approx((-5 - 15) / 10)
    assert average_fit(segments, 50, 60) == 0.0
    assert average_fit([], 0, 9) == 0.0


def test_without_pocketsphinx_the_child_says_so() -> None:
    script = (
        "import sys; sys.modules['pocketsphinx'] = None\n"
        "from emulator.ears_worker import main\nsys.exit(main())"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, timeout=30, check=False
    )
    assert done.returncode == 1
    assert b"not installed" in done.stderr
