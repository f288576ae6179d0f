"""A person who drops out of the room comes back into it; nobody is locked out, none is doubled."""

import asyncio
import json
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, Final
from urllib.parse import quote

import aiohttp
import pytest
import pytest_asyncio
from playwright.async_api import Browser, Page, expect

from tests.browser.processes import Emulator, Service, service
from tests.browser.visitor import CONNECT_LIMIT_MS, DESKTOP, Visitor, visitor
from tests.chromium import chromium_or_skip

pytestmark = pytest.mark.browser

SAID: Final = """() => [...document.querySelectorAll('#transcript > li[data-role]')].map(
  (item) => [item.dataset.role, item.querySelector('.said').innerText])"""

SENDS_SOUND: Final = (
    "() => easel.peerConnection.getTransceivers()[0].currentDirection === 'sendrecv'"
)

ICE_IS_SILENT: Final = """
  const { addEventListener } = RTCPeerConnection.prototype;
  RTCPeerConnection.prototype.addEventListener = function (name, ...rest) {
    if (!name.endsWith('statechange')) addEventListener.call(this, name, ...rest);
  };
"""

FIRST_READY_IS_LOST: Final = """
  const { createDataChannel } = RTCPeerConnection.prototype;
  RTCPeerConnection.prototype.createDataChannel = function (...rest) {
    const channel = createDataChannel.apply(this, rest);
    const { addEventListener } = channel;
    window.ends ??= () => channel.close();
    channel.addEventListener = (name, listener) => addEventListener.call(channel, name, (event) => {
      const isReady = String(event.data).includes('"bot-ready"');
      if (window.kept === undefined && isReady) window.kept = true;
      else listener(event);
    });
    return channel;
  };
"""

PINGS: Final = """async () => {  // one a second
  const stats = [...(await easel.peerConnection.getStats()).values()];
  return stats.find((one) => one.type === 'data-channel').messagesSent;
}"""

DOCUMENTATION_ADDRESS: Final = "192.0.2.1"  # RFC 5737: nobody has it

NEEDS_A_TAP: Final = "--autoplay-policy=document-user-activation-required"


@pytest_asyncio.fixture
async def browser() -> AsyncIterator[Browser]:
    async with chromium_or_skip().launched(grants_all=False) as running:
        yield running


async def room_of(person: Visitor, url: str) -> dict[str, Any]:
    place = await person.place()
    assert place is not None
    async with aiohttp.ClientSession() as http:
        async with http.get(f"{url}/sessions/{place['sessionId']}") as response:
            state: dict[str, Any] = await response.json()
            return state


async def peer_of(person: Visitor) -> str:
    place = await person.place()
    assert place is not None
    peer: str = place["peer"]
    return peer


async def test_a_reload_in_mid_talk(browser: Browser, easel: Service, gemini: Emulator) -> None:
    """The same peer in the same room: no tap, no second greeting, no line twice."""
    greeted = f"{easel.url}/?room={quote(json.dumps({'greeting': 'hello'}))}"
    async with visitor(browser, greeted, DESKTOP, allowed=()) as person:
        page = person.page
        await person.join()
        await person.reads("model", "emulator")
        await person.write("draw a red circle")
        await person.sees_image()
        await person.reads("model", "Here it is")
        peer = await peer_of(person)
        before = await page.evaluate(SAID)
        await person.write("tell me a story")
        await expect(page.locator('[data-role="model"]').last).to_contain_text("painter")

        await page.reload()
        await person.is_connected()
        assert await peer_of(person) == peer
        await person.sees_image()
        await person.reads("user", "tell me a story")
        story = page.locator('[data-role="model"]', has_text="Once upon")
        await expect(story).to_contain_text("painter")
        await expect(story).to_have_attribute("data-final", "false")  # it goes on
        await person.write("thank you")
        await expect(story).to_have_attribute("data-interrupted", "true")
        await person.reads("user", "thank you")
        after = await page.evaluate(SAID)
        assert after[: len(before)] == before
        roles = [role for role, _ in after[len(before) :]]
        assert roles[:3] == ["user", "model", "user"]
        state = await room_of(person, easel.url)
        assert [one["id"] for one in state["peers"]] == [peer]
        assert person.complaints == []
    texts = [text for session in await gemini.sessions() for text in session["texts"]]
    assert texts.count("hello") == 1


