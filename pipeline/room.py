"""One room: its pipeline, its peers, its record, from the first peer to the last."""

import asyncio
import logging
import secrets
from collections.abc import Callable
from concurrent.futures import Executor
from contextlib import AsyncExitStack
from dataclasses import dataclass
from typing import Any, Final

from google import genai
from pipecat.frames.frames import Frame

from pipeline.assembly import running
from pipeline.errors import ServiceFull
from pipeline.fan_out import FanOut
from pipeline.lifecycle import Lifecycle, RoomEvent, RoomState
from pipeline.participant import Participant
from pipeline.room_settings import RoomSettings
from processors.audio_in import AudioIn
from processors.audio_out import AudioOut
from processors.conversation import Conversation
from processors.frames import LinkStatus, LinkStatusFrame, UserTextFrame
from processors.gemini.live_config import live_connect_config
from processors.gemini.profiles import profile_for
from processors.gemini.stage import GeminiStage
from processors.room_input import RoomInput
from processors.ticker import Ticker
from processors.transcripts import Transcripts
from processors.video_in import VideoIn, VideoInConfig
from transports import rtvi
from transports.packet_track import opus_packet
from transports.webrtc_peer import PeerConfig

logger = logging.getLogger(__name__)

FAREWELL_S: Final = 1.0  # for the last message to leave before the connections close


@dataclass(frozen=True, slots=True)
class Shared:
    """What all rooms of the process use together."""

    client: genai.Client
    vertex: bool
    executor: Executor
    ticker: Ticker
    peer_config: PeerConfig
    count: Callable[[str], None]
    max_peers: int
    max_message_bytes: int
    idle_limit_s: float


@dataclass(slots=True)
class RoomCounters:
    peers: int = 0
    messages: int = 0
    messages_unsent: int = 0


