"""A conversation on virtual time: people, a Gemini with a mind of its own, and `LiveCore` between.

Nothing here waits: each tick is a piece of sound. The Gemini hears numbered pieces, answers what
was said, gives handles that are snapshots, and misbehaves as the test asks.
"""

from __future__ import annotations

import random
from collections import Counter
from dataclasses import dataclass, field
from typing import Final

from processors.frames import Role, ToolCall
from processors.gemini.errors import ContextFault, GeminiError, QuotaFault, TransientFault
from processors.gemini.events import (
    AudioChunk,
    Disconnected,
    GenerationComplete,
    GoAway,
    HandleUpdate,
    Interrupted,
    LiveEvent,
    ToolCalls,
    Transcript,
    TurnComplete,
)
from processors.gemini.link import Link, LinkState
from processors.gemini.live_core import LiveCore, Verdict
from processors.gemini.outbox import BYTES_PER_S, Audio, Outgoing, RealtimeText, ToolResponse

TICK_S: Final = 0.125
PIECE: Final = bytes(int(TICK_S * BYTES_PER_S) - 9)
SILENCE_S: Final = 0.75  # after which the Gemini answers
CHUNK: Final = AudioChunk(bytes(2 * 12_000), 24_000)  # half a second
SETUP: Final = 1

UNHEARD_LIMIT_S: Final = 20.0  # as `client.py` sets for a line

CLOSES: Final[tuple[GeminiError, ...]] = (
    TransientFault(1011, "Internal error encountered."),
    TransientFault(1006, ""),
    TransientFault(0, "no answer to the setup"),
    ContextFault(1008, "BidiGenerateContent session not found"),
    QuotaFault(1011, "RESOURCE_EXHAUSTED"),
)


def piece(number: int, *, speech: bool) -> Audio:
    return Audio(number.to_bytes(8, "big") + bytes([speech]) + PIECE)


@dataclass
class Mind:
    """What a session knows; a handle is a copy of it."""

    heard: list[int] = field(default_factory=list)  # the numbers of speech
    results: list[str] = field(default_factory=list)
    calls: set[str] = field(default_factory=set)
    unanswered: bool = False
    silent_s: float = 0.0

    def copy(self) -> Mind:
        return Mind([*self.heard], [*self.results], {*self.calls}, self.unanswered, self.silent_s)


@dataclass
class SimulatedGemini:
    """One service with many sessions, of which at most one is connected."""

    rng: random.Random
    indexes: bool = True  # handles say what they hold
    handles: dict[str, Mind] = field(default_factory=dict)
    mind: Mind | None = None
    told: set[int] = field(default_factory=set)  # what some session has heard
    results: Counter[str] = field(default_factory=Counter)
    doubled: list[int] = field(default_factory=list)
    answers: int = 0
    refuses: int = 0  # so many of the next handles
    mute: bool = False
    dead_since: float | None = None  # the line is gone, and the client does not know it yet
    _index: int = 0
    _answer_left: int = 0
    _out: list[LiveEvent] = field(default_factory=list)
    _number: int = 0

    def connect(self, handle: str | None, now: float) -> GeminiError | None:
        assert self.mind is None, "one connection at most"
        if handle is not None and self.refuses:
            self.refuses -= 1
            return ContextFault(1008, "BidiGenerateContent session not found")
        self.mind = Mind() if handle is None else self.handles[handle].copy()
        self._index, self._answer_left, self.mute, self.dead_since = 0, 0, False, None
        self._out = []
        return None

    def disconnect(self) -> None:
        self.mind = None

    def take(self) -> list[LiveEvent]:
        out, self._out = self._out, []
        return [] if self.dead_since is not None else out

    def hear(self, item: Outgoing) -> None:
        if self.dead_since is not None or self.mind is None:
            return
        self._index += 1
        match item:
            case Audio(pcm):
                self._hear_sound(int.from_bytes(pcm[:8], "big"), bool(pcm[8]))
            case RealtimeText(text):
                if text.startswith("The result of"):
                    self.results[text.split()[3].rstrip(",")] += 1
                self._answer(1)
            case ToolResponse(call_id, name):
                assert call_id in self.mind.calls, "never under an id that the session forgot"
                self.results[name] += 1
                self._answer(1)

    def _hear_sound(self, number: int, speech: bool) -> None:
        mind = self.mind
        assert mind is not None
        if not speech:
            mind.silent_s += TICK_S
            if mind.unanswered and mind.silent_s >= SILENCE_S:
                mind.unanswered = False
                self._answer(self.rng.randint(1, 20))
            return
        if self._answer_left:
            self._answer_left = 0
            self._out += [Interrupted(), TurnComplete(None, in_progress=False)]
        mind.silent_s, mind.unanswered = 0.0, True
        if number in mind.heard[-400:]:
            self.doubled.append(number)
        mind.heard.append(number)
        self.told.add(number)

    def _answer(self, chunks: int) -> None:
        if self.mute:
            return
        self._out += [Transcript(Role.USER, "words", False), HandleUpdate(None, None)]
        if self.rng.random() < 0.05 and self.mind is not None:
            self._number += 1
            call = ToolCall(f"id-{self._number}", f"tool-{self._number}", {})
            self.mind.calls.add(call.id)
            self._out.append(ToolCalls((call,)))
        self._answer_left = chunks

    def tick(self) -> None:
        """Half a second of an answer in each, four times as fast as it plays."""
        if not self._answer_left or self.mute or self.mind is None:
            return
        self._out += [CHUNK, Transcript(Role.MODEL, "words ", False)]
        self._answer_left -= 1
        if not self._answer_left:
            self.answers += 1
            self._out += [GenerationComplete(), TurnComplete(None, in_progress=False)]
            self.give_handle()

    def give_handle(self) -> None:
        if self.mind is None or self._answer_left:
            return
        self._number += 1
        handle = f"handle-{self._number}"
        self.handles[handle] = self.mind.copy()
        self._out.append(HandleUpdate(handle, self._index if self.indexes else None))

    def say(self, event: LiveEvent) -> None:
        self._out.append(event)


