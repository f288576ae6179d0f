"""Raw bytes into open connections: what is malformed is dropped, counted, and outlived."""

import asyncio
import contextlib
import socket
import time
from collections.abc import Awaitable, Callable, Iterator
from struct import pack
from typing import Any

import aiortc.rtcsctptransport
import pytest
import uvloop
from aioice.ice import Connection
from aiortc import RTCCertificate, RTCIceGatherer, RTCIceTransport, RTCRtpSender
from aiortc.rtcdatachannel import RTCDataChannel, RTCDataChannelParameters
from aiortc.rtcdtlstransport import RTCDtlsTransport
from aiortc.rtcsctptransport import (
    CHUNK_TYPES,
    DATA_CHANNEL_ACK,
    DATA_CHANNEL_OPEN,
    SCTP_DATA_FIRST_FRAG,
    SCTP_DATA_LAST_FRAG,
    WEBRTC_DCEP,
    WEBRTC_STRING,
    DataChunk,
    SackChunk,
    encode_params,
)
from aiortc.rtp import RtcpPsfbPacket, RtcpRtpfbPacket
from google_crc32c import value as crc32c
from hypothesis import example, given
from hypothesis import strategies as st

from tests.transports.packet_track import opus_packet
from tests.transports.peers import BOUND_S, Call, Listener, calling, client_with
from tests.transports.rtp_streams import opus_payload
from transports.aiortc_seam import packet_guards
from transports.aiortc_seam.packet_guards import (
    MAX_CONTROL_CHUNKS,
    MAX_DATAGRAM_BYTES,
    MAX_SCTP_STREAMS,
    MAX_TSNS_AHEAD,
    MAX_UNREAD_DATAGRAMS,
    BoundedIceConnection,
    BoundedSctpTransport,
    GuardedDtlsTransport,
    GuardedStunProtocol,
    PacketMalformed,
    parse_packet_untrusted,
    parse_parameters_untrusted,
)
from transports.sctp_reassembly import BoundedInboundStream, DiscardingInboundStream

# ---- packets by hand ------------------------------------------------------------------------

DATA, INIT, SACK, HEARTBEAT, SHUTDOWN, RECONFIG, FORWARD_TSN = 0, 1, 3, 4, 7, 130, 192


def chunk(kind: int, body: bytes) -> bytes:
    return pack("!BBH", kind, 0, len(body) + 4) + body + bytes(-len(body) % 4)


def sctp_packet(transport: Any, *chunks: bytes, tag: int | None = None) -> bytes:
    """As the transport itself would send it, but for what is in it."""
    tag = transport._remote_verification_tag if tag is None else tag
    head, body = pack("!HHL", 5000, 5000, tag), b"".join(chunks)
    return head + pack("<L", crc32c(head + bytes(4) + body)) + body


def sack(transport: Any, *gaps: tuple[int, int]) -> bytes:
    """A SACK of nothing new, with these gap blocks."""
    blocks = b"".join(pack("!HH", *gap) for gap in gaps)
    return chunk(SACK, pack("!LLHH", transport._last_sacked_tsn, 1 << 20, len(gaps), 0) + blocks)


