"""The tree of pictures in the document: what is there, in which order, and how keys reach it."""

import pytest
from playwright.async_api import Page, expect

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]

TREE = """async (count) => {
  const { HistoryTree } = await import('/history_tree.js');
  const { EMPTY, shown, withEvent } = await import('/image_history.js');
  const [shelf, list] = ['shelf', 'history'].map((id) => document.getElementById(id));
  const tree = new HistoryTree(shelf, list, { address: (path) => path, onShow: () => {} });
  let images = EMPTY, seq = 0;
  window.happens = (event, id) => {
    seq += 1;
    images = withEvent(images, { event, image_id: id, seq });
  };
  window.look = (id) => { images = shown(images, id); };
  window.render = () => tree.render(images);
  for (let at = 0; at < count; at += 1) window.happens('ready', `i${at}`);
  window.render();
}"""
NUMBERS = """() => [...document.querySelectorAll('#history .node')].map(
  (item) => [item.getAttribute('aria-posinset'), item.getAttribute('aria-setsize')].join('/'))"""


async def test_a_thousand_pictures_cost_what_twenty_do(parts: Page) -> None:
    await parts.evaluate(TREE, 1000)
    nodes = parts.locator("#history .node")
    assert 5 < await nodes.count() < 60
    await parts.evaluate("document.getElementById('history').scrollLeft = 20000")
    await expect(parts.locator('[data-image-id="i183"]')).to_be_attached()
    assert 5 < await nodes.count() < 60


async def test_they_are_read_in_their_order(parts: Page) -> None:
    await parts.evaluate(TREE, 100)
    for left in (3000, 0, 6000, 3000):
        await parts.evaluate("(x) => { document.getElementById('history').scrollLeft = x; }", left)
        await parts.evaluate("new Promise((done) => requestAnimationFrame(() => done()))")
    numbers = await parts.evaluate(NUMBERS)
    assert all(number.endswith("/100") for number in numbers)
    positions = [int(number.split("/")[0]) for number in numbers]
    assert positions == sorted(positions)


async def test_keys_still_lead_in_when_the_one_they_stood_on_is_deleted(parts: Page) -> None:
    await parts.evaluate(TREE, 3)
    await parts.locator('[data-image-id="i2"]').focus()
    await parts.keyboard.press("ArrowLeft")
    assert await parts.evaluate("document.activeElement.dataset.imageId") == "i1"
    await parts.evaluate("window.happens('deleted', 'i1'); window.render()")
    stops = parts.locator('#history button[tabindex="0"]')
    assert [await one.get_attribute("data-image-id") for one in await stops.all()] == ["i2"]


async def test_the_current_one_says_so(parts: Page) -> None:
    await parts.evaluate(TREE, 2)
    await parts.evaluate("window.happens('selected', 'i0'); window.render()")
    first = parts.locator('[data-image-id="i0"]')
    assert await first.get_attribute("aria-label") == "Picture 1, current: no description"
    second = parts.locator('[data-image-id="i1"]')
    assert await second.get_attribute("aria-label") == "Picture 2: no description"
