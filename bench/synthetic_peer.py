"""Synthetic peers: clients that send ready packets and note what comes back, cheaply.

A process of its own: connects its peers one after another, says so, and prints what they saw
when its standard input says so or ends. This file reaches into aiortc for what its sender of
ready packets does not do: answer a PLI with a key picture, and end without a goodbye.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from struct import Struct
from typing import Any, Final, Protocol

import aiohttp
import uvloop
from aiortc import MediaStreamTrack, RTCConfiguration, RTCPeerConnection, RTCSessionDescription

from bench.camera_clip import load_groups
from bench.figures import percentile
from bench.markers import PACKET_S, burst_of, speech_packets
from bench.rtp_stream import Pacer, RtpStream
from transports.aiortc_seam import IceBinding, SamplingReceiver, seam
from transports.rtp_arrival import RtpArrival

AUDIBLE_BYTES: Final = 40  # encoded silence is far shorter, an answer's tone is longer
CONNECT_LIMIT_S: Final = 30.0
# Stock switches its receivers off and on again while a call begins. What it misses meanwhile its
# jitter buffer waits for, up to 200 ms, for the rest of the call: so the media comes after that.
MEDIA_AFTER_S: Final = 1.0
PAYLOAD_BYTES: Final = 1150  # of a picture in one packet, about as libwebrtc cuts it
OPUS_HZ: Final = 48_000
VIDEO_HZ: Final = 90_000
PHASES: Final = 37  # packets by which the speech of one peer is ahead of that of the one before
_DESCRIPTOR: Final = Struct("!BBH")  # VP8 with a picture's 15-bit number (RFC 7741 section 4.2)


@dataclass
class Saw:
    """Of one peer; times are those of CLOCK_MONOTONIC, in seconds. `bursts`: when, and which."""

    bursts: list[tuple[float, int]] = field(default_factory=list)
    audible: list[float] = field(default_factory=list)
    pictures: list[tuple[float, int]] = field(default_factory=list)  # when key `n` was sent
    keys_asked: int = 0


class Speech:
    """The clip of `bench.markers`, in a loop from `offset` on."""

    interval_s = PACKET_S
    clock_step = int(PACKET_S * OPUS_HZ)

    def __init__(self, packets: Sequence[bytes], saw: Saw, offset: int) -> None:
        self._packets = packets
        self._saw = saw
        self._index = offset

    def next(self, now: float) -> Sequence[bytes]:
        burst = burst_of(self._index)
        if burst is not None:
            self._saw.bursts.append((now, burst))
        packet = self._packets[self._index % len(self._packets)]
        self._index += 1
        return (packet,)


class Camera:
    """The groups of a clip; `request_key` goes on with the next group."""

    def __init__(self, groups: Sequence[Sequence[Sequence[bytes]]], fps: int, saw: Saw) -> None:
        self.interval_s = 1 / fps
        self.clock_step = VIDEO_HZ // fps
        self._groups = groups
        self._saw = saw
        self._group = 0
        self._place = 0
        self._number = 0
        self._key_wanted = False

    def request_key(self) -> None:
        self._saw.keys_asked += 1
        self._key_wanted = True

    def next(self, now: float) -> Sequence[bytes]:
        if self._key_wanted or self._place >= len(self._groups[self._group]):
            self._key_wanted = False
            self._group = (self._group + 1) % len(self._groups)
            self._place = 0
        parts = self._groups[self._group][self._place]
        self._place += 1
        self._number = (self._number + 1) & 0x7FFF
        first = _DESCRIPTOR.pack(0x90, 0x80, 0x8000 | self._number)
        other = _DESCRIPTOR.pack(0x80, 0x80, 0x8000 | self._number)
        return [(other if index else first) + part for index, part in enumerate(parts)]


class SilentTrack(MediaStreamTrack):
    """Stands for the media that `RtpStream` sends."""

    def __init__(self, kind: str) -> None:
        super().__init__()
        self.kind = kind

    async def recv(self) -> Any:
        await asyncio.Event().wait()


@dataclass(frozen=True)
class Media:
    """What a peer sends. `groups`: pictures, each cut into payloads; none: no camera."""

    speech: Sequence[bytes]
    groups: Sequence[Sequence[Sequence[bytes]]]
    fps: int
    loss: float = 0.0

    def without_camera(self) -> Media:
        return replace(self, groups=[])

    def without_speech(self) -> Media:
        return replace(self, speech=[])


def media(clip: Path | None, fps: int, loss: float = 0.0) -> Media:
    groups = load_groups(clip) if clip else []
    cut = [[_cut(picture) for picture in group] for group in groups]
    return Media(speech_packets(), cut, fps, loss)


def _cut(picture: bytes) -> list[bytes]:
    """Into parts of about the same size, as libwebrtc does."""
    count = -(-len(picture) // PAYLOAD_BYTES)
    size = -(-len(picture) // count)
    return [picture[at : at + size] for at in range(0, len(picture), size)]


class Host(Protocol):
    """Whose room it is."""

    @property
    def session_id(self) -> str: ...

    @property
    def token(self) -> str: ...


class SyntheticPeer:
    """One participant of a room of its own, or of somebody's who is there."""

    def __init__(
        self, http: aiohttp.ClientSession, media: Media, number: int, pacer: Pacer
    ) -> None:
        self.saw = Saw()
        self.session_id = ""
        self.token = ""
        self._http = http
        self._connection = RTCPeerConnection(RTCConfiguration(iceServers=[]))
        self._opened = asyncio.Event()
        with seam(self, IceBinding(("127.0.0.1",))):
            if media.speech:
                speech = Speech(media.speech, self.saw, number * PHASES)
                sender = self._connection.addTrack(SilentTrack("audio"))
                self.streams = [RtpStream(sender, speech, pacer, media.loss, number)]
            else:
                self._connection.addTransceiver(SilentTrack("audio"))
                self.streams = []
            if media.groups:
                camera = Camera(media.groups, media.fps, self.saw)
                filming: Any = self._connection.addTrack(SilentTrack("video"))
                filming._send_keyframe = camera.request_key
                self.streams.append(RtpStream(filming, camera, pacer, media.loss, ~number))

    def wants(self, kind: str, ssrc: int, receiver: SamplingReceiver) -> bool:
        return True

    def on_rtp(self, arrival: RtpArrival, receiver: SamplingReceiver) -> None:
        if arrival.kind == "audio" and len(arrival.payload) >= AUDIBLE_BYTES:
            self.saw.audible.append(time.monotonic())

    async def join(self, host: Host | None = None) -> None:
        channel = self._connection.createDataChannel("chat")
        channel.on("open", self._opened.set)
        body = {} if host is None else {"sessionId": host.session_id, "token": host.token}
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
        for stream in self.streams:
            asyncio.get_running_loop().call_later(MEDIA_AFTER_S, stream.begin)

    def vanish(self) -> None:
        """From now on nothing leaves it, a goodbye neither."""
        transport: Any = self._connection.getSenders()[0].transport

        async def lost(data: bytes) -> None:
            pass

        transport.transport._connection.send = lost
        for stream in self.streams:
            stream.live = False

    async def _post(self, path: str, body: Any) -> Any:
        async with self._http.post(path, json=body) as response:
            response.raise_for_status()
            return await response.json()

    async def close(self) -> None:
        await self._connection.close()


