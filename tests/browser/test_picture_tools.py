"""What people do with pictures by hand, and while they are made: mouse, keys, and one thumb."""

import asyncio
import hashlib
import io
import math
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Final
from urllib.parse import urljoin

import aiohttp
import numpy as np
import pytest
from PIL import Image
from playwright.async_api import Page, expect

from processors.images.region import region_untrusted
from tests.browser.storyteller import OUTPUT, Storyteller, story
from tests.browser.visitor import ANSWER_LIMIT_MS

pytestmark = [pytest.mark.browser, pytest.mark.timeout(240)]

CIRCLE: Final = [
    (0.36 + 0.1 * math.cos(angle / 6), 0.68 + 0.1 * math.sin(angle / 6)) for angle in range(38)
]

# Each look of the easel: state, whether the parent lies dimmed beneath, address.
WATCH: Final = """() => {
  const picture = document.querySelector('[data-testid=stage-image]');
  const beneath = document.getElementById('stage-beneath');
  window.looks = [];
  const look = () => window.looks.push([
    picture.dataset.state, !beneath.hidden && beneath.dataset.dimmed === 'true',
    picture.getAttribute('src') ?? '',
  ]);
  new MutationObserver(look).observe(picture, { attributes: true });
}"""


async def looks(page: Page, state: str) -> list[tuple[bool, str]]:
    """In that state: whether the parent lay beneath, and which picture was shown."""
    seen: list[list[Any]] = await page.evaluate("() => window.looks")
    return [(beneath, src) for found, beneath, src in seen if found == state]


async def state_of_last(teller: Storyteller) -> str:
    return str([*(await teller.images()).values()][-1]["state"])


async def begun(teller: Storyteller, wish: str) -> None:
    """It is asked for in writing, and on the easel before it is there."""
    await teller.person.write(wish)
    making = teller.person.page.get_by_test_id("cancel-image")
    await expect(making).to_be_visible(timeout=ANSWER_LIMIT_MS)


async def called_off(teller: Storyteller) -> None:
    making = teller.person.page.get_by_test_id("cancel-image")
    await expect(making).to_be_hidden(timeout=ANSWER_LIMIT_MS)
    assert await state_of_last(teller) == "cancelled"


async def test_a_picture_comes_to_be_and_can_be_called_off(tmp_path: Path) -> None:
    async with story(tmp_path) as teller:
        page = teller.person.page
        await page.evaluate(WATCH)
        await teller.person.write("draw a house")
        house = await teller.sees_another()
        drafts = await looks(page, "preview")
        assert len({src for _, src in drafts if src}) >= 2, "it was not refined in place"

        await page.evaluate(WATCH)
        await teller.person.write("make it warmer")
        warm = await teller.sees_another()
        assert any(beneath for beneath, _ in await looks(page, "started")), "no parent beneath"
        await uses_the_tools(teller, house, warm)

        await begun(teller, "draw a very slow boat")
        await teller.says("never mind")
        await called_off(teller)
        await teller.person.reads("model", "Cancelled")

        await begun(teller, "draw a very slow boat")
        await page.get_by_test_id("cancel-image").click()
        await called_off(teller)

        await begun(teller, "draw a very slow boat")
        await teller.says("make it red instead")
        red = await teller.sees_another()
        images = await teller.images()
        (*_, boat, last) = images.values()
        assert (boat["state"], last["image_id"]) == ("cancelled", red)
        ready = [one for one, image in images.items() if image["state"] == "ready"]
        assert ready == [house, red]


async def uses_the_tools(teller: Storyteller, house: str, warm: str) -> None:
    """The second picture is on the easel, made of the first; in the end it is gone."""
    page = teller.person.page
    await page.get_by_test_id("history").focus()
    await page.keyboard.press("Control+z")
    await teller.sees_again(house)
    await page.keyboard.press("Control+Shift+Z")
    await teller.sees_again(warm)

    await compares(page, (await teller.images())[house]["sha256"], teller.url)
    await walks(page, house, warm)
    saved = await downloaded(page, "download")
    assert hashlib.sha256(saved).hexdigest() == (await teller.images())[warm]["sha256"]

    await page.get_by_test_id("more").click()
    async with page.expect_response("**/link") as told:
        await page.get_by_test_id("share-picture").click()
    await shows_the_picture(urljoin(teller.url, (await (await told.value).json())["url"]))
    told_story = (await downloaded(page, "export")).decode()
    assert "draw a house" in told_story and "make it warmer" in told_story
    await page.get_by_test_id("picture-name").fill("the cosy one")
    await page.keyboard.press("Enter")
    named = page.get_by_test_id("history").get_by_text("the cosy one")
    await expect(named).to_be_visible(timeout=ANSWER_LIMIT_MS)
    assert (await teller.images())[warm]["name"] == "the cosy one"

    await page.get_by_test_id("more").click()
    await page.get_by_test_id("delete-picture").click()
    await page.get_by_test_id("delete-picture").click()
    await teller.sees_again(house)
    assert [*(await teller.images())] == [house]


