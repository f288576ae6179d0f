"""One peer of a room: its connection, what it sends, and what it is told.

Outlives its connection: a client that lost it comes back (with its `pc_id`) as the same
participant, and need not say again that it is ready.
"""

from __future__ import annotations

import asyncio
import logging
import time
from typing import Protocol

from pipeline.connections import Connections
from pipeline.errors import PeerUnknown, RoomUnknown
from pipeline.log import log_context
from pipeline.redaction import SHOWN_ID_CHARS
from processors.audio_in import AudioIn
from processors.playout import TIMESTAMP_STEP
from transports import rtvi
from transports.errors import MessageRefused
from transports.ice import IceCandidate
from transports.jitter import CLOCK_HZ, Missing, Playable, Received, Silence
from transports.peer_config import PeerConfig
from transports.picture_sampler import EncodedPicture
from transports.presence import Presence
from transports.sdp import fingerprints
from transports.webrtc_peer import WebRTCPeer

logger = logging.getLogger(__name__)

CAMERA_INDEX = 1
SCREEN_INDEX = 2


class RoomView(Protocol):
    """What a participant may do to its room."""

    @property
    def audio_in(self) -> AudioIn: ...

    def ready(self, participant: Participant) -> None: ...

    def said(self, participant: Participant, message: rtvi.SendText) -> None: ...

    def file_sent(self, participant: Participant, message: rtvi.SendFile) -> None: ...

    def asked(self, participant: Participant, message: rtvi.ClientMessage) -> None: ...

    def pictured(self, participant: Participant, picture: EncodedPicture) -> None: ...

    def camera_off(self, participant: Participant) -> None: ...

    def presence_changed(self, participant: Participant) -> None: ...

    def left(self, participant: Participant, reason: str) -> None: ...

    def count(self, counter: str) -> None: ...


