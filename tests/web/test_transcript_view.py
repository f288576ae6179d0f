"""The transcript in the document, as far as pictures stand in it."""

from typing import Any

import pytest
from playwright.async_api import Page

from tests.web.messages import image, server

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]

VIEW = """async () => {
  const { TranscriptView } = await import('/transcript_view.js');
  const { EMPTY, reduce } = await import('/protocol.js');
  const byId = (id) => document.getElementById(id);
  const drawn = new TranscriptView({ list: byId('transcript'), newest: byId('newest'),
    announcer: byId('announcer'), onShow: () => {}, onIdea: () => {} });
  let view = EMPTY;
  window.happens = (...events) => {
    for (const event of events) view = reduce(view, event);
    drawn.render(view.transcript, view.images);
  };
}"""


async def happens(page: Page, *events: Any) -> None:
    await page.evaluate("(events) => window.happens(...events)", list(events))


async def announced(page: Page) -> list[str]:
    return await page.locator("#announcer p").all_text_contents()


async def test_what_was_done_before_one_came_is_not_announced(parts: Page) -> None:
    await parts.evaluate(VIEW)
    await happens(parts, image("ready", 1, prompt="A cat", url="/a?token=1"))
    told = [{"image_id": "a", "state": "ready", "url": "/a?token=2"}]
    await happens(parts, {"kind": "pictures", "room": {"images": told, "currentImage": "a"}})
    await happens(parts, image("named", 2, name="the cat"))
    assert await announced(parts) == []
    await happens(parts, image("started", 3, "b", prompt="A dog"))
    await happens(parts, image("ready", 4, "b", prompt="A dog"))
    assert await announced(parts) == ["The picture is ready: A dog"]


async def test_pictures_keep_their_words_names_and_place(parts: Page) -> None:
    await parts.evaluate(VIEW)
    await happens(parts, image("ready", 1, "a", group="g", text="First."))
    await happens(parts, server(type="transcript", role="user", text="More!", turn=2, final=True))
    wrote = parts.locator(".wrote:visible")
    assert await wrote.all_text_contents() == []
    await happens(parts, image("ready", 2, "b", group="g", text="Second."))
    assert await wrote.all_text_contents() == ["First.", "Second."]
    await happens(parts, image("named", 3, "a", name="the sea"))
    pictures = parts.get_by_test_id("transcript-image")
    assert await pictures.nth(0).locator(".made").inner_text() == "the sea"


async def test_a_deleted_picture_leaves_no_button_behind(parts: Page) -> None:
    await parts.evaluate(VIEW)
    await happens(parts, image("ready", 1), image("ready", 2, "b"))
    await happens(parts, image("deleted", 3))
    assert await parts.get_by_test_id("transcript-image").count() == 1
