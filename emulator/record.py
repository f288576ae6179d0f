"""What one Live connection received and did, kept for tests of whoever is connected. Pure.

Times are of one monotonic clock (seconds, the machine's, so that processes can compare them); each
stands a second time as `…_unix`, in seconds since 1970.
"""

from __future__ import annotations

import io
import wave
from collections import Counter, deque
from dataclasses import dataclass, field
from typing import Final

from emulator.activity import RATE_HZ
from emulator.closes import Close
from emulator.json_types import JSON, JsonObject

AUDIO_KEPT_S: Final = 150  # more than a connection that is sent away every two minutes lives
AUDIO_KEPT_BYTES: Final = AUDIO_KEPT_S * RATE_HZ * 2
MAX_TIMES_KEPT: Final = 4096
MAX_TEXTS_KEPT: Final = 1024
MAX_TURNS_KEPT: Final = 1024
MAX_CALLS_KEPT: Final = 1024
MAX_FAULTS_KEPT: Final = 1024


@dataclass(eq=False)
class TurnRecord:
    """One turn. `started_at` is the start of the user's speech, or when the prompt came.

    `audio` are the samples of the connection's sound that prompted it, from and to.
    """

    number: int
    prompt: str
    started_at: float
    prompted_at: float
    heard: str = ""
    said: str = ""
    said_s: float = 0.0
    interrupted: bool = False
    first_output_at: float | None = None
    generation_complete_at: float | None = None
    interrupted_at: float | None = None
    turn_complete_at: float | None = None
    audio: tuple[int, int] | None = None

    def output(self, now: float) -> None:
        """Sound, words or a call leaves now."""
        if self.first_output_at is None:
            self.first_output_at = now


