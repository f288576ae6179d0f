"""One room: its pipeline, its peers, its record, from the first peer to the last."""

import asyncio
import logging
import secrets
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Executor
from contextlib import AsyncExitStack
from dataclasses import dataclass
from typing import Any, Final

from google import genai
from pipecat.frames.frames import Frame

from pipeline.assembly import running
from pipeline.errors import ServiceFull
from pipeline.fan_out import FanOut
from pipeline.gallery import Gallery
from pipeline.jobs import Jobs
from pipeline.lifecycle import Lifecycle, RoomEvent, RoomState
from pipeline.participant import Participant
from pipeline.room_settings import RoomSettings
from pipeline.signed_urls import UrlSigner
from pipeline.uploads import Uploads
from processors.audio_in import AudioIn
from processors.audio_out import AudioOut
from processors.conversation import Conversation
from processors.errors import ImageRefused
from processors.frames import (
    ImageEventFrame,
    LinkStatus,
    LinkStatusFrame,
    UsageFrame,
    UserImagesFrame,
    UserTextFrame,
)
from processors.gemini.live_config import live_connect_config
from processors.gemini.profiles import profile_for
from processors.gemini.stage import GeminiStage
from processors.images.pixels import Picture
from processors.images.store import MemoryStore
from processors.images.studio import CameraPicture, Studio
from processors.room_input import RoomInput
from processors.ticker import Ticker
from processors.tool_stage import ToolStage
from processors.tools import Tool, Toolset
from processors.transcripts import Transcripts
from processors.usage import Usage
from processors.video_in import VideoIn, VideoInConfig
from transports import rtvi
from transports.packet_track import opus_packet
from transports.picture_sampler import EncodedPicture
from transports.webrtc_peer import PeerConfig

logger = logging.getLogger(__name__)

AUDIO_TICK_BEATS: Final = 2  # 40 ms
RESEND_BEATS: Final = 25  # half a second


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
    max_upload_bytes: int
    idle_limit_s: float
    signer: UrlSigner
    tools: Sequence[Tool]


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
        self.studio = Studio(
            shared.client, settings.image, MemoryStore(), shared.executor, self._input.feed
        )
        self.gallery = Gallery(room_id, shared.signer, self.participants, shared.count)
        self.uploads = Uploads(shared.executor, shared.max_upload_bytes, self._uploaded)
        self.usage = Usage()
        self.created_at = time.time()
        self._jobs = Jobs()
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
            stack.push_async_callback(self._jobs.close)
            await stack.enter_async_context(running(self._stages()))
            stack.push_async_callback(self._dismiss)
            self._shared.ticker.subscribe(self._beat)
            stack.callback(self._shared.ticker.unsubscribe, self._beat)
            await self._until(lambda: self.lifecycle.over)

    def counted(self) -> dict[str, Any]:
        """The counters of every part, as dataclasses of numbers."""
        return {
            "room": self.counters,
            "room_input": self._input.counters,
            "audio_in": self.audio_in.counters,
            "video_in": self.video_in.counters,
            "audio_out": self.audio_out.counters,
        }

    def _stages(self) -> list[Any]:
        live = self.settings.live
        profile = profile_for(live.model, vertex=self._shared.vertex)
        tools = (*self.studio.tools(), *self._shared.tools)
        toolset = Toolset(tool for tool in tools if live.allows_tool(tool.name))
        gemini = GeminiStage(
            self._shared.client,
            live.model,
            lambda handle: live_connect_config(
                live,
                profile=profile,
                tools=toolset.declarations,
                handle=handle,
                vertex=self._shared.vertex,
            ),
        )
        return [
            self._input,
            gemini,
            ToolStage(
                toolset, self._shared.executor, model_waits=profile.tool_behavior == "BLOCKING"
            ),
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
        self.gallery.left(participant)
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
        self._jobs.start(self._take_file(participant, message))

    async def _take_file(self, participant: Participant, message: rtvi.SendFile) -> None:
        try:
            picture = await self.uploads.of_message_untrusted(message)
        except ImageRefused as refusal:
            self.count(refusal.counter)
            participant.send(rtvi.error_response(message.message_id, str(refusal)))
            return
        self._input.feed(
            UserImagesFrame(
                ((picture.mime_type, picture.data),),
                message.content,
                participant.peer_id,
                message.run_immediately,
            )
        )

    def asked(self, participant: Participant, message: rtvi.ClientMessage) -> None:
        if message.kind == "image-ack":
            self.gallery.acknowledged(participant, message.data)
            return
        self.count("message_unsupported")
        participant.send(rtvi.error_response(message.message_id, "Easel knows no such message."))

    def pictured(self, participant: Participant, picture: EncodedPicture) -> None:
        self.studio.camera = CameraPicture(picture.codec, picture.data, time.monotonic())
        self.video_in.picture(participant.peer_id, picture.codec, picture.data)

    def _uploaded(self, picture: Picture) -> None:
        self.studio.upload = picture

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
        self.gallery.joined(participant)

    def _on_frame(self, frame: Frame) -> None:
        match frame:
            case LinkStatusFrame():
                self._on_link_status(frame)
            case ImageEventFrame():
                self.gallery.show(frame)
            case UsageFrame():
                self.usage.add(frame.usage)

    def _on_link_status(self, frame: LinkStatusFrame) -> None:
        before, ready = self.link_status, LinkStatus.READY
        became_ready = before is not ready and frame.status is ready
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
        if self._beats % AUDIO_TICK_BEATS == 0:
            self.audio_in.tick(now)
        if self._beats % RESEND_BEATS == 0:
            self.gallery.send_due()
