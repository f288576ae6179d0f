"""Plays one recorded connection again: what the server said then, to whoever is there now. Pure.

A recording is the service's wire log (docs/wire-log.md). Each server message leaves when the client
messages that were recorded before it have come, by kind and not by their bytes, and as long after
them as it did then.

Errors:

    ReplayError     the file is no recording; names the line
"""

from __future__ import annotations

import json
from collections import Counter, deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final, TypeAlias

from emulator.closes import Close
from emulator.json_types import JSON, JsonObject, number_of, object_of, text_of

VERSION: Final = 1
# What comes all the time is not waited for as something that was said is: a client may have no
# camera, or a microphone that pauses elsewhere.
STREAMS: Final = frozenset({"audio", "audioStreamEnd", "video"})
STREAM_PATIENCE_S: Final = 2.0
PATIENCE_S: Final = 10.0
# Two microphones never agree on the last sample.
SLACK_S: Final = 0.005
DEFAULT_RATE_HZ: Final = 16_000
MAX_DEVIATIONS: Final = 100
LINE_CUT: Final = 1006


class ReplayError(Exception):
    """The file is no recording."""


@dataclass(frozen=True, slots=True)
class Await:
    """A client message of this kind; of audio, so many seconds of it."""

    line: int
    gap_s: float
    kind: str
    seconds: float = 0.0


@dataclass(frozen=True, slots=True)
class Say:
    """A server message, `gap_s` after what was recorded before it; media by their measures."""

    line: int
    gap_s: float
    body: JsonObject
    binary: bool = True


@dataclass(frozen=True, slots=True)
class End:
    """The connection's end; without a close frame when the line was cut."""

    line: int
    gap_s: float
    close: Close
    by: str


Step: TypeAlias = Await | Say | End


@dataclass(frozen=True, slots=True)
class Recorded:
    """One connection of the log. `handle` is what it resumed from, empty for a fresh session."""

    number: int
    handle: str
    model: str
    profile: str
    steps: tuple[Step, ...]


def read_recording(lines: Sequence[str]) -> tuple[Recorded, ...]:
    """The connections of a log, in the order of their setups; those without one are left out, and
    so is a last line that was cut off.

    Raises:
        ReplayError: a line is not JSON, or the log is of another version.
    """
    open_now: dict[int, _Reading] = {}
    found: list[_Reading] = []
    for number, line in enumerate(lines, 1):
        record = _record(number, line, last=number == len(lines))
        if "log" in record and record["log"] != VERSION:
            raise ReplayError(f"line {number}: a log of version {record['log']}, not {VERSION}")
        connection = number_of(record.get("connection"))
        if connection is None:
            continue
        if record.get("event") == "open" or int(connection) not in open_now:
            open_now[int(connection)] = _Reading(int(connection), [])
            found.append(open_now[int(connection)])
        open_now[int(connection)].add(record, number)
    recorded = tuple(reading.done() for reading in found if reading.has_setup)
    if not recorded:
        raise ReplayError("no connection with its setup is in it")
    return recorded


def _record(number: int, line: str, *, last: bool) -> JsonObject:
    try:
        record: JSON = json.loads(line) if line.strip() else {}
    except (ValueError, RecursionError):
        if last:
            return {}
        raise ReplayError(f"line {number}: not JSON") from None
    if not isinstance(record, dict):
        raise ReplayError(f"line {number}: not an object")
    return record


@dataclass(slots=True)
class _Reading:
    """A connection whose lines are being read."""

    number: int
    steps: list[Step]
    has_setup: bool = False
    handle: str = ""
    model: str = ""
    profile: str = ""
    last_t: float = 0.0

    def add(self, record: JsonObject, line: int) -> None:
        t = number_of(record.get("t")) or 0.0
        gap_s = max(0.0, t - self.last_t)
        self.last_t = max(t, self.last_t)
        message = object_of(record.get("message"))
        match record.get("from"), record.get("event"):
            case "client", _:
                self._sent(record, message, line, gap_s)
            case "server", _ if message:
                binary = record.get("frame") != "text"
                self.steps.append(Say(line, gap_s, message, binary))
            case _, "close":
                code = int(number_of(record.get("code")) or LINE_CUT)
                close = Close(code, text_of(record.get("reason")))
                self.steps.append(End(line, gap_s, close, text_of(record.get("by"))))
            case _:
                pass

    def _sent(self, record: JsonObject, message: JsonObject, line: int, gap_s: float) -> None:
        if "setup" in message:
            self.has_setup = True
            self.handle = handle_of(message)
            self.model = text_of(record.get("model"))
            self.profile = text_of(record.get("profile"))
        for kind, seconds in kinds_of(message):
            self.steps.append(Await(line, gap_s, kind, seconds))

    def done(self) -> Recorded:
        return Recorded(self.number, self.handle, self.model, self.profile, tuple(self.steps))


def handle_of(message: JsonObject) -> str:
    """What a setup resumes from, in either spelling; empty for a fresh session."""
    setup = object_of(message.get("setup"))
    resumption = setup.get("sessionResumption", setup.get("session_resumption"))
    return text_of(object_of(resumption).get("handle"))


def kinds_of(message: JsonObject) -> Iterator[tuple[str, float]]:
    """What a client message is, as (kind, seconds of audio): recorded, or as it comes."""
    for key, value in message.items():
        name = _camel(key)
        if name != "realtimeInput":
            yield name, 0.0
            continue
        for part, inner in object_of(value).items():
            kind, blob = _camel(part), object_of(inner)
            mime = text_of(blob.get("mimeType", blob.get("mime_type")))
            yield kind, _seconds(blob.get("data"), mime) if kind == "audio" else 0.0