async def test_who_left_on_purpose_is_not_taken_back(browser: Browser, easel: Service) -> None:
    async with visitor(browser, easel.url, DESKTOP, allowed=()) as person:
        await person.join()
        assert (await person.place()) is not None
        await person.page.get_by_test_id("leave").click()
        await person.is_in_state("closed")
        assert await person.place() is None
        await person.page.reload()
        await expect(person.page.locator("#join-title")).to_have_text("Step up to the easel")


async def test_who_was_away_for_long_is_asked(browser: Browser, easel: Service) -> None:
    async with visitor(browser, easel.url, DESKTOP, allowed=()) as person:
        page = person.page
        await person.join()
        await page.add_init_script(
            "const now = Date.now.bind(Date); Date.now = () => now() + 61_000;"
        )
        await page.reload()
        await expect(page.locator("#join-title")).to_have_text("Welcome back")
        await person.join()


async def test_a_copy_of_the_tab_does_not_take_its_place(browser: Browser, easel: Service) -> None:
    async with visitor(browser, easel.url, DESKTOP, allowed=()) as person:
        await person.join()
        async with person.page.expect_popup() as opening:
            await person.page.evaluate("window.open(location.href)")
        copy = Visitor(await opening.value, [])
        await expect(copy.page.locator("#join-title")).to_have_text("You talk in another tab")
        assert await copy.place() is None
        await copy.join()
        await person.is_connected()
        assert len((await room_of(person, easel.url))["peers"]) == 2
        assert await peer_of(copy) != await peer_of(person)
        await person.write("hello")
        await copy.reads("peer", "hello")


async def test_two_windows_do_not_fight_for_one_place(browser: Browser, easel: Service) -> None:
    """Without a lock between them, as in two browsers: the last one talks, the first may."""
    async with visitor(browser, easel.url, DESKTOP, allowed=()) as first:
        await first.join()
        place = json.dumps(await first.place())
        keep = f"sessionStorage['easel-room'] ??= {place!r}"
        async with visitor(browser, "about:blank", DESKTOP, allowed=()) as second:
            await second.page.add_init_script(keep)
            await second.page.goto(easel.url)
            await second.is_connected()
            notice = await first.sees_notice("replaced")
            await first.is_in_state("failed")
            assert await first.place() is None
            await notice.get_by_role("button", name="Talk here again").click()
            await first.is_connected()
            await second.sees_notice("replaced")
            assert len((await room_of(first, easel.url))["peers"]) == 1


async def test_a_service_that_was_out_of_reach(browser: Browser, easel: Service) -> None:
    """It stands still for as long as the browser takes to give the connection up."""
    async with visitor(browser, easel.url, DESKTOP, allowed=()) as person:
        await person.join()
        await person.write("hello")
        await person.reads("model", "emulator")
        peer, said = await peer_of(person), await person.page.evaluate(SAID)
        easel.process.send_signal(signal.SIGSTOP)
        try:
            await person.is_in_state("reconnecting")
            line = person.page.get_by_test_id("link-line")
            await expect(line).to_have_text("Easel is coming back; your place is kept.")
        finally:
            easel.process.send_signal(signal.SIGCONT)
        await person.is_connected()
        await expect(line).to_be_hidden()
        assert await peer_of(person) == peer
        assert await person.page.evaluate(SAID) == said
        await person.write("thank you")
        await person.reads("user", "thank you")


