"""The room's pictures: from cameras and people to the studio, from the studio to everyone."""

import time
from collections.abc import Callable
from typing import Any, Final

from pipecat.frames.frames import (
    BotStartedSpeakingFrame,
    BotStoppedSpeakingFrame,
    Frame,
    UserStartedSpeakingFrame,
    UserStoppedSpeakingFrame,
)

from pipeline.assembly import Parts
from pipeline.gallery import Gallery
from pipeline.image_commands import CHOOSING, COMMANDS, obey_untrusted
from pipeline.jobs import Jobs
from pipeline.participant import Participant
from pipeline.picture_links import PictureLinks
from pipeline.saving import Saving
from pipeline.shared import Shared
from pipeline.shares import Shares
from processors.errors import ToolError
from processors.frames import (
    ContextNoteFrame,
    ImageEventFrame,
    ModelImageFrame,
    SpeakerActivityFrame,
    TranscriptFrame,
)
from processors.images.camera_reel import CameraPicture
from processors.images.marks import Mark
from processors.images.pixels import Picture
from processors.images.quiet_notes import CURRENT, QuietNotes
from processors.images.studio import StudioListener
from processors.images.tree import Image
from processors.pictures import CodedPictures
from transports import rtvi

ACK: Final = "image-ack"


class RoomPictures(StudioListener):
    """Owns what shows and saves them; `close` it before the pipeline ends."""

    def __init__(
        self,
        parts: Parts,
        gallery: Gallery,
        saving: Saving,
        broadcast: Callable[[str], None],
        shared: Shared,
    ) -> None:
        self.gallery = gallery
        self.saving = saving
        self.links = PictureLinks(gallery.room_id, Shares(shared.blobs), shared.link_base)
        self.notes = QuietNotes()
        self._parts = parts
        self._studio = parts.studio
        self._broadcast = broadcast
        self._count = shared.count
        self._jobs = Jobs()
        self._mark: str | None = None  # the message that tells of the mark there is
        self._studio.listener = self

    def begin(self) -> None:
        """With the pipeline: what was there before the service is shown again, and saved anew."""
        self.gallery.replay()
        self._parts.showing.look(self._studio.tree.current)
        self.saving.begin()

    async def close(self) -> None:
        await self._jobs.close()
        await self._parts.showing.close()
        await self.links.close()
        await self.saving.close()

    # From cameras and people.

    def pictured(self, peer_id: str, coded: CodedPictures) -> None:
        if coded.alone and not coded.followed:  # else it comes as it was seen, from VideoIn
            self._studio.sources.reel.add(CameraPicture(coded, time.monotonic(), peer_id))

    def camera_off(self, peer_id: str) -> None:
        """What it showed must not be edited any more: whoever switched it off meant it."""
        self._studio.sources.reel.forget(peer_id)

    def wrote(self, peer_id: str) -> None:
        self._studio.sources.utterances.wrote(peer_id, time.monotonic())

    def left(self, peer_id: str) -> None:
        self.camera_off(peer_id)
        self._studio.sources.utterances.left(peer_id)

    async def uploaded(self, picture: Picture) -> None:
        """When this returns, a restart does not lose it."""
        upload_id = self._studio.uploaded(picture)
        await self._studio.keep_upload(upload_id, picture)

    def asked(self, participant: Participant, message: rtvi.ClientMessage) -> bool:
        """False: it is no message about images."""
        if message.kind == ACK:
            self.gallery.acknowledged(participant, message.data)
            return True
        if message.kind not in COMMANDS:
            return False
        if not self._jobs.start(self._obey(participant, message)):
            self._count("message_too_many")
            participant.send(rtvi.error_response(message.message_id, "Too much at once."))
        return True

    async def _obey(self, participant: Participant, message: rtvi.ClientMessage) -> None:
        peer_id = participant.peer_id
        try:
            note = await obey_untrusted(self._studio, message.kind, message.data, peer_id)
        except ToolError as refusal:
            self._count("image_command_refused")
            participant.send(rtvi.error_response(message.message_id, str(refusal)))
            return
        if note is not None:
            about = CURRENT if message.kind in CHOOSING else message.kind
            self.notes.note(note, time.monotonic(), about)
        participant.send(rtvi.server_response(message.message_id, message.kind, {}))

    def greet(self, participant: Participant) -> None:
        """Who comes sees what the others see."""
        self.gallery.joined(participant)
        if self._mark is not None:
            participant.send(self._mark)

    # From the pipeline, and its beat.

    def on_frame(self, frame: Frame) -> None:
        now = time.monotonic()
        match frame:
            case ImageEventFrame():
                self.gallery.show(frame)
            case TranscriptFrame(final=True):
                self.saving.soon()
            case ModelImageFrame(data=data):
                model = self._parts.setup.model
                self._jobs.start(self._studio.given(data, model))
            case SpeakerActivityFrame(peer_id=peer_id, speaking=speaking):
                self._studio.sources.utterances.heard(peer_id, speaking, now)
            case UserStartedSpeakingFrame() | UserStoppedSpeakingFrame():
                self.notes.user(isinstance(frame, UserStartedSpeakingFrame), now)
            case BotStartedSpeakingFrame() | BotStoppedSpeakingFrame():
                self.notes.model(isinstance(frame, BotStartedSpeakingFrame), now)

    def beat(self) -> None:
        """Every half second."""
        self.gallery.send_due()
        note = self.notes.due(time.monotonic())
        if note is not None:
            self._parts.input.feed(ContextNoteFrame(note))

    # From the studio (StudioListener).

    def current(self, image: Image | None) -> None:
        self._parts.showing.look(image)
        self.links.current(image)

    def marked(self, mark: Mark | None) -> None:
        data: dict[str, Any] = {"type": "image-region", "target": None}
        if mark is not None:
            region = mark.region.to_json()
            data |= {"target": mark.target, "region": region, "peer": mark.peer_id}
            self._parts.showing.look(self._studio.tree.images.get(mark.target), mark)
        message = rtvi.server_message(data)
        self._mark = message if mark is not None else None
        self._broadcast(message)

    def changed(self) -> None:
        self.saving.soon()
