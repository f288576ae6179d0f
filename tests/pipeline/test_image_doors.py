"""The doors to a session's images: the list, their bytes in all sizes, links, export."""

import asyncio
import hashlib
import io
import json
import zipfile
from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio
from PIL import Image
from yarl import URL

from pipeline import signed_urls
from pipeline.room import Room
from processors.frames import Role
from processors.images.pixels import Picture, upload_untrusted
from processors.images.room_store import RoomStore
from processors.images.store import StoreFailed
from processors.images.tree import Original
from tests.pipeline.in_process import Easel, easel
from tests.processors.images.hostile import jpeg
from tests.processors.images.test_compositing import noise

WRONG_TOKEN = (403, "The token is not this session's.", "token_refused")
WRONG_ADDRESS = (403, "This address is not valid, or not any more.", "token_refused")
NO_IMAGE = (404, "There is no such image in this session.", "image_unknown")
UNKNOWN = (404, "There is no such session, or it has ended.", "room_unknown")
NO_LINK = (404, "This link leads nowhere, or not any more.", "image_unknown")


@pytest_asyncio.fixture
async def served(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Easel]:
    async with easel(monkeypatch) as one:
        yield one


async def an_image(room: Room, data: bytes) -> dict[str, Any]:
    """One the room has made; its entry in the list."""
    await room.parts.studio.given(data, "gemini-x")
    return room.gallery.listing()[-1]


@pytest.mark.parametrize(
    "path", ["/files", "/images", "/images/any", "/export.html", "/export.zip"]
)
async def test_the_session_must_exist_and_a_token_must_be_right(served: Easel, path: str) -> None:
    method = "POST" if path == "/files" else "GET"
    told = await served.start()
    assert await served.refused(method, f"/sessions/guessed{path}") == UNKNOWN
    headers = {"Authorization": "Bearer guessed"}
    full = f"/sessions/{told['sessionId']}{path}"
    assert await served.refused(method, full, headers=headers) == WRONG_TOKEN


# The list


async def test_images_are_listed_oldest_first(served: Easel) -> None:
    told = await served.start()
    path = f"/sessions/{told['sessionId']}/images"
    assert (await served.asked("GET", path))[1] == {"images": [], "currentImage": None}
    room = served.room(told["sessionId"])
    await room.parts.studio.given(jpeg(40, 30), "gemini-x")
    await room.parts.studio.given(b"no image", "gemini-x")
    _, listed, _, _ = await served.asked("GET", path)
    made, failed = listed["images"]
    assert (made["state"], made["width"], made["height"]) == ("ready", 40, 30)
    assert failed["state"] == "failed" and failed["reason"] and "url" not in failed
    assert listed["currentImage"] == made["image_id"]
    assert made["url"].startswith(f"{path}/{made['image_id']}?token=")


# One image


async def test_the_address_of_an_image_holds_its_bytes(served: Easel) -> None:
    told = await served.start()
    image = await an_image(served.room(told["sessionId"]), jpeg(40, 30))
    async with served.http.get(image["url"]) as response:
        data = await response.read()
        assert (response.status, response.content_type) == (200, image["mime_type"])
        assert hashlib.sha256(data).hexdigest() == image["sha256"] and len(data) == image["bytes"]
        assert response.headers["ETag"] == f'"{image["sha256"]}"'
        assert response.headers["X-Content-Type-Options"] == "nosniff"
        assert response.headers["Cache-Control"].startswith("private")


async def test_bytes_that_the_caller_has_are_not_sent_again(served: Easel) -> None:
    told = await served.start()
    image = await an_image(served.room(told["sessionId"]), jpeg())
    for tag, status in ((f'"{image["sha256"]}"', 304), ('"other"', 200)):
        headers = {"If-None-Match": tag}
        async with served.http.get(image["url"], headers=headers) as response:
            assert response.status == status
            assert response.headers["ETag"] == f'"{image["sha256"]}"'
            assert (len(await response.read()) > 0) is (status == 200)


