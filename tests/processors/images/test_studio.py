"""The studio: every image ends in one state, whatever happens to it, and everybody is told."""

import asyncio
import base64
import hashlib
import io
import json
import time
from typing import Any

import numpy as np
import pytest
from aiohttp import web
from PIL import Image

from processors.errors import ToolError
from processors.images.camera_reel import CameraPicture
from processors.images.errors import Cancelled, ImageNotMade
from processors.images.image_tools import ImageTools
from processors.images.making import Result
from processors.images.marks import CAMERA
from processors.images.memory_store import MemoryStore
from processors.images.pixels import upload_untrusted
from processors.images.places import Places
from processors.images.records import image_untrusted
from processors.images.sources import MAX_UPLOADS, Sources
from processors.images.store import StoreFailed
from processors.images.studio import UNASKED
from processors.images.tree import ImageState, ImageTree
from processors.images.wishes import Wish
from processors.pictures import CodedPictures
from tests.processors.encoded_pictures import encoded as encoded_video
from tests.processors.encoded_pictures import scene
from tests.processors.images.hostile import jpeg
from tests.processors.images.image_server import candidate, image_part, server
from tests.processors.images.studio_bench import (
    DRAFT,
    PNG,
    WAIT_LIMIT_S,
    Bench,
    bench,
    model,
)
from tests.processors.images.test_sources import REGION

UPLOAD = upload_untrusted(jpeg(64, 48, "red"))
SHORT_S = 0.1


def camera(peer_id: str = "ada") -> CameraPicture:
    data = encoded_video("VP8", scene(320, 240))
    return CameraPicture(CodedPictures("VP8", (data,)), time.monotonic(), peer_id)


def colours_of(thumbnail: str) -> set[str]:
    """Of a data URL: which of red, green and blue is most of a pixel."""
    image = Image.open(io.BytesIO(base64.b64decode(thumbnail.partition(",")[2]))).convert("RGB")
    pixels = np.asarray(image).reshape(-1, 3)
    return {"rgb"[index] for index in np.unique(pixels.argmax(axis=1))}


async def made(desk: Bench, prompt: str = "a cat") -> str:
    """The id of an image that is there."""
    result = await desk.tools.create_image(prompt)
    return str(result["image_id"])


async def test_a_wish_is_begun_before_anything_is_waited_for() -> None:
    async with model(waits=True) as (ours, client):
        with bench(client) as desk:
            wish = asyncio.ensure_future(desk.studio.fulfil(Wish("a cat", "ada")))
            await asyncio.sleep(0)
            (started,) = desk.events
            assert (started["event"], started["requested_by"], started["turn"]) == (
                "started", "ada", 3,
            )  # fmt: skip
            assert "queued" not in started
            ours.may_draw.set()
            (result,) = await wish
            assert isinstance(result, Result)
            assert desk.names == ["started", "ready", "selected"]


async def test_what_is_announced_is_stored_and_as_it_is_told() -> None:
    async with model() as (_, client):
        with bench(client) as desk:
            image_id = await made(desk)
            ready = desk.events[1]
            data = await desk.studio.store.get(image_id)
            assert data is not None
            assert ready["sha256"] == hashlib.sha256(data).hexdigest()
            assert (ready["mime_type"], ready["width"], ready["bytes"]) == (
                "image/png", 40, len(data),
            )  # fmt: skip
            assert desk.events[2]["image_id"] == desk.studio.tree.current_id == image_id
            saved = await desk.blobs.get("room", f"{image_id}.json")
            assert saved is not None


async def test_drafts_are_previews_and_go_when_it_is_there() -> None:
    async with model() as (ours, client):
        ours.parts = [
            image_part(b"no image", thought=True), image_part(DRAFT, thought=True), image_part(PNG),
        ]  # fmt: skip
        with bench(client) as desk:
            await made(desk)
            assert desk.names == ["started", "preview", "ready", "selected"]
            assert desk.events[1]["width"] == 10
            assert desk.studio.workshop.previews == {}
            assert desk.studio.workshop.counters.drafts_refused == 1


