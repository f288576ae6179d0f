"""The manners of all doors: who may come, what an error looks like, and the page."""

import io
import logging
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer

from pipeline.app import ALLOWED_METHODS, MAX_BODY_BYTES, PAGE_HEADERS, make_app, web_root
from pipeline.metrics import CONTENT_TYPE
from tests.pipeline.in_process import Easel, an_offer, easel, no_port_left, until
from tests.pipeline.room_parts import doors_of, shared_parts

FRIEND = "https://friend.example"
STRANGER = "https://stranger.example"


@pytest_asyncio.fixture
async def served(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Easel]:
    async with easel(monkeypatch, EASEL_ALLOWED_ORIGINS=FRIEND) as one:
        yield one


def preflight(origin: str, method: str) -> dict[str, str]:
    return {
        "Origin": origin,
        "Access-Control-Request-Method": method,
        "Access-Control-Request-Headers": "authorization, content-type",
    }


# Who may come


@pytest.mark.parametrize("method", ["POST", "PATCH", "DELETE", "GET"])
async def test_a_page_of_a_named_origin_is_let_in(served: Easel, method: str) -> None:
    headers = preflight(FRIEND, method)
    status, _, response, risen = await served.asked(
        "OPTIONS", "/sessions/any/api/offer", headers=headers
    )
    assert (status, risen) == (204, [])
    assert method in response.headers["Access-Control-Allow-Methods"].split(", ")
    allowed = response.headers["Access-Control-Allow-Headers"].lower().split(", ")
    assert {"content-type", "authorization"} <= set(allowed)
    assert response.headers["Access-Control-Allow-Origin"] == FRIEND
    assert response.headers["Vary"] == "Origin"
    assert int(response.headers["Access-Control-Max-Age"]) > 0


async def test_it_can_read_answers_and_refusals(served: Easel) -> None:
    for method, path, expected in (("GET", "/healthz", 200), ("GET", "/sessions/none", 404)):
        status, _, response, _ = await served.asked(method, path, headers={"Origin": FRIEND})
        assert status == expected
        assert response.headers["Access-Control-Allow-Origin"] == FRIEND
        assert response.headers["Vary"] == "Origin"


@pytest.mark.parametrize("origin", [STRANGER, "null", FRIEND + ".evil", "http://friend.example"])
async def test_pages_of_other_origins_are_refused(served: Easel, origin: str) -> None:
    refusal = (403, "Pages of this origin may not come here.", "origin_refused")
    assert await served.refused("POST", "/start", headers={"Origin": origin}, json={}) == refusal
    assert await served.refused("OPTIONS", "/start", headers=preflight(origin, "POST")) == refusal
    assert len(served.running.registry) == 0


async def test_our_own_page_needs_no_permission(served: Easel) -> None:
    status, _, response, _ = await served.asked("GET", "/healthz", headers={"Origin": served.url})
    assert status == 200 and "Access-Control-Allow-Origin" not in response.headers


async def test_a_star_lets_every_page_in(monkeypatch: pytest.MonkeyPatch) -> None:
    async with easel(monkeypatch, EASEL_ALLOWED_ORIGINS="*") as one:
        status, _, response, _ = await one.asked("GET", "/healthz", headers={"Origin": STRANGER})
        assert (status, response.headers["Access-Control-Allow-Origin"]) == (200, STRANGER)


