"""The emulator with a mouth, ears and a mind for numbers: `python -m bench.faults.coded_emulator`.

All else is the emulator as it is, with its own arguments, and two more. `--calls-first` makes the
mind call the tool `take` before each answer. `--armed FAULT` is like `--fault`, but waits for the
answer to the first utterance of a talk: a fresh session, which does not hear that, is spared.
"""

import argparse
import dataclasses
import sys
from collections.abc import Callable, Sequence
from typing import Final

import numpy as np

from bench.faults.codec import NUMBERS, sound_of, words_in
from bench.faults.numbering import (
    answer_to,
    numbers_of_its,
    numbers_of_ours,
    opens_a_talk,
    spoken_by_it,
)
from emulator.cli import main
from emulator.eyes import Eyes
from emulator.faults import Fault, parse_fault
from emulator.glances import Glances
from emulator.json_types import JsonObject
from emulator.minds import Mind, Reply, ToolRequest
from emulator.scenario import Scenario, ScenarioMind
from emulator.senses import Senses

SPOKEN_HZ: Final = 24_000
CALLS_FIRST: Final = "--calls-first"
ARMED: Final = "--armed"
TOOL: Final = "take"
OTHER_WORDS: Final = NUMBERS - 1  # what a text without numbers sounds like


class CodedMouth:
    """Says the numbers of a text as sound."""

    async def start(self) -> None:
        """Nothing to start."""

    async def speak(self, text: str, *, voice: str, language: str) -> bytes:
        numbers = numbers_of_its(text) or [OTHER_WORDS]
        return sound_of(numbers if text.strip() else [], SPOKEN_HZ).tobytes()

    async def close(self) -> None:
        """Nothing to close."""


class CodedEars:
    """Hears the numbers in a sound."""

    async def start(self) -> None:
        """Nothing to start."""

    async def hear(self, pcm: bytes) -> str:
        words = words_in(np.frombuffer(pcm, "<i2"))
        return " ".join(str(word.number) for word in words)

    async def close(self) -> None:
        """Nothing to close."""


class CodedMind:
    """Answers numbers with numbers. How to mend a broken answer, the emulator knows by itself."""

    def __init__(self, calls_first: bool, armed: tuple[Fault, ...]) -> None:
        self._calls_first = calls_first
        self._armed = armed

    def transcript(self) -> str | None:
        return None

    def on_user(self, text: str, *, sight: str, tools: frozenset[str]) -> Reply:
        heard = numbers_of_ours(text)
        if heard and self._calls_first and TOOL in tools:
            return Reply(calls=(ToolRequest(TOOL, {"number": heard[-1]}),))
        faults = self._armed if heard and opens_a_talk(heard[-1]) else ()
        return Reply(say=spoken_by_it(answer_to(heard)), faults=faults)

    def on_tool_result(self, name: str, response: JsonObject) -> Reply:
        return Reply(say=spoken_by_it(answer_to(numbers_of_ours(str(response)))))

    def next_at(self) -> float | None:
        return None

    def on_time(self) -> Reply:
        return Reply()


def coded_senses(
    calls_first: bool, armed: tuple[Fault, ...]
) -> Callable[[Scenario | None], Senses]:
    def senses(scenario: Scenario | None) -> Senses:
        def new_mind() -> Mind:
            mind = CodedMind(calls_first, armed)
            return mind if scenario is None else ScenarioMind(scenario, mind)

        return Senses(CodedMouth(), CodedEars(), lambda: Glances(Eyes), new_mind)

    return senses


def run(argv: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(add_help=False, allow_abbrev=False)
    parser.add_argument(CALLS_FIRST, action="store_true")
    parser.add_argument(ARMED, action="append", default=[], type=parse_fault)
    ours, its = parser.parse_known_args(argv)
    armed = tuple(
        dataclasses.replace(fault, origin=f"armed {number}")
        for number, fault in enumerate(ours.armed)
    )
    return main(its, coded_senses(ours.calls_first, armed))


if __name__ == "__main__":
    sys.exit(run(sys.argv[1:]))
