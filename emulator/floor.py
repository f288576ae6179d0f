"""Who has the floor, and what the model does with it. Pure.

Joins the turn machine with one turn's generation: prompts in, messages and wishes out.
"""

from __future__ import annotations

import copy
import dataclasses
import json
import math
from dataclasses import dataclass
from typing import assert_never

from emulator import server_messages as messages
from emulator.closes import INVALID_ARGUMENT, Close
from emulator.delivery import Piece, fragments
from emulator.effects import Hear, Speak
from emulator.faults import MODELS_TRANSCRIPTS, USERS_TRANSCRIPTS, Kind
from emulator.generation import Began, Calls, Done, Generation, Leaving, Output, Stage, Wanted
from emulator.live_turns import (
    GenerationFinished,
    Interrupted,
    PlaybackFinished,
    Prompted,
    Turns,
    TurnState,
    UserStarted,
)
from emulator.memory import Prompt
from emulator.mending import read_request
from emulator.minds import Mind, Reply, Words, merged
from emulator.record import TurnRecord
from emulator.replying import Replying
from emulator.scene import Scene


@dataclass(eq=False)
class _Turn:
    """The model's turn: from its prompt until `turnComplete`."""

    number: int
    generation: Generation
    record: TurnRecord
    prompt: Prompt
    text: str = ""
    replies: tuple[Reply, ...] = ()
    # Words of both sides that leave after the turn.
    withheld: str = ""
    heard_late: str = ""
    # What is asked again was never asked.
    mind_before: Mind | None = None
    sounded: bool = False


