"""A real Chromium in which the page's pure modules run, served from `web/` as the service does."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest_asyncio
from aiohttp import web
from aiohttp.test_utils import TestServer
from playwright.async_api import Browser, Page

from tests.chromium import Chromium

WEB_ROOT = Path(__file__).resolve().parents[2] / "web"
LIMIT_MS = 5_000  # for what happens within the page
CSP = (
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; "
    "img-src 'self' data: blob:; media-src 'self' blob:; base-uri 'none'; form-action 'none'; "
    "require-trusted-types-for 'script'"
)


class Modules:
    """Calls exported functions of the page's modules; arguments and results are plain data."""

    def __init__(self, page: Page) -> None:
        self.page = page

    async def call(self, module: str, name: str, *arguments: object) -> Any:
        return await self.page.evaluate(
            "async ([module, name, rest]) => (await import(`/${module}`))[name](...rest)",
            [module, name, list(arguments)],
        )

    async def raises(self, module: str, name: str, *arguments: object) -> str | None:
        """The name of the error that the call throws, or None."""
        thrown: str | None = await self.page.evaluate(
            """async ([module, name, rest]) => {
                const imported = await import(`/${module}`);
                try { imported[name](...rest); return null; } catch (error) { return error.name; }
            }""",
            [module, name, list(arguments)],
        )
        return thrown

    async def value(self, module: str, name: str) -> Any:
        return await self.page.evaluate(
            "async ([module, name]) => (await import(`/${module}`))[name]", [module, name]
        )

    async def reduce(self, *events: object) -> Any:
        """The view after these events, and `same`: the last one returned the same object."""
        return await self.page.evaluate(
            """async (events) => {
                const { EMPTY, reduce } = await import('/protocol.js');
                let view = EMPTY, before = EMPTY;
                for (const event of events) { before = view; view = reduce(view, event); }
                return { ...view, same: view === before };
            }""",
            list(events),
        )


async def _page_file(request: web.Request) -> web.FileResponse:
    name = request.match_info["file"] or "index.html"
    return web.FileResponse(WEB_ROOT / name, headers={"Content-Security-Policy": CSP})


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def web_server() -> AsyncIterator[TestServer]:
    app = web.Application()
    app.router.add_get("/{file:(?:[a-z_]+[.](?:js|css))?}", _page_file)
    server = TestServer(app)
    await server.start_server()
    yield server
    await server.close()


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def shared_browser(chromium: Chromium) -> AsyncIterator[Browser]:
    """One for all tests of this folder: they leave nothing behind in it."""
    async with chromium.launched() as browser:
        yield browser


@pytest_asyncio.fixture(loop_scope="session")
async def parts(shared_browser: Browser, web_server: TestServer) -> AsyncIterator[Page]:
    """The page as a room without anybody who draws it: a test makes the parts that it looks at."""
    page = await shared_browser.new_page()
    page.set_default_timeout(LIMIT_MS)
    await page.route("**/main.js", lambda route: route.fulfill(content_type="text/javascript"))
    await page.goto(str(web_server.make_url("/")))
    await page.evaluate(
        """() => {
          document.documentElement.dataset.phase = 'room';
          document.getElementById('stage').toggleAttribute('data-tools', true);
        }"""
    )
    yield page
    await page.close()


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def modules(shared_browser: Browser, web_server: TestServer) -> AsyncIterator[Modules]:
    page = await shared_browser.new_page()
    await page.goto(str(web_server.make_url("/addresses.js")))
    yield Modules(page)
    await page.close()
