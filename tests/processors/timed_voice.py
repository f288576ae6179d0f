"""Answers as the emulator speaks and delivers them, and when each word of them really sounds.

espeak-ng tells the times; it runs in a child process, as the emulator's own does.
"""

import base64
import ctypes
import json
import subprocess
import sys
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np

from emulator.delivery import BYTES_PER_S, RATE_HZ, Answer, Piece, segments
from emulator.voice_worker import Espeak
from emulator.voices import timbre

SPEAK_LIMIT_S = 60.0
AUDIBLE = 300
_WORD = 1


class _Event(ctypes.Structure):
    """espeak_EVENT of espeak-ng's speak_lib.h; type 0 ends a list of them."""

    _fields_ = [
        ("type", ctypes.c_int),
        ("unique_identifier", ctypes.c_uint),
        ("text_position", ctypes.c_int),
        ("length", ctypes.c_int),
        ("audio_position_ms", ctypes.c_int),
        ("sample", ctypes.c_int),
        ("user_data", ctypes.c_void_p),
        ("id", ctypes.c_char * 8),
    ]


class _TimedEspeak(Espeak):
    def __init__(self) -> None:
        self.begins: list[tuple[int, float]] = []  # character, seconds
        super().__init__()

    def _collect(self, samples: Any, count: int, events: Any) -> int:
        event = ctypes.cast(events, ctypes.POINTER(_Event))
        index = 0
        while events and event[index].type:
            if event[index].type == _WORD:
                begin_s = event[index].audio_position_ms / 1000
                self.begins.append((event[index].text_position - 1, begin_s))
            index += 1
        return super()._collect(samples, count, events)


def _speak(sentences: list[str], voice: str) -> list[dict[str, Any]]:
    espeak, spoken = _TimedEspeak(), []
    for sentence in sentences:
        espeak.begins = []
        pcm = espeak.speak(sentence, timbre(voice), language="en-US", rate_hz=RATE_HZ)
        spoken.append({"pcm": base64.b64encode(pcm).decode(), "begins": espeak.begins})
    return spoken


@dataclass(frozen=True)
class Word:
    begin_s: float
    end_s: float


@dataclass(frozen=True)
class TimedAnswer:
    """`pieces` as the emulator sends them, `words` as they sound one after the other."""

    text: str
    pieces: tuple[Piece, ...]
    words: tuple[Word, ...]

    @property
    def sound_s(self) -> float:
        return sum(len(piece.pcm) for piece in self.pieces) / BYTES_PER_S

    def error_s(self, kept: str, heard_s: float) -> float:
        """How far `heard_s` is from where exactly these first words have been spoken."""
        count = len(kept.split())
        assert kept.split() == self.text.split()[:count]
        begun_s = self.words[count - 1].begin_s if count else 0.0
        done_s = self.words[count].end_s if count < len(self.words) else self.sound_s
        return max(0.0, begun_s - heard_s, heard_s - done_s)


@cache
def timed_answer(text: str, voice: str = "Kore") -> TimedAnswer:
    sentences = segments(text)
    command = [sys.executable, "-m", "tests.processors.timed_voice", voice]
    child = subprocess.run(
        command, input=json.dumps(sentences).encode(), capture_output=True, timeout=SPEAK_LIMIT_S
    )
    assert child.returncode == 0, child.stderr.decode()
    answer = Answer(text, speaks=True, speed=1.0, not_before=0.0)
    words: list[Word] = []
    sound_s = 0.0
    for sentence, spoken in zip(sentences, json.loads(child.stdout), strict=True):
        pcm = base64.b64decode(spoken["pcm"])
        words += _words(sentence, spoken["begins"], pcm, sound_s)
        sound_s += len(pcm) / BYTES_PER_S
        answer.add_sound(pcm)
    pieces: list[Piece] = []
    while (due := answer.due()) is not None:
        pieces += answer.take(due)
    return TimedAnswer("".join(piece.text for piece in pieces), tuple(pieces), tuple(words))


def _words(
    sentence: str, begins: list[tuple[int, float]], pcm: bytes, before_s: float
) -> list[Word]:
    """A word ends with its last audible sample before the next one begins."""
    level = np.abs(np.frombuffer(pcm, "<i2").astype(np.int32))
    places: list[float] = []
    place = 0
    for word in sentence.split():
        place = sentence.index(word, place)
        # espeak-ng tells of several words where "1987" stands, and of none for some short ones.
        inside = [at for character, at in begins if place <= character < place + len(word)]
        places.append(inside[0] if inside else places[-1])
        place += len(word)
    words = []
    for begin_s, next_s in zip(places, [*places[1:], level.size / RATE_HZ], strict=True):
        first = int(begin_s * RATE_HZ)
        heard = np.nonzero(level[first : int(next_s * RATE_HZ)] > AUDIBLE)[0]
        end_s = begin_s + (heard[-1] + 1 if heard.size else 0) / RATE_HZ
        words.append(Word(before_s + begin_s, before_s + end_s))
    return words


if __name__ == "__main__":
    print(json.dumps(_speak(json.load(sys.stdin), sys.argv[1])))
