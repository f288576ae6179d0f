"""A scripted Gemini that paints: a Live endpoint and an image model whose every byte is timed.

A process of its own, like `bench.live_endpoint`. What a peer writes is its script: "draw 3" makes
three tool calls in one message, "talk" an answer of `TALK_S` at once, "talk and draw 3" both. The
image model sends a draft after `DRAFT_S` and the picture after `--seconds`.
"""

import argparse
import asyncio
import base64
import io
import itertools
import json
import math
import re
import sys
import tempfile
import time
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Final

import numpy as np
from aiohttp import WSMsgType, web
from PIL import Image, ImageFilter

from emulator.certificate import make_certificate

DRAFT_S: Final = 0.3
TALK_S: Final = 12.0
CHUNK_S: Final = 0.2
FASTER: Final = 4  # than real time, as Gemini speaks
OUTPUT_HZ: Final = 24_000
SIDE: Final = 1024
PAINTED: Final = 8  # different pictures, in turn
NOISE: Final = 24
QUALITY: Final = 92
MAX_BODY_BYTES: Final = 64 << 20


@dataclass
class Noted:
    """Times of CLOCK_REALTIME, in seconds, since a browser knows no other. `finals`: when the last
    byte of a picture was handed to the kernel, by the number in its prompt."""

    calls: dict[str, float] = field(default_factory=dict)
    drafts: dict[str, float] = field(default_factory=dict)
    finals: dict[str, float] = field(default_factory=dict)
    results: int = 0


class Painter:
    def __init__(self, kind: str, seconds: float) -> None:
        self.noted = Noted()
        self._seconds = seconds
        self._mime = f"image/{kind}"
        self._pictures = itertools.cycle([_painted(number, kind) for number in range(PAINTED)])
        self._numbers = itertools.count(1)
        self._speech = _tone()

    def app(self) -> web.Application:
        app = web.Application(client_max_size=MAX_BODY_BYTES)
        app.router.add_post("/{path:.*}", self.paint)
        app.router.add_get("/{path:.*}", self.live)
        return app

    async def paint(self, request: web.Request) -> web.StreamResponse:
        body = await request.json()
        number = re.findall(r"number (\d+)", json.dumps(body["contents"][-1]))[-1]
        response = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
        await response.prepare(request)
        draft, picture = next(self._pictures)
        await asyncio.sleep(min(DRAFT_S, self._seconds / 2))
        await self._send(response, draft, thought=True)
        self.noted.drafts[number] = time.time()
        await asyncio.sleep(max(0.0, self._seconds - DRAFT_S))
        await self._send(response, picture, thought=False)
        await response.write_eof()
        self.noted.finals[number] = time.time()
        return response

    async def _send(self, response: web.StreamResponse, data: str, *, thought: bool) -> None:
        part: dict[str, Any] = {"inlineData": {"mimeType": self._mime, "data": data}}
        part |= {"thought": True} if thought else {"thoughtSignature": "c2lnbmVk"}
        candidate: dict[str, Any] = {"content": {"role": "model", "parts": [part]}, "index": 0}
        if not thought:
            candidate["finishReason"] = "STOP"
        event = json.dumps({"candidates": [candidate]})
        await response.write(b"data: " + event.encode() + b"\r\n\r\n")

    async def live(self, request: web.Request) -> web.WebSocketResponse:
        socket = web.WebSocketResponse(max_msg_size=MAX_BODY_BYTES)
        await socket.prepare(request)
        await socket.receive()
        await _say(socket, {"setupComplete": {}})
        talks: set[asyncio.Task[None]] = set()
        async for message in socket:
            if message.type in (WSMsgType.TEXT, WSMsgType.BINARY):
                talks |= await self._obey(socket, json.loads(message.data))
        for talk in talks:
            talk.cancel()
        await asyncio.gather(*talks, return_exceptions=True)
        return socket

    async def _obey(
        self, socket: web.WebSocketResponse, message: dict[str, Any]
    ) -> set[asyncio.Task[None]]:
        if "tool_response" in message or "toolResponse" in message:
            self.noted.results += 1
            return set()
        given = message.get("realtime_input") or message.get("realtimeInput") or {}
        words = given.get("text", "")
        draws = re.search(r"draw (\d+)", words)
        if draws:
            await self._call(socket, int(draws[1]))
        if "talk" in words:
            return {asyncio.create_task(self._talk(socket))}
        if draws:
            await _say(socket, {"serverContent": {"turnComplete": True}})
        return set()

    async def _call(self, socket: web.WebSocketResponse, count: int) -> None:
        numbers = [str(next(self._numbers)) for _ in range(count)]
        calls = [
            {"id": f"call-{n}", "name": "create_image", "args": {"prompt": f"Picture number {n}"}}
            for n in numbers
        ]
        await _say(socket, {"toolCall": {"functionCalls": calls}})
        self.noted.calls.update(dict.fromkeys(numbers, time.time()))

    async def _talk(self, socket: web.WebSocketResponse) -> None:
        for _ in range(int(TALK_S / CHUNK_S)):
            part = {"inlineData": {"mimeType": "audio/pcm;rate=24000", "data": self._speech}}
            await _say(socket, {"serverContent": {"modelTurn": {"parts": [part]}}})
            await asyncio.sleep(CHUNK_S / FASTER)
        await _say(socket, {"serverContent": {"generationComplete": True}})
        await asyncio.sleep(TALK_S * (1 - 1 / FASTER))
        await _say(socket, {"serverContent": {"turnComplete": True}})


