"""Where the fuzzer begins: real packets, and messages as clients send them."""

import json
from functools import cache
from itertools import islice
from struct import pack
from typing import Final

import numpy as np
from aioice import stun
from aiortc.rtcsctptransport import DataChunk, InitChunk, SackChunk, encode_params
from aiortc.rtcsctptransport import serialize_packet as serialize_sctp
from aiortc.rtp import (
    RTCP_PSFB_APP,
    RTCP_PSFB_PLI,
    RTCP_RTPFB_NACK,
    RtcpByePacket,
    RtcpPsfbPacket,
    RtcpReceiverInfo,
    RtcpRrPacket,
    RtcpRtpfbPacket,
    RtcpSdesPacket,
    RtcpSenderInfo,
    RtcpSourceInfo,
    RtcpSrPacket,
    pack_remb_fci,
)

from processors.opus import OUTPUT_HZ, OpusEncoder
from tests.transports import offers
from tests.transports.real_video import coded_pictures
from tests.transports.rtp_streams import OPUS_TOC

PAYLOAD_BYTES: Final = 31  # what fits a packet of a story
IN_ORDER: Final = bytes([0x01, 0x03 | PAYLOAD_BYTES << 3])
SAME_PICTURE: Final = bytes([0x02, 0x01 | PAYLOAD_BYTES << 3])
END_OF_PICTURE: Final = bytes([0x03, 0x01 | PAYLOAD_BYTES << 3])
NEW_PICTURE: Final = bytes([0x00, 0x05 | PAYLOAD_BYTES << 3])
GAP: Final = bytes([0xC1, 0x03 | PAYLOAD_BYTES << 3, 128 + 1])
OVERTAKEN: Final = bytes([0xC1, 0x01 | PAYLOAD_BYTES << 3, 128 - 3])
COPY: Final = bytes([0x83, 0x01 | PAYLOAD_BYTES << 3, 0xFF])
OTHER_STREAM: Final = bytes([0xD1, 0x03 | PAYLOAD_BYTES << 3, 1])