async def downloaded(page: Page, link: str) -> bytes:
    async with page.expect_download() as download:
        await page.get_by_test_id(link).click()
    path = await (await download.value).path()
    return await asyncio.to_thread(path.read_bytes)


async def compares(page: Page, before: str, url: str) -> None:
    """The picture before lies over the one on the easel as far as the slider says."""
    await page.get_by_test_id("compare").click()
    slider = page.get_by_test_id("compare-slider")
    await expect(slider).to_be_focused()
    src = await page.locator("#compare-before").get_attribute("src")
    async with aiohttp.ClientSession() as http, http.get(urljoin(url, src or "")) as response:
        assert hashlib.sha256(await response.read()).hexdigest() == before
    middle = await slider.input_value()
    await page.keyboard.press("ArrowLeft")
    assert int(await slider.input_value()) < int(middle)
    await page.keyboard.press("Escape")
    await expect(slider).to_be_hidden()


async def walks(page: Page, first: str, last: str) -> None:
    """With the arrow keys along the history; Enter shows what one stands on."""
    buttons = {
        one: page.get_by_test_id("history").locator(f'button[data-image-id="{one}"]')
        for one in (first, last)
    }
    await buttons[last].focus()
    await page.keyboard.press("ArrowLeft")
    await expect(buttons[first]).to_be_focused()
    await page.keyboard.press("ArrowRight")
    await expect(buttons[last]).to_be_focused()


async def shows_the_picture(url: str) -> None:
    """A link of its own, for somebody who is in no room."""
    async with aiohttp.ClientSession() as http, http.get(url) as response:
        assert response.status == 200
        assert Image.open(io.BytesIO(await response.read())).width > 500


async def test_with_one_thumb(tmp_path: Path) -> None:
    async with story(tmp_path, phone=True) as teller:
        page = teller.person.page
        await teller.says("draw a house")
        house = await teller.sees_another()
        await page.get_by_test_id("region").tap()
        await drags(page, CIRCLE)
        await expect(page.get_by_test_id("region-clear")).to_be_visible()
        await page.screenshot(path=OUTPUT / "thumb-region.png")
        # The model is told to spoil all of the picture: beyond the line nobody sees it.
        await teller.person.write("remove this, sloppy")
        without = await teller.sees_another()
        image = (await teller.images())[without]
        assert "stroke" in image["region"]
        before, after = await teller.pixels(house), await teller.pixels(without)
        mask = region_untrusted(image["region"]).mask(image["width"], image["height"])
        assert 0.01 < (mask > 0).mean() < 0.2
        assert np.array_equal(before[mask == 0], after[mask == 0])
        assert np.abs(before[mask == 1].astype(int) - after[mask == 1]).max() > 60

        await page.get_by_test_id("undo").tap()
        await teller.sees_again(house)
        await page.get_by_test_id("redo").tap()
        await teller.sees_again(without)
        await page.screenshot(path=OUTPUT / "thumb-picture.png")


async def drags(page: Page, points: Iterable[tuple[float, float]]) -> None:
    """A finger on the easel, at shares of the picture."""
    box = await page.get_by_test_id("region-surface").bounding_box()
    assert box is not None
    places = [
        {"x": box["x"] + x * box["width"], "y": box["y"] + y * box["height"]} for x, y in points
    ]
    finger = await page.context.new_cdp_session(page)
    for number, place in enumerate(places):
        kind = "touchMove" if number else "touchStart"
        await finger.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": [place]})
    await finger.send("Input.dispatchTouchEvent", {"type": "touchEnd", "touchPoints": []})