async def test_the_sessions_token_will_do_too(served: Easel) -> None:
    told = await served.start()
    image = await an_image(served.room(told["sessionId"]), jpeg())
    path = image["url"].partition("?")[0]
    headers = {"Authorization": f"Bearer {told['token']}"}
    assert (await served.asked("GET", path, headers=headers))[0] == 200
    headers = {"Authorization": "Bearer guessed"}
    assert await served.refused("GET", image["url"], headers=headers) == WRONG_TOKEN


async def test_no_other_token_in_the_address_will_do(
    served: Easel, monkeypatch: pytest.MonkeyPatch
) -> None:
    told = await served.start()
    room = served.room(told["sessionId"])
    image, other = [await an_image(room, jpeg()) for _ in range(2)]
    path, _, query = image["url"].partition("?")
    for wrong in ("", "token=", "token=1.2", other["url"].partition("?")[2], query + "0"):
        assert await served.refused("GET", f"{path}?{wrong}") == WRONG_ADDRESS
    headers = {"Authorization": "Basic eDp5"}  # no token, but no reason to let it in either
    assert await served.refused("GET", path, headers=headers) == WRONG_ADDRESS
    elsewhere = await served.start()
    path = f"/sessions/{elsewhere['sessionId']}/images/{image['image_id']}?{query}"
    assert await served.refused("GET", path) == WRONG_ADDRESS


@pytest.mark.parametrize(("lifetime_s", "status"), [(0, 403), (60, 200)])
async def test_an_address_expires(
    served: Easel, monkeypatch: pytest.MonkeyPatch, lifetime_s: int, status: int
) -> None:
    monkeypatch.setattr(signed_urls, "LIFETIME_S", lifetime_s)
    told = await served.start()
    image = await an_image(served.room(told["sessionId"]), jpeg())
    if status == 200:
        assert (await served.asked("GET", image["url"]))[0] == 200
    else:
        assert await served.refused("GET", image["url"]) == WRONG_ADDRESS


async def test_an_image_that_is_not_here_is_unknown(served: Easel) -> None:
    told = await served.start()
    room = served.room(told["sessionId"])
    headers = {"Authorization": f"Bearer {told['token']}"}
    path = f"/sessions/{told['sessionId']}/images"
    assert await served.refused("GET", f"{path}/nobody", headers=headers) == NO_IMAGE
    image = await an_image(room, jpeg())
    await room.parts.studio.given(b"no image", "gemini-x")
    failed = room.gallery.listing()[-1]["image_id"]
    assert await served.refused("GET", f"{path}/{failed}", headers=headers) == NO_IMAGE
    await room.parts.studio.store.delete(image["image_id"])
    gone = (404, "The image is not kept any more.", "image_unknown")
    assert await served.refused("GET", image["url"]) == gone


async def test_sizes_are_webp_and_made_once(served: Easel) -> None:
    told = await served.start()
    room = served.room(told["sessionId"])
    image = await an_image(room, noise(1600, 1000, 1))
    for size, width in (("thumbnail", 320), ("screen", 1280)):
        url = f"{image['url']}&size={size}"
        bodies = await asyncio.gather(*(fetched(served, url) for _ in range(4)))
        assert len(set(bodies)) == 1
        shown = Image.open(io.BytesIO(bodies[0]))
        assert (shown.format, shown.width) == ("WEBP", width)
        assert await room.parts.studio.store.get_size(image["image_id"], size) == bodies[0]
    assert await fetched(served, f"{image['url']}&size=original") == await fetched(
        served, image["url"]
    )
    refusal = await served.refused("GET", f"{image['url']}&size=gigantic")
    assert refusal[0] == 400


