"""The door for uploads into a session."""

import asyncio
import io
import logging
import threading
from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import pytest
import pytest_asyncio

from pipeline import uploads
from pipeline.upload_doors import MAX_PARTS
from processors.errors import ToolError
from processors.images.pixels import Picture, upload_untrusted
from processors.images.room_store import RoomStore
from processors.images.sources import FromUpload
from tests.pipeline.in_process import LIMIT_S, Easel, easel, until
from tests.processors.images.hostile import jpeg, png

LIMIT_BYTES = 100_000
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


def mistakes(caplog: pytest.LogCaptureFixture) -> list[str]:
    """What was logged as one of ours."""
    return [r.getMessage() for r in caplog.records if r.levelno >= logging.ERROR]


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
    kept = served.room(told["sessionId"]).parts.studio.sources.choose("upload", 0.0)
    assert isinstance(kept, FromUpload)
    assert kept.picture is not None
    assert (kept.picture.width, kept.picture.height) == (40, 30)


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
    with pytest.raises(ToolError, match="No picture has been uploaded"):
        served.room(told["sessionId"]).parts.studio.sources.choose("upload", 0.0)


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


async def test_only_so_many_come_in_at_once(served: Easel) -> None:
    path, elsewhere = await files(served), await files(served)
    host, _, port = served.url.rpartition("//")[2].partition(":")
    head = f"POST {path} HTTP/1.1\r\nHost: {host}\r\nContent-Length: 9999\r\n".encode()
    part = b'--xx\r\nContent-Disposition: form-data; name="file"\r\n\r\nso far'
    kind = b"Content-Type: multipart/form-data; boundary=xx\r\n\r\n"
    slow = []
    for _ in range(uploads.MAX_COMING_IN):
        _, writer = await asyncio.open_connection(host, int(port))
        writer.write(head + kind + part)
        slow.append(writer)
    room = served.room(path.split("/")[2])
    await until(lambda: room.uploads.coming_in_now == uploads.MAX_COMING_IN)
    busy = (503, "1", "Too many files are coming in at once. Try again.")
    assert await _uploaded(served, path) == busy
    assert (await _uploaded(served, elsewhere))[0] == 200
    for writer in slow:
        writer.close()
    await until(lambda: room.uploads.coming_in_now == 0)
    assert (await _uploaded(served, path))[0] == 200


async def test_an_upload_is_kept_when_its_sender_is_told_so(
    served: Easel, monkeypatch: pytest.MonkeyPatch
) -> None:
    told = await served.start()
    store = served.room(told["sessionId"]).parts.studio.store
    kept: list[str] = []
    put = type(store).put

    async def slowly(self: RoomStore, image_id: str, data: bytes) -> None:
        for _ in range(100):
            await asyncio.sleep(0)
        await put(self, image_id, data)
        kept.append(image_id)

    monkeypatch.setattr(RoomStore, "put", slowly)
    assert (await _uploaded(served, told["fileUploadUrl"]))[0] == 200
    (upload_id,) = kept
    assert await store.get(upload_id) is not None


async def _uploaded(served: Easel, path: str) -> tuple[int, str | None, str | None]:
    """Status, `Retry-After` and the sentence of a refusal."""
    async with served.http.post(path, data=form(("file", jpeg()))) as response:
        told = await response.json()
        return response.status, response.headers.get("Retry-After"), told.get("detail")
