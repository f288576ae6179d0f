"""What the Live model may do with images, and the truth that it is told."""

import asyncio
from typing import Any

import pytest

from processors.errors import ToolError
from processors.frames import ModelNoteFrame, ToolCall, ToolCallFrame, ToolResultFrame
from processors.images.image_tools import TOOL_NAMES
from processors.tool_stage import Acknowledgement, ToolStage
from processors.tools import Toolset
from tests.processors.images.image_server import image_part
from tests.processors.images.studio_bench import PNG, bench, model
from tests.processors.probe import Around, around


async def test_every_tool_is_declared_with_what_it_takes() -> None:
    async with model() as (_, client):
        with bench(client) as desk:
            tools = {one.name: one for one in desk.tools.tools()}
            assert tuple(tools) == TOOL_NAMES
            assert [name for name in tools if tools[name].slow] == ["create_image", "edit_image"]
            schema: Any = tools["edit_image"].declaration.parameters_json_schema
            assert schema["required"] == ["prompt"]
            assert set(schema["properties"]) == {
                "prompt", "source", "others", "aspect_ratio", "size", "count", "replaces_pending",
            }  # fmt: skip


async def test_a_success_names_the_image_and_a_failure_has_none() -> None:
    async with model() as (ours, client):
        with bench(client) as desk:
            made = await desk.tools.create_image("a cat", aspect_ratio="16:9", size="1k")
            assert made == {
                "image_id": desk.studio.tree.current_id, "prompt": "a cat", "shown": True,
            }  # fmt: skip
            asked = ours.bodies[0]["generationConfig"]["imageConfig"]
            assert (asked["imageSize"], asked["aspectRatio"]) == ("1K", "16:9")
            image = desk.studio.tree.current
            assert image is not None
            assert (image.size, image.aspect_ratio) == ("1K", "16:9")
            ours.parts = [{"text": "No."}]
            with pytest.raises(ToolError, match="made no image"):
                await desk.tools.create_image("a cat")


async def test_variants_that_failed_are_told() -> None:
    async with model(waits=True) as (ours, client):
        with bench(client, images_per_wish=2) as desk:
            wish = asyncio.ensure_future(desk.tools.create_image("a cat"))
            await ours.until(2, 2)
            desk.studio.cancel(next(iter(desk.studio.tree.images)))
            await desk.until("cancelled")
            ours.may_draw.set()
            assert (await wish)["not_made"] == ["It was cancelled."]


@pytest.mark.parametrize(
    ("args", "words"),
    [({"aspect_ratio": "17:5"}, "no such aspect_ratio"), ({"size": "9K"}, "no such size")],
)
async def test_what_the_image_model_does_not_know_is_said_before_it_is_asked(
    args: dict[str, Any], words: str
) -> None:
    async with model() as (ours, client):
        with bench(client) as desk:
            with pytest.raises(ToolError, match=words):
                await desk.tools.create_image("a cat", **args)
            assert (ours.asked, desk.events) == (0, [])


async def test_going_back_and_forth_by_words() -> None:
    async with model() as (_, client):
        with bench(client) as desk:
            first = (await desk.tools.create_image("a cat"))["image_id"]
            second = (await desk.tools.edit_image("a dog"))["image_id"]
            assert (await desk.tools.select_image("undo"))["image_id"] == first
            assert (await desk.tools.select_image("redo"))["image_id"] == second
            assert await desk.tools.name_image("the sea", "first") == {
                "image_id": first, "prompt": "a cat", "name": "the sea",
            }  # fmt: skip
            assert (await desk.tools.select_image("the sea"))["current"] is True
            deleted = await desk.tools.delete_image("the sea")
            assert deleted["deleted"] == first
            assert deleted["current"]["image_id"] == second
            assert (await desk.tools.delete_image("last"))["current"] is None
            with pytest.raises(ToolError):
                await desk.tools.select_image("undo")


async def test_calling_off_the_newest_or_all() -> None:
    async with model(waits=True) as (ours, client):
        with bench(client) as desk:
            with pytest.raises(ToolError, match="No picture is in the making"):
                await desk.tools.cancel_image()
            one = asyncio.ensure_future(desk.tools.create_image("a cat"))
            two = asyncio.ensure_future(desk.tools.create_image("a dog", count=2))
            await ours.until(3, 3)
            ids = list(desk.studio.tree.images)
            assert (await desk.tools.cancel_image())["cancelled"] == ids[1:]
            with pytest.raises(ToolError):
                await two
            three = asyncio.ensure_future(desk.tools.create_image("a bird"))
            await ours.until(4, 2)
            fourth = list(desk.studio.tree.images)[3]
            assert (await desk.tools.cancel_image(fourth))["cancelled"] == [fourth]
            with pytest.raises(ToolError, match="cancelled"):
                await three
            assert (await desk.tools.cancel_image("all"))["cancelled"] == [ids[0]]
            with pytest.raises(ToolError, match="cancelled"):
                await one


@pytest.mark.parametrize("how", list(Acknowledgement))
@pytest.mark.parametrize("makes", [True, False])
async def test_nothing_that_a_model_is_told_can_be_taken_for_an_image_that_is_not_there(
    how: Acknowledgement, makes: bool
) -> None:
    """As a credulous model reads it: "output" is success, and an image is one with an id."""
    async with model() as (ours, client):
        ours.parts = [image_part(PNG)] if makes else [{"text": "I may not."}]
        with bench(client) as desk:
            stage = ToolStage(Toolset(desk.tools.tools()), how)
            async with around(stage) as probes:
                await probes.push(ToolCallFrame((ToolCall("1", "create_image", {"prompt": "x"}),)))
                wanted = 1 if how is Acknowledgement.NONE else 2
                await probes.above.until(lambda: len(told_in(probes)) == wanted)
            *before, last = told_in(probes)
            (image_id,) = desk.studio.tree.images
            for words in before:
                assert isinstance(words, dict)
                assert words["status"] == "started"
                assert "output" not in words and image_id not in str(words)
            assert (image_id in str(last)) is makes
            assert ("I may not." in str(last)) is not makes
            if isinstance(last, dict):
                assert set(last) == ({"output"} if makes else {"error"})


def told_in(probes: Around) -> list[dict[str, Any] | str]:
    """What went up to the model, in order: responses and notes."""
    return [
        dict(frame.response) if isinstance(frame, ToolResultFrame) else frame.text
        for frame in probes.above.frames
        if isinstance(frame, ToolResultFrame | ModelNoteFrame)
    ]
