"""Speech as a browser sends it: by libopus, with FEC, and on request without its silences."""

import ctypes
from typing import Final

import numpy as np

from processors.opus import load_library
from tests.processors.sounds import Pcm
from transports.jitter import CLOCK_HZ
from transports.rtp_arrival import RtpArrival

PACKET: Final = CLOCK_HZ // 50
DTX_BYTES: Final = 2  # RFC 6716 section 2.1.9: a packet without sound has no more

# opus_defines.h. The bitrate and the band are those that our answer asks for.
APPLICATION_VOIP: Final = 2048
SET_BITRATE, SET_MAX_BANDWIDTH, SET_FEC, SET_LOSS, SET_DTX = 4002, 4004, 4012, 4014, 4016
BITS_PER_S: Final = 32_000
WIDEBAND: Final = 1103


def packets_of(sound: Pcm, *, loss_percent: int = 5, dtx: bool = False) -> list[RtpArrival]:
    """The packets of sound at 48 kHz. The encoder expects that much loss; at 0 it adds no FEC.

    With `dtx` only the first packet of a silence is sent, and one every 400 ms, as by libwebrtc.
    """
    library = load_library()
    encoder = ctypes.c_void_p(
        library.opus_encoder_create(CLOCK_HZ, 1, APPLICATION_VOIP, ctypes.byref(ctypes.c_int()))
    )
    for request, value in (
        (SET_BITRATE, BITS_PER_S),
        (SET_MAX_BANDWIDTH, WIDEBAND),
        (SET_FEC, 1),
        (SET_LOSS, loss_percent),
        (SET_DTX, int(dtx)),
    ):
        assert library.opus_encoder_ctl(encoder, request, ctypes.c_int32(value)) == 0
    room = ctypes.create_string_buffer(1500)
    payloads: list[bytes] = []
    for start in range(0, sound.size - PACKET + 1, PACKET):
        part = np.ascontiguousarray(sound[start : start + PACKET])
        size = library.opus_encode(encoder, part.ctypes.data, PACKET, room, len(room))
        assert size > 0
        payloads.append(room.raw[:size])
    library.opus_encoder_destroy(encoder)
    return list(_sent(payloads))


def _sent(payloads: list[bytes]) -> list[RtpArrival]:
    sent: list[RtpArrival] = []
    suppressed = False
    for number, payload in enumerate(payloads):
        empty = len(payload) <= DTX_BYTES
        if not (empty and suppressed):
            sequence, timestamp = len(sent) + 65_500, number * PACKET + 2**32 - 50_000
            sent.append(
                RtpArrival("audio", "opus", 1, sequence % 2**16, timestamp % 2**32, False, payload)
            )
        suppressed = empty
    return sent


def carries_fec(payload: bytes) -> bool:
    """Of one mono SILK frame of 20 ms: the bit after that of voice activity (section 4.2.3)."""
    silk_alone = payload[0] < 12 << 3 and not payload[0] & 0b111
    return silk_alone and len(payload) > DTX_BYTES and bool(payload[1] & 0x40)


def snr_db(wanted: Pcm, got: Pcm) -> float:
    reference = wanted.astype(float)
    error = got.astype(float) - reference
    return float(10 * np.log10((np.square(reference).sum() + 1) / (np.square(error).sum() + 1)))
