"""A conversation on virtual time: people, a simulated Gemini, and `LiveCore` between.

Nothing here waits: each tick is a piece of sound. The talk misbehaves as the test asks.
"""

from __future__ import annotations

import random
from collections import Counter
from dataclasses import dataclass, field
from typing import Final

from processors.frames import ToolCall
from processors.gemini.activity_marks import ActivityMarks
from processors.gemini.errors import ContextFault, GeminiError, QuotaFault, TransientFault
from processors.gemini.events import Disconnected, GoAway, ToolCalls
from processors.gemini.link import Link, LinkState
from processors.gemini.live_core import LiveCore, Verdict
from processors.gemini.outbox import Outgoing, RealtimeText, ToolResponse
from processors.gemini.watchdog import Watchdog, WatchLimits
from tests.processors.gemini.simulated_gemini import (
    TEXT,
    TICK_S,
    Habits,
    SimulatedGemini,
    piece,
)

SETUP: Final = 1
HANGOVER_S: Final = 0.5  # of the room's detectors
UNHEARD_LIMIT_S: Final = 20.0  # as `client.py` sets for a line

CLOSES: Final[tuple[GeminiError, ...]] = (
    TransientFault(1011, "Internal error encountered."),
    TransientFault(1006, ""),
    TransientFault(0, "no answer to the setup"),
    ContextFault(1008, "BidiGenerateContent session not found"),
    QuotaFault(1011, "RESOURCE_EXHAUSTED"),
)


@dataclass
class Conversation:
    """The shell of `LiveLink`, without its sockets, and the people at its other end."""

    seed: int
    habits: Habits = Habits()
    hardship: float = 1.0  # faults of a minute
    now: float = 0.0
    spoken: list[int] = field(default_factory=list)
    written: list[int] = field(default_factory=list)
    called: list[str] = field(default_factory=list)
    visits: Counter[LinkState] = field(default_factory=Counter)
    longest_down_s: float = 0.0
    longest_busy_s: float = 0.0

    def __post_init__(self) -> None:
        self.rng = random.Random(self.seed)
        limits = WatchLimits(signs=self.habits.transcribes)
        self.core = LiveCore(link=Link(rng=self.rng), watchdog=Watchdog(limits))
        self.gemini = SimulatedGemini(self.rng, self.habits)
        self._marks = None if self.habits.detects else ActivityMarks()
        self._number = 0
        self._speaking_until = 0.0
        self._noise_until = 0.0
        self._noticed = False
        self._quiet_until = 2.0
        self._pending: list[tuple[float, ToolCall]] = []
        self._hang_until = 0.0
        self._down_since: float | None = 0.0
        self._busy_since: float | None = None
        self._gone_until: float | None = None
        self._told: set[int] = set()  # texts, by the history, to a fresh session

    @property
    def lost(self) -> list[int]:
        """Pieces of speech that no session has heard."""
        return [number for number in self.spoken if number not in self.gemini.told]

    @property
    def lost_results(self) -> set[str]:
        """Of tools that are not at work any more."""
        at_work = {call.name for _, call in self._pending}
        return set(self.called) - at_work - set(self.gemini.results)

    @property
    def unanswered(self) -> list[int]:
        """Texts; a fresh session takes those that it is told of for history."""
        known = self.gemini.answered.keys() | self._told
        return [number for number in self.written if number not in known]

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
        for due, call in [*self._pending]:
            if self.now >= due:
                self._pending.remove((due, call))
                self.core.push(ToolResponse(call.id, call.name, {"output": 1}), self.now)
        if self._gone_until is not None:
            if self.now >= self._gone_until:
                self._gone_until = None
                self.core.link.wake()
            return
        if self.now >= max(self._speaking_until, self._quiet_until):
            self._speaking_until = self.now + self.rng.uniform(0.5, 12.0)
            self._quiet_until = self._speaking_until + self.rng.uniform(1.5, 25.0)
        if self.rng.random() < TICK_S / 120.0:
            self._noise_until = self.now + self.rng.uniform(0.25, 5.0)
        if self.hardship and self.rng.random() < TICK_S / 60.0:
            self._write()
        self._notice()
        speech = self.now < self._speaking_until
        self._number += 1
        if speech:
            self.spoken.append(self._number)
        self._push(piece(self._number, speech=speech))

    def _notice(self) -> None:
        """As the room's detectors do, which take noise for speech."""
        noticed = self.now < max(self._speaking_until + HANGOVER_S, self._noise_until)
        if noticed == self._noticed:
            return
        self._noticed = noticed
        self.core.user_speaking(noticed, self.now)
        if self._marks is not None:
            for item in self._marks.started() if noticed else self._marks.ended():
                self.core.push(item, self.now)

    def _write(self) -> None:
        self._number += 1
        self.written.append(self._number)
        self._push(RealtimeText(f"{TEXT}{self._number}"))

    def _push(self, item: Outgoing) -> None:
        for each in [item] if self._marks is None else self._marks.passed(item):
            self.core.push(each, self.now)

    def _trouble(self) -> None:
        gemini = self.gemini
        if gemini.mind is not None and self.rng.random() < TICK_S / 2.0:
            gemini.give_handle_by_the_clock()
        if self.rng.random() >= self.hardship * TICK_S / 60.0:
            return
        match self.rng.randrange(10):
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
            case 8:
                self.core.link.renew(self.now, afresh=self.rng.random() < 0.3)
            case 9:
                gemini.mute_when_interrupted = True

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
        self.gemini.tick(self.now)
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
                if self._gone_until is not None and self.rng.random() < 0.2:
                    self._gone_until = None
                    link.wake()
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
        if opening.handle is None:
            self._told |= {n for n in self.written if f"{TEXT}{n}" not in opening.asked}
        self.core.opened(self.now, messages=SETUP)

    def _check(self) -> None:
        core, link = self.core, self.core.link
        assert (self.gemini.mind is not None) == link.is_open, "one connection at most"
        assert core.outbox.audio_s <= core.outbox.audio_limit_s
        if core.log.exchange is None and not core.watchdog.expects:
            self._busy_since = self.now
        self._busy_since = self._busy_since or self.now
        self.longest_busy_s = max(self.longest_busy_s, self.now - self._busy_since)
        if link.is_open or link.state is LinkState.RESTING:
            self._down_since = None
            return
        self._down_since = self.now if self._down_since is None else self._down_since
        self.longest_down_s = max(self.longest_down_s, self.now - self._down_since)