class Room:
    """`run()` is its life; the registry starts and joins it. All else is called meanwhile."""

    def __init__(self, room_id: str, settings: RoomSettings, shared: Shared) -> None:
        self.room_id = room_id
        self.token = secrets.token_urlsafe(24)
        self.settings = settings
        self.conversation = Conversation()
        self.participants: dict[str, Participant] = {}
        self.counters = RoomCounters()
        self.link_status = LinkStatus.CONNECTING
        self._shared = shared
        self._input = RoomInput()
        self.audio_in = AudioIn(self._input.feed)
        self.video_in = VideoIn(
            VideoInConfig(
                interval_s=1.0 / settings.video.max_per_second,
                long_side_px=settings.video.long_side_px,
                jpeg_quality=settings.video.jpeg_quality,
            ),
            shared.executor,
            self._input.feed,
        )
        self.audio_out = AudioOut(self._send_audio, self._flush_audio)
        loop = asyncio.get_running_loop()
        self.lifecycle = Lifecycle(loop.time(), idle_limit_s=shared.idle_limit_s)
        self._changed = asyncio.Event()
        self._beats = 0

    async def run(self) -> None:
        """Waits for a first peer, talks until the room is over, releases everything."""
        async with AsyncExitStack() as stack:
            stack.callback(self._apply_released)
            await self._until(lambda: self.lifecycle.state is not RoomState.OPEN)
            if self.lifecycle.over:
                return
            stack.push_async_callback(self.video_in.close)
            await stack.enter_async_context(running(self._stages()))
            stack.push_async_callback(self._dismiss)
            self._shared.ticker.subscribe(self._beat)
            stack.callback(self._shared.ticker.unsubscribe, self._beat)
            await self._until(lambda: self.lifecycle.over)

    def _stages(self) -> list[Any]:
        profile = profile_for(self.settings.live.model, vertex=self._shared.vertex)
        gemini = GeminiStage(
            self._shared.client,
            self.settings.live.model,
            lambda handle: live_connect_config(
                self.settings.live,
                profile=profile,
                tools=[],
                handle=handle,
                vertex=self._shared.vertex,
            ),
        )
        return [
            self._input,
            gemini,
            self.audio_out,
            Transcripts(self.conversation),
            FanOut(self.broadcast, self._on_frame),
        ]

    async def _until(self, condition: Callable[[], bool]) -> None:
        """Sleeps through the room's changes and deadlines until `condition`."""
        while not condition():
            deadline = self.lifecycle.deadline
            self._changed.clear()
            try:
                async with asyncio.timeout_at(deadline):
                    await self._changed.wait()
            except TimeoutError:
                self._apply(RoomEvent.DEADLINE_PASSED, "nobody is here")

    async def _dismiss(self) -> None:
        for participant in list(self.participants.values()):
            await participant.close("the room has ended")
        self.participants.clear()

    def _apply_released(self) -> None:
        if not self.lifecycle.over:
            self._apply(RoomEvent.CLOSE_REQUESTED, "the room failed")
        if self.lifecycle.state is RoomState.CLOSING:
            self._apply(RoomEvent.RELEASED, "released")

    def _apply(self, event: RoomEvent, reason: str) -> None:
        self.lifecycle.apply(event, asyncio.get_running_loop().time(), reason)
        self._changed.set()

    def close(self, reason: str) -> None:
        """Asks `run()` to end. Idempotent."""
        if not self.lifecycle.over:
            self._apply(RoomEvent.CLOSE_REQUESTED, reason)

    async def offer(self, sdp: str, peer_id: str | None, *, restart: bool) -> tuple[str, str]:
        """Answers an offer: a new peer, one that returns, or one that renegotiates.

        Returns the answer's SDP and the peer's id. Raises `SignallingRefused`, `ServiceFull`.
        """
        participant = self.participants.get(peer_id or "")
        if participant is not None:
            answer = await (participant.connect(sdp) if restart else participant.renegotiate(sdp))
            return answer, participant.peer_id
        if len(self.participants) >= self._shared.max_peers:
            raise ServiceFull("This room is full.")
        participant = Participant(
            secrets.token_urlsafe(9), self, self._shared.peer_config, self._shared.max_message_bytes
        )
        self.participants[participant.peer_id] = participant
        try:
            answer = await participant.connect(sdp)
        except BaseException:
            self.participants.pop(participant.peer_id, None)
            raise
        self.counters.peers += 1
        if self.lifecycle.state in (RoomState.OPEN, RoomState.EMPTY):
            self._apply(RoomEvent.PEER_CAME, f"peer {participant.peer_id}")
        return answer, participant.peer_id

    def left(self, participant: Participant, reason: str) -> None:
        self.participants.pop(participant.peer_id, None)
        if not self.participants and self.lifecycle.state is RoomState.LIVE:
            self._apply(RoomEvent.PEERS_GONE, reason)

    def ready(self, participant: Participant) -> None:
        if self.link_status is LinkStatus.READY:
            self._greet(participant)

    def said(self, participant: Participant, message: rtvi.SendText) -> None:
        self._input.feed(
            UserTextFrame(message.content, participant.peer_id, message.run_immediately)
        )

    def file_sent(self, participant: Participant, message: rtvi.SendFile) -> None:
        participant.send(rtvi.error_response(message.message_id, "not yet"))

    def asked(self, participant: Participant, message: rtvi.ClientMessage) -> None:
        participant.send(rtvi.error_response(message.message_id, "unknown client-message"))

    def count(self, counter: str) -> None:
        self._shared.count(counter)

    def broadcast(self, message: str) -> None:
        for participant in self.participants.values():
            if participant.is_ready:
                self.counters.messages += 1
                if not participant.send(message):
                    self.counters.messages_unsent += 1

    def _greet(self, participant: Participant) -> None:
        assert participant.ready_id is not None  # callers ask is_ready first
        about = {"library": "easel", "peer": participant.peer_id}
        participant.send(rtvi.bot_ready(participant.ready_id, about))

    def _on_frame(self, frame: Frame) -> None:
        if isinstance(frame, LinkStatusFrame):
            became_ready = self.link_status is not frame.status is LinkStatus.READY
            self.link_status = frame.status
            if became_ready:
                for participant in self.participants.values():
                    if participant.is_ready:
                        self._greet(participant)
            if frame.status is LinkStatus.FAILED:
                self.close("the connection to Gemini failed")

    def _send_audio(self, payload: bytes, timestamp: int) -> None:
        packet = opus_packet(payload, timestamp)
        for participant in self.participants.values():
            participant.send_audio(packet)

    def _flush_audio(self) -> None:
        for participant in self.participants.values():
            participant.flush_audio()

    def _beat(self, now: float) -> None:
        self.audio_out.beat(now)
        self._beats += 1
        if self._beats % 2 == 0:
            self.audio_in.tick(now)
