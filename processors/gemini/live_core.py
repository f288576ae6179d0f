"""What the link to Gemini knows and decides, but for the sockets. Pure: time is an argument.

Joins the connection's life (`link.py`), what waits (`outbox.py`), what may be lost with a
connection (`sent_log.py`) and whether the model still answers (`watchdog.py`). The shell feeds it
what is said on both sides, and asks what to do at `due()`.

When a connection ends, what its session knew since the last handle is told to the next one:
turns that were answered in words, from the history; what was not answered as it was sent; and an
answer that broke off is asked for once, from its last words on.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from enum import Enum, auto
from typing import Final

from processors.frames import Role
from processors.gemini.calls import Calls
from processors.gemini.errors import GeminiError
from processors.gemini.events import (
    AudioChunk,
    Disconnected,
    GenerationComplete,
    GoAway,
    HandleUpdate,
    Interrupted,
    LiveEvent,
    ModelImage,
    ModelText,
    ToolCalls,
    ToolsCancelled,
    Transcript,
    TurnComplete,
    VoiceActivityEvent,
)
from processors.gemini.link import QUICK_DEATH_S, Link
from processors.gemini.outbox import Outbox, Outgoing, RealtimeText, ToolResponse, Turns
from processors.gemini.sent_log import SentLog
from processors.gemini.watchdog import Alarm, Watchdog
from processors.spoken_text import SpokenText
from processors.wording import last_words

LATE_MEDIA_S: Final = 2.0  # what comes later than this after an interruption is not late but new
QUOTED_WORDS: Final = 12
UNTOLD_AFTER: Final = 2  # fresh sessions that died of what they were told, or so it seems
BYTES_PER_SAMPLE: Final = 2

NUDGE: Final = "Please answer what was just said."
CARRY_ON: Final = (
    'Your last answer broke off after the words "{words}". '
    "Go on from there; do not repeat them and do not greet."
)
CARRY_ON_UNHEARD: Final = (
    "Your last answer broke off in the middle. Go on from there, and do not greet."
)


class Verdict(Enum):
    """What the shell does about the connection that there is."""

    STAY = auto()
    LEAVE = auto()
    MUTE = auto()


@dataclass(frozen=True, slots=True)
class Opening:
    """What a connection that is to be opened is told first: the turns after `since` (None: all
    there were, since it is a fresh session) and `notes`; nothing unless it `tells`.

    `asked` is what was written and will be sent again: it is in the history already.
    """

    handle: str | None
    since: int | None
    notes: tuple[str, ...] = ()
    asked: tuple[str, ...] = ()
    tells: bool = True


@dataclass(slots=True)
class ReplayCounters:
    replayed_audio_s: float = 0.0
    answers_broken: int = 0
    answers_carried_on: int = 0
    audio_lost_s: float = 0.0


@dataclass(slots=True)
class LiveCore:
    """`present_turn` is the number of the conversation's turn, for what is told later."""

    present_turn: Callable[[], int] = lambda: 0
    link: Link = field(default_factory=Link)
    outbox: Outbox = field(default_factory=Outbox)
    watchdog: Watchdog = field(default_factory=Watchdog)
    log: SentLog = field(default_factory=SentLog)
    calls: Calls = field(default_factory=Calls)
    counters: ReplayCounters = field(default_factory=ReplayCounters)
    _spoken: SpokenText = field(default_factory=SpokenText)
    _user_words: bool = False  # Gemini has told what it understood of the utterance
    _words_of_exchange: bool = False
    _generated: bool = False
    _covered: bool = False
    _handle_turn: int = 0
    _speaking_since: float | None = None
    _quiet_since: float | None = None
    _late_until: float = 0.0
    _fresh_deaths: int = 0  # of fresh sessions in a row, soon after they were opened
    _mute: bool = False  # the connection is left because nothing comes any more
    _lost_s: float = 0.0
    _dropped_before_s: float = 0.0
    _opened_at: float = 0.0

    # What is to be sent.

    def push(self, item: Outgoing, now: float) -> bool:
        """False when there is no room for it any more."""
        accepted = self.outbox.push(item, now)
        match item:
            case RealtimeText() | Turns(complete=True):
                self.watchdog.user_ended(now, spoke_s=None)
            case ToolResponse():
                self.calls.answered(item)
                self._settle(now)
        return accepted

    def next(self, now: float) -> Outgoing | None:
        """The next to send, followed by `sent`, `put_back` or `unsendable`; None: nothing waits."""
        while (item := self.outbox.pop()) is not None:
            told = self.calls.told(item) if isinstance(item, ToolResponse) else item
            if told is not None:
                return told
            self.outbox.sent(now)
        return None

    def sent(self, now: float) -> None:
        slot = self.outbox.sent(now)
        if slot is not None:
            self.log.sent(slot)

    # What happens.

    def user_speaking(self, speaking: bool, now: float) -> None:
        """By the room's own detectors."""
        if speaking == (self._speaking_since is not None):
            return
        if speaking:
            self._speaking_since = now
            if not self.log.unanswered:
                self._user_words = False
            self.log.speech_began(self.outbox, now)
            self.watchdog.user_began(now)
        else:
            spoke_s = now - (self._speaking_since or now)
            self._speaking_since = None
            self.log.speech_ended()
            self.watchdog.user_ended(now, spoke_s=spoke_s)
        self._settle(now)

    def on_event(self, event: LiveEvent, now: float) -> bool:
        """False: media of an answer that was interrupted, which nobody must hear any more."""
        match event:
            case AudioChunk() | ModelText() | ModelImage() | Transcript(role=Role.MODEL):
                if now < self._late_until:
                    return False
                self._on_output(event, now)
            case ToolCalls(calls):
                self._on_output(event, now)
                self.calls.made(calls)
            case ToolsCancelled(ids):
                self.calls.cancelled(ids)
            case Transcript():
                self._user_words = True
                self.watchdog.noticed(now)
            case VoiceActivityEvent():
                self.watchdog.noticed(now)
            case Interrupted():
                if self.log.exchange is not None and not self._generated:
                    self._late_until = now + LATE_MEDIA_S
                self._answer_ended()
                self.watchdog.interrupted(now)
            case GenerationComplete():
                self._generated = True
                self.watchdog.generated(now)
            case TurnComplete(in_progress=False):
                self._late_until = 0.0
                self._answer_ended()
                self.watchdog.complete(now)
            case GoAway(left_s):
                self.link.go_away(left_s, now)
            case HandleUpdate():
                self._on_handle(event, now)
            case _:
                pass
        self._settle(now)
        return True

    def _on_output(self, event: LiveEvent, now: float) -> None:
        self._late_until = 0.0
        if self.log.exchange is None:
            self.log.answer_began(now)
            self._spoken = SpokenText()
            self._generated = self._covered = False
            self._words_of_exchange, self._user_words = self._user_words, False
        match event:
            case AudioChunk(pcm, rate):
                self._spoken.sounded(len(pcm) / BYTES_PER_SAMPLE / rate)
            case Transcript(text=text):
                self._spoken.said(text)
        self.watchdog.output(now)

    def _answer_ended(self) -> None:
        self.log.answer_ended()
        self.calls.answer_ended()
        self._generated = False

    def _on_handle(self, event: HandleUpdate, now: float) -> None:
        self._covered = event.handle is not None
        if not self.link.handle_updated(event.handle):
            return
        if not self.watchdog.expects:
            self.log.give_up()
        self.log.covered(event.last_consumed_index, now)
        self._handle_turn = self.present_turn()
        self.calls.handle_came()

    # The connection.

    def opening(self) -> Opening:
        """For the connection that is to be opened, with the settings of this moment."""
        if self.link.handle is None:
            self.outbox.drop_updates()
        notes = self.calls.notes(resumed=self.link.handle is not None)
        since = None if self.link.handle is None else self._handle_turn
        written = (slot.item for slot in self.outbox)
        asked = tuple(i.text for i in written if isinstance(i, RealtimeText | Turns) and i.text)
        return Opening(self.link.handle, since, notes, asked, self._fresh_deaths < UNTOLD_AFTER)

    def opened(self, now: float, *, messages: int) -> None:
        """`messages` were sent on it already, beginning with the setup."""
        self.calls.opened(resumed=self.link.resumes)
        self.link.opened(now)
        self.log.opened(messages)
        self._opened_at = now
        self.watchdog.reconnected(now)
        self._settle(now)

    def left(self, now: float) -> Disconnected:
        """The connection was closed, as was decided."""
        ended = self._connection_ended(now, blamed=False)
        self.link.left(now)
        return ended

    def lost(self, fault: GeminiError, now: float) -> Disconnected | None:
        """It broke, or did not come up; None when there was none."""
        if not self.link.is_open:
            self.link.lost(fault, now)
            return None
        quick = now - self._opened_at < QUICK_DEATH_S
        self._fresh_deaths = self._fresh_deaths + 1 if quick and not self.link.resumes else 0
        ended = self._connection_ended(now, blamed=quick)
        self.link.lost(fault, now)
        return ended

    def closed(self, now: float) -> Disconnected | None:
        """It was closed for good."""
        ended = self._connection_ended(now, blamed=False) if self.link.is_open else None
        self.link.close()
        return ended

    def _connection_ended(self, now: float, *, blamed: bool) -> Disconnected:
        """`blamed`: what was sent may be what the connection died of."""
        if self._generated:  # all of the answer has come
            self._answer_ended()
        broken = self.log.exchange is not None
        sounded = self._spoken.sound_s > 0.0
        told = broken and (sounded or self.calls.of_answer) and self._words_are_known()
        holds_utterance = self.log.holds_utterance
        again = self.log.taken_along(answered=told or not broken, now=now)
        for slot in again:
            slot.tries += blamed
        self.counters.replayed_audio_s += sum(slot.audio_s for slot in again)
        self.outbox.reclaim(again)
        if broken and sounded:
            self.counters.answers_broken += 1
            if not (self.calls.awaited or self.log.unanswered or self._speaking_since is not None):
                self._carry_on(now)
        self._lost_s += self.log.forgotten_s
        self.log.forgotten_s = 0.0
        self._answer_ended()
        self._late_until = 0.0
        self._covered = False
        self._quiet_since = None
        self.watchdog.pause(True, now)
        replays = self.log.unanswered and any(slot.audio_s for slot in again)
        asks = any(isinstance(slot.item, RealtimeText | Turns) for slot in again)
        if self._mute and not (broken or holds_utterance or asks):
            self._nudge(now)  # since the handle holds what was never answered
        self._mute = False
        return Disconnected(answer_broken=broken, utterance_again=replays)

    def _words_are_known(self) -> bool:
        """What is being answered is in the history, or was written."""
        exchange = self.log.exchange
        return self._words_of_exchange or exchange is None or not exchange.spoken

    def _carry_on(self, now: float) -> None:
        self.counters.answers_carried_on += 1
        words = last_words(self._spoken.text_until(self._spoken.sound_s), QUOTED_WORDS)
        text = CARRY_ON.format(words=words) if words else CARRY_ON_UNHEARD
        self.outbox.push_first(RealtimeText(text), now)
        self.watchdog.user_ended(now, spoke_s=None)

    # Time.

    def due(self) -> float | None:
        """When `poll` has something to say, if nothing happens before."""
        times = (self.link.due(self._quiet_since), self.watchdog.due())
        return min((time for time in times if time is not None), default=None)

    def poll(self, now: float) -> Verdict:
        self._settle(now)
        if self.link.leaves(now, quiet_since=self._quiet_since, covered=self._covered):
            return Verdict.LEAVE
        match self.watchdog.poll(now):
            case Alarm.NUDGE:
                self._nudge(now)
            case Alarm.RECONNECT:
                self._mute = True
                return Verdict.MUTE
            case Alarm.START_AFRESH:
                self._mute = True
                self.link.start_afresh()
                return Verdict.MUTE
        return Verdict.STAY

    def _nudge(self, now: float) -> None:
        if self.log.exchange is not None and self._spoken.sound_s:
            self._carry_on(now)
        else:
            self.outbox.push_first(RealtimeText(NUDGE), now, once=True)

    def lost_audio_s(self) -> float:
        """What of people's words could not be kept, since this was last asked."""
        dropped_s = self.outbox.counters.audio_dropped_s
        lost_s = self._lost_s + dropped_s - self._dropped_before_s
        self._lost_s, self._dropped_before_s = 0.0, dropped_s
        self.counters.audio_lost_s += lost_s
        return lost_s

    def _settle(self, now: float) -> None:
        """Whether it is quiet, and whether an answer waits for a tool."""
        busy = (
            self._speaking_since is not None
            or self.log.exchange is not None
            or self.watchdog.expects
            or self.calls.pending
        )
        if busy:
            self._quiet_since = None
        elif self._quiet_since is None:
            self._quiet_since = now
        at_work = self.log.exchange is not None and self.calls.awaited
        self.watchdog.pause(at_work or not self.link.is_open, now)