async def test_a_service_that_was_started_anew(browser: Browser, gemini: Emulator) -> None:
    """The room is gone: a sentence, what was said, and one tap to a new one."""
    async with service(gemini.environment) as first:
        port = first.url.rsplit(":", 1)[1]
        async with visitor(browser, first.url, DESKTOP, allowed=()) as person:
            await person.join()
            await person.write("hello")
            await person.reads("model", "emulator")
            first.process.kill()
            await person.is_in_state("reconnecting")
            async with service({**gemini.environment, "EASEL_PORT": port}):
                notice = await person.sees_notice("room-unknown")
                await person.is_in_state("failed")
                await person.reads("user", "hello")
                assert await person.place() is None
                await notice.get_by_role("button", name="Start a new room").click()
                await person.is_connected()
                await expect(person.page.locator('[data-role="user"]')).to_have_count(0)


async def test_a_reload_after_the_room_has_gone(browser: Browser, gemini: Emulator) -> None:
    async with service(gemini.environment) as first:
        port = first.url.rsplit(":", 1)[1]
        async with visitor(browser, first.url, DESKTOP, allowed=()) as person:
            await person.join()
            first.process.kill()
            await first.process.wait()
            async with service({**gemini.environment, "EASEL_PORT": port}):
                await person.page.reload()
                notice = await person.sees_notice("room-unknown")
                await notice.get_by_role("button", name="Start a new room").click()
                await person.is_connected()


async def test_a_page_that_was_laid_aside(browser: Browser, easel: Service) -> None:
    """As with the back button, where the browser keeps the page; the one here does not."""
    async with visitor(browser, easel.url, DESKTOP, allowed=()) as person:
        page = person.page
        await person.join()
        peer = await peer_of(person)
        asked: list[str] = []
        page.on("request", lambda request: asked.append(f"{request.method} {request.url}"))
        await page.evaluate("dispatchEvent(new PageTransitionEvent('pagehide', {persisted: true}))")
        await person.is_in_state("reconnecting")
        async with aiohttp.ClientSession() as http:  # time for a page that does not hold still
            for _ in range(3):
                async with http.get(f"{easel.url}/healthz"):
                    await page.evaluate("new Promise(requestAnimationFrame)")
        late_candidates = "PATCH"  # those of the connection that it had
        assert all(line.startswith(late_candidates) for line in asked)
        await page.evaluate("dispatchEvent(new PageTransitionEvent('pageshow', {persisted: true}))")
        await person.is_connected()
        assert await peer_of(person) == peer
        assert not [line for line in asked if line.startswith("DELETE")]


async def test_a_page_that_is_looked_at_again(browser: Browser, easel: Service) -> None:
    """Its connection died in the background. ICE would notice too, but later: here it is silent."""
    async with visitor(browser, easel.url, DESKTOP, allowed=()) as person:
        page = person.page
        await page.add_init_script(ICE_IS_SILENT)
        await page.reload()
        await person.join()
        peer = await peer_of(person)
        easel.process.send_signal(signal.SIGSTOP)
        try:
            await page.evaluate("document.dispatchEvent(new Event('visibilitychange'))")
            await person.is_in_state("reconnecting")
        finally:
            easel.process.send_signal(signal.SIGCONT)
        await person.is_connected()
        assert await peer_of(person) == peer


async def test_a_connection_that_lives_is_left_alone(browser: Browser, easel: Service) -> None:
    async with visitor(browser, easel.url, DESKTOP, allowed=()) as person:
        page = person.page
        await person.join()
        same = await page.evaluate_handle("easel.peerConnection")
        await page.evaluate("document.dispatchEvent(new Event('visibilitychange'))")
        sent = await page.evaluate(PINGS)
        async with asyncio.timeout(CONNECT_LIMIT_MS / 1000):
            while await page.evaluate(PINGS) < sent + 4:
                pass  # each look is a round trip to the browser
        assert await page.evaluate("(before) => easel.peerConnection === before", same)


