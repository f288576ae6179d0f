"""The main job over the whole path: Chromium, the page, the service, the SDK, the emulator."""

from pathlib import Path
from typing import Final

import pytest

from tests.browser.processes import Emulator, Service
from tests.browser.stage_set import FLOOR, write_camera, write_microphone
from tests.browser.visitor import DESKTOP, PHONE, visitor
from tests.chromium import chromium_or_skip

pytestmark = pytest.mark.browser

OUTPUT: Final = Path("test-output")
AUDIBLE_ENERGY: Final = 1e-4
CLOSE: Final = 48  # per channel: VP8, JPEG twice, and the emulator's shading
WISH: Final = "change the wall to blue"
WISH_AT_S: Final = 8.0  # after the page has asked for the microphone
ANNOUNCEMENT: Final = "Here it is"
WALL_POINT: Final = (0.5, 0.15)
FLOOR_POINT: Final = (0.1, 0.75)

Pixel = tuple[int, int, int]


def camera_flags(folder: Path) -> list[str]:
    write_camera(folder / "camera.y4m")
    return [f"--use-file-for-fake-video-capture={folder / 'camera.y4m'}"]


def microphone_flags(folder: Path, *lines: tuple[float, str]) -> list[str]:
    write_microphone(folder / "microphone.wav", list(lines), folder)
    return [f"--use-file-for-fake-audio-capture={folder / 'microphone.wav'}%noloop"]


def near(found: Pixel, wanted: Pixel) -> bool:
    return all(abs(a - b) <= CLOSE for a, b in zip(found, wanted, strict=True))


def bluer(found: Pixel) -> bool:
    red, green, blue = found
    return blue > red + CLOSE and blue > green


async def test_a_spoken_wish_changes_what_the_camera_shows(
    tmp_path: Path, easel: Service, gemini: Emulator
) -> None:
    flags = [*camera_flags(tmp_path), *microphone_flags(tmp_path, (WISH_AT_S, WISH))]
    async with (
        chromium_or_skip().launched(*flags) as browser,
        visitor(browser, easel.url) as person,
    ):
        await person.join()
        await person.reads("user", WISH)
        await person.sees_image()
        await person.reads("model", ANNOUNCEMENT)
        assert await person.heard_energy() > AUDIBLE_ENERGY
        wall, floor = await person.pixels([WALL_POINT, FLOOR_POINT])
        assert bluer(wall), f"the wall is {wall}"
        assert near(floor, FLOOR), f"the floor is {floor}"
        await person.photograph(OUTPUT, "desktop")
        await person.page.set_viewport_size(PHONE)
        await person.photograph(OUTPUT, "phone")
        assert person.complaints == []
    *_, session = await gemini.sessions()
    assert set(session["audio"]["mime_types"]) == {"audio/pcm;rate=16000"}
    assert session["turns"][0]["heard"] == WISH


async def test_without_a_camera(tmp_path: Path, easel: Service, gemini: Emulator) -> None:
    flags = microphone_flags(tmp_path, (WISH_AT_S, "draw a red circle"))
    async with (
        chromium_or_skip().launched(*flags, grants_all=False) as browser,
        visitor(browser, easel.url, allowed=("microphone",)) as person,
    ):
        await person.join()
        await person.reads("user", "draw a red circle")
        await person.sees_image()
        red, green, blue = (await person.pixels([(0.5, 0.5)]))[0]
        assert red > green + CLOSE and red > blue + CLOSE
    *_, session = await gemini.sessions()
    assert session["video"]["frames"] == 1  # the picture itself, for the model to see


async def test_without_microphone_permission(
    tmp_path: Path, easel: Service, gemini: Emulator
) -> None:
    async with (
        chromium_or_skip().launched(*camera_flags(tmp_path), grants_all=False) as browser,
        visitor(browser, easel.url, allowed=("camera",)) as person,
    ):
        await person.join()
        await person.shows()
        await person.write(WISH)
        await person.sees_image()
        assert bluer((await person.pixels([WALL_POINT]))[0])
        await person.reads("model", ANNOUNCEMENT)
        assert await person.heard_energy() > AUDIBLE_ENERGY
    *_, session = await gemini.sessions()
    assert session["audio"]["messages"] == 0


async def test_with_text_only(easel: Service) -> None:
    async with (
        chromium_or_skip().launched(grants_all=False) as browser,
        visitor(browser, easel.url, DESKTOP, allowed=()) as person,
    ):
        await person.join()
        await person.write("hello")
        await person.reads("user", "hello")
        await person.reads("model", "emulator")
        assert await person.heard_energy() > AUDIBLE_ENERGY
        await person.photograph(OUTPUT, "text-only")
