"""The room's studio: takes wishes, makes images of them, and knows which one is current.

A wish is shown as begun before anything is awaited. Its result comes when the images are there,
or says why they are not, so the Live model is told nothing but the truth; the talk goes on.
"""

import asyncio
import logging
import secrets
import time
from collections.abc import Callable, Mapping
from concurrent.futures import Executor
from typing import Any, Final

from processors.errors import ToolError
from processors.frames import ImageEventFrame, ImageUsageFrame
from processors.images.chat_memory import ChatMemory
from processors.images.client import Exchange, ImageModel
from processors.images.errors import ImageModelFailed, ImageNotMade
from processors.images.making import ID_BYTES, Result, Workshop, known
from processors.images.marks import Mark
from processors.images.pixels import Picture
from processors.images.places import Place, Places
from processors.images.pointing import NO_SUCH, Pointing
from processors.images.region import Region
from processors.images.room_store import RoomStore
from processors.images.settings import ImageSettings
from processors.images.sources import Sources
from processors.images.store import StoreFailed
from processors.images.tree import (
    IllegalTransition,
    Image,
    ImageState,
    ImageTree,
    NothingToRedo,
    NothingToUndo,
    UnknownImage,
)
from processors.images.wishes import MAX_PROMPT_CHARS, Prepared, Wish

MODEL: Final = "model"
UNASKED: Final = "sent by the Live model"  # in place of a prompt
SEEDS: Final = 2**31

logger = logging.getLogger(__name__)

Emit = Callable[[ImageEventFrame | ImageUsageFrame], None]
Price = Callable[[str, Mapping[str, Any]], float | None]
"""In dollars, of what that model used; None where it has no price."""


class StudioListener:
    """What the room wants to know at once, beside the events."""

    def current(self, image: Image | None) -> None:
        """Another image is current; None: there is none any more."""

    def marked(self, mark: Mark | None) -> None:
        """Somebody points at something; None: that is over."""

    def changed(self) -> None:
        """There is something to save."""


