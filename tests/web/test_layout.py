"""What fits where: the room with pictures on a desk, on a phone either way up, on a small one."""

from typing import Any, Final

import pytest
from playwright.async_api import Locator, Page, ViewportSize

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]

DESK: Final = ViewportSize(width=1280, height=800)
PHONE: Final = ViewportSize(width=390, height=844)
ON_ITS_SIDE: Final = ViewportSize(width=844, height=390)
SMALL: Final = ViewportSize(width=320, height=568)
SIZES: Final = [
    pytest.param(DESK, id="desk"),
    pytest.param(PHONE, id="phone"),
    pytest.param(ON_ITS_SIDE, id="on its side"),
    pytest.param(SMALL, id="small"),
]
TOUCH_PX: Final = 44

# The parts that draw the room, with portraits: the shape that leaves the least room beside it.
ROOM: Final = """async () => {
  const [{ Stage }, { HistoryTree }, { VariantsBar }, { TranscriptView }, images, transcript] =
    await Promise.all(['stage', 'history_tree', 'variants_bar', 'transcript_view', 'image_history',
      'transcript'].map((name) => import(`/${name}.js`)));
  const byId = (id) => document.getElementById(id);
  const address = (path) => path;
  const nothing = () => {};
  const stage = new Stage({
    address, onShow: nothing, onUnloadable: nothing, onLoaded: nothing,
  });
  const tree = new HistoryTree(byId('shelf'), byId('history'), { address, onShow: nothing });
  const bar = new VariantsBar(byId('variants'), nothing);
  const view = new TranscriptView({ list: byId('transcript'), newest: byId('newest'),
    announcer: byId('announcer'), onShow: nothing, onIdea: nothing });
  byId('join-card').hidden = true;
  byId('leave').hidden = false;
  byId('manner').hidden = false;
  let all = images.EMPTY, seq = 0;
  const render = () => {
    for (const part of [stage, tree, bar]) part.render(all);
    view.render(transcript.EMPTY, all);
  };
  window.happens = (events) => {
    for (const event of events) {
      seq += 1;
      all = images.withEvent(all, { seq, width: 768, height: 1024, ...event });
    }
    render();
  };
  render();
}"""


def image(event: str, image_id: str, **more: Any) -> dict[str, Any]:
    return {"event": event, "image_id": image_id, "prompt": "A poster of the sea", **more}


async def happens(page: Page, size: ViewportSize, *events: dict[str, Any]) -> None:
    await page.set_viewport_size(size)
    await page.evaluate(ROOM)
    await page.evaluate("(events) => window.happens(events)", list(events))


async def box_of(locator: Locator) -> tuple[float, float, float, float]:
    """Left, top, right, bottom."""
    box = await locator.bounding_box()
    assert box is not None
    return box["x"], box["y"], box["x"] + box["width"], box["y"] + box["height"]


async def assert_reachable(page: Page, size: ViewportSize, button: Locator) -> None:
    """It is in sight, large enough for a thumb, and nothing lies over it."""
    left, top, right, bottom = await box_of(button)
    name = await button.evaluate("(e) => e.id || e.textContent")
    assert left >= 0 and top >= 0, name
    assert right <= size["width"] and bottom <= size["height"], name
    assert min(right - left, bottom - top) >= TOUCH_PX, name
    # From edge to edge, so that neighbours do not overlap either.
    for x in (left + 2, (left + right) / 2, right - 2):
        there = "(e, [x, y]) => e.contains(document.elementFromPoint(x, y))"
        assert await button.evaluate(there, [x, (top + bottom) / 2]), name


@pytest.mark.parametrize("size", SIZES)
async def test_every_tool_is_a_target_of_its_own(parts: Page, size: ViewportSize) -> None:
    await happens(parts, size, image("ready", "a", url="/a"))
    for name in ("download", "region-clear"):
        await parts.get_by_test_id(name).evaluate("(e) => { e.hidden = false; }")
    tools = parts.locator(".picture-tools > :is(button, a), .picture-tools summary")
    assert await tools.count() == 7
    for tool in await tools.all():
        await assert_reachable(parts, size, tool)


@pytest.mark.parametrize("size", SIZES)
async def test_the_menu_of_a_picture_opens_in_sight(parts: Page, size: ViewportSize) -> None:
    await happens(parts, size, image("ready", "a", url="/a"))
    await parts.locator("#more summary").click()
    for entry in await parts.locator("#more .panel :is(button, a)").all():
        await assert_reachable(parts, size, entry)
        assert len((await entry.inner_text()).strip()) > 3, "an icon without its words"
    left, top, right, bottom = await box_of(parts.locator("#more .panel"))
    assert left >= 0 and top >= 0
    assert right <= size["width"] and bottom <= size["height"]


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("parent", [True, False])
async def test_who_paints_can_be_stopped(parts: Page, size: ViewportSize, parent: bool) -> None:
    before = [image("ready", "a", url="/a")] if parent else []
    await happens(parts, size, *before, image("started", "b"))
    stop = parts.get_by_test_id("cancel-image")
    await stop.evaluate("(e) => { e.hidden = false; }")
    await assert_reachable(parts, size, stop)
    _, top, _, bottom = await box_of(parts.locator("#making-title"))
    assert bottom - top < 60, "the words stand one below the other"


@pytest.mark.parametrize("size", SIZES)
async def test_a_failure_is_read_and_left(parts: Page, size: ViewportSize) -> None:
    reason = "The image model declined this wish: it may not paint this."
    events = [image("ready", "a", url="/a"), image("failed", "b", reason=reason)]
    await happens(parts, size, *events)
    await assert_reachable(parts, size, parts.locator("#making-back"))
    _, top, _, _ = await box_of(parts.locator("#making-title"))
    _, roof, _, _ = await box_of(parts.locator("#wall"))
    assert top >= roof


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("variants", [1, 3])
async def test_the_picture_is_what_one_sees(parts: Page, size: ViewportSize, variants: int) -> None:
    more = {"group": "g", "variants": variants}
    events = [image("ready", f"v{n}", url="/v", variant=n, **more) for n in range(1, variants + 1)]
    await happens(parts, size, *events)
    _, top, _, bottom = await box_of(parts.locator("#canvas"))
    assert bottom - top >= 0.24 * size["height"]
    await parts.locator("#history").evaluate("(list) => { list.scrollLeft = 0; }")
    bar = parts.locator("#variants button")
    choices = bar if await bar.first.is_visible() else parts.locator(".node button")
    assert await choices.count() == variants
    for choice in await choices.all():
        await assert_reachable(parts, size, choice)


@pytest.mark.parametrize("size", SIZES)
async def test_ideas_to_begin_with_are_seen_whole(parts: Page, size: ViewportSize) -> None:
    await happens(parts, size)
    await assert_reachable(parts, size, parts.locator(".ideas button").first)


@pytest.mark.parametrize("size", SIZES)
async def test_words_over_a_comparison_do_not_overlap(parts: Page, size: ViewportSize) -> None:
    await happens(parts, size, image("ready", "a", url="/a", width=1024, height=1024))
    await parts.evaluate(
        """() => {
          document.getElementById('compare-frame').hidden = false;
          document.getElementById('compare-words').textContent = 'Camera';
        }"""
    )
    _, _, right, _ = await box_of(parts.locator("#compare-words"))
    left, _, _, _ = await box_of(parts.locator(".compare-tag.after"))
    assert right < left