async def test_one_answer_with_words_and_images_keeps_their_order() -> None:
    async with model() as (ours, client):
        ours.parts = [
            {"text": "First."}, image_part(PNG), {"text": "Then."}, image_part(PNG),
            {"text": "That is all."},
        ]  # fmt: skip
        with bench(client) as desk:
            result = await desk.tools.create_image("explain")
            first, second = desk.studio.tree.images.values()
            assert (first.text, second.text, second.text_after) == (
                "First.", "Then.", "That is all.",
            )  # fmt: skip
            assert first.group == second.group
            assert result["images"] == [first.image_id, second.image_id]
            assert result["text"] == "First. Then. That is all."
            assert desk.names == [
                "started", "ready", "selected", "started", "ready", "selected", "text",
            ]  # fmt: skip


async def test_what_came_before_an_answer_broke_stays() -> None:
    async with model() as (ours, client):
        ours.parts = [image_part(PNG), image_part(b"garbled")]
        with bench(client) as desk:
            await made(desk)
            assert [one.state.value for one in desk.studio.tree.images.values()] == [
                "ready", "failed",
            ]  # fmt: skip


async def test_an_edit_goes_on_with_the_chat_and_has_its_parent() -> None:
    async with model() as (ours, client):
        with bench(client) as desk:
            first = await made(desk)
            await desk.tools.edit_image("warmer")
            second = desk.studio.tree.current
            assert second is not None
            assert second.parent_ids == (first,)
            assert [turn["role"] for turn in ours.bodies[1]["contents"]] == [
                "user", "model", "user",
            ]  # fmt: skip
            assert ours.sent_images() == []
            desk.studio.memory.forget(second.image_id)
            await desk.tools.edit_image("cooler")
            assert len(ours.bodies[2]["contents"]) == 1
            assert len(ours.sent_images()) == 1


async def test_the_camera_and_uploads_are_kept_to_compare_with() -> None:
    async with model() as (ours, client):
        with bench(client) as desk:
            desk.studio.sources.reel.add(camera())
            await desk.tools.edit_image("blue walls", "camera")
            desk.studio.uploaded(UPLOAD)
            desk.studio.uploaded(UPLOAD)
            await desk.tools.create_image("together", like=["upload 1", "upload 2"])
            first, second = desk.studio.tree.images.values()
            originals = desk.studio.tree.originals
            assert [originals[one].kind for one in first.original_ids] == ["camera"]
            assert [originals[one].kind for one in second.original_ids] == ["upload", "upload"]
            assert first.parent_id is None
            for one in originals:
                assert await desk.studio.store.get(one) is not None
            assert ours.sent_images() == [UPLOAD.data, UPLOAD.data]


async def test_variants_have_seeds_of_their_own_and_the_first_is_shown() -> None:
    async with model() as (ours, client):
        with bench(client) as desk:
            result = await desk.tools.create_image("a poster", count=3)
            images = list(desk.studio.tree.images.values())
            assert [(one.variant, one.variants) for one in images] == [(1, 3), (2, 3), (3, 3)]
            assert len({one.seed for one in images}) == 3
            assert len(result["images"]) == 3
            assert desk.names.count("selected") == 1
            assert {body["generationConfig"]["seed"] for body in ours.bodies} == {
                one.seed for one in images
            }


async def test_who_waits_is_told_so_and_comes_in_turn() -> None:
    async with model(waits=True) as (ours, client):
        with bench(client, max_concurrent=1) as desk:
            wishes = [asyncio.ensure_future(desk.tools.create_image(f"cat {n}")) for n in range(3)]
            await ours.until(1, 1)
            places = [event.get("position") for event in desk.events]
            assert places == [None, 1, 2]
            ours.may_draw.set()
            async with asyncio.timeout(WAIT_LIMIT_S):
                await asyncio.gather(*wishes)
            assert ours.most_at_once == 1
            assert desk.events[-1]["event"] == "selected"