class Studio:
    """Owns the room's image tree. `emit` gets the events, and what each request used.

    `settings.max_concurrent` images are made at a time, the others wait. `settings.timeout_s`
    counts from the wish, waiting included: so does a person.
    """

    def __init__(
        self,
        model: Callable[[ImageSettings], ImageModel],
        settings: ImageSettings,
        store: RoomStore,
        executor: Executor,
        places: Places,
        emit: Emit,
        *,
        room_id: str = "",
        tree: ImageTree | None = None,
        turn: Callable[[], int] = lambda: 0,
        price: Price = lambda model, usage: None,
    ) -> None:
        self.tree = ImageTree() if tree is None else tree
        self.store = store
        self.sources = Sources(self.tree)
        self.pointing = Pointing(self.sources, lambda mark: self.listener.marked(mark))
        self.memory: ChatMemory[Exchange] = ChatMemory()
        self.workshop = Workshop(
            self.tree, store, executor, self.memory, self._announce, self._tell, self._tell_usage
        )
        self.settings = settings
        self._model = model
        self._places = places
        self._room_id = room_id
        self._emit = emit
        self._turn = turn
        self._price = price
        self.listener = StudioListener()
        self._told_current = self.tree.current_id
        self._making: dict[str, asyncio.Task[Result]] = {}

    def configure(self, settings: ImageSettings) -> None:
        """For the images that are begun from now on."""
        self.settings = settings

    def uploaded(self, picture: Picture) -> str:
        """The id to keep it under."""
        upload_id = secrets.token_urlsafe(ID_BYTES)
        self.sources.uploaded(upload_id, picture)
        return upload_id

    async def keep_upload(self, upload_id: str, picture: Picture) -> None:
        """So that a restart does not lose it."""
        await self.workshop.keep_upload(upload_id, picture)
        await self.workshop.forget_originals(self.sources.upload_ids)
        self.listener.changed()

    # Making.

    async def fulfil(self, wish: Wish) -> list[Result | ImageNotMade]:
        """One of them for each image wished for: what it came to, or why not.

        Everything up to the first `started` event happens before this waits for anything. Raises
        `ToolError` when nothing could be begun. Cancelled, it cancels the images.
        """
        images, places = self._begin(wish)
        prepared = asyncio.ensure_future(self.workshop.prepare(wish, images))
        model = self._model(self.settings)
        tasks = []
        for image, place in zip(images, places, strict=True):
            making = self._made(image, wish, prepared, place, model)
            task = asyncio.create_task(making, name=f"image-{image.image_id[:6]}")
            self._making[image.image_id] = task
            tasks.append(task)
        try:
            found = await asyncio.gather(*tasks, return_exceptions=True)
        finally:
            await _end(prepared, *tasks)
            for image in images:
                self._making.pop(image.image_id, None)
        results = [known(one) for one in found]
        if wish.mark is not None and not any(isinstance(one, Result) for one in results):
            self.pointing.again(wish.mark)
        return results

    def _begin(self, wish: Wish) -> tuple[list[Image], list[Place]]:
        if not wish.prompt.strip():
            raise ToolError("The prompt is empty.")
        if not self.tree.has_room_for(wish.count):
            raise ToolError("This conversation has all the images it can hold.")
        images, places = self._nodes(wish), []
        for image in images:
            self.tree.start(image)
        self.sources.used(wish.sources, wish.mark)
        if wish.mark is not None:
            self.listener.marked(None)
        try:
            for image in images:
                places.append(self._enter(image))
        except ToolError as error:
            for image in images:
                self._announce(self.tree.failed(image.image_id, str(error)))
            for place in places:
                place.leave()
            raise
        for image, place in zip(images, places, strict=True):
            if place.admitted:
                self.tree.begin(image.image_id)
            self._announce(image)
        return images, places

    def _enter(self, image: Image) -> Place:
        told = False

        def moved(position: int) -> None:
            if image.state is ImageState.QUEUED:
                self.tree.move_up(image.image_id, position)
                if told:
                    self._announce(image)

        place = self._places.enter(
            image.image_id,
            self._room_id,
            image.requested_by,
            self.settings.max_concurrent,
            moved,
        )
        told = True
        return place

    def _nodes(self, wish: Wish) -> list[Image]:
        group = secrets.token_urlsafe(ID_BYTES)
        base = secrets.randbelow(SEEDS)
        chosen = self.settings.seed
        many = wish.count > 1
        return [
            Image(
                image_id=secrets.token_urlsafe(ID_BYTES),
                prompt=wish.prompt[:MAX_PROMPT_CHARS],
                requested_by=wish.requested_by,
                created_at=time.time(),
                parent_ids=wish.parent_ids,
                group=group,
                variant=number if many else 0,
                variants=wish.count,
                model=self.settings.model,
                seed=(base + number) % SEEDS if many else chosen,
                aspect_ratio=wish.aspect_ratio or self.settings.aspect_ratio,
                size=wish.size or self.settings.size,
                region=wish.mark.region.to_json() if wish.mark is not None else None,
                turn=self._turn(),
            )
            for number in range(1, wish.count + 1)
        ]

    async def _made(
        self,
        image: Image,
        wish: Wish,
        prepared: "asyncio.Future[Prepared]",
        place: Place,
        model: ImageModel,
    ) -> Result:
        """Ends in one state, whatever happens. Raises `ImageNotMade`, `CancelledError`."""
        limit_s = self.settings.timeout_s
        result = Result()
        try:
            async with asyncio.timeout(limit_s):
                pictures = await asyncio.shield(prepared)
                await self.workshop.make(image, wish, pictures, place, model, result)
                return result
        except asyncio.CancelledError:
            self._cancelled(image)
            if not result.images:
                raise
        except TimeoutError:
            error: ImageNotMade = ImageModelFailed(f"It took longer than {limit_s:g} s.")
        except ImageNotMade as known:
            error = known
        except StoreFailed as failed:
            logger.warning("an image cannot be kept: %s", failed)
            error = ImageModelFailed("The picture could not be stored.")
        except ToolError as said:
            error = ImageNotMade(str(said))
        except Exception:
            logger.exception("an image could not be made")
            error = ImageModelFailed("The service made a mistake.")
        finally:
            place.leave()
        if result.images:  # everybody sees them; only the end of the answer is missing
            return result
        await self._failed(image, str(error))
        raise error

    def _cancelled(self, image: Image) -> None:
        if image.in_the_making:
            self.workshop.counters.cancelled += 1
            self.workshop.previews.pop(image.image_id, None)
            self._announce(self.tree.cancelled(image.image_id))

    async def _failed(self, image: Image, reason: str) -> None:
        if image.in_the_making:
            self.workshop.counters.failed += 1
            self._announce(self.tree.failed(image.image_id, reason))
        await self.workshop.ended(image)

    async def given(self, data: bytes, model: str) -> None:
        """Shows an image that nobody asked the image model for: the Live model sent it."""
        if not self.tree.has_room_for(1):
            logger.warning("an image of the Live model finds no room")
            return
        image = Image(secrets.token_urlsafe(ID_BYTES), UNASKED, MODEL, time.time(), model=model)
        image.turn = self._turn()
        self.tree.start(image)
        self._announce(self.tree.begin(image.image_id))
        try:
            await self.workshop.take_in(image, data)
        except (ImageNotMade, StoreFailed) as error:
            kept = isinstance(error, StoreFailed)
            await self._failed(image, "The picture could not be stored." if kept else str(error))
        except BaseException:
            self._cancelled(image)
            raise

    # What people do. Each raises `ToolError`, with a sentence for them.

    def select(self, image_id: str) -> Image:
        """It is what "it" means from now on, for everybody."""
        try:
            self.tree.select(image_id)
        except UnknownImage:
            raise ToolError(NO_SUCH) from None
        except IllegalTransition:
            raise ToolError("That picture is not finished.") from None
        self._follow_current()
        return self.tree[image_id]

    def undo(self) -> Image:
        try:
            image = self.tree.undo()
        except NothingToUndo:
            raise ToolError("There is nothing to undo.") from None
        self._follow_current()
        return image

    def redo(self) -> Image:
        try:
            image = self.tree.redo()
        except NothingToRedo:
            raise ToolError("There is nothing to redo.") from None
        self._follow_current()
        return image

    async def name(self, image_id: str, name: str) -> Image:
        """ "" takes its name away."""
        before = {one.image_id: one.name for one in self.tree.images.values()}
        try:
            image = self.tree.name(image_id, name)
        except UnknownImage:
            raise ToolError(NO_SUCH) from None
        for one in [*self.tree.images.values()]:
            if one.name != before[one.image_id]:
                self._tell({"event": "named", "image_id": one.image_id, "name": one.name})
                await self.workshop.save(one)
        return image

    async def delete(self, image_id: str) -> None:
        """One that is in the making is cancelled first."""
        making = self._making.get(image_id)
        if making is not None:
            making.cancel()
            await asyncio.wait({making}, timeout=self.settings.timeout_s)
        children = self.tree.children(image_id)
        try:
            image = self.tree.delete(image_id)
        except (UnknownImage, IllegalTransition):
            raise ToolError(NO_SUCH) from None
        self.memory.forget(image_id)
        self._announce(image)
        for child in children:
            await self.workshop.save(child)  # with its new parents
        await self.workshop.erase(image_id)
        await self.workshop.forget_originals(self.sources.upload_ids)

    def cancel(self, image_id: str) -> None:
        """What is in the making is not made."""
        task = self._making.get(image_id)
        if task is None or not self.tree[image_id].in_the_making:
            raise ToolError("That picture is not in the making.")
        task.cancel()

    def cancel_all(self, requested_by: str | None = None) -> list[str]:
        """Of one asker, or all; those that are cancelled."""
        making = [image for image in self.tree.in_the_making if image.image_id in self._making]
        ids = [one.image_id for one in making if requested_by in (None, one.requested_by)]
        for image_id in ids:
            self.cancel(image_id)
        return ids

    def point(self, region: Region, target: str, peer_id: str) -> None:
        self.pointing.at(region, target, peer_id, time.monotonic())

    # What became of it.

    def _announce(self, image: Image) -> None:
        self._emit(ImageEventFrame(image.event()))
        self._follow_current()
        self.listener.changed()

    def _follow_current(self) -> None:
        """Tells which image is current, when another one is."""
        if self.tree.current_id == self._told_current:
            return
        self._told_current = self.tree.current_id
        self.sources.image_came()
        self._emit(ImageEventFrame(self.tree.selected()))
        self.listener.current(self.tree.current)
        self.listener.changed()

    def _tell(self, event: Mapping[str, Any]) -> None:
        self._emit(ImageEventFrame({"type": "image-event", **event}))
        self.listener.changed()

    def _tell_usage(self, image: Image, metadata: Mapping[str, Any]) -> None:
        image.cost_usd = self._price(image.model, metadata)
        self._emit(ImageUsageFrame(metadata, image.model, image.image_id))


async def _end(*tasks: "asyncio.Future[Any]") -> None:
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
