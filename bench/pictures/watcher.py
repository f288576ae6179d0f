"""People at the page who wish for pictures, and when they see what: a real Chromium, timed.

A process of its own. Commands on standard input, each answered with a line of JSON: `draw N M`
(N times the wish "draw M", one after the other), `say WORDS`, `saw` (what the pages noted),
`scroll` (frame times while the history is walked through), `shot FILE`.
"""

import argparse
import asyncio
import json
import sys
from typing import Any, Final

from playwright.async_api import Browser, Page, ViewportSize, expect

from tests.chromium import find_chromium

LIMIT_MS: Final = 60_000
VIEW: Final = ViewportSize(width=1440, height=900)

# Times are milliseconds since the epoch, of the clock that frames are drawn by.
NOTES: Final = """() => {
  const at = (ms) => performance.timeOrigin + ms;
  window.noted = { events: [], seen: [], long: [] };
  const Native = RTCPeerConnection;
  window.RTCPeerConnection = class extends Native {
    createDataChannel(...rest) {
      const channel = super.createDataChannel(...rest);
      channel.addEventListener('message', ({ data }) => {
        const now = at(performance.now());
        if (!String(data).includes('image-event')) return;
        const event = JSON.parse(data).data;
        window.noted.events.push([event.event, event.image_id, event.prompt ?? '', now]);
      });
      return channel;
    }
  };
  const look = (picture) => {
    const { imageId, state } = picture.dataset;
    if (state !== 'ready' || window.noted.seen.at(-1)?.[0] === imageId) return;
    window.noted.seen.push([imageId, 0]);
    const entry = window.noted.seen.at(-1);
    // The frame in which it is shown ends before the next one begins.
    requestAnimationFrame(() => requestAnimationFrame((ms) => { entry[1] = at(ms); }));
  };
  new PerformanceObserver((list) => {
    for (const { startTime, duration } of list.getEntries())
      window.noted.long.push([at(startTime), duration]);
  }).observe({ type: 'longtask', buffered: true });
  addEventListener('DOMContentLoaded', () => {
    const picture = document.querySelector('[data-testid=stage-image]');
    new MutationObserver(() => look(picture)).observe(
      picture, { attributes: true, attributeFilter: ['data-state', 'data-image-id'] });
  });
}"""

SEEN: Final = """() => {
  const { imageId, state } = document.querySelector('[data-testid=stage-image]').dataset;
  const [last, at] = window.noted.seen.at(-1) ?? [];
  return state === 'ready' && last === imageId && at > 0;
}"""

SCROLL: Final = """async () => {
  const list = document.querySelector('[data-testid=history]');
  const frames = [];
  let last = null;
  for (let step = 0; step < 120; step += 1) {
    const now = await new Promise(requestAnimationFrame);
    if (last !== null) frames.push(now - last);
    last = now;
    const share = step < 60 ? step / 60 : (120 - step) / 60;
    list.scrollTo(share * list.scrollWidth, share * list.scrollHeight);
  }
  return { frames, elements: document.querySelectorAll('*').length };
}"""


async def visited(browser: Browser, url: str) -> Page:
    context = await browser.new_context(viewport=VIEW, permissions=[])
    page = await context.new_page()
    page.set_default_timeout(LIMIT_MS)
    await page.add_init_script(f"({NOTES})()")
    await page.goto(url)
    await page.get_by_test_id("join-text").click()
    status = page.get_by_test_id("status")
    await expect(status).to_have_attribute("data-state", "connected", timeout=LIMIT_MS)
    return page


async def draw(page: Page, times: int, each: int) -> None:
    """One wish after the other: the next when the last picture has been seen, as people do."""
    for _ in range(times):
        before = await _ready(page)
        await page.get_by_test_id("text-input").fill(f"draw {each}")
        await page.get_by_test_id("send").click()
        await page.wait_for_function(
            "(most) => window.noted.events.filter(([event]) => event === 'ready').length >= most",
            arg=before + each,
        )
        await page.wait_for_function(SEEN)


async def _ready(page: Page) -> int:
    count: int = await page.evaluate(
        "() => window.noted.events.filter(([event]) => event === 'ready').length"
    )
    return count


async def obey(pages: list[Page], words: list[str]) -> Any:
    match words:
        case ["draw", times, each]:
            await draw(pages[0], int(times), int(each))
            return {}
        case ["say", *said]:
            await pages[0].get_by_test_id("text-input").fill(" ".join(said))
            await pages[0].get_by_test_id("send").click()
            return {}
        case ["scroll"]:
            return await pages[0].evaluate(SCROLL)
        case ["shot", path]:
            await pages[0].screenshot(path=path)
            return {}
        case _:
            return [await page.evaluate("() => window.noted") for page in pages]


async def run(url: str, others: int) -> None:
    reader = asyncio.StreamReader()
    loop = asyncio.get_running_loop()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    async with find_chromium().launched(grants_all=False) as browser:
        pages = [await visited(browser, url)]
        place = json.loads(await pages[0].evaluate("sessionStorage.getItem('easel-room')"))
        door = f"{url}/?session={place['sessionId']}&token={place['token']}"
        pages += [await visited(browser, door) for _ in range(others)]
        print(json.dumps({"session": place["sessionId"], "token": place["token"]}), flush=True)
        while line := await reader.readline():
            print(json.dumps(await obey(pages, line.decode().split())), flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.pictures.watcher")
    parser.add_argument("url")
    parser.add_argument("--others", type=int, default=0)
    arguments = parser.parse_args()
    asyncio.run(run(arguments.url, arguments.others))


if __name__ == "__main__":
    main()
