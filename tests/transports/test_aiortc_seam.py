"""The seam: that aiortc is what it must be, and that what we put in its place works."""

import asyncio
import contextlib
import errno
import gc
import socket
import weakref
from collections.abc import AsyncIterator
from dataclasses import replace
from importlib.metadata import version
from typing import Any

import aioice.ice
import aiortc.codecs
import aiortc.rtcpeerconnection
import pylibsrtp
import pytest
from aiortc import (
    RTCCertificate,
    RTCConfiguration,
    RTCIceGatherer,
    RTCIceTransport,
    RTCPeerConnection,
    RTCRtpCodecParameters,
    RTCRtpReceiver,
    RTCSctpTransport,
)
from aiortc.rtcdtlstransport import RTCDtlsTransport, RtpRouter
from aiortc.rtcrtpparameters import (
    RTCRtpDecodingParameters,
    RTCRtpReceiveParameters,
    RTCRtpRtxParameters,
)
from aiortc.rtp import RtpPacket, wrap_rtx
from aiortc.sdp import SessionDescription

from tests.transports import offers
from tests.transports.packet_track import opus_packet
from tests.transports.peers import (
    BOUND_S,
    CONFIG,
    LOOPBACK,
    Census,
    Client,
    Listener,
    calling,
    client_with,
)
from tests.transports.rtp_streams import opus_payload
from transports.aiortc_seam import (
    PINNED,
    IceBinding,
    SamplingReceiver,
    SeamBroken,
    check_internals,
    seam,
)
from transports.aiortc_seam.sampling_receiver import MAX_RTP_STREAMS
from transports.errors import NoAddressLeft
from transports.rtp_arrival import RtpArrival
from transports.rtp_packet import RtpHeader
from transports.webrtc_peer import WebRTCPeer

# ---- the pin --------------------------------------------------------------------------------


def test_the_installed_versions_are_the_pinned_ones() -> None:
    assert {name: version(name) for name in PINNED} == PINNED
    check_internals()