async def test_rooms_share_the_places_of_the_service() -> None:
    async with model(waits=True) as (ours, client):
        places = Places(1)
        with bench(client, places) as one, bench(client, places) as other:
            wishes = [asyncio.ensure_future(made(desk)) for desk in (one, other)]
            await ours.until(1, 1)
            assert "queued" in other.events[0]
            ours.may_draw.set()
            async with asyncio.timeout(WAIT_LIMIT_S):
                await asyncio.gather(*wishes)


async def test_a_person_can_call_one_off_and_the_rest_goes_on() -> None:
    async with model(waits=True) as (ours, client):
        with bench(client) as desk:
            wish = asyncio.ensure_future(desk.studio.fulfil(Wish("x", "ada", count=2)))
            await ours.until(2, 2)
            first, second = desk.studio.tree.images
            desk.studio.cancel(first)
            await desk.until("cancelled")
            ours.may_draw.set()
            results = await wish
            assert [type(one) for one in results] == [Cancelled, Result]
            assert desk.studio.tree[first].reason == "It was cancelled."
            assert desk.studio.tree.current_id == second
            with pytest.raises(ToolError, match="not in the making"):
                desk.studio.cancel(first)


@pytest.mark.parametrize("waits_in_queue", [False, True])
async def test_a_wish_that_is_taken_back_ends_everything(waits_in_queue: bool) -> None:
    async with model(waits=True) as (ours, client):
        with bench(client, max_concurrent=1 if waits_in_queue else 4) as desk:
            wish = asyncio.ensure_future(desk.studio.fulfil(Wish("x", "ada", count=3)))
            await ours.until(1 if waits_in_queue else 3, 1 if waits_in_queue else 3)
            wish.cancel()
            with pytest.raises(asyncio.CancelledError):
                await wish
            assert desk.names.count("cancelled") == 3
            await ours.until(ours.asked, 0)
            ours.may_draw.set()
            await made(desk)  # the places are free again


async def test_an_image_that_takes_too_long_has_failed() -> None:
    async with model(waits=True) as (_, client):
        with bench(client, timeout_s=SHORT_S) as desk:
            with pytest.raises(ToolError, match="longer than 0.1 s"):
                await made(desk)
            assert desk.names == ["started", "failed"]


@pytest.mark.parametrize(
    ("parts", "reason"),
    [
        ([image_part(b"garbled")], "not an image"), ([{"text": "No."}], "but said: No."),
        ([{"text": ""}], "made no image"),
    ],
)  # fmt: skip
async def test_a_failure_has_a_reason_that_people_understand(
    parts: list[dict[str, Any]], reason: str
) -> None:
    async with model() as (ours, client):
        ours.parts = parts
        with bench(client) as desk:
            with pytest.raises(ToolError, match=reason):
                await made(desk)
            assert reason in desk.events[-1]["reason"]
            assert desk.studio.tree.current is None


async def test_a_store_that_fails_is_a_failure_too(monkeypatch: pytest.MonkeyPatch) -> None:
    async with model() as (_, client):
        with bench(client) as desk:

            async def full(folder: str, name: str, data: bytes) -> None:
                raise StoreFailed("the disk is full")

            monkeypatch.setattr(type(desk.blobs), "put", lambda self, *a: full(*a))
            with pytest.raises(ToolError, match="could not be stored"):
                await made(desk)
            assert desk.names == ["started", "failed"]


async def test_a_mistake_of_ours_is_told_and_logged(caplog: pytest.LogCaptureFixture) -> None:
    async with model() as (_, client):
        with bench(client) as desk:
            desk.studio.workshop.make = None  # type: ignore[method-assign,assignment]  # a bug
            with pytest.raises(ToolError, match="made a mistake"):
                await made(desk)
            assert "an image could not be made" in caplog.text


