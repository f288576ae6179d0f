"""A Gemini on virtual time, with a mind of its own and the habits that a test gives it.

It hears numbered pieces of sound and numbered texts, answers what was said, calls tools, gives
handles that are snapshots, and says so when a client does what it must not.
"""

from __future__ import annotations

import random
from collections import Counter
from dataclasses import dataclass, field
from typing import Final

from processors.frames import Role, ToolCall
from processors.gemini.asking import NUDGE
from processors.gemini.errors import ContextFault, GeminiError
from processors.gemini.events import (
    AudioChunk,
    GenerationComplete,
    HandleUpdate,
    Interrupted,
    LiveEvent,
    ToolCalls,
    Transcript,
    TurnComplete,
)
from processors.gemini.outbox import (
    BYTES_PER_S,
    ActivityEnd,
    ActivityStart,
    Audio,
    Outgoing,
    RealtimeText,
    ToolResponse,
)

TICK_S: Final = 0.125
PIECE: Final = bytes(int(TICK_S * BYTES_PER_S) - 9)
SILENCE_S: Final = 0.75  # after which the Gemini answers
CHUNK_S: Final = 0.5
CHUNK: Final = AudioChunk(bytes(int(2 * 24_000 * CHUNK_S)), 24_000)
TEXT: Final = "text "
HEARD: Final = Transcript(Role.USER, "words", False)
SAID: Final = Transcript(Role.MODEL, "words ", False)
TURN_END: Final = TurnComplete(None, in_progress=False)


def piece(number: int, *, speech: bool) -> Audio:
    return Audio(number.to_bytes(8, "big") + bytes([speech]) + PIECE)


@dataclass(frozen=True)
class Habits:
    """What models, and the settings of a session, differ in."""

    indexes: bool = True  # handles say what they hold
    handles_within_turns: bool = True
    transcribes: bool = True
    words_late: bool = False  # the last words of an answer come when its turn is over
    interrupts: bool = True  # speech cuts an answer
    detects: bool = True  # else the client marks where speech begins and ends
    blocking: bool = False  # silent until a tool has its result
    thinks_s: float = 0.0  # at most, before the first output
    plays: bool = False  # a turn ends when its answer has been played
    empty_turns: float = 0.0  # the share of answers that say nothing


@dataclass
class Mind:
    """What a session knows; a handle is a copy of it."""

    heard: list[int] = field(default_factory=list)  # the numbers of speech
    texts: set[int] = field(default_factory=set)
    asked: list[int] = field(default_factory=list)  # texts without an answer
    calls: set[str] = field(default_factory=set)
    unanswered: bool = False
    silent_s: float = 0.0

    def copy(self) -> Mind:
        return Mind(
            [*self.heard],
            {*self.texts},
            [*self.asked],
            {*self.calls},
            self.unanswered,
            self.silent_s,
        )


