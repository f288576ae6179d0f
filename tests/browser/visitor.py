"""A person at the page, in a real Chromium."""

import asyncio
import json
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from playwright.async_api import Browser, Locator, Page, ViewportSize, expect

CONNECT_LIMIT_MS: Final = 20_000
ANSWER_LIMIT_MS: Final = 30_000
ENOUGH_PICTURES: Final = 4  # two seconds of the page's camera
DESKTOP: Final = ViewportSize(width=1440, height=900)
PHONE: Final = ViewportSize(width=390, height=844)
EVERYTHING: Final = ("microphone", "camera")

LOUDNESS: Final = """async () => {
  const stats = await window.easel.peerConnection.getStats();
  let energy = 0;
  for (const s of stats.values())
    if (s.type === 'inbound-rtp' && s.kind === 'audio') energy = s.totalAudioEnergy;
  return energy;
}"""

PICTURES_SENT: Final = """async () => {
  const stats = await window.easel.peerConnection.getStats();
  let sent = 0;
  for (const s of stats.values())
    if (s.type === 'outbound-rtp' && s.kind === 'video') sent = s.framesSent ?? 0;
  return sent;
}"""

PIXELS: Final = """async ([points]) => {
  const image = document.querySelector('[data-testid=stage-image]');
  await image.decode();
  const canvas = new OffscreenCanvas(image.naturalWidth, image.naturalHeight);
  const context = canvas.getContext('2d');
  context.drawImage(image, 0, 0);
  return points.map(([x, y]) => [...context.getImageData(
    Math.floor(x * canvas.width), Math.floor(y * canvas.height), 1, 1).data].slice(0, 3));
}"""


@dataclass
class Visitor:
    """`complaints` are the errors that the page logged."""

    page: Page
    complaints: list[str]

    async def join(self) -> None:
        join = self.page.get_by_test_id("join")
        await expect(join).to_be_enabled(timeout=CONNECT_LIMIT_MS)
        await join.click()
        await self.is_connected()

    async def is_connected(self) -> None:
        await self.is_in_state("connected")

    async def is_in_state(self, state: str) -> None:
        """The call is in that state, of those that web/connection_state.js names."""
        status = self.page.get_by_test_id("status")
        await expect(status).to_have_attribute("data-state", state, timeout=CONNECT_LIMIT_MS)

    async def sees_notice(self, code: str) -> Locator:
        """The notice of that problem, of those that web/problems.js names."""
        notice = self.page.locator(f'[data-code="{code}"]')
        await expect(notice).to_be_visible(timeout=CONNECT_LIMIT_MS)
        return notice

    async def place(self) -> dict[str, Any] | None:
        """What the tab remembers of its room."""
        kept: str | None = await self.page.evaluate("sessionStorage.getItem('easel-room')")
        return json.loads(kept) if kept else None

    async def shows(self) -> None:
        """Waits until the camera's pictures flow: there is something to see and to edit."""
        async with asyncio.timeout(CONNECT_LIMIT_MS / 1000):
            while await self.page.evaluate(PICTURES_SENT) < ENOUGH_PICTURES:
                pass  # each look is a round trip to the browser

    async def write(self, text: str) -> None:
        await self.page.get_by_test_id("text-input").fill(text)
        await self.page.get_by_test_id("send").click()

    async def reads(self, role: str, words: str) -> None:
        """The transcript shows a final entry of that role which holds the words."""
        entry = self.page.locator(f'[data-role="{role}"][data-final="true"]')
        await expect(entry.filter(has_text=words).first).to_be_visible(timeout=ANSWER_LIMIT_MS)

    async def sees_image(self) -> None:
        """Waits until an image that is ready stands on the easel."""
        image = self.page.get_by_test_id("stage-image")
        await expect(image).to_have_attribute("data-state", "ready", timeout=ANSWER_LIMIT_MS)

    async def pixels(self, points: list[tuple[float, float]]) -> list[tuple[int, int, int]]:
        """The stage image's colours at points given as shares of its width and height."""
        found: list[list[int]] = await self.page.evaluate(PIXELS, [points])
        return [(red, green, blue) for red, green, blue in found]

    async def heard_energy(self) -> float:
        """The sound energy received over WebRTC so far, as the browser's getStats counts it."""
        energy: Any = await self.page.evaluate(LOUDNESS)
        return float(energy)

    async def photograph(self, folder: Path, name: str) -> None:
        await self.page.screenshot(path=folder / f"{name}.png")


@asynccontextmanager
async def visitor(
    browser: Browser,
    url: str,
    size: ViewportSize = DESKTOP,
    *,
    allowed: Sequence[str] = EVERYTHING,
) -> AsyncIterator[Visitor]:
    """A visitor at the page who has allowed it these devices and refuses it all others."""
    context = await browser.new_context(viewport=size, permissions=list(allowed))
    page = await context.new_page()
    complaints: list[str] = []
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on("console", lambda m: complaints.append(m.text) if m.type == "error" else None)
    try:
        await page.goto(url)
        yield Visitor(page, complaints)
    finally:
        await context.close()
