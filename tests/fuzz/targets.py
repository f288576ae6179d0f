"""What reads the bytes of strangers, each with what must hold whatever the bytes are.

A check raises when its invariant does not hold. All are pure and quick: that one takes no more
than `LIMIT_S` and no more memory than `engine.py` allows is part of every invariant.
"""

import json
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

from aioice import stun
from aiortc.rtcsctptransport import DataChunk
from aiortc.rtp import RtcpPacket
from google_crc32c import value as crc32c

from processors.errors import CodecError
from processors.opus import INPUT_HZ, MAX_PACKET_S, OpusDecoder
from tests.fuzz import seeds
from tests.fuzz.story import Bytes, story
from transports import aiortc_seam, rtvi
from transports.aiortc_seam.packet_guards import (
    MAX_TSNS_AHEAD,
    PacketMalformed,
    parse_packet_untrusted,
    parse_parameters_untrusted,
)
from transports.depacketise import fragment_untrusted
from transports.errors import MessageRefused, PayloadRefused, SignallingRefused
from transports.ice import CandidatePolicy, address_allowed, candidate_untrusted
from transports.jitter import MAX_HELD, MAX_SILENCE, MIN_SILENCE, JitterWindow, Received, Silence
from transports.opus_packet import MAX_DURATION, opus_duration_untrusted
from transports.picture_assembly import MAX_PICTURE_BYTES
from transports.picture_sampler import PictureSampler
from transports.reorder_wait import MOST_S
from transports.rtp_packet import HEADER_BYTES, header_untrusted, payload_untrusted
from transports.sctp_reassembly import MAX_PENDING_BYTES, BoundedInboundStream
from transports.sdp import SdpLimits, offer_untrusted
from transports.signalling import (
    decode_candidates_untrusted,
    decode_leave_untrusted,
    decode_offer_untrusted,
    start_untrusted,
)

LIMIT_S: Final = 1.0
POLICY: Final = CandidatePolicy(allow_loopback=False, allow_private=False)
LIMITS: Final = SdpLimits()
MAX_MESSAGE_BYTES: Final = 4096
MAX_WAITING: Final = 42  # packets of 2.5 ms in 100 ms, the one that is too many, and a stray


def rtp_packet(data: bytes) -> None:
    """Header and payload, or `PayloadRefused`; with what lies between they are the packet."""
    try:
        header = header_untrusted(data)
        payload = payload_untrusted(data)
    except PayloadRefused:
        return
    sources, extension = 4 * (data[0] & 0x0F), 0
    if data[0] & 0x10:
        at = HEADER_BYTES + sources + 2
        extension = 4 + 4 * int.from_bytes(data[at : at + 2], "big")
    padding = data[-1] if data[0] & 0x20 else 0
    assert HEADER_BYTES + sources + extension + len(payload) + padding == len(data)
    assert header.payload_type < 1 << 7 and header.sequence_number < 1 << 16
    assert max(header.timestamp, header.ssrc) < 1 << 32


def opus_packet(data: bytes) -> None:
    """A duration of 2.5 to 120 ms in steps of 2.5 ms, or `PayloadRefused`."""
    try:
        duration = opus_duration_untrusted(data)
    except PayloadRefused:
        return
    assert 0 < duration <= MAX_DURATION and duration % 120 == 0


def opus_decoder(data: bytes) -> None:
    """Packets, FEC and concealment of them: at most 120 ms of sound each, or `CodecError`."""
    source, decoder = Bytes(data), OpusDecoder()
    while source:
        how, size = source.number(), source.number()
        payload = source.take(size)
        try:
            if how < 160:
                sound = decoder.decode(payload)
            elif how < 224:
                sound = decoder.recover(payload)
            else:
                sound = decoder.conceal()
        except CodecError:
            continue
        assert 0 < sound.size <= INPUT_HZ * MAX_PACKET_S


