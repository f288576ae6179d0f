"""What a person does at the page beside talking: pictures from files, a reload, a guest."""

import asyncio
import base64
import io
from typing import Final

import pytest
from PIL import Image
from playwright.async_api import Page, Route, expect

from tests.browser.processes import Service
from tests.browser.visitor import DESKTOP, visitor
from tests.chromium import chromium_or_skip

pytestmark = pytest.mark.browser

PASTE: Final = """(files) => {
  const data = new DataTransfer();
  for (const [name, text] of files) {
    const bytes = Uint8Array.from(atob(text), (one) => one.charCodeAt(0));
    data.items.add(new File([bytes], name, { type: 'image/png' }));
  }
  document.querySelector('#text-input').dispatchEvent(
    new ClipboardEvent('paste', { clipboardData: data, bubbles: true }));
}"""

SENDS_SOUND: Final = (
    "() => easel.peerConnection.getTransceivers()[0].currentDirection === 'sendrecv'"
)

SAID: Final = """() => [...document.querySelectorAll('#transcript > li')].map((item) =>
  item.querySelector('.made')
    ? ['image', item.innerText.trim()]
    : [item.dataset.role + (item.dataset.interrupted === 'true' ? ', cut' : ''),
       item.querySelector('.said').innerText])"""


def png(red: int) -> str:
    out = io.BytesIO()
    Image.new("RGB", (1600, 1200), (red, 80, 160)).save(out, "PNG")
    return base64.b64encode(out.getvalue()).decode()


async def paste(page: Page, *files: tuple[str, str]) -> None:
    await page.evaluate(PASTE, [list(file) for file in files])


async def test_pictures_from_files(easel: Service) -> None:
    """As many as go into a message; the one too many and the broken one stay out."""
    async with (
        chromium_or_skip().launched(grants_all=False) as browser,
        visitor(browser, easel.url, DESKTOP, allowed=()) as person,
    ):
        page = person.page
        await person.join()
        await paste(page, ("broken.png", base64.b64encode(b"no picture").decode()))
        broken = page.locator('[data-code="upload-broken"]')
        await expect(broken).to_contain_text("broken.png")
        await expect(page.locator("#attachments li")).to_have_count(0)

        await paste(page, *((f"{index}.png", png(index * 20)) for index in range(7)))
        await expect(page.locator("#attachments li")).to_have_count(6)
        await page.get_by_role("button", name="Remove 0.png").click()
        await paste(page, ("again.png", png(250)))
        await expect(page.locator("#attachments li")).to_have_count(6)
        await person.write("hello")
        await person.reads("user", "hello")
        await expect(page.locator(".sent img")).to_have_count(6)
        await person.reads("model", "emulator")
        await expect(page.locator(".notice", has_text="picture")).to_have_count(0)
        assert person.complaints == []


async def held(page: Page, door: str) -> "asyncio.Future[Route]":
    """The next POST to that door stays unanswered; later ones go through."""
    first: asyncio.Future[Route] = asyncio.get_running_loop().create_future()

    async def hold(route: Route) -> None:
        if first.done() or route.request.method != "POST":
            await route.continue_()
        else:
            first.set_result(route)

    await page.route(door, hold)
    return first


async def test_who_leaves_while_joining_may_join_again_at_once(easel: Service) -> None:
    """What was begun for the call that was left has no effect on the next one, and is undone."""
    async with (
        chromium_or_skip().launched(grants_all=False) as browser,
        visitor(browser, easel.url, DESKTOP, allowed=()) as person,
    ):
        page = person.page
        join = page.get_by_test_id("join-text")
        start = await held(page, "**/start")
        await join.dblclick()
        await start
        await page.get_by_test_id("leave").click()
        offer = await held(page, "**/api/offer")
        await join.click()
        await offer
        await page.get_by_test_id("leave").click()
        await join.click()
        await person.is_connected()
        await (await start).abort()
        async with page.expect_request(lambda request: request.method == "DELETE"):
            await (await offer).continue_()
        await person.write("hello")
        await person.reads("model", "emulator")
        await person.is_connected()
        await expect(page.locator('[data-tone="alarm"]')).to_have_count(0)


async def test_a_microphone_that_is_allowed_while_joining_is_heard(easel: Service) -> None:
    async with (
        chromium_or_skip().launched(grants_all=False) as browser,
        visitor(browser, easel.url, DESKTOP, allowed=("microphone",)) as person,
    ):
        page = person.page
        # What was granted before is opened for the preview; this person has not been asked yet.
        await page.add_init_script(
            "navigator.permissions.query = async () => ({ state: 'prompt' })"
        )
        await page.reload()
        offer = await held(page, "**/api/offer")
        await page.get_by_test_id("join-text").click()
        listening = await offer
        mute = page.get_by_test_id("mute")
        await mute.click()
        await expect(mute).to_have_attribute("data-state", "on")
        await listening.continue_()
        await person.is_connected()
        await page.wait_for_function(SENDS_SOUND)
        assert person.complaints == []


async def test_a_reload_leads_back_into_the_same_conversation(easel: Service) -> None:
    async with (
        chromium_or_skip().launched(grants_all=False) as browser,
        visitor(browser, easel.url, DESKTOP, allowed=()) as person,
    ):
        page = person.page
        await person.join()
        await person.write("draw a red circle")
        await person.sees_image()
        await person.reads("model", "Here it is")
        await person.write("tell me a story")
        await expect(page.get_by_test_id("speaking")).to_have_attribute("data-who", "model")
        await expect(page.locator('[data-role="model"]').last).to_contain_text("painter")
        await person.write("hello")
        await person.reads("model", "emulator")
        before = await page.evaluate(SAID)
        assert [role for role, _ in before if "cut" in role] == ["model, cut"]
        shown = await page.get_by_test_id("stage-image").get_attribute("data-image-id")

        await page.reload()
        await person.is_connected()
        await person.sees_image()
        await expect(page.locator("#transcript > li")).to_have_count(len(before))
        after = await page.evaluate(SAID)
        assert sorted(after) == sorted(before)
        assert after.index(["image", "draw a red circle"]) < after.index(
            ["user", "tell me a story"]
        )
        assert await page.get_by_test_id("stage-image").get_attribute("data-image-id") == shown
        assert await page.locator("#announcer").inner_text() == ""  # it is no news

        room = await page.evaluate("JSON.parse(sessionStorage.getItem('easel-room'))")
        link = f"{easel.url}/?session={room['sessionId']}&token={room['token']}"
        async with visitor(browser, link, DESKTOP, allowed=()) as guest:
            await guest.join()
            await guest.reads("peer", "tell me a story")
            await expect(guest.page.locator('[data-role="user"]')).to_have_count(0)
        assert person.complaints == []


async def test_a_service_on_this_machine_needs_no_network(easel: Service) -> None:
    async with (
        chromium_or_skip().launched(grants_all=False) as browser,
        visitor(browser, easel.url, DESKTOP, allowed=()) as person,
    ):
        await person.page.add_init_script(
            "Object.defineProperty(navigator, 'onLine', { get: () => false })"
        )
        await person.page.reload()
        await person.join()
        await person.write("hello")
        await person.reads("model", "emulator")
        assert await person.page.evaluate("navigator.onLine") is False