@cache
def _sound() -> tuple[bytes, ...]:
    """A quarter of a second of a tone that rises, by libopus."""
    encoder = OpusEncoder()
    time = np.arange(OUTPUT_HZ // 4) / OUTPUT_HZ
    samples = np.asarray(9000 * np.sin(2 * np.pi * (300 + 400 * time) * time), np.int16)
    return tuple(encoder.encode(part) for part in np.split(samples[: 480 * 12], 12))


@cache
def _payloads(encoder: str) -> tuple[bytes, ...]:
    pictures = list(islice(coded_pictures(encoder, 2, frozenset(), 64, 48), 2))
    return tuple(payload for picture in pictures for payload in picture.payloads)


def _rtp(payload: bytes, first: int = 0x80, extension: bytes = b"") -> bytes:
    return pack("!BBHLL", first, 111, 65_535, 960, 7) + extension + payload


def rtp_packets() -> list[bytes]:
    extension = pack("!HH", 0xBEDE, 1) + b"\x10\x80\0\0"
    sound = _sound()[0]
    return [
        _rtp(sound),
        _rtp(sound, 0x90, extension),
        _rtp(sound + b"\0\0\3", 0xA0),
        _rtp(bytes(8) + sound, 0x82),
    ]


def opus_packets() -> list[bytes]:
    return [*_sound()[:3], *(bytes([toc]) for toc in OPUS_TOC.values()), b"\x0b\x06", b"\x09\0\0"]


def opus_stories() -> list[bytes]:
    said = [bytes([0, len(payload)]) + payload for payload in _sound()]
    lost = bytes([255, 0]) + bytes([200]) + said[7][1:]
    return [b"".join(said), b"".join([*said[:5], lost, *said[7:]])]


def audio_stories() -> list[bytes]:
    """In order; with losses; with packets overtaken, copies and another stream."""
    payloads = [payload[:PAYLOAD_BYTES].ljust(PAYLOAD_BYTES, b"\0") for payload in _sound()]
    at_once = bytes([0x01, PAYLOAD_BYTES << 3])
    shapes = (
        [IN_ORDER, GAP, *[at_once] * 10],
        [IN_ORDER],
        [IN_ORDER, GAP],
        [IN_ORDER, GAP, IN_ORDER, OVERTAKEN, GAP],
        [IN_ORDER, COPY, IN_ORDER, OTHER_STREAM],
    )
    return [
        b"".join(shape[i % len(shape)] + payload for i, payload in enumerate(payloads))
        for shape in shapes
    ]


def vp8_payloads() -> list[bytes]:
    head = bytes([0x90, 0xF0, 0x81, 0x02, 0x03, 0x04])  # with every extension there is
    return [*_payloads("libvpx")[:4], head + _payloads("libvpx")[0][1:200]]


def h264_payloads() -> list[bytes]:
    units = _payloads("libx264")
    stap = b"\x18" + b"".join(pack("!H", len(unit)) + unit for unit in (b"\x67\x42\0", b"\x68\xce"))
    return [*units[:4], stap, b"\x7c\x87" + bytes(20), b"\x7c\x47" + bytes(20)]


def vp8_stories() -> list[bytes]:
    return _picture_stories(b"\x10\x00", b"\x00\x00", b"\x10\x01")


def h264_stories() -> list[bytes]:
    return _picture_stories(b"\x67\x42", b"\x65\x88", b"\x41\x9a")


def _picture_stories(key: bytes, more: bytes, delta: bytes) -> list[bytes]:
    """Key pictures in three packets, in order and with the middle one late."""
    first, middle, last, other = (
        start.ljust(PAYLOAD_BYTES, b"\x5a") for start in (key, more, more, delta)
    )
    whole = NEW_PICTURE + first + SAME_PICTURE + middle + END_OF_PICTURE + last
    others = (NEW_PICTURE + other) * 20
    torn = NEW_PICTURE + first + bytes([0x83, 0x01 | PAYLOAD_BYTES << 3, 1]) + last
    late = bytes([0x82, 0x01 | PAYLOAD_BYTES << 3, 0xFE]) + middle
    return [(whole + others) * 2, others + torn + late + others]


def rtcp_packets() -> list[bytes]:
    info = RtcpReceiverInfo(7, 1, 2, 3, 4, 5, 6)
    sender = RtcpSenderInfo(1 << 60, 960, 10, 1000)
    names = [RtcpSourceInfo(7, [(1, b"name")])]
    remb = pack_remb_fci(1_500_000, [7])
    one_by_one = [
        bytes(RtcpSrPacket(7, sender, [info])),
        bytes(RtcpRrPacket(7, [info])),
        bytes(RtcpSdesPacket(names)),
        bytes(RtcpByePacket([7])),
        bytes(RtcpRtpfbPacket(RTCP_RTPFB_NACK, 7, 8, [1, 2, 20])),
        bytes(RtcpPsfbPacket(RTCP_PSFB_PLI, 7, 8)),
        bytes(RtcpPsfbPacket(RTCP_PSFB_APP, 7, 0, remb)),
    ]
    return [*one_by_one, b"".join(one_by_one)]


def stun_messages() -> list[bytes]:
    request = stun.Message(stun.Method.BINDING, stun.Class.REQUEST, transaction_id=bytes(12))
    request.attributes["USERNAME"] = "abcd:efgh"
    request.attributes["PRIORITY"] = 1_853_824_767
    request.attributes["ICE-CONTROLLING"] = 1 << 60
    request.add_message_integrity(b"0123456789abcdefghijkl")
    answer = stun.Message(stun.Method.BINDING, stun.Class.RESPONSE, transaction_id=bytes(12))
    answer.attributes["XOR-MAPPED-ADDRESS"] = ("192.0.2.1", 5000)
    return [bytes(request), bytes(answer)]


def sctp_packets() -> list[bytes]:
    init = InitChunk()
    init.advertised_rwnd, init.outbound_streams, init.inbound_streams = 1 << 20, 16, 16
    init.initial_tsn, init.params = 5, [(0x8008, b"\x82\xc0"), (0xC000, b"")]
    sack = SackChunk()
    sack.cumulative_tsn, sack.advertised_rwnd, sack.gaps = 9, 1 << 20, [(2, 3)]
    chunks = [init, sack, _data(3, b"whole"), _data(2, b"first "), _data(1, b"last")]
    packets = [serialize_sctp(5000, 5000, 7, chunk) for chunk in chunks]
    return [*packets, packets[3] + packets[4][12:]]


def _data(flags: int, data: bytes) -> DataChunk:
    chunk = DataChunk(flags=flags)
    chunk.tsn, chunk.stream_id, chunk.stream_seq, chunk.protocol = 6 + flags % 2, 0, 0, 51
    chunk.user_data = data
    return chunk


def sctp_parameters() -> list[bytes]:
    return [encode_params([(0x8008, b"\x82\xc0"), (0xC000, b""), (13, bytes(12))])]


def sdp_offers() -> list[bytes]:
    small = offers.offer(offers.audio(), offers.video(), offers.data())
    named = offers.offer(offers.audio("0", f"a={CANDIDATE}", "a=end-of-candidates"))
    return [offers.CHROMIUM.encode(), small.encode(), named.encode()]


CANDIDATE: Final = "candidate:1 1 udp 2113937151 192.0.2.5 50000 typ host generation 0 ufrag abcd"


def candidates() -> list[bytes]:
    reflexive = f"{CANDIDATE.replace('host', 'srflx')} raddr 10.0.0.1 rport 9"
    others = (reflexive, CANDIDATE.replace("192.0.2.5", "fd00::5"), "a=end-of-candidates", "")
    return [line.encode() for line in (CANDIDATE, *others)]


def rtvi_messages() -> list[bytes]:
    said = {
        "client-ready": {"version": "2.1.0", "about": {"library": "l"}},
        "send-text": {"content": "hi", "options": {"run_immediately": False}},
        "send-file": {
            "content": "look",
            "file": {"format": "image/png", "source": {"type": "bytes", "bytes": "aGk="}},
        },
        "client-message": {"t": "image-ack", "d": {"seq": 7}},
        "disconnect-bot": None,
    }
    messages: list[object] = [
        {"label": "rtvi-ai", "type": kind, "id": "7", "data": data} for kind, data in said.items()
    ]
    status = {"type": "trackStatus", "receiver_index": 1, "enabled": False}
    messages.append({"type": "signalling", "message": status})
    return [*(json.dumps(message).encode() for message in messages), b"ping: 1700000000000"]


def signalling_bodies() -> list[bytes]:
    small = offers.offer(offers.audio(), offers.data())
    entry = {"candidate": CANDIDATE, "sdp_mid": "0", "sdp_mline_index": 0}
    bodies: list[object] = [
        {"body": {"sessionId": "s", "token": "t", "room": {}}, "enableDefaultIceServers": True},
        {"type": "offer", "sdp": small, "pc_id": "p", "requestData": {"token": "t"}},
        {"pc_id": "p", "candidates": [entry]},
        {"pc_id": "p"},
    ]
    return [json.dumps(body).encode() for body in bodies]
