"""One peer's WebRTC connection, from its offer to its end.

Yields Opus packets in order, at most one encoded picture per interval, and data channel
messages; takes ready Opus packets and text messages. Knows no room and no model.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, Protocol

from aiortc import (
    RTCConfiguration,
    RTCDataChannel,
    RTCIceCandidate,
    RTCIceServer,
    RTCPeerConnection,
    RTCRtpTransceiver,
    RTCSessionDescription,
)
from aiortc.exceptions import InvalidStateError
from aiortc.rtcconfiguration import RTCBundlePolicy
from av.packet import Packet

from transports.aiortc_seam import IceBinding, RtpArrival, SamplingReceiver, seam
from transports.errors import SignallingRefused
from transports.jitter import JitterWindow, Playable
from transports.packet_track import PacketTrack
from transports.picture_sampler import EncodedPicture
from transports.sdp import answer_with_public_hosts
from transports.video_receiver import VideoReceiver

logger = logging.getLogger(__name__)

CLOSE_LIMIT_S: Final = 3.0
MAX_BUFFERED_BYTES: Final = 4 << 20  # a browser closes the channel at 16 MiB


class PeerListener(Protocol):
    """What a peer tells its owner. Called on the event loop; must return quickly."""

    def on_audio(self, playable: Playable) -> None: ...

    def on_picture(self, picture: EncodedPicture) -> None: ...

    def on_message(self, data: str | bytes) -> None: ...


@dataclass(frozen=True, slots=True)
class IceServer:
    """A STUN or TURN server. `credential` is kept out of `repr`."""

    url: str
    username: str | None = None
    credential: str | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class PeerConfig:
    """`public_hosts` maps a bound address to the one that peers reach it at."""

    connect_limit_s: float = 15.0
    picture_interval_s: float = 1.0
    video_bits_per_s: int = 1_500_000
    binding: IceBinding = IceBinding()
    public_hosts: Mapping[str, str] = field(default_factory=dict)
    ice_servers: Sequence[IceServer] = ()


@dataclass(slots=True)
class PeerCounters:
    messages_in: int = 0
    messages_out: int = 0
    messages_dropped: int = 0


class WebRTCPeer:
    """One `RTCPeerConnection`. `answer()` first, then `run()` until it returns, then gone."""

    def __init__(self, peer_id: str, config: PeerConfig, listener: PeerListener) -> None:
        self.peer_id = peer_id
        self.counters = PeerCounters()
        self.jitter = JitterWindow()
        self._config = config
        self._listener = listener
        self._track = PacketTrack()
        self._video = VideoReceiver(
            config.picture_interval_s, config.video_bits_per_s, listener.on_picture
        )
        self._channel: RTCDataChannel | None = None
        self._connected = asyncio.Event()
        self._ended = asyncio.Event()
        self._end_reason = ""
        self._closing: asyncio.Task[None] | None = None
        self._connection = RTCPeerConnection(
            RTCConfiguration(
                iceServers=[
                    RTCIceServer(urls=s.url, username=s.username, credential=s.credential)
                    for s in config.ice_servers
                ],
                bundlePolicy=RTCBundlePolicy.MAX_BUNDLE,
            )
        )
        self._connection.on("connectionstatechange", self._on_state)
        self._connection.on("datachannel", self._on_channel)

    @property
    def video(self) -> VideoReceiver:
        return self._video

    @property
    def state(self) -> str:
        """As in the WebRTC API: new, connecting, connected, failed or closed."""
        return str(self._connection.connectionState)

    async def answer(self, offer_sdp: str) -> str:
        """Applies an offer that `sdp.offer_untrusted` let through; returns the answer's SDP.

        Also for renegotiation. Raises `SignallingRefused` when aiortc cannot negotiate it.
        """
        with seam(self, self._config.binding):
            try:
                await self._connection.setRemoteDescription(
                    RTCSessionDescription(sdp=offer_sdp, type="offer")
                )
                self._direct_transceivers()
                await self._connection.setLocalDescription(await self._connection.createAnswer())
            except (ValueError, InvalidStateError, KeyError, AssertionError) as error:
                logger.info("offer not negotiable: %s", type(error).__name__)
                raise SignallingRefused(
                    "The SDP offer cannot be negotiated.", counter="sdp_malformed"
                ) from None
        return answer_with_public_hosts(
            self._connection.localDescription.sdp, self._config.public_hosts
        )

    def _direct_transceivers(self) -> None:
        """The first audio goes both ways; everything else only comes in."""
        talking: RTCRtpTransceiver | None = None
        for transceiver in self._connection.getTransceivers():
            if transceiver.kind == "audio" and talking is None:
                talking = transceiver
                if transceiver.sender.track is not self._track:
                    transceiver.sender.replaceTrack(self._track)
                transceiver.direction = "sendrecv"
            else:
                transceiver.direction = "recvonly"

    async def add_candidate(self, candidate: RTCIceCandidate) -> None:
        """Adds one that `ice.candidate_untrusted` let through; ignored once ended."""
        try:
            await self._connection.addIceCandidate(candidate)
        except (ValueError, InvalidStateError):
            logger.debug("candidate not usable any more")

    async def run(self) -> str:
        """Lives until the connection ends; returns why, in words. Releases everything."""
        try:
            async with asyncio.timeout(self._config.connect_limit_s):
                await self._first_of(self._connected, self._ended)
            await self._video.run(self._ended)
        except TimeoutError:
            self.end(f"did not connect within {self._config.connect_limit_s:g} s")
        finally:
            await self.close()
        return self._end_reason

    @staticmethod
    async def _first_of(*events: asyncio.Event) -> None:
        waiters = [asyncio.create_task(event.wait()) for event in events]
        try:
            await asyncio.wait(waiters, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for waiter in waiters:
                waiter.cancel()
            await asyncio.gather(*waiters, return_exceptions=True)

    def end(self, reason: str) -> None:
        """Asks `run()` to return. The first reason given is the one that counts."""
        if not self._ended.is_set():
            self._end_reason = reason
            self._ended.set()

    async def close(self) -> None:
        """Idempotent, bounded by `CLOSE_LIMIT_S`; may be awaited by several at once."""
        self.end("closed by the service")
        if self._closing is None:
            self._closing = asyncio.create_task(self._close())
        await asyncio.shield(self._closing)

    async def _close(self) -> None:
        self._track.stop()
        try:
            async with asyncio.timeout(CLOSE_LIMIT_S):
                await self._connection.close()
        except TimeoutError:
            logger.warning("peer connection did not close within %g s", CLOSE_LIMIT_S)
        except Exception:  # aiortc's close() raises whatever its transports do
            logger.warning("peer connection did not close cleanly", exc_info=True)

    def send_audio(self, packet: Packet[Any]) -> None:
        if self._connected.is_set():
            self._track.send(packet)

    def flush_audio(self) -> int:
        return self._track.flush()

    def send_message(self, text: str) -> bool:
        """False when it could not be queued: no open channel, too much unsent, too long."""
        channel = self._channel
        if channel is None or channel.readyState != "open":
            return False
        if channel.bufferedAmount > MAX_BUFFERED_BYTES:
            self.counters.messages_dropped += 1
            return False
        try:
            channel.send(text)
        except (ValueError, InvalidStateError):  # longer than the peer's limit, or just closed
            self.counters.messages_dropped += 1
            return False
        self.counters.messages_out += 1
        return True

    def attach_receiver(self, kind: str, receiver: SamplingReceiver) -> None:
        if kind == "video":
            self._video.attach(receiver)

    def on_rtp(self, arrival: RtpArrival) -> None:
        if arrival.kind == "video":
            self._video.on_rtp(arrival, time.monotonic())
        elif arrival.codec == "opus":
            for playable in self.jitter.push(arrival.sequence, arrival.timestamp, arrival.payload):
                self._listener.on_audio(playable)

    def _on_state(self) -> None:
        state = self.state
        logger.debug("connection is %s", state)
        if state == "connected":
            self._connected.set()
        elif state in ("failed", "closed"):
            self.end("the connection failed" if state == "failed" else "the peer left")

    def _on_channel(self, channel: RTCDataChannel) -> None:
        if self._channel is not None and self._channel.readyState == "open":
            return  # one channel for each peer; the SDKs open no other
        self._channel = channel
        channel.on("message", self._on_message)

    def _on_message(self, data: str | bytes) -> None:
        self.counters.messages_in += 1
        self._listener.on_message(data)
