"""Pointing with a mouse or a finger."""

from typing import Any

import pytest
from playwright.async_api import Page

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]

DRAWING = """async () => {
  const { RegionDrawing } = await import('/region_drawing.js');
  window.drawn = [];
  const drawing = new RegionDrawing({
    onDrawn: (target, region) => window.drawn.push({ target, ...region }), onClear: () => {},
  });
  window.stands = (target, mirrors = false) => drawing.render(target, mirrors, null);
  window.stands('a');
  document.getElementById('region').click();
}"""
AGAIN = "document.getElementById('region').click()"


async def at(page: Page, x: float, y: float) -> tuple[float, float]:
    box = await page.get_by_test_id("region-surface").bounding_box()
    assert box is not None
    return box["x"] + x * box["width"], box["y"] + y * box["height"]


async def drag(page: Page, start: tuple[float, float], end: tuple[float, float]) -> None:
    await page.mouse.move(*await at(page, *start))
    await page.mouse.down()
    await page.mouse.move(*await at(page, *end), steps=4)


async def drawn(page: Page) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = await page.evaluate("window.drawn")
    return found


@pytest.mark.parametrize("zoom", ["1", "1.5"])
async def test_a_box_in_shares_of_the_picture(parts: Page, zoom: str) -> None:
    await parts.evaluate(DRAWING)
    await parts.evaluate("(zoom) => { document.body.style.zoom = zoom; }", zoom)
    await drag(parts, (0.2, 0.25), (0.6, 0.75))
    await parts.mouse.up()
    (one,) = await drawn(parts)
    assert one["target"] == "a"
    box = one["box"]
    assert (box["x"], box["y"]) == pytest.approx((0.2, 0.25), abs=0.01)
    assert (box["width"], box["height"]) == pytest.approx((0.4, 0.5), abs=0.01)


async def test_seen_as_in_a_mirror(parts: Page) -> None:
    await parts.evaluate(DRAWING)
    await parts.evaluate("window.stands('camera', true)")
    await drag(parts, (0.1, 0.2), (0.3, 0.4))
    await parts.mouse.up()
    (one,) = await drawn(parts)
    assert one["box"]["x"] == pytest.approx(0.7, abs=0.01)


async def test_another_picture_under_the_hand_is_not_pointed_at(parts: Page) -> None:
    await parts.evaluate(DRAWING)
    await drag(parts, (0.2, 0.2), (0.5, 0.5))
    await parts.evaluate("window.stands('b')")
    await parts.mouse.move(*await at(parts, 0.6, 0.6))
    await parts.mouse.up()
    assert await drawn(parts) == []
    await drag(parts, (0.2, 0.2), (0.5, 0.5))
    await parts.mouse.up()
    assert [one["target"] for one in await drawn(parts)] == ["b"]


async def test_a_second_finger_draws_nothing(parts: Page) -> None:
    await parts.evaluate(DRAWING)
    await drag(parts, (0.2, 0.2), (0.5, 0.5))
    x, y = await at(parts, 0.9, 0.9)
    await parts.get_by_test_id("region-surface").evaluate(
        """(surface, [clientX, clientY]) => {
          for (const type of ['pointerdown', 'pointermove', 'pointerup'])
            surface.dispatchEvent(new PointerEvent(type, { pointerId: 77, clientX, clientY }));
        }""",
        [x, y],
    )
    assert await drawn(parts) == []
    await parts.mouse.up()
    (one,) = await drawn(parts)
    assert one["box"]["width"] == pytest.approx(0.3, abs=0.01)


async def test_escape_puts_the_pen_away(parts: Page) -> None:
    await parts.evaluate(DRAWING)
    await drag(parts, (0.2, 0.2), (0.5, 0.5))
    await parts.keyboard.press("Escape")
    await parts.mouse.up()
    assert await drawn(parts) == []
    assert await parts.get_by_test_id("region").get_attribute("aria-pressed") == "false"
