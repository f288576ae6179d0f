"""What keys and buttons do with the picture on the easel."""

import pytest
from playwright.async_api import Page, expect

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]

TOOLS = """async () => {
  const { PictureTools } = await import('/picture_tools.js');
  const { EMPTY, withEvent } = await import('/image_history.js');
  window.told = [];
  const tools = new PictureTools({
    address: (path) => new URL(path, location.href).href,
    command: (kind) => window.told.push(kind),
    link: async () => ({ url: '/pictures/x' }), exported: (kind) => `/export.${kind}`,
  });
  const ready = withEvent(EMPTY, { event: 'ready', image_id: 'a', seq: 1, url: '/a?token=1' });
  const selected = { event: 'selected', image_id: 'a', seq: 2, can_undo: true, can_redo: true };
  tools.render(withEvent(ready, selected), true);
}"""


async def test_keys_undo_and_redo(parts: Page) -> None:
    await parts.evaluate(TOOLS)
    for key in ("Control+z", "Control+Shift+Z", "Control+y", "Meta+z", "z", "Control+Alt+z"):
        await parts.keyboard.press(key)
    told = ["image-undo", "image-redo", "image-redo", "image-undo"]
    assert await parts.evaluate("window.told") == told


async def test_who_writes_undoes_letters_and_who_slides_undoes_pictures(parts: Page) -> None:
    await parts.evaluate(TOOLS)
    await parts.get_by_test_id("text-input").focus()
    await parts.keyboard.press("Control+z")
    assert await parts.evaluate("window.told") == []
    await parts.evaluate("document.getElementById('compare-frame').hidden = false")
    await parts.get_by_test_id("compare-slider").focus()
    await parts.keyboard.press("Control+z")
    assert await parts.evaluate("window.told") == ["image-undo"]


async def test_the_key_is_where_other_alphabets_have_it(parts: Page) -> None:
    await parts.evaluate(TOOLS)
    await parts.evaluate(
        """() => document.dispatchEvent(new KeyboardEvent(
             'keydown', { key: '\u044f', code: 'KeyZ', ctrlKey: true }))"""
    )
    assert await parts.evaluate("window.told") == ["image-undo"]


async def test_a_share_sheet_that_does_not_open_leaves_the_link_in_the_clipboard(
    parts: Page,
) -> None:
    await parts.evaluate(
        """() => {
          window.matchMedia = () => ({ matches: true });
          const refused = new DOMException('too late', 'NotAllowedError');
          navigator.share = async () => { throw refused; };
          navigator.clipboard.writeText = async (text) => { window.copied = text; };
        }"""
    )
    await parts.evaluate(TOOLS)
    await parts.get_by_test_id("more").locator("summary").click()
    await parts.get_by_test_id("share-picture").click()
    await expect(parts.locator("#share-picture-words")).to_have_text("Link copied")
    assert (await parts.evaluate("window.copied")).endswith("/pictures/x")


async def test_who_deletes_by_keys_is_not_lost_on_the_page(parts: Page) -> None:
    await parts.evaluate(TOOLS)
    menu = parts.get_by_test_id("more").locator("summary")
    await menu.press("Enter")
    delete = parts.get_by_test_id("delete-picture")
    await delete.press("Enter")
    await expect(delete).to_have_text("Delete it for everybody?")
    await delete.press("Enter")
    assert await parts.evaluate("window.told") == ["image-delete"]
    await expect(menu).to_be_focused()
    await menu.press("Enter")
    await parts.get_by_test_id("picture-name").fill("the sea")
    await parts.keyboard.press("Enter")
    assert await parts.evaluate("window.told") == ["image-delete", "image-name"]
    await expect(menu).to_be_focused()