class Floor:
    """One session's turns. Call `advance` after every other call and at `deadline()`."""

    def __init__(self, scene: Scene) -> None:
        self._setup = scene.setup
        self._profile = scene.profile
        self._backend = scene.backend
        self._options = scene.options
        self._memory = scene.memory
        self._record = scene.record
        self._out = scene.out
        self._offers = scene.offers
        self._lifetime = scene.lifetime
        self._plan = scene.plan
        self._replying = Replying(scene.memory, scene.record)
        self._turns = Turns()
        self._turn: _Turn | None = None
        # Nothing of an answer leaves before.
        self._stalled_until = -math.inf
        self._mute = False

    @property
    def state(self) -> TurnState:
        """Who has the floor."""
        return self._turns.state

    @property
    def model_has_it(self) -> bool:
        """True from a prompt until its `turnComplete`."""
        return self._turns.model_has_floor

    def deadline(self) -> float | None:
        """When `advance` will have something to do."""
        generation = self._turn.generation.deadline() if self._turn else None
        times = [
            max(time, self._stalled_until)
            for time in (self._turns.playback_until, generation)
            if time is not None
        ]
        due = min(times, default=math.inf)
        return None if self._mute or due == math.inf else due

    def resume(self, now: float) -> None:
        """Go on from the memory of an earlier connection."""
        for number, pcm in self._memory.unheard.items():
            self._out.want(Hear(number, pcm))
        self._next(now)

    def user_started(self, now: float) -> None:
        """The user speaks up: cuts the model unless the session forbids it."""
        if self._turns.model_has_floor and self._setup.interrupts:
            self.cut(now)
            if self._plan.take(Kind.MUTE_AFTER_BARGE_IN, now):
                self.mute()
        if self._turns.state is TurnState.IDLE:
            self._turns.apply(UserStarted())

    def stall(self, until: float) -> None:
        """Nothing of this turn leaves before; a cut ends it."""
        self._stalled_until = until

    def mute(self) -> None:
        """The model answers nothing any more on this connection, and nobody is told."""
        self._mute = self._out.mute = True
        self._offers.stop()

    def prompt(self, prompt: Prompt, now: float, *, cuts: bool = False) -> None:
        """Answer now, cutting the model's turn if the session or `cuts` allows it; else wait."""
        if self._turns.model_has_floor:
            if not (cuts or self._setup.interrupts):
                self._memory.waiting.append(prompt)
                return
            self.cut(now)
        self._answer(prompt, now)

    def wait(self, prompt: Prompt, now: float, *, first: bool = False) -> None:
        """Answer when nobody has the floor."""
        if first:
            self._memory.waiting.appendleft(prompt)
        else:
            self._memory.waiting.append(prompt)
        self._next(now)

    def heard(self, number: int, text: str, now: float) -> None:
        """What the ears made of the utterance of turn `number`."""
        self._memory.unheard.pop(number, None)
        turn = self._turn
        if turn is None or turn.number != number:
            self._out.heard(text)
        else:
            self._tell_heard(turn, text, now)
            self._understood(turn, text, now)
            return
        # Its turn was cut before it was understood; the next one answers both.
        self._memory.unanswered.append(text)
        for record in self._record.turns:
            if record.number == number:
                record.heard = text

    def spoken(self, number: int, pcm: bytes, now: float) -> None:
        """The sound that turn `number` wanted; too late for a cut turn."""
        if self._turn is not None and self._turn.number == number:
            self._perform(self._turn, self._turn.generation.add_sound(pcm), now)

    def blocking_result(self, reply: Reply, now: float) -> None:
        """A BLOCKING call was answered; the turn goes on when all of them are."""
        turn = self._turn
        assert turn is not None, "a cut cancels the calls that block"
        turn.replies += (reply,)
        if not self._memory.ledger.blocking():
            replies, turn.replies = turn.replies, ()
            self._give(turn, merged(replies), now)

    def cut(self, now: float) -> None:
        """End the model's turn at once; only what was sent stays said."""
        turn, self._turn = self._turn, None
        assert turn is not None, "only a turn can be cut"
        self._stalled_until = -math.inf
        self._remember_broken(turn)
        turn.record.interrupted = True
        turn.record.interrupted_at = now
        self._out.interrupted()
        cancelled = self._memory.ledger.cancel(turn.number)
        self._complete(turn, now)
        if cancelled:
            self._out.send(messages.tool_call_cancellation(cancelled))
            for call in cancelled:
                self._record.add_call("cancellation", call.name, call.id, {}, now)
        self._turns.apply(Interrupted())
        self._offers.owe()

    def abandon(self, now: float) -> None:
        """The connection ended: what the session knows of the turn goes into its memory."""
        turn, self._turn = self._turn, None
        if turn is None:
            return
        memory, generation = self._memory, turn.generation
        if turn.record.first_output_at is None:
            memory.unheard.pop(turn.number, None)
            reply = None if generation.stage is Stage.LISTENING else generation.reply
            # Its text waits among the unanswered words already.
            memory.waiting.appendleft(dataclasses.replace(turn.prompt, text="", reply=reply))
            return
        self._remember_broken(turn)
        self._account(turn)
        memory.meter.finish_turn(self._backend)

    def _remember_broken(self, turn: _Turn) -> None:
        """What was cut can be carried on; before any output it is asked with the next words."""
        generation = turn.generation
        if turn.record.first_output_at is not None:
            self._memory.broken = Reply(say=generation.reply.say, calls=generation.uncalled)
        elif turn.text:
            self._memory.unanswered.insert(0, turn.text)
            self._memory.mind = turn.mind_before or self._memory.mind

    def advance(self, now: float) -> None:
        """Let the turn go on as far as it can at this time."""
        if self._mute or now < self._stalled_until:
            return
        turn = self._turn
        if turn is not None and self._turns.state is TurnState.GENERATING:
            self._perform(turn, turn.generation.poll(now, self._replying.behavior), now)
        if turn is not None and self._turns.playback_over(now):
            self._turn = None
            self._complete(turn, now)
            self._turns.apply(PlaybackFinished())
            self._offers.offer(now)
            self._next(now)

    def _next(self, now: float) -> None:
        """Give the free floor to whoever waits for it: the user first, then prompts."""
        if self._turns.state is not TurnState.IDLE:
            return
        if self._memory.user.active:
            self._turns.apply(UserStarted())
        elif self._memory.waiting:
            self._answer(self._memory.waiting.popleft(), now)

    def _answer(self, prompt: Prompt, now: float) -> None:
        self._turns.apply(Prompted())
        if self._memory.dies:
            self._out.close(INVALID_ARGUMENT)
        self._offers.withdraw()
        memory = self._memory
        memory.turn_number += 1
        record = TurnRecord(memory.turn_number, prompt.kind, prompt.started_at, now)
        record.audio = prompt.audio
        self._record.turns.append(record)
        generation = Generation(speaks=self._setup.speaks, speed=self._options.speed)
        turn = self._turn = _Turn(memory.turn_number, generation, record, prompt)
        self._plan.prompted(memory.turn_number, now)
        if prompt.reply is not None:
            self._give(turn, prompt.reply, now)
            return
        request = read_request(prompt.text) if prompt.kind == "text" else None
        if request is not None:
            record.heard = prompt.text
            turn.mind_before = copy.deepcopy(memory.mind)
            turn.text, reply = self._replying.to_request(request, now)
            self._give(turn, reply, now)
            return
        if prompt.text:
            memory.unanswered.append(prompt.text)
        if not prompt.pcm:
            self._understood(turn, "", now)
            return
        transcript = memory.mind.transcript()
        if transcript is None:
            memory.unheard[turn.number] = prompt.pcm
            self._out.want(Hear(turn.number, prompt.pcm))
        else:
            self._tell_heard(turn, transcript, now)
            self._understood(turn, transcript, now)

    def _tell_heard(self, turn: _Turn, text: str, now: float) -> None:
        fault = self._plan.take(Kind.TRANSCRIPTS, now, USERS_TRANSCRIPTS) if text else None
        if fault is not None and fault.how == "user_late":
            turn.heard_late = text
            return
        self._out.heard(text)
        if fault is not None:
            self._out.heard(text)

    def _understood(self, turn: _Turn, text: str, now: float) -> None:
        memory = self._memory
        turn.text = self._replying.take_words(text)
        turn.record.heard = text or turn.text
        if self._plan.take(Kind.EMPTY_TURN, now):
            memory.unanswered.append(turn.text)
            turn.generation.begin(Reply(), now, 0.0)
            return
        turn.mind_before = copy.deepcopy(memory.mind)
        reply = self._replying.to_words(turn.text)
        latency_s = self._profile.first_audio_s * self._options.latency_scale
        self._give(turn, reply, now, latency_s)

    def _give(self, turn: _Turn, reply: Reply, now: float, delay_s: float = 0.0) -> None:
        """A reply, spoiled by what the plan has for it."""
        self._plan.arm(reply.faults, now)
        if reply.say:
            transcripts = self._plan.take(Kind.TRANSCRIPTS, now, MODELS_TRANSCRIPTS)
            if transcripts is not None:
                reply = dataclasses.replace(reply, words=Words(transcripts.how))
            if self._plan.take(Kind.BUNDLED, now):
                reply = dataclasses.replace(reply, bundled=True)
        turn.generation.begin(reply, now, delay_s)

    def _perform(self, turn: _Turn, outputs: list[Output], now: float) -> None:
        for output in outputs:
            match output:
                case Began():
                    self._begin(turn)
                case Wanted(text):
                    self._out.want(
                        Speak(turn.number, text, self._setup.voice, self._setup.language)
                    )
                case Piece():
                    self._deliver(turn, output, now)
                case Calls():
                    self._call(turn, output, now)
                case Leaving(left_s):
                    self._out.send(messages.go_away(self._lifetime.announce(left_s, now)))
                case Close():
                    self._out.close(output)
                case Done(playback_until):
                    self._out.generation_complete()
                    turn.record.generation_complete_at = now
                    hold_s = (playback_until - now) * self._options.hold_scale
                    if turn.generation.reply.bundled:
                        hold_s = 0.0
                    self._turns.apply(GenerationFinished(now + hold_s))
                case _:  # pragma: no cover  # mypy proves that no other is left
                    assert_never(output)
        turn.record.said = turn.generation.said.strip()
        turn.record.said_s = turn.generation.sent_s

    def _begin(self, turn: _Turn) -> None:
        reply = turn.generation.reply
        if reply.bundled:
            self._out.bundle()
        self._out.began(self._memory.meter)
        self._memory.poisoned |= reply.poison
        if reply.words is Words.EARLY:
            self._out.said("".join(fragments(reply.say)))

    def _outputs(self, turn: _Turn, now: float) -> None:
        if turn.record.first_output_at is None:
            self._memory.broken = None
            self._memory.called.clear()
        turn.record.output(now)

    def _deliver(self, turn: _Turn, piece: Piece, now: float) -> None:
        self._outputs(turn, now)
        if not turn.sounded:
            turn.sounded = True
            self._plan.answer_sounds(now)
        words = turn.generation.reply.words
        if not self._setup.speaks or words in (Words.ALONG, Words.TWICE):
            self._out.piece(piece)
        else:
            self._out.piece(Piece(piece.pcm, ""))
        if words is Words.TWICE:
            self._out.said(piece.text)
        if words is Words.LATE:
            turn.withheld += piece.text

    def _call(self, turn: _Turn, calls: Calls, now: float) -> None:
        self._outputs(turn, now)
        memory = self._memory
        made = tuple(
            memory.ledger.call(request.name, request.args, calls.behavior, turn.number)
            for request in calls.requests
        )
        self._out.send(messages.tool_call(made))
        self._plan.called(now)
        for call in made:
            memory.meter.write(json.dumps(call.args))
            self._record.add_call("call", call.name, call.id, call.args, now)

    def _account(self, turn: _Turn) -> None:
        """What was sent of an answer is part of the talk."""
        self._memory.last_role = "model"
        self._memory.said = turn.generation.said.strip() or self._memory.said
        self._memory.meter.speak(turn.generation.sent_s)
        if self._setup.transcribes_output or not self._setup.speaks:
            self._memory.meter.write(turn.generation.said.strip())

    def _complete(self, turn: _Turn, now: float) -> None:
        memory = self._memory
        turn.record.turn_complete_at = now
        self._account(turn)
        more_follows = bool(memory.ledger.pending or memory.waiting)
        self._out.turn_complete(memory.meter, more_follows=more_follows)
        self._out.said(turn.withheld)
        self._out.heard(turn.heard_late)
