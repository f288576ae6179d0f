"""When the page asks for fresh addresses of its pictures."""

import pytest
from playwright.async_api import Page

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]

RENEWAL = """async () => {
  const { Renewal } = await import('/renewal.js');
  window.room = {};
  window.looks = 0;
  window.told = 0;
  window.renewal = new Renewal({
    look: async () => { window.looks += 1; return window.room; },
    onTold: () => { window.told += 1; },
  });
}"""
COUNTS = "[window.looks, window.told]"


async def counts(page: Page) -> list[int]:
    found: list[int] = await page.evaluate(COUNTS)
    return found


async def test_every_six_hours_and_when_one_does_not_serve(parts: Page) -> None:
    await parts.clock.install()
    await parts.evaluate(RENEWAL)
    await parts.clock.run_for("05:59:00")
    assert await counts(parts) == [0, 0]
    await parts.clock.run_for("00:15:00")
    assert await counts(parts) == [1, 1]
    await parts.evaluate("window.renewal.done()")
    await parts.evaluate("window.renewal.renew()")
    assert await counts(parts) == [1, 1], "they are new"
    await parts.clock.run_for("00:00:06")
    await parts.evaluate("window.room = null")
    await parts.evaluate("window.renewal.renew()")
    assert await counts(parts) == [2, 1]
    await parts.evaluate("window.room = {}")
    await parts.evaluate("window.renewal.renew()")
    assert await counts(parts) == [3, 2]
