"""The studio with the emulator's image model, and with models that keep people waiting."""

import asyncio
import base64
import hashlib
import io
import threading
import time
from collections.abc import AsyncIterator, Coroutine, Iterator
from concurrent.futures import Executor, ThreadPoolExecutor
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pytest
from aiohttp import web
from google import genai
from PIL import Image

from processors.errors import ToolError
from processors.frames import (
    ImageEventFrame,
    ImageUsageFrame,
    ToolCall,
    ToolCallFrame,
    ToolCancelFrame,
    ToolResultFrame,
)
from processors.images.errors import ImageModelFailed
from processors.images.pixels import Picture, upload_untrusted
from processors.images.settings import ImageSettings
from processors.images.store import MemoryStore
from processors.images.studio import MAX_PROMPT_CHARS, TOOL_NAMES, UNASKED, CameraPicture, Studio
from processors.images.tree import MAX_IMAGES
from processors.images.tree import Image as Node
from processors.pictures import CodedPictures, frame_of
from processors.tool_stage import ToolStage
from processors.tools import Toolset
from tests.processors.encoded_pictures import encoded as encoded_video
from tests.processors.encoded_pictures import scene
from tests.processors.images.hostile import encoded, jpeg
from tests.processors.images.image_server import candidate, image_part, server
from tests.processors.probe import around

WAIT_LIMIT_S = 10.0
SHORT_S = 0.1
PNG = encoded(Image.new("RGB", (40, 30), "green"), "PNG")
UPLOAD = upload_untrusted(jpeg(64, 48, "red"))


@pytest.fixture
def threads() -> Iterator[Executor]:
    with ThreadPoolExecutor(2) as executor:
        yield executor


@dataclass
class Bench:
    """A studio and what it told."""

    studio: Studio
    frames: list[ImageEventFrame | ImageUsageFrame]

    @property
    def events(self) -> list[dict[str, Any]]:
        return [dict(frame.event) for frame in self.frames if isinstance(frame, ImageEventFrame)]

    @property
    def used(self) -> list[ImageUsageFrame]:
        return [frame for frame in self.frames if isinstance(frame, ImageUsageFrame)]

    @property
    def states(self) -> list[str]:
        return [event["event"] for event in self.events]


def bench(
    client: genai.Client,
    executor: Executor,
    store: MemoryStore | None = None,
    **settings: Any,
) -> Bench:
    frames: list[ImageEventFrame | ImageUsageFrame] = []
    # Not validated: a test cannot wait for the shortest time limit that operators may set.
    chosen = ImageSettings().model_copy(update=settings)
    studio = Studio(client, chosen, store or MemoryStore(), executor, frames.append)
    return Bench(studio, frames)


@dataclass
class Model:
    """An image model that draws when it is told to."""

    asked: int = 0
    drawing: int = 0
    most_at_once: int = 0
    bodies: list[dict[str, Any]] = field(default_factory=list)
    may_draw: asyncio.Event = field(default_factory=asyncio.Event)
    changed: asyncio.Event = field(default_factory=asyncio.Event)
    image: bytes = PNG

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
        return web.json_response({"candidates": [candidate(image_part(self.image))]})

    async def until(self, asked: int, drawing: int) -> None:
        async with asyncio.timeout(WAIT_LIMIT_S):
            while (self.asked, self.drawing) != (asked, drawing):
                self.changed.clear()
                await self.changed.wait()

    def sent_images(self) -> list[bytes]:
        """Of the last request."""
        parts = self.bodies[-1]["contents"][0]["parts"]
        blobs = [part["inlineData"]["data"] for part in parts if "inlineData" in part]
        return [base64.urlsafe_b64decode(blob) for blob in blobs]


@asynccontextmanager
async def model(*, waits: bool = False) -> AsyncIterator[tuple[Model, genai.Client]]:
    ours = Model()
    if not waits:
        ours.may_draw.set()
    async with server(ours.answer) as client:
        yield ours, client


def begin(wish: Coroutine[Any, Any, dict[str, Any]]) -> asyncio.Task[dict[str, Any]]:
    return asyncio.create_task(wish)


