"""Faults that a test asks for: `KIND[@WHEN][,key=value…]`, on the command line or in a scenario.

What is asked for is read here; `fault_plan` decides when it is due, `injection` does it.

Errors:

    FaultError      the text is no fault; says what would be
"""

from __future__ import annotations

import dataclasses
import math
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import Enum
from types import MappingProxyType
from typing import Final

from emulator.closes import INTERNAL_ERROR, NAMED, Close

ALWAYS: Final = 0
SLOW_PONG_S: Final = 30.0
SLOW_READ_BYTES_PER_S: Final = 8_000
# The limit of websockets, which the Python SDK reads with: one byte more, and the client closes.
BIG_FRAME_BYTES: Final = 2**20
# What may be written over a frame of garbage.
GARBAGE: Final = ("text", "bytes", "list", "unknown", "empty")
# Of the model's words, and of the user's.
MODELS_TRANSCRIPTS: Final = ("twice", "late", "early")
USERS_TRANSCRIPTS: Final = ("user_twice", "user_late")
UPGRADE: Final = "upgrade"
QUOTA_HOWS: Final = ("close", UPGRADE)


class FaultError(ValueError):
    """The author of a fault made a mistake."""


class Kind(Enum):
    GO_AWAY = "go_away"
    CLOSE = "close"
    DROP = "drop"
    HANG_SETUP = "hang_setup"
    REFUSE_HANDLE = "refuse_handle"
    POISON = "poison"
    STALL = "stall"
    MUTE = "mute"
    MUTE_AFTER_BARGE_IN = "mute_after_barge_in"
    EMPTY_TURN = "empty_turn"
    TRANSCRIPTS = "transcripts"
    BUNDLED = "bundled"
    SLOW_PONG = "slow_pong"
    SLOW_READ = "slow_read"
    GARBAGE = "garbage"
    BIG_FRAME = "big_frame"
    QUOTA = "quota"
    NO_HANDLES = "no_handles"


class Moment(Enum):
    """What a fault waits for; all but START have a number behind them."""

    START = "start"
    AGE = "age"
    EVERY = "every"
    SPEECH = "speech"
    ANSWER = "answer"
    CALL = "call"
    TURN = "turn"
    RESUME = "resume"


COUNTED: Final = frozenset({Moment.TURN, Moment.RESUME})
SETUP_MOMENTS: Final = frozenset({Moment.START, Moment.RESUME})
# These can only be done to a setup, before there is a session to do anything else to.
AT_SETUP: Final = frozenset({Kind.HANG_SETUP, Kind.REFUSE_HANDLE})
# These wait, once their moment has come, for an answer or an interruption that they can spoil.
AWAITING: Final = frozenset(
    {Kind.EMPTY_TURN, Kind.TRANSCRIPTS, Kind.BUNDLED, Kind.MUTE_AFTER_BARGE_IN}
)


@dataclass(frozen=True, slots=True)
class Fault:
    """One line of a plan.

    `value` belongs to `moment`: seconds, or the number of the prompt or the resumption. `times` is
    how often a session may suffer it and `total` how often all of them may, ALWAYS is without end;
    `chance` is of each opportunity. `seconds` is `s` or `left`, None is the kind's own; `size` is
    `bytes` or `bytes_per_s`. `origin` tells two faults of the same words apart.
    """

    kind: Kind
    moment: Moment = Moment.START
    value: float = 0.0
    times: int = 1
    total: int = ALWAYS
    chance: float = 1.0
    seconds: float | None = None
    close: Close = INTERNAL_ERROR
    how: str = ""
    size: int = 0
    origin: str = ""

    @property
    def at_setup(self) -> bool:
        """True when it happens instead of `setupComplete`, or before it."""
        if self.kind is Kind.QUOTA:
            return self.moment in SETUP_MOMENTS
        return self.kind in AT_SETUP


@dataclass(frozen=True, slots=True)
class _Kind:
    """What can be written behind a kind, what holds when it is not, and what it does."""

    meaning: str
    keys: tuple[str, ...] = ()
    hows: tuple[str, ...] = ()
    size: int = 0
    seconds: float | None = None


