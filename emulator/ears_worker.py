"""The child process that listens: pocketsphinx with the grammar of `phrases`.

A request is PCM16 LE mono 16 kHz of one utterance; the answer is JSON {"words", "refusal"}, one of
the two empty.
"""

from __future__ import annotations

import json
import math
import sys
from typing import Any, Final

import numpy as np

from emulator import phrases
from emulator.hearing import Refusal, Samples, Word, prepare, refuse_sound, refuse_words
from emulator.worker_pipe import serve

COMMANDS: Final = "commands"
PHONES: Final = "phones"
# The recogniser stores scores of single words in units of 2**-10 of a natural logarithm.
SCORE_SCALE: Final = 1024.0
_SMALLEST: Final = 1e-300


class Recogniser:
    """pocketsphinx with wide beams. Raises ImportError when it is not installed."""

    def __init__(self) -> None:
        import pocketsphinx  # type: ignore[import-untyped]  # it ships no types

        # bestpath rescoring drops the end of sentences when beams are wide: measured, so off.
        self._decoder: Any = pocketsphinx.Decoder(
            lm=None,
            beam=1e-80,
            pbeam=1e-60,
            wbeam=1e-50,
            maxhmmpf=-1,
            lw=1.0,
            bestpath=False,
            compallsen=True,
            cmn="batch",
            loglevel="FATAL",
        )
        self._decoder.add_jsgf_string(COMMANDS, phrases.jsgf())
        self._decoder.add_allphone_file(PHONES, None)

    def hear(self, pcm: Samples) -> str | Refusal:
        """The words of one utterance, or why there are none."""
        sound = prepare(pcm)
        refusal = refuse_sound(sound)
        if sound is None or refusal is not None:
            return refusal or Refusal.SILENT
        segments = self._decode(COMMANDS, sound.samples)
        words = [self._word(segment) for segment in segments if segment[0][0].isalpha()]
        phone_fit = 0.0
        if words:
            last = words[-1].first_frame + words[-1].frames
            phones = self._decode(PHONES, sound.samples)
            phone_fit = average_fit(phones, words[0].first_frame, last)
        refusal = refuse_words(words, sound.active_s, phone_fit)
        if refusal is not None:
            return refusal
        text = " ".join(word.text for word in words)
        return text if text in _SENTENCES else Refusal.NO_SENTENCE

    def _decode(self, search: str, samples: Samples) -> list[tuple[str, int, int, float]]:
        """(word, first frame, last frame, fit) for each segment."""
        self._decoder.activate_search(search)
        self._decoder.start_utt()
        self._decoder.process_raw(samples.tobytes(), full_utt=True)
        self._decoder.end_utt()
        if self._decoder.hyp() is None:
            return []
        return [
            (
                segment.word,
                segment.start_frame,
                segment.end_frame,
                math.log(max(segment.ascore, _SMALLEST)) * SCORE_SCALE,
            )
            for segment in self._decoder.seg()
        ]

    def _word(self, segment: tuple[str, int, int, float]) -> Word:
        name, first, last, fit = segment
        phones = tuple((self._decoder.lookup_word(name) or "").split())
        return Word(name.partition("(")[0], phones, first, last - first + 1, fit)


_SENTENCES: Final = frozenset(phrases.sentences())


def average_fit(
    segments: list[tuple[str, int, int, float]], first_frame: int, last_frame: int
) -> float:
    """The fit per frame of the segments between two frames, 0.0 when none lies there."""
    total, frames = 0.0, 0
    for _, start, end, fit in segments:
        shared = min(end, last_frame) - max(start, first_frame) + 1
        if shared > 0:
            total += fit * shared / (end - start + 1)
            frames += shared
    return total / frames if frames else 0.0


def answer(recogniser: Recogniser, request: bytes) -> bytes:
    """The answer to one request of the parent; never raises for wrong audio."""
    heard = recogniser.hear(np.frombuffer(request[: len(request) & ~1], dtype="<i2"))
    if isinstance(heard, Refusal):
        return json.dumps({"words": "", "refusal": heard.value}).encode()
    return json.dumps({"words": heard, "refusal": ""}).encode()


def main() -> int:
    """Serve the pipe until stdin ends; 1 when pocketsphinx is not installed."""
    try:
        recogniser = Recogniser()
    except ImportError:
        print("ears_worker: pocketsphinx is not installed", file=sys.stderr)
        return 1
    serve(lambda request: answer(recogniser, request))
    return 0


if __name__ == "__main__":
    sys.exit(main())