@dataclass(eq=False)
class SessionRecord:
    """Everything about one connection. `unix_offset_s` = Unix time minus monotonic time."""

    number: int
    opened_at: float
    unix_offset_s: float
    model: str = ""
    profile: str = ""
    setup: JsonObject = field(default_factory=dict)
    setup_now: JsonObject = field(default_factory=dict)
    resumed: bool = False
    resumed_from: JsonObject | None = None
    closed_at: float | None = None
    close: Close | None = None
    closed_by: str = ""
    messages: Counter[str] = field(default_factory=Counter)
    sent: Counter[str] = field(default_factory=Counter)
    unmatched_tool_responses: int = 0
    deviations: deque[str] = field(default_factory=lambda: deque(maxlen=MAX_TEXTS_KEPT))
    turns: deque[TurnRecord] = field(default_factory=lambda: deque(maxlen=MAX_TURNS_KEPT))
    _texts: deque[str] = field(default_factory=lambda: deque(maxlen=MAX_TEXTS_KEPT))
    _calls: deque[JsonObject] = field(default_factory=lambda: deque(maxlen=MAX_CALLS_KEPT))
    _faults: deque[JsonObject] = field(default_factory=lambda: deque(maxlen=MAX_FAULTS_KEPT))
    _audio_types: Counter[str] = field(default_factory=Counter)
    _calls_made: int = 0
    _audio_bytes: int = 0
    _audio_first_at: float | None = None
    _audio_last_at: float | None = None
    _audio_samples: int = 0
    _audio: deque[bytes] = field(default_factory=deque)
    _audio_kept: int = 0
    _frames: int = 0
    _frame_types: Counter[str] = field(default_factory=Counter)
    _frame_times: deque[float] = field(default_factory=lambda: deque(maxlen=MAX_TIMES_KEPT))
    _frame_sizes: deque[int] = field(default_factory=lambda: deque(maxlen=MAX_TIMES_KEPT))

    @property
    def audio_samples(self) -> int:
        """How much sound came so far, at 16 kHz."""
        return self._audio_samples

    @property
    def calls_made(self) -> int:
        """How many functions the model called on this connection."""
        return self._calls_made

    def add_fault(self, kind: str, now: float) -> None:
        """Something was done to the client on purpose."""
        self._faults.append({"kind": kind, **self._time("at", now)})

    def add_audio(self, mime_type: str, received_bytes: int, pcm: bytes, now: float) -> None:
        """One audio message, and what became of it: PCM16 mono 16 kHz."""
        self._audio_types[mime_type] += 1
        self._audio_bytes += received_bytes
        if self._audio_first_at is None:
            self._audio_first_at = now
        self._audio_last_at = now
        self._audio_samples += len(pcm) // 2
        self._audio.append(pcm[-AUDIO_KEPT_BYTES:])
        self._audio_kept += len(self._audio[-1])
        while self._audio_kept > AUDIO_KEPT_BYTES:
            self._audio_kept -= len(self._audio.popleft())

    def drop_audio(self) -> None:
        """Forget the sound, keep the numbers."""
        self._audio.clear()
        self._audio_kept = 0

    def audio_wav(self) -> bytes:
        """The last AUDIO_KEPT_S of received sound as a WAV file."""
        file = io.BytesIO()
        with wave.open(file, "wb") as writer:
            writer.setnchannels(1)
            writer.setsampwidth(2)
            writer.setframerate(RATE_HZ)
            writer.writeframes(b"".join(self._audio))
        return file.getvalue()

    def add_frame(self, mime_type: str, size: int, now: float) -> None:
        """One picture of the video stream."""
        self._frames += 1
        self._frame_types[mime_type] += 1
        self._frame_times.append(now)
        self._frame_sizes.append(size)

    def add_text(self, text: str) -> None:
        """Text input, realtime or content."""
        self._texts.append(text)

    def add_call(self, kind: str, name: str, call_id: str, value: JsonObject, now: float) -> None:
        """A `call`, a `response` or a `cancellation`; `value` is its arguments or response."""
        self._calls_made += kind == "call"
        self._calls.append(
            {"kind": kind, "name": name, "id": call_id, "value": value, **self._time("at", now)}
        )

    def to_json(self) -> JsonObject:
        """The document that `GET /emulator/sessions` lists."""
        times: list[JSON] = list(self._frame_times)
        unix_times: list[JSON] = [time + self.unix_offset_s for time in self._frame_times]
        return {
            "id": self.number,
            "model": self.model,
            "profile": self.profile,
            "resumed": self.resumed,
            "resumed_from": self.resumed_from,
            "setup": self.setup,
            "setup_now": self.setup_now,
            **self._time("opened_at", self.opened_at),
            **self._time("closed_at", self.closed_at),
            "close": None if self.close is None else _close(self.close, self.closed_by),
            "messages": _counts(self.messages),
            "sent": _counts(self.sent),
            "audio": {
                "messages": self._audio_types.total(),
                "bytes": self._audio_bytes,
                "seconds": self._audio_samples / RATE_HZ,
                "mime_types": _counts(self._audio_types),
                **self._time("first_at", self._audio_first_at),
                **self._time("last_at", self._audio_last_at),
            },
            "video": {
                "frames": self._frames,
                "mime_types": _counts(self._frame_types),
                "times": times,
                "times_unix": unix_times,
                "sizes": list(self._frame_sizes),
            },
            "texts": list(self._texts),
            "turns": [self._turn(turn) for turn in self.turns],
            "calls": list(self._calls),
            "faults": list(self._faults),
            "unmatched_tool_responses": self.unmatched_tool_responses,
            "deviations": list(self.deviations),
        }

    def _turn(self, turn: TurnRecord) -> JsonObject:
        return {
            "number": turn.number,
            "prompt": turn.prompt,
            "audio_from": None if turn.audio is None else turn.audio[0],
            "audio_to": None if turn.audio is None else turn.audio[1],
            "heard": turn.heard,
            "said": turn.said,
            "said_seconds": turn.said_s,
            "interrupted": turn.interrupted,
            **self._time("started_at", turn.started_at),
            **self._time("prompted_at", turn.prompted_at),
            **self._time("first_output_at", turn.first_output_at),
            **self._time("generation_complete_at", turn.generation_complete_at),
            **self._time("interrupted_at", turn.interrupted_at),
            **self._time("turn_complete_at", turn.turn_complete_at),
        }

    def _time(self, name: str, time: float | None) -> JsonObject:
        unix = None if time is None else time + self.unix_offset_s
        return {name: time, f"{name}_unix": unix}


def _close(close: Close, closed_by: str) -> JsonObject:
    return {"code": close.code, "reason": close.reason, "by": closed_by}


def _counts(counter: Counter[str]) -> JsonObject:
    return dict(counter.items())
