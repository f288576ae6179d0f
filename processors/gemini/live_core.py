"""What the link to Gemini knows and decides, but for the sockets. Pure: time is an argument.

Joins the connection's life (`link.py`), what waits (`outbox.py`), what may be lost with a
connection (`sent_log.py`) and whether the model still answers (`watchdog.py`). The shell feeds it
what is said on both sides, and asks what to do at `due()`.

When a connection ends, what its session knew since the last handle is told to the next one:
turns that were answered in words, from the history; what was not answered as it was sent; and an
answer that broke off is asked for once, from its last words on.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from enum import Enum, auto
from typing import Final

from processors.frames import Role
from processors.gemini.asking import NUDGE, asks, carry_on
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
from processors.gemini.opening import Opening
from processors.gemini.outbox import Outbox, Outgoing, RealtimeText, Slot, ToolResponse, Turns
from processors.gemini.sent_log import SentLog
from processors.gemini.watchdog import Alarm, Watchdog
from processors.spoken_text import SpokenText

LATE_MEDIA_S: Final = 2.0  # what comes later than this after an interruption is not late but new
UNTOLD_AFTER: Final = 2  # fresh sessions that died of what they were told, or so it seems
BYTES_PER_SAMPLE: Final = 2


class Verdict(Enum):
    """What the shell does about the connection that there is."""

    STAY = auto()
    LEAVE = auto()
    MUTE = auto()


@dataclass(slots=True)
class ReplayCounters:
    replayed_audio_s: float = 0.0
    answers_broken: int = 0
    answers_carried_on: int = 0
    audio_lost_s: float = 0.0


@dataclass(slots=True)
class LiveCore:
    """`turn_over` is the last turn of the conversation that is over: later ones are told later."""

    turn_over: Callable[[], int] = lambda: 0
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
    _waited: bool = False  # the answer has been silent since it called something
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
            ready = self.calls.told(item) if isinstance(item, ToolResponse) else item
            if ready is None:
                self.outbox.sent(now)  # nobody waits for the news of its progress
            elif self.outbox.in_activity and isinstance(ready, RealtimeText | Turns):
                self.outbox.defer()
            else:
                return ready
        return None

    def sent(self, now: float, *, messages: int = 1) -> None:
        """The next was written, as so many messages."""
        slot = self.outbox.sent(now)
        if slot is not None:
            self.log.sent(slot, messages)

    def put_back(self, now: float) -> None:
        """The next could not be sent: the connection broke."""
        self.outbox.put_back(blamed=now - self._opened_at < QUICK_DEATH_S)

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
                self._on_user_words()
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

    def _on_user_words(self) -> None:
        """They may come when they are being answered already."""
        if self.log.exchange is not None and not self.log.unanswered:
            self._words_of_exchange = True
        else:
            self._user_words = True

    def _on_output(self, event: LiveEvent, now: float) -> None:
        self._late_until = 0.0
        sound_s = 0.0
        if isinstance(event, Transcript) and self._words_are_late:
            self._spoken.said(event.text)
            return
        if self.log.exchange is None:
            self.log.answer_began(now)
            self.calls.answer_ended()
            self._spoken = SpokenText()
            self._covered = False
            self._words_of_exchange, self._user_words = self._user_words, False
        if self._waited and not self.calls.awaited:
            self.log.results_answered()
        self._generated, self._waited = False, isinstance(event, ToolCalls)
        match event:
            case AudioChunk(pcm, rate):
                sound_s = len(pcm) / BYTES_PER_SAMPLE / rate
                self._spoken.sounded(sound_s)
            case Transcript(text=text):
                self._spoken.said(text)
        self.watchdog.output(now, sound_s)

    @property
    def _words_are_late(self) -> bool:
        """What is said now sounded before: all of that answer has come, and none is due."""
        if self.log.exchange is not None:
            return self._generated
        due = self.watchdog.expects or self.log.unanswered
        return self._spoken.sound_s > 0.0 and not due

    def _answer_ended(self) -> None:
        if self.log.exchange is None:
            return
        self.log.answer_ended()
        self._generated = False
        self.calls.answer_ended()

    def _on_handle(self, event: HandleUpdate, now: float) -> None:
        self._covered = event.handle is not None
        if not self.link.handle_updated(event.handle):
            return
        if not self.watchdog.expects:
            self.log.give_up()
        self.log.covered(event.last_consumed_index, now)
        self._handle_turn = self.turn_over()
        self.calls.handle_came({*_results(self.log), *_results(self.outbox)})

    # The connection.

    def opening(self) -> Opening:
        """For the connection that is to be opened, with the settings of this moment."""
        resumes = self.link.handle is not None
        if not resumes:
            self.outbox.drop_updates()
        notes = self.calls.notes(_results(self.outbox), resumed=resumes)
        since = self._handle_turn if resumes else None
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
        sounded = broken and self._spoken.sound_s > 0.0
        told = (sounded or (broken and self.calls.of_answer)) and self._words_are_known()
        again = self.log.taken_along(answered=told or not broken, now=now)
        self._send_again(again, blamed=blamed)
        self.counters.answers_broken += sounded
        self._ask_again(again, now, sounded=sounded)
        self._lost_s += self.log.forgotten_s
        self.log.forgotten_s = 0.0
        self._late_until = 0.0
        self._covered = self._mute = False
        self._quiet_since = None
        self.watchdog.pause(True, now)
        replays = self.log.unanswered and any(slot.audio_s for slot in again)
        return Disconnected(answer_broken=broken, utterance_again=replays)

    def _send_again(self, again: list[Slot], *, blamed: bool) -> None:
        for slot in again:
            slot.tries += blamed
        self.counters.replayed_audio_s += sum(slot.audio_s for slot in again)
        self.outbox.reclaim([slot for slot in again if not slot.own])

    def _ask_again(self, again: list[Slot], now: float, *, sounded: bool) -> None:
        """Once, for what nothing asks for that is said again or still to come."""
        speaking = self._speaking_since is not None
        said_again = self.log.begins_in(again) or any(map(asks, self.outbox))
        if speaking or self.calls.awaited or said_again:
            return
        asked = [slot.item for slot in again if slot.own]
        if sounded and not self.log.unanswered:
            self._carry_on(now)
        elif asked:
            self.outbox.push_first(asked[-1], now)
        elif self._mute and self.watchdog.is_turn:  # its handle holds what was never answered
            self.outbox.push_first(NUDGE, now)

    def _words_are_known(self) -> bool:
        """What is being answered is in the history, or was written."""
        exchange = self.log.exchange
        return self._words_of_exchange or exchange is None or not exchange.spoken

    def _carry_on(self, now: float) -> None:
        self.counters.answers_carried_on += 1
        self.outbox.push_first(carry_on(self._spoken), now)
        self.watchdog.carries_on(now)

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
            self.outbox.push_first(NUDGE, now)

    def lost_audio_s(self) -> float:
        """What of people's words could not be kept, since this was last asked."""
        dropped_s = self.outbox.counters.audio_dropped_s
        lost_s = self._lost_s + dropped_s - self._dropped_before_s
        self._lost_s, self._dropped_before_s = 0.0, dropped_s
        self.counters.audio_lost_s += lost_s
        return lost_s

    def _settle(self, now: float) -> None:
        """Whether it is quiet, and whether an answer waits for a tool."""
        speaking = self._speaking_since is not None
        answering = self.log.exchange is not None
        busy = speaking or answering or self.watchdog.expects or self.calls.pending
        if busy:
            self._quiet_since = None
        elif self._quiet_since is None:
            self._quiet_since = now
        waits = speaking or self.calls.awaited or not self.link.is_open
        self.watchdog.pause(waits, now)


def _results(slots: Iterable[Slot]) -> set[str]:
    """The ids of the calls to which one of them is the result."""
    items = (slot.item for slot in slots)
    return {i.call_id for i in items if isinstance(i, ToolResponse) and not i.will_continue}
