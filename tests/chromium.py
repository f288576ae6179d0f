"""The browser of the browser tests: a Chromium that is installed, driven by Playwright."""

import os
import shutil
import subprocess
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import cache
from typing import Final

import pytest
from playwright.async_api import Browser, async_playwright

NAMES: Final = ("chromium", "chromium-browser", "google-chrome")
VERSION_LIMIT_S: Final = 20.0

FLAGS: Final = (
    "--no-sandbox",  # as root, in containers
    "--allow-loopback-in-peer-connection",  # media never leaves this machine
    "--use-fake-device-for-media-stream",
    "--autoplay-policy=no-user-gesture-required",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
    "--disable-gpu",
    "--disable-quic",
)


GRANT_ALL: Final = "--use-fake-ui-for-media-stream"  # nobody is there to grant the camera


class ChromiumMissing(RuntimeError):
    """No Chromium that starts; the text says what to do. The machine's fault."""


@dataclass(frozen=True, slots=True)
class Chromium:
    """A Chromium that was seen to start."""

    executable: str
    version: str

    @asynccontextmanager
    async def launched(self, *flags: str, grants_all: bool = True) -> AsyncIterator[Browser]:
        """A headless browser with `FLAGS` and these, in the running loop; gone afterwards.

        A flag here wins over the same one in `FLAGS`. Typical: the picture and the sound of the
        fake devices, `--use-file-for-fake-video-capture=FILE.y4m` (or .mjpeg) and
        `--use-file-for-fake-audio-capture=FILE.wav%noloop`. Without `grants_all` a page has only
        the devices that its context's permissions name.
        """
        async with async_playwright() as playwright:
            browser = await playwright.chromium.launch(
                executable_path=self.executable,
                args=[*FLAGS, *([GRANT_ALL] if grants_all else []), *flags],
            )
            try:
                yield browser
            finally:
                await browser.close()


def chromium_or_skip() -> Chromium:
    """Without one the test is skipped, with the reason; where CI is "true" it fails."""
    try:
        return find_chromium()
    except ChromiumMissing as missing:
        if os.environ.get("CI") == "true":
            pytest.fail(str(missing), pytrace=False)
        pytest.skip(str(missing))


def executable() -> str:
    """The path of `chromium_or_skip()`."""
    return chromium_or_skip().executable


@cache
def find_chromium() -> Chromium:
    """`$CHROMIUM`, else the first of `NAMES` on the path. Raises `ChromiumMissing`."""
    wished = os.environ.get("CHROMIUM")
    found = filter(None, map(shutil.which, [wished] if wished else NAMES))
    executable = next(found, None)
    if executable is None:
        raise ChromiumMissing(
            f"no {wished or 'Chromium'} was found: install it, or name one in CHROMIUM"
        )
    try:
        told = subprocess.run(
            [executable, "--version"],
            capture_output=True,
            text=True,
            check=True,
            timeout=VERSION_LIMIT_S,
        )
    except (OSError, subprocess.SubprocessError) as error:
        raise ChromiumMissing(f"{executable} does not start: {error}") from error
    return Chromium(executable, told.stdout.strip())
