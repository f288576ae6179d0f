"""The room's studio: makes and edits images when the model or a person asks for it.

`create_image` and `edit_image` are the tools that the Live model calls. They return only when
the image is there, or raise why it is not, so the model is told nothing but the truth; the talk
goes on meanwhile.
"""

import asyncio
import hashlib
import logging
import secrets
import time
from collections.abc import Callable, Mapping
from concurrent.futures import Executor
from typing import Annotated, Any, Final, TypeVar

import av
from google import genai
from pydantic import Field

from processors.errors import CodecError, ImageRefused, ToolError
from processors.frames import ImageEventFrame, ImageUsageFrame
from processors.images.client import ImageModel
from processors.images.errors import ImageModelFailed, ImageNotMade
from processors.images.pixels import Picture, picture_untrusted, thumbnail
from processors.images.settings import ImageSettings
from processors.images.sources import CameraPicture, MadeImage, Source, Sources
from processors.images.store import ImageStore
from processors.images.tree import Image, ImageTree, Stored
from processors.pictures import CodedPictures, frame_of, jpeg_from
from processors.tools import Tool, tool

__all__ = ["TOOL_NAMES", "CameraPicture", "Studio"]

TOOL_NAMES: Final = ("create_image", "edit_image")
MAX_PROMPT_CHARS: Final = 4000
CAMERA_LONG_SIDE: Final = 1536
CAMERA_QUALITY: Final = 92
TIDY_S: Final = 5.0  # by which the stage's time limit is longer than ours, which has better words
MODEL: Final = "model"
UNASKED: Final = "sent by the Live model"  # in place of a prompt

logger = logging.getLogger(__name__)

A = TypeVar("A")
T = TypeVar("T")


