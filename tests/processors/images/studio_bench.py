"""A studio with all its parts, and an image model that draws when it is told to."""

import asyncio
import base64
from collections.abc import AsyncIterator, Iterator
from concurrent.futures import Executor, ThreadPoolExecutor
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from typing import Any, Final

from aiohttp import web
from google import genai
from PIL import Image

from processors.frames import ImageEventFrame, ImageUsageFrame
from processors.images.client import ImageModel
from processors.images.image_tools import ImageTools
from processors.images.memory_store import MemoryStore
from processors.images.places import Places
from processors.images.room_store import RoomStore
from processors.images.settings import ImageSettings
from processors.images.studio import Studio
from tests.processors.images.hostile import encoded
from tests.processors.images.image_server import candidate, image_part, server

WAIT_LIMIT_S: Final = 10.0
PNG: Final = encoded(Image.new("RGB", (40, 30), "green"), "PNG")
DRAFT: Final = encoded(Image.new("RGB", (10, 8), "grey"), "PNG")


@dataclass
class Bench:
    """A studio and what it told."""

    studio: Studio
    tools: ImageTools
    frames: list[ImageEventFrame | ImageUsageFrame]
    blobs: MemoryStore
    told: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def events(self) -> list[dict[str, Any]]:
        return [dict(frame.event) for frame in self.frames if isinstance(frame, ImageEventFrame)]

    @property
    def used(self) -> list[ImageUsageFrame]:
        return [frame for frame in self.frames if isinstance(frame, ImageUsageFrame)]

    @property
    def names(self) -> list[str]:
        return [event["event"] for event in self.events]

    async def until(self, event: str, count: int = 1) -> None:
        """So many events of that name have been told."""
        async with asyncio.timeout(WAIT_LIMIT_S):
            while self.names.count(event) < count:
                self.told.clear()
                await self.told.wait()


@contextmanager
def bench(client: genai.Client, places: Places | None = None, **settings: Any) -> Iterator[Bench]:
    """`settings` are not validated: nobody waits for the shortest limit that operators may set."""
    frames: list[ImageEventFrame | ImageUsageFrame] = []
    blobs = MemoryStore()
    told = asyncio.Event()

    def emit(frame: ImageEventFrame | ImageUsageFrame) -> None:
        frames.append(frame)
        told.set()

    with ThreadPoolExecutor(2) as executor:
        threads: Executor = executor
        studio = Studio(
            lambda chosen: ImageModel(client, chosen),
            ImageSettings().model_copy(update=settings),
            RoomStore(blobs, "room"),
            threads,
            places or Places(8),
            emit,
            room_id="room",
            turn=lambda: 3,
            price=lambda model, usage: usage["totalTokenCount"] / 100,
        )
        yield Bench(studio, ImageTools(studio), frames, blobs, told)


@dataclass
class Model:
    """Answers each request with `parts`, as soon as `may_draw`."""

    asked: int = 0
    drawing: int = 0
    most_at_once: int = 0
    bodies: list[dict[str, Any]] = field(default_factory=list)
    may_draw: asyncio.Event = field(default_factory=asyncio.Event)
    changed: asyncio.Event = field(default_factory=asyncio.Event)
    parts: list[dict[str, Any]] = field(default_factory=lambda: [image_part(PNG)])

    async def answer(self, request: web.Request) -> web.Response:
        self.asked += 1
        self.drawing += 1
        self.most_at_once = max(self.most_at_once, self.drawing)
        self.changed.set()
        try:
            self.bodies.append(await request.json())
            await self.may_draw.wait()
        finally:
            self.drawing -= 1
            self.changed.set()
        return web.json_response([{"candidates": [candidate(part)]} for part in self.parts])

    async def until(self, asked: int, drawing: int) -> None:
        async with asyncio.timeout(WAIT_LIMIT_S):
            while (self.asked, self.drawing) != (asked, drawing):
                self.changed.clear()
                await self.changed.wait()

    def sent_images(self, index: int = -1) -> list[bytes]:
        """Of one request's last turn."""
        parts = self.bodies[index]["contents"][-1]["parts"]
        blobs = [part["inlineData"]["data"] for part in parts if "inlineData" in part]
        return [base64.urlsafe_b64decode(blob) for blob in blobs]


@asynccontextmanager
async def model(*, waits: bool = False) -> AsyncIterator[tuple[Model, genai.Client]]:
    ours = Model()
    if not waits:
        ours.may_draw.set()
    async with server(ours.answer) as client:
        yield ours, client
