"""The room's images as the page knows them (image_history.js), as the reducer applies them."""

from typing import Any

import pytest

from tests.web.conftest import Modules
from tests.web.messages import image

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]

THUMBNAIL = "data:image/webp;base64,UklGRg=="


def states(view: dict[str, Any]) -> list[tuple[str, str]]:
    return [(one["id"], one["state"]) for one in view["images"]["list"]]


async def test_an_image_from_beginning_to_end(modules: Modules) -> None:
    view = await modules.reduce(
        image("started", 1, prompt="A cat", parent_id=None, requested_by="model"),
        image("preview", 2, thumbnail=THUMBNAIL),
        image(
            "ready", 3, url="/sessions/s/images/a?token=t", mime_type="image/png",
            width=1024, height=768, bytes=9, thumbnail=THUMBNAIL,
        ),
    )  # fmt: skip
    assert view["images"]["list"] == [
        {
            "id": "a", "seq": 3, "state": "ready", "parentId": None, "prompt": "A cat",
            "requestedBy": "model", "mimeType": "image/png", "width": 1024, "height": 768,
            "bytes": 9, "url": "/sessions/s/images/a?token=t", "thumbnail": THUMBNAIL,
            "reason": None,
        }
    ]  # fmt: skip
    assert (view["images"]["shownId"], view["images"]["currentId"]) == ("a", "a")


async def test_events_that_come_again_or_late_change_nothing(modules: Modules) -> None:
    ready = image("ready", 3)
    assert (await modules.reduce(ready, ready))["same"] is True
    assert (await modules.reduce(ready, image("started", 1)))["same"] is True


async def test_a_failure_keeps_its_reason_and_not_the_current_image(modules: Modules) -> None:
    view = await modules.reduce(
        image("ready", 1), image("started", 2, "b"), image("failed", 3, "b", reason="Refused.")
    )
    assert view["images"]["list"][1]["reason"] == "Refused."
    assert (view["images"]["shownId"], view["images"]["currentId"]) == ("b", "a")


async def test_who_looks_elsewhere_is_left_alone_until_it_is_ready(modules: Modules) -> None:
    events = [image("ready", 1), image("started", 2, "b"), {"kind": "show", "imageId": "a"}]
    preview = await modules.reduce(*events, image("preview", 3, "b"))
    assert preview["images"]["shownId"] == "a"
    cancelled = await modules.reduce(*events, image("cancelled", 3, "b"))
    assert cancelled["images"]["shownId"] == "a"
    ready = await modules.reduce(*events, image("ready", 3, "b"))
    assert ready["images"]["shownId"] == "b"


async def test_a_selection_moves_everybody(modules: Modules) -> None:
    events = [image("ready", 1), image("ready", 2, "b"), image("selected", 3)]
    view = await modules.reduce(*events)
    assert (view["images"]["shownId"], view["images"]["currentId"]) == ("a", "a")
    assert (await modules.reduce(*events, image("selected", 3, "b")))["same"] is True
    assert (await modules.reduce(*events, image("selected", 4, "unknown")))["same"] is True


@pytest.mark.parametrize(
    "url",
    [
        "javascript:alert(1)",
        "https://elsewhere.invalid/x.png",
        "//elsewhere.invalid/x.png",
        "data:image/png;base64,AAAA",
        "\\\\elsewhere\\x",
        "/a\\b",
        "",
        7,
        None,
    ],
)
async def test_only_paths_of_the_service_are_loaded(modules: Modules, url: object) -> None:
    view = await modules.reduce(image("ready", 1, url=url))
    assert view["images"]["list"][0]["url"] is None


@pytest.mark.parametrize("thumbnail", ["data:text/html;base64,AAAA", "/x.png", 'x" onload="', 1])
async def test_only_small_pictures_are_thumbnails(modules: Modules, thumbnail: object) -> None:
    view = await modules.reduce(image("ready", 1, thumbnail=thumbnail))
    assert view["images"]["list"][0]["thumbnail"] is None


@pytest.mark.parametrize("size", [0, -1, "1024", None])
async def test_sizes_are_numbers_or_unknown(modules: Modules, size: object) -> None:
    view = await modules.reduce(image("ready", 1, width=size))
    assert view["images"]["list"][0]["width"] is None


async def test_what_lies_beneath_an_image_in_the_making(modules: Modules) -> None:
    view = await modules.reduce(
        image("ready", 1), image("ready", 2, "b"), image("failed", 3, "c"),
        image("started", 4, "d", parent_id="a"), image("started", 5, "e", parent_id="c"),
    )  # fmt: skip
    images = view["images"]
    found = [
        await modules.call("image_history.js", "beneath", images, {"id": "x", "parentId": parent})
        for parent in ("a", "unknown")
    ]
    assert [one["id"] if one else None for one in found] == ["a", "b"]
    assert [one["parentId"] for one in images["list"]] == [None, None, None, "a", "c"]


async def test_nothing_lies_beneath_the_first_image(modules: Modules) -> None:
    view = await modules.reduce(image("started", 1))
    found = await modules.page.evaluate(
        """async (images) =>
            (await import('/image_history.js')).beneath(images, images.list[0]) === undefined""",
        view["images"],
    )
    assert found is True


async def test_without_a_parent_the_last_finished_image_lies_beneath(modules: Modules) -> None:
    view = await modules.reduce(image("ready", 1), image("started", 2, "b"))
    found = await modules.page.evaluate(
        """async (images) =>
            (await import('/image_history.js')).beneath(images, images.list[1]).id""",
        view["images"],
    )
    assert found == "a"


@pytest.mark.parametrize(("state", "making"), [("started", 1), ("preview", 1), ("ready", 0)])
async def test_in_the_making(modules: Modules, state: str, making: int) -> None:
    assert await modules.call("image_history.js", "isInTheMaking", {"state": state}) is bool(making)


async def test_the_list_is_bounded_and_orders_stay(modules: Modules) -> None:
    most = await modules.value("image_history.js", "MOST_IMAGES")
    view = await modules.reduce(*(image("ready", i + 1, f"i{i}") for i in range(most + 2)))
    assert (len(states(view)), states(view)[0]) == (most, ("i2", "ready"))
