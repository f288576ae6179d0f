"""The emulator's mouth, ears and mind for numbers."""

import numpy as np
import pytest

from bench.faults.codec import HEARD_HZ, NUMBERS, sound_of, words_in
from bench.faults.coded_emulator import TOOL, CodedEars, CodedMind, CodedMouth, run
from bench.faults.numbering import answer_to, spoken_by_it, utterance
from emulator.faults import Kind, parse_fault
from emulator.resampling import resample

FAULT = parse_fault("close@speech=1.2")


async def spoken(text: str) -> list[int]:
    pcm = np.frombuffer(await CodedMouth().speak(text, voice="", language=""), "<i2")
    return [word.number for word in words_in(resample(pcm, 24_000, HEARD_HZ))]


async def test_the_mouth_says_the_models_numbers_only() -> None:
    assert await spoken("a17 18 a19") == [17, 19]
    assert await spoken("I have nothing to add.") == [NUMBERS - 1]
    assert await spoken("  ") == []


async def test_the_ears_hear_what_people_say() -> None:
    assert await CodedEars().hear(sound_of([3, 4], HEARD_HZ).tobytes()) == "3 4"


def test_the_mind_answers_and_is_armed_once_in_a_talk() -> None:
    mind = CodedMind(calls_first=False, armed=(FAULT,))
    first, second = utterance(2, 0), utterance(2, 1)
    for heard, faults in ((first, [Kind.CLOSE]), (second, [])):
        reply = mind.on_user(" ".join(map(str, heard)), sight="", tools=frozenset())
        assert reply.say == spoken_by_it(answer_to(heard))
        assert [fault.kind for fault in reply.faults] == faults


def test_the_mind_asks_its_tool_before_it_answers() -> None:
    mind = CodedMind(calls_first=True, armed=())
    heard = utterance(2, 1)
    reply = mind.on_user(" ".join(map(str, heard)), sight="", tools=frozenset({TOOL}))
    assert [call.args for call in reply.calls] == [{"number": heard[-1]}]
    assert reply.say == ""
    answer = mind.on_tool_result(TOOL, {"output": heard[-1]})
    assert answer.say == spoken_by_it(answer_to(heard))


def test_a_mind_that_hears_nothing_says_nothing() -> None:
    assert CodedMind(calls_first=True, armed=()).on_user("", sight="", tools=frozenset()).empty


def test_its_arguments_are_the_emulators(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        run(["--calls-first", "--armed", "close@speech=1", "--port", "nowhere"])
    assert "argument --port" in capsys.readouterr().err
    with pytest.raises(SystemExit):
        run(["--armed", "nonsense"])
    assert "argument --armed" in capsys.readouterr().err