@asynccontextmanager
async def elsewhere(url: str) -> AsyncIterator[Visitor]:
    """In the room, from a page without https: the service has an address that is not this
    machine's, though it leads there."""
    rules = f"--host-resolver-rules=MAP {DOCUMENTATION_ADDRESS} 127.0.0.1"
    address = url.replace("127.0.0.1", DOCUMENTATION_ADDRESS)
    async with (
        chromium_or_skip().launched(rules, grants_all=False) as browser,
        visitor(browser, address, DESKTOP, allowed=()) as person,
    ):
        await person.page.get_by_test_id("join-text").click()
        await person.is_connected()
        yield person


async def test_without_a_network(easel: Service) -> None:
    """It says so, tries nothing, and is back as soon as there is one again."""
    async with elsewhere(easel.url) as person:
        page = person.page
        peer = await peer_of(person)
        easel.process.send_signal(signal.SIGSTOP)
        await page.context.set_offline(True)
        try:
            await person.is_in_state("reconnecting")
            await expect(page.get_by_test_id("link-line")).to_contain_text("You are offline")
        finally:
            easel.process.send_signal(signal.SIGCONT)
        await page.context.set_offline(False)
        await person.is_connected()
        assert await peer_of(person) == peer


async def test_a_copy_of_the_tab_on_an_insecure_page(easel: Service) -> None:
    """There are no locks, so the tabs ask each other."""
    async with elsewhere(easel.url) as person:
        assert await person.page.evaluate("navigator.locks === undefined")
        async with person.page.expect_popup() as opening:
            await person.page.evaluate("window.open(location.href)")
        copy = (await opening.value).locator("#join-title")
        await expect(copy).to_have_text("You talk in another tab")
        await person.is_connected()


async def test_devices_that_need_a_tap(easel: Service) -> None:
    """After a reload the page is in the room at once; the microphone waits for one tap."""
    async with (
        chromium_or_skip().launched(NEEDS_A_TAP, grants_all=False) as browser,
        visitor(browser, easel.url, DESKTOP, allowed=("microphone",)) as person,
    ):
        page = person.page
        await person.join()
        mute = page.get_by_test_id("mute")
        await expect(mute).to_have_attribute("data-state", "on")
        # Some browsers ask anew after each reload.
        await page.add_init_script(
            "navigator.permissions.query = async () => ({ state: 'prompt' })"
        )
        await page.reload()
        await person.is_connected()
        tap = page.get_by_test_id("hear")
        await expect(tap).to_contain_text("microphone")
        await expect(mute).to_have_attribute("data-state", "idle")
        await tap.click()
        await expect(tap).to_be_hidden()
        await expect(mute).to_have_attribute("data-state", "on")
        await page.wait_for_function("() => !document.querySelector('#voice').paused")
        await page.wait_for_function(SENDS_SOUND)


async def test_a_microphone_that_was_muted_stays_muted(easel: Service) -> None:
    async with (
        chromium_or_skip().launched(grants_all=False) as browser,
        visitor(browser, easel.url, DESKTOP, allowed=("microphone",)) as person,
    ):
        page: Page = person.page
        await person.join()
        mute = page.get_by_test_id("mute")
        await mute.click()
        await expect(mute).to_have_attribute("data-state", "off")
        await page.reload()
        await person.is_connected()
        await expect(mute).to_have_attribute("data-state", "off")
        await expect(page.get_by_test_id("hear")).to_be_hidden()
        await mute.click()
        await expect(mute).to_have_attribute("data-state", "on")


async def test_a_connection_that_is_lost_on_the_way_back(browser: Browser, easel: Service) -> None:
    """A page that came back waits for Gemini; its connection is lost, and made again."""
    async with visitor(browser, easel.url, DESKTOP, allowed=()) as person:
        page = person.page
        await person.join()
        peer = await peer_of(person)
        await page.add_init_script(FIRST_READY_IS_LOST)
        await page.reload()
        await person.is_in_state("connecting")
        await page.wait_for_function("() => window.kept")
        await page.evaluate("window.ends()")
        await person.is_connected()
        assert await peer_of(person) == peer
