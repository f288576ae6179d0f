"""Before and after."""

import pytest
from playwright.async_api import Page, expect

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]

COMPARE = """async () => {
  const { Compare } = await import('/compare.js');
  const compare = new Compare((path) => path);
  window.stands = (before, now) => compare.render(before, now);
}"""
NOW = {"width": 400, "height": 300}


async def stands(page: Page, before: object, now: object = NOW) -> None:
    await page.evaluate("(both) => window.stands(...both)", [before, now])


def before(width: int = 400, height: int = 300, size: int | None = None) -> dict[str, object]:
    return {"url": "/a?token=1", "words": "Before", "width": width, "height": height, "bytes": size}


async def test_it_is_slid_by_keys_and_left_by_escape(parts: Page) -> None:
    await parts.evaluate(COMPARE)
    await stands(parts, before())
    button, slider = parts.get_by_test_id("compare"), parts.get_by_test_id("compare-slider")
    await button.press("Enter")
    await expect(slider).to_be_focused()
    await parts.keyboard.press("ArrowRight")
    await expect(slider).to_have_value("51")
    await parts.keyboard.press("Escape")
    await expect(slider).to_be_hidden()
    await expect(button).to_be_focused()


async def test_escape_leaves_it_from_anywhere(parts: Page) -> None:
    await parts.evaluate(COMPARE)
    await stands(parts, before())
    await parts.get_by_test_id("compare").click()
    await parts.get_by_test_id("text-input").focus()
    await parts.keyboard.press("Escape")
    await expect(parts.get_by_test_id("compare-slider")).to_be_hidden()
    await expect(parts.get_by_test_id("text-input")).to_be_focused()


@pytest.mark.parametrize(("width", "fit"), [(400, "fill"), (410, "fill"), (900, "contain")])
async def test_another_shape_is_not_stretched(parts: Page, width: int, fit: str) -> None:
    await parts.evaluate(COMPARE)
    await stands(parts, before(width))
    await parts.get_by_test_id("compare").click()
    found = await parts.locator("#compare-before").evaluate("(e) => getComputedStyle(e).objectFit")
    assert found == fit


@pytest.mark.parametrize(("size", "query"), [(9, ""), (None, ""), (5_000_000, "&size=screen")])
async def test_a_large_one_comes_in_the_size_for_screens(
    parts: Page, size: int | None, query: str
) -> None:
    await parts.evaluate(COMPARE)
    await stands(parts, before(size=size))
    await parts.get_by_test_id("compare").click()
    await expect(parts.locator("#compare-before")).to_have_attribute("src", f"/a?token=1{query}")


async def test_an_address_that_is_only_signed_anew_changes_nothing(parts: Page) -> None:
    await parts.evaluate(COMPARE)
    await stands(parts, before())
    await parts.get_by_test_id("compare").click()
    await stands(parts, {**before(), "url": "/a?token=2"})
    await expect(parts.locator("#compare-before")).to_have_attribute("src", "/a?token=1")
    await stands(parts, None)
    await expect(parts.get_by_test_id("compare")).to_be_disabled()
    await expect(parts.get_by_test_id("compare-slider")).to_be_hidden()
