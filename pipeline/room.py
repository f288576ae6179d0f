"""One room: its life, and what happens in it."""

import asyncio
import logging
import secrets
import time
from collections.abc import Callable, Coroutine
from contextlib import AsyncExitStack
from functools import partial
from typing import Any, Final

from pipecat.frames.frames import Frame

from pipeline.assembly import assemble, running
from pipeline.changes import UPDATE_SETTINGS, Changes
from pipeline.errors import RoomUnknown
from pipeline.fan_out import FanOut
from pipeline.gallery import Gallery
from pipeline.in_force import InForce
from pipeline.jobs import Jobs
from pipeline.lifecycle import CLOSING_LIMIT_S, Lifecycle, RoomEvent, RoomState
from pipeline.link_news import LinkNews
from pipeline.log import log_context
from pipeline.metering import Metering, limits_of
from pipeline.participant import Participant
from pipeline.peers import Peers
from pipeline.room_pictures import RoomPictures
from pipeline.room_record import Revived, room_record
from pipeline.room_settings import RoomSettings
from pipeline.saving import Encode, Saving
from pipeline.shared import Shared
from pipeline.uploads import Uploads
from processors.audio_in import AudioIn
from processors.billing.budget import Budget
from processors.billing.room_usage import RoomUsage
from processors.errors import ImageRefused
from processors.frames import (
    LinkStatus,
    LinkStatusFrame,
    ModelNoteFrame,
    UserImagesFrame,
    UserTextFrame,
)
from processors.pictures import CodedPictures
from transports import rtvi
from transports.picture_sampler import EncodedPicture
from transports.presence import Presence

logger = logging.getLogger(__name__)

AUDIO_TICK_BEATS: Final = 2  # 40 ms
RESEND_BEATS: Final = 25  # half a second
TOKEN_BYTES: Final = 24
FAREWELL: Final = "the room has ended"