def jitter_window(data: bytes) -> None:
    """Nothing is raised; at most 100 ms of sound wait, at most 100 ms by a clock that runs on.

    No more packets come out than went in, pauses are within their bounds, nothing stays.
    """
    window = JitterWindow()
    out = played = 0
    latest = -math.inf
    for arrival, now in story(data, "audio", "opus", 960):
        latest = max(latest, now)
        deadline = window.deadline
        playables = window.expire(now) if deadline is not None and deadline <= now else []
        for playable in [*playables, *window.push(arrival, now)]:
            out += 1
            played += isinstance(playable, Received)
            if isinstance(playable, Silence):
                assert MIN_SILENCE <= playable.duration <= MAX_SILENCE
        c = window.counters
        gone = c.refused + c.late + c.duplicate + c.strays + played
        assert window.waiting < MAX_HELD and gone <= c.received <= gone + MAX_WAITING
        assert window.deadline is None or window.deadline <= latest + MOST_S
        assert out <= 7 * c.received  # each may come after a pause and five that are made up
    window.expire(math.inf)
    assert window.deadline is None


def vp8_payload(data: bytes) -> None:
    """A piece of a picture no longer than the payload, or `PayloadRefused`."""
    _fragment("VP8", data, 0)


def h264_payload(data: bytes) -> None:
    """A piece of a picture, or `PayloadRefused`; each unit is three bytes longer at most."""
    _fragment("H264", data, 4 + len(data))


def _fragment(codec: str, data: bytes, longer: int) -> None:
    try:
        fragment = fragment_untrusted(codec, data)
    except PayloadRefused:
        return
    assert len(fragment.data) <= len(data) + longer


def vp8_pictures(data: bytes) -> None:
    """Packets to pictures of at most 512 KiB, a request at most where one is due; no error."""
    _pictures("VP8", data)


def h264_pictures(data: bytes) -> None:
    """The same of H.264."""
    _pictures("H264", data)


def _pictures(codec: str, data: bytes) -> None:
    sampler = PictureSampler(1.0)
    packets = pictures = 0
    for arrival, now in story(data, "video", codec, 3000):
        picture = sampler.push(arrival, now)
        packets += 1
        if picture is not None:
            pictures += 1
            assert all(picture.parts)
            assert sum(map(len, picture.parts)) <= 2 * MAX_PICTURE_BYTES
        assert len(sampler.tick(now)) <= 1
        deadline = sampler.deadline(now)
        assert deadline is None or not math.isnan(deadline)
    assert sampler.counters.packets == packets and sampler.counters.pictures == pictures


def rtcp(data: bytes) -> None:
    """aiortc's parser ends. What it raises, `packet_guards.py` counts and drops."""
    try:
        RtcpPacket.parse(data)
    except Exception:  # whatever Python raises at a bad packet: the guard catches as much
        return


def stun_message(data: bytes) -> None:
    """aioice's parser ends. What it raises, `packet_guards.py` counts and drops."""
    try:
        stun.parse_message(data)
    except Exception:  # whatever Python raises at a bad packet: the guard catches as much
        return


def sctp_packet(data: bytes) -> None:
    """Chunks, or `PacketMalformed`; fragments of messages are kept within their bound."""
    packet = data[:8] + bytes(4) + data[12:]
    packet = packet[:8] + crc32c(packet).to_bytes(4, "little") + packet[12:]
    try:
        chunks = parse_packet_untrusted(packet)[3]
    except PacketMalformed:
        return
    stream, seen = BoundedInboundStream(), set[int]()
    for chunk in chunks:
        # Numbers that come twice or lie far ahead are dropped before (`BoundedSctpTransport`).
        if isinstance(chunk, DataChunk) and chunk.tsn <= MAX_TSNS_AHEAD and chunk.tsn not in seen:
            seen.add(chunk.tsn)
            stream.add_chunk(chunk)
    assert stream.pending_bytes <= MAX_PENDING_BYTES + len(data)
    assert sum(len(message) for _, _, message in stream.pop_messages()) <= len(data)


