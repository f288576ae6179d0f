from urllib.parse import parse_qs, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.signed_urls import LIFETIME_S, UrlSigner

NOW = 1_800_000_000.5
SIGNER = UrlSigner(key=b"k" * 32)


def token_of(signer: UrlSigner, room_id: str = "room", image_id: str = "image") -> str:
    query = urlsplit(signer.image_url(room_id, image_id, NOW)).query
    return parse_qs(query)["token"][0]


def test_the_address_is_the_door_to_the_image() -> None:
    parts = urlsplit(SIGNER.image_url("room", "image", NOW))
    assert (parts.scheme, parts.netloc) == ("", "")
    assert parts.path == "/sessions/room/images/image"
    assert list(parse_qs(parts.query)) == ["token"]


def test_behind_a_proxy_it_begins_with_the_path_there() -> None:
    assert UrlSigner("/easel").image_url("r", "i", NOW).startswith("/easel/sessions/r/images/i?")


def test_it_opens_its_image_until_it_expires() -> None:
    token = token_of(SIGNER)
    end = int(NOW) + LIFETIME_S
    assert SIGNER.allows("room", "image", token, NOW)
    assert SIGNER.allows("room", "image", token, end - 0.001)
    assert not SIGNER.allows("room", "image", token, end)


def test_it_opens_nothing_else() -> None:
    token = token_of(SIGNER)
    assert not SIGNER.allows("room", "other", token, NOW)
    assert not SIGNER.allows("other", "image", token, NOW)
    assert not UrlSigner().allows("room", "image", token, NOW)


def test_its_parts_cannot_be_shifted() -> None:
    token = token_of(SIGNER, "a", "b/c")
    assert SIGNER.allows("a", "b/c", token, NOW)
    assert not SIGNER.allows("a/b", "c", token, NOW)


def test_its_end_cannot_be_put_off() -> None:
    expires, _, mac = token_of(SIGNER).partition(".")
    assert not SIGNER.allows("room", "image", f"{int(expires) + 1}.{mac}", NOW)
    assert not SIGNER.allows("room", "image", f"0{expires}.{mac}x", NOW)


@pytest.mark.parametrize(
    "token",
    [
        "",
        ".",
        "1.",
        "." + "a" * 32,
        "9" * 5000 + "." + "a" * 32,
        "-1." + "a" * 32,
        "٣٣٣." + "a" * 32,
        "1." + "é" * 32,
        "1." + "\udcff" * 32,
        token_of(SIGNER) + "\n",
        token_of(SIGNER).upper() + " ",
    ],
)
def test_what_is_no_token_is_refused(token: str) -> None:
    assert not SIGNER.allows("room", "image", token, NOW)


@given(st.text(), st.text(), st.text() | st.from_regex(r"[0-9]+\.[0-9a-f]{32}"), st.floats())
def test_a_stranger_can_guess_nothing_and_break_nothing(
    room_id: str, image_id: str, token: str, now: float
) -> None:
    assert not SIGNER.allows(room_id, image_id, token, now)


@given(st.text(), st.text())
def test_whatever_was_signed_is_allowed(room_id: str, image_id: str) -> None:
    token = SIGNER.image_url(room_id, image_id, NOW).rpartition("?token=")[2]
    assert SIGNER.allows(room_id, image_id, token, NOW)


def test_the_key_is_never_shown() -> None:
    assert "kkkk" not in repr(SIGNER)


def test_each_process_has_its_own_key() -> None:
    assert token_of(UrlSigner()) != token_of(UrlSigner())