async def test_an_image_is_announced_stored_and_then_reported(
    client: genai.Client, threads: Executor
) -> None:
    desk = bench(client, threads)
    result = await desk.studio.create_image("a red circle")
    started, ready = desk.events
    image_id = started["image_id"]
    assert result == {"image_id": image_id, "shown": True, "prompt": "a red circle"}
    assert (started["event"], started["requested_by"]) == ("started", "model")
    picture = desk.studio.store.get(image_id)
    assert picture is not None
    assert ready == {
        **started,
        "event": "ready",
        "mime_type": picture.mime_type,
        "width": picture.width,
        "height": picture.height,
        "bytes": len(picture.data),
        "sha256": hashlib.sha256(picture.data).hexdigest(),
        "thumbnail": ready["thumbnail"],
    }
    assert ready["thumbnail"].startswith("data:image/webp;base64,")
    assert desk.studio.tree.current_id == image_id


async def test_nothing_is_told_to_be_ready_before_it_can_be_fetched(threads: Executor) -> None:
    async with model() as (_, client):
        store = MemoryStore()
        told: list[tuple[str, bool]] = []

        def emit(frame: ImageEventFrame | ImageUsageFrame) -> None:
            if isinstance(frame, ImageUsageFrame):
                return
            fetched = store.get(frame.event["image_id"])
            told.append((frame.event["event"], fetched is not None))

        studio = Studio(client, ImageSettings(), store, threads, emit)
        await studio.create_image("a cat")
        assert told == [("started", False), ("ready", True)]


async def test_what_a_request_used_is_told_with_its_model_and_image(
    client: genai.Client, threads: Executor
) -> None:
    desk = bench(client, threads)
    made = await desk.studio.create_image("a red circle")
    with pytest.raises(ToolError):
        await desk.studio.create_image("only text please")  # no image, and billed
    first, second = desk.used
    assert (first.model, first.image_id) == (ImageSettings().model, made["image_id"])
    assert {"modality": "IMAGE", "tokenCount": 1120} in first.usage["candidatesTokensDetails"]
    assert second.usage["candidatesTokenCount"] > 0
    assert second.image_id != first.image_id


async def test_the_last_image_is_edited_and_is_the_parent(
    client: genai.Client, threads: Executor
) -> None:
    desk = bench(client, threads)
    first = await desk.studio.create_image("a red circle")
    second = await desk.studio.edit_image("make it black and white")
    assert desk.studio.tree[second["image_id"]].parent_id == first["image_id"]
    made = desk.studio.store.get(second["image_id"])
    assert made is not None
    pixels = np.asarray(Image.open(io.BytesIO(made.data)).convert("RGB")).astype(int)
    assert np.ptp(pixels, axis=2).mean() < 12


async def test_the_upload_is_edited(threads: Executor) -> None:
    async with model() as (ours, client):
        desk = bench(client, threads)
        desk.studio.upload = UPLOAD
        result = await desk.studio.edit_image("bluer", "upload")
        assert ours.sent_images() == [UPLOAD.data]
        assert desk.studio.upload is UPLOAD
        assert desk.studio.tree[result["image_id"]].parent_id is None


async def test_settings_that_change_count_from_the_next_image_on(threads: Executor) -> None:
    async with model(waits=True) as (ours, client):
        desk = bench(client, threads, aspect_ratio="16:9")
        first = begin(desk.studio.create_image("a cat"))
        await ours.until(1, 1)
        desk.studio.configure(ImageSettings(aspect_ratio="1:1", size="2K"))
        ours.may_draw.set()
        await first
        await desk.studio.create_image("a dog")
    configs = [body["generationConfig"]["imageConfig"] for body in ours.bodies]
    assert configs == [{"aspectRatio": "16:9"}, {"aspectRatio": "1:1", "imageSize": "2K"}]


async def test_an_upload_after_the_last_image_is_the_last(threads: Executor) -> None:
    async with model() as (ours, client):
        desk = bench(client, threads)
        await desk.studio.create_image("a cat")
        desk.studio.upload = UPLOAD
        await desk.studio.edit_image("bluer")
        assert ours.sent_images() == [UPLOAD.data]
        await desk.studio.edit_image("greener")
        assert ours.sent_images() == [PNG]


