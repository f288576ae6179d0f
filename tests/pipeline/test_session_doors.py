"""The doors to a session: start, join, offer, candidates, leave, and its state."""

from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio

from pipeline.errors import NO_SUCH_PEER
from pipeline.lifecycle import RoomState
from tests.pipeline.in_process import Easel, an_offer, easel, until

WRONG_TOKEN = (403, "The token is not this session's.", "token_refused")
UNKNOWN = (404, "There is no such session, or it has ended.", "room_unknown")
NO_CONNECTION = (404, NO_SUCH_PEER, "peer_unknown")
NO_OBJECT = (400, "The request body must be a JSON object.", "request_malformed")

STATE_KEYS = {
    "sessionId",
    "state",
    "createdAt",
    "link",
    "model",
    "settings",
    "peers",
    "turns",
    "history",
    "transcript",
    "images",
    "currentImage",
    "usage",
}


@pytest_asyncio.fixture
async def served(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Easel]:
    async with easel(monkeypatch) as one:
        yield one


PRICELESS = {"model": "gemini-2.5-flash-native-audio-latest", "budget": {"maxCost": 1}}


async def test_a_budget_that_nobody_could_keep_is_refused(served: Easel) -> None:
    wish = {"body": {"room": PRICELESS}}
    status, detail, counter = await served.refused("POST", "/start", json=wish)
    assert (status, counter) == (422, "settings_refused")
    assert detail == "model has no price in EASEL_PRICES, which budget.maxCost needs."


def door(told: dict[str, Any]) -> str:
    return f"/sessions/{told['sessionId']}/api/offer"


async def offered(
    served: Easel, path: str, offer: str | None = None, **fields: Any
) -> dict[str, Any]:
    """The answer to an offer, which is a good one unless given."""
    wish = {"sdp": offer or await an_offer(), "type": "offer", **fields}
    status, answer, _, risen = await served.asked("POST", path, json=wish)
    assert (status, risen) == (200, []), answer
    assert set(answer) == {"sdp", "type", "pc_id"} and answer["type"] == "answer"
    assert answer["sdp"].startswith("v=0\r\n") and "a=candidate:" in answer["sdp"]
    return dict(answer)


def candidate(port: int) -> dict[str, Any]:
    line = f"candidate:1 1 udp 2130706431 127.0.0.1 {port} typ host"
    return {"candidate": line, "sdp_mid": "0", "sdp_mline_index": 0}


def trickled(served: Easel) -> float | None:
    """How many candidates got as far as a connection."""
    return served.sample("easel_connection_candidates_total")


# Start


@pytest.mark.parametrize("body", [None, {}, {"body": {}}, {"transport": "webrtc", "body": None}])
async def test_start_opens_a_room_of_its_own(served: Easel, body: Any) -> None:
    first, second = [(await served.asked("POST", "/start", json=body))[1] for _ in range(2)]
    assert set(first) == {"sessionId", "token", "iceConfig", "fileUploadUrl"}
    assert first["iceConfig"] == {"iceServers": []}
    assert first["fileUploadUrl"] == f"/sessions/{first['sessionId']}/files"
    for key in ("sessionId", "token"):
        assert len(first[key]) >= 20 and first[key] != second[key]
    assert {room.room_id for room in served.running.registry.rooms} == {
        first["sessionId"],
        second["sessionId"],
    }