async def test_a_region_keeps_what_is_around_it() -> None:
    async with model() as (ours, client):
        with bench(client) as desk:
            first = await made(desk)
            desk.studio.pointing.at(REGION, first, "ada", time.monotonic())
            blue = jpeg(80, 60, "blue")
            ours.parts = [image_part(jpeg(20, 15, "blue"), thought=True), image_part(blue)]
            await desk.tools.edit_image("remove this")
            preview = next(event for event in desk.events if event["event"] == "preview")
            assert (preview["mime_type"], preview["width"]) == ("image/jpeg", 20)
            assert len(colours_of(preview["thumbnail"])) > 1, "the draft is not confined"
            image = desk.studio.tree.current
            assert image is not None and image.stored is not None
            assert (image.stored.mime_type, image.stored.width) == ("image/png", 40)
            assert image.region == REGION.to_json()
            assert len(ours.sent_images()) == 2
            assert desk.studio.sources.marks.current is None
            assert desk.studio.memory.history(image.image_id) == ()


async def test_who_tries_again_after_a_failure_points_at_the_same_place() -> None:
    async with model() as (ours, client):
        with bench(client) as desk:
            first = await made(desk)
            desk.studio.pointing.at(REGION, first, "ada", time.monotonic())
            ours.parts = [{"text": "No."}]
            with pytest.raises(ImageNotMade):
                await desk.tools.edit_image("remove this")
            ours.parts = [image_part(PNG)]
            await desk.tools.edit_image("remove this")
            image = desk.studio.tree.current
            assert image is not None
            assert image.region == REGION.to_json()
            await desk.tools.edit_image("warmer")
            assert desk.studio.tree.current is not image
            assert desk.studio.tree[desk.studio.tree.current_id or ""].region is None


async def test_pointing_needs_something_to_point_at() -> None:
    async with model() as (_, client):
        with bench(client) as desk:
            with pytest.raises(ToolError, match="no such picture"):
                desk.studio.pointing.at(REGION, "nobody", "ada", time.monotonic())
            with pytest.raises(ToolError, match="camera is off"):
                desk.studio.pointing.at(REGION, CAMERA, "ada", time.monotonic())
            desk.studio.sources.reel.add(camera())
            desk.studio.pointing.at(REGION, CAMERA, "ada", time.monotonic())
            desk.studio.pointing.at_nothing()
            assert desk.studio.sources.marks.current is None


async def test_undo_redo_and_select_move_everybody() -> None:
    async with model() as (_, client):
        with bench(client) as desk:
            first, second = await made(desk), await made(desk)
            assert desk.studio.undo().image_id == first
            assert desk.events[-1] == {
                "type": "image-event", "event": "selected", "image_id": first,
                "can_undo": False, "can_redo": True,
            }  # fmt: skip
            assert desk.studio.redo().image_id == second
            desk.studio.select(first)
            with pytest.raises(ToolError, match="nothing to redo"):
                desk.studio.redo()
            desk.studio.undo()
            desk.studio.undo()
            with pytest.raises(ToolError, match="nothing to undo"):
                desk.studio.undo()
            with pytest.raises(ToolError, match="no such picture"):
                desk.studio.select("nobody")


async def test_names_and_deletion() -> None:
    async with model() as (_, client):
        with bench(client) as desk:
            first, second = await made(desk), await made(desk)
            await desk.studio.name(first, "the sea")
            await desk.studio.name(second, "The Sea")
            named = [event for event in desk.events if event["event"] == "named"]
            assert [(event["image_id"], event["name"]) for event in named] == [
                (first, "the sea"), (first, ""), (second, "The Sea"),
            ]  # fmt: skip
            saved = await desk.blobs.get("room", f"{second}.json")
            assert image_untrusted(json.loads(saved or b"")).name == "The Sea"
            await desk.studio.delete(second)
            assert desk.names[-2:] == ["deleted", "selected"]
            assert await desk.studio.store.get(second) is None
            with pytest.raises(ToolError):
                await desk.studio.delete(second)
            with pytest.raises(ToolError):
                await desk.studio.name(second, "x")


