"""A client's audio messages, whatever their rate, as one stream of PCM16 mono 16 kHz.

Errors:

    AudioFormatError      the client named a format that the emulator does not decode
"""

from __future__ import annotations

import math
from typing import Final

import numpy as np
from numpy.typing import NDArray

from emulator.activity import RATE_HZ
from emulator.resampling import resample

LOWEST_RATE_HZ: Final = 4_000
HIGHEST_RATE_HZ: Final = 192_000
# The resampler's filter reaches 13 samples of the lower rate to each side; twice that is safe.
FILTER_REACH_SAMPLES: Final = 26


class AudioFormatError(ValueError):
    """The MIME type is not `audio/pcm` at a rate between 4 and 192 kHz."""


def pcm_rate_untrusted(mime_type: str) -> int:
    """The rate in Hz of a MIME type such as `audio/pcm;rate=16000`, the wire's default.

    Raises:
        AudioFormatError: not PCM, or an impossible rate.
    """
    kind, *parameters = (part.strip().lower() for part in mime_type.split(";"))
    if kind not in ("audio/pcm", "audio/l16"):
        raise AudioFormatError("only audio/pcm is decoded")
    rate = str(RATE_HZ)
    for parameter in parameters:
        name, _, value = parameter.partition("=")
        if name.strip() == "rate":
            rate = value.strip()
    if not rate.isascii() or not rate.isdecimal() or len(rate) > 6:
        raise AudioFormatError("the rate is not a number of Hz")
    if not LOWEST_RATE_HZ <= int(rate) <= HIGHEST_RATE_HZ:
        raise AudioFormatError("the rate is out of range")
    return int(rate)


class AudioStream:
    """Joins messages to 16 kHz without seams; a sample cut between two messages is kept whole."""

    def __init__(self) -> None:
        self._odd = b""
        self._rate = RATE_HZ
        self._waiting = np.zeros(0, np.int16)

    def feed_untrusted(self, data: bytes, mime_type: str) -> bytes:
        """PCM16 mono 16 kHz of one message; other rates come out some milliseconds later.

        Raises:
            AudioFormatError: see `pcm_rate_untrusted`.
        """
        rate = pcm_rate_untrusted(mime_type)
        if rate != self._rate:
            self._rate = rate
            self._odd = b""
            self._waiting = np.zeros(_context_blocks(rate) * _block(rate)[0], np.int16)
        data = self._odd + data
        whole = len(data) // 2 * 2
        self._odd = data[whole:]
        if rate == RATE_HZ:
            return data[:whole]
        return self._resample(np.frombuffer(data[:whole], "<i2"))

    def _resample(self, samples: NDArray[np.int16]) -> bytes:
        # Whole blocks only, with the filter's reach on both sides: so no seam can be heard.
        self._waiting = np.concatenate((self._waiting, samples))
        block_in, block_out = _block(self._rate)
        context = _context_blocks(self._rate)
        ready = len(self._waiting) // block_in - 2 * context
        if ready <= 0:
            return b""
        window = self._waiting[: (ready + 2 * context) * block_in]
        resampled = resample(window, self._rate, RATE_HZ)
        self._waiting = self._waiting[ready * block_in :]
        return resampled[context * block_out : (context + ready) * block_out].tobytes()


def _block(rate: int) -> tuple[int, int]:
    """The shortest run of whole input samples that gives whole output samples, and how many."""
    divisor = math.gcd(rate, RATE_HZ)
    return rate // divisor, RATE_HZ // divisor


def _context_blocks(rate: int) -> int:
    samples = FILTER_REACH_SAMPLES * max(1.0, rate / RATE_HZ)
    return math.ceil(samples / _block(rate)[0])
