import copy

import pytest

from emulator.scenario import load_scenario
from emulator.senses import Senses, standard_senses


def test_a_scenario_stands_in_front_of_the_brain() -> None:
    scenario = load_scenario('{"steps": [{"hear": "hello", "say": "Written."}]}')
    mind = standard_senses(scenario).new_mind()
    said = [mind.on_user("hello", sight="", tools=frozenset()).say for _ in range(2)]
    assert said[0] == "Written."
    assert said[1] not in ("Written.", "")
    brain = standard_senses(None).new_mind()
    assert brain.on_user("hello", sight="", tools=frozenset()).say == said[1]


def test_minds_and_eyes_can_be_copied_into_a_handle() -> None:
    senses = standard_senses(None)
    mind, eyes = copy.deepcopy(senses.new_mind()), copy.deepcopy(senses.new_eyes())
    assert mind.on_user("hello", sight="", tools=frozenset()).say != ""
    assert eyes.describe() == ""


class Part:
    """Mouth or ears that notes what happens to it."""

    def __init__(self, *, breaks: bool = False) -> None:
        self.breaks = breaks
        self.life: list[str] = []

    async def start(self) -> None:
        self.life.append("start")
        if self.breaks:
            raise OSError("no ears")

    async def close(self) -> None:
        self.life.append("close")

    async def speak(self, text: str, *, voice: str, language: str) -> bytes:
        return b""

    async def hear(self, pcm: bytes) -> str:
        return ""


async def test_start_is_all_or_nothing() -> None:
    whole = standard_senses(None)
    mouth, ears = Part(), Part(breaks=True)
    senses = Senses(mouth, ears, whole.new_eyes, whole.new_mind)
    with pytest.raises(OSError):
        await senses.start()
    assert mouth.life == ["start", "close"]
    mouth, ears = Part(), Part()
    senses = Senses(mouth, ears, whole.new_eyes, whole.new_mind)
    await senses.start()
    await senses.close()
    assert mouth.life == ears.life == ["start", "close"]