class Participant:
    """`connect` first. Its room is told that it has `left` when it has no connection any more,
    and none is coming up."""

    def __init__(
        self,
        peer_id: str,
        room: RoomView,
        config: PeerConfig,
        max_message_bytes: int,
        connections: Connections,
    ) -> None:
        self.peer_id = peer_id
        self.ready_id: str | None = None
        self.greeted = False
        self.joined_at = time.time()
        self._room = room
        self._config = config
        self._max_message_bytes = max_message_bytes
        self._connections = connections
        self._peer: WebRTCPeer | None = None
        self.has_connected = False
        self._attempts = 0
        self._offers = 0
        self._taken = 0  # the number of the offer that made the connection there is
        self._closes = 0
        self._lives: set[asyncio.Task[None]] = set()
        # A camera is on until it is said to be off; a screen, which few share, the other way.
        self._video_on = {CAMERA_INDEX: True, SCREEN_INDEX: False}

    @property
    def is_ready(self) -> bool:
        """The client said `client-ready`, in this connection or an earlier one."""
        return self.ready_id is not None

    @property
    def state(self) -> str:
        return "new" if self._peer is None else self._peer.state

    @property
    def presence(self) -> Presence:
        return Presence.COMING if self._peer is None else self._peer.presence.state

    def beat(self, now: float) -> None:
        """Some times a second: tells the room when its presence has changed."""
        if self._peer is not None and self._peer.beat(now):
            logger.info("peer %s is %s", self._shown_id, self.presence.name.lower())
            self._room.presence_changed(self)

    @property
    def _shown_id(self) -> str:
        return self.peer_id[:SHOWN_ID_CHARS]

    async def connect(self, offer_sdp: str) -> str:
        """A new connection for this offer, in place of any old one; returns the answer.

        Of offers that overlap the last one made counts, whichever is answered first. Raises
        `SignallingRefused`, `NoAddressLeft`, `RoomUnknown` when `close` came meanwhile, and
        `PeerUnknown` when a later offer was answered meanwhile.
        """
        self._attempts += 1
        self._offers += 1
        number = self._offers
        try:
            peer, answer = await self._negotiated(offer_sdp, number)
            self._taken = number
            self._take(peer)
            return answer
        finally:
            self._attempts -= 1
            self._leave_if_gone("an offer failed")

    async def _negotiated(self, offer_sdp: str, number: int) -> tuple[WebRTCPeer, str]:
        closes = self._closes
        peer = WebRTCPeer(self.peer_id, self._config, self)
        try:
            with log_context(peer=self.peer_id):
                answer = await peer.answer(offer_sdp)
            if self._closes != closes:
                raise RoomUnknown("The session has ended.")
            if self._taken > number:
                raise PeerUnknown("A later offer has taken the place of this one.")
            return peer, answer
        except BaseException:
            await peer.close()
            raise

    def _take(self, peer: WebRTCPeer) -> None:
        """In place of the connection there was."""
        old, self._peer, self.has_connected = self._peer, peer, True
        self._switch_video()
        if old is not None:
            self._replace(old)
        self._room.audio_in.add(self.peer_id)
        with log_context(peer=self.peer_id):
            life = asyncio.create_task(self._live(peer), name=f"peer-{self._shown_id}")
        self._connections.began(peer)
        self._lives.add(life)
        life.add_done_callback(self._lives.discard)

    def _replace(self, old: WebRTCPeer) -> None:
        """Whoever has it is told, in case it is another tab: it must not fight for its place.

        Also one that is absent: a tab that was frozen reads its messages when it thaws.
        """
        if old.send_message(rtvi.REPLACED) and old.presence.state is not Presence.ABSENT:
            old.counters.replaced += 1
        old.end("replaced by a new connection")
        self._room.audio_in.remove(self.peer_id)

    async def renegotiate(self, offer_sdp: str) -> str:
        """A further offer on the connection there is.

        Raises `SignallingRefused`, and `PeerUnknown` when that has ended or was replaced
        meanwhile. Where there is none, or the offer is of another one, as `connect`.
        """
        peer = self._peer
        gone = peer is None or peer.state in ("closed", "failed")
        if peer is None or gone or peer.fingerprints.isdisjoint(fingerprints(offer_sdp)):
            return await self.connect(offer_sdp)
        answer = await peer.answer(offer_sdp)
        if self._peer is not peer:
            raise PeerUnknown("The connection has ended.")
        return answer

    async def add_candidate(self, candidate: IceCandidate) -> None:
        if self._peer is not None:
            await self._peer.add_candidate(candidate)

    def send(self, message: str) -> bool:
        return self._peer is not None and self._peer.send_message(message)

    def send_audio(self, payload: bytes, timestamp: int) -> None:
        if self._peer is not None:
            self._peer.send_audio(payload, timestamp, TIMESTAMP_STEP)

    def is_by(self, fingerprint: str | None) -> bool:
        """Whether its connection is the one with this certificate; any is, if none is named."""
        if fingerprint is None or self._peer is None:
            return True
        return fingerprint.casefold() in self._peer.fingerprints

    def end_if_absent(self, reason: str) -> bool:
        """Ends its connection without a word. False: it is here, or it ends already."""
        peer = self._peer
        if peer is None or peer.ending or self.presence is not Presence.ABSENT:
            return False
        peer.end(reason)
        return True

    async def close(self, reason: str, *, for_good: bool = True) -> None:
        """Idempotent. Ends the connection and waits until it is released. One that is coming up
        is refused and released when it is negotiated. Not `for_good`: the client is not told that
        it is over, so that it comes back as after any loss."""
        self._closes += 1
        if self._peer is not None:
            if for_good:
                self._peer.send_message(rtvi.peer_left())
            self._peer.end(reason)
        if self._lives:  # not gather: a caller that is cancelled must not cancel them
            await asyncio.wait(self._lives)

    async def _live(self, peer: WebRTCPeer) -> None:
        reason = await peer.run()
        self._connections.ended(peer)
        logger.info("peer closed: %s", reason)
        if self._peer is peer:
            self._peer = None
            self._room.audio_in.remove(self.peer_id)
            self._leave_if_gone(reason)

    def _leave_if_gone(self, reason: str) -> None:
        """A client may come back before the end of its old connection has been noticed."""
        if self._peer is None and not self._attempts:
            self._room.left(self, reason)

    def on_audio(self, playable: Playable) -> None:
        now = asyncio.get_running_loop().time()
        audio = self._room.audio_in
        if isinstance(playable, Received):  # nearly always, 50 times a second
            audio.packet(self.peer_id, playable.payload, now)
            return
        match playable:
            case Missing(next_payload):
                audio.missing(self.peer_id, next_payload, now)
            case Silence(duration):
                audio.silence(self.peer_id, duration / CLOCK_HZ, now)

    def on_picture(self, picture: EncodedPicture) -> None:
        self._room.pictured(self, picture)

    def picture_lost(self) -> None:
        """A picture that later ones build on could not be decoded."""
        if self._peer is not None:
            self._peer.video.undecodable()

    def on_message(self, data: str | bytes) -> None:
        try:
            message = rtvi.decode_untrusted(data, max_bytes=self._max_message_bytes)
        except MessageRefused as refusal:
            self._room.count(refusal.counter)
            if refusal.message_id is not None:
                self.send(rtvi.error_response(refusal.message_id, str(refusal)))
            else:
                self.send(rtvi.error(str(refusal), fatal=False))
            return
        self._handle(message)

    def on_dropped(self, counter: str) -> None:
        self._room.count(counter)

    def _handle(self, message: rtvi.Inbound) -> None:
        match message:
            case rtvi.Ping():
                if self._peer is not None:
                    self._peer.presence.pings = True
            case rtvi.TrackStatus(index, enabled):
                self._on_track_status(index, enabled)
            case rtvi.ClientReady(message_id):
                self.ready_id, self.greeted = message_id, False
                self._room.ready(self)
            case rtvi.SendText():
                self._room.said(self, message)
            case rtvi.SendFile():
                self._room.file_sent(self, message)
            case rtvi.ClientMessage():
                self._room.asked(self, message)
            case rtvi.DisconnectBot():
                if self._peer is not None:
                    self._peer.end("the client disconnected")
            case rtvi.Unsupported(message_id, kind):
                self._room.count("message_unsupported")
                self.send(rtvi.error_response(message_id, f"Easel does not handle {kind}."))

    def _on_track_status(self, index: int, enabled: bool) -> None:
        """Kept over reconnects: the SDKs tell it once."""
        if index in self._video_on:
            self._video_on[index] = enabled
            self._switch_video()

    def _switch_video(self) -> None:
        """Without its camera a peer may still show its screen."""
        on = any(self._video_on.values())
        if self._peer is not None:
            self._peer.video.enabled = on
        if not on:
            self._room.camera_off(self)