async def test_deleting_what_is_in_the_making_calls_it_off_first() -> None:
    async with model(waits=True) as (ours, client):
        with bench(client) as desk:
            wish = asyncio.ensure_future(desk.tools.create_image("a cat"))
            await ours.until(1, 1)
            (image_id,) = desk.studio.tree.images
            with pytest.raises(ToolError, match="not finished"):
                desk.studio.select(image_id)
            await desk.studio.delete(image_id)
            assert desk.names == ["started", "cancelled", "deleted"]
            with pytest.raises(ToolError, match="cancelled"):
                await wish


async def test_what_is_deleted_takes_its_original_along_unless_others_need_it() -> None:
    async with model() as (_, client):
        with bench(client) as desk:
            desk.studio.sources.reel.add(camera())
            await desk.tools.edit_image("blue walls", "camera")
            (photo,) = desk.studio.tree.originals
            first = str(desk.studio.tree.current_id)
            second = str((await desk.tools.edit_image("warmer"))["image_id"])
            third = str((await desk.tools.edit_image("warmer"))["image_id"])
            await desk.studio.delete(second)
            saved = json.loads(await desk.blobs.get("room", f"{third}.json") or b"")
            assert saved["parent_ids"] == [first], "what is opened again has another tree"
            assert await desk.studio.store.get(photo) is not None
            await desk.studio.delete(first)
            assert desk.studio.tree.originals == {}
            assert await desk.studio.store.get(photo) is None


