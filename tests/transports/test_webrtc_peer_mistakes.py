"""Whole connections: mistakes of ours, what comes too late, what may not go on for ever."""

import asyncio

import pytest

from tests.transports import offers
from tests.transports.packet_track import opus_packet
from tests.transports.peers import BOUND_S, CONFIG, Listener, calling, client_with
from tests.transports.rtp_streams import opus_payload
from transports.aiortc_seam import SamplingReceiver
from transports.errors import SignallingRefused
from transports.jitter import Playable
from transports.picture_sampler import EncodedPicture
from transports.rtp_arrival import RtpArrival
from transports.webrtc_peer import MAX_SECTIONS, WebRTCPeer

# ---- a listener that fails ------------------------------------------------------------------


async def test_a_mistake_in_handling_a_message_ends_the_call_and_is_logged_once(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(data: str | bytes) -> None:
        raise RuntimeError("a bug")

    monkeypatch.setattr(Listener, "on_message", lambda self, data: broken(data))
    async with calling(client_with()) as call:
        channel = await call.client.open_channel()
        for _ in range(5):
            channel.send("x")
        assert await asyncio.wait_for(call.life, BOUND_S) == "the service made a mistake"
    assert caplog.text.count("RuntimeError: a bug") == 1
    assert call.listener.dropped.empty()  # nor is the client blamed


async def test_a_mistake_in_handling_sound_ends_the_call_and_is_logged(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(playable: Playable) -> None:
        raise RuntimeError("a bug")

    monkeypatch.setattr(Listener, "on_audio", lambda self, playable: broken(playable))
    async with calling(client_with(microphone=True)) as call:
        await call.connected()
        call.client.microphone.send(opus_packet(opus_payload(960), 0))
        assert await asyncio.wait_for(call.life, BOUND_S) == "the service made a mistake"
    assert caplog.text.count("RuntimeError: a bug") == 1


async def test_a_mistake_in_handling_a_picture_ends_the_call(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(picture: EncodedPicture) -> None:
        raise RuntimeError("a bug")

    monkeypatch.setattr(Listener, "on_picture", lambda self, picture: broken(picture))
    async with calling(client_with(camera="VP8")) as call:
        assert await asyncio.wait_for(call.life, BOUND_S) == "the service made a mistake"
    assert caplog.text.count("RuntimeError: a bug") == 1


# ---- after the end --------------------------------------------------------------------------


async def test_what_still_comes_once_it_was_told_to_end_is_not_heard(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Its successor, under the same id, may be talking by then."""
    async with calling(client_with(microphone=True)) as call:
        channel = await call.client.open_channel()
        on_rtp, close, over = call.peer.on_rtp, call.peer.close, asyncio.Event()
        came: asyncio.Queue[RtpArrival] = asyncio.Queue()

        def watched(arrival: RtpArrival, receiver: SamplingReceiver) -> None:
            on_rtp(arrival, receiver)
            came.put_nowait(arrival)

        async def slowly() -> None:
            await over.wait()
            await close()

        monkeypatch.setattr(call.peer, "close", slowly)
        monkeypatch.setattr(call.peer, "on_rtp", watched)
        call.peer.end("replaced")
        left = asyncio.Event()
        channel.on("bufferedamountlow", left.set)
        try:
            channel.send("too late")
            await asyncio.wait_for(left.wait(), BOUND_S)
            call.client.microphone.send(opus_packet(opus_payload(960), 0))
            await asyncio.wait_for(came.get(), BOUND_S)  # and what was sent before it, too
            assert call.listener.audio.empty() and call.listener.messages.empty()
        finally:
            over.set()


# ---- offers without end ---------------------------------------------------------------------


async def test_sections_are_bounded_over_the_life_of_a_connection() -> None:
    """aiortc keeps a transceiver for every mid that any offer named."""
    peer = WebRTCPeer("peer", CONFIG, Listener())
    several = [
        offers.offer(*[offers.video(f"{i}-{j}") for j in range(8)])
        for i in range(MAX_SECTIONS // 8)
    ]
    for offer in [*several, several[-1]]:
        await peer.answer(offer)
    with pytest.raises(SignallingRefused, match="make a new one") as caught:
        await peer.answer(offers.offer(offers.video("another")))
    assert (caught.value.counter, caught.value.status) == ("sdp_too_large", 413)
    await peer.answer(several[-1])
    await peer.close()
