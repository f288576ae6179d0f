"""A run with a real browser: Chromium's own camera, encoder and congestion control.

As a process of its own it is the browser; `measure` is the measurement around it.
"""

import argparse
import asyncio
import json
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import av
import numpy as np

from bench.camera_clip import source_picture
from bench.figures import rounded
from bench.loads import SHORT_S, VGA
from bench.measurement import WARM_UP_S, Window, of_pictures, usage
from bench.processes import LOAD_CORE, child, live_endpoint, server
from tests.chromium import ChromiumMissing, find_chromium

FRAMES: Final = 90
KEPT: Final = 8
CONNECT_LIMIT_MS: Final = 30_000
BITRATE_RAMP_S: Final = 10.0  # a browser begins with 300 kbit/s

CONNECT: Final = """async () => {
  const post = async (path, body) => (await fetch(path, {
    method: 'POST', headers: {'Content-Type': 'application/json'}, body: JSON.stringify(body),
  })).json();
  const stream = await navigator.mediaDevices.getUserMedia(
    {audio: true, video: {width: 640, height: 480, frameRate: 30}});
  const pc = window.pc = new RTCPeerConnection({iceServers: []});
  for (const track of stream.getAudioTracks()) pc.addTrack(track, stream);
  for (const track of stream.getVideoTracks()) pc.addTrack(track, stream);
  const channel = pc.createDataChannel('chat');
  const opened = new Promise((resolve) => { channel.onopen = resolve; });
  const started = await post('/start', {body: {}});
  const gathered = new Promise((resolve) => {
    pc.onicecandidate = (event) => { if (event.candidate === null) resolve(); };
  });
  await pc.setLocalDescription(await pc.createOffer());
  await gathered;
  const answer = await post(`/sessions/${started.sessionId}/api/offer`,
    {sdp: pc.localDescription.sdp, type: 'offer', pc_id: null});
  await pc.setRemoteDescription({sdp: answer.sdp, type: 'answer'});
  await opened;
  channel.send(JSON.stringify({label: 'rtvi-ai', type: 'client-ready', id: '1',
    data: {version: '2.0.0', about: {library: 'bench'}}}));
}"""

SENT: Final = """async () => {
  for (const s of (await window.pc.getStats()).values())
    if (s.type === 'outbound-rtp' && s.kind === 'video')
      return {bytes: s.bytesSent, frames: s.framesSent, keys: s.keyFramesEncoded, at: s.timestamp};
}"""


async def measure(kind: str) -> dict[str, float]:
    """No figures where there is no Chromium, which is said."""
    try:
        find_chromium()
    except ChromiumMissing as missing:
        print(f"the run with Chromium is left out: {missing}", file=sys.stderr)
        return {}
    async with (
        live_endpoint("talk", KEPT) as endpoint,
        server(kind, endpoint.environment) as (running, url),
    ):
        async with child("bench.chromium", url, core=LOAD_CORE) as browser:
            await browser.line()
            await asyncio.sleep(WARM_UP_S + BITRATE_RAMP_S)
            first, sent = await endpoint.child.report(), await browser.report()
            begin = usage(running, browser)
            await asyncio.sleep(SHORT_S)
            window = Window(begin, usage(running, browser))
            last, later = await endpoint.child.report(), await browser.report()
    seconds = (later["at"] - sent["at"]) / 1000
    figures = {
        "cpu %": window.percent("server"),
        "kbit/s": (later["bytes"] - sent["bytes"]) * 8 / 1000 / seconds,
        "fps": (later["frames"] - sent["frames"]) / seconds,
        "keys/s": (later["keys"] - sent["keys"]) / seconds,
    }
    return rounded(figures | of_pictures(first, last, VGA))


def row(kind: str, figures: Mapping[str, float]) -> str:
    names = ("cpu %", "pictures/s", "gap s p99", "picture kB", "psnr dB p50", "kbit/s", "fps")
    cells = [f"{figures[name]:.4g}" if name in figures else "–" for name in (*names, "keys/s")]
    return f"| {kind} | " + " | ".join(cells) + " |"


def section(rows: Sequence[str]) -> str:
    """Of docs/benchmarks.md; empty when there are no rows."""
    if not rows:
        return ""
    head = [
        "## One Chromium",
        "",
        "Its fake camera (640×480, 30 fps) and microphone, its own encoder and rate control;"
        f" {SHORT_S:g} seconds, after {WARM_UP_S + BITRATE_RAMP_S:g} seconds to find its bitrate.",
        "",
        "| of | CPU, % | JPEG/s | gap p99, s | kB | PSNR p50, dB | sent, kbit/s | sent, fps"
        " | keys a second |",
        "|---" * 9 + "|",
    ]
    return "\n".join([*head, *rows])


def write_camera(path: Path) -> None:
    """The first pictures of the clip as Y4M, which Chromium plays in a loop."""
    with path.open("wb") as out:
        out.write(f"YUV4MPEG2 W{VGA.width} H{VGA.height} F{VGA.fps}:1 Ip A1:1 C420\n".encode())
        for index in range(FRAMES):
            rgb = np.asarray(source_picture(VGA, index))
            frame = av.VideoFrame.from_ndarray(rgb, format="rgb24").reformat(format="yuv420p")
            out.write(b"FRAME\n" + frame.to_ndarray().tobytes())


async def run(url: str) -> None:
    reader = asyncio.StreamReader()
    loop = asyncio.get_running_loop()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    with tempfile.TemporaryDirectory() as folder:
        camera = Path(folder) / "camera.y4m"
        write_camera(camera)
        async with find_chromium().launched(
            f"--use-file-for-fake-video-capture={camera}"
        ) as browser:
            page = await browser.new_page()
            page.set_default_timeout(CONNECT_LIMIT_MS)
            await page.goto(f"{url}/healthz")
            await page.evaluate(CONNECT)
            print(json.dumps({"connected": 1}), flush=True)
            while await reader.readline():
                told: dict[str, Any] = await page.evaluate(SENT)
                print(json.dumps(told), flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.chromium")
    parser.add_argument("url")
    asyncio.run(run(parser.parse_args().url))


if __name__ == "__main__":
    main()