class Room:
    """`run()` is its life; the registry starts and joins it. All else is called meanwhile."""

    def __init__(
        self,
        room_id: str,
        settings: RoomSettings,
        shared: Shared,
        before: Revived | None = None,
    ) -> None:
        """`before`: what it was before a restart of the service."""
        self.room_id = room_id
        self.token = secrets.token_urlsafe(TOKEN_BYTES) if before is None else before.token
        self.created_at = time.time() if before is None else before.created_at
        self._in_force = InForce(settings)
        self._link_news = LinkNews()
        self.peers = Peers(self, shared)
        self.parts = assemble(self._in_force, shared, self.peers.send_audio, room_id, before)
        live = self.parts.gemini.live
        self.changes = Changes(
            self._in_force,
            live,
            lambda: live.link.counters.breaks,
            self.parts.setup,
            self.parts.configure,
            vertex=shared.vertex,
        )
        self.gallery = Gallery(
            room_id, shared.signer, self.parts.studio.tree, self.peers.by_id, shared.count
        )
        self.pictures = RoomPictures(
            self.parts,
            self.gallery,
            Saving(self.parts.studio.store, self._record),
            self.peers.broadcast,
            shared,
        )
        self.metering = Metering(
            RoomUsage(settings.live.model, shared.prices),
            Budget(limits_of(settings.budget)),
            self.peers.broadcast,
            lambda: self.parts.conversation.turn,
            self.gallery.turn_of,
        )
        self.uploads = Uploads(shared.executor, shared.max_upload_bytes, self.pictures.uploaded)
        self.lifecycle = Lifecycle(_now(), idle_limit_s=shared.idle_limit_s)
        self._shared = shared
        self._jobs = Jobs()
        self._may_come_back = False
        self._changed = asyncio.Event()
        self._beats = 0
        self._greeting = settings.greeting if before is None else None

    @property
    def settings(self) -> RoomSettings:
        """Those in force now."""
        return self._in_force.settings

    @property
    def link_status(self) -> LinkStatus:
        return self._link_news.status

    @property
    def usage(self) -> RoomUsage:
        return self.metering.usage

    def usage_summary(self) -> dict[str, Any]:
        """As `GET /sessions/{id}` tells it."""
        return self.metering.summary(_now())

    @property
    def audio_in(self) -> AudioIn:
        return self.parts.audio_in

    async def run(self) -> None:
        """Waits for a first peer, talks until the room is over, releases everything."""
        limit = asyncio.timeout(None)
        try:
            async with limit:
                await self._run(limit)
        except TimeoutError:
            if not limit.expired():
                raise
            logger.warning("room was not released within %g s", CLOSING_LIMIT_S)

    async def _run(self, limit: asyncio.Timeout) -> None:
        async with AsyncExitStack() as stack:
            stack.callback(self._release)
            stack.push_async_callback(self._forget_unless_it_may_come_back)
            stack.push_async_callback(self.pictures.close)
            stack.push_async_callback(self._dismiss)
            await self._until(lambda: self.lifecycle.state is not RoomState.OPEN)
            if self.lifecycle.over:
                return
            stack.push_async_callback(self.parts.video_in.close)
            stack.push_async_callback(self._jobs.close)
            stack.push_async_callback(self.changes.close)
            self.pictures.begin()
            last = FanOut(self.peers.broadcast, self.on_frame)
            stages = [*self.parts.stages, last]
            ended = partial(self.close, "its pipeline ended")
            await stack.enter_async_context(running(stages, ended))
            stack.push_async_callback(self._dismiss)  # before the pipeline ends
            self._shared.ticker.subscribe(self._beat)
            stack.callback(self._shared.ticker.unsubscribe, self._beat)
            await self._until(lambda: self.lifecycle.over)
            limit.reschedule(self.lifecycle.deadline)

    async def _until(self, condition: Callable[[], bool]) -> None:
        """Sleeps through the room's changes and deadlines until `condition`."""
        while not condition():
            self._changed.clear()
            try:
                async with asyncio.timeout_at(self.lifecycle.deadline):
                    await self._changed.wait()
            except TimeoutError:
                if not self._changed.is_set():  # else somebody came at the last moment
                    self._apply(RoomEvent.DEADLINE_PASSED, "nobody is here")

    async def _dismiss(self) -> None:
        await self.peers.dismiss(FAREWELL, for_good=not self._may_come_back)

    async def _forget_unless_it_may_come_back(self) -> None:
        if not self._may_come_back:
            await self.pictures.saving.forget()

    def _release(self) -> None:
        self.close("the room failed")
        if self.lifecycle.deadline is not None and _now() >= self.lifecycle.deadline:
            self._apply(RoomEvent.DEADLINE_PASSED, "not released in time")
        else:
            self._apply(RoomEvent.RELEASED, "released")

    def _apply(self, event: RoomEvent, reason: str) -> None:
        with log_context(room=self.room_id):  # whoever calls: a door, the registry, the ticker
            self.lifecycle.apply(event, _now(), reason)
        self.metering.budget.presence(self.lifecycle.state is RoomState.LIVE, _now())
        self._changed.set()

    def close(self, reason: str, *, may_come_back: bool = False) -> None:
        """Asks `run()` to end. Idempotent. `may_come_back`: the service ends, not the talk."""
        if not self.lifecycle.over:
            self._may_come_back = may_come_back
            self._apply(RoomEvent.CLOSE_REQUESTED, reason)

    async def offer(self, sdp: str, peer_id: str | None, *, restart: bool) -> tuple[str, str]:
        """The answer to an offer, and the id of the peer.

        Raises `SignallingRefused`, `NoAddressLeft`, `ServiceFull`, `PeerUnknown` when there is
        no such peer or its connection ended meanwhile, and `RoomUnknown` when the room did.
        """
        answer, participant = await self.peers.answer(sdp, peer_id, restart=restart)
        if self.lifecycle.over:
            await participant.close(FAREWELL)
            raise RoomUnknown("The session has ended.")
        if participant.is_ready:
            self.gallery.joined(participant)
        self._somebody_came("a peer came")
        return answer, participant.peer_id

    def counters(self) -> dict[str, Any]:
        """Each part's counters, a dataclass of numbers."""
        return {
            "peers": self.peers.counters,
            "changes": self.changes.counters,
            **self.peers.connections.counters(),
            **self.parts.counters(),
            "budget": self.metering.budget.counters,
        }

    def _record(self) -> Encode:
        tree, conversation = self.parts.studio.tree, self.parts.conversation
        now = room_record(self.token, self.created_at, self.settings, tree, conversation)
        return now.encoded

    # What participants do (RoomView).

    def ready(self, participant: Participant) -> None:
        if self._link_news.welcomes:
            self._welcome(participant)
        for message in self._link_news.standing:
            participant.send(message)
        self._end_if_failed()

    def left(self, participant: Participant, reason: str) -> None:
        self.peers.remove(participant)
        self.gallery.left(participant)
        self.parts.video_in.forget(participant.peer_id)
        self.pictures.left(participant.peer_id)
        self._rest_when_alone(reason)

    def presence_changed(self, participant: Participant) -> None:
        self.peers.tell_presence(participant)
        if participant.presence is Presence.PRESENT:
            self._somebody_came("a peer is present")
        elif participant.presence is Presence.ABSENT:
            self.camera_off(participant)
            self._rest_when_alone("nobody is present")

    def _somebody_came(self, reason: str) -> None:
        if self.lifecycle.state in (RoomState.OPEN, RoomState.EMPTY):
            self._apply(RoomEvent.PEER_CAME, reason)
            self.parts.gemini.live.wake()

    def _rest_when_alone(self, reason: str) -> None:
        """The model costs nothing while nobody is here to talk with."""
        if self.lifecycle.state is RoomState.LIVE and self.peers.nobody_expected:
            self._apply(RoomEvent.PEERS_GONE, reason)
            self.parts.gemini.live.rest()

    def pictured(self, participant: Participant, picture: EncodedPicture) -> None:
        coded = CodedPictures(picture.codec, picture.parts, picture.alone, picture.followed)
        self.pictures.pictured(participant.peer_id, coded)
        self.parts.video_in.picture(participant.peer_id, coded, participant.picture_lost)

    def camera_off(self, participant: Participant) -> None:
        """What it showed last must not be edited any more: whoever switched it off meant it."""
        self.parts.video_in.forget(participant.peer_id)
        self.pictures.camera_off(participant.peer_id)

    def said(self, participant: Participant, message: rtvi.SendText) -> None:
        self._in_order(participant, message.message_id, self._take_text(participant, message))

    def file_sent(self, participant: Participant, message: rtvi.SendFile) -> None:
        self._in_order(participant, message.message_id, self._take_file(participant, message))

    def _in_order(
        self, participant: Participant, message_id: str, job: Coroutine[Any, Any, None]
    ) -> None:
        """A text must not overtake the image before it, which takes time to decode."""
        budget = self.metering.budget
        if budget.is_spent:
            job.close()
            self.count("message_over_budget")
            participant.send(rtvi.error_response(message_id, budget.sentence))
        elif not self._jobs.start(job):
            self.count("message_too_many")
            participant.send(rtvi.error_response(message_id, "Too much at once. Send it again."))

    def asked(self, participant: Participant, message: rtvi.ClientMessage) -> None:
        if message.kind == UPDATE_SETTINGS:
            self.changes.ask(message, participant.send)
        elif not self.pictures.asked(participant, message):
            self.count("message_unsupported")
            participant.send(rtvi.error_response(message.message_id, "There is no such message."))

    def count(self, counter: str) -> None:
        self._shared.count(counter)

    async def _take_text(self, participant: Participant, message: rtvi.SendText) -> None:
        self.pictures.wrote(participant.peer_id)
        self.parts.input.feed(
            UserTextFrame(message.content, participant.peer_id, message.run_immediately)
        )

    async def _take_file(self, participant: Participant, message: rtvi.SendFile) -> None:
        try:
            upload = await self.uploads.of_message_untrusted(message)
        except ImageRefused as refusal:
            self.count(refusal.counter)
            participant.send(rtvi.error_response(message.message_id, str(refusal)))
            return
        self.pictures.wrote(participant.peer_id)
        self.parts.input.feed(
            UserImagesFrame(
                ((upload.picture.mime_type, upload.picture.data),),
                message.content,
                participant.peer_id,
                message.run_immediately,
                kept=((upload.small.mime_type, upload.small.data),),
            )
        )

    # What the pipeline says.

    def on_frame(self, frame: Frame) -> None:
        """Every frame that got to the end of the pipeline."""
        self.metering.on_frame(frame)
        self.pictures.on_frame(frame)
        if isinstance(frame, LinkStatusFrame):
            self._on_link_status(frame)

    def _on_link_status(self, frame: LinkStatusFrame) -> None:
        self._link_news.heard(frame, _now())
        if frame.status is LinkStatus.READY:
            self._welcome_all()
        self._end_if_failed()

    def _end_if_failed(self) -> None:
        everybody_knows = all(participant.is_ready for participant in self.peers)
        if self._link_news.is_over(_now(), everybody_knows=everybody_knows):
            self.close("the connection to Gemini failed")

    def _welcome_all(self) -> None:
        """Those that could not be told before: the link was not ready, or their channel not."""
        for participant in self.peers.ready if self._link_news.welcomes else ():
            if not participant.greeted:
                self._welcome(participant)

    def _welcome(self, participant: Participant) -> None:
        if not self.peers.greet(participant):
            return
        self.pictures.greet(participant)
        standing = self.metering.standing(_now())
        if standing is not None:
            participant.send(standing)
        greeting, self._greeting = self._greeting, None
        if greeting:
            self.parts.input.feed(ModelNoteFrame(greeting))

    def _beat(self, now: float) -> None:
        try:
            self._on_beat(now)
        except Exception:
            self.close("its beat failed")  # a room that is mute and deaf helps nobody
            raise

    def _on_beat(self, now: float) -> None:
        if self.peers.anybody_present:  # else an answer waits
            self.parts.audio_out.beat(now)
        self._beats += 1
        if self._beats % AUDIO_TICK_BEATS == 0:
            self.peers.beat(now)
            self.parts.audio_in.tick(now)
        if self._beats % RESEND_BEATS == 0:
            self._welcome_all()
            self._end_if_failed()
            self.pictures.beat()
            self._keep_budget(now)

    def _keep_budget(self, now: float) -> None:
        budget = self.metering.budget
        self.metering.update(now, tools_busy=self.parts.tools.busy)
        if budget.is_spent:
            self.parts.input.shut()
        if budget.is_over and not self.lifecycle.over:
            self.peers.broadcast(rtvi.error(budget.sentence, fatal=True))
            self.close("its budget is spent")


def _now() -> float:
    return asyncio.get_running_loop().time()
