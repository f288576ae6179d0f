"""Six stories of pictures that are made while people talk: Chromium, voice, camera, to the end."""

from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageFont
from playwright.async_api import expect

from emulator.colours import PAINT
from emulator.posters import draw_poster
from emulator.steps import FIRST, SECOND
from tests.browser.stage_set import HEIGHT, WIDTH, write_camera, write_still_camera
from tests.browser.storyteller import (
    Pixels,
    Storyteller,
    another_visitor,
    is_bluer,
    mean_colour,
    shows_image,
    story,
)
from tests.browser.visitor import ANSWER_LIMIT_MS

pytestmark = [pytest.mark.browser, pytest.mark.timeout(240)]

LEFT_WALL: Final = (0.03, 0.1, 0.3, 0.35)
RIGHT_WALL: Final = (0.7, 0.1, 0.97, 0.35)
FLOOR: Final = (0.05, 0.7, 0.25, 0.8)
SAME: Final = 12  # by which two JPEGs of the same area may differ
SOFT_EDGE: Final = 0.06  # of the picture: where a region's edge is mixed


def camera_of(write: Callable[[Path], None], folder: Path) -> str:
    write(folder / "camera.y4m")
    return f"--use-file-for-fake-video-capture={folder / 'camera.y4m'}"


def ready(images: dict[str, dict[str, Any]]) -> list[dict[str, Any]]:
    return [image for image in images.values() if image["state"] == "ready"]


async def test_decorating(tmp_path: Path) -> None:
    async with story(tmp_path, camera_of(write_camera, tmp_path), camera=True) as teller:
        await teller.says("show me this room with blue walls")
        blue = await teller.sees_another()
        assert is_bluer(mean_colour(await teller.pixels(blue), *LEFT_WALL))

        await teller.says("make it warmer")
        warm = await teller.sees_another()
        assert warmth(await teller.pixels(warm)) > warmth(await teller.pixels(blue))

        await teller.says("only the left wall")
        left = await teller.sees_another()
        pixels = await teller.pixels(left)
        assert is_bluer(mean_colour(pixels, *LEFT_WALL))
        assert not is_bluer(mean_colour(pixels, *RIGHT_WALL))
        await teller.photograph("story-1-decorating")

        await teller.says("undo")
        await teller.sees_again(warm)
        assert await teller.current() == warm

        await teller.says("go back to the first one and add a plant")
        plant = await teller.sees_another()
        images = await teller.images()
        parents = {one: images[one]["parent_id"] for one in (blue, warm, left, plant)}
        assert parents == {blue: None, warm: blue, left: warm, plant: blue}
        before, after = await teller.pixels(blue), await teller.pixels(plant)
        assert np.abs(before.astype(int) - after).max() > 100, "nothing was added"
        assert near(mean_colour(before, *RIGHT_WALL), mean_colour(after, *RIGHT_WALL))
        await teller.photograph("story-1-plant")


def warmth(pixels: Pixels) -> float:
    red, _, blue = pixels.reshape(-1, 3).mean(axis=0)
    return float(red - blue)


def near(one: Pixels, other: Pixels) -> bool:
    return bool(np.abs(one.astype(int) - other).max() <= SAME)


def problem() -> Image.Image:
    """What a pupil holds to the camera."""
    paper = Image.new("RGB", (WIDTH, HEIGHT), (244, 242, 234))
    draw = ImageDraw.Draw(paper)
    font = ImageFont.load_default(96)
    middle = HEIGHT / 2
    dots = [(x, y, FIRST) for x, y in ((70, -40), (130, -40), (100, 30))]
    dots += [(x, y, SECOND) for x in (300, 360) for y in (-40, 30)]
    for x, y, colour in dots:
        draw.ellipse((x - 24, middle + y - 24, x + 24, middle + y + 24), fill=colour)
    for x, sign in ((215, "+"), (490, "= ?")):
        draw.text((x, middle), sign, (30, 30, 40), font, anchor="mm")
    return paper


async def test_explaining(tmp_path: Path) -> None:
    camera = camera_of(lambda path: write_still_camera(path, problem()), tmp_path)
    async with story(tmp_path, camera, camera=True) as teller:
        await teller.says("explain this step by step")
        last = teller.person.page.get_by_test_id("history").locator("[data-image-id]")
        await expect(last).to_have_count(3, timeout=ANSWER_LIMIT_MS)
        await teller.sees_another()
        steps = ready(await teller.images())
        assert len({step["group"] for step in steps}) == 1
        assert all(step["text"] for step in steps)
        assert [one["kind"] for one in steps[0]["originals"]] == ["camera"]
        wanted = [part for step in steps for part in (step["text"], step["image_id"])]
        assert await order_in_transcript(teller, wanted) == wanted
        assert "makes 7" in steps[-1]["text"], "what was held to the camera is not what it counted"
        await teller.person.reads("model", "makes 7")
        await teller.photograph("story-2-explaining")