def sctp_parameters(data: bytes) -> None:
    """Parameters that are pieces of the body, or `PacketMalformed`."""
    try:
        parameters = parse_parameters_untrusted(data)
    except PacketMalformed:
        return
    assert sum(len(value) for _, value in parameters) <= len(data)


def sdp_offer(data: bytes) -> None:
    """An offer with no candidate that the policy forbids, or `SignallingRefused` in words."""
    try:
        offer = offer_untrusted(_text(data), LIMITS, POLICY)
    except SignallingRefused as refusal:
        _in_words(refusal)
        return
    for line in offer.split("\r\n"):
        if line.startswith("a=candidate:"):
            assert address_allowed(line.split()[4], POLICY)
    assert offer_untrusted(offer, SdpLimits(LIMITS.max_bytes * 2), POLICY) == offer


def ice_candidate(data: bytes) -> None:
    """A candidate that the policy allows, None, or `SignallingRefused` in words."""
    try:
        candidate = candidate_untrusted(_text(data), None, 0, POLICY)
    except SignallingRefused as refusal:
        _in_words(refusal)
        return
    if candidate is not None:
        assert address_allowed(candidate.ip, POLICY)
        assert 1024 <= candidate.port < 65536 and candidate.protocol.lower() == "udp"


def rtvi_message(data: bytes) -> None:
    """One of the known messages, or `MessageRefused` in words that can be sent back."""
    try:
        rtvi.decode_untrusted(data, max_bytes=MAX_MESSAGE_BYTES)
    except MessageRefused as refusal:
        _in_words(refusal)
        assert refusal.message_id is None or len(refusal.message_id) <= rtvi.MAX_ID_CHARS
        json.loads(rtvi.error_response(refusal.message_id or "", str(refusal)))


def signalling_body(data: bytes) -> None:
    """What each door reads of any JSON, or `SignallingRefused` in words."""
    try:
        body = json.loads(_text(data))
    except (ValueError, RecursionError):
        return  # the door's own parser, which is not what is looked at here
    readers: tuple[Callable[[object], object], ...] = (
        start_untrusted,
        decode_leave_untrusted,
        lambda body: decode_offer_untrusted(body, LIMITS, POLICY),
        lambda body: decode_candidates_untrusted(body, LIMITS, POLICY),
    )
    for read in readers:
        try:
            read(body)
        except SignallingRefused as refusal:
            _in_words(refusal)


def _text(data: bytes) -> str:
    return data.decode("utf-8", "surrogateescape")


def _in_words(refusal: SignallingRefused | MessageRefused) -> None:
    sentence = str(refusal)
    assert sentence.endswith(".") and len(sentence.encode()) < 300 and refusal.counter


@dataclass(frozen=True, slots=True)
class Target:
    check: Callable[[bytes], None]
    seeds: Callable[[], list[bytes]]
    max_bytes: int = 1500


TARGETS: Final[Mapping[str, Target]] = {
    target.check.__name__: target
    for target in (
        Target(rtp_packet, seeds.rtp_packets),
        Target(opus_packet, seeds.opus_packets),
        Target(opus_decoder, seeds.opus_stories),
        Target(jitter_window, seeds.audio_stories, 2048),
        Target(vp8_payload, seeds.vp8_payloads),
        Target(h264_payload, seeds.h264_payloads),
        Target(vp8_pictures, seeds.vp8_stories, 2048),
        Target(h264_pictures, seeds.h264_stories, 2048),
        Target(rtcp, seeds.rtcp_packets),
        Target(stun_message, seeds.stun_messages),
        Target(sctp_packet, seeds.sctp_packets),
        Target(sctp_parameters, seeds.sctp_parameters),
        Target(sdp_offer, seeds.sdp_offers, 16_384),
        Target(ice_candidate, seeds.candidates, 700),
        Target(rtvi_message, seeds.rtvi_messages, 5000),
        Target(signalling_body, seeds.signalling_bodies, 16_384),
    )
}

assert aiortc_seam.PINNED  # imported so that aiortc reads SCTP parameters with our function
