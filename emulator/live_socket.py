"""THIN: one Live connection; to be replaced by the full session."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import json
from typing import Any

import numpy as np
from aiohttp import WSMsgType, web

RATE_OUT = 24_000
START_RMS, SILENCE_S = 500.0, 0.6


class LiveSocket:
    def __init__(self, voice: Any, ears: Any) -> None:
        self.voice, self.ears = voice, ears
        self.utterance = bytearray()
        self.speaking = False
        self.quiet_s = 0.0
        self.turn: asyncio.Task[None] | None = None

    async def run(self, request: web.Request) -> web.WebSocketResponse:
        self.ws = web.WebSocketResponse(max_msg_size=32 * 1024 * 1024)
        await self.ws.prepare(request)
        try:
            async for message in self.ws:
                if message.type in (WSMsgType.TEXT, WSMsgType.BINARY):
                    await self.receive(json.loads(message.data))
        finally:
            if self.turn:
                self.turn.cancel()
                with contextlib.suppress(asyncio.CancelledError):
                    await self.turn
        return self.ws

    async def send(self, body: dict[str, Any]) -> None:
        await self.ws.send_bytes(json.dumps(body).encode())

    async def receive(self, body: dict[str, Any]) -> None:
        if "setup" in body:
            await self.send({"setupComplete": {}})
            return
        realtime = body.get("realtime_input") or body.get("realtimeInput")
        content = body.get("client_content") or body.get("clientContent")
        if realtime and "text" in realtime:
            await self.answer(realtime["text"])
        elif realtime and "audio" in realtime:
            data = realtime["audio"]["data"].replace("-", "+").replace("_", "/")
            await self.audio(base64.b64decode(data))
        elif content:
            words = [p["text"] for t in content.get("turns", []) for p in t["parts"] if "text" in p]
            if content.get("turnComplete") or content.get("turn_complete"):
                await self.answer(" ".join(words))

    async def audio(self, pcm: bytes) -> None:
        samples = np.frombuffer(pcm, "<i2").astype(np.float32)
        seconds = len(samples) / 16_000
        loud = samples.size > 0 and float(np.sqrt(np.mean(samples**2))) > START_RMS
        if loud and not self.speaking:
            self.speaking = True
            await self.interrupt()
        if self.speaking:
            self.utterance += pcm
            self.quiet_s = 0.0 if loud else self.quiet_s + seconds
            if self.quiet_s >= SILENCE_S:
                heard, self.utterance = bytes(self.utterance), bytearray()
                self.speaking, self.quiet_s = False, 0.0
                text = await self.ears.hear(heard) if self.ears else "something"
                await self.send({"serverContent": {"inputTranscription": {"text": text}}})
                await self.answer(text)

    async def interrupt(self) -> None:
        if self.turn and not self.turn.done():
            self.turn.cancel()
            await self.send({"serverContent": {"interrupted": True}})
            await self.send({"serverContent": {"turnComplete": True}})

    async def answer(self, text: str) -> None:
        await self.interrupt()
        self.turn = asyncio.create_task(self.speak(f"You said {text or 'nothing I understood'}."))

    async def speak(self, text: str) -> None:
        if self.voice:
            pcm = await self.voice.speak(text, voice="Kore")
        else:
            t = np.arange(int(RATE_OUT * 0.3)) / RATE_OUT
            tone = (9000 * np.sin(2 * np.pi * 440 * t)).astype("<i2").tobytes()
            pcm = (tone + bytes(RATE_OUT // 10 * 2)) * len(text.split())
        words = [f" {word}" for word in text.split()]
        chunks = [pcm[i : i + 9600] for i in range(0, len(pcm), 9600)]
        for n, chunk in enumerate(chunks):
            share = words[n * len(words) // len(chunks) : (n + 1) * len(words) // len(chunks)]
            if share:
                said = {"outputTranscription": {"text": "".join(share)}}
                await self.send({"serverContent": said})
            data = base64.b64encode(chunk).decode()
            blob = {"mimeType": "audio/pcm;rate=24000", "data": data}
            turn = {"role": "model", "parts": [{"inlineData": blob}]}
            await self.send({"serverContent": {"modelTurn": turn}})
            await asyncio.sleep(0.05)
        await self.send({"serverContent": {"generationComplete": True}})
        await asyncio.sleep(max(0.0, len(pcm) / 48_000 - 0.05 * len(chunks)))
        await self.send({"serverContent": {"turnComplete": True}})
