"""Synthetic peers: aiortc clients that send ready packets and note what comes back, cheaply.

A process of its own: connects its peers one after another, says so, and prints what they saw
when its standard input says so or ends. This file reaches into aiortc for what a browser does
and aiortc's sender of ready packets does not: answer a PLI with a key picture, and lose packets.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import pickle
import random
import sys
import time
from dataclasses import asdict, dataclass, field, replace
from fractions import Fraction
from pathlib import Path
from typing import Any, Final

import aiohttp
import uvloop
from aiortc import MediaStreamTrack, RTCConfiguration, RTCPeerConnection, RTCSessionDescription
from av.packet import Packet

from bench.markers import begins_burst, speech_packets
from transports.aiortc_seam import IceBinding, SamplingReceiver, seam
from transports.rtp_arrival import RtpArrival

AUDIO_S: Final = 0.02
AUDIBLE_BYTES: Final = 40  # encoded silence is far shorter, an answer's tone is longer
CONNECT_LIMIT_S: Final = 30.0
RTP_FIRST_BYTES: Final = range(128, 192)  # RFC 7983: the others are STUN and DTLS


@dataclass
class Saw:
    """Of one peer; times are those of CLOCK_MONOTONIC, in seconds."""

    bursts: list[float] = field(default_factory=list)
    audible: list[float] = field(default_factory=list)
    packets_sent: int = 0
    pictures_sent: int = 0
    keys_asked: int = 0


class Speech(MediaStreamTrack):
    """The clip of `bench.markers`, in a loop. `start_at`: so that not all peers speak at once."""

    kind = "audio"

    def __init__(self, packets: list[bytes], saw: Saw, offset: int) -> None:
        super().__init__()
        self._packets = packets
        self._saw = saw
        self._index = offset
        self._sent = 0
        self._start = time.monotonic()

    async def recv(self) -> Packet[Any]:
        await asyncio.sleep(self._start + self._sent * AUDIO_S - time.monotonic())
        packet: Packet[Any] = Packet(self._packets[self._index % len(self._packets)])
        packet.pts = self._sent * int(AUDIO_S * 48_000)
        packet.time_base = Fraction(1, 48_000)
        if begins_burst(self._index):
            self._saw.bursts.append(time.monotonic())
        self._saw.packets_sent += 1
        self._index += 1
        self._sent += 1
        return packet


class Camera(MediaStreamTrack):
    """The groups of a clip; `request_key` goes on with the next group."""

    kind = "video"

    def __init__(self, groups: list[list[bytes]], fps: int, saw: Saw) -> None:
        super().__init__()
        self._groups = groups
        self._fps = fps
        self._saw = saw
        self._group = 0
        self._place = 0
        self._sent = 0
        self._start = time.monotonic()
        self._key_wanted = False

    def request_key(self) -> None:
        self._saw.keys_asked += 1
        self._key_wanted = True

    async def recv(self) -> Packet[Any]:
        await asyncio.sleep(self._start + self._sent / self._fps - time.monotonic())
        if self._key_wanted or self._place >= len(self._groups[self._group]):
            self._key_wanted = False
            self._group = (self._group + 1) % len(self._groups)
            self._place = 0
        packet: Packet[Any] = Packet(self._groups[self._group][self._place])
        packet.pts = self._sent * 90_000 // self._fps
        packet.time_base = Fraction(1, 90_000)
        self._saw.pictures_sent += 1
        self._place += 1
        self._sent += 1
        return packet


class SyntheticPeer:
    """One participant of a room of its own, or of `session`."""

    def __init__(self, http: aiohttp.ClientSession, media: Media, number: int) -> None:
        self.saw = Saw()
        self.session_id = ""
        self.token = ""
        self._http = http
        self._connection = RTCPeerConnection(RTCConfiguration(iceServers=[]))
        self._opened = asyncio.Event()
        with seam(self, IceBinding(("127.0.0.1",))):
            if media.speaks:
                self._connection.addTrack(Speech(media.speech, self.saw, number * 37))
            else:
                self._connection.addTransceiver("audio")
            if media.groups:
                camera = Camera(media.groups, media.fps, self.saw)
                sender: Any = self._connection.addTrack(camera)
                sender._send_keyframe = camera.request_key
        self._loss = media.loss

    def wants(self, kind: str, ssrc: int, receiver: SamplingReceiver) -> bool:
        return True

    def on_rtp(self, arrival: RtpArrival, receiver: SamplingReceiver) -> None:
        if arrival.kind == "audio" and len(arrival.payload) >= AUDIBLE_BYTES:
            self.saw.audible.append(time.monotonic())

    async def join(self, session: SyntheticPeer | None = None) -> None:
        channel = self._connection.createDataChannel("chat")
        channel.on("open", self._opened.set)
        body = {} if session is None else {"sessionId": session.session_id, "token": session.token}
        started = await self._post("/start", {"body": body})
        self.session_id, self.token = started["sessionId"], started.get("token", "")
        with seam(self, IceBinding(("127.0.0.1",))):
            await self._connection.setLocalDescription(await self._connection.createOffer())
        sdp = self._connection.localDescription.sdp
        offer = {"sdp": sdp, "type": "offer", "pc_id": None}
        answer = await self._post(f"/sessions/{self.session_id}/api/offer", offer)
        with seam(self, IceBinding(("127.0.0.1",))):
            await self._connection.setRemoteDescription(
                RTCSessionDescription(answer["sdp"], answer["type"])
            )
        async with asyncio.timeout(CONNECT_LIMIT_S):
            await self._opened.wait()
        ready = {"version": "2.0.0", "about": {"library": "bench"}}
        message = {"label": "rtvi-ai", "type": "client-ready", "id": "1", "data": ready}
        channel.send(json.dumps(message))
        if self._loss:
            self._lose_packets()

    def _lose_packets(self) -> None:
        """Drops a share of the media on its way out, below SRTP, as a network would."""
        transport: Any = self._connection.getSenders()[0].transport
        ice: Any = transport.transport._connection
        send, rng = ice.send, random.Random(1)

        async def lossy(data: bytes) -> None:
            if data[0] in RTP_FIRST_BYTES and rng.random() < self._loss:
                return
            await send(data)

        ice.send = lossy

    def vanish(self) -> None:
        """From now on nothing leaves it, a goodbye neither."""
        transport: Any = self._connection.getSenders()[0].transport

        async def lost(data: bytes) -> None:
            pass

        transport.transport._connection.send = lost

    async def _post(self, path: str, body: Any) -> Any:
        async with self._http.post(path, json=body) as response:
            response.raise_for_status()
            return await response.json()

    async def close(self) -> None:
        await self._connection.close()


@dataclass(frozen=True)
class Media:
    speech: list[bytes]
    groups: list[list[bytes]]
    fps: int
    speaks: bool = True
    loss: float = 0.0

    def without_camera(self) -> Media:
        return replace(self, groups=[])


async def run(arguments: argparse.Namespace) -> None:
    groups = pickle.loads(arguments.clip.read_bytes()) if arguments.clip else []
    media = Media(speech_packets(), groups, arguments.fps, arguments.speaks, arguments.loss)
    reader = asyncio.StreamReader()
    loop = asyncio.get_running_loop()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    async with aiohttp.ClientSession(arguments.url) as http:
        peers = [SyntheticPeer(http, media, number) for number in range(arguments.peers)]
        for peer in peers:
            await peer.join(peers[0] if arguments.one_room and peer is not peers[0] else None)
        print(json.dumps({"connected": len(peers)}), flush=True)
        await reader.readline()
        print(json.dumps([asdict(peer.saw) for peer in peers]), flush=True)
        await asyncio.gather(*(peer.close() for peer in peers))


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.synthetic_peer")
    parser.add_argument("url")
    parser.add_argument("--peers", type=int, default=1)
    parser.add_argument("--clip", type=Path)
    parser.add_argument("--fps", type=int, default=30)
    parser.add_argument("--loss", type=float, default=0.0)
    parser.add_argument("--mute", dest="speaks", action="store_false")
    parser.add_argument("--one-room", action="store_true")
    uvloop.run(run(parser.parse_args()))


if __name__ == "__main__":
    main()
