import pytest

from tests.private_data import private_data_in

SESSION = "u3Jq0Xb7-aZ1kPq9Lm2Rt5Wy"


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("caller at 192.0.2.7 left", "IP address: 192.0.2.7"),
        ("caller at 2001:db8::7 left", "IP address: 2001:db8::7"),
        ("[::ffff:192.0.2.7]:443", "IP address: ::ffff:192.0.2.7"),
        ("key AIzaSyD-1234567890abcdef", "Google API key"),
        ("Authorization: Bearer abcdefgh12", "bearer token"),
        ("GET /a?token=abcdefgh12", "token in a URL"),
        ("eyJhbGciOiJI.eyJzdWIiOiIx", "JSON web token"),
        ("-----BEGIN PRIVATE KEY-----", "private key"),
        ("v=0\r\no=- 1", "SDP"),
        ("offer 's=-\\r\\nm=audio 9", "SDP"),
        ("candidate:1 1 UDP 2122 x 5 typ host", "ICE candidate"),
        ("ice-pwd:abcdefgh", "ICE password"),
        ("AB:" * 31 + "AB", "DTLS fingerprint"),
        ("call from +41 44 123 45 67", "phone number"),
        ("ada@example.org joined", "e-mail address"),
        ("data:image/webp;base64,AAAA", "data URL"),
        ("x" * 160, "base64 of some length"),
    ],
)
def test_it_is_found(text: str, kind: str) -> None:
    assert any(found.startswith(kind) for found in private_data_in(text))


@pytest.mark.parametrize(
    "text",
    [
        "2026-11-20T19:01:51.123+00:00 INFO    [u3Jq0Xb7 aZ1kPq9L] pipeline.room: room created",
        "OPEN -> LIVE (peer aZ1kPq9L)",
        "listening on http://127.0.0.1:7860",
        "pipecat 1.14.0, aiohttp 3.14.5",
        "std::vector, a[1:2:3], 12:34:56",
        "tool create_image failed with TimeoutError",
    ],
)
def test_an_ordinary_line_is_let_through(text: str) -> None:
    assert private_data_in(text) == []


def test_what_was_said_and_whole_ids_are_found() -> None:
    line = f"user said: Make it Blue in {SESSION}"
    assert private_data_in(line, said=["make it blue"], ids=[SESSION]) == [
        "something said: make it blue",
        f"id in full: {SESSION}",
    ]
    assert private_data_in(line[:20], said=["make it blue"], ids=[SESSION]) == []
