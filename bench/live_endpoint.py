"""A scripted Live endpoint, for both stacks: answers by the clock, notes when what came.

A process of its own. Standard output: one JSON line with its address and certificate at the
start, one with what it saw for each line that comes on standard input.

Every session is spoken to for `SPEECH_S` of each `PERIOD_S`, faster than real time, as Gemini
does. In the mode "interrupt" each answer is long, and cut by `interrupted` while it plays.
"""

import argparse
import asyncio
import base64
import itertools
import json
import math
import sys
import tempfile
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Final

import numpy as np
import uvloop
from websockets.asyncio.server import ServerConnection, serve
from websockets.exceptions import ConnectionClosed

from bench.markers import HEARD_HZ, PACKET_S, BurstFinder, Heard
from emulator.certificate import make_certificate

PERIOD_S: Final = 9.0
SPEECH_S: Final = 3.0
FIRST_AFTER_S: Final = 2.0
CHUNK_S: Final = 0.2  # as Gemini's: 160 to 240 ms
FASTER: Final = 4  # than real time
OUTPUT_HZ: Final = 24_000
LONG_SPEECH_S: Final = 8.0
CUT_AFTER_S: Final = 2.03
# Turns and cuts come at another place between two packets each time: a service that sends on
# a tick would else be met at the same place of it in every turn.
PHASE_S: Final = 0.0063
TURN_END_AFTER_S: Final = 0.05
AMPLITUDE: Final = 8000
TONE_HZ: Final = 440.0
MAX_MESSAGE_BYTES: Final = 4 << 20


@dataclass
class Seen:
    """Of one session; times are those of CLOCK_MONOTONIC, in seconds."""

    opened_at: float
    audio_messages: int = 0
    audio_s: float = 0.0
    bursts: list[Heard] = field(default_factory=list)
    pictures: list[float] = field(default_factory=list)
    picture_bytes: list[int] = field(default_factory=list)
    kept: list[str] = field(default_factory=list)  # the last pictures, in base64
    answers: list[float] = field(default_factory=list)
    cuts: list[float] = field(default_factory=list)


class Endpoint:
    def __init__(self, mode: str, keep: int = 0) -> None:
        """`keep` so many pictures of each session."""
        self.sessions: list[Seen] = []
        self._mode = mode
        self._keep = keep
        self._chunk = _chunk()

    async def serve(self, socket: ServerConnection) -> None:
        seen = Seen(time.monotonic())
        try:
            await socket.recv()
            await _send(socket, {"setupComplete": {}})
            self.sessions.append(seen)
            async with asyncio.TaskGroup() as group:
                speaking = group.create_task(self._speak(socket, seen))
                try:
                    await self._listen(socket, seen)
                finally:
                    speaking.cancel()
        except* ConnectionClosed:
            pass

    async def _listen(self, socket: ServerConnection, seen: Seen) -> None:
        finder = BurstFinder(seen.bursts)
        async for message in socket:
            now = time.monotonic()
            content = json.loads(message)
            given = content.get("realtime_input") or content.get("realtimeInput") or {}
            if "audio" in given:
                self._hear(given["audio"], seen, finder, now)
            elif "video" in given:
                data = given["video"]["data"]
                seen.pictures.append(now)
                seen.picture_bytes.append(len(data) * 3 // 4)
                if self._keep:
                    seen.kept = [*seen.kept[1 - self._keep :], data]

    @staticmethod
    def _hear(blob: dict[str, str], seen: Seen, finder: BurstFinder, now: float) -> None:
        """Both stacks say `mime_type`, with the rate that the markers are made for."""
        rate_hz = int(blob.get("mime_type", f"rate={HEARD_HZ}").partition("rate=")[2])
        if rate_hz != HEARD_HZ:
            raise ValueError(f"speech came at {rate_hz} Hz")
        samples = np.frombuffer(_decoded(blob["data"]), "<i2")
        seen.audio_messages += 1
        seen.audio_s += samples.size / rate_hz
        finder.push(samples, now)

    async def _speak(self, socket: ServerConnection, seen: Seen) -> None:
        loop = asyncio.get_running_loop()
        first_at = loop.time() + FIRST_AFTER_S
        long = self._mode == "interrupt"
        period_s = PERIOD_S / 2 if long else PERIOD_S
        for turn in itertools.count():
            turn_at = first_at + turn * period_s + turn * PHASE_S % PACKET_S
            await asyncio.sleep(max(0.0, turn_at - loop.time()))
            seen.answers.append(time.monotonic())
            await self._answer(socket, LONG_SPEECH_S if long else SPEECH_S)
            if long:
                await asyncio.sleep(max(0.0, turn_at + CUT_AFTER_S - loop.time()))
                seen.cuts.append(time.monotonic())
                await _send(socket, {"serverContent": {"interrupted": True}})
                await asyncio.sleep(TURN_END_AFTER_S)
            await _send(socket, {"serverContent": {"turnComplete": True}})

    async def _answer(self, socket: ServerConnection, length_s: float) -> None:
        loop = asyncio.get_running_loop()
        begun = loop.time()
        count = math.ceil(length_s / CHUNK_S)
        for index in range(count):
            await asyncio.sleep(max(0.0, begun + index * CHUNK_S / FASTER - loop.time()))
            await socket.send(self._chunk)
            words = {"serverContent": {"outputTranscription": {"text": " word"}}}
            await _send(socket, words)
        await _send(socket, {"serverContent": {"generationComplete": True}})


def _decoded(data: str) -> bytes:
    return base64.b64decode(data.translate(str.maketrans("-_", "+/")))


async def _send(socket: ServerConnection, content: dict[str, Any]) -> None:
    await socket.send(json.dumps(content).encode())


def _chunk() -> bytes:
    steps = np.arange(int(CHUNK_S * OUTPUT_HZ))
    pcm = (AMPLITUDE * np.sin(2 * np.pi * TONE_HZ * steps / OUTPUT_HZ)).astype("<i2")
    data = base64.b64encode(pcm.tobytes()).decode()
    blob = {"mimeType": f"audio/pcm;rate={OUTPUT_HZ}", "data": data}
    content = {"modelTurn": {"role": "model", "parts": [{"inlineData": blob}]}}
    return json.dumps({"serverContent": content}).encode()


async def _reports(endpoint: Endpoint) -> None:
    reader = asyncio.StreamReader()
    loop = asyncio.get_running_loop()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    while await reader.readline():
        print(json.dumps([asdict(seen) for seen in endpoint.sessions]), flush=True)


@asynccontextmanager
async def listening(endpoint: Endpoint, folder: Path) -> AsyncIterator[tuple[str, Path]]:
    certificate = make_certificate(folder)
    async with serve(
        endpoint.serve,
        "127.0.0.1",
        0,
        ssl=certificate.context,
        compression=None,
        max_size=MAX_MESSAGE_BYTES,
        ping_interval=None,
    ) as server:
        port = next(iter(server.sockets)).getsockname()[1]
        yield f"https://127.0.0.1:{port}", certificate.path


async def run(mode: str, keep: int) -> None:
    endpoint = Endpoint(mode, keep)
    with tempfile.TemporaryDirectory() as folder:
        async with listening(endpoint, Path(folder)) as (url, certificate):
            print(json.dumps({"url": url, "certificate": str(certificate)}), flush=True)
            await _reports(endpoint)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.live_endpoint")
    parser.add_argument("--mode", choices=["talk", "interrupt"], default="talk")
    parser.add_argument("--keep-pictures", type=int, default=0)
    arguments = parser.parse_args()
    uvloop.run(run(arguments.mode, arguments.keep_pictures))


if __name__ == "__main__":
    main()
