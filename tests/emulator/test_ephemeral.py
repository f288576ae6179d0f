import random
from datetime import UTC, datetime

import pytest

from emulator.ephemeral import MAX_TOKENS, TokenError, TokenStore
from emulator.json_types import JSON, JsonObject

NOW = 1_800_000_000.0
SETUP: JsonObject = {
    "model": "models/locked",
    "generation_config": {"response_modalities": ["AUDIO"], "temperature": 0.7},
}
CLIENT: JsonObject = {
    "model": "models/free",
    "generationConfig": {"temperature": 0.1, "topK": 5},
    "sessionResumption": {"handle": ""},
}


def store() -> TokenStore:
    return TokenStore(random.Random(1))


def spend(body: JsonObject, setup: JsonObject | None = None, later_s: float = 0.0) -> JsonObject:
    tokens = store()
    name = tokens.create_untrusted(body, NOW)
    return tokens.spend(name, CLIENT if setup is None else setup, NOW + later_s)


def iso(later_s: float) -> str:
    return datetime.fromtimestamp(NOW + later_s, UTC).isoformat()


def test_without_constraints_the_clients_setup_stands() -> None:
    assert spend({}) == CLIENT


def test_without_a_mask_the_whole_setup_is_locked() -> None:
    locked = spend({"bidiGenerateContentSetup": SETUP})
    assert locked == {
        "model": "models/locked",
        "generationConfig": {"responseModalities": ["AUDIO"], "temperature": 0.7},
        # Whoever resumes must be able to say from where.
        "sessionResumption": {"handle": ""},
    }
    assert "sessionResumption" not in spend({"bidiGenerateContentSetup": SETUP}, {"model": "x"})


def test_a_setup_may_come_wrapped_as_a_message() -> None:
    assert spend({"bidiGenerateContentSetup": {"setup": SETUP}})["model"] == "models/locked"


def test_a_mask_locks_field_by_field() -> None:
    mask = "model,generationConfig.temperature,generationConfig.top_k,sessionResumption"
    merged = spend({"bidiGenerateContentSetup": SETUP, "fieldMask": mask})
    assert merged == {
        "model": "models/locked",
        # A listed field that the token leaves out is locked to the default.
        "generationConfig": {"temperature": 0.7},
        "sessionResumption": {"handle": ""},
    }
    assert CLIENT["generationConfig"] == {"temperature": 0.1, "topK": 5}


def test_an_empty_mask_locks_nothing() -> None:
    assert spend({"bidiGenerateContentSetup": SETUP, "fieldMask": ""}) == CLIENT


def test_masks_reach_into_what_the_client_left_out() -> None:
    merged = spend(
        {"bidiGenerateContentSetup": SETUP, "fieldMask": "generationConfig.temperature"}, {}
    )
    assert merged == {"generationConfig": {"temperature": 0.7}}
    odd: JsonObject = {"model": "m"}
    body: JsonObject = {"bidiGenerateContentSetup": SETUP, "fieldMask": "model.x.y,bogus.z"}
    assert spend(body, odd) == {"model": "m", "bogus": {}}


def test_one_use_is_the_default_and_resuming_is_none() -> None:
    tokens = store()
    name = tokens.create_untrusted({}, NOW)
    tokens.spend(name, {}, NOW)
    with pytest.raises(TokenError, match="spent"):
        tokens.spend(name, {}, NOW)
    tokens.spend(name, {"sessionResumption": {"handle": "h"}}, NOW)


@pytest.mark.parametrize(("uses", "possible"), [(3, 3), ("2", 2), (0, 50)])
def test_uses_are_counted_and_zero_is_unlimited(uses: JSON, possible: int) -> None:
    tokens = store()
    name = tokens.create_untrusted({"uses": uses}, NOW)
    for _ in range(possible):
        tokens.spend(name, {}, NOW)
    if uses:
        with pytest.raises(TokenError):
            tokens.spend(name, {}, NOW)


def test_tokens_expire() -> None:
    with pytest.raises(TokenError, match="no new sessions"):
        spend({}, later_s=61)
    resuming: JsonObject = {"sessionResumption": {"handle": "h"}}
    assert spend({}, resuming, later_s=1799) == resuming
    with pytest.raises(TokenError, match="unknown or expired"):
        spend({}, resuming, later_s=1801)
    longer: JsonObject = {"newSessionExpireTime": iso(600), "expireTime": iso(700)}
    assert spend(longer, later_s=599) == CLIENT


@pytest.mark.parametrize(
    "body",
    [
        [],
        {"uses": -1},
        {"uses": "x"},
        {"uses": 0.5},
        {"uses": float("inf")},
        {"uses": 2**31},
        {"fieldMask": 5},
        {"expireTime": "soon"},
        {"expireTime": iso(21 * 3600)},
        {"bidiGenerateContentSetup": 5},
        {"bidiGenerateContentSetup": {"setup": 5}},
        {"bidiGenerateContentSetup": {"bogus": 5}},
    ],
)
def test_wrong_requests_are_refused(body: JSON) -> None:
    with pytest.raises(TokenError):
        store().create_untrusted(body, NOW)


def test_only_the_newest_tokens_are_kept() -> None:
    tokens = store()
    names = [tokens.create_untrusted({}, NOW) for _ in range(MAX_TOKENS + 1)]
    assert names[0].startswith("auth_tokens/")
    with pytest.raises(TokenError, match="unknown"):
        tokens.spend(names[0], {}, NOW)
    tokens.spend(names[1], {}, NOW)
