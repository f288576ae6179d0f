"""The page with pictures at the real service: what befalls it while it stays open."""

from pathlib import Path

import pytest
from playwright.async_api import Page, Route, expect

from tests.browser.storyteller import Storyteller, story
from tests.browser.visitor import ANSWER_LIMIT_MS

pytestmark = [pytest.mark.browser, pytest.mark.timeout(120)]


async def draws(teller: Storyteller, words: str) -> str:
    await teller.person.write(words)
    return await teller.sees_another()


async def test_addresses_that_expired_while_the_page_stayed_open(tmp_path: Path) -> None:
    async with story(tmp_path) as teller:
        page = teller.person.page
        house = await draws(teller, "draw a house")
        old = await page.get_by_test_id("download").get_attribute("href")
        assert old is not None
        warm = await draws(teller, "make it warmer")
        refused = await expire(page, old)
        await page.clock.install()
        await page.clock.fast_forward("05:00:00")
        await page.get_by_test_id("history").locator(f'[data-image-id="{house}"]').click()
        await teller.sees_again(house)
        assert refused, "the old address was not even tried"
        await expect(page.locator('[data-code="image-unloadable"]')).to_have_count(0)
        assert await teller.current() == house != warm
        told = await page.get_by_test_id("download").get_attribute("href")
        assert told not in (None, old)
        assert all("403" in one for one in teller.person.complaints)
        teller.person.complaints.clear()


async def expire(page: Page, address: str) -> list[str]:
    """As if a day had passed: the service does not take this address any more. Those it refused."""
    refused: list[str] = []

    async def refuse(route: Route) -> None:
        refused.append(route.request.url)
        await route.fulfill(status=403)

    await page.route(lambda url: url.startswith(address), refuse)
    return refused


async def test_a_picture_that_came_without_a_network_is_fetched_with_it(tmp_path: Path) -> None:
    async with story(tmp_path) as teller:
        page = teller.person.page
        await draws(teller, "draw a house")
        await page.context.set_offline(True)  # HTTP only: the call's media and events go on
        await teller.person.write("make it warmer")
        image = page.get_by_test_id("stage-image")
        await expect(image).to_have_attribute("data-state", "unloadable", timeout=ANSWER_LIMIT_MS)
        notice = await teller.person.sees_notice("image-unloadable")
        await page.context.set_offline(False)
        await teller.sees_another()
        await expect(notice).to_have_count(0)
        assert all("ERR_INTERNET_DISCONNECTED" in one for one in teller.person.complaints)
        teller.person.complaints.clear()
