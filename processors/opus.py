"""Opus by libopus itself, mono: 16 kHz in (what Gemini hears), 24 kHz out (what it says).

FFmpeg's wrapper cannot decode to 16 kHz, conceal a loss or use in-band FEC. The library is
the copy in the av wheel, so nothing else has to be installed; the system's serves if there
is none. Functions are those of opus.h; a decoder belongs to one stream.
"""

import ctypes
import ctypes.util
from functools import cache
from pathlib import Path
from typing import Any, Final

import av
import numpy as np
from numpy.typing import NDArray

from processors.errors import CodecError

Pcm = NDArray[np.int16]

INPUT_HZ: Final = 16_000
OUTPUT_HZ: Final = 24_000
MAX_PACKET_S: Final = 0.12  # RFC 6716 section 2.1.4
MAX_PACKET_BYTES: Final = 1500
BITRATE: Final = 32_000
COMPLEXITY: Final = 5  # with the AUDIO application: a third of VOIP's cost at this rate

_APPLICATION_AUDIO: Final = 2049
_RESET_STATE: Final = 4028
_SET_BITRATE: Final = 4002
_SET_COMPLEXITY: Final = 4010


def library_path() -> str:
    """A path or a name that the loader knows. Raises `RuntimeError` when there is none."""
    bundled = sorted(Path(av.__file__).parent.parent.glob("av.libs/libopus-*.so*"))
    found = str(bundled[0]) if bundled else ctypes.util.find_library("opus")
    if found is None:
        raise RuntimeError("libopus is neither in the av wheel nor on this system")
    return found


@cache
def load_library() -> Any:
    """libopus, loaded once. `Any`, since ctypes has no types for what it loads."""
    library = ctypes.CDLL(library_path())
    library.opus_decoder_create.restype = ctypes.c_void_p
    library.opus_encoder_create.restype = ctypes.c_void_p
    library.opus_decode.argtypes = [
        ctypes.c_void_p,
        ctypes.c_char_p,
        ctypes.c_int32,
        ctypes.c_void_p,
        ctypes.c_int,
        ctypes.c_int,
    ]
    library.opus_encode.argtypes = [
        ctypes.c_void_p,
        ctypes.c_void_p,
        ctypes.c_int,
        ctypes.c_void_p,
        ctypes.c_int32,
    ]
    library.opus_decoder_destroy.argtypes = [ctypes.c_void_p]
    library.opus_encoder_destroy.argtypes = [ctypes.c_void_p]
    return library


class OpusDecoder:
    """One stream of packets to mono samples (PCM16). Raises `CodecError` on a bad packet.

    `packet_samples` is the length of the last packet; of 20 ms before there was one.
    """

    def __init__(self, sample_rate: int = INPUT_HZ) -> None:
        self._library = load_library()
        error = ctypes.c_int()
        self._handle = ctypes.c_void_p(
            self._library.opus_decoder_create(sample_rate, 1, ctypes.byref(error))
        )
        if error.value:
            raise ValueError(f"opus_decoder_create failed with {error.value}")
        self._samples: Pcm = np.empty(int(sample_rate * MAX_PACKET_S), np.int16)
        self._address = self._samples.ctypes.data
        self.packet_samples = sample_rate // 50

    def decode(self, payload: bytes) -> Pcm:
        samples = self._decode(_not_empty(payload), self._samples.size, fec=False)
        self.packet_samples = samples.size
        return samples

    def recover(self, next_payload: bytes) -> Pcm:
        """The packet before `next_payload`, from its FEC where it has some, else concealed."""
        return self._decode(_not_empty(next_payload), self.packet_samples, fec=True)

    def conceal(self) -> Pcm:
        """A packet that is lost for good, continued from what came before."""
        return self._decode(None, self.packet_samples, fec=False)

    def _decode(self, payload: bytes | None, room: int, *, fec: bool) -> Pcm:
        count = self._library.opus_decode(
            self._handle,
            payload,
            len(payload) if payload is not None else 0,
            self._address,
            room,
            int(fec),
        )
        if count < 0:
            raise CodecError(f"opus_decode failed with {count}")
        return self._samples[:count].copy()

    def __del__(self) -> None:
        handle, self._handle = getattr(self, "_handle", None), ctypes.c_void_p()
        if handle:
            self._library.opus_decoder_destroy(handle)


def _not_empty(payload: bytes) -> bytes:
    """libopus takes an empty packet for a lost one, and invents as much as there is room for."""
    if not payload:
        raise CodecError("an empty packet")
    return payload


class OpusEncoder:
    """24 kHz mono samples to packets, at `BITRATE`, for speech and music alike."""

    def __init__(self, sample_rate: int = OUTPUT_HZ) -> None:
        self._library = load_library()
        error = ctypes.c_int()
        self._handle = ctypes.c_void_p(
            self._library.opus_encoder_create(
                sample_rate, 1, _APPLICATION_AUDIO, ctypes.byref(error)
            )
        )
        if error.value:
            raise ValueError(f"opus_encoder_create failed with {error.value}")
        for request, value in (
            (_SET_BITRATE, BITRATE),
            (_SET_COMPLEXITY, COMPLEXITY),
        ):
            self._library.opus_encoder_ctl(self._handle, request, ctypes.c_int32(value))
        self._packet = ctypes.create_string_buffer(MAX_PACKET_BYTES)

    def encode(self, samples: Pcm) -> bytes:
        """One packet from 10, 20, 40 or 60 ms of samples. Raises `ValueError` otherwise."""
        contiguous = np.ascontiguousarray(samples, np.int16)
        count = self._library.opus_encode(
            self._handle,
            contiguous.ctypes.data,
            contiguous.size,
            self._packet,
            MAX_PACKET_BYTES,
        )
        if count < 0:
            raise ValueError(f"opus_encode failed with {count}")
        return ctypes.string_at(self._packet, count)

    def reset(self) -> None:
        """Forgets what was encoded, of which some milliseconds would open the next packet."""
        self._library.opus_encoder_ctl(self._handle, _RESET_STATE)

    def __del__(self) -> None:
        handle, self._handle = getattr(self, "_handle", None), ctypes.c_void_p()
        if handle:
            self._library.opus_encoder_destroy(handle)