async def test_a_size_that_cannot_be_kept_is_shown_nevertheless(
    served: Easel, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def full(*what: Any) -> None:
        raise StoreFailed("full")

    told = await served.start()
    image = await an_image(served.room(told["sessionId"]), jpeg(40, 30))
    monkeypatch.setattr(RoomStore, "put_size", full)
    shown = Image.open(io.BytesIO(await fetched(served, f"{image['url']}&size=thumbnail")))
    assert (shown.format, shown.width) == ("WEBP", 40)


async def test_a_size_does_not_outlive_its_image(
    served: Easel, monkeypatch: pytest.MonkeyPatch
) -> None:
    told = await served.start()
    store = served.room(told["sessionId"]).parts.studio.store
    image = await an_image(served.room(told["sessionId"]), jpeg(40, 30))
    put_size = RoomStore.put_size

    async def late(self: RoomStore, *what: Any) -> None:
        await self.delete(image["image_id"])
        await put_size(self, *what)

    monkeypatch.setattr(RoomStore, "put_size", late)
    await fetched(served, f"{image['url']}&size=thumbnail")
    assert await store.get_size(image["image_id"], "thumbnail") is None


async def fetched(served: Easel, url: str) -> bytes:
    async with served.http.get(url) as response:
        assert response.status == 200
        return await response.read()


@pytest.mark.parametrize(
    ("asked", "status", "start", "end"),
    [
        ("bytes=0-9", 206, 0, 10), ("bytes=10-", 206, 10, None), ("bytes=-5", 206, -5, None),
        ("bytes=0-999999999", 206, 0, None), ("bytes=5-2", 200, 0, None),
        ("bytes=-", 200, 0, None), ("lines=1-2", 200, 0, None), ("bytes=0-1,4-5", 200, 0, None),
    ],
)  # fmt: skip
async def test_parts_of_an_image(
    served: Easel, asked: str, status: int, start: int, end: int | None
) -> None:
    told = await served.start()
    image = await an_image(served.room(told["sessionId"]), jpeg(40, 30))
    whole = await fetched(served, image["url"])
    async with served.http.get(image["url"], headers={"Range": asked}) as response:
        assert response.status == status
        assert await response.read() == whole[start:end]
        if status == 206:
            size = len(whole)
            first = start if start >= 0 else size + start
            last = min(size, end if end is not None else size) - 1
            assert response.headers["Content-Range"] == f"bytes {first}-{last}/{size}"


async def test_a_part_that_does_not_exist(served: Easel) -> None:
    told = await served.start()
    image = await an_image(served.room(told["sessionId"]), jpeg(40, 30))
    headers = {"Range": "bytes=99999999-"}
    async with served.http.get(image["url"], headers=headers) as response:
        assert response.status == 416
        assert response.headers["Content-Range"] == f"bytes */{image['bytes']}"


async def test_a_range_of_another_version_gets_the_whole(served: Easel) -> None:
    told = await served.start()
    image = await an_image(served.room(told["sessionId"]), jpeg(40, 30))
    for tag, status in ((f'"{image["sha256"]}"', 206), ('"old"', 200)):
        headers = {"Range": "bytes=0-3", "If-Range": tag}
        async with served.http.get(image["url"], headers=headers) as response:
            assert response.status == status


async def test_a_picture_that_is_opened_by_itself_may_do_nothing(served: Easel) -> None:
    told = await served.start()
    image = await an_image(served.room(told["sessionId"]), jpeg(40, 30))
    async with served.http.head(f"{image['url']}&download=1") as response:
        assert (response.status, await response.read()) == (200, b"")
        assert response.headers["Content-Security-Policy"] == "default-src 'none'; sandbox"
        assert response.headers["Content-Disposition"] == 'attachment; filename="easel.jpg"'
        assert response.content_length == image["bytes"]


async def test_a_link_shows_one_picture_and_leads_no_further(served: Easel) -> None:
    told = await served.start()
    image = await an_image(served.room(told["sessionId"]), jpeg(40, 30))
    path = f"/sessions/{told['sessionId']}/images/{image['image_id']}/link"
    status, link, _, _ = await served.asked("POST", path)
    assert status == 200
    assert link["url"].startswith("/pictures/")
    assert told["sessionId"] not in link["url"] and image["image_id"] not in link["url"]
    assert await fetched(served, link["url"]) == await fetched(served, image["url"])
    assert Image.open(io.BytesIO(await fetched(served, link["url"] + "?size=screen"))).width == 40
    for wrong in ("/pictures/guessed", "/pictures/..%2f..", "/pictures/%00"):
        assert await served.refused("GET", wrong) == NO_LINK
    nobody = f"/sessions/{told['sessionId']}/images/nobody/link"
    assert await served.refused("POST", nobody) == NO_IMAGE


async def test_what_was_edited_can_be_fetched_to_compare(served: Easel) -> None:
    told = await served.start()
    room = served.room(told["sessionId"])
    image = await an_image(room, jpeg(40, 30))
    stored = room.parts.studio.tree[image["image_id"]].stored
    assert stored is not None
    room.parts.studio.tree.add_original(Original("o", "camera", stored))
    room.parts.studio.tree[image["image_id"]].original_ids = ("o",)
    await room.parts.studio.store.put("o", b"the camera's")
    (listed,) = room.gallery.listing()
    (original,) = listed["originals"]
    assert original["kind"] == "camera"
    assert await fetched(served, original["url"]) == b"the camera's"


async def test_a_preview_is_shown_while_it_is_one(served: Easel) -> None:
    told = await served.start()
    room = served.room(told["sessionId"])
    image = await an_image(room, jpeg(40, 30))
    known = room.parts.studio.tree[image["image_id"]]
    known.preview = known.stored
    room.parts.studio.workshop.previews[image["image_id"]] = Picture("image/png", b"draft", 4, 3)
    assert await fetched(served, f"{image['url']}&preview=12345678") == b"draft"
    for forged in ("x%0d%0aSet-Cookie:%20a=b", "%22"):  # nothing of the address gets into a header
        async with served.http.get(URL(f"{image['url']}&preview={forged}", encoded=True)) as got:
            assert (got.status, got.headers["ETag"]) == (200, f'"{image["sha256"]}"')
    known.preview = None
    del room.parts.studio.workshop.previews[image["image_id"]]
    assert len(await fetched(served, f"{image['url']}&preview=12345678")) == image["bytes"]


async def a_story(served: Easel) -> tuple[str, dict[str, Any]]:
    told = await served.start()
    room = served.room(told["sessionId"])
    conversation = room.parts.conversation
    conversation.append(Role.USER, "Draw <b>me</b> a house")
    conversation.append(Role.MODEL, "Here it is.")
    image = await an_image(room, jpeg(40, 30))
    room.parts.studio.tree[image["image_id"]].prompt = "A <script>house</script>"
    conversation.complete()
    return f"/sessions/{told['sessionId']}/export", image


async def test_the_story_as_one_page(served: Easel) -> None:
    path, _ = await a_story(served)
    async with served.http.get(f"{path}.html") as response:
        assert response.headers["Content-Disposition"].startswith("attachment")
        page = await response.text()
    assert page.index("Draw &lt;b&gt;me") < page.index("Here it is.") < page.index("<figure>")
    assert "data:image/webp;base64," in page
    assert "<script>" not in page and "http" not in page.partition("<main>")[2]


async def test_the_story_with_its_originals(served: Easel) -> None:
    path, image = await a_story(served)
    studio = served.room(path.split("/")[2]).parts.studio
    upload = upload_untrusted(jpeg(20, 10))
    await studio.keep_upload(studio.uploaded(upload), upload)
    (upload_id,) = studio.tree.originals
    archive = zipfile.ZipFile(io.BytesIO(await fetched(served, f"{path}.zip")))
    assert archive.testzip() is None
    original = f"originals/{upload_id}.jpg"
    assert archive.namelist() == ["images/0001.jpg", original, "story.html", "story.json"]
    assert archive.read(original) == upload.data
    assert hashlib.sha256(archive.read("images/0001.jpg")).hexdigest() == image["sha256"]
    told = json.loads(archive.read("story.json"))["story"]
    assert [next(iter(one)) for one in told] == ["said", "said", "image"]
    assert told[2]["image"]["file"] == "images/0001.jpg"
    assert "images/0001.jpg" in archive.read("story.html").decode()
