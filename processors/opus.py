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
_SET_BITRATE: Final = 4002
_SET_COMPLEXITY: Final = 4010


@cache
def _library() -> Any:
    """ctypes has no types for what it loads."""
    bundled = sorted(Path(av.__file__).parent.parent.glob("av.libs/libopus-*.so*"))
    name = str(bundled[0]) if bundled else ctypes.util.find_library("opus")
    if name is None:
        raise CodecError("libopus is neither in the av wheel nor on this system")
    library = ctypes.CDLL(name)
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
    """One stream of packets to 16 kHz mono samples. Raises `CodecError` on a bad packet."""

    def __init__(self, sample_rate: int = INPUT_HZ) -> None:
        self._library = _library()
        error = ctypes.c_int()
        self._handle = ctypes.c_void_p(
            self._library.opus_decoder_create(sample_rate, 1, ctypes.byref(error))
        )
        if error.value:
            raise CodecError(f"opus_decoder_create failed with {error.value}")
        self._samples: Pcm = np.empty(int(sample_rate * MAX_PACKET_S), np.int16)
        self._packet_samples = sample_rate // 50

    def decode(self, payload: bytes) -> Pcm:
        samples = self._decode(payload, self._samples.size, fec=False)
        self._packet_samples = samples.size
        return samples

    def recover(self, next_payload: bytes) -> Pcm:
        """The packet before `next_payload`, from its FEC where it has some, else concealed."""
        return self._decode(next_payload, self._packet_samples, fec=True)

    def conceal(self) -> Pcm:
        """A packet that is lost for good, continued from what came before."""
        return self._decode(None, self._packet_samples, fec=False)

    def _decode(self, payload: bytes | None, room: int, *, fec: bool) -> Pcm:
        count = self._library.opus_decode(
            self._handle,
            payload,
            len(payload) if payload is not None else 0,
            self._samples.ctypes.data,
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


class OpusEncoder:
    """24 kHz mono samples to packets, at `BITRATE`, for speech and music alike."""

    def __init__(self, sample_rate: int = OUTPUT_HZ) -> None:
        self._library = _library()
        error = ctypes.c_int()
        self._handle = ctypes.c_void_p(
            self._library.opus_encoder_create(
                sample_rate, 1, _APPLICATION_AUDIO, ctypes.byref(error)
            )
        )
        if error.value:
            raise CodecError(f"opus_encoder_create failed with {error.value}")
        for request, value in (
            (_SET_BITRATE, BITRATE),
            (_SET_COMPLEXITY, COMPLEXITY),
        ):
            self._library.opus_encoder_ctl(self._handle, request, ctypes.c_int32(value))
        self._packet = ctypes.create_string_buffer(MAX_PACKET_BYTES)

    def encode(self, samples: Pcm) -> bytes:
        """One packet from 10, 20, 40 or 60 ms of samples. Raises `CodecError` otherwise."""
        contiguous = np.ascontiguousarray(samples, np.int16)
        count = self._library.opus_encode(
            self._handle,
            contiguous.ctypes.data,
            contiguous.size,
            self._packet,
            MAX_PACKET_BYTES,
        )
        if count < 0:
            raise CodecError(f"opus_encode failed with {count}")
        return self._packet.raw[:count]

    def __del__(self) -> None:
        handle, self._handle = getattr(self, "_handle", None), ctypes.c_void_p()
        if handle:
            self._library.opus_encoder_destroy(handle)
