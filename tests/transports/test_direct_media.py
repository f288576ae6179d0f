"""Media takes the short way, all else the stock one; what nobody looks at stays encrypted."""

import asyncio
from struct import pack
from types import SimpleNamespace
from typing import Any, Final

import pylibsrtp
import pytest
from aioice import Candidate
from aiortc import RTCCertificate, RTCIceGatherer, RTCIceTransport

from tests.transports.packet_track import opus_packet
from tests.transports.peers import BOUND_S, Call, Listener, calling, client_with
from tests.transports.rtp_streams import opus_payload
from transports.aiortc_seam import packet_guards
from transports.aiortc_seam.direct_media import (
    Address,
    DirectDtlsTransport,
    DirectIceConnection,
    DirectStunProtocol,
)
from transports.aiortc_seam.packet_guards import GuardedDtlsTransport
from transports.rtp_packet import RtpHeader, payload_untrusted

SSRC: Final = 77
KEY: Final = bytes(range(30))
ADDRESS: Final = ("127.0.0.1", 9)
STREAM_LOST_AFTER: Final = 1 << 15  # RFC 3711 section 3.3.1


def packet(sequence: int, payload: bytes = b"x", *, ssrc: int = SSRC, first: int = 0x80) -> bytes:
    return pack("!BBHLL", first, 111, sequence & 0xFFFF, sequence, ssrc) + payload


class Receiver:
    """Wants everything, or nothing."""

    def __init__(self) -> None:
        self.wanting = True
        self.noted = 0
        self.taken: list[tuple[RtpHeader, bytes]] = []

    def wants(self, header: RtpHeader) -> bool:
        self.noted += 1
        return self.wanting

    def take(self, header: RtpHeader, packet: bytes) -> None:
        self.taken.append((header, payload_untrusted(packet)))


def srtp(kind: int) -> pylibsrtp.Session:
    return pylibsrtp.Session(pylibsrtp.Policy(key=KEY, ssrc_type=kind))


class Line:
    """A transport that has its keys, a receiver, and the other side's keys."""

    def __init__(self) -> None:
        self.listener = Listener()
        token = packet_guards.on_dropped.set(self.listener.on_dropped)
        ice = RTCIceTransport(RTCIceGatherer([]))
        self.transport = DirectDtlsTransport(ice, [RTCCertificate.generateCertificate()])
        packet_guards.on_dropped.reset(token)
        self.receiver = Receiver()
        self.transport._rx_srtp = srtp(pylibsrtp.Policy.SSRC_ANY_INBOUND)
        table: Any = self.transport._rtp_router.ssrc_table
        table[SSRC] = self.receiver
        self._sender = srtp(pylibsrtp.Policy.SSRC_ANY_OUTBOUND)
        self.pairs: dict[int, Any] = vars(ice._connection)["_nominated"]
        self.pairs[1] = SimpleNamespace(remote_addr=ADDRESS)  # all that is asked of it

    def arrive(self, clear: bytes) -> bool:
        return self.transport._take(self._sender.protect(clear), ADDRESS)

    def dropped(self) -> list[str]:
        return [self.listener.dropped.get_nowait() for _ in range(self.listener.dropped.qsize())]


@pytest.fixture
async def line() -> Line:
    return Line()


async def test_what_is_wanted_is_decrypted_and_handed_over(line: Line) -> None:
    assert line.arrive(packet(1, b"hello"))
    assert line.receiver.taken == [(RtpHeader(111, 0, 1, 1, SSRC), b"hello")]


async def test_what_is_not_wanted_is_noted_and_stays_encrypted(line: Line) -> None:
    line.receiver.wanting = False
    assert line.arrive(packet(1))
    assert line.transport._take(packet(2, bytes(40)), ADDRESS)  # with nobody's signature
    assert (line.receiver.noted, line.receiver.taken, line.dropped()) == (2, [], [])


async def test_a_stream_nobody_looked_at_for_long_can_be_looked_at(line: Line) -> None:
    line.receiver.wanting = False
    last = STREAM_LOST_AFTER * 3
    for sequence in range(1, last):
        line.arrive(packet(sequence))
    line.receiver.taken.clear()
    line.receiver.wanting = True
    assert line.arrive(packet(last, b"at last"))
    assert [payload for _, payload in line.receiver.taken] == [b"at last"]
    assert line.dropped() == []


async def test_what_the_peer_did_not_send_is_dropped_and_counted(line: Line) -> None:
    assert line.transport._take(packet(1, bytes(40)), ADDRESS)
    assert line.receiver.taken == []
    assert line.dropped() == ["srtp_refused"]


async def test_a_packet_that_is_none_is_dropped_and_counted(line: Line) -> None:
    assert line.arrive(packet(1, b"\xff", first=0xA0))  # more padding than packet
    assert line.receiver.taken == []
    assert line.dropped() == ["rtp_malformed"]


