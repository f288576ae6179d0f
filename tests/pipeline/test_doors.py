"""How every door reads its request: the body, the session in the path, and the token."""

import gzip
import io
import json
import logging
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from pipeline.app import MAX_BODY_BYTES
from pipeline.doors import check_token
from pipeline.errors import TokenRefused
from tests.pipeline.in_process import Easel, easel, until

WRONG_TOKEN = (403, "The token is not this session's.", "token_refused")
UNKNOWN = (404, "There is no such session, or it has ended.", "room_unknown")
NO_JSON = (400, "The body is not JSON.", "request_malformed")
BROKEN_BODY = (400, "The body ends early or cannot be decoded.", "request_malformed")


@pytest_asyncio.fixture
async def served(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Easel]:
    async with easel(monkeypatch) as one:
        yield one


async def state_with(served: Easel, path: str, authorization: bytes) -> int:
    """The status of a GET with that header, byte for byte."""
    request = b"GET %b HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n" % path.encode()
    answer = await served.raw(request + b"Authorization: " + authorization + b"\r\n\r\n")
    return int(answer.split(b" ", 2)[1])


def mistakes(caplog: pytest.LogCaptureFixture) -> list[str]:
    """What was logged as one of ours."""
    return [r.getMessage() for r in caplog.records if r.levelno >= logging.ERROR]


# The body


@pytest.mark.parametrize("body", [b"", b"{}", b" {} ", b"null", b'{"body": {"room": {}}}'])
async def test_a_body_is_json_or_nothing(served: Easel, body: bytes) -> None:
    assert (await served.asked("POST", "/start", data=body))[0] == 200


async def test_json_may_be_compressed_and_in_any_unicode(served: Easel) -> None:
    wish = json.dumps({"body": {"room": {"colour": "blue"}}})
    headers = {"Content-Encoding": "gzip"}
    zipped = gzip.compress(wish.encode())
    for request in ({"data": zipped, "headers": headers}, {"data": wish.encode("utf-16")}):
        status, sentence, counter = await served.refused("POST", "/start", **request)
        assert (status, counter) == (422, "settings_refused") and "colour" in sentence


@pytest.mark.parametrize(
    "body",
    [
        b"{]",
        b"\xff\xfe\xfa",
        b'{"body": "\xe9"}',
        b"[" * 200_000,
        b'{"a":' * 100_000,
        b"9" * 5000,
        b"name=value",
    ],
    ids=["broken", "no text", "latin-1", "deep lists", "deep objects", "long number", "a form"],
)
async def test_what_is_no_json_is_refused(served: Easel, body: bytes) -> None:
    assert await served.refused("POST", "/start", data=body) == NO_JSON
    assert len(served.running.registry) == 0


async def test_a_body_may_be_as_large_as_the_limit_and_no_larger(served: Easel) -> None:
    largest = b"{}".ljust(MAX_BODY_BYTES)
    assert (await served.asked("POST", "/start", data=io.BytesIO(largest)))[0] == 200
    assert await served.refused("POST", "/start", data=io.BytesIO(largest + b" ")) == (
        413,
        "The body is too large.",
        "request_too_large",
    )


async def test_what_expands_to_too_much_is_refused(served: Easel) -> None:
    bomb = gzip.compress(bytes(4 * MAX_BODY_BYTES))
    headers = {"Content-Encoding": "gzip"}
    refusal = await served.refused("POST", "/start", data=bomb, headers=headers)
    assert refusal[0] == 413 and refusal[2] == "request_too_large"


@pytest.mark.parametrize("encoding", ["gzip", "deflate"])
async def test_a_body_that_is_not_compressed_as_it_says_is_refused(
    served: Easel, encoding: str, caplog: pytest.LogCaptureFixture
) -> None:
    headers = {"Content-Encoding": encoding}
    body = b"\x01not compressed at all"
    assert await served.refused("POST", "/start", data=body, headers=headers) == BROKEN_BODY
    assert mistakes(caplog) == []


