"""Plays one Live session on virtual time: frames in, messages out, no socket and no senses."""

from __future__ import annotations

import base64
import json
import random
from collections.abc import Callable

from emulator.admission import Door, Doorkeeper
from emulator.auth import Credential
from emulator.closes import Close
from emulator.delivery import BYTES_PER_S
from emulator.effects import Drop, Effect, Hear, Send, Speak
from emulator.ephemeral import TokenStore
from emulator.json_types import JSON, JsonObject, list_of, object_of, text_of
from emulator.live_setup import Backend
from emulator.live_turns import TurnState
from emulator.memory import Memory
from emulator.minds import BrainMind, EchoBrain, Mind
from emulator.options import Options
from emulator.record import SessionRecord
from emulator.resumption import HandleStore
from emulator.scenario import ScenarioMind, parse_scenario
from emulator.session import Admission, LiveSession
from emulator.wire import parse_untrusted
from tests.emulator.test_activity import silence, tone

MLDEV = Door(Backend.MLDEV, "v1beta")
VERTEX = Door(Backend.VERTEX, "v1beta1")
WORD_S = 0.4
QUICK_DETECTION: JsonObject = {"silenceDurationMs": 200}


class FixedEyes:
    """Sees the bytes of a picture as its description."""

    def __init__(self) -> None:
        self._sight = ""

    def look(self, image: bytes, now: float) -> None:
        self._sight = image.decode("latin-1")

    def describe(self) -> str:
        return self._sight


def mind_of(*steps: JSON, otherwise: str = "brain") -> Callable[[], Mind]:
    """A mind that plays these steps of a scenario."""
    scenario = parse_scenario({"steps": list(steps), "otherwise": otherwise})
    return lambda: ScenarioMind(scenario, BrainMind(EchoBrain()))


class World:
    """What the sessions of a server share."""

    def __init__(
        self, options: Options | None = None, new_mind: Callable[[], Mind] | None = None
    ) -> None:
        self.options = options or Options()
        self.opened = 0
        numbers = random.Random(1)
        self.handles: HandleStore[Memory] = HandleStore(numbers)
        self.tokens = TokenStore(numbers)
        self.keeper = Doorkeeper(
            self.options,
            self.tokens,
            self.handles,
            numbers,
            new_mind or (lambda: BrainMind(EchoBrain())),
            FixedEyes,
        )

    def admit(self, setup: JsonObject, now: float = 1000.0, door: Door = MLDEV) -> Admission:
        frame = json.dumps({"setup": setup})
        return self.keeper.admit_untrusted(door, Credential(key="k", bearer="b"), frame, now, now)


