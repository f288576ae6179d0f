"""The doors to a session's pictures: uploads, the list of images, and their bytes."""

import asyncio
import hashlib
import io
import logging
import threading
from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import pytest
import pytest_asyncio

from pipeline import signed_urls, uploads
from pipeline.image_doors import MAX_PARTS
from pipeline.room import Room
from processors.images.pixels import Picture, upload_untrusted
from processors.images.store import MemoryStore
from tests.pipeline.in_process import LIMIT_S, Easel, easel, until
from tests.processors.images.hostile import jpeg, png

LIMIT_BYTES = 100_000
WRONG_TOKEN = (403, "The token is not this session's.", "token_refused")
WRONG_ADDRESS = (403, "This address is not valid, or not any more.", "token_refused")
NO_IMAGE = (404, "There is no such image in this session.", "image_unknown")
UNKNOWN = (404, "There is no such session, or it has ended.", "room_unknown")
NO_FORM = (400, "The upload is not a multipart form.", "upload_malformed")
NO_FILE = (400, "The form has no part called file.", "upload_malformed")
UNREADABLE = (400, "The form cannot be read.", "upload_malformed")
BOUNDARY = {"Content-Type": "multipart/form-data; boundary=xx"}


@pytest_asyncio.fixture
async def served(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Easel]:
    async with easel(monkeypatch, EASEL_MAX_UPLOAD_BYTES=str(LIMIT_BYTES)) as one:
        yield one


def form(*parts: tuple[str, bytes]) -> aiohttp.FormData:
    out = aiohttp.FormData()
    for name, data in parts:
        out.add_field(
            name, io.BytesIO(data), filename="a.bin", content_type="application/octet-stream"
        )
    return out


async def files(served: Easel) -> str:
    """Where a new session takes uploads."""
    return str((await served.start())["fileUploadUrl"])


async def an_image(room: Room, data: bytes) -> dict[str, Any]:
    """One the room has made; its entry in the list."""
    await room.parts.studio.given(data)
    return room.gallery.listing(room.parts.studio.tree)[-1]


def mistakes(caplog: pytest.LogCaptureFixture) -> list[str]:
    """What was logged as one of ours."""
    return [r.getMessage() for r in caplog.records if r.levelno >= logging.ERROR]


# Uploads


@pytest.mark.parametrize("data", [jpeg(40, 30), png(40, 30, bytes(30 * 121))], ids=["JPEG", "PNG"])
async def test_an_image_is_kept_and_told_as_the_sdks_read_it(served: Easel, data: bytes) -> None:
    told = await served.start()
    status, answer, _, _ = await served.asked(
        "POST", told["fileUploadUrl"], data=form(("file", data))
    )
    assert status == 200
    assert set(answer) == {"name", "source", "format", "width", "height"}
    assert answer["source"] == {"type": "url", "url": f"easel:{answer['name']}"}
    assert (answer["format"], answer["width"], answer["height"]) == ("image/jpeg", 40, 30)
    kept = served.room(told["sessionId"]).parts.studio.upload
    assert kept is not None and (kept.width, kept.height) == (40, 30)


async def test_the_file_need_not_be_the_first_part(served: Easel) -> None:
    others = [("other", b"x" * 10)] * (MAX_PARTS - 1)
    status, _, _, _ = await served.asked(
        "POST", await files(served), data=form(*others, ("file", jpeg()))
    )
    assert status == 200
    late = form(*others, ("other", b""), ("file", jpeg()))
    assert await served.refused("POST", await files(served), data=late) == NO_FILE


@pytest.mark.parametrize(
    "request_",
    [{"json": {}}, {"data": jpeg()}, {"data": {"file": "text"}}, {}],
    ids=["json", "bare bytes", "a form of another kind", "nothing"],
)
async def test_what_is_no_form_is_refused(served: Easel, request_: dict[str, Any]) -> None:
    assert await served.refused("POST", await files(served), **request_) == NO_FORM


async def test_a_form_without_a_file_is_refused(served: Easel) -> None:
    assert await served.refused("POST", await files(served), data=form(("a", jpeg()))) == NO_FILE
    nested = (
        b"--xx\r\nContent-Type: multipart/mixed; boundary=yy\r\nContent-Disposition: form-data; "
        b'name="file"\r\n\r\n--yy\r\n\r\na\r\n--yy--\r\n--xx--\r\n'
    )
    refusal = await served.refused("POST", await files(served), data=nested, headers=BOUNDARY)
    assert refusal == NO_FILE


@pytest.mark.parametrize(
    ("body", "headers"),
    [
        (b"", {"Content-Type": "multipart/form-data"}),
        (b"no form", BOUNDARY),
        (b"--xx\r\nno header\r\n\r\ndata\r\n--xx--\r\n", BOUNDARY),
        (b"--xx\r\n" + b"X: " + b"a" * 100_000 + b"\r\n\r\n--xx--\r\n", BOUNDARY),
        (b"\x01no gzip", {**BOUNDARY, "Content-Encoding": "gzip"}),
        (b"--xx--\r\n", {"Content-Type": "multipart/form-data; boundary=" + "x" * 100}),
    ],
    ids=[
        "no boundary",
        "no part",
        "no header",
        "long header",
        "not compressed",
        "long boundary",
    ],
)
async def test_a_form_that_is_broken_is_refused(
    served: Easel, body: bytes, headers: dict[str, str], caplog: pytest.LogCaptureFixture
) -> None:
    path = await files(served)
    assert await served.refused("POST", path, data=body, headers=headers) == UNREADABLE
    assert mistakes(caplog) == []


