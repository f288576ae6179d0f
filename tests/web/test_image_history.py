"""The room's images as the page knows them (image_history.js), as the reducer applies them."""

from typing import Any

import pytest

from tests.web.conftest import Modules
from tests.web.messages import image, said

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
            "reason": None, "queued": False, "position": 0, "parentIds": [], "group": "a",
            "variant": 0, "variants": 1, "name": "", "text": "", "textAfter": "", "model": None,
            "turn": None, "original": None,
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
    waiting = await modules.reduce(*events, image("selected", 4, "late"))
    assert waiting["images"]["currentId"] == "a"
    late = await modules.reduce(*events, image("selected", 4, "late"), image("ready", 2, "late"))
    assert (late["images"]["shownId"], late["images"]["currentId"]) == ("late", "late")


async def test_once_the_service_says_what_is_current_its_word_counts(modules: Modules) -> None:
    events = [image("ready", 1), image("selected", 2, can_undo=True), image("ready", 3, "b")]
    view = await modules.reduce(*events)
    assert (view["images"]["shownId"], view["images"]["currentId"]) == ("a", "a")
    assert (view["images"]["canUndo"], view["images"]["canRedo"]) == (True, False)
    nothing = await modules.reduce(*events, image("selected", 4, None))
    assert nothing["images"]["currentId"] is None


async def test_variants_stand_together_and_the_first_stays_in_sight(modules: Modules) -> None:
    more = {"group": "g", "variants": 2}
    view = await modules.reduce(
        image("started", 1, "v1", variant=1, **more), image("started", 2, "v2", variant=2, **more),
        image("failed", 3, "v2", variant=2, reason="No.", **more),
    )  # fmt: skip
    assert view["images"]["shownId"] == "v1"
    first = view["images"]["list"][0]
    found = await modules.call("image_history.js", "variantsOf", view["images"], first)
    assert [one["id"] for one in found] == ["v1", "v2"]


async def test_names_and_afterwords_come_beside_the_states(modules: Modules) -> None:
    view = await modules.reduce(
        image("named", 2, name="the sea"), image("ready", 1), image("named", 1, name="old"),
        image("text", 4, text_after="That is all."), image("text", 4, text_after="Again."),
    )  # fmt: skip
    (one,) = view["images"]["list"]
    assert (one["name"], one["textAfter"]) == ("the sea", "That is all.")


async def test_a_page_that_came_back_goes_on_looking_at_what_it_looked_at(modules: Modules) -> None:
    said = [
        image("ready", 1),
        image("selected", 2),
        image("failed", 3, "b"),
        image("ready", 4, "c"),
    ]
    back = {"kind": "enter", "same": True}
    before = [*said, {"kind": "show", "imageId": "a"}, back]
    view = await modules.reduce(*before, said[0], said[2], said[3])
    assert (view["images"]["shownId"], view["images"]["currentId"]) == ("a", "a")
    view = await modules.reduce(*before, *said)
    assert (view["images"]["shownId"], view["images"]["currentId"]) == ("a", "a")


async def test_addresses_are_renewed_by_a_look_at_the_room(modules: Modules) -> None:
    original = {"kind": "camera", "url": "/o?token=1", "width": 4, "height": 3}
    events = [
        image("ready", 1, url="/a?token=1", originals=[original]), image("selected", 2),
        image("preview", 3, "b", url="/b?token=1&preview=x"),
    ]  # fmt: skip
    told = [
        {
            "image_id": "a", "state": "ready", "url": "/a?token=2",
            "originals": [{**original, "url": "/o?token=2"}],
        },
        {"image_id": "b", "state": "preview", "url": "/b?token=2&preview=y"},
        {"image_id": "c", "state": "ready", "url": "/c?token=2"}, None,
    ]  # fmt: skip
    fresh = {"kind": "pictures", "room": {"images": told, "currentImage": "a"}}
    view = await modules.reduce(*events, fresh)
    a, b = view["images"]["list"]
    assert (a["url"], a["original"]["url"], b["url"]) == (
        "/a?token=2", "/o?token=2", "/b?token=1&preview=x",
    )  # fmt: skip
    assert (await modules.reduce(*events, fresh, fresh))["same"] is True
    evil = [{"image_id": "a", "state": "ready", "url": "https://elsewhere.invalid/"}]
    room = {"images": evil, "currentImage": "b"}
    assert (await modules.reduce(*events, {"kind": "pictures", "room": room}))["same"] is True
    assert (await modules.reduce(*events, {"kind": "pictures", "room": {}}))["same"] is True


async def test_who_comes_late_waits_for_the_current_one(modules: Modules) -> None:
    look = {"kind": "pictures", "room": {"images": [], "currentImage": "b"}}
    many = [image("ready", 1), image("ready", 2, "b"), image("ready", 3, "c")]
    views = [await modules.reduce(look, *many[:seen]) for seen in (1, 2, 3)]
    assert [view["images"]["shownId"] for view in views] == ["a", "b", "b"]
    assert [view["images"]["currentId"] for view in views] == [None, "b", "b"]
    after = await modules.reduce(*many, look)
    assert (after["images"]["shownId"], after["images"]["currentId"]) == ("b", "b")
    told = await modules.reduce(*many, image("selected", 4, "a"), look)
    assert (told["images"]["currentId"], told["same"]) == ("a", True)


async def test_a_deleted_picture_leaves_no_mark_in_the_transcript(modules: Modules) -> None:
    events = [image("ready", 1), image("ready", 2, "b"), image("named", 3, name="the sea")]
    view = await modules.reduce(*events, image("deleted", 4))
    assert said(view) == [("image", "b")]
    assert view["images"]["beside"] == {}


async def test_what_was_made_of_a_deleted_picture_is_made_of_its_parents(modules: Modules) -> None:
    events = [
        image("ready", 1, "a"), image("ready", 2, "b", parent_id="a", parent_ids=["a"]),
        image("ready", 3, "c", parent_id="b", parent_ids=["b"]),
    ]  # fmt: skip
    view = await modules.reduce(*events, image("deleted", 4, "b"))
    assert [one["parentIds"] for one in view["images"]["list"]] == [[], ["a"]]
    assert (await modules.reduce(*events, image("deleted", 1, "b")))["same"] is True
    assert (await modules.reduce(*events, image("deleted", 4, "nobody")))["same"] is True
    shown = await modules.reduce(*events, image("deleted", 4, "c"))
    assert (shown["images"]["shownId"], shown["images"]["currentId"]) == ("b", None)


async def test_what_to_compare_with(modules: Modules) -> None:
    camera = {"kind": "camera", "url": "/sessions/s/images/o?token=t", "width": 4, "height": 3}
    view = await modules.reduce(
        image("ready", 1, "a", url="/a", originals=[camera]),
        image("ready", 2, "b", url="/b", parent_id="a"), image("ready", 3, "c", url="/c"),
        image("ready", 4, "d", url="/d", originals=[{"url": "https://elsewhere.invalid/x"}]),
    )  # fmt: skip
    found = [
        await modules.call("image_history.js", "before", view["images"], one)
        for one in view["images"]["list"]
    ]
    assert [one and (one["words"], one["url"]) for one in found] == [
        ("Camera", "/sessions/s/images/o?token=t"), ("Before", "/a"), None, None,
    ]  # fmt: skip


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
