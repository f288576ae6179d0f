"""The shell around the jitter window: sound comes out in order, and in time without a packet."""

import asyncio

from tests.transports.rtp_streams import opus_stream
from transports.audio_receiver import AudioReceiver
from transports.jitter import Missing, Playable, Received
from transports.reorder_wait import LEAST_S, MOST_S

BOUND_S = 5.0


async def test_packets_in_order_come_out_at_once() -> None:
    out: list[Playable] = []
    receiver = AudioReceiver(out.append)
    packets = opus_stream([960] * 3)
    for i, packet in enumerate(packets, start=1):
        receiver.on_rtp(packet)
        assert len(out) == i
    assert out == [Received(packet.payload) for packet in packets]


async def test_what_waits_behind_a_gap_comes_out_without_another_packet() -> None:
    out: asyncio.Queue[Playable] = asyncio.Queue()
    receiver = AudioReceiver(out.put_nowait)
    loop = asyncio.get_running_loop()
    a, _, c = opus_stream([960] * 3)
    receiver.on_rtp(a)
    receiver.on_rtp(c)
    began = loop.time()
    got = [await asyncio.wait_for(out.get(), BOUND_S) for _ in range(3)]
    assert got == [Received(a.payload), Missing(c.payload), Received(c.payload)]
    assert LEAST_S * 0.9 < loop.time() - began < 0.9


async def test_a_second_gap_gets_a_deadline_of_its_own() -> None:
    out: asyncio.Queue[Playable] = asyncio.Queue()
    receiver = AudioReceiver(out.put_nowait)
    packets = opus_stream([960] * 12)
    receiver.on_rtp(packets[0])
    receiver.on_rtp(packets[2])
    receiver.on_rtp(packets[1])  # filled before its deadline
    receiver.on_rtp(packets[4])
    got = [await asyncio.wait_for(out.get(), BOUND_S) for _ in range(5)]
    assert got[3:] == [Missing(packets[4].payload), Received(packets[4].payload)]
    receiver.on_rtp(packets[6])  # after a deadline that has passed
    got = [await asyncio.wait_for(out.get(), BOUND_S) for _ in range(2)]
    assert got == [Missing(packets[6].payload), Received(packets[6].payload)]


async def test_closed_it_says_nothing_more() -> None:
    out: list[Playable] = []
    receiver = AudioReceiver(out.append)
    a, _, c = opus_stream([960] * 3)
    receiver.on_rtp(a)
    receiver.on_rtp(c)
    receiver.close()
    receiver.close()
    over = asyncio.Event()
    asyncio.get_running_loop().call_later(MOST_S * 1.5, over.set)
    await asyncio.wait_for(over.wait(), BOUND_S)
    assert out == [Received(a.payload)]
