"""What a real Chromium sends of its video, and what is taken of it: codecs, paces, shares."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

import pytest
from playwright.async_api import Browser, Page

from processors.peer_video import PeerVideo
from processors.pictures import CodedPictures
from tests.transports.peers import CONFIG, POLICY, Listener
from transports.picture_sampler import EncodedPicture, SamplerCounters
from transports.sdp import SdpLimits, offer_untrusted
from transports.video_mode import VideoMode
from transports.webrtc_peer import WebRTCPeer

pytestmark = [pytest.mark.browser, pytest.mark.realtime]

BOUND_S: Final = 20.0

SEND: Final = """async ([codec, width, height, fps, limit]) => {
  const canvas = document.createElement('canvas');
  Object.assign(canvas, { width, height });
  document.body.append(canvas);
  const context = canvas.getContext('2d');
  let drawn = 0;
  window.draw = (word) => {
    drawn += 1;
    context.fillStyle = `hsl(${(drawn * 7) % 360} 60% 85%)`;
    context.fillRect(0, 0, canvas.width, canvas.height);
    context.fillStyle = 'black';
    context.font = '24px sans-serif';
    for (let line = 1; line < canvas.height / 40; line += 1)
      context.fillText(`${word} ${drawn} ${line}`, 20 + line * 7, line * 40);
  };
  window.draw('first');
  const track = canvas.captureStream(fps).getVideoTracks()[0];
  const peer = new RTCPeerConnection();
  window.peer = peer;
  const transceiver = peer.addTransceiver(track, { direction: 'sendonly' });
  const known = RTCRtpSender.getCapabilities('video').codecs;
  const wanted = known.filter((one) => one.mimeType === `video/${codec}`);
  if (wanted.length === 0) return '';
  transceiver.setCodecPreferences(
    [...wanted, ...known.filter((one) => one.mimeType === 'video/rtx')]);
  await peer.setLocalDescription();
  const parameters = transceiver.sender.getParameters();
  if (limit) Object.assign(parameters.encodings[0], { maxFramerate: limit });
  await transceiver.sender.setParameters(parameters);
  while (peer.iceGatheringState !== 'complete') await new Promise((go) => setTimeout(go, 20));
  return peer.localDescription.sdp;
}"""
ACCEPT: Final = "(sdp) => window.peer.setRemoteDescription({ type: 'answer', sdp })"
DRAW_OFTEN: Final = (
    "(ms) => { clearInterval(window.timer);"
    " if (ms) window.timer = setInterval(() => window.draw('go'), ms); }"
)


class Watcher(Listener):
    """Decodes what comes, as a room does."""

    def __init__(self) -> None:
        super().__init__()
        self.video = PeerVideo()
        self.sizes: list[tuple[int, int]] = []
        self.changed = 0

    async def watch(self, seconds: float) -> list[EncodedPicture]:
        loop = asyncio.get_running_loop()
        until, taken = loop.time() + seconds, []
        while (left := until - loop.time()) > 0:
            try:
                picture = await asyncio.wait_for(self.pictures.get(), left)
            except TimeoutError:
                break
            self._look(picture)
            taken.append(picture)
        return taken

    def _look(self, picture: EncodedPicture) -> None:
        coded = CodedPictures(picture.codec, picture.parts, picture.alone, picture.followed)
        look = self.video.look(coded, picture.arrived_at, long_side=768, quality=80)
        seen = look.full or look.jpeg
        if seen is not None:
            self.sizes.append((seen.source_width, seen.source_height))
        self.changed += look.jpeg is not None


class Call:
    def __init__(self, page: Page, peer: WebRTCPeer, watcher: Watcher) -> None:
        self.page = page
        self.watcher = watcher
        self._peer = peer

    @property
    def counters(self) -> SamplerCounters:
        return self._peer.video.sampler.counters

    @property
    def mode(self) -> VideoMode:
        return self._peer.video.sampler.choice.mode

    async def pace(self, pictures_per_s: float) -> None:
        await self.page.evaluate(DRAW_OFTEN, 1000 / pictures_per_s if pictures_per_s else 0)

    async def watch(self, seconds: float) -> list[EncodedPicture]:
        return await self.watcher.watch(seconds)


@asynccontextmanager
async def sending(
    browser: Browser,
    codec: str = "VP8",
    *,
    size: tuple[int, int] = (640, 480),
    fps: float = 30,
    limit: float = 0,
) -> AsyncIterator[Call]:
    page = await browser.new_page()
    watcher = Watcher()
    peer = WebRTCPeer("peer", CONFIG, watcher)
    running = asyncio.create_task(peer.run())
    try:
        sdp = await page.evaluate(SEND, [codec, *size, fps, limit])
        if not sdp:
            pytest.skip(f"this Chromium has no encoder for {codec}")
        answer = await peer.answer(offer_untrusted(sdp, SdpLimits(), POLICY))
        await page.evaluate(ACCEPT, answer)
        yield Call(page, peer, watcher)
    finally:
        peer.end("the test is over")
        await running
        await page.close()


@pytest.mark.parametrize("codec", ["VP8"])
async def test_thirty_pictures_a_second_are_sampled_on_request(
    browser: Browser, codec: str
) -> None:
    async with sending(browser, codec) as call:
        await call.pace(30)
        await call.watch(4.0)
        before = call.counters.key_requests
        taken = await call.watch(8.0)
        assert call.mode is VideoMode.KEYS
        assert 7 <= len(taken) <= 9 and all(picture.alone for picture in taken)
        assert 7 <= call.counters.key_requests - before <= 10
        assert call.counters.refused == call.counters.unanswered == 0
        assert set(call.watcher.sizes) == {(640, 480)}


@pytest.mark.parametrize("codec", ["H264"])
async def test_two_pictures_a_second_are_all_taken_and_none_is_asked_for(
    browser: Browser, codec: str
) -> None:
    async with sending(browser, codec, limit=2) as call:
        await call.pace(10)
        await call.watch(4.0)
        before = call.counters.key_requests
        taken = await call.watch(8.0)
        assert call.mode is VideoMode.ALL
        assert 6 <= len(taken) <= 9
        assert sum(picture.alone for picture in taken) <= 2  # OpenH264 makes some unasked
        assert call.counters.key_requests == before
        assert call.counters.torn == 0


async def test_a_share_is_looked_at_when_it_changes(browser: Browser) -> None:
    async with sending(browser, fps=5, size=(1280, 720)) as call:
        await call.pace(5)
        await call.watch(5.0)
        assert call.mode is VideoMode.ALL
        await call.pace(0)
        await call.watch(3.0)
        before, asked = call.watcher.changed, call.counters.key_requests
        await call.watch(4.0)
        assert call.watcher.changed <= before + 1  # it stands still
        await call.page.evaluate("window.draw('changed')")
        taken = await call.watch(1.5)
        assert taken and call.watcher.changed > before
        assert call.counters.key_requests == asked