async def test_streams_that_are_not_routed_yet_go_the_stock_way(line: Line) -> None:
    assert not line.arrive(packet(1, ssrc=SSRC + 1))
    assert not line.transport._take(b"\x80\x6f", ADDRESS)
    table: Any = line.transport._rtp_router.ssrc_table
    table[SSRC] = object()  # a receiver of aiortc's own
    assert not line.arrive(packet(2))
    assert line.receiver.noted == 0


async def test_from_elsewhere_than_the_peers_address_nothing_is_believed(line: Line) -> None:
    line.receiver.wanting = False
    forged = packet(30_000, bytes(40))
    assert not line.transport._take(forged, ("127.0.0.1", 10))
    assert not line.transport._take(forged, ("127.0.0.2", 9))
    line.pairs.clear()
    assert not line.transport._take(forged, ADDRESS)
    assert line.receiver.noted == 0


@pytest.mark.parametrize(
    ("datagram", "media"),
    [
        (packet(1), True),
        (bytes([191, 191]), True),
        (b"", False),
        (b"\x80", False),
        (b"\x80\xc8" + bytes(26), False),  # a sender report
        (b"\x80\xdf" + bytes(26), False),
        (b"\x16\xfe\xfd" + bytes(20), False),  # DTLS
        (b"\x00\x01" + bytes(18), False),  # STUN
        (b"\xc0" + bytes(18), False),
    ],
)
async def test_media_is_told_by_its_first_two_bytes(datagram: bytes, media: bool) -> None:
    offered: list[bytes] = []
    connection = DirectIceConnection(ice_controlling=False)
    socket = DirectStunProtocol(connection)
    socket.local_candidate = Candidate.from_sdp("1 1 udp 1 127.0.0.1 9 typ host")

    def take(data: bytes, address: Address) -> bool:
        offered.append(data)
        return True

    connection.take_media = take
    socket.datagram_received(datagram, ADDRESS)
    assert offered == ([datagram] if media else [])


async def test_before_there_are_keys_everything_goes_the_stock_way() -> None:
    connection = DirectIceConnection(ice_controlling=False)
    socket = DirectStunProtocol(connection)
    socket.local_candidate = Candidate.from_sdp("1 1 udp 1 127.0.0.1 9 typ host")
    socket.datagram_received(packet(1), ADDRESS)
    assert connection._queue.qsize() == 1


async def test_without_keys_there_is_no_short_way(monkeypatch: pytest.MonkeyPatch) -> None:
    """The handshake found no way to encrypt media that both sides know."""
    monkeypatch.setattr(GuardedDtlsTransport, "_setup_srtp", lambda self: None)
    ice = RTCIceTransport(RTCIceGatherer([]))
    DirectDtlsTransport(ice, [RTCCertificate.generateCertificate()])._setup_srtp()
    assert isinstance(ice._connection, DirectIceConnection)
    assert ice._connection.take_media is None


async def first_sound(call: Call) -> None:
    """aiortc routes a stream by its first packet."""
    call.client.microphone.send(opus_packet(opus_payload(960), 0))
    assert await call.packets(1) == [opus_payload(960)]


async def test_sound_takes_the_short_way_from_its_second_packet_on(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    stock: list[bytes] = []
    handle = GuardedDtlsTransport._handle_rtp_data

    async def watched(self: GuardedDtlsTransport, data: bytes, arrival_time_ms: int) -> None:
        stock.append(data)
        await handle(self, data, arrival_time_ms)

    monkeypatch.setattr(GuardedDtlsTransport, "_handle_rtp_data", watched)
    async with calling(client_with(microphone=True)) as call:
        await call.connected()
        await first_sound(call)
        before = len(stock)
        for number in range(1, 6):
            call.client.microphone.send(opus_packet(opus_payload(960), 960 * number))
            assert await call.packets(1) == [opus_payload(960)]
        assert len(stock) == before


async def test_most_of_a_camera_is_never_decrypted(monkeypatch: pytest.MonkeyPatch) -> None:
    async with calling(client_with(camera="VP8", channel=False)) as call:
        for _ in range(3):  # until it is known to be fast, all of it is taken
            await asyncio.wait_for(call.listener.pictures.get(), BOUND_S)
        (transport,) = {t.receiver.transport for t in call.peer._connection.getTransceivers()}
        assert isinstance(transport, DirectDtlsTransport)
        counters = call.peer.video.sampler.counters
        decrypted: list[int] = []
        decrypt = transport._decrypt

        def watched(receiver: Any, header: RtpHeader, packet: bytes) -> None:
            decrypted.append(header.sequence_number)
            decrypt(receiver, header, packet)

        monkeypatch.setattr(transport, "_decrypt", watched)
        seen = counters.packets
        await asyncio.wait_for(call.listener.pictures.get(), BOUND_S)
        assert len(decrypted) < (counters.packets - seen) / 2
