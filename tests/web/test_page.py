"""The page as a whole: what it may contain, what tests rely on, and that it loads."""

import re

import pytest
from aiohttp.test_utils import TestServer
from playwright.async_api import Browser

from tests.web.conftest import WEB_ROOT

HTML = (WEB_ROOT / "index.html").read_text()
MODULES = sorted(WEB_ROOT.glob("*.js"))
MAX_LINES = 400
HOOKS = (
    "join mute camera leave text-input send upload transcript stage-image history status error "
    "quality selfview level hear link-line settings settings-ask settings-answer"
).split()


@pytest.mark.parametrize("hook", HOOKS)
def test_each_hook_is_there_once(hook: str) -> None:
    assert HTML.count(f'data-testid="{hook}"') == 1


def test_ids_are_unique_and_known() -> None:
    ids = re.findall(r'\sid="([^"]+)"', HTML)
    assert len(ids) == len(set(ids))
    asked = {
        name for path in MODULES for name in re.findall(r"byId\('([^']+)'\)", path.read_text())
    }
    assert asked <= set(ids)


def test_nothing_inline_and_nothing_from_elsewhere() -> None:
    assert not re.search(r"<style|\sstyle=|\son[a-z]+=|<script(?![^>]+src=)", HTML)
    sources = re.findall(r'(?:src|href)="([^"]+)"', HTML)
    assert not [url for url in sources if re.match(r"(?:[a-z]+:)?//", url)]
    texts = [path.read_text() for path in (*MODULES, WEB_ROOT / "style.css")]
    assert not [
        url for text in texts for url in re.findall(r"https?://\S+", text) if "w3.org" not in url
    ]
    assert not [
        path.name
        for path in MODULES
        if re.search(r"innerHTML|eval\(|document\.write", path.read_text())
    ]


@pytest.mark.parametrize("path", [*MODULES, *WEB_ROOT.glob("*.css")], ids=lambda path: path.name)
def test_no_file_is_too_long(path: object) -> None:
    assert len((WEB_ROOT / str(path)).read_text().splitlines()) < MAX_LINES


def test_every_module_is_reached_and_described() -> None:
    reached = {"main.js"}
    for path in MODULES:
        reached |= set(re.findall(r"from '\./([a-z_]+\.js)'", path.read_text()))
    assert reached == {path.name for path in MODULES}
    readme = (WEB_ROOT / "README.md").read_text()
    assert not [path.name for path in MODULES if path.name not in readme]


@pytest.mark.browser
@pytest.mark.asyncio(loop_scope="session")
async def test_it_loads_under_a_strict_policy(
    shared_browser: Browser, web_server: TestServer
) -> None:
    page = await shared_browser.new_page()
    complaints: list[str] = []
    page.on("console", lambda message: complaints.append(message.text))
    page.on("pageerror", lambda error: complaints.append(str(error)))
    await page.goto(str(web_server.make_url("/")))
    await page.get_by_test_id("join").wait_for()
    # The fake devices need no asking, so the preview opens by itself.
    await page.locator('[data-testid="mute"][data-state="on"]').wait_for()
    await page.get_by_test_id("selfview").wait_for()
    seen = await page.evaluate("[Object.keys(easel), easel.state, easel.peerConnection]")
    assert seen == [["state", "peerConnection", "stats"], "idle", None]
    assert complaints == []
    await page.close()
