"""Who may open a Live session, and with what memory; pure.

Errors:

    Refused      the connection is closed with the error's close; the client's fault
"""

from __future__ import annotations

import random
import re
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from emulator.auth import Credential, credential_refusal
from emulator.closes import (
    INVALID_ARGUMENT,
    INVALID_KEY,
    NO_CREDENTIAL,
    QUOTA,
    SESSION_NOT_FOUND,
    STILL_OPEN,
    TOO_MANY_SESSIONS,
    Close,
)
from emulator.ephemeral import TokenError, TokenStore
from emulator.fault_plan import FaultHistory, at_setup
from emulator.faults import UPGRADE, Fault, Kind
from emulator.live_setup import Backend, LiveSetup, read_setup
from emulator.memory import Memory, activity_setup
from emulator.minds import EyeLike, Mind
from emulator.options import Options
from emulator.profiles import Profile, profile_of, refusal
from emulator.resumption import HandleStore, SessionStillOpen, UnknownHandle
from emulator.session import Admission
from emulator.tokens import TokenMeter
from emulator.tool_calls import ToolLedger
from emulator.user_audio import UserAudio
from emulator.wire import Setup, WireError, parse_untrusted

_MLDEV = re.compile(
    r"/ws/google\.ai\.generativelanguage\.(v1(?:alpha|beta|beta1)?)\.GenerativeService\."
    r"BidiGenerateContent(Constrained)?$"
)
_VERTEX = re.compile(
    r"/ws/google\.cloud\.aiplatform\.(v1(?:alpha|beta|beta1)?)\.LlmBidiService/BidiGenerateContent$"
)
VERBATIM_VERSION: Final = "v1beta1"


class Refused(Exception):
    """The client is not let in; `fault` says so when it is on purpose."""

    def __init__(self, close: Close, fault: str = "") -> None:
        super().__init__(close.reason)
        self.close = close
        self.fault = fault


@dataclass(frozen=True, slots=True)
class Door:
    """What the path of a websocket says. `version` is the API version's name.

    `constrained` takes ephemeral tokens; `gateway` leaves credentials to headers of its own.
    """

    backend: Backend
    version: str
    constrained: bool = False
    gateway: bool = False


def door_of_untrusted(path: str) -> Door | None:
    """The Live door at a path with any prefix and any number of slashes; None when there is none.

    The SDK in enterprise mode with its own base URL, but without project, location or key, uses
    that URL as it stands: so a path that names no service of Google's is a door too.
    """
    path = re.sub(r"/{2,}", "/", path)
    if match := _MLDEV.search(path):
        return Door(Backend.MLDEV, match[1], match[2] is not None)
    if match := _VERTEX.search(path):
        return Door(Backend.VERTEX, match[1])
    if "google." in path:
        return None
    return Door(Backend.VERTEX, VERBATIM_VERSION, gateway=True)


