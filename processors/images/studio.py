"""The room's studio: makes and edits images when the model or a person asks for it.

`create_image` and `edit_image` are the tools that the Live model calls. They return only when
the image is there, or raise why it is not, so the model is told nothing but the truth; the talk
goes on meanwhile.
"""

import asyncio
import hashlib
import secrets
import time
from collections.abc import Callable
from concurrent.futures import Executor
from dataclasses import dataclass
from typing import Annotated, Any, Final, Literal, TypeVar

from google import genai
from pydantic import Field

from processors.errors import CodecError, ImageRefused, ToolError
from processors.frames import ImageEventFrame
from processors.images.client import ImageModel
from processors.images.errors import ImageModelFailed, ImageNotMade
from processors.images.pixels import Picture, picture_untrusted, thumbnail
from processors.images.settings import ImageSettings
from processors.images.store import ImageStore
from processors.images.tree import Bytes, Image, ImageTree
from processors.pictures import jpeg_of
from processors.tools import Tool, tool

MAX_PROMPT_CHARS: Final = 4000
CAMERA_LONG_SIDE: Final = 1536
CAMERA_QUALITY: Final = 92
CAMERA_FRESH_S: Final = 5.0  # an older picture is not what the camera shows now
MODEL: Final = "model"

T = TypeVar("T")
Source = Literal["camera", "upload", "last"]


@dataclass(frozen=True, slots=True)
class CameraPicture:
    """The newest picture of the room's camera, still encoded. `at` is monotonic seconds."""

    codec: str
    data: bytes
    at: float


class Studio:
    """Owns the room's image tree and store. `emit` gets the events."""

    def __init__(
        self,
        client: genai.Client,
        settings: ImageSettings,
        store: ImageStore,
        executor: Executor,
        emit: Callable[[ImageEventFrame], None],
    ) -> None:
        self.tree = ImageTree()
        self.store = store
        self.camera: CameraPicture | None = None
        self.upload: Picture | None = None
        self._model = ImageModel(client, settings)
        self._time_limit_s = settings.timeout_s
        self._places = asyncio.Semaphore(settings.max_concurrent)
        self._executor = executor
        self._emit = emit

    def tools(self) -> list[Tool]:
        # The studio's own limit is shorter and has better words than the stage's.
        limit_s = self._time_limit_s * 2
        return [
            tool(self.create_image, time_limit_s=limit_s, slow=True),
            tool(self.edit_image, time_limit_s=limit_s, slow=True),
        ]

    async def create_image(
        self,
        prompt: Annotated[str, Field(description="What the new picture shows, in detail.")],
    ) -> dict[str, Any]:
        """Draws a new picture and shows it to everyone in the conversation."""
        return await self._make(prompt, [], None)

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
        picture, parent_id = await self._source(source)
        return await self._make(prompt, [(picture.mime_type, picture.data)], parent_id)

    async def _source(self, source: Source) -> tuple[Picture, str | None]:
        """The picture to edit and the image it is. Raises `ToolError` when there is none."""
        current = self.tree.current
        if source == "last" and current is not None:
            stored = self.store.get(current.image_id)
            if stored is not None:
                return stored, current.image_id
        if source in ("last", "upload") and self.upload is not None:
            return self.upload, None
        if source in ("last", "camera"):
            return await self._camera_picture(), None
        raise ToolError("No picture has been uploaded.")

    async def _camera_picture(self) -> Picture:
        camera = self.camera
        if camera is None or time.monotonic() - camera.at > CAMERA_FRESH_S:
            raise ToolError("The camera is off, and there is no other picture to edit.")
        try:
            jpeg = await asyncio.get_running_loop().run_in_executor(
                self._executor,
                lambda: jpeg_of(
                    camera.codec, camera.data, long_side=CAMERA_LONG_SIDE, quality=CAMERA_QUALITY
                ),
            )
        except CodecError:
            raise ToolError("The camera's picture cannot be read.") from None
        return Picture("image/jpeg", jpeg.data, jpeg.width, jpeg.height)

    async def _make(
        self, prompt: str, sources: list[tuple[str, bytes]], parent_id: str | None
    ) -> dict[str, Any]:
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
        try:
            picture = await self._within_limit(image.prompt, sources)
            stored = await self._describe(picture)
        except ImageNotMade as error:
            self._announce(self.tree.failed(image.image_id, str(error)))
            raise
        except asyncio.CancelledError:
            self._announce(self.tree.cancelled(image.image_id))
            raise
        except Exception:
            self._announce(self.tree.failed(image.image_id, "The service made a mistake."))
            raise
        self.store.put(image.image_id, picture)
        self._announce(self.tree.ready(image.image_id, stored))
        return {"image_id": image.image_id, "shown": True, "prompt": image.prompt}

    async def _within_limit(self, prompt: str, sources: list[tuple[str, bytes]]) -> Picture:
        try:
            async with asyncio.timeout(self._time_limit_s), self._places:
                made = await self._model.make(prompt, sources)
        except TimeoutError:
            raise ImageModelFailed(
                f"The image model took longer than {self._time_limit_s:g} s."
            ) from None
        try:
            return await self._in_thread(picture_untrusted, made.data)
        except ImageRefused:
            raise ImageModelFailed("What the image model sent is not an image.") from None

    async def _describe(self, picture: Picture) -> Bytes:
        return Bytes(
            mime_type=picture.mime_type,
            width=picture.width,
            height=picture.height,
            size=len(picture.data),
            sha256=hashlib.sha256(picture.data).hexdigest(),
            thumbnail=await self._in_thread(thumbnail, picture.data),
        )

    async def _in_thread(self, work: Callable[[bytes], T], data: bytes) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._executor, work, data)

    def _announce(self, image: Image) -> None:
        self._emit(ImageEventFrame(image.event()))