ORDER: Final = """([list, wanted]) => {
  const parts = [];
  const walk = document.createTreeWalker(list, NodeFilter.SHOW_ELEMENT | NodeFilter.SHOW_TEXT);
  for (let node = walk.nextNode(); node; node = walk.nextNode()) {
    if (node.dataset?.imageId) parts.push(node.dataset.imageId);
    const said = node.nodeType === Node.TEXT_NODE ? node.data.trim() : '';
    const part = wanted.find((one) => said !== '' && one.trim() === said);
    if (part !== undefined) parts.push(part);
  }
  return parts.filter((part, at) => wanted.includes(part) && parts.indexOf(part) === at);
}"""


async def order_in_transcript(teller: Storyteller, wanted: list[str]) -> list[str]:
    """Those of the texts and image ids that the transcript shows, in its order."""
    transcript = await teller.person.page.get_by_test_id("transcript").element_handle()
    found: list[str] = await teller.person.page.evaluate(ORDER, [transcript, wanted])
    return found


async def test_posters(tmp_path: Path) -> None:
    async with story(tmp_path) as teller:
        await teller.says("make a poster saying hello world in three variants")
        page = teller.person.page
        finished = page.get_by_test_id("variants").locator('[data-state="ready"]')
        await expect(finished).to_have_count(3, timeout=ANSWER_LIMIT_MS)
        variants = sorted(ready(await teller.images()), key=lambda image: image["variant"])
        assert [image["variant"] for image in variants] == [1, 2, 3]
        assert len({image["sha256"] for image in variants}) == 3
        for image in variants:
            pixels = await teller.pixels(image["image_id"])
            drawn = draw_poster("hello world", image["width"], image["height"], image["seed"])
            apart = np.abs(np.asarray(drawn).astype(int) - pixels)
            assert apart.mean() < 4, "the letters are not those that were asked for"
            assert contrast(pixels) > 120
        await teller.photograph("story-3-posters")

        guest = await another_visitor(teller)
        await teller.says("take the second one")
        await teller.sees_again(variants[1]["image_id"])
        await shows_image(guest, variants[1]["image_id"])

        third = variants[2]["image_id"]
        await page.get_by_test_id("variants").locator(f'[data-image-id="{third}"]').click()
        await shows_image(guest, third)
        assert await teller.current() == third
        await guest.page.context.close()


def contrast(pixels: Pixels) -> float:
    """Between the light and the dark of the picture, as letters need it."""
    light = pixels.mean(axis=2)
    return float(np.percentile(light, 97) - np.percentile(light, 3))


async def test_a_story_with_one_character(tmp_path: Path) -> None:
    async with story(tmp_path) as teller:
        await teller.says("draw a fox with a red scarf")
        fox = await teller.sees_another()
        await teller.says("show the fox in a forest")
        forest = await teller.sees_another()
        await teller.says("show the fox at the beach")
        beach = await teller.sees_another()
        images = await teller.images()
        assert images[forest]["parent_ids"] == [fox]
        assert images[beach]["parent_ids"] == [forest]
        scenes = [await teller.pixels(one) for one in (fox, forest, beach)]
        orange = [share_of(scene, (222, 120, 50)) for scene in scenes]
        assert all(share > 0.01 for share in orange), "the fox is gone"
        scarf = [share_of(scene, PAINT["red"]) for scene in scenes]
        assert all(share > 0.002 for share in scarf), "it is another fox: nobody named the scarf"
        assert not near(mean_colour(scenes[1], 0, 0, 1, 0.2), mean_colour(scenes[2], 0, 0, 1, 0.2))
        await teller.photograph("story-4-character")


def share_of(pixels: Pixels, colour: tuple[int, int, int]) -> float:
    apart = np.abs(pixels.astype(int) - colour).max(axis=2)
    return float((apart < 40).mean())


def write_lamp(path: Path) -> None:
    picture = Image.new("RGB", (480, 480), "white")
    draw = ImageDraw.Draw(picture)
    draw.rectangle((230, 190, 250, 420), fill=(70, 70, 70))
    draw.polygon([(160, 190), (320, 190), (280, 70), (200, 70)], fill=(230, 60, 200))
    draw.ellipse((170, 400, 310, 440), fill=(70, 70, 70))
    picture.save(path)