async def test_behind_a_proxy_the_page_comes_from_its_address(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async with easel(monkeypatch, EASEL_PUBLIC_URL="https://easel.example/sub") as one:
        for origin, status in (("https://easel.example", 200), (STRANGER, 403)):
            headers = {"Origin": origin, "Host": "inner.example"}
            assert (await one.asked("GET", "/healthz", headers=headers))[0] == status


@pytest.mark.parametrize(
    ("host", "comes"),
    [
        ("localhost:7860", True),
        ("easel.localhost", True),
        ("127.0.0.1", True),
        ("[::1]:7860", True),
        ("rebound.example", False),
        ("localhost.rebound.example", False),
        ("127.0.0.1:notaport", False),
        ("127.0.0.1:99999", False),
    ],
)
async def test_on_loopback_no_name_of_a_stranger_leads_here(
    served: Easel, host: str, comes: bool
) -> None:
    headers = {"Host": host}
    if comes:
        assert (await served.asked("GET", "/healthz", headers=headers))[0] == 200
    else:
        assert await served.refused("GET", "/healthz", headers=headers) == (
            403,
            "This service is for its own machine only.",
            "host_refused",
        )


# What an error looks like


async def test_each_error_has_its_status_its_sentence_and_its_counter(served: Easel) -> None:
    assert await served.refused("GET", "/nowhere") == (404, "Not Found", "http_404")
    assert await served.refused("GET", "/start") == (405, "Method Not Allowed", "http_405")
    assert await served.refused("POST", "/start", data=io.BytesIO(bytes(MAX_BODY_BYTES + 1))) == (
        413,
        "The body is too large.",
        "request_too_large",
    )
    wish = {"body": {"room": {"colour": "blue"}}}
    status, sentence, counter = await served.refused("POST", "/start", json=wish)
    assert (status, counter) == (422, "settings_refused") and "colour" in sentence
    status, sentence, counter = await served.refused("POST", "/api/offer", json={"type": "x"})
    assert (status, sentence, counter) == (400, "type must be offer.", "request_malformed")
    assert await served.refused("GET", "/sessions/none") == (
        404,
        "There is no such session, or it has ended.",
        "room_unknown",
    )


async def test_a_wrong_method_is_told_the_right_ones(served: Easel) -> None:
    _, _, response, _ = await served.asked("DELETE", "/start")
    assert response.headers["Allow"] == "POST"


async def test_a_full_service_says_when_to_try_again(monkeypatch: pytest.MonkeyPatch) -> None:
    async with easel(monkeypatch, EASEL_MAX_ROOMS="1") as one:
        await one.start()
        full = await one.refused("POST", "/start", json={})
        assert full == (503, "The service is full.", "service_full")


async def test_without_a_port_it_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    async with no_port_left() as ports, easel(monkeypatch, EASEL_ICE_PORTS=ports) as one:
        offer = {"sdp": await an_offer(), "type": "offer"}
        assert await one.refused("POST", "/api/offer", json=offer) == (
            503,
            "The service has no port left.",
            "no_address_left",
        )


async def test_a_mistake_of_ours_is_logged_and_tells_nothing(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async def broken(request: web.Request) -> web.Response:
        raise RuntimeError("the combination is 12345")

    async def moved(request: web.Request) -> web.Response:
        raise web.HTTPFound("/healthz")

    with shared_parts() as shared:
        doors = doors_of(shared)
        app = make_app(doors)
        app.router.add_get("/broken", broken)
        app.router.add_get("/moved", moved)
        async with TestClient(TestServer(app)) as client:
            async with client.get("/broken") as response:
                assert response.status == 500
                assert await response.json() == {"detail": "The service made a mistake."}
            async with client.get("/moved", allow_redirects=False) as response:
                assert response.status == 302
    assert doors.metrics.refusals == {"internal_error": 1}
    (record,) = [r for r in caplog.records if r.levelno >= logging.ERROR]
    assert record.getMessage() == "a request failed" and record.exc_info is not None


# Liveness, readiness, metrics


async def test_readiness_is_about_new_rooms_and_liveness_is_not(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async with easel(monkeypatch, EASEL_MAX_ROOMS="1") as one:
        assert (await one.asked("GET", "/readyz"))[1] == {"status": "ready", "rooms": 0}
        started = await one.start()
        await _not_ready_but_alive(one)
        one.room(started["sessionId"]).close("a test")
        await until(lambda: one.running.registry.accepting)
        assert (await one.asked("GET", "/readyz"))[0] == 200
        await one.running.registry.close(1.0)
        await _not_ready_but_alive(one)
        assert (await one.refused("POST", "/start", json={}))[1] == "The service is shutting down."


async def _not_ready_but_alive(one: Easel) -> None:
    status, body, response, _ = await one.asked("GET", "/readyz")
    assert (status, body) == (503, {"detail": "The service is full or shutting down."})
    assert int(response.headers["Retry-After"]) > 0
    assert (await one.asked("GET", "/healthz"))[:2] == (200, {"status": "ok"})


async def test_the_metrics_are_prometheus_text(served: Easel) -> None:
    async with served.http.get("/metrics") as response:
        assert response.headers["Content-Type"] == CONTENT_TYPE
        assert "easel_rooms 0.0" in (await response.text()).splitlines()


# The page


async def test_the_page_and_its_files_are_guarded(served: Easel) -> None:
    for path, kind in (("/", "text/html"), ("/main.js", "javascript"), ("/style.css", "css")):
        async with served.http.get(path) as response:
            assert response.status == 200 and kind in response.content_type
            for name, value in PAGE_HEADERS.items():
                assert response.headers[name] == value
            assert (response.headers.get("Cache-Control") == "no-cache") is (path != "/")


@pytest.mark.parametrize(
    "path", ["/missing.js", "/README.md", "/..%2fpyproject.toml", "/web/main.js", "/.git"]
)
async def test_no_other_file_is_served(served: Easel, path: str) -> None:
    assert await served.refused("GET", path) == (404, "Not Found", "http_404")


def test_the_page_lies_beside_the_package(tmp_path: Path) -> None:
    assert (web_root() / "index.html").is_file()
    assert not web_root().is_relative_to(Path(__file__).parents[2] / "pipeline")


def test_every_method_of_the_doors_may_be_asked_for() -> None:
    assert set(ALLOWED_METHODS.split(", ")) == {"GET", "POST", "PATCH", "DELETE", "OPTIONS"}
