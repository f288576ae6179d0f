"""How one image is made: from its place in the queue to its bytes in the store."""

import asyncio
import logging
import secrets
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Executor
from contextlib import aclosing, contextmanager
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any, Final, Literal, TypeVar

from processors.errors import CodecError, ImageRefused, ToolError
from processors.images.camera_reel import CameraPicture
from processors.images.chat_memory import ChatMemory
from processors.images.client import Answer, Draft, Exchange, ImageModel, Made, Words
from processors.images.compositing import outlined
from processors.images.errors import Cancelled, ImageModelFailed, ImageNotMade
from processors.images.examining import (
    Examined,
    composed_untrusted,
    described,
    examined_untrusted,
)
from processors.images.pixels import Picture
from processors.images.places import Place
from processors.images.records import image_record
from processors.images.room_store import RoomStore
from processors.images.sharpness import sharpest
from processors.images.sources import FromCamera, FromImage, FromUpload, Source
from processors.images.store import StoreFailed
from processors.images.tree import CANCELLED_REASON, Image, ImageState, ImageTree, Original, Stored
from processors.images.wishes import Prepared, Wish, request_for
from processors.pictures import CodedPictures, frame_of, jpeg_from

CAMERA_LONG_SIDE: Final = 2048  # as of an upload
CAMERA_QUALITY: Final = 92
MAX_OF_ONE_ANSWER: Final = 12
MAX_TEXT_CHARS: Final = 4000  # of the words before or after an image
ID_BYTES: Final = 12

logger = logging.getLogger(__name__)

T = TypeVar("T")


@dataclass(slots=True)
class MakingCounters:
    """`drafts_refused` were no images; `extra` came in one answer beyond the first."""

    made: int = 0
    failed: int = 0
    cancelled: int = 0
    drafts: int = 0
    drafts_refused: int = 0
    extra: int = 0
    unsaved: int = 0


@dataclass(slots=True)
class Result:
    """What one request came to: images in the order of the answer, and all of its words."""

    images: list[Image] = field(default_factory=list)
    words: list[str] = field(default_factory=list)


def known(found: Result | BaseException) -> Result | ImageNotMade:
    """Of what a task that makes an image came to. Raises what nobody expects."""
    if isinstance(found, asyncio.CancelledError):  # it alone, not the wish
        return Cancelled(CANCELLED_REASON)
    if isinstance(found, BaseException) and not isinstance(found, ImageNotMade):
        raise found
    return found