async def test_what_is_known_last_of_an_image_is_what_is_kept(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """However long the writing of what was known before takes."""
    may_write = asyncio.Event()

    async with model() as (_, client):
        with bench(client) as desk:
            image_id = await made(desk)
            put = MemoryStore.put

            async def slow_at_first(store: MemoryStore, *blob: Any) -> None:
                if b"first" in blob[-1]:
                    await may_write.wait()
                await put(store, *blob)

            monkeypatch.setattr(MemoryStore, "put", slow_at_first)
            names = [asyncio.create_task(desk.studio.name(image_id, "first"))]
            await asyncio.sleep(0)
            names.append(asyncio.create_task(desk.studio.name(image_id, "second")))
            await asyncio.sleep(0)
            may_write.set()
            await asyncio.gather(*names)
            saved = await desk.blobs.get("room", f"{image_id}.json")
            assert json.loads(saved or b"")["name"] == "second"


async def test_an_upload_is_kept_before_a_wish_uses_it() -> None:
    async with model() as (ours, client):
        with bench(client) as desk:
            studio = desk.studio
            await studio.keep_upload(studio.uploaded(UPLOAD), UPLOAD)
            after = ImageTree(originals=dict(studio.tree.originals))
            studio.sources = Sources(after)  # as after a restart: its bytes are in the store only
            await desk.tools.create_image("in blue", like=["upload"])
            assert ours.sent_images() == [UPLOAD.data]
            for _ in range(MAX_UPLOADS + 1):
                await studio.keep_upload(studio.uploaded(UPLOAD), UPLOAD)
            assert len(studio.tree.originals) == MAX_UPLOADS + 1, "nobody can mean the others"


@pytest.mark.parametrize("ends", ["by its time limit", "by a wish that replaces it"])
async def test_an_image_that_everybody_sees_is_told_whatever_becomes_of_the_answer(
    ends: str,
) -> None:
    """The model must not say that it failed."""
    may_end = asyncio.Event()

    async def answer(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
        await response.prepare(request)
        event = json.dumps({"candidates": [candidate(image_part(PNG))]})
        await response.write(b"data: " + event.encode() + b"\r\n\r\n")
        await may_end.wait()
        return response

    async with server(answer) as client:  # type: ignore[arg-type]  # any response will do
        with bench(client, timeout_s=1.0 if "limit" in ends else 60.0) as desk:
            making = asyncio.ensure_future(desk.tools.create_image("a cat"))
            await desk.until("ready")
            if "limit" not in ends:
                assert desk.studio.cancel_all() == []
                with pytest.raises(ToolError, match="not in the making"):
                    desk.studio.cancel(str(desk.studio.tree.current_id))
                may_end.set()
            told = await making
            may_end.set()
            assert (told["image_id"], told["shown"]) == (desk.studio.tree.current_id, True)


async def test_a_parent_that_is_deleted_meanwhile_leaves_no_orphan() -> None:
    async with model(waits=True) as (ours, client):
        with bench(client) as desk:
            ours.may_draw.set()
            first = await made(desk)
            ours.may_draw.clear()
            wish = asyncio.ensure_future(desk.tools.edit_image("warmer"))
            await ours.until(2, 1)
            await desk.studio.delete(first)
            ours.may_draw.set()
            await wish
            image = desk.studio.tree.current
            assert image is not None
            assert image.parent_ids == ()


async def test_an_image_of_the_live_model_is_shown() -> None:
    async with model() as (_, client):
        with bench(client) as desk:
            await desk.studio.given(PNG, "gemini-live")
            image = desk.studio.tree.current
            assert image is not None
            assert (image.prompt, image.model) == (UNASKED, "gemini-live")
            await desk.studio.given(b"garbled", "gemini-live")
            assert desk.events[-1]["event"] == "failed"
            desk.studio.tree.limit = 2
            await desk.studio.given(PNG, "gemini-live")
            assert len(desk.studio.tree.images) == 2


async def test_a_full_room_and_an_empty_prompt_begin_nothing() -> None:
    async with model() as (_, client):
        with bench(client) as desk:
            with pytest.raises(ToolError, match="prompt is empty"):
                await made(desk, "  ")
            desk.studio.tree.limit = 0
            with pytest.raises(ToolError, match="all the images it can hold"):
                await made(desk)
            assert desk.events == []


async def test_a_picture_that_is_not_kept_any_more_cannot_be_edited() -> None:
    async with model() as (_, client):
        with bench(client) as desk:
            image_id = await made(desk)
            await desk.blobs.delete("room", f"{image_id}.image")
            with pytest.raises(ToolError, match="not kept any more"):
                await desk.tools.edit_image("warmer")


async def test_usage_names_the_model_and_the_image() -> None:
    async def answer(_request: web.Request) -> web.Response:
        body = {"candidates": [{"content": {"parts": [image_part(PNG)]}, "finishReason": "STOP"}]}
        return web.json_response({**body, "usageMetadata": {"totalTokenCount": 9}})

    async with server(answer) as client:
        with bench(client) as desk:
            image_id = await made(desk)
            (used,) = desk.used
            assert (used.image_id, used.usage["totalTokenCount"]) == (image_id, 9)
            assert used.model == desk.studio.settings.model
            assert desk.studio.tree[image_id].cost_usd == 0.09
            saved = await desk.blobs.get("room", f"{image_id}.json")
            assert json.loads(saved or b"")["cost_usd"] == 0.09


async def test_a_change_of_mind_replaces_ones_own_and_nobody_elses() -> None:
    async with model(waits=True) as (ours, client):
        with bench(client) as desk:
            tools: ImageTools = desk.tools
            desk.studio.sources.utterances.wrote("ben", 1.0)
            of_ben = asyncio.ensure_future(tools.create_image("a dog"))
            await ours.until(1, 1)
            desk.studio.sources.utterances.wrote("ada", 2.0)
            first = asyncio.ensure_future(tools.create_image("a cat"))
            await ours.until(2, 2)
            second = asyncio.ensure_future(tools.create_image("a bird", replaces_pending=True))
            with pytest.raises(ImageNotMade, match="cancelled"):
                await first
            ours.may_draw.set()
            assert (await second)["prompt"] == "a bird"
            assert (await of_ben)["prompt"] == "a dog"
            states = [one.state for one in desk.studio.tree.images.values()]
            assert states == [ImageState.READY, ImageState.CANCELLED, ImageState.READY]
