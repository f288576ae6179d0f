"""What aiohttp's server says: what is no HTTP is counted, our own mistakes are logged."""

import logging

import pytest
from aiohttp.http_exceptions import BadHttpMessage, LineTooLong
from aiohttp.web import RequestPayloadError

from pipeline.server_log import ServerLog
from tests.pipeline.in_process import easel, until


@pytest.fixture
def counted() -> list[str]:
    return []


@pytest.fixture
def log(counted: list[str]) -> ServerLog:
    return ServerLog(counted.append)


@pytest.mark.parametrize("fault", [BadHttpMessage("no"), LineTooLong(b"x", 1)])
def test_what_is_no_request_is_counted_and_not_logged(
    log: ServerLog, counted: list[str], fault: Exception, caplog: pytest.LogCaptureFixture
) -> None:
    log.error("Error handling request", exc_info=fault)
    assert counted == ["http_malformed"]
    assert caplog.records == []


@pytest.mark.parametrize(
    "fault", [RequestPayloadError(), ConnectionResetError(), BrokenPipeError()]
)
def test_what_a_door_has_answered_is_neither(
    log: ServerLog, counted: list[str], fault: Exception, caplog: pytest.LogCaptureFixture
) -> None:
    log.exception("Unhandled exception", exc_info=fault)
    assert (counted, caplog.records) == ([], [])


@pytest.mark.parametrize("fault", [RuntimeError("ours"), None])
def test_all_else_is_logged_as_aiohttp_says_it(
    log: ServerLog, counted: list[str], fault: Exception | None, caplog: pytest.LogCaptureFixture
) -> None:
    log.error("Error %s", "here", exc_info=fault)
    (record,) = caplog.records
    assert (record.name, record.levelno) == ("aiohttp.server", logging.ERROR)
    assert record.getMessage() == "Error here"
    assert (record.exc_info[1] if record.exc_info else None) is fault
    assert counted == []


@pytest.mark.parametrize(
    "request_",
    [
        b"no HTTP at all\r\n\r\n",
        b"GET / HTTP/9.9\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nno header\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: many\r\n\r\n",
        b"GET /" + b"a" * 100_000 + b" HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
    ],
    ids=["words", "version", "header", "length", "long", "TLS"],
)
async def test_the_service_counts_a_request_that_is_none_and_goes_on(
    request_: bytes, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    async with easel(monkeypatch) as one:
        assert (await one.raw(request_)).startswith(b"HTTP/1.0 400 ")
        await until(lambda: one.refusals)
        assert one.refusals == {"http_malformed": 1}
        assert (await one.asked("GET", "/healthz"))[0] == 200
    assert [r for r in caplog.records if r.levelno >= logging.ERROR] == []