class Studio:
    """Owns the room's image tree and store. `emit` gets the events, and what each request used.

    `settings.max_concurrent` images are made at a time, the others wait in the order of the
    wishes. `settings.timeout_s` counts from the wish, waiting included: so does a person.
    """

    def __init__(
        self,
        client: genai.Client,
        settings: ImageSettings,
        store: ImageStore,
        executor: Executor,
        emit: Callable[[ImageEventFrame | ImageUsageFrame], None],
    ) -> None:
        self.tree = ImageTree()
        self.store = store
        self.sources = Sources()
        self._client = client
        self._model = ImageModel(client, settings)
        self._time_limit_s = settings.timeout_s
        self._places = asyncio.Semaphore(settings.max_concurrent)
        self._executor = executor
        self._emit = emit

    def configure(self, settings: ImageSettings) -> None:
        """For the images that are begun from now on. Time limit and places stay as they were."""
        self._model = ImageModel(self._client, settings)

    @property
    def camera(self) -> CameraPicture | None:
        return self.sources.camera

    @camera.setter
    def camera(self, picture: CameraPicture | None) -> None:
        self.sources.camera = picture

    def saw(self, frame: av.VideoFrame) -> None:
        """What the camera shows now."""
        self.camera = CameraPicture(frame, time.monotonic())

    @property
    def upload(self) -> Picture | None:
        """The picture uploaded last."""
        return self.sources.upload

    @upload.setter
    def upload(self, picture: Picture) -> None:
        self.sources.uploaded(picture)

    def tools(self) -> list[Tool]:
        limit_s = self._time_limit_s + TIDY_S
        return [
            tool(self.create_image, time_limit_s=limit_s, slow=True),
            tool(self.edit_image, time_limit_s=limit_s, slow=True),
        ]

    async def create_image(
        self,
        prompt: Annotated[str, Field(description="What the new picture shows, in detail.")],
    ) -> dict[str, Any]:
        """Draws a new picture and shows it to everyone in the conversation."""
        return await self._make(prompt, None, None)

    async def edit_image(
        self,
        prompt: Annotated[str, Field(description="What to change, and what must stay as it is.")],
        source: Annotated[
            Source,
            Field(
                description="What to edit: what the camera shows now, the picture that was "
                "uploaded last, or the last picture of this conversation."
            ),
        ] = "last",
    ) -> dict[str, Any]:
        """Changes a picture and shows the result to everyone in the conversation."""
        chosen = self.sources.choose(source, time.monotonic())
        if not isinstance(chosen, MadeImage):
            return await self._make(prompt, chosen, None)
        picture = self.store.get(chosen.image_id)
        if picture is None:
            raise ToolError("The last picture is not kept any more.")
        return await self._make(prompt, picture, chosen.image_id)

    async def given(self, data: bytes) -> None:
        """Shows an image that nobody asked the image model for: the Live model sent it."""
        if self.tree.full:
            logger.warning("an image of the Live model finds no room")
            return
        image = self._start(UNASKED, None)
        try:
            picture, stored = await self._in_thread(_examined_untrusted, data)
        except ImageModelFailed as error:
            self._announce(self.tree.failed(image.image_id, str(error)))
            return
        except BaseException:
            self._announce(self.tree.cancelled(image.image_id))
            raise
        self.store.put(image.image_id, picture)
        self.sources.made(image.image_id)
        self._announce(self.tree.ready(image.image_id, stored))

    async def _make(
        self, prompt: str, source: CameraPicture | Picture | None, parent_id: str | None
    ) -> dict[str, Any]:
        """The tool's result once the image is stored. Raises `ToolError`; ends in one state."""
        image = self._start(prompt, parent_id)
        try:
            async with asyncio.timeout(self._time_limit_s):
                picture, stored = await self._made(image, source)
            self.store.put(image.image_id, picture)
        except asyncio.CancelledError:
            self._announce(self.tree.cancelled(image.image_id))
            raise
        except TimeoutError:
            sentence = f"It took longer than {self._time_limit_s:g} s."
            self._announce(self.tree.failed(image.image_id, sentence))
            raise ImageModelFailed(sentence) from None
        except ImageNotMade as error:
            self._announce(self.tree.failed(image.image_id, str(error)))
            raise
        except Exception:
            self._announce(self.tree.failed(image.image_id, "The service made a mistake."))
            raise
        self.sources.made(image.image_id)
        self._announce(self.tree.ready(image.image_id, stored))
        return {"image_id": image.image_id, "shown": True, "prompt": image.prompt}

    def _start(self, prompt: str, parent_id: str | None) -> Image:
        if not prompt.strip():
            raise ToolError("The prompt is empty.")
        if self.tree.full:
            raise ToolError("This conversation has all the images it can hold.")
        image = Image(
            image_id=secrets.token_urlsafe(12),
            prompt=prompt[:MAX_PROMPT_CHARS],
            requested_by=MODEL,
            created_at=time.time(),
            parent_id=parent_id,
        )
        self.tree.start(image)
        self._announce(image)
        return image

    async def _made(
        self, image: Image, source: CameraPicture | Picture | None
    ) -> tuple[Picture, Stored]:
        """Raises `ImageNotMade`."""
        if isinstance(source, CameraPicture):
            source = await self._in_thread(_still, source)
        sources = [] if source is None else [(source.mime_type, source.data)]
        async with self._places:
            made = await self._model.make(
                image.prompt, sources, lambda metadata: self._tell_usage(image, metadata)
            )
        return await self._in_thread(_examined_untrusted, made.data)

    async def _in_thread(self, work: Callable[[A], T], argument: A) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._executor, work, argument)

    def _tell_usage(self, image: Image, metadata: Mapping[str, Any]) -> None:
        self._emit(ImageUsageFrame(metadata, self._model.name, image.image_id))

    def _announce(self, image: Image) -> None:
        self._emit(ImageEventFrame(image.event()))


def _still(camera: CameraPicture) -> Picture:
    """Raises `ImageModelFailed`."""
    try:
        shown = camera.picture
        frame = frame_of(shown) if isinstance(shown, CodedPictures) else shown
        jpeg = jpeg_from(frame, long_side=CAMERA_LONG_SIDE, quality=CAMERA_QUALITY)
    except CodecError:
        raise ImageModelFailed("The camera's picture cannot be read.") from None
    return Picture("image/jpeg", jpeg.data, jpeg.width, jpeg.height)


def _examined_untrusted(data: bytes) -> tuple[Picture, Stored]:
    """What a model sent, and what is to be told of it. Raises `ImageModelFailed`."""
    try:
        picture = picture_untrusted(data)
    except ImageRefused:
        raise ImageModelFailed("What the image model sent is not an image.") from None
    return picture, Stored(
        mime_type=picture.mime_type,
        width=picture.width,
        height=picture.height,
        size=len(picture.data),
        sha256=hashlib.sha256(picture.data).hexdigest(),
        thumbnail=thumbnail(picture.data),
    )