def camera_picture(codec: str, data: bytes, age_s: float = 0.0) -> CameraPicture:
    return CameraPicture(CodedPictures(codec, (data,)), time.monotonic() - age_s)


async def test_a_picture_that_is_decoded_already_is_edited(threads: Executor) -> None:
    shown = scene(320, 240)
    async with model() as (ours, client):
        desk = bench(client, threads)
        desk.studio.saw(frame_of(CodedPictures("VP8", (encoded_video("VP8", shown),))))
        await desk.studio.edit_image("bluer", "camera")
        (sent,) = ours.sent_images()
    difference = np.asarray(Image.open(io.BytesIO(sent))).astype(int) - shown.astype(int)
    assert np.abs(difference).mean() < 12


@pytest.mark.parametrize("codec", ["VP8", "H264"])
async def test_what_the_camera_shows_is_edited(codec: str, threads: Executor) -> None:
    shown = scene(640, 480)
    async with model() as (ours, client):
        desk = bench(client, threads)
        desk.studio.camera = camera_picture(codec, encoded_video(codec, shown))
        await desk.studio.edit_image("bluer", "camera")
        (sent,) = ours.sent_images()
    image = Image.open(io.BytesIO(sent))
    assert (image.format, image.size) == ("JPEG", (640, 480))
    difference = np.asarray(image).astype(int) - shown.astype(int)
    assert np.abs(difference).mean() < 12


async def test_without_a_picture_nothing_is_begun(threads: Executor, client: genai.Client) -> None:
    desk = bench(client, threads)
    desk.studio.camera = camera_picture("VP8", b"", age_s=60.0)
    assert desk.studio.camera is not None
    for source, sentence in (
        ("camera", "The camera is off."),
        ("upload", "No picture has been uploaded."),
        ("last", "There is no picture to edit, and the camera is off."),
    ):
        with pytest.raises(ToolError, match=sentence):
            await desk.studio.edit_image("bluer", source)  # type: ignore[arg-type]  # one of the three
    assert desk.events == []
    assert desk.studio.tree.images == {}


async def test_a_camera_picture_that_does_not_decode_is_a_failure(
    threads: Executor, client: genai.Client
) -> None:
    desk = bench(client, threads)
    desk.studio.camera = camera_picture("VP8", b"no picture")
    with pytest.raises(ImageModelFailed, match="The camera's picture cannot be read."):
        await desk.studio.edit_image("bluer", "camera")
    assert desk.states == ["started", "failed"]


async def test_a_picture_that_is_not_kept_is_not_replaced_by_another(
    threads: Executor,
) -> None:
    async with model() as (ours, client):
        desk = bench(client, threads, MemoryStore(limit_bytes=1))
        desk.studio.upload = UPLOAD
        first = await desk.studio.create_image("a cat")
        desk.studio.store.put("another", Picture("image/png", b"xx", 1, 1))
        assert desk.studio.store.get(first["image_id"]) is None
        with pytest.raises(ToolError, match="The last picture is not kept any more."):
            await desk.studio.edit_image("bluer")
        assert ours.asked == 1


@pytest.mark.parametrize(
    ("prompt", "sentence"),
    [
        ("something forbidden", "The image model declined this wish."),
        ("no image please", "The image model made no image."),
        ("over quota", "The image model is at its limit. Try again in a minute."),
        ("garbled", "What the image model sent is not an image."),
    ],
)
async def test_a_failure_is_an_event_and_an_error_in_the_same_words(
    client: genai.Client, threads: Executor, prompt: str, sentence: str
) -> None:
    desk = bench(client, threads)
    with pytest.raises(ToolError) as told:
        await desk.studio.create_image(prompt)
    assert str(told.value) == sentence
    assert desk.states == ["started", "failed"]
    assert desk.events[1]["reason"] == sentence
    assert desk.studio.tree.current is None


async def test_a_mistake_of_ours_is_a_failure_too(threads: Executor) -> None:
    class Broken(MemoryStore):
        def put(self, image_id: str, picture: Picture) -> None:
            raise OSError("disk full")

    async with model() as (_, client):
        desk = bench(client, threads, Broken())
        with pytest.raises(OSError, match="disk full"):
            await desk.studio.create_image("a cat")
    assert desk.states == ["started", "failed"]
    assert desk.events[1]["reason"] == "The service made a mistake."