async def test_addresses_hold_the_path_of_the_proxy_and_the_ice_servers_of_the_settings(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    environment = {
        "EASEL_PUBLIC_URL": "https://easel.example/sub",
        "EASEL_STUN_URLS": "stun:stun.example.org:3478",
    }
    async with easel(monkeypatch, **environment) as one:
        told = await one.start()
    assert told["fileUploadUrl"] == f"/sub/sessions/{told['sessionId']}/files"
    assert told["iceConfig"] == {"iceServers": [{"urls": ["stun:stun.example.org:3478"]}]}


@pytest.mark.parametrize("nested", [True, False])
async def test_a_room_may_override_settings(served: Easel, nested: bool) -> None:
    history = [{"role": "user", "parts": [{"text": "My name is Ada."}]}]
    wish: dict[str, Any] = {"room": {"temperature": 0.5, "history": history}}
    _, told, _, _ = await served.asked("POST", "/start", json={"body": wish} if nested else wish)
    assert served.room(told["sessionId"]).settings.live.temperature == 0.5
    other = served.room((await served.start())["sessionId"])
    assert other.settings.live.temperature != 0.5
    _, state, _, _ = await served.asked("GET", f"/sessions/{told['sessionId']}")
    assert state["history"] == history
    assert state["settings"]["temperature"] == 0.5 and "Ada" not in str(state["settings"])
    assert other.parts.conversation.contents() == []


@pytest.mark.parametrize(
    ("room", "field"),
    [({"colour": "blue"}, "colour"), ({"topP": 7}, "topP"), ("loud", "room"), ([], "room")],
)
async def test_overrides_that_cannot_be_are_refused_and_open_nothing(
    served: Easel, room: Any, field: str
) -> None:
    for path, wish in (
        ("/start", {"body": {"room": room}}),
        ("/api/offer", {"type": "offer", "sdp": await an_offer(), "requestData": {"room": room}}),
    ):
        status, sentence, counter = await served.refused("POST", path, json=wish)
        assert (status, counter) == (422, "settings_refused") and field in sentence
    assert len(served.running.registry) == 0


# Join


async def test_who_has_id_and_token_joins(served: Easel) -> None:
    told = await served.start()
    assert await served.start(sessionId=told["sessionId"], token=told["token"]) == told
    headers = {"Authorization": f"Bearer {told['token']}"}
    wish = {"body": {"sessionId": told["sessionId"], "room": {"colour": "of no matter here"}}}
    assert (await served.asked("POST", "/start", json=wish, headers=headers))[1] == told
    assert len(served.running.registry) == 1


@pytest.mark.parametrize("token", [None, "", "guessed", "of another"])
async def test_nobody_else_does(served: Easel, token: str | None) -> None:
    told, other = await served.start(), await served.start()
    given = other["token"] if token == "of another" else token
    wish = {"body": {"sessionId": told["sessionId"], "token": given}}
    assert await served.refused("POST", "/start", json=wish) == WRONG_TOKEN


async def test_a_session_nobody_opened_cannot_be_joined(served: Easel) -> None:
    told = await served.start()
    wish = {"body": {"sessionId": "guessed", "token": told["token"]}}
    assert await served.refused("POST", "/start", json=wish) == UNKNOWN


# Offer


async def test_an_offer_is_answered_and_brings_a_peer(served: Easel) -> None:
    told = await served.start()
    answer = await offered(served, door(told))
    room = served.room(told["sessionId"])
    assert list(room.peers.by_id) == [answer["pc_id"]]
    assert room.lifecycle.state is RoomState.LIVE


@pytest.mark.parametrize("spelling", ["requestData", "request_data"])
async def test_a_token_in_an_offer_must_be_right(served: Easel, spelling: str) -> None:
    told = await served.start()
    wish = {"sdp": await an_offer(), "type": "offer", spelling: {"token": "guessed"}}
    assert await served.refused("POST", door(told), json=wish) == WRONG_TOKEN
    assert len(served.room(told["sessionId"]).peers) == 0
    right: dict[str, Any] = {spelling: {"token": told["token"]}}
    await offered(served, door(told), **right)


@pytest.mark.parametrize("restart", [True, False])
async def test_a_known_peer_keeps_its_id(served: Easel, restart: bool) -> None:
    told = await served.start()
    offer = await an_offer()
    first = await offered(served, door(told), offer)
    fields = {"pc_id": first["pc_id"], "restart_pc": restart}
    again = await offered(served, door(told), offer, **fields)
    assert again["pc_id"] == first["pc_id"]
    assert len(served.room(told["sessionId"]).peers) == 1
    assert (_credentials(again) == _credentials(first)) is not restart


def _credentials(answer: dict[str, Any]) -> list[str]:
    return [line for line in answer["sdp"].splitlines() if line.startswith("a=ice-ufrag:")]


@pytest.mark.parametrize("restart", [False, True])
async def test_an_unknown_pc_id_is_no_new_peer(served: Easel, restart: bool) -> None:
    """The SDKs would not say again that they are ready, and hear nothing for ever."""
    told = await served.start()
    wish: dict[str, Any] = {"sdp": await an_offer(), "type": "offer", "pc_id": "of another service"}
    wish["restart_pc"] = restart
    assert await served.refused("POST", door(told), json=wish) == NO_CONNECTION
    assert not served.room(told["sessionId"]).peers


async def test_a_bad_offer_brings_nobody_and_the_room_waits_on(served: Easel) -> None:
    told = await served.start()
    for path in (door(told), "/api/offer"):
        wish = {"sdp": "v=0\r\nm=nonsense", "type": "offer"}
        status, _, counter = await served.refused("POST", path, json=wish)
        assert (status, counter) == (400, "sdp_malformed")
        assert await served.refused("POST", path) == NO_OBJECT
    assert await served.refused("POST", "/sessions/guessed/api/offer", json={}) == UNKNOWN
    assert served.room(told["sessionId"]).lifecycle.state is RoomState.OPEN
    assert len(served.running.registry) == 1


# The short offer


async def test_the_first_short_offer_opens_a_room_and_later_ones_find_it(served: Easel) -> None:
    offer = await an_offer()
    first = await offered(served, "/api/offer", offer, requestData={"room": {"temperature": 0.5}})
    (room,) = served.running.registry.rooms
    assert room.settings.live.temperature == 0.5
    again = await offered(served, "/api/offer", offer, pc_id=first["pc_id"], restart_pc=True)
    assert again["pc_id"] == first["pc_id"]
    assert served.running.registry.rooms == [room] and len(room.peers) == 1


async def test_a_short_offer_of_an_unknown_peer_opens_nothing(served: Easel) -> None:
    wish = {"sdp": await an_offer(), "type": "offer", "pc_id": "guessed"}
    assert await served.refused("POST", "/api/offer", json=wish) == NO_CONNECTION
    assert len(served.running.registry) == 0


async def test_a_room_whose_first_short_offer_fails_is_closed(served: Easel) -> None:
    """A token it cannot have yet: nobody was told the id of the room."""
    wish = {"sdp": await an_offer(), "type": "offer", "requestData": {"token": "guessed"}}
    assert await served.refused("POST", "/api/offer", json=wish) == WRONG_TOKEN
    await until(lambda: len(served.running.registry) == 0)
    assert served.running.metrics.rooms_opened == 1


# Candidates


@pytest.mark.parametrize("short", [True, False])
async def test_candidates_may_come_late(served: Easel, short: bool) -> None:
    told = await served.start()
    peer_id = (await offered(served, door(told)))["pc_id"]
    path = "/api/offer" if short else door(told)
    wish = {"pc_id": peer_id, "candidates": [candidate(4000), candidate(4001)]}
    status, body, _, _ = await served.asked("PATCH", path, json=wish)
    assert (status, body) == (200, {"status": "success"})
    assert trickled(served) == 2


async def test_candidates_of_an_unknown_peer_do_nothing(served: Easel) -> None:
    """They may come after it left, or before the answer told the client its id."""
    told = await served.start()
    await offered(served, door(told))
    wish = {"pc_id": "guessed", "candidates": [candidate(4000)]}
    assert (await served.asked("PATCH", door(told), json=wish))[0] == 200
    assert trickled(served) == 0
    assert await served.refused("PATCH", "/api/offer", json=wish) == NO_CONNECTION
    assert await served.refused("PATCH", "/sessions/guessed/api/offer", json=wish) == UNKNOWN


async def test_candidates_that_are_none_are_refused(served: Easel) -> None:
    told = await served.start()
    peer_id = (await offered(served, door(told)))["pc_id"]
    for path in (door(told), "/api/offer"):
        assert await served.refused("PATCH", path, json=[]) == NO_OBJECT
        wish = {"pc_id": peer_id, "candidates": [{"candidate": "nonsense"}]}
        status, _, counter = await served.refused("PATCH", path, json=wish)
        assert (status, counter) == (400, "candidate_malformed")
    assert trickled(served) == 0


async def test_a_connection_takes_only_so_many(served: Easel) -> None:
    told = await served.start()
    peer_id = (await offered(served, door(told)))["pc_id"]
    wish = {"pc_id": peer_id, "candidates": [candidate(4000 + n) for n in range(64)]}
    assert (await served.asked("PATCH", door(told), json=wish))[0] == 200
    wish = {"pc_id": peer_id, "candidates": [candidate(5000)]}
    status, _, counter = await served.refused("PATCH", door(told), json=wish)
    assert (status, counter) == (413, "candidates_too_many")


# Leave


async def test_who_leaves_is_gone_and_the_others_stay(served: Easel) -> None:
    told = await served.start()
    leaver, other = [(await offered(served, door(told)))["pc_id"] for _ in range(2)]
    room = served.room(told["sessionId"])
    for _ in range(2):  # one that is gone already is no mistake
        status, body, _, risen = await served.asked("DELETE", door(told), json={"pc_id": leaver})
        assert (status, body, risen) == (200, {"status": "success"}, [])
        assert list(room.peers.by_id) == [other]
    await served.asked("DELETE", door(told), json={"pc_id": other})
    assert room.lifecycle.state is RoomState.EMPTY


async def test_who_was_replaced_takes_nobody_along(served: Easel) -> None:
    """A page that is reloaded, or a tab that was doubled, says goodbye when it closes."""
    told = await served.start()
    early, late = await an_offer(), await an_offer()
    peer_id = (await offered(served, door(told), early))["pc_id"]
    await offered(served, door(told), late, pc_id=peer_id, restart_pc=True)
    room = served.room(told["sessionId"])
    for offer, left in ((early, [peer_id]), (late, [])):
        (fingerprint,) = {
            line.partition(":")[2]
            for line in offer.splitlines()
            if line.startswith("a=fingerprint:sha-256")
        }
        wish = {"pc_id": peer_id, "fingerprint": fingerprint}
        assert (await served.asked("DELETE", door(told), json=wish))[0] == 200
        assert list(room.peers.by_id) == left


@pytest.mark.parametrize("body", [{}, {"pc_id": None}, {"pc_id": ""}, {"pc_id": "guessed"}])
async def test_without_an_id_that_is_known_nobody_leaves(served: Easel, body: Any) -> None:
    told = await served.start()
    await offered(served, door(told))
    assert (await served.asked("DELETE", door(told), json=body))[0] == 200
    assert len(served.room(told["sessionId"]).peers) == 1


@pytest.mark.parametrize("body", [None, b"null", b"[]", b'"pc_id"'])
async def test_a_leave_without_an_object_is_refused(served: Easel, body: bytes | None) -> None:
    told = await served.start()
    await offered(served, door(told))
    assert await served.refused("DELETE", door(told), data=body) == NO_OBJECT
    wish = {"pc_id": 7}
    status, sentence, _ = await served.refused("DELETE", door(told), json=wish)
    assert (status, sentence) == (400, "pc_id must be a short string.")
    assert await served.refused("DELETE", "/sessions/guessed/api/offer", json={}) == UNKNOWN
    assert len(served.room(told["sessionId"]).peers) == 1


# State


async def test_the_state_tells_who_is_there_and_what_was_said(served: Easel) -> None:
    told = await served.start()
    path = f"/sessions/{told['sessionId']}"
    _, before, _, _ = await served.asked("GET", path)
    assert set(before) == STATE_KEYS
    assert (before["state"], before["link"], before["peers"]) == ("open", "connecting", [])
    assert (before["turns"], before["history"], before["transcript"]) == (1, [], [])
    assert (before["images"], before["currentImage"]) == ([], None)
    answer = await offered(served, door(told))
    _, after, _, _ = await served.asked("GET", path)
    assert set(after) == STATE_KEYS and after["state"] == "live"
    (peer,) = after["peers"]
    assert set(peer) == {"id", "state", "presence", "ready", "joinedAt"}
    assert peer["presence"] == "coming"
    assert (peer["id"], peer["ready"]) == (answer["pc_id"], False)
    assert after["model"] == served.room(told["sessionId"]).settings.live.model
    assert after["createdAt"] <= peer["joinedAt"]
    assert told["token"] not in str(after)


@pytest.mark.parametrize(
    ("method", "path"),
    [("POST", "/api/offer"), ("PATCH", "/api/offer"), ("DELETE", "/api/offer"), ("GET", "")],
)
async def test_a_wrong_token_opens_no_door(served: Easel, method: str, path: str) -> None:
    told = await served.start()
    headers = {"Authorization": "Bearer guessed"}
    full = f"/sessions/{told['sessionId']}{path}"
    assert await served.refused(method, full, json={}, headers=headers) == WRONG_TOKEN