async def test_a_caller_that_hangs_up_within_its_body_is_counted_and_no_mistake_of_ours(
    served: Easel, caplog: pytest.LogCaptureFixture
) -> None:
    head = b"POST /start HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 100\r\n\r\n{"
    await served.raw(head, hang_up=True)
    await until(lambda: served.refusals)
    assert served.refusals == {"request_malformed": 1}
    assert (await served.asked("GET", "/healthz"))[0] == 200
    assert mistakes(caplog) == []


# The session in the path


async def test_a_session_is_found_by_its_id_alone(served: Easel) -> None:
    first, second = await served.start(), await served.start()
    for told in (first, second):
        status, state, _, _ = await served.asked("GET", f"/sessions/{told['sessionId']}")
        assert (status, state["sessionId"]) == (200, told["sessionId"])


@pytest.mark.parametrize("session_id", ["guessed", "%00", "%F0%9F%90%9F", "a" * 5000, "..."])
async def test_a_session_nobody_opened_is_unknown(served: Easel, session_id: str) -> None:
    await served.start()
    assert await served.refused("GET", f"/sessions/{session_id}") == UNKNOWN


async def test_a_session_that_has_ended_is_unknown(served: Easel) -> None:
    told = await served.start()
    served.room(told["sessionId"]).close("a test")
    headers = {"Authorization": f"Bearer {told['token']}"}
    path = f"/sessions/{told['sessionId']}"
    assert await served.refused("GET", path, headers=headers) == UNKNOWN


# The token


async def test_a_token_that_is_given_must_be_the_sessions_own(served: Easel) -> None:
    told, other = await served.start(), await served.start()
    path = f"/sessions/{told['sessionId']}"
    for token, status in ((told["token"], 200), (other["token"], 403), ("guessed", 403)):
        headers = {"Authorization": f"Bearer {token}"}
        assert (await served.asked("GET", path, headers=headers))[0] == status
    headers = {"Authorization": f"Bearer {other['token']}"}
    assert await served.refused("GET", path, headers=headers) == WRONG_TOKEN


@pytest.mark.parametrize("form", ["Bearer {}", "bearer {}", "BEARER   {}  "])
async def test_the_header_may_be_written_so(served: Easel, form: str) -> None:
    """Seen by the door of a picture, which wants a token: without one it is 403."""
    told = await served.start()
    path = f"/sessions/{told['sessionId']}/images/none"
    header = form.format(told["token"]).encode()
    assert await state_with(served, path, header) == 404
    assert await state_with(served, path, header.replace(told["token"].encode(), b"no")) == 403


@pytest.mark.parametrize(
    "header", [b"", b"Bearer", b"Bearer  ", b"Basic eDp5", b"{}", b"Bearer\t{}", b"\xff\xfe {}"]
)
async def test_another_header_is_no_token(served: Easel, header: bytes) -> None:
    """A proxy before us may want it for itself."""
    told = await served.start()
    path = f"/sessions/{told['sessionId']}"
    given = header.replace(b"{}", told["token"].encode())
    assert await state_with(served, path, given) == 200
    assert await state_with(served, f"{path}/images/none", given) == 403


@pytest.mark.parametrize("token", [b"\xff\xfe", "ключ".encode(), b"\xc3", b"\xed\xa0\x80"])
async def test_a_token_in_any_bytes_is_merely_wrong(served: Easel, token: bytes) -> None:
    told = await served.start()
    path = f"/sessions/{told['sessionId']}"
    assert await state_with(served, path, b"Bearer " + token) == 403
    assert served.refusals == {"token_refused": 1}


@pytest.mark.parametrize("token", [None, "", "guessed", "ключ", "\udcff"])
async def test_no_other_token_passes(served: Easel, token: str | None) -> None:
    told = await served.start()
    room = served.room(told["sessionId"])
    check_token(room, told["token"])
    for wrong in (token, (token or "") + told["token"], told["token"] + (token or "x")):
        if wrong == told["token"]:
            continue
        with pytest.raises(TokenRefused):
            check_token(room, wrong)
