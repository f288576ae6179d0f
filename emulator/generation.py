"""The model's side of one turn: think, call, speak, wait for calls, finish. Pure.

LISTENING ──begin──► THINKING ──► SPEAKING ──► CALLING ──begin──► THINKING …
                        │            │            (BLOCKING calls only)
                        └────────────┴──► DONE
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from typing import TypeAlias

from emulator.closes import Close
from emulator.delivery import Answer, Piece
from emulator.live_setup import Behavior
from emulator.minds import Reply, ToolRequest


class Stage(Enum):
    # The ears are at work; there is no reply yet.
    LISTENING = "listening"
    THINKING = "thinking"
    SPEAKING = "speaking"
    CALLING = "calling"
    DONE = "done"


@dataclass(frozen=True, slots=True)
class Began:
    """The output begins now; comes before everything else, once for each reply."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """The sound of this text is needed next; give it to `add_sound`."""

    text: str


@dataclass(frozen=True, slots=True)
class Calls:
    """Functions to call now, all of one behaviour."""

    requests: tuple[ToolRequest, ...]
    behavior: Behavior


@dataclass(frozen=True, slots=True)
class Leaving:
    """Say goAway with so many seconds left."""

    left_s: float


@dataclass(frozen=True, slots=True)
class Done:
    """Everything was sent; `playback_until` is when a client has played it."""

    playback_until: float


Output: TypeAlias = Began | Wanted | Piece | Calls | Leaving | Close | Done


class Generation:
    """One turn's output. `poll` gives what is due; `deadline` says when to poll again.

    `reply` is the one that is given or was given last.
    """

    def __init__(self, *, speaks: bool, speed: float) -> None:
        self.stage = Stage.LISTENING
        self.began = False
        self._speaks = speaks
        self._speed = speed
        self.reply = Reply()
        self._think_until = 0.0
        self._blocking: tuple[ToolRequest, ...] = ()
        self._answer: Answer | None = None
        self._said_before = ""
        self._sent_before_s = 0.0
        self._playback_until = 0.0

    @property
    def said(self) -> str:
        """The words sent so far."""
        return self._said_before + (self._answer.said if self._answer else "")

    @property
    def uncalled(self) -> tuple[ToolRequest, ...]:
        """Calls of the reply that were not made yet."""
        if self.stage is Stage.THINKING:
            return self.reply.calls
        return self._blocking if self.stage is Stage.SPEAKING else ()

    @property
    def sent_s(self) -> float:
        """The sound sent so far, in seconds of playback."""
        return self._sent_before_s + (self._answer.sent_s if self._answer else 0.0)

    def begin(self, reply: Reply, now: float, delay_s: float) -> None:
        """Take a reply; its output begins after `delay_s` and the reply's own delay."""
        self._retire_answer()
        self.reply = reply
        self._think_until = now + delay_s + reply.after_s
        self.stage = Stage.THINKING

    def deadline(self) -> float | None:
        """When `poll` will have something, None while others are waited for."""
        if self.stage is Stage.THINKING:
            return self._think_until
        if self.stage is Stage.SPEAKING and self._answer is not None:
            return self._answer.due()
        return None

    def add_sound(self, pcm: bytes) -> list[Output]:
        """The sound of the wanted text; asks for the next one."""
        if self._answer is None or not self._answer.wanted:
            return []
        self._answer.add_sound(pcm)
        return [Wanted(self._answer.wanted)] if self._answer.wanted else []

    def poll(self, now: float, behavior: Callable[[str], Behavior]) -> list[Output]:
        """What is due now; `behavior` tells how a function of that name is called."""
        outputs: list[Output] = []
        if self.stage is Stage.THINKING and now >= self._think_until:
            outputs += self._start(now, behavior)
        if self.stage is Stage.SPEAKING and self._answer is not None:
            outputs += self._answer.take(now)
            if self._answer.finished:
                outputs += self._after_speech(now)
        return outputs

    def _start(self, now: float, behavior: Callable[[str], Behavior]) -> list[Output]:
        self.began = True
        outputs: list[Output] = [Began()]
        reply = self.reply
        if reply.go_away_s is not None:
            outputs.append(Leaving(reply.go_away_s))
        blocking = [c for c in reply.calls if behavior(c.name) is Behavior.BLOCKING]
        others = tuple(call for call in reply.calls if call not in blocking)
        self._blocking = tuple(blocking)
        # A call that does not block runs while the model speaks; one that does silences it.
        if others:
            outputs.append(Calls(others, Behavior.NON_BLOCKING))
        self._answer = Answer(
            reply.say,
            speaks=self._speaks,
            speed=self._speed,
            not_before=now,
            playing_until=self._playback_until,
            stall_s=reply.stall_s,
        )
        self.stage = Stage.SPEAKING
        if self._answer.wanted:
            outputs.append(Wanted(self._answer.wanted))
        return outputs

    def _after_speech(self, now: float) -> list[Output]:
        self._retire_answer()
        if self._blocking:
            self.stage = Stage.CALLING
            calls = Calls(self._blocking, Behavior.BLOCKING)
            return [calls] if self.reply.close is None else [calls, self.reply.close]
        self.stage = Stage.DONE
        if self.reply.close is not None:
            return [self.reply.close]
        return [Done(max(now, self._playback_until))]

    def _retire_answer(self) -> None:
        answer, self._answer = self._answer, None
        if answer is not None:
            self._said_before += answer.said
            self._sent_before_s += answer.sent_s
            self._playback_until = max(self._playback_until, answer.playback_until)