class Workshop:
    """What images are made with. `announce` is told of every change of an image's state, `tell`
    what else there is to say of one, `on_usage` what each request used."""

    def __init__(
        self,
        tree: ImageTree,
        store: RoomStore,
        executor: Executor,
        memory: ChatMemory[Exchange],
        announce: Callable[[Image], None],
        tell: Callable[[Mapping[str, Any]], None],
        on_usage: Callable[[Image, Mapping[str, Any]], None],
    ) -> None:
        self.counters = MakingCounters()
        self.previews: dict[str, Picture] = {}
        self._tree = tree
        self._store = store
        self._executor = executor
        self._memory = memory
        self._announce = announce
        self._tell = tell
        self._on_usage = on_usage
        self._saving: dict[str, asyncio.Lock] = {}

    async def in_thread(self, work: Callable[[], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._executor, work)

    async def prepare(self, wish: Wish, images: list[Image]) -> Prepared:
        """The bytes of the sources; what is no image of the tree is kept with it. Raises
        `ToolError`."""
        before = wish.goes_on_from
        history = self._memory.history(before) if before is not None else ()
        pictures = [await self._picture(source, images) for source in wish.sources]
        mark = wish.mark
        if mark is None:
            return Prepared(tuple(pictures), None, history)
        marked = partial(outlined, pictures[0].data, mark.region)
        return Prepared(tuple(pictures), await self.in_thread(marked), history)

    async def _picture(self, source: Source, images: list[Image]) -> Picture:
        match source:
            case FromImage(image_id=image_id):
                return await self._kept(image_id, self._tree[image_id].stored)
            case FromUpload(upload_id=upload_id, picture=picture):
                if picture is None:
                    picture = await self._kept(upload_id, self._tree.originals[upload_id].stored)
                await self.keep_original(upload_id, "upload", picture)
                _made_from(upload_id, images)
                return picture
            case FromCamera(pictures=pictures):
                shown = await self.in_thread(partial(still, pictures))
                camera_id = _new_id()
                await self.keep_original(camera_id, "camera", shown)
                _made_from(camera_id, images)
                return shown

    async def _kept(self, image_id: str, stored: Stored | None) -> Picture:
        data = await self._store.get(image_id)
        if data is None or stored is None:
            raise ToolError("That picture is not kept any more.")
        return Picture(stored.mime_type, data, stored.width, stored.height)

    async def keep_original(
        self, original_id: str, kind: Literal["camera", "upload"], picture: Picture
    ) -> None:
        """Raises `StoreFailed`."""
        if original_id not in self._tree.originals:
            stored = await self.in_thread(partial(described, picture))
            await self._store.put(original_id, picture.data)
            # Nobody is told its thumbnail, and the room is saved with all of them again and again.
            self._tree.add_original(Original(original_id, kind, replace(stored, thumbnail="")))

    async def make(
        self,
        image: Image,
        wish: Wish,
        prepared: Prepared,
        place: Place,
        model: ImageModel,
        result: Result,
    ) -> None:
        """Waits for the place, asks the model and takes its answer into `result`. Raises
        `ImageNotMade`, `StoreFailed`; then the image is still in the making."""
        await place.wait()
        if image.state is ImageState.QUEUED:
            self._announce(self._tree.begin(image.image_id))
        request = request_for(wish, prepared, variant=image.variant, seed=image.seed)
        answer = model.ask(request, partial(self._on_usage, image))
        try:
            await self._take(answer, image, wish, prepared, result)
        except Exception:
            if not result.images:
                raise
            # The images that came are there and were announced; only the rest is missing.
            logger.warning("an answer of the image model broke off")
        self._remember(answer, wish, result)
        if image.cost_usd is not None:
            await self.save(image)

    async def _take(
        self, answer: Answer, image: Image, wish: Wish, prepared: Prepared, result: Result
    ) -> None:
        said = ""
        async with aclosing(answer.pieces()) as pieces:
            async for piece in pieces:
                match piece:
                    case Words(text=text):
                        said = _joined(said, text)
                        result.words.append(text)
                    case Draft(data=data) if not result.images:
                        await self._show_draft(image, data, wish, prepared)
                    case Made(data=data) if len(result.images) < MAX_OF_ONE_ANSWER:
                        target = self._another(image) if result.images else image
                        target.text, said = said, ""
                        with self._ending(target, image, result):
                            await self._finish(target, data, wish, prepared)
        if result.images and said:
            last = result.images[-1]
            last.text_after = said
            self._tell({"event": "text", "image_id": last.image_id, "text_after": said})
            await self.save(last)

    def _another(self, first: Image) -> Image:
        """A further image of the same answer."""
        image = replace(
            first,
            image_id=_new_id(),
            created_at=time.time(),
            state=ImageState.QUEUED,
            variant=0,
            stored=None,
            preview=None,
            name="",
        )
        self.counters.extra += 1
        self._tree.start(image)
        self._announce(self._tree.begin(image.image_id))
        return image

    @contextmanager
    def _ending(self, image: Image, first: Image, result: Result) -> Iterator[None]:
        """What is ready counts, whatever comes then. Whoever wished for the first image sees to its
        end; a further one is ended here."""
        try:
            yield
        except BaseException as error:
            if image is not first and image.in_the_making:
                known = isinstance(error, ImageNotMade)
                reason = str(error) if known else "The answer of the image model broke off."
                self._announce(self._tree.failed(image.image_id, reason))
            raise
        finally:
            if image.state is ImageState.READY:
                result.images.append(image)

    async def _show_draft(self, image: Image, data: bytes, wish: Wish, prepared: Prepared) -> None:
        try:
            picture, stored = await self._looked_at(image, data, wish, prepared, draft=True)
        except ImageModelFailed:
            self.counters.drafts_refused += 1
            return
        self.counters.drafts += 1
        self.previews[image.image_id] = picture
        self._announce(self._tree.preview(image.image_id, stored))

    async def _finish(self, image: Image, data: bytes, wish: Wish, prepared: Prepared) -> None:
        await self.keep(image, *await self._looked_at(image, data, wish, prepared))

    async def take_in(self, image: Image, data: bytes) -> None:
        """An image that came by another way. Raises `ImageModelFailed`, `StoreFailed`."""
        examine = partial(examined_untrusted, data, made_by=image.model or "AI")
        await self.keep(image, *await self._examined(examine))

    async def keep(self, image: Image, picture: Picture, stored: Stored) -> None:
        """Stores it all, then announces it: what was announced is not lost by a crash."""
        await self._store.put(image.image_id, picture.data)
        self._tree.ready(image.image_id, stored)
        self.previews.pop(image.image_id, None)
        self.counters.made += 1
        try:
            await self.save(image)
        finally:
            self._announce(image)

    async def save(self, image: Image) -> None:
        try:
            # One after the other: the last one knows the most.
            async with self._saving.setdefault(image.image_id, asyncio.Lock()):
                if image.image_id in self._tree.images:  # else it was deleted meanwhile
                    await self._store.save_image(image.image_id, image_record(image))
        except StoreFailed as error:
            self.counters.unsaved += 1
            logger.warning("an image is not saved for a restart: %s", error)

    async def keep_upload(self, upload_id: str, picture: Picture) -> None:
        try:
            await self.keep_original(upload_id, "upload", picture)
        except StoreFailed as error:
            self.counters.unsaved += 1
            logger.warning("an upload is not saved for a restart: %s", error)

    async def forget_originals(self, meant: frozenset[str]) -> None:
        """Those that no image was made from; `meant` are those that a wish can still mean."""
        for original_id in self._tree.unused_originals():
            if original_id not in meant and self._tree.originals.pop(original_id, None) is not None:
                await self.erase(original_id)

    async def erase(self, image_id: str) -> None:
        try:
            async with self._saving.setdefault(image_id, asyncio.Lock()):
                await self._store.delete(image_id)
        except StoreFailed as error:
            logger.warning("a deleted image may still be stored: %s", error)
        finally:
            self._saving.pop(image_id, None)

    async def ended(self, image: Image) -> None:
        """It failed or was cancelled, and has been announced so."""
        self.previews.pop(image.image_id, None)
        await self.save(image)

    async def _looked_at(
        self, image: Image, data: bytes, wish: Wish, prepared: Prepared, *, draft: bool = False
    ) -> Examined:
        """What the model sent for this wish; where the wish has a region, only that of it."""
        made_by = image.model or "AI"
        if wish.mark is None or not prepared.pictures:
            examine = partial(examined_untrusted, data, made_by=made_by, edited=wish.edits)
        else:
            parent, region = prepared.pictures[0].data, wish.mark.region
            examine = partial(
                composed_untrusted, data, parent, region, made_by=made_by, draft=draft
            )
        return await self._examined(examine)

    async def _examined(self, examine: Callable[[], Examined]) -> Examined:
        try:
            return await self.in_thread(examine)
        except ImageRefused:
            raise ImageModelFailed("What the image model sent is not an image.") from None

    def _remember(self, answer: Answer, wish: Wish, result: Result) -> None:
        """The chat's last picture is the answer's last; one that keeps to a region differs from
        what the model sent."""
        if answer.exchange is not None and wish.mark is None and result.images:
            last = result.images[-1].image_id
            self._memory.remember(last, wish.goes_on_from, answer.exchange)


def _made_from(original_id: str, images: list[Image]) -> None:
    for image in images:
        image.original_ids = (*image.original_ids, original_id)


def _joined(said: str, text: str) -> str:
    """As much of it as fits into an event beside everything else."""
    return f"{said}{text}".lstrip()[:MAX_TEXT_CHARS]


def _new_id() -> str:
    return secrets.token_urlsafe(ID_BYTES)


def still(pictures: tuple[CameraPicture, ...]) -> Picture:
    """The sharpest as a JPEG at the size received. Raises `ImageModelFailed`."""
    shown = sharpest(pictures).picture
    if not isinstance(shown, CodedPictures):
        return Picture("image/jpeg", shown.data, shown.width, shown.height)
    try:
        jpeg = jpeg_from(frame_of(shown), long_side=CAMERA_LONG_SIDE, quality=CAMERA_QUALITY)
    except CodecError:
        raise ImageModelFailed("The camera's picture cannot be read.") from None
    return Picture("image/jpeg", jpeg.data, jpeg.width, jpeg.height)
