"""A person who makes pictures by speaking, and what the room then holds of them."""

import io
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final
from urllib.parse import urljoin

import aiohttp
import numpy as np
from numpy.typing import NDArray
from PIL import Image
from playwright.async_api import expect

from tests.browser.mouth import lend_mouth, speak
from tests.browser.processes import Emulator, emulator, service
from tests.browser.visitor import ANSWER_LIMIT_MS, DESKTOP, PHONE, Visitor
from tests.chromium import chromium_or_skip

OUTPUT: Final = Path("test-output")
Pixels = NDArray[np.uint8]


@dataclass
class Storyteller:
    """`person` is at the page of the service at `url`; `folder` takes what is spoken."""

    person: Visitor
    url: str
    gemini: Emulator
    folder: Path
    seen: set[str] = field(default_factory=set)

    async def says(self, words: str) -> None:
        """And reads the words in the transcript: they were heard."""
        await speak(self.person.page, words, self.folder)
        await self.person.reads("user", words)

    async def sees_another(self) -> str:
        """Waits until an image that was not seen before stands finished on the easel: its id."""
        image = self.person.page.get_by_test_id("stage-image")
        known = "|".join(["", *self.seen])
        fresh = f'[data-testid="stage-image"][data-state="ready"]:not(:is({_any_of(known)}))'
        await expect(self.person.page.locator(fresh)).to_be_visible(timeout=ANSWER_LIMIT_MS)
        image_id = await image.get_attribute("data-image-id")
        assert image_id is not None
        self.seen.add(image_id)
        return image_id

    async def sees_again(self, image_id: str) -> None:
        """That image stands on the easel."""
        await shows_image(self.person, image_id)

    async def images(self) -> dict[str, dict[str, Any]]:
        """Every image of the room by its id, in the order in which they were begun."""
        listing = await self._get_json("images")
        return {one["image_id"]: one for one in listing["images"]}

    async def current(self) -> str | None:
        current: str | None = (await self._get_json("images"))["currentImage"]
        return current

    async def pixels(self, image_id: str) -> Pixels:
        """Of the stored original, as RGB."""
        image = (await self.images())[image_id]
        return await self.pixels_at(image["url"])

    async def pixels_at(self, url: str) -> Pixels:
        async with aiohttp.ClientSession() as http, http.get(urljoin(self.url, url)) as response:
            response.raise_for_status()
            opened = Image.open(io.BytesIO(await response.read()))
            return np.asarray(opened.convert("RGB"))

    async def photograph(self, name: str) -> None:
        """On the desktop, and on a phone."""
        page = self.person.page
        for notice in await page.get_by_role("button", name="Dismiss").all():
            await notice.click()
        await self.person.photograph(OUTPUT, f"{name}-desktop")
        await page.set_viewport_size(PHONE)
        await self.person.photograph(OUTPUT, f"{name}-phone")
        await page.set_viewport_size(DESKTOP)

    async def _get_json(self, path: str) -> dict[str, Any]:
        place = await self.person.place()
        assert place is not None
        address = f"{self.url}/sessions/{place['sessionId']}/{path}"
        async with aiohttp.ClientSession() as http, http.get(address) as response:
            found: dict[str, Any] = await response.json()
            return found


def _any_of(known: str) -> str:
    return ",".join(f'[data-image-id="{one}"]' for one in known.split("|"))


async def shows_image(person: Visitor, image_id: str) -> None:
    """That image stands finished on that person's easel."""
    image = person.page.get_by_test_id("stage-image")
    await expect(image).to_have_attribute("data-image-id", image_id, timeout=ANSWER_LIMIT_MS)
    await expect(image).to_have_attribute("data-state", "ready", timeout=ANSWER_LIMIT_MS)


@asynccontextmanager
async def story(
    folder: Path, *flags: str, phone: bool = False, camera: bool = False, **settings: str
) -> AsyncIterator[Storyteller]:
    """A person who has joined, at a desk or with a phone and its touch screen; `flags` are the
    browser's, `settings` the service's."""
    OUTPUT.mkdir(exist_ok=True)
    async with AsyncExitStack() as stack:
        gemini = await stack.enter_async_context(emulator(folder))
        running = await stack.enter_async_context(service({**gemini.environment, **settings}))
        browser = await stack.enter_async_context(
            chromium_or_skip().launched(*flags, grants_all=False)
        )
        permissions = ["microphone", "camera"] if camera else ["microphone"]
        size = PHONE if phone else DESKTOP
        context = await browser.new_context(
            viewport=size, permissions=permissions, has_touch=phone, is_mobile=phone
        )
        stack.push_async_callback(context.close)
        page = await context.new_page()
        complaints: list[str] = []
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on("console", lambda m: complaints.append(m.text) if m.type == "error" else None)
        await lend_mouth(page)
        await page.goto(running.url)
        person = Visitor(page, complaints)
        await person.join()
        if camera:
            await person.shows()
        yield Storyteller(person, running.url, gemini, folder)
        assert complaints == []


async def another_visitor(teller: Storyteller) -> Visitor:
    """Somebody else in the same room, who came by its link."""
    place = await teller.person.place()
    assert place is not None
    browser = teller.person.page.context.browser
    assert browser is not None
    context = await browser.new_context(viewport=DESKTOP, permissions=[])
    page = await context.new_page()
    await page.goto(f"{teller.url}/?session={place['sessionId']}&token={place['token']}")
    visitor = Visitor(page, [])
    await visitor.join()
    return visitor


def mean_colour(pixels: Pixels, left: float, top: float, right: float, bottom: float) -> Pixels:
    """Of an area given in shares of the picture."""
    height, width = pixels.shape[:2]
    area = pixels[int(top * height) : int(bottom * height), int(left * width) : int(right * width)]
    mean: Pixels = area.reshape(-1, 3).mean(axis=0).astype(np.uint8)
    return mean


def is_bluer(colour: Pixels) -> bool:
    red, green, blue = (int(one) for one in colour)
    return blue > red + 30 and blue > green
