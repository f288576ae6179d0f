"""Whatever comes from a peer is noted, and a peer of whom nothing comes is absent."""

import asyncio

import pytest
from aioice import Candidate

from tests.transports.peers import BOUND_S, Call, calling, client_with
from tests.transports.udp_path import no_candidates, udp_path
from transports.aiortc_seam.arrivals import Arrivals, arrivals
from transports.aiortc_seam.direct_media import DirectIceConnection, DirectStunProtocol
from transports.presence import Presence

ADDRESS = ("127.0.0.1", 9)


def socket_of(came: Arrivals | None) -> DirectStunProtocol:
    token = arrivals.set(came)
    socket = DirectStunProtocol(DirectIceConnection(ice_controlling=False))
    arrivals.reset(token)
    socket.local_candidate = Candidate.from_sdp("1 1 udp 1 127.0.0.1 9 typ host")
    return socket


@pytest.mark.parametrize(
    "datagram",
    [
        b"\x80\x6f" + bytes(38),  # RTP
        b"\x80\xc8" + bytes(26),  # RTCP
        b"\x17\xfe\xfd" + bytes(20),  # DTLS, which carries the data channel
        b"\x00\x01" + bytes(18),  # STUN
        b"\x00\x01\x00",  # nearly STUN
        b"",
    ],
)
async def test_every_datagram_is_noted_once(datagram: bytes) -> None:
    came = Arrivals()
    socket = socket_of(came)
    assert not came.take()
    socket.datagram_received(datagram, ADDRESS)
    socket.datagram_received(datagram, ADDRESS)
    assert came.take() and not came.take()


async def test_a_socket_that_nobody_asks_about_notes_it_for_itself() -> None:
    asked = Arrivals()
    socket_of(None).datagram_received(b"\x80\x6f" + bytes(38), ADDRESS)
    assert not asked.take()


async def noticed(call: Call, state: Presence, *, step_s: float = 0.0) -> None:
    """Beats, each `step_s` of the peer's time after the last one, until the peer is `state`."""
    now = asyncio.get_running_loop().time()
    async with asyncio.timeout(BOUND_S):
        while call.peer.presence.state is not state:
            call.peer.beat(now)
            now += step_s
            await asyncio.sleep(0)


async def test_a_peer_is_present_from_its_connection_to_the_cut_and_after_it() -> None:
    async with (
        udp_path() as path,
        calling(client_with(), bend_offer=no_candidates, bend_answer=path.bend) as call,
    ):
        assert call.peer.presence.state is Presence.COMING
        await call.connected()
        await noticed(call, Presence.PRESENT)
        path.is_cut = True
        await noticed(call, Presence.ABSENT, step_s=0.5)
        assert call.peer.state == "connected"  # ICE has not noticed
        path.is_cut = False
        assert call.client.channel is not None
        call.client.channel.send("here I am")
        await noticed(call, Presence.PRESENT)


async def test_each_connection_notes_its_own_datagrams() -> None:
    async with udp_path() as path, calling(client_with()) as other:
        async with calling(client_with(), bend_offer=no_candidates, bend_answer=path.bend) as call:
            await call.connected()
            await other.connected()
            await noticed(call, Presence.PRESENT)
            path.is_cut = True
            assert other.client.channel is not None
            other.client.channel.send("somebody else")
            await asyncio.wait_for(other.listener.messages.get(), BOUND_S)
            await noticed(call, Presence.ABSENT, step_s=0.5)
            path.is_cut = False  # for the goodbye