class Doorkeeper:
    """Judges first messages. Holds what the connections of a server share."""

    def __init__(
        self,
        options: Options,
        tokens: TokenStore,
        handles: HandleStore[Memory],
        numbers: random.Random,
        new_mind: Callable[[], Mind],
        new_eyes: Callable[[], EyeLike],
    ) -> None:
        self._options = options
        self._tokens = tokens
        self._handles = handles
        self._numbers = numbers
        self._new_mind = new_mind
        self._new_eyes = new_eyes
        self._open = 0
        # Connections without a handle belong to no session yet, so they are counted together.
        self._suffered: Counter[Fault] = Counter()
        self._newcomers = FaultHistory(f"{options.seed}/new", self._suffered)

    def admit_untrusted(
        self,
        door: Door,
        credential: Credential,
        frame: str | bytes,
        now: float,
        unix_now: float,
    ) -> Admission:
        """Let a connection in on its first message; `leave` must follow.

        Raises:
            Refused: with the close that the real service sends.
        """
        close = credential_refusal(credential, self._options.api_keys)
        if close is not None and not (door.gateway and close == NO_CREDENTIAL):
            raise Refused(close)
        first = _first_message_untrusted(frame)
        raw = first.raw
        if credential.token:
            # A token is no key: the unconstrained method does not know its bearer.
            if not door.constrained:
                raise Refused(NO_CREDENTIAL)
            try:
                raw = self._tokens.spend(credential.token, raw, unix_now)
            except TokenError:
                raise Refused(INVALID_KEY) from None
        setup = read_setup(raw, door.backend)
        profile = profile_of(setup.model_id, door.backend, self._options.models)
        close = refusal(setup, profile, door.backend, door.version)
        if close is not None or profile is None:
            raise Refused(close or INVALID_ARGUMENT)
        if self._options.max_sessions is not None and self._open >= self._options.max_sessions:
            raise Refused(TOO_MANY_SESSIONS)
        session_id, memory = self._memory(setup, profile, now)
        hangs = self._faults_at(setup, session_id, memory, now)
        self._open += 1
        return Admission(setup, profile, door.backend, session_id, memory, first.received, hangs)

    def turns_away(self) -> bool:
        """True when a fault refuses this connection before it is a websocket."""
        return any(
            fault.how == UPGRADE and self._newcomers.suffers(fault)
            for fault in self._options.faults
        )

    def leave(self, admission: Admission, now: float, latest: Memory | None = None) -> None:
        """The connection ended: its session may be resumed, from `latest` when handles are live."""
        self._open -= 1
        self._handles.close(
            admission.session_id, now, latest if self._options.live_handles else None
        )

    def _faults_at(
        self, setup: LiveSetup, session_id: int, memory: Memory, now: float
    ) -> Fault | None:
        """The fault that lets the setup hang, or Refused."""
        history = memory.history if setup.handle else self._newcomers
        hangs: Fault | None = None
        for fault in at_setup(self._options.faults, history):
            if fault.kind is Kind.HANG_SETUP:
                hangs = fault
                continue
            self._handles.close(session_id, now)
            if fault.kind is Kind.REFUSE_HANDLE:
                self._handles.forget(session_id)
                raise Refused(SESSION_NOT_FOUND, fault.kind.value)
            raise Refused(QUOTA, fault.kind.value)
        return hangs

    def _memory(self, setup: LiveSetup, profile: Profile, now: float) -> tuple[int, Memory]:
        if not setup.handle:
            session_id = self._handles.open()
            return session_id, self._new_memory(setup, profile, session_id)
        try:
            session_id, snapshot = self._handles.resume(setup.handle, now)
        except SessionStillOpen:
            raise Refused(STILL_OPEN) from None
        except UnknownHandle:
            raise Refused(SESSION_NOT_FOUND) from None
        memory = snapshot.snapshot(snapshot.age_s, snapshot.origin)
        if memory.model_id != setup.model_id:
            self._handles.close(session_id, now)
            raise Refused(INVALID_ARGUMENT)
        memory.adopt(setup)
        memory.history.resumed += 1
        return session_id, memory

    def _new_memory(self, setup: LiveSetup, profile: Profile, session_id: int) -> Memory:
        meter = TokenMeter(setup.compression)
        meter.read(setup.instruction)
        return Memory(
            model_id=setup.model_id,
            mind=self._new_mind(),
            eyes=self._new_eyes(),
            meter=meter,
            ledger=ToolLedger(profile, str(self._numbers.random())),
            user=UserAudio(setup),
            tools=setup.tools,
            user_setup=activity_setup(setup),
            history=FaultHistory(f"{self._options.seed}/{session_id}", self._suffered),
            instruction=setup.instruction,
            seeding=setup.seeded,
        )


def _first_message_untrusted(frame: str | bytes) -> Setup:
    try:
        messages = parse_untrusted(frame)
    except WireError as error:
        raise Refused(error.close) from None
    if len(messages) != 1 or not isinstance(messages[0], Setup):
        raise Refused(INVALID_ARGUMENT)
    return messages[0]
