"""The service dies or is ended, and is started anew: the page comes back to the same pictures."""

import asyncio
import contextlib
import json
import signal
from pathlib import Path

import pytest
from playwright.async_api import expect

from tests.browser.processes import emulator, service
from tests.browser.storyteller import Storyteller, shows_image
from tests.browser.visitor import ANSWER_LIMIT_MS, DESKTOP, Visitor
from tests.chromium import chromium_or_skip

pytestmark = [pytest.mark.browser, pytest.mark.timeout(180)]


async def saved(folder: Path, current: str) -> None:
    """What is current is on the disk: that takes the service up to some tenths of a second."""
    async with asyncio.timeout(ANSWER_LIMIT_MS / 1000):
        while current not in await asyncio.to_thread(currents, folder):
            pass  # each look takes a thread's time


def currents(folder: Path) -> list[str]:
    rooms = [json.loads(path.read_bytes()) for path in folder.glob("*/room.json")]
    return [room["tree"]["selection"]["current"] for room in rooms]


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGTERM])
async def test_no_picture_is_lost_when_the_service_dies(
    tmp_path: Path, unused_tcp_port: int, how: signal.Signals
) -> None:
    async with contextlib.AsyncExitStack() as stack:
        gemini = await stack.enter_async_context(emulator(tmp_path))
        browser = await stack.enter_async_context(chromium_or_skip().launched(grants_all=False))
        settings = {
            **gemini.environment,
            "EASEL_PORT": str(unused_tcp_port),
            "EASEL_STORAGE": "folder",
            "EASEL_STORAGE_FOLDER": str(tmp_path / "images"),
        }
        page = await (await browser.new_context(viewport=DESKTOP, permissions=[])).new_page()
        person = Visitor(page, [])
        async with service(settings) as first:
            teller = Storyteller(person, first.url, gemini, tmp_path)
            await page.goto(first.url)
            await person.join()
            await person.write("draw a house")
            house = await teller.sees_another()
            await person.write("add a plant")
            plant = await teller.sees_another()
            await page.get_by_test_id("undo").click()
            await shows_image(person, house)
            before = await teller.images()
            await saved(tmp_path / "images", house)
            first.process.send_signal(how)
            await first.process.wait()
            await person.is_in_state("reconnecting")
        async with service(settings):
            await person.is_connected()
            await shows_image(person, house)
            after = await teller.images()
            assert list(after) == [house, plant]
            assert [one["sha256"] for one in after.values()] == [
                one["sha256"] for one in before.values()
            ]
            assert (await teller.pixels(plant)).shape == (await teller.pixels(house)).shape
            await page.get_by_test_id("redo").click()
            await shows_image(person, plant)
            await person.reads("user", "draw a house")
            await person.write("make it warmer")
            warm = await teller.sees_another()
            assert (await teller.images())[warm]["parent_id"] == plant
            history = page.get_by_test_id("history").locator("[data-image-id]")
            await expect(history).to_have_count(3, timeout=ANSWER_LIMIT_MS)
