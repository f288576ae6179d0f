"""What a peer gets of our sound beside the sound: where it belongs, and reports that are true."""

import asyncio
from typing import Any

import pytest
from aiortc import RTCRtpReceiver
from aiortc.rtcrtpparameters import RTCRtpHeaderExtensionParameters, RTCRtpParameters
from aiortc.rtp import AnyRtcpPacket, HeaderExtensionsMap, RtcpSrPacket, RtpPacket

from tests.transports.peers import BOUND_S, calling, client_with
from tests.transports.rtp_streams import opus_payload
from transports.aiortc_seam.direct_media import DirectDtlsTransport
from transports.aiortc_seam.direct_sender import DirectSender

MID_ID = 1


def mid_of(packet: bytes) -> str | None:
    known = HeaderExtensionsMap()
    uri = "urn:ietf:params:rtp-hdrext:sdes:mid"
    known.configure(
        RTCRtpParameters(headerExtensions=[RTCRtpHeaderExtensionParameters(MID_ID, uri)])
    )
    mid: str | None = RtpPacket.parse(packet, known).extensions.mid
    return mid


async def test_each_packet_names_its_section(monkeypatch: pytest.MonkeyPatch) -> None:
    sent: list[bytes] = []
    really = DirectDtlsTransport.send_now

    def noted(self: DirectDtlsTransport, packet: bytes) -> bool:
        sent.append(packet)
        return really(self, packet)

    monkeypatch.setattr(DirectDtlsTransport, "send_now", noted)
    async with calling(client_with(microphone=True)) as call:
        await call.connected()
        call.peer.send_audio(opus_payload(960), 0, 960)
        await asyncio.wait_for(call.client.rtp.get(), BOUND_S)
        (section,) = [t.mid for t in call.client.connection.getTransceivers()]
    assert [mid_of(packet) for packet in sent] == [section]


async def test_sender_reports_say_what_was_sent(monkeypatch: pytest.MonkeyPatch) -> None:
    reports: asyncio.Queue[RtcpSrPacket] = asyncio.Queue()
    really = RTCRtpReceiver._handle_rtcp_packet

    async def noted(self: RTCRtpReceiver, packet: AnyRtcpPacket) -> None:
        if isinstance(packet, RtcpSrPacket):
            reports.put_nowait(packet)
        await really(self, packet)

    monkeypatch.setattr(RTCRtpReceiver, "_handle_rtcp_packet", noted)
    async with calling(client_with(microphone=True)) as call:
        await call.connected()
        payload = opus_payload(960)
        for number in range(10):
            call.peer.send_audio(payload, number * 960, 960)
        heard = [await asyncio.wait_for(call.client.rtp.get(), BOUND_S) for _ in range(10)]
        report = await asyncio.wait_for(reports.get(), BOUND_S)
        while report.sender_info.packet_count < 10:  # made before the last of them left
            report = await asyncio.wait_for(reports.get(), BOUND_S)
    told = report.sender_info
    assert (told.packet_count, told.octet_count) == (10, 10 * len(payload))
    assert (report.ssrc, told.rtp_timestamp) == (heard[-1].ssrc, heard[-1].timestamp)


async def test_before_it_has_been_started_and_after_its_end_it_sends_nothing() -> None:
    async with calling(client_with(microphone=True)) as call:
        await call.connected()
        call.peer.send_audio(opus_payload(960), 0, 960)
        await asyncio.wait_for(call.client.rtp.get(), BOUND_S)
        (transceiver,) = [t for t in call.peer._connection.getTransceivers() if t.kind == "audio"]
        sender: Any = transceiver.sender
        transport: Any = sender.transport
        assert not DirectSender("audio", transport).send_packet(b"x", 0, 960)
        await sender.stop()
        assert not sender.send_packet(b"x", 960, 960)
        transport.transport._connection._nominated.clear()
        assert not transport.send_now(b"x")


async def test_a_failure_of_one_connection_ends_that_one_only(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def broken(self: DirectDtlsTransport, packet: bytes) -> bool:
        raise RuntimeError("a bug")

    async with calling(client_with(microphone=True)) as call:
        await call.connected()
        monkeypatch.setattr(DirectDtlsTransport, "send_now", broken)
        call.peer.send_audio(opus_payload(960), 0, 960)
        assert await asyncio.wait_for(call.life, BOUND_S) == "the service made a mistake"
    assert caplog.text.count("RuntimeError: a bug") == 1
