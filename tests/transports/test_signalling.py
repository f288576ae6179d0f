"""Bodies of the signalling requests, as each client SDK sends them, and as nobody should."""

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.transports.offers import CHROMIUM, audio, offer
from transports.errors import SignallingRefused
from transports.ice import CandidatePolicy
from transports.sdp import SdpLimits
from transports.signalling import (
    MAX_TEXT_CHARS,
    Leave,
    Start,
    decode_candidates_untrusted,
    decode_leave_untrusted,
    decode_offer_untrusted,
    start_untrusted,
)

LIMITS = SdpLimits()
POLICY = CandidatePolicy(allow_loopback=False)
SDP = offer(audio())
WITHOUT_LIMITS = (start_untrusted, decode_leave_untrusted)
LINE = "candidate:1 1 udp 2113937151 203.0.113.7 50000 typ host"


def refused(decode: Any, body: object, counter: str = "request_malformed") -> str:
    with pytest.raises(SignallingRefused) as caught:
        decode(body) if decode in WITHOUT_LIMITS else decode(body, LIMITS, POLICY)
    assert caught.value.counter == counter
    return str(caught.value)


# ---- POST /start ----------------------------------------------------------------------------


@pytest.mark.parametrize("body", [None, {}, {"body": None}, {"body": {}}, {"transport": "x"}])
def test_a_start_without_wishes(body: object) -> None:
    assert start_untrusted(body) == Start(None, None, None, None, False)


def test_wishes_are_in_the_body_or_beside_it() -> None:
    wishes = {"sessionId": "s", "token": "t", "peer": "p", "room": {"voice": "Puck"}}
    expected = Start("s", "t", "p", {"voice": "Puck"}, False)
    assert start_untrusted(wishes) == expected
    assert start_untrusted({"transport": "webrtc", "body": wishes}) == expected


def test_an_empty_peer_is_none() -> None:
    assert start_untrusted({"sessionId": "s", "peer": ""}).peer is None


def test_default_ice_servers_are_asked_for_by_true_only() -> None:
    assert start_untrusted({"enableDefaultIceServers": True}).default_ice_servers
    assert not start_untrusted({"enableDefaultIceServers": "no"}).default_ice_servers


@pytest.mark.parametrize(
    "body",
    [
        [],
        "x",
        7,
        {"body": []},
        {"body": 0},
        {"body": "x"},
        {"sessionId": 7},
        {"sessionId": "x" * (MAX_TEXT_CHARS + 1)},
        {"token": ["t"]},
        {"token": "\ud800"},
        {"peer": 7},
    ],
)
def test_a_bad_start_is_refused(body: object) -> None:
    refused(start_untrusted, body)


# ---- POST …/api/offer -----------------------------------------------------------------------


def test_the_web_sdks_first_offer() -> None:
    body = {"sdp": CHROMIUM, "type": "offer", "pc_id": None, "restart_pc": False}
    wish = decode_offer_untrusted(body, LIMITS, POLICY)
    assert (wish.pc_id, wish.restart, wish.token, wish.room) == (None, False, None, None)
    assert ".local" not in wish.sdp


@pytest.mark.parametrize("name", ["requestData", "request_data"])
def test_both_spellings_of_the_request_data(name: str) -> None:
    body = {"sdp": SDP, "type": "offer", "pc_id": "p", "restart_pc": True}
    wish = decode_offer_untrusted({**body, name: {"token": "t", "room": {"a": 1}}}, LIMITS, POLICY)
    assert (wish.pc_id, wish.restart, wish.token, wish.room) == ("p", True, "t", {"a": 1})


def test_the_ios_sdks_offer_has_neither() -> None:
    assert decode_offer_untrusted({"sdp": SDP, "type": "offer"}, LIMITS, POLICY).token is None


def test_an_empty_id_is_none() -> None:
    body = {"sdp": SDP, "type": "offer", "pc_id": ""}
    assert decode_offer_untrusted(body, LIMITS, POLICY).pc_id is None


@pytest.mark.parametrize(
    "body",
    [
        None,
        [],
        {},
        {"type": "answer", "sdp": SDP},
        {"type": ["offer"], "sdp": SDP},
        {"type": "offer"},
        {"type": "offer", "sdp": None},
        {"type": "offer", "sdp": {"a": 1}},
        {"type": "offer", "sdp": SDP, "pc_id": 5},
        {"type": "offer", "sdp": SDP, "pc_id": {"a": 1}},
        {"type": "offer", "sdp": SDP, "requestData": "x"},
        {"type": "offer", "sdp": SDP, "request_data": 0},
        {"type": "offer", "sdp": SDP, "requestData": {"token": 1}},
    ],
)
def test_a_bad_offer_body_is_refused(body: object) -> None:
    refused(decode_offer_untrusted, body)


