"""One Live session: what the client says in, effects out. Pure; time is an argument.

The caller feeds `on_message`, `on_heard`, `on_spoken` and `on_time` (at `deadline()`), and carries
out what `take()` gives after each of them.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, assert_never

from emulator import server_messages as messages
from emulator import wire
from emulator.activity import ActivityEvent, Started
from emulator.announcer import Announcer
from emulator.closes import EMPTY_ACTIVITY, INVALID_ARGUMENT, NOT_IMPLEMENTED, Close
from emulator.effects import Effect
from emulator.fault_plan import FaultPlan
from emulator.faults import Fault
from emulator.floor import Floor
from emulator.handle_offers import HandleOffers
from emulator.injection import Injector
from emulator.json_types import JSON, JsonObject
from emulator.lifetime import GoAway, Lifetime
from emulator.live_setup import Backend, Coverage, LiveSetup, read_tools
from emulator.live_turns import TurnState
from emulator.memory import Memory, Origin, Prompt
from emulator.mending import read_notes
from emulator.options import Options
from emulator.profiles import Profile, tools_refusals
from emulator.record import SessionRecord
from emulator.resumption import HandleStore
from emulator.scene import Scene
from emulator.tool_results import ToolResults
from emulator.user_audio import ActivityError, seconds

# What a client says before its setup is answered; the oldest is lost beyond.
MAX_EARLY_FRAMES: Final = 256


@dataclass(frozen=True, slots=True)
class Admission:
    """What a connection was let in with; `received` is the setup as the client wrote it."""

    setup: LiveSetup
    profile: Profile
    backend: Backend
    session_id: int
    memory: Memory
    received: JsonObject
    # The fault that lets the setup hang.
    hangs: Fault | None = None


class LiveSession:
    """The whole behaviour of one connection after its setup."""

    def __init__(
        self,
        admission: Admission,
        options: Options,
        record: SessionRecord,
        handles: HandleStore[Memory],
        now: float,
    ) -> None:
        scene = _scene(admission, options, record, handles, now)
        self._setup = scene.setup
        self._profile = scene.profile
        self._coverage = scene.setup.coverage or scene.profile.coverage
        self._memory = scene.memory
        self._record = record
        self._out = scene.out
        self._lifetime = scene.lifetime
        self._offers = scene.offers
        self._plan = scene.plan
        self._floor = Floor(scene)
        self._injector = Injector(scene, self._floor)
        self._heard_before = scene.memory.user.samples
        record.resumed_from = scene.memory.origin.to_json() if scene.memory.origin else None
        self._results = ToolResults(scene, self._floor)
        self._early: deque[tuple[Sequence[wire.ClientMessage], float]] = deque(
            maxlen=MAX_EARLY_FRAMES
        )
        self._show_setup()
        hangs = admission.hangs
        # None once it has begun.
        self._begins_at: float | None = now
        if hangs is not None:
            record.add_fault(hangs.kind.value, now)
            self._begins_at = math.inf if hangs.seconds is None else now + hangs.seconds
        self._begin(now)

    @property
    def state(self) -> TurnState:
        """Who has the floor."""
        return self._floor.state

    @property
    def model_has_floor(self) -> bool:
        """True from a prompt until its `turnComplete`."""
        return self._floor.model_has_it

    def take(self) -> list[Effect]:
        """Effects since the last call, in order; nothing follows a close."""
        return self._out.take()

    def deadline(self, now: float) -> float | None:
        """When to call `on_time`; None while only input can change anything."""
        if self._begins_at is not None:
            return None if self._begins_at == math.inf else self._begins_at
        times = (
            self._floor.deadline(),
            self._lifetime.deadline(),
            self._offers.deadline(),
            self._injector.deadline(),
            self._scenario_due(now),
        )
        return min((time for time in times if time is not None), default=None)

    def on_message(
        self, message: wire.ClientMessage, now: float, arrived_at: float | None = None
    ) -> None:
        """A frame that holds one message, see `on_frame`."""
        self.on_frame((message,), now, now if arrived_at is None else arrived_at)

    def on_frame(self, frame: Sequence[wire.ClientMessage], now: float, arrived_at: float) -> None:
        """What one frame of the client holds; `arrived_at` is for the record."""
        if self._begins_at is not None:
            self._early.append((frame, arrived_at))
            return
        for message in frame:
            self._record.messages[type(message).__name__] += 1
            try:
                self._dispatch(message, now, arrived_at)
            except ActivityError as error:
                if error.close == EMPTY_ACTIVITY:
                    self._out.empty_activity()
                self._out.close(error.close)
        if self._memory.meter.exhausted:
            self._out.close(INVALID_ARGUMENT)
        self._offers.consumed += 1
        self._settle(now)

    def on_heard(self, number: int, text: str, now: float) -> None:
        """What the ears made of the utterance of turn `number`; '' when nothing."""
        self._floor.heard(number, text, now)
        self._settle(now)

    def on_spoken(self, number: int, pcm: bytes, now: float) -> None:
        """The sound (PCM16 mono 24 kHz) that turn `number` wanted."""
        self._floor.spoken(number, pcm, now)
        self._settle(now)

    def on_time(self, now: float) -> None:
        """Do what is due."""
        if self._begins_at is not None:
            self._begin(now)
            return
        notice = self._lifetime.poll(now)
        match notice:
            case GoAway():
                self._out.send(messages.go_away(notice))
            case Close():
                self._out.close(notice)
            case None:
                pass
            case _:  # pragma: no cover  # mypy proves that no other is left
                assert_never(notice)
        due = self._scenario_due(now)
        if due is not None and now >= due:
            reply = self._memory.mind.on_time()
            self._floor.wait(Prompt("scenario", now, reply=reply), now)
        self._offers.on_time(now)
        self._settle(now)

    def _settle(self, now: float) -> None:
        """Let the turn go on, and whatever is to go wrong go wrong."""
        self._injector.inject(now)
        self._floor.advance(now)
        self._injector.inject(now)
        self._offers.settle(now)

    def _begin(self, now: float) -> None:
        if self._begins_at is None or now < self._begins_at:
            return
        self._begins_at = None
        self._out.send(messages.SETUP_COMPLETE)
        self._offers.offer(now)
        self._floor.resume(now)
        self._settle(now)
        while self._early:
            frame, arrived_at = self._early.popleft()
            self.on_frame(frame, now, arrived_at)

    def end(self, now: float) -> Memory:
        """The connection ended; returns the session as it is then."""
        self._floor.abandon(now)
        record = self._record
        origin = Origin(record.number, record.audio_samples, record.calls_made)
        return self._memory.snapshot(self._lifetime.session_age_s(now), origin)

    def _scenario_due(self, now: float) -> float | None:
        at_age_s = self._memory.mind.next_at()
        if at_age_s is None:
            return None
        return now - self._lifetime.session_age_s(now) + at_age_s

    def _dispatch(self, message: wire.ClientMessage, now: float, arrived_at: float) -> None:
        user = self._memory.user
        match message:
            case wire.Audio(blob):
                pcm, events = user.feed_untrusted(blob.data, blob.mime_type)
                self._record.add_audio(blob.mime_type, len(blob.data), pcm, arrived_at)
                if self._coverage is Coverage.ALL_INPUT:
                    self._memory.meter.hear(seconds(pcm))
                self._activity(events, now)
            case wire.Video(blob):
                self._see(blob, arrived_at)
            case wire.Text(text):
                self._text(text, now)
            case wire.ActivityStart():
                self._activity(user.start(), now)
            case wire.ActivityEnd():
                self._activity(user.end(), now)
            case wire.AudioStreamEnd():
                self._activity(user.end_stream(), now)
            case wire.ClientContent():
                self._content(message, now)
            case wire.ToolResponse(responses):
                for response in responses:
                    self._results.respond(response, now)
            case wire.ContextUpdate():
                self._context_update(message)
            case wire.Setup():
                self._out.close(INVALID_ARGUMENT)
            case _:  # pragma: no cover  # mypy proves that no other is left
                assert_never(message)

    def _activity(self, events: list[ActivityEvent], now: float) -> None:
        memory = self._memory
        for event in events:
            if isinstance(event, Started):
                memory.user_started_at = now
                self._plan.user_started(now)
                self._out.activity(messages.ACTIVITY_START, event.offset_s)
                self._floor.user_started(now)
                continue
            self._out.activity(messages.ACTIVITY_END, event.offset_s)
            if self._coverage is not Coverage.ALL_INPUT:
                memory.meter.hear(seconds(event.pcm))
            text = memory.user.take_text()
            start, end = (max(0, sample - self._heard_before) for sample in event.samples)
            prompt = Prompt(
                "audio", memory.user_started_at, text=text, pcm=event.pcm, audio=(start, end)
            )
            self._floor.prompt(prompt, now)

    def _see(self, blob: wire.Blob, arrived_at: float) -> None:
        memory = self._memory
        self._record.add_frame(blob.mime_type, len(blob.data), arrived_at)
        memory.eyes.look(blob.data, arrived_at)
        memory.sees = self._lifetime.sees = True
        if self._coverage is not Coverage.ONLY_ACTIVITY or memory.user.active:
            memory.meter.see_frame()

    def _text(self, text: str, now: float) -> None:
        self._record.add_text(text)
        self._memory.meter.read(text)
        if not self._memory.user.keep_text(text):
            self._floor.prompt(Prompt("text", now, text=text.strip()), now)

    def _content(self, message: wire.ClientContent, now: float) -> None:
        memory = self._memory
        for turn in message.turns:
            self._remember(turn, now)
        if memory.seeding:
            # A seed is read in silence, and never answered by itself.
            memory.seeding = not message.turn_complete
            user_last = memory.last_role == "user"
            if message.turn_complete and self._profile.seed_ends_with_user and not user_last:
                self._out.close(INVALID_ARGUMENT)
        elif message.turn_complete:
            self._floor.prompt(Prompt("content", now), now, cuts=True)
        elif self._floor.model_has_it:
            self._floor.cut(now)

    def _remember(self, turn: wire.Content, now: float) -> None:
        memory = self._memory
        self._record.add_text(turn.text)
        memory.meter.read(turn.text)
        text, called = read_notes(turn.text)
        memory.called += called
        for blob in turn.media:
            memory.eyes.look(blob.data, now)
            memory.meter.see_frame()
        memory.last_role = turn.role
        memory.broken = None
        if turn.role == "model":
            if memory.unanswered:
                memory.asked = " ".join(memory.unanswered)
            memory.unanswered.clear()
            memory.said = text
        elif text.strip():
            memory.unanswered.append(text)

    def _context_update(self, update: wire.ContextUpdate) -> None:
        if not self._profile.context_updates:
            self._out.close(NOT_IMPLEMENTED)
            return
        if update.tools is not None:
            for close in tools_refusals(update.tools, self._profile):
                self._out.close(close)
            self._memory.tools = read_tools(update.tools)
        if update.instruction is not None:
            self._memory.instruction = update.instruction
            self._memory.meter.read(update.instruction)
        self._show_setup()

    def _show_setup(self) -> None:
        """What holds now, for the record."""
        setup = self._setup
        tools: list[JSON] = [tool.name for tool in self._memory.tools]
        self._record.setup_now = {
            "model": setup.model,
            "voice": setup.voice,
            "language": setup.language,
            "instruction": self._memory.instruction,
            "tools": tools,
        }


def _scene(
    admission: Admission,
    options: Options,
    record: SessionRecord,
    handles: HandleStore[Memory],
    now: float,
) -> Scene:
    setup, profile, memory = admission.setup, admission.profile, admission.memory
    out = Announcer(
        setup, profile, admission.backend, record, voice_activity=options.voice_activity
    )
    compressed = setup.compression is not None
    lifetime = Lifetime(options.limits, now, compressed=compressed, session_age_s=memory.age_s)
    lifetime.sees = memory.sees
    offers = HandleOffers(
        setup,
        memory,
        admission.session_id,
        handles,
        out,
        record,
        lifetime,
        options.handle_interval_s,
        tells_index=options.consumed_index or setup.transparent,
    )
    return Scene(
        setup=setup,
        profile=profile,
        backend=admission.backend,
        options=options,
        memory=memory,
        record=record,
        out=out,
        offers=offers,
        lifetime=lifetime,
        plan=FaultPlan(options.faults, memory.history, record, now),
    )