async def _say(socket: web.WebSocketResponse, message: dict[str, Any]) -> None:
    if not socket.closed:
        await socket.send_bytes(json.dumps(message).encode())


def _tone() -> str:
    times = np.arange(int(CHUNK_S * OUTPUT_HZ)) / OUTPUT_HZ
    tone = (8000 * np.sin(2 * math.pi * 440 * times)).astype("<i2")
    return base64.b64encode(tone.tobytes()).decode()


def _painted(number: int, kind: str) -> tuple[str, str]:
    """A draft and a picture of about the size that an image model's have, in base64."""
    noise = np.random.default_rng(number)
    cells = noise.integers(0, 255, (8, 8, 3), dtype=np.uint8)
    ground = Image.fromarray(cells).resize((SIDE, SIDE), Image.Resampling.BICUBIC)
    grain = noise.integers(-NOISE, NOISE, (SIDE, SIDE, 1))
    pixels = np.clip(np.asarray(ground).astype(int) + grain, 0, 255).astype(np.uint8)
    picture = Image.fromarray(pixels).filter(ImageFilter.GaussianBlur(1))
    draft = picture.resize((SIDE // 4, SIDE // 4))
    return _encoded(draft, kind), _encoded(picture, kind)


def _encoded(picture: Image.Image, kind: str) -> str:
    out = io.BytesIO()
    picture.save(out, kind.upper(), **({"quality": QUALITY} if kind == "jpeg" else {}))
    return base64.b64encode(out.getvalue()).decode()


async def run(arguments: argparse.Namespace) -> None:
    painter = Painter(arguments.kind, arguments.seconds)
    reader = asyncio.StreamReader()
    loop = asyncio.get_running_loop()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    runner = web.AppRunner(painter.app(), access_log=None, shutdown_timeout=1.0)
    await runner.setup()
    with tempfile.TemporaryDirectory() as folder:
        certificate = make_certificate(Path(folder), ("127.0.0.1",))
        await web.TCPSite(runner, "127.0.0.1", 0, ssl_context=certificate.context).start()
        url = f"https://127.0.0.1:{runner.addresses[0][1]}"
        print(json.dumps({"url": url, "certificate": str(certificate.path)}), flush=True)
        while await reader.readline():
            print(json.dumps(asdict(painter.noted)), flush=True)
    await runner.cleanup()


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.pictures.painter")
    parser.add_argument("--kind", choices=("jpeg", "png"), default="jpeg")
    parser.add_argument("--seconds", type=float, default=1.2)
    asyncio.run(run(parser.parse_args()))


if __name__ == "__main__":
    main()
