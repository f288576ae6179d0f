import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.redaction import redacted
from tests.private_data import private_data_in

SESSION = "u3Jq0Xb7-aZ1kPq9Lm2Rt5Wy"


@pytest.mark.parametrize(
    ("text", "left"),
    [
        (
            "Error handling request from 192.0.2.7",
            "Error handling request from [redacted]",
        ),
        ("to ('2001:db8::7', 443, 0, 0)", "to ('[redacted]', 443, 0, 0)"),
        ("to [::ffff:192.0.2.7]:443", "to [[redacted]]:443"),
        ("from fe80::1%eth0 port 1", "from [redacted] port 1"),
        ("api_key=abc123 failed", "api_key=[redacted] failed"),
        ('{"token": "abc123"}', '{"token": "[redacted]"}'),
        ("GET /x?token=1.ab&a=b", "GET /x?token=[redacted]&a=b"),
        ("Authorization: Bearer abcdefgh", "Authorization: [redacted]"),
        ("sent Bearer abcdefgh there", "sent [redacted] there"),
        ("key AIzaSyD-1234567890abcdefghij refused", "key [redacted] refused"),
        ("a=ice-pwd:abcdefgh", "a=ice-pwd:[redacted]"),
        ("fingerprint:sha-256 AB:CD", "fingerprint:[redacted]"),
        ("bad candidate:1 1 udp 2 192.0.2.7 5 typ host", "bad [redacted]"),
        ("offer v=0\r\no=- 1 2 IN IP4 192.0.2.7", "offer [redacted]"),
        ("offer 'v=0\\r\\no=- 1 2", "offer '[redacted]"),
        (f"GET /sessions/{SESSION}/images", "GET /sessions/u3Jq0Xb7…/images"),
        (
            "text [type=string_type, input_value='my number', input_type=str]",
            "text [type=string_type, input_value=[redacted], input_type=str]",
        ),
        ("ends in input_value='my number", "ends in input_value=[redacted]"),
    ],
)
def test_what_is_private_goes(text: str, left: str) -> None:
    assert redacted(text) == left


@pytest.mark.parametrize(
    "text",
    [
        "OPEN -> LIVE (first peer)",
        "at 12:34:56 the slice [1:2:3] of std::vector, or ::",
        "pipecat 1.14.0 and numpy 2.4.6",
        "tool create_image failed with TimeoutError",
        "GET /sessions/u3Jq0Xb7",
        "the key is missing",
        'File "pipeline/room.py", line 12, in run',
    ],
)
def test_what_is_not_stays(text: str) -> None:
    assert redacted(text) == text


ADDRESS = st.ip_addresses().map(str)
SECRET = st.from_regex(r"[A-Za-z0-9]{12,30}", fullmatch=True)
PRIVATE = st.one_of(
    ADDRESS,
    SECRET.map(lambda secret: f"token={secret}"),
    SECRET.map(lambda secret: f"Bearer {secret}"),
    SECRET.map(lambda secret: f"candidate:{secret} 1 udp 1 192.0.2.1 9 typ host"),
)


@given(st.lists(PRIVATE | st.sampled_from(["peer", "closed:", "(", ")", "failed"]), max_size=6))
def test_nothing_that_the_tests_look_for_is_left(words: list[str]) -> None:
    assert private_data_in(redacted(" ".join(words))) == []


@given(st.text())
def test_any_text_is_taken_and_redacting_again_changes_nothing(text: str) -> None:
    once = redacted(text)
    assert redacted(once) == once
