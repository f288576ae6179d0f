"""The outgoing track: ready packets, bounded, flushed at once, ended cleanly."""

import asyncio

import pytest
from aiortc.mediastreams import MediaStreamError

from transports.packet_track import MAX_PACKETS, PacketTrack, opus_packet

BOUND_S = 5.0


async def listening() -> PacketTrack:
    """A track whose sender has asked for its first packet."""
    track = PacketTrack()
    first = asyncio.create_task(track.recv())
    await asyncio.sleep(0)
    track.send(opus_packet(b"first", 0))
    await asyncio.wait_for(first, BOUND_S)
    return track


def test_a_packet_keeps_its_bytes_and_its_48_khz_timestamp() -> None:
    packet = opus_packet(b"\xf8\xff\xfe", 960)
    assert (bytes(packet), packet.pts, packet.time_base) == (b"\xf8\xff\xfe", 960, packet.time_base)
    assert packet.time_base is not None
    assert (packet.time_base.numerator, packet.time_base.denominator) == (1, 48_000)


async def test_packets_come_out_in_order_and_are_not_copied() -> None:
    track = await listening()
    assert track.kind == "audio"
    packets = [opus_packet(b"x", i * 960) for i in range(3)]
    for packet in packets:
        track.send(packet)
    assert [await track.recv() for _ in packets] == packets


async def test_recv_waits_for_a_packet() -> None:
    track = await listening()
    waiting = asyncio.create_task(track.recv())
    await asyncio.sleep(0)
    assert not waiting.done()
    packet = opus_packet(b"x", 0)
    track.send(packet)
    assert await asyncio.wait_for(waiting, BOUND_S) is packet


async def test_what_nobody_listens_to_is_dropped_not_kept_for_later() -> None:
    track = PacketTrack()
    track.send(opus_packet(b"stale", 0))
    assert track.dropped == 1
    waiting = asyncio.create_task(track.recv())
    await asyncio.sleep(0)
    assert not waiting.done()
    track.stop()
    with pytest.raises(MediaStreamError):
        await waiting


async def test_overflow_drops_the_oldest() -> None:
    track = await listening()
    for i in range(MAX_PACKETS + 3):
        track.send(opus_packet(b"x", i))
    assert track.dropped == 3
    assert (await track.recv()).pts == 3


async def test_flush_forgets_what_has_not_left() -> None:
    track = await listening()
    for i in range(4):
        track.send(opus_packet(b"x", i))
    assert track.flush() == 4
    assert track.flush() == 0
    track.send(opus_packet(b"x", 9))
    assert (await track.recv()).pts == 9


async def test_stopping_ends_a_waiting_sender_and_takes_nothing_more() -> None:
    track = await listening()
    waiting = asyncio.create_task(track.recv())
    await asyncio.sleep(0)
    track.stop()
    track.stop()
    with pytest.raises(MediaStreamError):
        await asyncio.wait_for(waiting, BOUND_S)
    track.send(opus_packet(b"x", 0))
    assert track.flush() == 0
    with pytest.raises(MediaStreamError):
        await track.recv()