def rtp_with_extension(profile: int, value: bytes) -> bytes:
    value += bytes(-len(value) % 4)
    head = pack("!BBHLL", 0x90, 111, 1, 1, 77) + pack("!HH", profile, len(value) // 4)
    return head + value + opus_payload(960)


Inject = Callable[[Call], Awaitable[None]]


def over_sctp(make: Callable[[Any], bytes]) -> Inject:
    async def inject(call: Call) -> None:
        ours, theirs = call.client.connection.sctp, call.peer._connection.sctp
        assert ours is not None and theirs is not None
        await ours.transport._send_data(
            sctp_packet(ours, make(theirs), tag=0 if make is init_with_more else None)
        )

    return inject


def over_srtp(packet: bytes) -> Inject:
    async def inject(call: Call) -> None:
        sctp = call.client.connection.sctp
        assert sctp is not None
        await sctp.transport._send_rtp(packet)

    return inject


def over_udp(datagram: bytes) -> Inject:
    """From a stranger: another socket, no key."""

    async def inject(call: Call) -> None:
        sctp = call.peer._connection.sctp
        assert sctp is not None
        (candidate, *_) = sctp.transport.transport.iceGatherer.getLocalCandidates()
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as stranger:
            stranger.sendto(datagram, (candidate.ip, candidate.port))

    return inject


def init_with_more(theirs: Any) -> bytes:
    return chunk(INIT, bytes(16)) + chunk(HEARTBEAT, b"")


MILLIONS = [(2, 65_535)] * 350  # 23 million chunks, said to have come

MALFORMED: dict[str, tuple[str, Inject]] = {
    "no SCTP": ("sctp_malformed", over_sctp(lambda theirs: b"")),
    "data of no length": ("sctp_malformed", over_sctp(lambda theirs: chunk(DATA, b"\0\0"))),
    "data far ahead": (
        "sctp_malformed",
        over_sctp(
            lambda theirs: chunk(
                DATA, pack("!LHHL", (theirs._last_received_tsn + 2**20) % 2**32, 0, 0, 51) + b"x"
            )
        ),
    ),
    "parameter of no length": ("sctp_malformed", over_sctp(lambda _: chunk(HEARTBEAT, bytes(4)))),
    "INIT in company": ("sctp_malformed", over_sctp(init_with_more)),
    "SACK cut short": (
        "sctp_malformed",
        over_sctp(
            lambda theirs: chunk(SACK, pack("!LLHH", theirs._last_sacked_tsn, 1 << 20, 9, 9))
        ),
    ),
    "SACK of nothing": ("sctp_malformed", over_sctp(lambda theirs: sack(theirs, (9, 2)))),
    "SACK of millions": ("sctp_malformed", over_sctp(lambda theirs: sack(theirs, *MILLIONS))),
    "SACK of the future": (
        "sctp_malformed",
        over_sctp(lambda theirs: chunk(SACK, pack("!LLHH", theirs._local_tsn, 1 << 20, 0, 0))),
    ),
    "odd FORWARD-TSN": ("sctp_malformed", over_sctp(lambda _: chunk(FORWARD_TSN, bytes(5)))),
    "RE-CONFIG cut short": (
        "sctp_malformed",
        over_sctp(lambda _: chunk(RECONFIG, pack("!HHL", 13, 8, 0))),
    ),
    "SHUTDOWN cut short": ("sctp_malformed", over_sctp(lambda _: chunk(SHUTDOWN, b"\0"))),
    "too many questions": (
        "sctp_malformed",
        over_sctp(lambda _: chunk(HEARTBEAT, b"") * (MAX_CONTROL_CHUNKS + 1)),
    ),
    "RTP of more padding than bytes": (
        "rtp_malformed",
        over_srtp(b"\xa0\x6f" + bytes(10) + b"\xff"),
    ),
    "RTP extension cut off": (
        "rtp_malformed",
        over_srtp(rtp_with_extension(0xBEDE, b"\x1f\0\0\0")),
    ),
    "RTCP of no length": ("rtcp_malformed", over_srtp(pack("!BBHL", 0x81, 201, 1, 7))),
    "REMB that names more than it holds": (
        "rtcp_malformed",
        over_srtp(bytes(RtcpPsfbPacket(fmt=15, ssrc=1, media_ssrc=0, fci=b"REMB\xff\0\0\0"))),
    ),
    "empty datagram": ("datagram_empty", over_udp(b"")),
    "RTP longer than can be decrypted": (
        "datagram_too_long",
        over_udp(b"\x80\x6f" + bytes(MAX_DATAGRAM_BYTES - 1)),
    ),
    "RTCP longer than can be decrypted": (
        "datagram_too_long",
        over_udp(b"\x80\xc8" + bytes(MAX_DATAGRAM_BYTES - 1)),
    ),
    "nearly STUN": (
        "stun_malformed",
        over_udp(pack("!HHI12sHH", 1, 8, 0x2112A442, b"transaction1", 0x24, 3) + b"abc\0"),
    ),
}


async def outlived(name: str) -> None:
    counter, inject = MALFORMED[name]
    async with calling(client_with(microphone=True)) as call:
        await call.connected()
        await inject(call)
        assert await asyncio.wait_for(call.listener.dropped.get(), BOUND_S) == counter
        assert call.peer.counters.packets_dropped == 1
        assert call.client.channel is not None
        call.client.channel.send("still here")
        assert await asyncio.wait_for(call.listener.messages.get(), BOUND_S) == "still here"
        call.peer.send_message("you too")
        assert await asyncio.wait_for(call.client.messages.get(), BOUND_S) == "you too"
        call.client.microphone.send(opus_packet(opus_payload(960), 0))
        assert await call.packets(1) == [opus_payload(960)]


@pytest.mark.parametrize("name", MALFORMED)
async def test_a_malformed_packet_is_dropped_and_counted_and_the_call_goes_on(
    name: str, caplog: pytest.LogCaptureFixture
) -> None:
    await outlived(name)
    loud = [
        r
        for r in caplog.records
        if r.levelname == "ERROR" or r.name.startswith(("aiortc", "aioice"))
    ]
    assert not loud  # asyncio may warn that this machine is slow


@pytest.mark.parametrize("name", ["empty datagram", "nearly STUN"])
def test_it_is_so_on_uvloop(name: str) -> None:
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(outlived(name))


# ---- parsing --------------------------------------------------------------------------------


@given(st.lists(st.tuples(st.integers(0, 65_535), st.binary(max_size=20)), max_size=6))
def test_parameters_are_read_as_aiortc_writes_them(parameters: list[tuple[int, bytes]]) -> None:
    assert parse_parameters_untrusted(encode_params(parameters)) == parameters


@given(st.binary(max_size=64))
@example(bytes(4))
@example(b"\0\1\0\3")
def test_any_parameters_are_read_or_refused(body: bytes) -> None:
    try:
        parameters = parse_parameters_untrusted(body)
    except PacketMalformed:
        return
    assert len(parameters) <= len(body) // 4


@pytest.mark.parametrize("length", range(4))
def test_a_parameter_shorter_than_its_header_is_refused(length: int) -> None:
    with pytest.raises(PacketMalformed):
        parse_parameters_untrusted(pack("!HH", 1, length))


def test_the_parsers_are_in_place() -> None:
    assert aiortc.rtcsctptransport.decode_params is parse_parameters_untrusted
    assert aiortc.rtcsctptransport.parse_packet is parse_packet_untrusted


# ---- sockets --------------------------------------------------------------------------------


async def test_datagrams_that_nobody_reads_are_bounded() -> None:
    listener = Listener()
    token = packet_guards.on_dropped.set(listener.on_dropped)
    connection = BoundedIceConnection(ice_controlling=False)
    packet_guards.on_dropped.reset(token)
    for _ in range(MAX_UNREAD_DATAGRAMS + 3):
        connection.data_received(b"\x16dtls", 1)
    assert connection._queue.qsize() == MAX_UNREAD_DATAGRAMS
    assert [listener.dropped.get_nowait() for _ in range(3)] == ["datagram_unread"] * 3


async def test_where_nobody_listens_drops_are_silent() -> None:
    connection = BoundedIceConnection(ice_controlling=False)
    connection.data_received(b"", 1)
    GuardedStunProtocol(connection).datagram_received(MALFORMED_STUN, ("127.0.0.1", 9))
    assert connection._queue.empty()


MALFORMED_STUN = pack("!HHI12sHH", 1, 8, 0x2112A442, b"transaction1", 0x24, 3) + b"abc\0"


def test_a_stock_connection_is_made_of_ours() -> None:
    assert isinstance(RTCIceGatherer([])._connection, BoundedIceConnection)
    assert issubclass(BoundedIceConnection, Connection)


# ---- RTP and RTCP ---------------------------------------------------------------------------


def dtls() -> GuardedDtlsTransport:
    ice = RTCIceTransport(RTCIceGatherer([]))
    return GuardedDtlsTransport(ice, [RTCCertificate.generateCertificate()])


@pytest.mark.parametrize(("kind", "again"), [("audio", []), ("video", [5, 6, 7])])
async def test_audio_is_not_sent_again_and_video_is(
    kind: str, again: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    transport, asked = dtls(), []
    sender = RTCRtpSender(kind, transport)
    transport._rtp_router.register_sender(sender, 1)

    async def note(sequence: int) -> None:
        asked.append(sequence)

    monkeypatch.setattr(sender, "_retransmit", note)
    request = RtcpRtpfbPacket(fmt=1, ssrc=9, media_ssrc=1, lost=[5, 6, 7])
    await transport._handle_rtcp_data(bytes(request))
    assert asked == again


async def test_a_lost_connection_is_not_taken_for_a_malformed_report(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    transport = dtls()
    sender = RTCRtpSender("video", transport)
    transport._rtp_router.register_sender(sender, 1)

    async def lost(sequence: int) -> None:
        raise ConnectionError

    monkeypatch.setattr(sender, "_retransmit", lost)
    with pytest.raises(ConnectionError):
        await transport._handle_rtcp_data(
            bytes(RtcpRtpfbPacket(fmt=1, ssrc=9, media_ssrc=1, lost=[5]))
        )


@given(
    st.binary(max_size=80), st.sampled_from([b"", b"\x80\xc8", b"\x81\xc9", b"\x8f\xce", b"\x90"])
)
def test_any_bytes_are_rtp_and_rtcp_or_dropped(data: bytes, head: bytes) -> None:
    async def read() -> None:
        transport = dtls()
        sender = RTCRtpSender("audio", transport)
        transport._rtp_router.register_sender(sender, 0)
        await transport._handle_rtp_data(head + data, 0)
        await transport._handle_rtcp_data(head + data)

    asyncio.run(read())


# ---- SCTP -----------------------------------------------------------------------------------


@contextlib.contextmanager
def sctp() -> Iterator[tuple[BoundedSctpTransport, list[object], list[RTCDataChannel]]]:
    """A transport with one open channel, on stream 0, and what comes out of it."""
    dtls = RTCDtlsTransport(
        RTCIceTransport(RTCIceGatherer([])), [RTCCertificate.generateCertificate()]
    )
    transport = BoundedSctpTransport(dtls)
    messages: list[object] = []
    opened: list[RTCDataChannel] = []
    transport.on("datachannel", opened.append)
    channel = RTCDataChannel(transport, RTCDataChannelParameters(id=0, negotiated=True))
    channel.on("message", messages.append)
    yield transport, messages, opened


def open_message(label: bytes) -> bytes:
    return bytes([DATA_CHANNEL_OPEN]) + bytes(7) + len(label).to_bytes(2, "big") + b"\0\0" + label


async def test_text_that_is_no_text_comes_as_bytes() -> None:
    with sctp() as (transport, messages, _):
        await transport._receive(0, WEBRTC_STRING, "h\u00e9".encode())
        await transport._receive(0, WEBRTC_STRING, b"\xff\xfe")
        assert messages == ["h\u00e9", b"\xff\xfe"]


async def test_a_channel_is_opened_once_and_only_with_a_label_that_is_text() -> None:
    with sctp() as (transport, messages, opened):
        await transport._receive(2, WEBRTC_DCEP, open_message(b"chat"))
        for stream_id, label in ((2, b"chat"), (0, b"chat"), (4, b"\xff")):
            await transport._receive(stream_id, WEBRTC_DCEP, open_message(label))
        assert [channel.label for channel in opened] == ["chat"]
        await transport._receive(0, WEBRTC_STRING, b"still there")
        assert messages == ["still there"]


async def test_streams_are_bounded_in_number() -> None:
    with sctp() as (transport, _, _):
        streams = [transport._get_inbound_stream(i) for i in range(100)]
        assert [type(s) for s in streams[:MAX_SCTP_STREAMS]] == (
            [BoundedInboundStream] * MAX_SCTP_STREAMS
        )
        assert {type(s) for s in streams[MAX_SCTP_STREAMS:]} == {DiscardingInboundStream}
        assert transport._get_inbound_stream(3) is streams[3]


async def test_an_acknowledgement_of_no_channel_changes_nothing() -> None:
    with sctp() as (transport, messages, _):
        await transport._receive(6, WEBRTC_DCEP, bytes([DATA_CHANNEL_ACK]))
        await transport._receive(0, WEBRTC_STRING, b"still there")
        assert messages == ["still there"]


async def test_a_chunk_too_far_ahead_is_not_acknowledged() -> None:
    with sctp() as (transport, _, _):
        transport._last_received_tsn = last = 2**32 - 5
        for ahead in (MAX_TSNS_AHEAD, 2):
            await transport._receive_data_chunk(numbered(last + ahead))
        held = {(last + MAX_TSNS_AHEAD) % 2**32, (last + 2) % 2**32}
        assert transport._sack_misordered == held
        with pytest.raises(PacketMalformed):
            await transport._receive_data_chunk(numbered(last + MAX_TSNS_AHEAD + 1))
        await transport._receive_data_chunk(numbered(last - 100))  # an old one
        assert transport._sack_misordered == held


async def test_the_receive_window_is_whole_again_once_all_has_come() -> None:
    with sctp() as (transport, messages, _):
        whole, transport._last_received_tsn = transport._advertised_rwnd, 0
        for number in (2, 3, 1, 4):
            part = numbered(number)
            part.flags = {1: SCTP_DATA_FIRST_FRAG, 4: SCTP_DATA_LAST_FRAG}.get(number, 0)
            part.protocol = WEBRTC_STRING
            await transport._receive_data_chunk(part)
        assert messages == ["xxxx"]
        assert transport._advertised_rwnd == whole


async def test_data_before_the_association_is_refused() -> None:
    with sctp() as (transport, _, _):
        with pytest.raises(PacketMalformed):
            await transport._receive_data_chunk(numbered(1))


def numbered(tsn: int) -> DataChunk:
    made = DataChunk()
    made.tsn = tsn % 2**32
    made.user_data = b"x"
    return made


async def test_gap_blocks_name_at_most_what_was_sent(monkeypatch: pytest.MonkeyPatch) -> None:
    with sctp() as (transport, _, _):
        transport._ssthresh = 1 << 20
        transport._local_tsn = (transport._local_tsn + 10) % 2**32  # ten are under way
        report = SackChunk()
        report.cumulative_tsn = transport._last_sacked_tsn
        for gaps in ([], [(2, 2)], [(2, 5), (7, 10)], [(2, 10)]):
            report.gaps = gaps
            await transport._receive_sack_chunk(report)
        for gaps in ([(2, 12)], [(2, 6), (2, 9)], [(5, 2)]):
            report.gaps = gaps
            with pytest.raises(PacketMalformed):
                await transport._receive_sack_chunk(report)


async def test_a_lost_connection_is_not_taken_for_a_malformed_packet() -> None:
    with sctp() as (transport, _, _), pytest.raises(ConnectionError):
        transport._remote_port = 5000
        tag = transport._local_verification_tag
        await transport._handle_data(sctp_packet(transport, chunk(HEARTBEAT, b""), tag=tag))


CHUNKS = st.builds(
    chunk, st.sampled_from([*CHUNK_TYPES, 99]), st.binary(max_size=40) | st.just(bytes(16))
)


@given(st.lists(CHUNKS, max_size=5), st.booleans())
def test_any_packet_is_understood_or_dropped_in_no_time(chunks: list[bytes], up: bool) -> None:
    async def read() -> None:
        with sctp() as (transport, _, _):
            transport._remote_port = 5000

            async def nowhere(data: bytes) -> None:
                """The other side does not answer."""

            transport.transport._send_data = nowhere  # type: ignore[method-assign]  # no network
            if up:
                transport._last_received_tsn, transport._ssthresh = 0, 1 << 20
                transport._set_state(transport.State.ESTABLISHED)
            tag = transport._local_verification_tag
            for sent in (chunks, [chunk(INIT, bytes(16))]):
                init = sent is not chunks
                await transport._handle_data(sctp_packet(transport, *sent, tag=0 if init else tag))
            transport._set_state(transport.State.CLOSED)

    began = time.process_time()
    asyncio.run(read())
    assert time.process_time() - began < 1.0
