"""One Live session: what the client says in, effects out. Pure; time is an argument.

The caller feeds `on_message`, `on_heard`, `on_spoken` and `on_time` (at `deadline()`), and carries
out what `take()` gives after each of them.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import assert_never

from emulator import server_messages as messages
from emulator import wire
from emulator.activity import ActivityEvent, Started
from emulator.announcer import Announcer
from emulator.closes import EMPTY_ACTIVITY, INVALID_ARGUMENT, NOT_IMPLEMENTED, Close
from emulator.effects import Effect
from emulator.floor import Floor, Scene
from emulator.handle_offers import HandleOffers
from emulator.json_types import JSON
from emulator.lifetime import GoAway, Lifetime
from emulator.live_setup import Backend, Behavior, Coverage, LiveSetup, read_tools
from emulator.live_turns import TurnState
from emulator.memory import Memory, Prompt
from emulator.minds import Reply
from emulator.options import Options
from emulator.profiles import Profile, tools_refusals
from emulator.record import SessionRecord
from emulator.resumption import HandleStore
from emulator.tool_calls import Result, Scheduling
from emulator.user_audio import ActivityError, seconds


@dataclass(frozen=True, slots=True)
class Admission:
    """What a connection was let in with."""

    setup: LiveSetup
    profile: Profile
    backend: Backend
    session_id: int
    memory: Memory


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
        setup, memory = admission.setup, admission.memory
        self._profile = admission.profile
        self._backend = admission.backend
        self._coverage = setup.coverage or admission.profile.coverage
        self._memory = memory
        self._record = record
        self._out = Announcer(
            setup,
            admission.profile,
            admission.backend,
            record,
            voice_activity=options.voice_activity,
        )
        self._lifetime = Lifetime(
            options.limits,
            now,
            compressed=setup.compression is not None,
            session_age_s=memory.age_s,
        )
        self._lifetime.sees = memory.sees
        self._offers = HandleOffers(
            setup,
            memory,
            admission.session_id,
            handles,
            self._out,
            self._lifetime,
            options.handle_interval_s,
        )
        self._floor = Floor(
            Scene(
                setup,
                admission.profile,
                options,
                memory,
                record,
                self._out,
                self._offers,
                self._lifetime,
            )
        )
        self._out.send(messages.SETUP_COMPLETE)
        self._offers.offer(now)
        self._floor.resume(now)

    @property
    def state(self) -> TurnState:
        """Who has the floor."""
        return self._floor.state

    def take(self) -> list[Effect]:
        """Effects since the last call, in order; nothing follows a close."""
        return self._out.take()

    def deadline(self, now: float) -> float | None:
        """When to call `on_time`; None while only input can change anything."""
        times = (
            self._floor.deadline(),
            self._lifetime.deadline(),
            self._offers.deadline(),
            self._scenario_due(now),
        )
        return min((time for time in times if time is not None), default=None)

    def on_message(self, message: wire.ClientMessage, now: float) -> None:
        """One client message."""
        self._record.messages[type(message).__name__] += 1
        try:
            self._dispatch(message, now)
        except ActivityError as error:
            if error.close == EMPTY_ACTIVITY:
                self._out.empty_activity()
            self._out.close(error.close)
        if self._memory.meter.exhausted:
            self._out.close(INVALID_ARGUMENT)
        self._floor.advance(now)

    def on_heard(self, number: int, text: str, now: float) -> None:
        """What the ears made of the utterance of turn `number`; '' when nothing."""
        self._floor.heard(number, text, now)
        self._floor.advance(now)

    def on_spoken(self, number: int, pcm: bytes, now: float) -> None:
        """The sound (PCM16 mono 24 kHz) that turn `number` wanted."""
        self._floor.spoken(number, pcm, now)
        self._floor.advance(now)

    def on_time(self, now: float) -> None:
        """Do what is due."""
        notice = self._lifetime.poll(now)
        match notice:
            case GoAway():
                self._out.send(messages.go_away(notice))
            case Close():
                self._out.close(notice)
            case None:
                pass
            case _:
                assert_never(notice)
        due = self._scenario_due(now)
        if due is not None and now >= due:
            reply = self._memory.mind.on_time()
            self._floor.wait(Prompt("scenario", now, reply=reply), now)
        self._offers.on_time(now)
        self._floor.advance(now)

    def _scenario_due(self, now: float) -> float | None:
        at_age_s = self._memory.mind.next_at()
        if at_age_s is None:
            return None
        return now - self._lifetime.session_age_s(now) + at_age_s

    def _dispatch(self, message: wire.ClientMessage, now: float) -> None:
        user = self._memory.user
        match message:
            case wire.Audio(blob):
                pcm, events = user.feed_untrusted(blob.data, blob.mime_type)
                self._record.add_audio(blob.mime_type, len(blob.data), pcm, now)
                if self._coverage is Coverage.ALL_INPUT:
                    self._memory.meter.hear(seconds(pcm))
                self._activity(events, now)
            case wire.Video(blob):
                self._see(blob, now)
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
                    self._tool_response(response, now)
            case wire.ContextUpdate(tools):
                self._context_update(tools)
            case wire.Setup():
                self._out.close(INVALID_ARGUMENT)
            case _:
                assert_never(message)

    def _activity(self, events: list[ActivityEvent], now: float) -> None:
        memory = self._memory
        for event in events:
            if isinstance(event, Started):
                memory.user_started_at = now
                self._out.activity(messages.ACTIVITY_START, event.offset_s)
                self._floor.user_started(now)
                continue
            self._out.activity(messages.ACTIVITY_END, event.offset_s)
            if self._coverage is not Coverage.ALL_INPUT:
                memory.meter.hear(seconds(event.pcm))
            text = memory.user.take_text()
            prompt = Prompt("audio", memory.user_started_at, text=text, pcm=event.pcm)
            self._floor.prompt(prompt, now)

    def _see(self, blob: wire.Blob, now: float) -> None:
        memory = self._memory
        self._record.add_frame(blob.mime_type, len(blob.data), now)
        memory.eyes.look(blob.data, now)
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
        for blob in turn.media:
            memory.eyes.look(blob.data, now)
            memory.meter.see_frame()
        memory.last_role = turn.role
        if turn.role == "model":
            memory.unanswered.clear()
        elif turn.text:
            memory.unanswered.append(turn.text)

    def _context_update(self, tools: list[JSON] | None) -> None:
        if not self._profile.context_updates:
            self._out.close(NOT_IMPLEMENTED)
        elif tools is not None:
            for close in tools_refusals(tools, self._profile):
                self._out.close(close)
            self._memory.tools = read_tools(tools)

    def _tool_response(self, response: wire.FunctionResponse, now: float) -> None:
        mldev = self._backend is Backend.MLDEV
        schedules = self._profile.schedules and mldev
        if (mldev and not response.id) or (response.scheduling and not schedules):
            self._out.close(INVALID_ARGUMENT)
            return
        memory = self._memory
        result = memory.ledger.respond(response)
        if result is None:
            self._record.unmatched_tool_responses += 1
            return
        call = result.call
        self._record.add_call("response", call.name, call.id, result.response, now)
        memory.meter.read(json.dumps(result.response))
        if call.behavior is Behavior.BLOCKING:
            if not result.will_continue:
                reply = memory.mind.on_tool_result(call.name, result.response)
                self._floor.blocking_result(reply, now)
        else:
            self._late_result(result, now)

    def _late_result(self, result: Result, now: float) -> None:
        """The response of a NON_BLOCKING call: the talk went on meanwhile."""
        reply = Reply()
        if result.scheduling is not Scheduling.SILENT:
            reply = self._memory.mind.on_tool_result(result.call.name, result.response)
        # With an interaction status even silence needs a turn: the client waits for IDLE.
        if reply.empty and not self._profile.interaction_status:
            return
        prompt = Prompt("tool", now, reply=reply)
        if result.scheduling is not Scheduling.INTERRUPT:
            self._floor.wait(prompt, now)
        elif self._floor.state is TurnState.USER_ACTIVE and not self._profile.talks_over_user:
            self._floor.wait(prompt, now, first=True)
        else:
            self._floor.prompt(prompt, now, cuts=True)
