"""The easel: what stands on it while pictures come, early, late or not at all."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from playwright.async_api import Page, Route, expect

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]

PICTURE = '<svg xmlns="http://www.w3.org/2000/svg" width="4" height="3"><path d="M0 0h4v3z"/></svg>'
STAGE = """async () => {
  const { Stage } = await import('/stage.js');
  const { EMPTY, withEvent, readdressed } = await import('/image_history.js');
  window.unloadable = [];
  const stage = new Stage({
    address: (path) => path, onShow: () => {}, onLoaded: () => {},
    onUnloadable: (image) => window.unloadable.push(image.url),
  });
  let images = EMPTY;
  window.happens = (event) => { images = withEvent(images, event); stage.render(images); };
  window.renewed = (room) => { images = readdressed(images, room); stage.render(images); };
}"""

Release = Callable[[str], Awaitable[None]]


async def held(page: Page) -> Release:
    """Pictures are sent only when `release(name)` says so."""
    waiting: dict[str, asyncio.Future[None]] = {}

    def of(name: str) -> "asyncio.Future[None]":
        return waiting.setdefault(name, asyncio.get_running_loop().create_future())

    async def answer(route: Route) -> None:
        await of(route.request.url.rsplit("/", 1)[1])
        await route.fulfill(content_type="image/svg+xml", body=PICTURE)

    async def release(name: str) -> None:
        of(name).set_result(None)

    await page.route("**/pictures/*", answer)
    return release


async def happens(page: Page, event: str, seq: int, **more: Any) -> None:
    told = {"event": event, "seq": seq, "image_id": "a", **more}
    await page.evaluate("(event) => window.happens(event)", told)


async def test_drafts_that_come_faster_than_they_load_are_seen(parts: Page) -> None:
    release = await held(parts)
    await parts.evaluate(STAGE)
    picture = parts.get_by_test_id("stage-image")
    await happens(parts, "preview", 1, url="/pictures/one")
    await happens(parts, "preview", 2, url="/pictures/two")
    await release("one")
    await expect(picture).to_have_attribute("src", "/pictures/one")
    await happens(parts, "ready", 3, url="/pictures/three")
    await expect(picture).to_have_attribute("data-state", "loading")
    await release("three")
    await expect(picture).to_have_attribute("src", "/pictures/three")
    await expect(picture).to_have_attribute("data-state", "ready")
    await release("two")
    await parts.evaluate("fetch('/pictures/two')")
    await expect(picture).to_have_attribute("src", "/pictures/three")


async def test_an_address_that_expired_is_replaced(parts: Page) -> None:
    loads: list[str] = []

    async def answer(route: Route) -> None:
        loads.append(route.request.url.rsplit("/", 1)[1])
        if "token=2" in route.request.url:
            await route.fulfill(content_type="image/svg+xml", body=PICTURE)
        else:
            await route.fulfill(status=403)

    await parts.route("**/pictures/*", answer)
    await parts.evaluate(STAGE)
    picture = parts.get_by_test_id("stage-image")
    await happens(parts, "ready", 1, url="/pictures/a?token=1")
    await expect(picture).to_have_attribute("data-state", "unloadable")
    assert await parts.evaluate("window.unloadable") == ["/pictures/a?token=1"]
    for token in (2, 3):
        room = {
            "images": [{"image_id": "a", "state": "ready", "url": f"/pictures/a?token={token}"}]
        }
        await parts.evaluate("(room) => window.renewed(room)", room)
        await expect(picture).to_have_attribute("data-state", "ready")
    # What is seen already is not loaded again, because it is signed anew.
    assert loads == ["a?token=1", "a?token=2"]