@dataclass
class SimulatedGemini:
    """One service with many sessions, of which at most one is connected."""

    rng: random.Random
    habits: Habits = Habits()
    handles: dict[str, Mind] = field(default_factory=dict)
    mind: Mind | None = None
    told: set[int] = field(default_factory=set)  # what some session has heard
    results: Counter[str] = field(default_factory=Counter)
    answered: Counter[int] = field(default_factory=Counter)  # texts
    doubled: list[int] = field(default_factory=list)
    doubled_texts: list[int] = field(default_factory=list)
    mistakes: list[str] = field(default_factory=list)
    nudges: int = 0
    answers: int = 0
    refuses: int = 0  # so many of the next handles
    mute: bool = False
    mute_when_interrupted: bool = False
    dead_since: float | None = None  # the line is gone, and the client does not know it yet
    now: float = 0.0
    _index: int = 0
    _begins_at: float | None = None  # an answer
    _answer_left: int = 0
    _waits: set[str] = field(default_factory=set)  # the answer, for these results
    _ends_at: float | None = None  # of the turn, when the answer was played
    _owes_answer: bool = False  # to what was said during the one before
    _activity: bool = False
    _pieces_in_activity: int = 0
    _out: list[LiveEvent] = field(default_factory=list)
    _number: int = 0

    @property
    def busy(self) -> bool:
        answering = self._answer_left or self._waits or self._begins_at is not None
        return bool(answering) or self._ends_at is not None

    def connect(self, handle: str | None, now: float) -> GeminiError | None:
        assert self.mind is None, "one connection at most"
        if handle is not None and self.refuses:
            self.refuses -= 1
            return ContextFault(1008, "BidiGenerateContent session not found")
        self.mind = Mind() if handle is None else self.handles[handle].copy()
        self._index, self._pieces_in_activity, self.now = 0, 0, now
        self._activity = self.mute = self.mute_when_interrupted = self._owes_answer = False
        self.dead_since = None
        self._out = []
        self._stop()
        return None

    def disconnect(self) -> None:
        self.mind = None

    def take(self) -> list[LiveEvent]:
        out, self._out = self._out, []
        return [] if self.dead_since is not None else out

    def say(self, event: LiveEvent) -> None:
        self._out.append(event)

    def hear(self, item: Outgoing) -> None:
        if self.dead_since is not None or self.mind is None:
            return
        self._index += 1
        match item:
            case Audio(pcm) if self.habits.detects or self._activity:
                self._pieces_in_activity += 1
                self._hear_sound(int.from_bytes(pcm[:8], "big"), bool(pcm[8]))
            case Audio():
                self.mistakes.append("sound outside of an activity")
            case ActivityStart():
                self._mark(self._activity, "an activity within another")
                self._activity, self._pieces_in_activity = True, 0
            case ActivityEnd():
                self._mark(not self._activity, "the end of no activity")
                self._mark(not self._pieces_in_activity, "an empty activity")
                self._activity = False
                self._end_of_speech()
            case RealtimeText(text):
                self._mark(self._activity, "a text within an activity")
                self._hear_text(text)
            case ToolResponse(call_id, name):
                assert call_id in self.mind.calls, "never under an id that the session forgot"
                self.results[name] += 1
                self._waits.discard(call_id)
                if not self.busy:
                    self._answer(1)

    def _mark(self, wrong: bool, mistake: str) -> None:
        if wrong:
            self.mistakes.append(f"{mistake} at {self.now}")

    def _hear_text(self, text: str) -> None:
        mind = self.mind
        assert mind is not None
        if text.startswith(TEXT):
            number = int(text.removeprefix(TEXT))
            if number in mind.texts:
                self.doubled_texts.append(number)
            mind.texts.add(number)
            mind.asked.append(number)
        elif text.startswith("The result of"):
            self.results[text.split()[3].rstrip(",")] += 1
        elif text == NUDGE.text:
            self.nudges += 1
        self._interrupt()
        self._answer(self.rng.randint(1, 6))

    def _hear_sound(self, number: int, speech: bool) -> None:
        mind = self.mind
        assert mind is not None
        if not speech:
            mind.silent_s += TICK_S
            if self.habits.detects and mind.silent_s >= SILENCE_S:
                self._end_of_speech()
            return
        if self.habits.interrupts:
            self._interrupt()
        mind.silent_s, mind.unanswered = 0.0, True
        if number in mind.heard[-400:]:
            self.doubled.append(number)
        mind.heard.append(number)
        self.told.add(number)

    def _end_of_speech(self) -> None:
        assert self.mind is not None
        if not self.mind.unanswered:
            return
        self.mind.unanswered = False
        if self.busy:
            self._owes_answer = True
        else:
            self._answer(self.rng.randint(1, 20))

    def _interrupt(self) -> None:
        if not self.busy:
            return
        self._stop()
        if self.mute:
            return
        self._out += [Interrupted(), TURN_END]
        self.mute = self.mute or self.mute_when_interrupted

    def _stop(self) -> None:
        self._answer_left, self._begins_at, self._ends_at = 0, None, None
        self._waits = set()

    def _answer(self, chunks: int) -> None:
        if self.mute:
            return
        if self.habits.transcribes:
            self._out.append(HEARD)
        self._out.append(HandleUpdate(None, None))
        self._answer_left = chunks
        self._begins_at = self.now + self.rng.uniform(0.0, self.habits.thinks_s)

    def _begin(self) -> None:
        assert self.mind is not None
        self._begins_at = None
        if self.rng.random() < self.habits.empty_turns:
            self._answer_left = 0
            self._out += [GenerationComplete(), TURN_END]
            self.give_handle()
            return
        for number in self.mind.asked:
            self.answered[number] += 1
        self.mind.asked.clear()
        if self.rng.random() < 0.05:
            self._number += 1
            call = ToolCall(f"id-{self._number}", f"tool-{self._number}", {})
            self.mind.calls.add(call.id)
            self._out.append(ToolCalls((call,)))
            if self.habits.blocking:
                self._waits.add(call.id)

    def tick(self, now: float) -> None:
        """Half a second of an answer in each, four times as fast as it plays."""
        self.now = now
        if self.mute or self.mind is None:
            return
        if self._ends_at is not None and now >= self._ends_at:
            self._end_turn()
        if self._begins_at is not None and now >= self._begins_at:
            self._begin()
        if self._begins_at is not None or self._waits or not self._answer_left:
            return
        self._out += [CHUNK, SAID]
        self._answer_left -= 1
        if not self._answer_left:
            self.answers += 1
            self._out.append(GenerationComplete())
            self._ends_at = now + (self.rng.uniform(0.0, 8.0) if self.habits.plays else 0.0)
            if not self.habits.plays:
                self._end_turn()

    def _end_turn(self) -> None:
        self._ends_at = None
        self._out.append(TURN_END)
        if self.habits.words_late:
            self._out.append(SAID)
        self.give_handle()
        if self._owes_answer:
            self._owes_answer = False
            self._answer(self.rng.randint(1, 6))

    def give_handle(self) -> None:
        if self.mind is None or self.busy:
            return
        self._number += 1
        handle = f"handle-{self._number}"
        self.handles[handle] = self.mind.copy()
        self._out.append(HandleUpdate(handle, self._index if self.habits.indexes else None))

    def give_handle_by_the_clock(self) -> None:
        within = self.mind is not None and (self.mind.unanswered or self.mind.asked)
        if self.habits.handles_within_turns or not within:
            self.give_handle()
