"""Messages that are sent at once share packets, and arrive as they were."""

import asyncio
from types import SimpleNamespace
from typing import Any

import pytest
from aiortc.rtcdtlstransport import RTCDtlsTransport
from aiortc.rtcsctptransport import DataChunk, ForwardTsnChunk, parse_packet

from tests.transports.peers import BOUND_S, Call, calling, client_with
from transports.aiortc_seam.bundled_sctp import MAX_BUNDLE_BYTES, BundledSctpTransport, _Bundle

SCTP_HEADER_BYTES = 12


async def sent_by(call: Call, messages: list[str], monkeypatch: pytest.MonkeyPatch) -> list[bytes]:
    """The SCTP packets in which these messages went, once they have all come, in order."""
    sctp: Any = call.peer._connection.sctp
    packets: list[bytes] = []
    really = RTCDtlsTransport._send_data

    async def noted(self: RTCDtlsTransport, data: bytes) -> None:
        if self is sctp.transport:
            packets.append(data)
        await really(self, data)

    monkeypatch.setattr(RTCDtlsTransport, "_send_data", noted)
    for message in messages:
        assert call.peer.send_message(message)
    came = [await asyncio.wait_for(call.client.messages.get(), BOUND_S) for _ in messages]
    assert came == messages
    return packets


def data_in(packet: bytes) -> list[bytes]:
    _, _, _, chunks = parse_packet(packet)
    return [chunk.user_data for chunk in chunks if isinstance(chunk, DataChunk)]


async def test_what_is_said_at_once_goes_in_one_packet(monkeypatch: pytest.MonkeyPatch) -> None:
    async with calling(client_with()) as call:
        await call.connected()
        messages = ["one", "two", "three", "four"]
        packets = await sent_by(call, messages, monkeypatch)
        assert [data_in(p) for p in packets if data_in(p)] == [[m.encode() for m in messages]]


async def test_no_packet_is_longer_than_one_chunk_may_be(monkeypatch: pytest.MonkeyPatch) -> None:
    async with calling(client_with()) as call:
        await call.connected()
        messages = [f"{n:03}".ljust(3 + 37 * n, ".") for n in range(100)]
        packets = await sent_by(call, messages, monkeypatch)
        sizes = [len(packet) - SCTP_HEADER_BYTES for packet in packets if data_in(packet)]
        assert max(sizes) <= MAX_BUNDLE_BYTES
        assert len(sizes) < sum(len(m) for m in messages) / MAX_BUNDLE_BYTES * 1.7
        joined = b"".join(data for packet in packets for data in data_in(packet))
        assert joined == "".join(messages).encode()


async def test_messages_for_a_connection_that_has_just_ended_are_nobodys_loss(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """aiortc sends in a task of its own, whose failure nobody would fetch."""

    async def refuse(self: RTCDtlsTransport, data: bytes) -> None:
        raise ConnectionError("Cannot send encrypted data, not connected")

    async with calling(client_with()) as call:
        await call.connected()
        sctp: Any = call.peer._connection.sctp
        with monkeypatch.context() as ended:
            ended.setattr(RTCDtlsTransport, "_send_data", refuse)
            assert call.peer.send_message("too late")
            await sctp._data_channel_flush()
        assert sctp._bundle is None


async def test_a_control_chunk_does_not_overtake_what_was_gathered() -> None:
    sctp: Any = object.__new__(BundledSctpTransport)
    sctp._bundle = _Bundle()
    left: list[str] = []

    async def send_bundle(bundle: _Bundle) -> None:
        left.append("bundle" if bundle.size else "nothing")

    async def send_data(data: bytes) -> None:
        left.append("control")

    sctp._send_bundle = send_bundle
    sctp._RTCSctpTransport__log_debug = lambda *told: None
    sctp._RTCSctpTransport__transport = SimpleNamespace(_send_data=send_data)
    sctp._local_port = sctp._remote_port = 5000
    sctp._remote_verification_tag = 1
    data = DataChunk()
    data.user_data = b"x"
    await sctp._send_chunk(data)
    await sctp._send_chunk(ForwardTsnChunk())
    assert left == ["bundle", "control"]


async def test_while_a_flush_waits_for_the_socket_others_leave_it_all_to_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async with calling(client_with()) as call:
        await call.connected()
        really = RTCDtlsTransport._send_data

        async def slow(self: RTCDtlsTransport, data: bytes) -> None:
            await asyncio.sleep(0)
            await really(self, data)

        monkeypatch.setattr(RTCDtlsTransport, "_send_data", slow)
        messages = [str(number).ljust(1000, ".") for number in range(20)]
        for message in messages:
            call.peer.send_message(message)
        came = [await asyncio.wait_for(call.client.messages.get(), BOUND_S) for _ in messages]
        assert came == messages
