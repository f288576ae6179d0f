"""The emulator's voice, ears, eyes and mind, as a session's shell needs them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from emulator.brain import Brain
from emulator.ears import Ears
from emulator.eyes import Eyes
from emulator.glances import Glances
from emulator.minds import BrainMind, EyeLike, Mind
from emulator.scenario import Scenario, ScenarioMind
from emulator.voice import Voice


class Mouth(Protocol):
    """Text to sound."""

    async def start(self) -> None: ...

    async def speak(self, text: str, *, voice: str, language: str) -> bytes: ...

    async def close(self) -> None: ...


class Ear(Protocol):
    """Sound to text."""

    async def start(self) -> None: ...

    async def hear(self, pcm: bytes) -> str: ...

    async def close(self) -> None: ...


@dataclass(frozen=True, slots=True)
class Senses:
    """One mouth and one pair of ears for all sessions; eyes and a mind for each."""

    mouth: Mouth
    ears: Ear
    new_eyes: Callable[[], EyeLike]
    new_mind: Callable[[], Mind]

    async def start(self) -> None:
        """Start mouth and ears; when the second fails, the first is closed again."""
        await self.mouth.start()
        try:
            await self.ears.start()
        except BaseException:
            await self.mouth.close()
            raise

    async def close(self) -> None:
        """Close both, whatever happens to the first."""
        try:
            await self.ears.close()
        finally:
            await self.mouth.close()


def standard_senses(scenario: Scenario | None) -> Senses:
    """espeak-ng, pocketsphinx, the small brain; in front of it the scenario when there is one."""

    def new_mind() -> Mind:
        mind = BrainMind(Brain())
        return mind if scenario is None else ScenarioMind(scenario, mind)

    return Senses(Voice(), Ears(), lambda: Glances(Eyes), new_mind)