@pytest.mark.parametrize("ending", [b"", b"\r\n--yy--", b"\r\n--xx", b"\r\n--xx-"])
async def test_of_a_part_that_does_not_end_what_is_there_is_looked_at(
    served: Easel, ending: bytes
) -> None:
    body = b'--xx\r\nContent-Disposition: form-data; name="file"\r\n\r\ncut off' + ending
    path = await files(served)
    refusal = await served.refused("POST", path, data=body, headers=BOUNDARY)
    assert refusal[::2] in ((422, "upload_no_image"), (400, "upload_malformed"))


async def test_a_caller_that_hangs_up_within_its_file_is_no_mistake_of_ours(
    served: Easel, caplog: pytest.LogCaptureFixture
) -> None:
    path = (await files(served)).encode()
    head = b"POST %b HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 9999\r\n" % path
    part = b'--xx\r\nContent-Disposition: form-data; name="file"\r\n\r\nso far'
    kind = b"Content-Type: multipart/form-data; boundary=xx\r\n\r\n"
    await served.raw(head + kind + part, hang_up=True)
    await until(lambda: served.refusals)
    assert served.refusals == {"upload_malformed": 1}
    assert mistakes(caplog) == []


async def test_a_file_may_be_as_large_as_the_limit_and_no_larger(served: Easel) -> None:
    path = await files(served)
    largest = jpeg().ljust(LIMIT_BYTES, b"\0")
    assert (await served.asked("POST", path, data=form(("file", largest))))[0] == 200
    for data in (largest + b"\0", bytes(2 * LIMIT_BYTES)):
        assert await served.refused("POST", path, data=form(("file", data))) == (
            413,
            "The file is larger than 100000 bytes.",
            "upload_too_large",
        )


@pytest.mark.parametrize(
    ("data", "counter"),
    [
        (b"", "upload_no_image"),
        (b"GIF89a of no use", "upload_no_image"),
        (b"<svg xmlns='http://www.w3.org/2000/svg'/>", "upload_no_image"),
        (jpeg()[:40], "upload_no_image"),
        (png(50_000, 50_000, bytes(1000)), "upload_too_large"),
    ],
    ids=["empty", "GIF", "SVG", "half a JPEG", "a giant"],
)
async def test_what_is_no_image_is_refused(served: Easel, data: bytes, counter: str) -> None:
    told = await served.start()
    refusal = await served.refused("POST", told["fileUploadUrl"], data=form(("file", data)))
    assert refusal[::2] == (422, counter)
    assert served.room(told["sessionId"]).parts.studio.upload is None


async def test_while_too_many_are_in_the_making_the_next_is_asked_to_come_again(
    served: Easel, monkeypatch: pytest.MonkeyPatch
) -> None:
    release = threading.Event()

    def slowly(data: bytes) -> Picture:
        release.wait(LIMIT_S)
        return upload_untrusted(data)

    monkeypatch.setattr(uploads, "upload_untrusted", slowly)
    path, elsewhere = await files(served), await files(served)
    busy = [
        asyncio.create_task(_uploaded(served, path)) for _ in range(uploads.MAX_IN_THE_MAKING + 1)
    ]
    other = asyncio.create_task(_uploaded(served, elsewhere))
    try:
        done, waiting = await asyncio.wait(
            busy, return_when=asyncio.FIRST_COMPLETED, timeout=LIMIT_S
        )
        assert [task.result() for task in done] == [
            (503, "1", "Too many files are coming in at once. Try again.")
        ]
    finally:
        release.set()
    assert set(await asyncio.gather(other, *waiting)) == {(200, None, None)}
    assert served.refusals == {"upload_too_many": 1}


async def _uploaded(served: Easel, path: str) -> tuple[int, str | None, str | None]:
    """Status, `Retry-After` and the sentence of a refusal."""
    async with served.http.post(path, data=form(("file", jpeg()))) as response:
        told = await response.json()
        return response.status, response.headers.get("Retry-After"), told.get("detail")


@pytest.mark.parametrize("path", ["/files", "/images", "/images/any"])
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
    await room.parts.studio.given(jpeg(40, 30))
    await room.parts.studio.given(b"no image")
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
    """Never made, failed, or not kept any more."""
    told = await served.start()
    room = served.room(told["sessionId"])
    headers = {"Authorization": f"Bearer {told['token']}"}
    failed = await an_image(room, b"no image")
    for image_id in ("guessed", failed["image_id"]):
        path = f"/sessions/{told['sessionId']}/images/{image_id}"
        assert await served.refused("GET", path, headers=headers) == NO_IMAGE
    first = await an_image(room, jpeg())
    assert (await served.asked("GET", first["url"]))[0] == 200
    assert isinstance(room.parts.studio.store, MemoryStore)
    room.parts.studio.store.limit_bytes = 1
    await an_image(room, jpeg())
    assert await served.refused("GET", first["url"]) == NO_IMAGE