KINDS: Final[Mapping[Kind, _Kind]] = MappingProxyType(
    {
        Kind.GO_AWAY: _Kind("goAway with `left` seconds (default --go-away-left)", ("left",)),
        Kind.CLOSE: _Kind(
            "close with `name`, or with `code` and `reason` (default internal_error)",
            ("name", "code", "reason"),
        ),
        Kind.DROP: _Kind("cut the TCP connection, without a close frame"),
        Kind.HANG_SETUP: _Kind("answer the setup after `s` seconds (default never)", ("s",)),
        Kind.REFUSE_HANDLE: _Kind("forget the session's handles when one is resumed: 1008"),
        Kind.POISON: _Kind("handles from now on resume a session that dies at its next prompt"),
        Kind.STALL: _Kind(
            "nothing of the answer leaves for `s` seconds (default for ever)", ("s",)
        ),
        Kind.MUTE: _Kind("no output on this connection any more, whatever is said"),
        Kind.MUTE_AFTER_BARGE_IN: _Kind("the same from the next interrupted answer on"),
        Kind.EMPTY_TURN: _Kind("the next turn is complete with nothing said"),
        Kind.TRANSCRIPTS: _Kind(
            f"the next words come `how`: {', '.join(MODELS_TRANSCRIPTS + USERS_TRANSCRIPTS)}",
            ("how",),
            MODELS_TRANSCRIPTS + USERS_TRANSCRIPTS,
        ),
        Kind.BUNDLED: _Kind("the next answer comes in one message, sound, words and turnComplete"),
        Kind.SLOW_PONG: _Kind(
            "pongs come `s` seconds late (default 30)", ("s",), seconds=SLOW_PONG_S
        ),
        Kind.SLOW_READ: _Kind(
            f"read `bytes_per_s` at most (default {SLOW_READ_BYTES_PER_S})",
            ("bytes_per_s",),
            size=SLOW_READ_BYTES_PER_S,
        ),
        Kind.GARBAGE: _Kind(f"a frame that is none: `how` {', '.join(GARBAGE)}", ("how",), GARBAGE),
        Kind.BIG_FRAME: _Kind(
            f"an empty message of `bytes` bytes (default {BIG_FRAME_BYTES})",
            ("bytes",),
            size=BIG_FRAME_BYTES,
        ),
        Kind.QUOTA: _Kind(
            "spent: `how` close (1011) or upgrade (429 in the place of the websocket)",
            ("how",),
            QUOTA_HOWS,
        ),
        Kind.NO_HANDLES: _Kind("no resumption handles any more on this connection"),
    }
)
MOMENTS: Final[Mapping[Moment, str]] = MappingProxyType(
    {
        Moment.AGE: "S seconds after the connection began",
        Moment.EVERY: "the same again and again (then `times` is without end by default)",
        Moment.SPEECH: "S seconds after the user began to speak",
        Moment.ANSWER: "S seconds after the first sound of an answer left",
        Moment.CALL: "S seconds after a toolCall left",
        Moment.TURN: "at the N-th prompt of the session, or a later one while `times` lasts",
        Moment.RESUME: "when the session is resumed for the N-th time, or a later one",
    }
)


def parse_fault(text: str, origin: str = "") -> Fault:
    """Read one fault. Raises FaultError."""
    head, *written = _split(text)
    name, at, when = head.partition("@")
    kind = next((kind for kind in Kind if kind.value == name), None)
    if kind is None:
        known = ", ".join(kind.value for kind in Kind)
        raise FaultError(f"`{name}` is no kind of fault; there are {known}")
    moment, value = _when(when) if at else (Moment.START, 0.0)
    if kind in AT_SETUP and moment not in SETUP_MOMENTS:
        raise FaultError(f"`{name}` happens at a setup: `@resume=N` or nothing")
    spec = KINDS[kind]
    fault = Fault(
        kind,
        moment,
        value,
        times=ALWAYS if moment is Moment.EVERY else 1,
        seconds=spec.seconds,
        how=spec.hows[0] if spec.hows else "",
        size=spec.size,
        origin=origin,
    )
    for item in written:
        fault = _with(fault, item)
    if fault.how == UPGRADE and moment is not Moment.START:
        raise FaultError("an upgrade belongs to no session: `quota,how=upgrade` has no moment")
    return fault


