import asyncio
import base64
import threading
from collections.abc import Awaitable, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pipeline.uploads import MAX_IN_THE_MAKING, MAX_KEPT, SCHEME, Uploads
from processors.errors import ImageRefused, UploadsBusy
from processors.images.pixels import Picture
from tests.processors.images.hostile import jpeg, png
from transports.rtvi import SendFile

LIMIT_BYTES = 10_000
WAIT_LIMIT_S = 5.0


@pytest.fixture
def threads() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(2) as executor:
        yield executor


@pytest.fixture
def told() -> list[Picture]:
    return []


@pytest.fixture
def uploads(threads: ThreadPoolExecutor, told: list[Picture]) -> Uploads:
    return Uploads(threads, LIMIT_BYTES, telling(told))


def telling(told: list[Picture]) -> Callable[[Picture], Awaitable[None]]:
    async def tell(picture: Picture) -> None:
        await asyncio.sleep(0)
        told.append(picture)

    return tell


def message(*, url: str | None = None, data: str | None = None) -> SendFile:
    return SendFile("1", "", "image/jpeg", url, data, True)


async def test_an_upload_can_be_named_by_its_address(uploads: Uploads, told: list[Picture]) -> None:
    url, picture = await uploads.add_untrusted(jpeg(40, 30))
    assert url.startswith(SCHEME)
    assert (picture.mime_type, picture.width, picture.height) == ("image/jpeg", 40, 30)
    assert told == [picture]
    upload = await uploads.of_message_untrusted(message(url=url))
    assert upload.picture is picture
    assert (upload.small.width, upload.small.height) == (40, 30)


async def test_an_image_may_come_within_the_message(uploads: Uploads, told: list[Picture]) -> None:
    data = base64.b64encode(png(1, 1, b"\0\1\2\3")).decode()
    upload = await uploads.of_message_untrusted(message(data=data))
    assert told == [upload.picture]


@pytest.mark.parametrize(
    "url",
    [
        "easel:unknown",
        "",
        "https://example.org/a.jpg",
        "file:///etc/passwd",
        "http://169.254.169.254/latest",
        "data:image/png;base64,AAAA",
    ],
)
async def test_nothing_is_fetched_from_anywhere(uploads: Uploads, url: str) -> None:
    with pytest.raises(ImageRefused, match="no such upload in this session") as refusal:
        await uploads.of_message_untrusted(message(url=url))
    assert refusal.value.counter == "upload_unknown"


@pytest.mark.parametrize("data", ["not base64!", "AAA", "é", "\ud800", "AA==\n"])
async def test_what_is_no_base64_is_refused(uploads: Uploads, data: str) -> None:
    with pytest.raises(ImageRefused, match="The file is not base64."):
        await uploads.of_message_untrusted(message(data=data))


@pytest.mark.parametrize("data", [None, "", "AAAA"])
async def test_what_is_no_image_is_refused(uploads: Uploads, data: str | None) -> None:
    with pytest.raises(ImageRefused, match="not a JPEG, PNG or WEBP"):
        await uploads.of_message_untrusted(message(data=data))


async def test_a_file_that_is_too_large_is_not_even_looked_at(
    uploads: Uploads, told: list[Picture]
) -> None:
    for data in (b"x" * (LIMIT_BYTES + 1), jpeg() + b"\0" * LIMIT_BYTES):
        with pytest.raises(ImageRefused, match="larger than 10000 bytes") as refusal:
            await uploads.add_untrusted(data)
        assert refusal.value.counter == "upload_too_large"
    assert told == []


async def test_only_the_last_ones_are_kept(uploads: Uploads) -> None:
    urls = [(await uploads.add_untrusted(jpeg()))[0] for _ in range(MAX_KEPT + 1)]
    assert len(set(urls)) == MAX_KEPT + 1
    with pytest.raises(ImageRefused):
        await uploads.of_message_untrusted(message(url=urls[0]))
    assert await uploads.of_message_untrusted(message(url=urls[1]))


async def test_only_so_many_are_decoded_at_once(told: list[Picture]) -> None:
    release = threading.Event()
    with ThreadPoolExecutor(1) as busy:
        busy.submit(release.wait, WAIT_LIMIT_S)
        uploads = Uploads(busy, LIMIT_BYTES, telling(told))
        waiting = [
            asyncio.create_task(uploads.add_untrusted(jpeg())) for _ in range(MAX_IN_THE_MAKING)
        ]
        await asyncio.sleep(0)
        with pytest.raises(UploadsBusy, match="Too many files are coming in") as refusal:
            await uploads.add_untrusted(jpeg())
        assert refusal.value.counter == "upload_too_many"
        waiting[0].cancel()
        await asyncio.wait(waiting[:1])
        release.set()
        await asyncio.gather(*waiting[1:], uploads.add_untrusted(jpeg()))
    assert len(told) == MAX_IN_THE_MAKING


@settings(max_examples=50, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.text() | st.binary().map(lambda data: base64.b64encode(data).decode()))
async def test_only_refusals_come_of_what_a_stranger_sends(uploads: Uploads, data: str) -> None:
    for sent in (message(data=data), message(url=data)):
        with pytest.raises(ImageRefused):
            await uploads.of_message_untrusted(sent)
