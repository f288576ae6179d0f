"""How a profile words its messages: what is bundled, where usage goes, what is acknowledged. Pure.

Collects effects until `take`; counts each server message by its keys in the session's record.
"""

from __future__ import annotations

from emulator import server_messages as messages
from emulator.bundling import Bundle
from emulator.closes import Close
from emulator.delivery import Piece, fragments
from emulator.effects import Drop, Effect, Send
from emulator.json_types import JsonObject
from emulator.live_setup import Backend, LiveSetup
from emulator.profiles import Profile
from emulator.record import SessionRecord
from emulator.tokens import TokenMeter

THOUGHT = "**Considering the request**\n\nI look at what was asked and choose a short answer."


class Announcer:
    """Turns what happens into messages of this profile."""

    def __init__(
        self,
        setup: LiveSetup,
        profile: Profile,
        backend: Backend,
        record: SessionRecord,
        *,
        voice_activity: bool,
    ) -> None:
        self._setup = setup
        self._profile = profile
        self._backend = backend
        self._record = record
        self._acknowledges = voice_activity or setup.explicit_vad or setup.manual_activity
        self._effects: list[Effect] = []
        self.closed = False
        # Only what ends the connection leaves any more.
        self.mute = False
        self._bundle: Bundle | None = None

    def take(self) -> list[Effect]:
        """What was collected, in order."""
        effects, self._effects = self._effects, []
        return effects

    def send(self, body: JsonObject) -> None:
        """One server message; nothing follows a close."""
        if not self.closed and (not self.mute or "goAway" in body):
            content = body.get("serverContent")
            for key in content if isinstance(content, dict) and content else body:
                self._record.sent[key] += 1
            if self._bundle is not None and self._bundle.takes(body):
                if self._bundle.complete:
                    self._release()
                return
            self._release()
            self._effects.append(Send(body))

    def bundle(self) -> None:
        """Keep what follows back, until one message can hold all of the turn."""
        self._bundle = Bundle()

    def _release(self) -> None:
        bundle, self._bundle = self._bundle, None
        if bundle is not None and bundle.body:
            self._effects.append(Send(bundle.body))

    def want(self, effect: Effect) -> None:
        """Anything that is not a message."""
        if not self.closed:
            self._effects.append(effect)

    def close(self, close: Close) -> None:
        """The last effect of the session."""
        self._release()
        self.want(close)
        self.closed = True

    def drop(self) -> None:
        """The last effect of a session whose line is cut."""
        self._release()
        self.want(Drop())
        self.closed = True

    def activity(self, kind: str, offset_s: float) -> None:
        """Speech began or ended: told in full when asked for, else by a bare event."""
        if self._acknowledges:
            self.send(messages.voice_activity(kind, offset_s))
        elif self._profile.bundles:
            self.send(messages.content({}))

    def heard(self, text: str) -> None:
        """The user's words in fragments."""
        if self._setup.transcribes_input:
            for fragment in fragments(text):
                self.send(messages.content(messages.input_transcription(fragment)))

    def began(self, meter: TokenMeter) -> None:
        """The model's output begins: early usage, and its thoughts when they are wanted."""
        if self._profile.usage_first:
            self.send(messages.content({}, meter.prompt_usage(self._backend)))
        if self._setup.includes_thoughts:
            meter.think(THOUGHT)
            self.send(messages.content(messages.model_turn({"text": THOUGHT, "thought": True})))

    def said(self, text: str) -> None:
        """Words of the answer by themselves."""
        if text and self._setup.transcribes_output:
            self.send(messages.content(messages.output_transcription(text)))

    def piece(self, piece: Piece) -> None:
        """Sound and its words in one event or in two; of a text-only answer, the words."""
        if not self._setup.speaks:
            self.send(messages.content(messages.model_turn({"text": piece.text})))
            return
        fields: list[JsonObject] = []
        if piece.text and self._setup.transcribes_output:
            fields.append(messages.output_transcription(piece.text))
        if piece.pcm:
            fields.append(messages.model_turn(messages.audio_part(piece.pcm)))
        if self._profile.bundles:
            fields = [{key: value for field in fields for key, value in field.items()}]
        for one in fields:
            if one:
                self.send(messages.content(one))

    def generation_complete(self) -> None:
        """Everything was sent."""
        self.send(messages.content({"generationComplete": True}))

    def turn_complete(self, meter: TokenMeter, *, more_follows: bool) -> None:
        """The turn is over; its usage goes here unless it went before the output."""
        fields: JsonObject = {"turnComplete": True}
        if self._profile.interaction_status:
            status = messages.IN_PROGRESS if more_follows else messages.FINISHED
            fields["interactionStatus"] = status
        usage = meter.finish_turn(self._backend)
        self.send(messages.content(fields, {} if self._profile.usage_first else usage))

    def interrupted(self) -> None:
        """The client's input cut the turn."""
        self.send(messages.content({"interrupted": True}))

    def empty_activity(self) -> None:
        """What the real service says before it closes on an activity without sound."""
        self.send(messages.content({"turnComplete": True}, {}))