class Driver:
    """One session. `sent` holds (time, message); what it wants to hear waits in `utterances`."""

    def __init__(
        self,
        *steps: JSON,
        setup: JsonObject | None = None,
        model: str = "gemini-3.8-live",
        options: Options | None = None,
        world: World | None = None,
        door: Door = MLDEV,
        now: float = 1000.0,
        otherwise: str = "brain",
    ) -> None:
        new_mind = mind_of(*steps, otherwise=otherwise) if steps else None
        self.world = world or World(options, new_mind)
        self.now = now
        self.record = SessionRecord(self.world.opened, now, 0.0)
        self.world.opened += 1
        self.sent: list[tuple[float, JsonObject]] = []
        self.utterances: list[Hear] = []
        self.close: Close | None = None
        self.dropped = False
        # Effects that only a socket can carry out.
        self.others: list[Effect] = []
        self.mute = False
        self.admission = self.world.admit({"model": f"models/{model}", **(setup or {})}, now, door)
        self.session = LiveSession(
            self.admission, self.world.options, self.record, self.world.handles, now
        )
        self.drain()

    # -- in ------------------------------------------------------------------------------------

    def send(self, body: JsonObject) -> None:
        self.session.on_frame(parse_untrusted(json.dumps(body)), self.now, self.now)
        self.drain()

    def text(self, text: str) -> None:
        self.send({"realtimeInput": {"text": text}})

    def audio(self, pcm: bytes, mime_type: str = "audio/pcm;rate=16000") -> None:
        data = base64.b64encode(pcm).decode()
        self.send({"realtimeInput": {"audio": {"data": data, "mimeType": mime_type}}})

    def utter(self, words: str | None = "hello", seconds: float = 0.5) -> None:
        """Speak and fall silent; the ears understand `words`, or nothing yet for None."""
        self.audio(tone(seconds) + silence(0.3))
        if words is not None:
            self.understand(words)

    def understand(self, words: str) -> None:
        self.session.on_heard(self.utterances.pop(0).number, words, self.now)
        self.drain()

    def respond(self, call: JsonObject, response: JsonObject | None = None, **more: JSON) -> None:
        body = {"id": call["id"], "name": call["name"], "response": response or {}, **more}
        self.send({"toolResponse": {"functionResponses": [body]}})

    # -- time ----------------------------------------------------------------------------------

    def run(self, seconds: float) -> None:
        """Let time pass, stopping at every deadline."""
        end = self.now + seconds
        for _ in range(10_000):
            due = self.session.deadline(self.now)
            if self.over or due is None or due > end:
                break
            self.now = max(self.now, due)
            self.session.on_time(self.now)
            self.drain()
        else:
            raise AssertionError("the session does not come to rest")
        self.now = end

    def drain(self) -> None:
        while effects := self.session.take():
            for effect in effects:
                assert self.close is None and not self.dropped, "nothing follows a close"
                match effect:
                    case Send(body):
                        self.sent.append((self.now, body))
                    case Hear():
                        self.utterances.append(effect)
                    case Speak(number, text, _, _):
                        if not self.mute:
                            self.session.on_spoken(number, speech(text), self.now)
                    case Close():
                        self.close = effect
                    case Drop():
                        self.dropped = True
                    case _:
                        self.others.append(effect)

    # -- out -----------------------------------------------------------------------------------

    @property
    def over(self) -> bool:
        """True when the server ended the connection."""
        return self.dropped or self.close is not None

    @property
    def state(self) -> TurnState:
        return self.session.state

    def keys(self) -> list[str]:
        """The kinds of everything sent, sound and empty events left out, repetitions merged."""
        found: list[str] = []
        for _, body in self.sent:
            content = object_of(body.get("serverContent"))
            kinds = [*content, *(key for key in body if key not in ("serverContent",))]
            for kind in kinds:
                if kind not in ("modelTurn", "usageMetadata") and found[-1:] != [kind]:
                    found.append(kind)
        return found

    def times(self, key: str) -> list[float]:
        """When messages or content fields of that name were sent."""
        return [
            when
            for when, body in self.sent
            if key in body or key in object_of(body.get("serverContent"))
        ]

    def bodies(self, key: str) -> list[JsonObject]:
        """The values of the messages or content fields of that name."""
        found: list[JsonObject] = []
        for _, body in self.sent:
            value = body.get(key, object_of(body.get("serverContent")).get(key))
            if isinstance(value, dict):
                found.append(value)
        return found

    def said(self) -> str:
        return "".join(text_of(one.get("text")) for one in self.bodies("outputTranscription"))

    def heard(self) -> str:
        return "".join(text_of(one.get("text")) for one in self.bodies("inputTranscription"))

    def calls(self) -> list[JsonObject]:
        return [
            object_of(call)
            for body in self.bodies("toolCall")
            for call in list_of(body.get("functionCalls"))
        ]

    def handles(self) -> list[str]:
        """The resumption handles so far; '' for each "not resumable"."""
        return [text_of(one.get("newHandle")) for one in self.bodies("sessionResumptionUpdate")]

    def forget(self) -> None:
        """Look only at what is sent from here on."""
        self.sent.clear()

    def leave(self) -> None:
        """The client closes the connection."""
        self.world.keeper.leave(self.admission, self.now, self.session.end(self.now))


def speech(text: str) -> bytes:
    """PCM16 mono 24 kHz: WORD_S for each word."""
    return bytes(int(len(text.split()) * WORD_S * BYTES_PER_S))


def spoken(setup: JsonObject | None = None, **detection: JSON) -> JsonObject:
    """A setup with transcripts and a quick end of speech."""
    return {
        "inputAudioTranscription": {},
        "outputAudioTranscription": {},
        "realtimeInputConfig": {"automaticActivityDetection": {**QUICK_DETECTION, **detection}},
        **(setup or {}),
    }
