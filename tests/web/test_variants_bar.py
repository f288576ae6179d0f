"""The variants of a wish, to choose from while others are still being painted."""

import pytest
from playwright.async_api import Page

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]

BAR = """async () => {
  const { VariantsBar } = await import('/variants_bar.js');
  const { EMPTY, withEvent } = await import('/image_history.js');
  window.chosen = [];
  const bar = new VariantsBar(document.getElementById('variants'), (id) => window.chosen.push(id));
  let images = EMPTY, seq = 0;
  window.happens = (event, id, more) => {
    seq += 1;
    const common = { group: 'g', variant: Number(id.slice(1)), variants: 3 };
    images = withEvent(images, { event, image_id: id, seq, ...common, ...more });
    bar.render(images);
  };
  for (const id of ['v1', 'v2', 'v3']) window.happens('started', id);
}"""
THUMBNAIL = "data:image/webp;base64,UklGRhoAAABXRUJQVlA4TA0AAAAvAAAAEAcQERGIiP4HAA=="


async def happens(page: Page, event: str, image_id: str) -> None:
    more = {"thumbnail": THUMBNAIL}
    await page.evaluate("(all) => window.happens(...all)", [event, image_id, more])


async def test_a_tap_counts_though_others_make_progress_under_it(parts: Page) -> None:
    await parts.evaluate(BAR)
    await happens(parts, "ready", "v2")
    box = await parts.get_by_role("button", name="Variant 2").bounding_box()
    assert box is not None
    await parts.mouse.move(box["x"] + 20, box["y"] + 20)
    await parts.mouse.down()
    await happens(parts, "preview", "v1")
    await happens(parts, "named", "v2")
    await parts.mouse.up()
    assert await parts.evaluate("window.chosen") == ["v2"]


async def test_each_says_how_it_stands(parts: Page) -> None:
    await parts.evaluate(BAR)
    await happens(parts, "ready", "v2")
    await happens(parts, "failed", "v3")
    buttons = parts.get_by_test_id("variants").get_by_role("button")
    names = [await one.get_attribute("aria-label") for one in await buttons.all()]
    assert names == ["Variant 1, painting", "Variant 2", "Variant 3, failed"]
    assert [await one.is_enabled() for one in await buttons.all()] == [False, True, False]
    assert await buttons.nth(1).get_attribute("aria-pressed") == "true"
    await happens(parts, "deleted", "v1")
    assert await buttons.count() == 2
