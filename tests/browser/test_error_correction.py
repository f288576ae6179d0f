"""A browser whose packets get lost repeats its speech at a lower rate within the next ones."""

import asyncio
import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Final

import pytest
from aiohttp import web

from tests.browser.stage_set import write_microphone
from tests.chromium import chromium_or_skip
from tests.pipeline.browser_speech import carries_fec
from tests.transports.peers import CONFIG, Listener
from transports.aiortc_seam import SamplingReceiver
from transports.ice import CandidatePolicy
from transports.jitter import Received
from transports.rtp_packet import RtpHeader
from transports.sdp import SdpLimits, offer_untrusted
from transports.webrtc_peer import WebRTCPeer

pytestmark = pytest.mark.browser

LOSS: Final = 0.03
BOUND_S: Final = 60.0
SETTLED: Final = 400  # packets: eight seconds
WATCHED: Final = 100  # packets of speech, two seconds of it
SPEECH: Final = "seven wise men change the colour of every wall in this room to a light blue "
SILK, WIDEBAND = range(12), range(8, 12)  # configurations of RFC 6716 table 2

OFFER: Final = """async () => {
  const stream = await navigator.mediaDevices.getUserMedia({ audio: true });
  window.connection = new RTCPeerConnection();
  connection.addTrack(stream.getAudioTracks()[0], stream);
  await connection.setLocalDescription(await connection.createOffer());
  await new Promise((resolve) => {
    const look = () => connection.iceGatheringState === 'complete' && resolve();
    connection.onicegatheringstatechange = look;
    look();
  });
  return connection.localDescription.sdp;
}"""
ACCEPT: Final = "(sdp) => connection.setRemoteDescription({ type: 'answer', sdp })"


@asynccontextmanager
async def empty_page() -> AsyncIterator[str]:
    """Its address: of one that may use the microphone."""

    async def page(request: web.Request) -> web.Response:
        return web.Response(text="<!doctype html>", content_type="text/html")

    app = web.Application()
    app.router.add_get("/", page)
    runner = web.AppRunner(app)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        yield f"http://127.0.0.1:{runner.addresses[0][1]}/"
    finally:
        await runner.cleanup()


def is_speech(payload: bytes) -> bool:
    """By the encoder's own detector (RFC 6716 section 4.2.3)."""
    return len(payload) > 2 and payload[0] >> 3 in SILK and bool(payload[1] & 0x80)


async def test_chromium_sends_fec_in_wideband_at_three_in_a_hundred_lost(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_microphone(tmp_path / "speech.wav", [(0.0, SPEECH * 4)], tmp_path)
    wants, chance = SamplingReceiver.wants, random.Random(1)

    def wants_most(receiver: SamplingReceiver, header: RtpHeader) -> bool:
        return chance.random() >= LOSS and wants(receiver, header)

    monkeypatch.setattr(SamplingReceiver, "wants", wants_most)
    listener = Listener()
    peer = WebRTCPeer("peer", CONFIG, listener)
    flags = [f"--use-file-for-fake-audio-capture={tmp_path / 'speech.wav'}"]
    async with empty_page() as address, chromium_or_skip().launched(*flags) as browser:
        page = await browser.new_page()
        await page.goto(address)
        policy = CandidatePolicy(allow_loopback=True)
        offer = offer_untrusted(await page.evaluate(OFFER), SdpLimits(), policy)
        answer = await peer.answer(offer)
        assert "useinbandfec=1" in answer and "maxaveragebitrate=32000" in answer
        await page.evaluate(ACCEPT, answer)
        life = asyncio.create_task(peer.run())
        try:
            share = await asyncio.wait_for(settled(listener), BOUND_S)
        finally:
            await peer.close()
            await life
    assert share > 0.9


async def settled(listener: Listener) -> float:
    """How much of a while of speech is in wideband and repeats the packet before it.

    Looked at when the sender has had some reports of loss and has settled on what to send.
    """
    heard = 0
    good: list[bool] = []
    while len(good) < WATCHED:
        playable = await listener.audio.get()
        heard += 1
        if heard > SETTLED and isinstance(playable, Received) and is_speech(playable.payload):
            wide = playable.payload[0] >> 3 in WIDEBAND
            good.append(wide and carries_fec(playable.payload))
    return sum(good) / len(good)
