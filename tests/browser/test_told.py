"""What a person is told of the link to Gemini, of the budget, and of settings they asked for."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote

import pytest
import pytest_asyncio
from playwright.async_api import Browser, expect

from tests.browser.processes import Service, emulator, service
from tests.browser.visitor import CONNECT_LIMIT_MS, DESKTOP, PHONE, Visitor, visitor
from tests.chromium import chromium_or_skip

pytestmark = pytest.mark.browser


TONES: Final = """() => {
  window.tones = [];
  const line = document.querySelector('#link-line');
  new MutationObserver(() => window.tones.push(line.dataset.tone))
    .observe(line, { attributeFilter: ['data-tone'] });
}"""


@pytest_asyncio.fixture
async def browser() -> AsyncIterator[Browser]:
    async with chromium_or_skip().launched(grants_all=False) as running:
        yield running


def with_settings(url: str, **room: Any) -> str:
    return f"{url}/?room={quote(json.dumps(room))}"


async def test_a_link_that_is_broken_is_told_and_the_call_goes_on(
    browser: Browser, tmp_path: Path
) -> None:
    async with AsyncExitStack() as stack:
        gemini = await stack.enter_async_context(emulator(tmp_path))
        async with (
            service(gemini.environment) as running,
            visitor(browser, running.url, DESKTOP, allowed=()) as person,
        ):
            await person.join()
            line = person.page.get_by_test_id("link-line")
            await expect(line).to_have_attribute("data-tone", "none", timeout=CONNECT_LIMIT_MS)
            await stack.aclose()
            await expect(line).to_have_attribute("data-tone", "busy", timeout=CONNECT_LIMIT_MS)
            await expect(line).to_be_visible()
            await expect(line).to_contain_text("Gemini")
            await person.is_connected()
            await expect(person.page.locator('[data-tone="alarm"]')).to_have_count(0)


async def test_a_planned_change_of_connection_shows_nothing(
    browser: Browser, tmp_path: Path
) -> None:
    async with (
        emulator(tmp_path, "--fault", "go_away@age=4,left=20") as gemini,
        service(gemini.environment) as running,
        visitor(browser, running.url, DESKTOP, allowed=()) as person,
    ):
        await person.join()
        await person.write("hello")
        await person.reads("model", "emulator")
        await person.page.evaluate(TONES)
        async with asyncio.timeout(CONNECT_LIMIT_MS / 1000):
            while len(await gemini.sessions()) < 2:
                pass  # each look is a round trip to the emulator
        await person.write("thank you")
        await person.reads("model", "welcome")
        assert await person.page.evaluate("window.tones") == []


async def test_a_budget_warns_and_ends_with_a_sentence(browser: Browser, easel: Service) -> None:
    short = with_settings(easel.url, budget={"maxMinutes": 0.1})
    async with visitor(browser, short, DESKTOP, allowed=()) as person:
        await person.join()
        warning = await person.sees_notice("budget-warning")
        await expect(warning).to_contain_text("most of its time")
        await person.is_connected()
        spent = await person.sees_notice("budget-spent")
        await expect(spent).to_contain_text("used up its time")
        await expect(person.page.locator('[data-code^="budget-"]')).to_have_count(1)
        await person.is_in_state("failed")
        assert await person.place() is None
        await spent.get_by_role("button", name="Start a new room").click()
        await person.is_connected()


async def ask(person: Visitor, voice: str) -> None:
    if not await person.page.locator("#manner").evaluate("panel => panel.open"):
        await person.page.locator("#manner summary").click()
    await person.page.get_by_test_id("settings-voice").select_option(voice)
    await person.page.get_by_test_id("settings-ask").click()


async def test_a_voice_is_changed_in_the_middle_of_a_call(browser: Browser, easel: Service) -> None:
    kore = with_settings(easel.url, voice="Kore")
    async with visitor(browser, kore, PHONE, allowed=()) as person:
        page = person.page
        await person.join()
        answer = page.get_by_test_id("settings-answer")
        voice = page.get_by_test_id("settings-voice")
        await expect(voice).to_have_value("Kore")
        await expect(page.get_by_test_id("settings-ask")).to_be_disabled()
        await ask(person, "Puck")
        await expect(answer).to_have_attribute("data-status", "yes", timeout=CONNECT_LIMIT_MS)
        await expect(page.get_by_test_id("settings-ask")).to_be_disabled()
        await page.reload()
        await person.is_connected()
        await expect(voice).to_have_value("Puck")
        assert person.complaints == []


async def test_a_change_that_is_refused_has_its_reason(browser: Browser, easel: Service) -> None:
    async with visitor(browser, easel.url, DESKTOP, allowed=()) as person:
        page = person.page
        await person.join()
        await expect(page.get_by_test_id("settings-voice")).to_have_value("")
        await page.evaluate(
            """() => document.querySelector('#manner-voice')
                .append(Object.assign(document.createElement('option'), { value: 'Nobody' }))"""
        )
        await ask(person, "Nobody")
        answer = page.get_by_test_id("settings-answer")
        await expect(answer).to_have_attribute("data-status", "no", timeout=CONNECT_LIMIT_MS)
        await expect(answer).to_contain_text("voice")
        await expect(page.locator('[data-code="model-error"]')).to_have_count(0)