def test_a_bad_sdp_keeps_its_own_counter() -> None:
    refused(decode_offer_untrusted, {"type": "offer", "sdp": "x"}, "sdp_malformed")


# ---- PATCH …/api/offer ----------------------------------------------------------------------


def candidates(*entries: object, pc_id: object = "p") -> Any:
    return {"pc_id": pc_id, "candidates": list(entries)}


def test_trickled_candidates() -> None:
    wish = decode_candidates_untrusted(
        candidates(
            {"candidate": LINE, "sdp_mid": "0", "sdp_mline_index": 0},
            {"candidate": LINE, "sdp_mid": None, "sdp_mline_index": 1},
            {"candidate": LINE, "sdp_mid": None, "sdp_mline_index": None},
            {"candidate": ""},
            {"candidate": LINE.replace("203.0.113.7", "x.local")},
        ),
        LIMITS,
        POLICY,
    )
    assert wish.pc_id == "p"
    assert [(c.sdpMid, c.sdpMLineIndex) for c in wish.candidates] == [
        ("0", 0),
        (None, 1),
        (None, 0),
    ]


@pytest.mark.parametrize(
    "body",
    [
        None,
        "x",
        {},
        {"pc_id": "p"},
        {"pc_id": "p", "candidates": {}},
        {"candidates": []},
        candidates(pc_id=7),
        candidates("x"),
        candidates(None),
        candidates({}),
        candidates({"candidate": 7}),
        candidates({"candidate": LINE, "sdp_mid": 0}),
        candidates({"candidate": LINE, "sdp_mid": "x" * 300}),
        candidates({"candidate": LINE, "sdp_mline_index": "0"}),
        candidates({"candidate": LINE, "sdp_mline_index": True}),
        candidates({"candidate": LINE, "sdp_mline_index": 0.5}),
    ],
)
def test_bad_candidates_are_refused(body: object) -> None:
    refused(decode_candidates_untrusted, body)


def test_a_bad_candidate_line_keeps_its_own_counter() -> None:
    body = candidates({"candidate": "hello"})
    refused(decode_candidates_untrusted, body, "candidate_malformed")


def test_too_many_candidates_in_one_request() -> None:
    most = candidates(*[{"candidate": LINE}] * 64)
    assert len(decode_candidates_untrusted(most, LIMITS, POLICY).candidates) == 64
    body = candidates(*[{"candidate": LINE}] * 65)
    sentence = refused(decode_candidates_untrusted, body, "candidates_too_many")
    assert "64" in sentence


# ---- DELETE …/api/offer ---------------------------------------------------------------------


def test_who_leaves_is_named() -> None:
    assert decode_leave_untrusted({"pc_id": "p"}) == Leave("p", None)
    named = {"pc_id": "p", "fingerprint": "sha-256 AB:CD"}
    assert decode_leave_untrusted(named) == Leave("p", "sha-256 AB:CD")


@pytest.mark.parametrize("body", [{}, {"pc_id": None}, {"pc_id": "", "fingerprint": ""}])
def test_one_that_had_no_id_yet_may_leave(body: object) -> None:
    assert decode_leave_untrusted(body) == Leave("", None)


@pytest.mark.parametrize(
    "body",
    [
        None,
        [],
        "p",
        {"pc_id": 7},
        {"pc_id": ["p"]},
        {"pc_id": "x" * (MAX_TEXT_CHARS + 1)},
        {"pc_id": "\ud800"},
        {"pc_id": "p", "fingerprint": 7},
    ],
)
def test_a_bad_goodbye_is_refused(body: object) -> None:
    refused(decode_leave_untrusted, body)


# ---- anything -------------------------------------------------------------------------------

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            st.sampled_from(
                ["body", "sessionId", "token", "room", "type", "sdp", "pc_id", "restart_pc"]
                + ["requestData", "request_data", "candidates", "candidate", "sdp_mid"]
                + ["sdp_mline_index"]
            ),
            inner | st.just("offer") | st.just(SDP) | st.just(LINE),
            max_size=5,
        )
    ),
    max_leaves=12,
)


@settings(deadline=None)
@given(JSON)
def test_any_json_is_understood_or_refused(body: object) -> None:
    with_limits: tuple[Any, ...] = (decode_offer_untrusted, decode_candidates_untrusted)
    for decode in (*WITHOUT_LIMITS, *with_limits):
        try:
            decode(body) if decode in WITHOUT_LIMITS else decode(body, LIMITS, POLICY)
        except SignallingRefused as refusal:
            json.dumps(str(refusal)).encode()


def test_half_a_surrogate_pair_is_refused_wherever_it_stands() -> None:
    half = json.loads('"\\ud800"')
    refused(start_untrusted, {"sessionId": half})
    refused(decode_offer_untrusted, {"type": "offer", "sdp": SDP + half}, "sdp_malformed")
    refused(decode_candidates_untrusted, candidates(pc_id=half))