def write_table(path: Path) -> None:
    picture = Image.new("RGB", (800, 600), (214, 206, 190))
    draw = ImageDraw.Draw(picture)
    draw.rectangle((0, 420, 800, 600), fill=(160, 140, 120))
    draw.rectangle((150, 330, 650, 360), fill=(110, 70, 40))
    for left in (180, 600):
        draw.rectangle((left, 360, left + 20, 540), fill=(110, 70, 40))
    picture.save(path)


async def test_product_help(tmp_path: Path) -> None:
    write_lamp(tmp_path / "lamp.png")
    write_table(tmp_path / "table.png")
    async with story(tmp_path) as teller:
        page = teller.person.page
        await page.get_by_test_id("upload").set_input_files(
            [tmp_path / "lamp.png", tmp_path / "table.png"]
        )
        await teller.person.write("These are my lamp and my table.")
        await teller.person.reads("user", "These are my lamp and my table.")
        await teller.says("put this lamp on that table")
        together = await teller.sees_another()
        image = (await teller.images())[together]
        assert [one["kind"] for one in image["originals"]] == ["upload", "upload"]
        pixels = await teller.pixels(together)
        assert share_of(pixels, (230, 60, 200)) > 0.002, "the lamp's shade is not there"
        assert share_of(pixels, (110, 70, 40)) > 0.01, "the table is not there"
        await teller.photograph("story-5-product")


async def test_pointing_at_an_image(tmp_path: Path) -> None:
    async with story(tmp_path) as teller:
        await teller.says("draw a house")
        house = await teller.sees_another()
        left, top, right, bottom = await draw_box(teller, (0.28, 0.6), (0.44, 0.78))
        await teller.photograph("story-6-region")
        await teller.says("remove this")
        without = await teller.sees_another()
        image = (await teller.images())[without]
        assert (image["parent_id"], image["mime_type"]) == (house, "image/png")
        before, after = await teller.pixels(house), await teller.pixels(without)
        assert before.shape == after.shape
        inside = area(before.shape, left, top, right, bottom, -SOFT_EDGE)
        beyond = ~area(before.shape, left, top, right, bottom, SOFT_EDGE)
        assert np.array_equal(before[beyond], after[beyond])
        assert np.abs(before[inside].astype(int) - after[inside]).max() > 60
        await teller.photograph("story-6-pointing")


async def test_pointing_at_the_camera(tmp_path: Path) -> None:
    async with story(tmp_path, camera_of(write_camera, tmp_path), camera=True) as teller:
        _, top, _, bottom = await draw_box(teller, (0.55, 0.1), (0.85, 0.4))
        left, right = 0.15, 0.45  # people see their own camera as in a mirror
        await teller.says("make this red")
        edited = await teller.sees_another()
        image = (await teller.images())[edited]
        (original,) = image["originals"]
        assert (image["parent_id"], original["kind"]) == (None, "camera")
        before, after = await teller.pixels_at(original["url"]), await teller.pixels(edited)
        beyond = ~area(before.shape, left, top, right, bottom, SOFT_EDGE)
        assert np.array_equal(before[beyond], after[beyond])
        red, green, blue = (int(one) for one in mean_colour(after, 0.22, 0.17, 0.38, 0.33))
        assert red > green + 60 and red > blue + 60


async def draw_box(
    teller: Storyteller, start: tuple[float, float], end: tuple[float, float]
) -> tuple[float, float, float, float]:
    """With the mouse, at shares of the picture on the easel; the box (left, top, right, bottom)."""
    page = teller.person.page
    await page.get_by_test_id("region").click()
    box = await page.get_by_test_id("region-surface").bounding_box()
    assert box is not None
    corners = [(box["x"] + x * box["width"], box["y"] + y * box["height"]) for x, y in (start, end)]
    await page.mouse.move(*corners[0])
    await page.mouse.down()
    await page.mouse.move(*corners[1], steps=8)
    await page.mouse.up()
    await expect(page.get_by_test_id("region-clear")).to_be_visible()
    return (*start, *end)


def area(
    shape: tuple[int, ...], left: float, top: float, right: float, bottom: float, grown: float
) -> np.ndarray[Any, np.dtype[np.bool_]]:
    """The pixels of a box that is grown to each side by so much of the picture."""
    height, width = shape[:2]
    mask = np.zeros((height, width), bool)
    rows = slice(max(0, int((top - grown) * height)), int((bottom + grown) * height) + 1)
    mask[rows, max(0, int((left - grown) * width)) : int((right + grown) * width) + 1] = True
    return mask