async def run(arguments: argparse.Namespace) -> None:
    all_media = media(arguments.clip, arguments.fps, arguments.loss)
    reader = asyncio.StreamReader()
    loop = asyncio.get_running_loop()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    pacer = Pacer()
    async with aiohttp.ClientSession(arguments.url) as http:
        peers = []
        for number in range(arguments.peers):
            listens = arguments.one_room and number > 0
            sent = all_media.without_speech() if listens else all_media
            peers.append(SyntheticPeer(http, sent, number, pacer))
            await peers[-1].join(peers[0] if listens else None)
        print(json.dumps({"connected": len(peers)}), flush=True)
        while line := await reader.readline():
            saw = [asdict(peer.saw) for peer in peers] if line.strip() else []
            late_ms = round(1000 * percentile(pacer.late_s, 0.99), 2)
            pacer.late_s.clear()
            octets = sum(stream.octets for peer in peers for stream in peer.streams)
            told = {"peers": saw, "late_ms_p99": late_ms, "octets": octets}
            print(json.dumps(told), flush=True)
        await asyncio.gather(*(peer.close() for peer in peers))


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.synthetic_peer")
    parser.add_argument("url")
    parser.add_argument("--peers", type=int, default=1)
    parser.add_argument("--clip", type=Path)
    parser.add_argument("--fps", type=int, default=30)
    parser.add_argument("--loss", type=float, default=0.0)
    parser.add_argument("--one-room", action="store_true", help="the first speaks, others listen")
    uvloop.run(run(parser.parse_args()))


if __name__ == "__main__":
    main()