def _camel(key: str) -> str:
    first, *rest = key.split("_")
    return first + "".join(part.capitalize() for part in rest)


def _seconds(data: JSON, mime: str) -> float:
    """Of PCM16 in base64, or of what stands for it in a recording."""
    if isinstance(data, dict):
        return number_of(data.get("seconds")) or 0.0
    rate = mime.rpartition("rate=")[2]
    hertz = int(rate) if rate.isdecimal() and 0 < len(rate) < 7 else DEFAULT_RATE_HZ
    encoded = text_of(data).rstrip("=")
    return len(encoded) * 3 // 4 / 2 / max(hertz, 1)


class Replay:
    """Which recorded connection is played to whom."""

    def __init__(self, recording: tuple[Recorded, ...]) -> None:
        self._recording = recording
        self._left = list(recording)

    def choose(self, handle: str) -> tuple[Recorded | None, str]:
        """For a client that resumes from `handle` (empty: from nothing); and what is odd in that.

        A fresh client after the last connection gets the first again.
        """
        if not self._left and not handle:
            self._left = list(self._recording)
        for recorded in self._left:
            if recorded.handle == handle:
                self._left.remove(recorded)
                return recorded, ""
        if not self._left:
            return None, f"resumes from {handle}, and the recording is over"
        recorded = self._left.pop(0)
        then, now = recorded.handle or "nothing", handle or "nothing"
        return recorded, f"resumes from {now}, where {then} was recorded"


class Player:
    """Plays one connection. Call `take()` after each other call; `on_time` at `deadline()`.

    `speed` divides the recorded delays.
    """

    def __init__(self, recorded: Recorded, speed: float, now: float) -> None:
        self.deviations: list[str] = []
        self._steps = deque(recorded.steps)
        self._speed = speed
        self._base = now  # when the step before the next one was done
        self._came: Counter[str] = Counter()
        self._audio_s = 0.0
        self._given_up: set[str] = set()  # streams that are not waited for any more
        self._told_line = 0
        self._out: list[Say | End] = []

    @property
    def over(self) -> bool:
        """Nothing is left to be played."""
        return not self._steps

    def take(self) -> list[Say | End]:
        """What is to be sent now, in order."""
        out, self._out = self._out, []
        return out

    def deadline(self) -> float | None:
        """When `on_time` has something to do."""
        if not self._steps:
            return None
        step = self._steps[0]
        if isinstance(step, Await):
            return None if self._told_line == step.line else self._base + _patience(step.kind)
        if isinstance(step, End) and step.by == "client":
            return None
        return self._base + step.gap_s / self._speed

    def on_message(self, message: JsonObject, now: float) -> None:
        """What the client says."""
        for kind, seconds in kinds_of(message):
            self._given_up.discard(kind)
            if kind == "audio":
                self._audio_s += seconds
            elif kind in STREAMS:
                self._came[kind] += 1
            else:
                self._expect(kind)
        self.on_time(now)

    def on_time(self, now: float) -> None:
        """Go on as far as it goes."""
        while self._steps and self._advance(self._steps[0], now):
            self._steps.popleft()

    def on_close(self) -> None:
        """The client has closed."""
        left = [step for step in self._steps if _matters(step)]
        if left:
            self._deviate(left[0].line, f"the client closed, {len(left)} steps before the end")
        self._steps.clear()

    def _advance(self, step: Step, now: float) -> bool:
        """Whether the step is done."""
        match step:
            case Await():
                return self._has_come(step, now) or self._goes_without(step, now)
            case End(by="client"):
                return False
            case _:
                due = self._base + step.gap_s / self._speed
                if now < due:
                    return False
                self._base = due
                self._out.append(step)
                return True

    def _has_come(self, step: Await, now: float) -> bool:
        if step.kind == "audio":
            come = self._audio_s + SLACK_S >= step.seconds
            if come:
                self._audio_s -= step.seconds
        else:
            come = self._came[step.kind] > 0
            if come:
                self._came[step.kind] -= 1
        if come:
            self._base = max(self._base, now)
        return come

    def _goes_without(self, step: Await, now: float) -> bool:
        if step.kind in self._given_up:
            return True
        if now < self._base + _patience(step.kind):
            return False
        if step.kind in STREAMS:
            self._deviate(step.line, f"goes on without {step.kind}")
            self._given_up.add(step.kind)
            self._base = now
            return True
        if self._told_line != step.line:
            self._told_line = step.line
            self._deviate(step.line, f"waits for {step.kind}")
        return False

    def _expect(self, kind: str) -> None:
        """Something was said: was it then, and was it the next thing?"""
        waiting = Counter(self._came)
        missing: list[Await] = []
        for step in self._steps:
            if isinstance(step, Await) and step.kind not in STREAMS:
                if waiting[step.kind]:
                    waiting[step.kind] -= 1
                else:
                    missing.append(step)
        line = self._steps[0].line if self._steps else 0
        if not any(step.kind == kind for step in missing):
            self._deviate(line, f"{kind} came, which was not recorded from here on")
            return
        if missing[0].kind != kind:
            self._deviate(missing[0].line, f"{kind} came before {missing[0].kind}")
        self._came[kind] += 1

    def _deviate(self, line: int, what: str) -> None:
        if len(self.deviations) < MAX_DEVIATIONS:
            self.deviations.append(f"line {line}: {what}" if line else f"after the end: {what}")


def _patience(kind: str) -> float:
    return STREAM_PATIENCE_S if kind in STREAMS else PATIENCE_S


def _matters(step: Step) -> bool:
    """Whether a client that leaves before it has not done what was recorded."""
    if isinstance(step, Await):
        return step.kind not in STREAMS
    return isinstance(step, Say) or step.by != "client"