@pytest.mark.parametrize("prompt", ["", " \n"])
async def test_an_empty_wish_is_refused(
    client: genai.Client, threads: Executor, prompt: str
) -> None:
    desk = bench(client, threads)
    with pytest.raises(ToolError, match="The prompt is empty."):
        await desk.studio.create_image(prompt)
    assert desk.events == []


async def test_a_full_room_makes_no_more(client: genai.Client, threads: Executor) -> None:
    desk = bench(client, threads)
    for number in range(MAX_IMAGES):
        desk.studio.tree.start(Node(str(number), "", "model", 0.0))
    with pytest.raises(ToolError, match="all the images it can hold"):
        await desk.studio.create_image("a cat")
    assert desk.events == []


async def test_a_long_wish_is_cut(threads: Executor) -> None:
    async with model() as (ours, client):
        result = await bench(client, threads).studio.create_image("x" * 10_000)
        assert len(result["prompt"]) == MAX_PROMPT_CHARS
        assert len(ours.bodies[0]["contents"][0]["parts"][0]["text"]) == MAX_PROMPT_CHARS


async def test_only_so_many_are_made_at_a_time(threads: Executor) -> None:
    async with model(waits=True) as (ours, client):
        desk = bench(client, threads, max_concurrent=2)
        wishes = [begin(desk.studio.create_image(f"cat {number}")) for number in range(5)]
        await ours.until(asked=2, drawing=2)
        assert desk.states == ["started"] * 5
        ours.may_draw.set()
        async with asyncio.timeout(WAIT_LIMIT_S):
            results = await asyncio.gather(*wishes)
        assert ours.most_at_once == 2
        assert len({result["image_id"] for result in results}) == 5


async def test_the_others_wait_in_the_order_of_the_wishes(threads: Executor) -> None:
    async with model() as (ours, client):
        desk = bench(client, threads, max_concurrent=1)
        wishes = [begin(desk.studio.create_image(f"cat {number}")) for number in range(5)]
        async with asyncio.timeout(WAIT_LIMIT_S):
            await asyncio.gather(*wishes)
        texts = [body["contents"][0]["parts"][0]["text"] for body in ours.bodies]
        assert texts == [f"cat {number}" for number in range(5)]


async def test_an_image_that_takes_too_long_has_failed(threads: Executor) -> None:
    async with model(waits=True) as (ours, client):
        desk = bench(client, threads, timeout_s=SHORT_S)
        with pytest.raises(ImageModelFailed, match="It took longer than 0.1 s."):
            await desk.studio.create_image("a cat")
        assert desk.events[1]["reason"] == "It took longer than 0.1 s."
        await ours.until(asked=1, drawing=0)  # the request was given up


async def test_waiting_for_a_place_counts(threads: Executor) -> None:
    async with model(waits=True) as (ours, client):
        desk = bench(client, threads, timeout_s=SHORT_S, max_concurrent=1)
        wishes = [begin(desk.studio.create_image(f"cat {number}")) for number in range(3)]
        outcomes = await asyncio.gather(*wishes, return_exceptions=True)
        assert [type(outcome) for outcome in outcomes] == [ImageModelFailed] * 3
        assert ours.asked == 1
        assert sorted(desk.states) == ["failed"] * 3 + ["started"] * 3


async def test_blocked_threads_count_too() -> None:
    release = threading.Event()
    with ThreadPoolExecutor(1) as busy:
        busy.submit(release.wait, WAIT_LIMIT_S)
        async with model() as (_, client):
            desk = bench(client, busy, timeout_s=SHORT_S)
            with pytest.raises(ImageModelFailed, match="It took longer"):
                await desk.studio.create_image("a cat")
            assert desk.states == ["started", "failed"]
        release.set()