@dataclass
class Conversation:
    """The shell of `LiveLink`, without its sockets, and the people at its other end."""

    seed: int
    indexes: bool = True
    hardship: float = 1.0  # faults of a minute
    now: float = 0.0
    spoken: list[int] = field(default_factory=list)
    called: list[str] = field(default_factory=list)
    visits: Counter[LinkState] = field(default_factory=Counter)
    longest_down_s: float = 0.0

    def __post_init__(self) -> None:
        self.rng = random.Random(self.seed)
        self.core = LiveCore(link=Link(rng=self.rng))
        self.gemini = SimulatedGemini(self.rng, indexes=self.indexes)
        self._number = 0
        self._speaking_until = 0.0
        self._quiet_until = 2.0
        self._pending: list[tuple[float, ToolCall]] = []
        self._hang_until = 0.0
        self._down_since: float | None = 0.0
        self._gone_until: float | None = None

    def run(self, seconds: float) -> None:
        end = self.now + seconds
        while self.now < end:
            self.now += TICK_S
            self._people()
            self._trouble()
            self._shell()
            self.visits[self.core.link.state] += 1
            self._check()

    def _people(self) -> None:
        if self._gone_until is not None:
            if self.now >= self._gone_until:
                self._gone_until = None
                self.core.link.wake()
            return
        was_speaking = self.now - TICK_S < self._speaking_until
        if self.now >= max(self._speaking_until, self._quiet_until):
            self._speaking_until = self.now + self.rng.uniform(0.5, 12.0)
            self._quiet_until = self._speaking_until + self.rng.uniform(1.5, 25.0)
            self.core.user_speaking(True, self.now)
        elif was_speaking and self.now >= self._speaking_until:
            self.core.user_speaking(False, self.now)
        speech = self.now < self._speaking_until
        self._number += 1
        if speech:
            self.spoken.append(self._number)
        self.core.push(piece(self._number, speech=speech), self.now)
        for due, call in [*self._pending]:
            if self.now >= due:
                self._pending.remove((due, call))
                self.core.push(ToolResponse(call.id, call.name, {"output": 1}), self.now)

    def _trouble(self) -> None:
        gemini = self.gemini
        if gemini.mind is not None and self.rng.random() < TICK_S / 2.0:
            gemini.give_handle()
        if self.rng.random() >= self.hardship * TICK_S / 60.0:
            return
        match self.rng.randrange(8):
            case 0 | 1:
                self._lose(self.rng.choice(CLOSES))
            case 2:
                gemini.say(GoAway(self.rng.choice([0.0, 3.0, 50.0])))
            case 3:
                gemini.mute = True
            case 4:
                gemini.refuses += 1
                self._lose(CLOSES[0])
            case 5:
                self._hang_until = self.now + self.rng.uniform(0.0, 20.0)
                self._lose(CLOSES[1])
            case 6:
                gemini.dead_since = gemini.dead_since or self.now
            case 7 if self._gone_until is None and self.now >= self._speaking_until:
                self._gone_until = self.now + self.rng.uniform(1.0, 50.0)
                self.core.link.rest(self.now)

    def _lose(self, fault: GeminiError) -> None:
        if self.core.link.is_open:
            self.gemini.disconnect()
            self._note(self.core.lost(fault, self.now))

    def _note(self, ended: Disconnected | None) -> None:
        assert ended is None or not self.core.link.is_open

    def _shell(self) -> None:
        link = self.core.link
        if link.state is LinkState.WAITING:
            assert link.deadline is not None
            if self.now >= link.deadline:
                link.retry_due()
        if link.opening:
            self._open()
        if not link.is_open:
            return
        while (item := self.core.next(self.now)) is not None:
            self.gemini.hear(item)
            self.core.sent(self.now)
        self.gemini.tick()
        for event in self.gemini.take():
            if isinstance(event, ToolCalls):
                self.called += [call.name for call in event.calls]
                later = self.now + self.rng.uniform(0.2, 15.0)
                self._pending += [(later, call) for call in event.calls]
            self.core.on_event(event, self.now)
        dead_since = self.gemini.dead_since
        if dead_since is not None and self.now - dead_since > UNHEARD_LIMIT_S:
            self._lose(TransientFault(1006, ""))  # the network's own word
            return
        match self.core.poll(self.now):
            case Verdict.LEAVE:
                self.gemini.disconnect()
                self._note(self.core.left(self.now))
            case Verdict.MUTE:
                self._lose(TransientFault(0, "mute"))

    def _open(self) -> None:
        if self.now < self._hang_until:
            self._hang_until = min(self._hang_until, self.now + self.core.link.open_limit_s)
            return
        self.visits[self.core.link.state] += 1
        opening = self.core.opening()
        refusal = self.gemini.connect(opening.handle, self.now)
        if refusal is not None:
            self.core.lost(refusal, self.now)
            return
        self.core.opened(self.now, messages=SETUP)

    def _check(self) -> None:
        core, link = self.core, self.core.link
        assert (self.gemini.mind is not None) == link.is_open, "one connection at most"
        assert core.outbox.audio_s <= core.outbox.audio_limit_s
        if link.is_open or link.state is LinkState.RESTING:
            self._down_since = None
            return
        self._down_since = self.now if self._down_since is None else self._down_since
        self.longest_down_s = max(self.longest_down_s, self.now - self._down_since)