@pytest.mark.parametrize("name", PINNED)
def test_another_version_is_refused_with_both_numbers(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(PINNED, name, "0.0.1")
    with pytest.raises(SeamBroken, match=f"{name} {version(name)} .* knows 0.0.1"):
        check_internals()


@pytest.mark.parametrize(
    ("owner", "name"),
    [
        (RTCRtpReceiver, "_send_rtcp_pli"),
        (RTCRtpReceiver, "_handle_rtp_packet"),
        (RTCDtlsTransport, "_register_rtp_receiver"),
        (RTCSctpTransport, "_get_inbound_stream"),
        (RTCSctpTransport, "_receive_sack_chunk"),
        (RtpRouter, "route_rtcp"),
        (aioice.ice.Connection, "data_received"),
        (aiortc.rtcsctptransport, "decode_params"),
        (aiortc.rtcpeerconnection, "RTCSctpTransport"),
        (aioice.ice, "get_host_addresses"),
    ],
)
def test_a_name_that_is_gone_is_named(
    owner: Any, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delattr(owner, name)
    with pytest.raises(SeamBroken, match=name):
        check_internals()


@pytest.mark.parametrize(
    "owner",
    [RTCRtpReceiver, RTCDtlsTransport, RtpRouter, RTCSctpTransport, aioice.ice.Connection],
)
def test_an_attribute_that_is_set_no_more_is_named(
    owner: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    def renovated(self: object) -> None:
        """Sets nothing that we know."""

    monkeypatch.setattr(owner, "__init__", renovated)
    with pytest.raises(SeamBroken, match=owner.__name__):
        check_internals()


# ---- addresses and ports --------------------------------------------------------------------


async def addresses(binding: IceBinding) -> set[tuple[str, int]]:
    """Where a connection with this binding may be reached."""
    peer = WebRTCPeer("peer", replace(CONFIG, binding=binding), Listener())
    try:
        answer = SessionDescription.parse(await peer.answer(offers.offer(offers.data("0"))))
    finally:
        await peer.close()
    return {(c.ip, c.port) for c in answer.media[0].ice_candidates}


async def test_only_the_named_hosts_are_bound() -> None:
    assert {host for host, _ in await addresses(LOOPBACK)} == {"127.0.0.1"}
    both = IceBinding(hosts=("127.0.0.1", "127.0.0.2"))
    assert {host for host, _ in await addresses(both)} == {"127.0.0.1", "127.0.0.2"}


async def test_without_names_every_interface_and_loopback_are_bound(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    stock = "transports.aiortc_seam.binding._stock_host_addresses"
    monkeypatch.setattr(stock, lambda **_: ["127.0.0.3"])
    assert {host for host, _ in await addresses(IceBinding())} == {"127.0.0.3", "127.0.0.1"}


async def test_ports_come_from_the_range_and_are_free_again_afterwards() -> None:
    binding = replace(LOOPBACK, ports=range(43_210, 43_212))
    for _ in range(5):
        assert {port for _, port in await addresses(binding)} <= {43_210, 43_211}


async def test_two_connections_share_a_range_and_a_third_finds_none_left() -> None:
    config = replace(CONFIG, binding=replace(LOOPBACK, ports=range(43_220, 43_222)))
    peers = [WebRTCPeer(str(i), config, Listener()) for i in range(3)]
    offer, taken = offers.offer(offers.data("0")), set()
    for peer in peers[:2]:
        answer = SessionDescription.parse(await peer.answer(offer))
        taken |= {c.port for c in answer.media[0].ice_candidates}
    assert taken == {43_220, 43_221}
    with pytest.raises(NoAddressLeft):
        await peers[2].answer(offer)
    for peer in peers:
        await peer.close()


async def test_an_address_that_is_not_ours_is_not_tried_at_every_port(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    tried: list[tuple[str, int]] = []
    loop = asyncio.get_running_loop()
    bind = loop.create_datagram_endpoint

    async def counting(factory: Any, local_addr: tuple[str, int]) -> Any:
        tried.append(local_addr)
        return await bind(factory, local_addr)

    monkeypatch.setattr(loop, "create_datagram_endpoint", counting)
    binding = IceBinding(hosts=("192.0.2.1",), ports=range(43_230, 43_290))
    with pytest.raises(NoAddressLeft):
        await addresses(binding)
    assert len(tried) == 1


def taken_port() -> tuple[socket.socket, int]:
    holder = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    holder.bind(("127.0.0.1", 0))
    return holder, holder.getsockname()[1]


async def test_sockets_with_a_port_of_their_own_are_left_alone() -> None:
    """aioice asks for ephemeral ports only; another that does not gets what it asks for."""
    holder, port = taken_port()
    with contextlib.closing(holder), seam(Client(), replace(LOOPBACK, ports=range(1, 2))):
        loop = aioice.ice.asyncio.get_running_loop()  # type: ignore[attr-defined]  # ours
        with pytest.raises(OSError) as caught:
            await loop.create_datagram_endpoint(
                asyncio.DatagramProtocol, local_addr=("127.0.0.1", port)
            )
        assert caught.value.errno == errno.EADDRINUSE
        assert loop.time() > 0  # all else is the loop's own


async def test_outside_the_seam_aiortc_is_as_it_was() -> None:
    connection = RTCPeerConnection(RTCConfiguration(iceServers=[]))
    transceiver = connection.addTransceiver("audio")
    assert type(transceiver.receiver) is RTCRtpReceiver
    stock = aioice.ice.get_host_addresses(use_ipv4=True, use_ipv6=False)
    assert "127.0.0.1" not in stock
    assert aioice.ice.asyncio.get_running_loop() is asyncio.get_running_loop()  # type: ignore[attr-defined]  # ours
    await connection.close()


def test_opus_is_the_only_audio_codec_and_asks_for_error_correction() -> None:
    (opus,) = aiortc.codecs.CODECS["audio"]
    assert opus.name == "opus" and opus.parameters["useinbandfec"] == 1
    assert opus.parameters["maxaveragebitrate"] == 32_000, "less has no room for it"
    assert not any("abs-send" in e.uri for e in aiortc.codecs.HEADER_EXTENSIONS["video"])


# ---- the receiver ---------------------------------------------------------------------------

VP8 = RTCRtpCodecParameters("video/VP8", clockRate=90_000, payloadType=96)
RTX = RTCRtpCodecParameters("video/rtx", clockRate=90_000, payloadType=97, parameters={"apt": 96})
MEDIA_SSRC, RTX_SSRC = 1111, 2222


@contextlib.asynccontextmanager
async def receiving() -> AsyncIterator[tuple[SamplingReceiver, asyncio.Queue[RtpArrival]]]:
    """A video receiver that has been told its codecs and streams, and what it hands on."""
    client = Client()
    ice = RTCIceTransport(RTCIceGatherer([]))
    dtls = RTCDtlsTransport(ice, [RTCCertificate.generateCertificate()])
    receiver = SamplingReceiver("video", dtls, client)
    await receiver.receive(parameters())
    try:
        yield receiver, client.rtp
    finally:
        await receiver.stop()
        await client.connection.close()


def parameters(media: int = MEDIA_SSRC, rtx: int = RTX_SSRC) -> RTCRtpReceiveParameters:
    encoding = RTCRtpDecodingParameters(ssrc=media, payloadType=96)
    encoding.rtx = RTCRtpRtxParameters(ssrc=rtx)
    return RTCRtpReceiveParameters(codecs=[VP8, RTX], encodings=[encoding], muxId="0")


def rtp(sequence: int, ssrc: int = MEDIA_SSRC, payload_type: int = 96) -> RtpPacket:
    return RtpPacket(
        payload_type=payload_type,
        marker=1,
        sequence_number=sequence,
        timestamp=9000,
        ssrc=ssrc,
        payload=b"\x10payload",
    )


ARRIVED = RtpArrival("video", "VP8", MEDIA_SSRC, 5, 9000, True, b"\x10payload")


async def test_a_packet_is_handed_on() -> None:
    async with receiving() as (receiver, arrived):
        await receiver._handle_rtp_packet(rtp(5), arrival_time_ms=0)
        assert arrived.get_nowait() == ARRIVED


async def test_a_retransmitted_packet_is_handed_on_as_it_was_first_sent() -> None:
    async with receiving() as (receiver, arrived):
        again = wrap_rtx(rtp(5), payload_type=97, sequence_number=77, ssrc=RTX_SSRC)
        await receiver._handle_rtp_packet(again, arrival_time_ms=0)
        assert arrived.get_nowait() == ARRIVED


async def test_retransmissions_that_mean_nothing_are_dropped() -> None:
    async with receiving() as (receiver, arrived):
        stranger = wrap_rtx(rtp(5), payload_type=97, sequence_number=77, ssrc=3333)
        padding = rtp(5, RTX_SSRC, 97)
        padding.payload = b"\x00"
        for packet in (stranger, padding, rtp(5, payload_type=33)):
            await receiver._handle_rtp_packet(packet, arrival_time_ms=0)
        assert arrived.empty()


async def test_a_renegotiated_stream_has_its_retransmissions_too() -> None:
    async with receiving() as (receiver, arrived):
        await receiver.receive(parameters(4444, 5555))
        again = wrap_rtx(rtp(5, 4444), payload_type=97, sequence_number=77, ssrc=5555)
        await receiver._handle_rtp_packet(again, arrival_time_ms=0)
        assert arrived.get_nowait() == ARRIVED._replace(ssrc=4444)


async def test_a_receiver_that_is_switched_off_hands_on_nothing() -> None:
    async with receiving() as (receiver, arrived):
        receiver._enabled = False
        await receiver._handle_rtp_packet(rtp(5), arrival_time_ms=0)
        assert arrived.empty()


async def test_timestamps_that_jump_about_make_no_report_that_cannot_be_written() -> None:
    async with receiving() as (receiver, _):
        for number in range(200):
            stamp = 0xFFFFFFFF * (number % 2)
            receiver.wants(RtpHeader(96, 0, number, stamp, MEDIA_SSRC))
        (statistics,) = receiver._RTCRtpReceiver__remote_streams.values()  # type: ignore[attr-defined]  # mangled
        assert 2**31 < statistics.jitter <= 0xFFFFFFFF


async def test_streams_that_were_made_up_leave_nothing_behind_in_srtp() -> None:
    policy = pylibsrtp.Policy(key=bytes(30), ssrc_type=pylibsrtp.Policy.SSRC_ANY_INBOUND)
    async with receiving() as (receiver, _):
        transport: Any = receiver.transport
        removed: list[int] = []

        class Session(pylibsrtp.Session):
            def remove_stream(self, ssrc: int) -> None:
                removed.append(ssrc)
                super().remove_stream(ssrc)  # raises: it never decrypted one

        transport._rx_srtp = Session(policy)
        for ssrc in range(1, 2 * MAX_RTP_STREAMS + 1):
            receiver.wants(RtpHeader(96, 0, 1, 1, ssrc))
        assert removed == list(range(1, MAX_RTP_STREAMS + 1))


@pytest.mark.parametrize("enabled", [True, False])
async def test_streams_that_a_peer_makes_up_make_nothing_grow(enabled: bool) -> None:
    async with receiving() as (receiver, arrived):
        receiver._enabled = enabled
        router = receiver.transport._rtp_router
        for ssrc in (MEDIA_SSRC, RTX_SSRC, *range(10_000, 11_000)):
            packet = rtp(5, ssrc)
            assert router.route_rtp(packet) is receiver
            await receiver._handle_rtp_packet(packet, arrival_time_ms=0)
        report = await receiver.getStats()
        known = {s.ssrc for s in report.values() if s.type == "inbound-rtp"}
        streams = receiver._stock._RTCRtpReceiver__remote_streams
        assert len(streams) == MAX_RTP_STREAMS and known <= streams.keys()
        assert {MEDIA_SSRC, RTX_SSRC, 10_999} <= streams.keys()
        assert receiver._pictures.keys() == streams.keys()
        assert len(router.ssrc_table) <= MAX_RTP_STREAMS + 2
        assert arrived.qsize() == (1002 if enabled else 0)


async def test_pictures_are_counted_by_their_last_packets_read_or_not() -> None:
    async with receiving() as (receiver, _):
        assert receiver.pictures_of(MEDIA_SSRC) == 0
        for number in range(6):
            packet = rtp(number, MEDIA_SSRC)
            packet.marker = number % 3 == 2
            await receiver._handle_rtp_packet(packet, arrival_time_ms=0)
        assert receiver.pictures_of(MEDIA_SSRC) == 2


async def test_streams_of_earlier_offers_are_forgotten() -> None:
    async with receiving() as (receiver, _):
        for i in range(100):
            await receiver.receive(parameters(2 * i, 2 * i + 1))
        assert receiver.transport._rtp_router.ssrc_table == {198: receiver}


async def test_a_peer_that_declares_too_many_streams_makes_nothing_grow() -> None:
    async with receiving() as (receiver, _):
        many = [RTCRtpDecodingParameters(ssrc=ssrc, payloadType=96) for ssrc in range(50)]
        await receiver.receive(RTCRtpReceiveParameters(codecs=[VP8], encodings=many))
        for ssrc in range(50):
            await receiver._handle_rtp_packet(rtp(5, ssrc), arrival_time_ms=0)
        assert len(receiver._stock._RTCRtpReceiver__remote_streams) == MAX_RTP_STREAMS


async def test_a_request_that_wraps_around_is_sent_in_two(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    sent: list[list[int]] = []

    async def note(media_ssrc: int, lost: list[int]) -> None:
        sent.append(lost)

    async with receiving() as (receiver, _):
        monkeypatch.setattr(receiver, "_send_rtcp_nack", note)
        await receiver.request_packets(MEDIA_SSRC, (65_530, 65_535, 0, 7))
        await receiver.request_packets(MEDIA_SSRC, (3, 4))
    assert sent == [[65_530, 65_535], [0, 7], [3, 4]]


async def test_without_a_connection_feedback_goes_nowhere_quietly() -> None:
    async with receiving() as (receiver, _):
        await receiver.limit_bitrate(MEDIA_SSRC, 1_000_000)
        receiver._set_rtcp_ssrc(9)
        await receiver.limit_bitrate(MEDIA_SSRC, 1_000_000)
        await receiver.request_key_picture(MEDIA_SSRC)
        await receiver.request_packets(MEDIA_SSRC, (65_535, 0))


async def test_feedback_reaches_a_real_sender() -> None:
    client = Client()
    client.add_camera("VP8", 640, 480)
    arrived: list[RtpArrival] = []
    async with calling(client) as call:
        found: asyncio.Future[tuple[RtpArrival, SamplingReceiver]] = asyncio.Future()
        again: asyncio.Future[RtpArrival] = asyncio.Future()

        def watch(arrival: RtpArrival, receiver: SamplingReceiver) -> None:
            if not found.done() and len(arrived) == 30:
                found.set_result((arrival, receiver))
            if arrival in arrived and not again.done():
                again.set_result(arrival)
            arrived.append(arrival)

        call.peer.on_rtp = watch  # type: ignore[method-assign]  # instead of the sampler
        arrival, receiver = await asyncio.wait_for(found, BOUND_S)
        await receiver.request_packets(arrival.ssrc, (arrival.sequence,))
        assert await asyncio.wait_for(again, BOUND_S) == arrival


# ---- churn ----------------------------------------------------------------------------------


async def one_call() -> list[weakref.ref[Any]]:
    client = client_with(microphone=True)
    async with calling(client) as call:
        await call.connected()
        client.microphone.send(opus_packet(opus_payload(960), 0))
        await call.packets(1)
        connection = call.peer._connection
        things: list[Any] = [call.peer, connection, connection.sctp, client.connection]
        return [weakref.ref(thing) for thing in (*things, *connection.getReceivers())]


async def test_twenty_calls_leave_no_task_thread_descriptor_or_object() -> None:
    await one_call()  # what is loaded on first use is no leak
    gc.collect()
    census, objects = Census(), len(gc.get_objects())
    remains = []
    for _ in range(20):
        remains += await one_call()
    await census.assert_nothing_left()
    assert not [ref for ref in remains if ref() is not None]
    assert len(gc.get_objects()) - objects < 20 * 50  # a call that stays has thousands