async def test_a_cancelled_image_says_so_and_frees_its_place(threads: Executor) -> None:
    async with model(waits=True) as (ours, client):
        desk = bench(client, threads, max_concurrent=1)
        drawing = begin(desk.studio.create_image("drawing"))
        await ours.until(asked=1, drawing=1)
        waiting = begin(desk.studio.create_image("waiting"))
        third = begin(desk.studio.create_image("third"))
        await asyncio.sleep(0)
        for cancelled in (drawing, waiting):
            cancelled.cancel()
            with pytest.raises(asyncio.CancelledError):
                await cancelled
        ours.may_draw.set()
        async with asyncio.timeout(WAIT_LIMIT_S):
            await third
        states = {event["prompt"]: event for event in desk.events}
        assert {prompt: event["event"] for prompt, event in states.items()} == {
            "drawing": "cancelled",
            "waiting": "cancelled",
            "third": "ready",
        }
        assert states["drawing"]["reason"] == "It was cancelled."
        assert ours.asked == 2


async def test_the_tools_are_declared(client: genai.Client, threads: Executor) -> None:
    tools = bench(client, threads, timeout_s=120.0).studio.tools()
    assert tuple(item.name for item in tools) == TOOL_NAMES
    for item in tools:
        assert item.slow
        assert item.time_limit_s > 120.0
        assert item.declaration.description
    schema = tools[1].parameters.schema
    assert schema is not None
    assert schema["required"] == ["prompt"]
    assert schema["properties"]["source"]["enum"] == ["camera", "upload", "last"]


async def test_the_live_model_makes_and_cancels_images(threads: Executor) -> None:
    """Through the tool stage, in a pipeline."""
    async with model(waits=True) as (ours, client):
        desk = bench(client, threads)
        stage = ToolStage(Toolset(desk.studio.tools()), model_waits=False)
        async with around(stage) as probes:
            calls = (
                ToolCall("1", "create_image", {"prompt": "a cat"}),
                ToolCall("2", "create_image", {"prompt": "a dog"}),
                ToolCall("3", "edit_image", {"prompt": "bluer", "source": "television"}),
            )
            await probes.push(ToolCallFrame(calls))
            await ours.until(asked=2, drawing=2)
            await probes.push(ToolCancelFrame(("1",)))
            await ours.until(asked=2, drawing=1)
            ours.may_draw.set()
            results = await probes.above.wait_for(ToolResultFrame, 2)
    told = {result.call.id: result.response for result in results}
    assert told["3"] == {
        "error": "edit_image was called wrongly: "
        "source: Input should be 'camera', 'upload' or 'last'"
    }
    assert told["2"]["output"]["prompt"] == "a dog"
    assert {event["prompt"]: event["event"] for event in desk.events} == {
        "a cat": "cancelled",
        "a dog": "ready",
    }


async def test_an_image_of_the_live_model_is_shown_and_can_be_edited(threads: Executor) -> None:
    async with model() as (ours, client):
        desk = bench(client, threads)
        await desk.studio.given(PNG)
        started, ready = desk.events
        assert (started["event"], started["prompt"]) == ("started", UNASKED)
        assert (ready["event"], ready["image_id"]) == ("ready", started["image_id"])
        await desk.studio.edit_image("greener")
        assert ours.sent_images() == [PNG]


async def test_what_it_sent_that_is_no_image_is_a_failure(
    client: genai.Client, threads: Executor
) -> None:
    desk = bench(client, threads)
    await desk.studio.given(b"no image")
    assert desk.states == ["started", "failed"]


async def test_an_image_of_the_live_model_whose_room_ends_is_cancelled(
    client: genai.Client, threads: Executor
) -> None:
    desk = bench(client, threads)
    showing = asyncio.create_task(desk.studio.given(PNG))
    await asyncio.sleep(0)
    showing.cancel()
    await asyncio.gather(showing, return_exceptions=True)
    assert showing.cancelled()
    assert desk.states == ["started", "cancelled"]


async def test_a_full_room_takes_no_image_of_the_live_model(
    client: genai.Client, threads: Executor, caplog: pytest.LogCaptureFixture
) -> None:
    desk = bench(client, threads)
    for number in range(MAX_IMAGES):
        desk.studio.tree.start(Node(str(number), "", "model", 0.0))
    await desk.studio.given(PNG)
    assert desk.events == []
    assert "finds no room" in caplog.text