def explain() -> str:
    """All that can be written, for `--fault help`."""
    moments = [f"  {moment.value + '=':12}{text}" for moment, text in MOMENTS.items()]
    kinds = [f"  {kind.value:21}{spec.meaning}" for kind, spec in KINDS.items()]
    return "\n".join(
        [
            "KIND[@WHEN][,key=value…], repeatable. WHEN, none of them is from the start:",
            *moments,
            "Keys of every kind:",
            "  times=N     how often a session suffers it, over its connections (1; 0 is always)",
            "  total=N     how often all sessions together do (0, which is always)",
            "  chance=P    of each opportunity, from 0 to 1, by --seed",
            "KIND:",
            *kinds,
        ]
    )


def _split(text: str) -> list[str]:
    """The parts between commas; a reason is the last one and may hold commas itself."""
    front, *reason = re.split(r",\s*(?=reason=)", text, maxsplit=1)
    return [*(part.strip() for part in front.split(",")), *reason]


def _when(text: str) -> tuple[Moment, float]:
    name, _, number = text.partition("=")
    moment = next((moment for moment in MOMENTS if moment.value == name), None)
    if moment is None:
        raise FaultError(f"`@{name}` is no moment; there are {', '.join(m.value for m in MOMENTS)}")
    if moment in COUNTED:
        return moment, _whole(name, number, least=1)
    value = _number(name, number)
    if moment is Moment.EVERY and value == 0:
        raise FaultError("`every` is above 0")
    return moment, value


def _with(fault: Fault, item: str) -> Fault:
    """The fault with one more `key=value`."""
    key, _, value = item.partition("=")
    if key not in ("times", "total", "chance", *KINDS[fault.kind].keys):
        raise FaultError(f"`{fault.kind.value}` does not know `{key}`")
    return _KEYS[key](fault, value)


def _times(fault: Fault, value: str) -> Fault:
    return dataclasses.replace(fault, times=_whole("times", value))


def _total(fault: Fault, value: str) -> Fault:
    return dataclasses.replace(fault, total=_whole("total", value))


def _chance(fault: Fault, value: str) -> Fault:
    chance = _number("chance", value)
    if chance > 1:
        raise FaultError("`chance` is from 0 to 1")
    return dataclasses.replace(fault, chance=chance)


def _seconds(fault: Fault, value: str) -> Fault:
    return dataclasses.replace(fault, seconds=_number("s", value))


def _size(fault: Fault, value: str) -> Fault:
    return dataclasses.replace(fault, size=_whole("bytes", value, least=1))


def _how(fault: Fault, value: str) -> Fault:
    known = KINDS[fault.kind].hows
    if value not in known:
        raise FaultError(f"`how` of `{fault.kind.value}` is one of {', '.join(known)}")
    return dataclasses.replace(fault, how=value)


def _name(fault: Fault, value: str) -> Fault:
    if value not in NAMED:
        raise FaultError(f"`name` is one of {', '.join(NAMED)}")
    return dataclasses.replace(fault, close=NAMED[value])


def _code(fault: Fault, value: str) -> Fault:
    code = _whole("code", value)
    if code not in (1000, 1001, 1007, 1008, 1011) and not 3000 <= code <= 4999:
        raise FaultError("`code` is 1000, 1001, 1007, 1008, 1011 or from 3000 to 4999")
    return dataclasses.replace(fault, close=Close(code, ""))


def _reason(fault: Fault, value: str) -> Fault:
    return dataclasses.replace(fault, close=Close(fault.close.code, value))


_KEYS: Final[Mapping[str, Callable[[Fault, str], Fault]]] = MappingProxyType(
    {
        "times": _times,
        "total": _total,
        "chance": _chance,
        "s": _seconds,
        "left": _seconds,
        "bytes": _size,
        "bytes_per_s": _size,
        "how": _how,
        "name": _name,
        "code": _code,
        "reason": _reason,
    }
)


def _number(key: str, text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not 0 <= value < math.inf:
        raise FaultError(f"`{key}` is a number from 0 on")
    return value


def _whole(key: str, text: str, least: int = 0) -> int:
    if not text.isascii() or not text.isdecimal() or len(text) > 9 or int(text) < least:
        raise FaultError(f"`{key}` is a whole number from {least} on")
    return int(text)
