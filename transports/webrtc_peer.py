"""One peer's WebRTC connection, from its offer to its end.

Yields Opus packets in order, at most one encoded picture per interval, and data channel
messages; takes ready Opus packets and text messages. Knows no room and no model.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final, Protocol

from aiortc import (
    RTCConfiguration,
    RTCDataChannel,
    RTCIceCandidate,
    RTCIceServer,
    RTCPeerConnection,
    RTCSessionDescription,
)
from aiortc.exceptions import InvalidStateError
from aiortc.rtcconfiguration import RTCBundlePolicy

from transports import rtvi
from transports.aiortc_seam import Arrivals, SamplingReceiver, seam
from transports.aiortc_seam.direct_sender import DirectSender
from transports.audio_receiver import AudioReceiver
from transports.errors import NoAddressLeft, SignallingRefused
from transports.jitter import Playable
from transports.peer_config import IceServer, PeerConfig
from transports.picture_sampler import EncodedPicture
from transports.presence import Presence, PresenceWatch
from transports.rate_limit import TokenBucket
from transports.rtp_arrival import RtpArrival
from transports.sdp import CANDIDATE, answer_with_public_hosts, fingerprints
from transports.video_receiver import VideoReceiver

logger = logging.getLogger(__name__)

CLOSE_LIMIT_S: Final = 3.0
MAX_BUFFERED_BYTES: Final = 4 << 20  # a browser closes the channel at 16 MiB
MAX_CANDIDATES: Final = 64  # trickled over the whole life of a connection
MAX_SECTIONS: Final = 32  # of media, over the whole life of a connection: aiortc forgets none
MID: Final = "a=mid:"

MESSAGES_PER_S: Final = 50.0  # the SDKs send one ping a second, and what a person does
MESSAGE_BURST: Final = 200.0
COMPLAINTS_PER_S: Final = 1.0


class PeerListener(Protocol):
    """What a peer tells its owner. Called on the event loop; must return quickly."""

    def on_audio(self, playable: Playable) -> None: ...

    def on_picture(self, picture: EncodedPicture) -> None: ...

    def on_message(self, data: str | bytes) -> None: ...

    def on_dropped(self, counter: str) -> None:
        """Something that the peer sent was dropped. `counter` names the metric."""


@dataclass(slots=True)
class PeerCounters:
    """`messages_over_rate` came faster than allowed, `messages_dropped` could not be sent.

    `packets_dropped` were malformed, or more than the connection could read.
    `audio_dropped` are packets to the peer that came when it could not be sent to. `absences`:
    so often nothing came for too long; `replaced` while it was there, by another connection.
    """

    messages_in: int = 0
    messages_over_rate: int = 0
    messages_out: int = 0
    messages_dropped: int = 0
    packets_dropped: int = 0
    candidates: int = 0
    audio_dropped: int = 0
    absences: int = 0
    replaced: int = 0


class WebRTCPeer:
    """One `RTCPeerConnection`. `answer()` first, then `run()` until it returns, then gone."""

    def __init__(self, peer_id: str, config: PeerConfig, listener: PeerListener) -> None:
        self.peer_id = peer_id
        self.counters = PeerCounters()
        self.audio = AudioReceiver(listener.on_audio)
        self.video = VideoReceiver(
            config.picture_interval_s, config.video_bits_per_s, listener.on_picture
        )
        self.presence = PresenceWatch(config.silence)
        self.fingerprints: frozenset[str] = frozenset()
        self._arrivals = Arrivals()
        self._config = config
        self._listener = listener
        self._sender: DirectSender | None = None
        self._channel: RTCDataChannel | None = None
        self._message_rate = TokenBucket(MESSAGES_PER_S, MESSAGE_BURST)
        self._complaint_rate = TokenBucket(COMPLAINTS_PER_S, 1.0)
        self._negotiating = asyncio.Lock()
        self._mids: set[str] = set()
        self._connected = asyncio.Event()
        self._ended = asyncio.Event()
        self._end_reason = ""
        self._closing: asyncio.Task[None] | None = None
        self._connection = RTCPeerConnection(_configuration(config.ice_servers))
        self._connection.on("connectionstatechange", self._on_state)
        self._connection.on("datachannel", self._on_channel)

    @property
    def state(self) -> str:
        """As in the WebRTC API: new, connecting, connected, failed or closed."""
        return str(self._connection.connectionState)

    @property
    def ending(self) -> bool:
        return self._ended.is_set()

    def beat(self, now: float) -> bool:
        """Whether `presence` changed. Call it some times a second, with the loop's time."""
        heard, connected = self._arrivals.take(), self._connected.is_set()
        changed = self.presence.beat(now, connected=connected, heard=heard)
        if changed and self.presence.state is Presence.ABSENT:
            self.counters.absences += 1
        return changed

    def counters_by_part(self) -> dict[str, Any]:
        """Dataclasses of numbers that only grow."""
        return {
            "connection": self.counters,
            "jitter": self.audio.jitter.counters,
            "sampler": self.video.sampler.counters,
        }

    async def answer(self, offer_sdp: str) -> str:
        """Applies an offer that `sdp.offer_untrusted` let through; returns the answer's SDP.

        Also for renegotiation: when one is refused, the call goes on as it was. Raises
        `SignallingRefused` when aiortc cannot negotiate it or it is one with too many new
        sections, `NoAddressLeft` when there is no address to answer with.
        """
        async with self._negotiating:
            self._count_sections(offer_sdp)
            with seam(self, self._config.binding, self._on_packet_dropped, self._arrivals):
                try:
                    await self._negotiate(offer_sdp)
                except Exception as error:  # aiortc fails at odd offers in whatever way it does
                    logger.info("offer not negotiable: %s", type(error).__name__)
                    raise SignallingRefused(
                        "The SDP offer cannot be negotiated: Opus, VP8 and H.264 are what Easel"
                        " speaks.",
                        counter="sdp_not_negotiable",
                    ) from None
            self.fingerprints = fingerprints(offer_sdp)
            sdp = self._connection.localDescription.sdp
        if CANDIDATE not in sdp:
            raise NoAddressLeft("no address or port for ICE could be bound")
        return answer_with_public_hosts(sdp, self._config.public_hosts)

    def _count_sections(self, offer_sdp: str) -> None:
        lines = offer_sdp.splitlines()
        mids = self._mids | {line for line in lines if line.startswith(MID)}
        if len(mids) > MAX_SECTIONS:
            raise SignallingRefused(
                f"This connection has had its {MAX_SECTIONS} media sections: make a new one.",
                counter="sdp_too_large",
                status=413,
            )
        self._mids = mids

    async def _negotiate(self, offer_sdp: str) -> None:
        await self._connection.setRemoteDescription(
            RTCSessionDescription(sdp=offer_sdp, type="offer")
        )
        self._direct_transceivers()
        await self._connection.setLocalDescription(await self._connection.createAnswer())

    def _direct_transceivers(self) -> None:
        """The first audio goes both ways, others nowhere; all video only comes in."""
        talking = False
        for transceiver in self._connection.getTransceivers():
            if transceiver.kind == "video":
                transceiver.direction = "recvonly"
            elif talking:
                transceiver.direction = "inactive"
            else:
                talking = True
                transceiver.direction = "sendrecv"
                sender = transceiver.sender
                self._sender = sender if isinstance(sender, DirectSender) else None

    async def add_candidate(self, candidate: RTCIceCandidate) -> None:
        """Adds one that `ice.candidate_untrusted` let through; ignored once ended.

        Raises `SignallingRefused` after `MAX_CANDIDATES` of them.
        """
        if self.counters.candidates >= MAX_CANDIDATES:
            raise SignallingRefused(
                f"This connection has had its {MAX_CANDIDATES} ICE candidates.",
                counter="candidates_too_many",
                status=413,
            )
        self.counters.candidates += 1
        try:
            await self._connection.addIceCandidate(candidate)
        except (ValueError, InvalidStateError):
            logger.debug("candidate not usable any more")

    async def run(self) -> str:
        """Lives until the connection ends; returns why, in words. Releases everything."""
        try:
            if await self._connects():
                await self._receive_until_ended()
            else:
                self.end(f"did not connect within {self._config.connect_limit_s:g} s")
        except Exception:
            self._end_by_mistake()
        finally:
            await self.close()
        return self._end_reason

    async def _connects(self) -> bool:
        """False when the time limit passes first. True also when it ends before."""
        waiters = [asyncio.create_task(e.wait()) for e in (self._connected, self._ended)]
        return bool(await _first_of(*waiters, timeout_s=self._config.connect_limit_s))

    async def _receive_until_ended(self) -> None:
        feedback = asyncio.create_task(self.video.run(), name=f"video-{self.peer_id}")
        ended = asyncio.create_task(self._ended.wait())
        if feedback in await _first_of(feedback, ended):
            feedback.result()  # raises: it never ends by itself

    def end(self, reason: str) -> None:
        """Asks `run()` to return. The first reason given is the one that counts."""
        if not self._ended.is_set():
            self._end_reason = reason
            self._ended.set()

    async def close(self) -> None:
        """Idempotent, bounded by twice `CLOSE_LIMIT_S`; may be awaited by several at once."""
        self.end("closed by the service")
        if self._closing is None:
            self._closing = asyncio.create_task(self._close())
        await asyncio.shield(self._closing)

    async def _close(self) -> None:
        self.audio.close()
        try:
            async with asyncio.timeout(CLOSE_LIMIT_S):
                await self._connection.close()
        except Exception as error:  # aiortc's close() raises whatever its transports do
            logger.warning("connection did not close cleanly: %s", type(error).__name__)
            await self._release_sockets()

    async def _release_sockets(self) -> None:
        """What aiortc leaves open when its close() fails halfway, and never tries again."""
        stops = [part.stop() for part in self._parts()]
        try:
            async with asyncio.timeout(CLOSE_LIMIT_S):
                await asyncio.gather(*stops, return_exceptions=True)
        except TimeoutError:
            logger.warning("a connection was not released within %g s", CLOSE_LIMIT_S)

    def _parts(self) -> list[Any]:
        """Media first, then what carries it. Any: they share only their `stop`."""
        transceivers = self._connection.getTransceivers()
        media: list[Any] = [part for t in transceivers for part in (t.sender, t.receiver)]
        carriers = {t.receiver.transport for t in transceivers}
        if self._connection.sctp is not None:
            media.append(self._connection.sctp)
            carriers.add(self._connection.sctp.transport)
        dtls = [carrier for carrier in carriers if carrier is not None]
        return [*media, *dtls, *(carrier.transport for carrier in dtls)]

    def send_audio(self, payload: bytes, timestamp: int, duration: int) -> None:
        """A ready Opus packet, which leaves at once. Times count at 48 kHz."""
        if self._sender is None or not self._connected.is_set() or self._ended.is_set():
            return
        try:
            sent = self._sender.send_packet(payload, timestamp, duration)
        except Exception:  # the room's other peers must not go without
            self._end_by_mistake()
            return
        if not sent:
            self.counters.audio_dropped += 1

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

    def wants(self, kind: str, ssrc: int, receiver: SamplingReceiver) -> bool:
        try:
            return kind == "audio" or self.video.wants(ssrc, receiver)
        except Exception:  # as below
            self._end_by_mistake()
            return False

    def on_rtp(self, arrival: RtpArrival, receiver: SamplingReceiver) -> None:
        if self._ended.is_set():
            return  # it may have been replaced: its sound would mix with that of its successor
        try:
            if arrival.kind == "video":
                self.video.on_rtp(arrival, receiver)
            else:
                self.audio.on_rtp(arrival)
        except Exception:  # aiortc must not learn of it: it would say that the peer left
            self._end_by_mistake()

    def _on_packet_dropped(self, counter: str) -> None:
        self.counters.packets_dropped += 1
        self._listener.on_dropped(counter)

    def _end_by_mistake(self) -> None:
        """Call it where an exception is handled. Whatever goes wrong here ends this peer only."""
        if not self._ended.is_set():
            logger.exception("a connection failed")
            self.end("the service made a mistake")

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
        if self._ended.is_set():
            return
        self.counters.messages_in += 1
        now = time.monotonic()
        if self._message_rate.take(now):
            try:
                self._listener.on_message(data)
            except Exception:  # aiortc would take it for a malformed packet
                self._end_by_mistake()
            return
        self.counters.messages_over_rate += 1
        self._listener.on_dropped("message_over_rate")
        if self._complaint_rate.take(now):
            sentence = f"More than {MESSAGES_PER_S:g} messages a second: some were dropped."
            self.send_message(rtvi.error(sentence, fatal=False))


def _configuration(ice_servers: Sequence[IceServer]) -> RTCConfiguration:
    return RTCConfiguration(
        iceServers=[
            RTCIceServer(urls=server.url, username=server.username, credential=server.credential)
            for server in ice_servers
        ],
        bundlePolicy=RTCBundlePolicy.MAX_BUNDLE,
    )


async def _first_of(
    *tasks: asyncio.Task[Any], timeout_s: float | None = None
) -> set[asyncio.Task[Any]]:
    """Those that are done first, none after the time limit. The others are cancelled."""
    try:
        done, _ = await asyncio.wait(tasks, timeout=timeout_s, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
    return done
