"""How an answer leaves: chunks of 160 to 240 ms faster than real time, transcript along with it.

Pure. An answer is a list of segments (sentences); the sound of each arrives when it is
synthesised, and its words are spread over its chunks in proportion to their length.
"""

from __future__ import annotations

import re
from collections import deque
from dataclasses import dataclass
from typing import Final

RATE_HZ: Final = 24_000
BYTES_PER_S: Final = 2 * RATE_HZ
# The sizes seen on the wire: 160, 200 and 240 ms.
CHUNK_BYTES: Final = (9_600, 7_680, 11_520)
MAX_SEGMENT_CHARACTERS: Final = 160
# The pace of text-only answers: one fragment per chunk of this length, were it spoken.
TEXT_FRAGMENT_S: Final = 0.2

_SENTENCE_END = re.compile(r"(?<=[.!?;:])\s+")


@dataclass(frozen=True, slots=True)
class Piece:
    """One event's worth: `pcm` (PCM16 mono 24 kHz, maybe empty) and the words it begins."""

    pcm: bytes
    text: str


def segments(text: str) -> list[str]:
    """Sentences of at most MAX_SEGMENT_CHARACTERS, so that speech can start before the end."""
    found: list[str] = []
    for sentence in _SENTENCE_END.split(" ".join(text.split())):
        line = ""
        for word in sentence.split():
            if line and len(line) + 1 + len(word) > MAX_SEGMENT_CHARACTERS:
                found.append(line)
                line = ""
            line = f"{line} {word}" if line else word
        if line:
            found.append(line)
    return found


def fragments(text: str, words: int = 2) -> list[str]:
    """`text` in fragments to concatenate: a leading space each, at most `words` words."""
    parts = text.split()
    return [
        "".join(f" {word}" for word in parts[i : i + words]) for i in range(0, len(parts), words)
    ]


class Answer:
    """One generation on its way out. Feed sound with `add_sound`, then drain with `take`.

    `speed` is how many seconds of sound leave in a second, from `not_before` on; `playing_until`
    is when a client has played what it got before. Nothing leaves for `stall_s` after the first
    piece.
    """

    def __init__(
        self,
        text: str,
        *,
        speaks: bool,
        speed: float,
        not_before: float,
        playing_until: float = 0.0,
        stall_s: float = 0.0,
    ) -> None:
        self.said = ""
        self.sent_s = 0.0
        self._wanted = deque(segments(text) if speaks else [])
        self._ready: deque[Piece] = deque()
        self._speed = speed
        self._due = not_before
        self._stall_s = stall_s
        self._playback_until = max(not_before, playing_until)
        self._chunks = 0
        if not speaks:
            self._ready.extend(Piece(b"", fragment) for fragment in fragments(text, words=3))

    @property
    def wanted(self) -> str:
        """The text to synthesise next; empty when all of it was."""
        return self._wanted[0] if self._wanted else ""

    @property
    def finished(self) -> bool:
        """True when every piece was taken."""
        return not self._wanted and not self._ready

    @property
    def playback_until(self) -> float:
        """When a client that plays at once has played all that was taken."""
        return self._playback_until

    def add_sound(self, pcm: bytes) -> None:
        """The sound of the wanted segment (PCM16 mono 24 kHz); may be empty."""
        text = self._wanted.popleft()
        chunks = _chunks(pcm, self._chunks)
        self._chunks += len(chunks)
        self._ready.extend(_with_words(chunks or [b""], text))

    def due(self) -> float | None:
        """When the next piece may leave; None while there is none."""
        return self._due if self._ready else None

    def take(self, now: float) -> list[Piece]:
        """The pieces that are due, in order."""
        pieces: list[Piece] = []
        while self._ready and self._due <= now:
            piece = self._ready.popleft()
            seconds = len(piece.pcm) / BYTES_PER_S
            pace_s = (seconds or TEXT_FRAGMENT_S) / self._speed
            # A late tick catches up, but a gap in synthesis is not made up for by a burst.
            self._due = max(self._due, now - pace_s) + pace_s + self._stall_s
            self._stall_s = 0.0
            self._playback_until = max(self._playback_until, now) + seconds
            self.sent_s += seconds
            self.said += piece.text
            pieces.append(piece)
        return pieces


def _chunks(pcm: bytes, before: int) -> list[bytes]:
    """Chunks of the wire's sizes in turn; the last ones share what is left, without a crumb."""
    chunks: list[bytes] = []
    while pcm:
        size = CHUNK_BYTES[(before + len(chunks)) % len(CHUNK_BYTES)]
        if len(pcm) <= max(CHUNK_BYTES):
            size = len(pcm)
        elif len(pcm) - size < min(CHUNK_BYTES):
            size = len(pcm) // 4 * 2
        chunks.append(pcm[:size])
        pcm = pcm[size:]
    return chunks


def _with_words(chunks: list[bytes], text: str) -> list[Piece]:
    """Each word goes with the chunk in which it begins, by its share of the characters."""
    shares = [""] * len(chunks)
    length = max(1, len(text))
    position = 0
    for word in text.split():
        shares[min(len(chunks) - 1, position * len(chunks) // length)] += f" {word}"
        position += len(word) + 1
    return [Piece(chunk, share) for chunk, share in zip(chunks, shares, strict=True)]
