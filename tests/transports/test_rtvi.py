"""RTVI on the data channel: messages of every SDK, of nobody's SDK, and our own."""

import json
import time
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pipecat.metrics.metrics import LLMTokenUsage
from pipecat.processors.frameworks.rtvi import models

from transports import rtvi
from transports.errors import MessageRefused
from transports.rtvi import (
    MAX_ID_CHARS,
    MAX_TEXT_CHARS,
    ClientMessage,
    ClientReady,
    DisconnectBot,
    Inbound,
    Ping,
    SendFile,
    SendText,
    TrackStatus,
    Unsupported,
    decode_untrusted,
)

MAX_BYTES = 262_144


def message(kind: object, data: object = None, message_id: object = "7") -> str:
    return json.dumps({"label": "rtvi-ai", "type": kind, "id": message_id, "data": data})


def decode(text: str | bytes) -> Inbound:
    return decode_untrusted(text, max_bytes=MAX_BYTES)


def refused(text: str | bytes, counter: str = "message_malformed") -> MessageRefused:
    with pytest.raises(MessageRefused) as caught:
        decode(text)
    assert caught.value.counter == counter
    sentence = str(caught.value)
    assert sentence[0].isupper() and sentence.endswith(".") and len(sentence) < 200
    return caught.value


# ---- what clients say -----------------------------------------------------------------------

ABOUT = {"library": "pipecat-client-web", "library_version": "1.13.1", "platform": "Linux"}
IMAGE = {"format": "image/png", "name": "a.png"}

UNDERSTOOD: list[tuple[str, Inbound]] = [
    ("ping: 1700000000000", Ping()),
    ("ping", Ping()),
    (message("client-ready", {"version": "2.1.0", "about": ABOUT}), ClientReady("7", "2.1.0")),
    (message("send-text", {"content": "hi"}), SendText("7", "hi", True)),
    (message("send-text", {"content": "h\u00e9 \U0001f600"}), SendText("7", "hé 😀", True)),
    (
        message("send-text", {"content": "hi", "options": {"run_immediately": False}}),
        SendText("7", "hi", False),
    ),
    (
        message(
            "send-file",
            {
                "content": "look",
                "file": {**IMAGE, "source": {"type": "bytes", "bytes": "aGk=", "width": 2}},
            },
        ),
        SendFile("7", "look", "image/png", None, "aGk=", True),
    ),
    (
        message(
            "send-file",
            {
                "content": "",
                "file": {**IMAGE, "source": {"type": "url", "url": "pipecat:1"}},
                "options": {"run_immediately": False},
            },
        ),
        SendFile("7", "", "image/png", "pipecat:1", None, False),
    ),
    (
        message("client-message", {"t": "image-ack", "d": {"seq": 7}}),
        ClientMessage("7", "image-ack", {"seq": 7}),
    ),
    (message("client-message", {"t": "x"}), ClientMessage("7", "x", None)),
    (message("disconnect-bot", {}), DisconnectBot()),
    (message("disconnect-bot"), DisconnectBot()),
    (message("ui-event", {"event": "x"}), Unsupported("7", "ui-event")),
    (message("x" * 500), Unsupported("7", "x" * MAX_ID_CHARS)),
    ('{"label":"rtvi-ai","type":"dtmf"}', Unsupported("", "dtmf")),
    (
        '{"type":"signalling","message":{"type":"trackStatus","receiver_index":1,"enabled":false}}',
        TrackStatus(1, False),
    ),
]


@pytest.mark.parametrize(("text", "expected"), UNDERSTOOD, ids=[repr(e) for _, e in UNDERSTOOD])
def test_what_clients_say_is_understood_as_text_and_as_bytes(text: str, expected: Inbound) -> None:
    assert decode(text) == expected
    assert decode(text.encode()) == expected


# ---- what they should not -------------------------------------------------------------------

BAD: dict[str, str | bytes] = {
    "empty": "",
    "no text": b"\xff\xfe\x00",
    "half a surrogate, raw": "\ud800",
    "half a surrogate, spelt": '{"label":"rtvi-ai","type":"x","id":"\\ud800"}',
    "half a surrogate, deep": '{"label":"rtvi-ai","type":"client-message","id":"1",'
    '"data":{"t":"a","d":["\\udfff"]}}',
    "no JSON": "hello",
    "cut off": '{"label":"rtvi-ai"',
    "not a number": '{"label":"rtvi-ai","type":"x","id":"1","data":NaN}',
    "too many digits": '{"label":"rtvi-ai","type":"x","data":' + "9" * 5000 + "}",
    "array": "[]",
    "number": "7",
    "null": "null",
    "string": '"x"',
    "no label": '{"type":"send-text"}',
    "other label": '{"label":"x","type":"send-text"}',
    "no type": '{"label":"rtvi-ai"}',
    "type is a number": message(7),
    "type is a list": message(["send-text"]),
    "id is a number": message("send-text", {"content": "x"}, 7),
    "id is null": message("send-text", {"content": "x"}, None),
    "id is an object": message("send-text", {"content": "x"}, {"a": 1}),
    "id is long": message("send-text", {"content": "x"}, "x" * (MAX_ID_CHARS + 1)),
    "no signalling message": '{"type":"signalling"}',
    "other signalling": '{"type":"signalling","message":{"type":"renegotiate"}}',
    "index is true": '{"type":"signalling","message":'
    '{"type":"trackStatus","receiver_index":true,"enabled":true}}',
    "enabled is 1": '{"type":"signalling","message":'
    '{"type":"trackStatus","receiver_index":1,"enabled":1}}',
}


@pytest.mark.parametrize("name", BAD)
def test_what_is_no_message_is_refused_without_an_id(name: str) -> None:
    assert refused(BAD[name]).message_id is None


@pytest.mark.parametrize(
    ("kind", "data", "where"),
    [
        ("client-ready", None, "data"),
        ("client-ready", {"version": 2}, "version"),
        ("client-ready", {"version": "2.0.0"}, "about"),
        ("send-text", None, "data"),
        ("send-text", [], "data"),
        ("send-text", {"content": 5}, "content"),
        ("send-text", {"content": "x", "options": {"run_immediately": "maybe"}}, "run_immediately"),
        ("send-file", {"content": "x"}, "file"),
        ("send-file", {"content": "x", "file": {**IMAGE, "source": {"type": "x"}}}, "source"),
        ("client-message", {"d": 1}, "t"),
        ("client-message", "x", "data"),
    ],
)
def test_a_message_with_bad_data_is_refused_with_its_id_and_the_place(
    kind: str, data: object, where: str
) -> None:
    refusal = refused(message(kind, data))
    assert refusal.message_id == "7"
    assert f"The {kind} message" in str(refusal) and where in str(refusal)


@pytest.mark.parametrize("kind", ["llm-function-call-result", "raw-audio", "raw-audio-batch"])
def test_what_would_forge_a_tool_or_a_voice_is_forbidden(kind: str) -> None:
    assert refused(message(kind, {}), "message_forbidden").message_id == "7"


@pytest.mark.parametrize("depth", [1_000, 50_000])
@pytest.mark.parametrize("opening", ["[", '{"a":'])
def test_a_nested_bomb_is_refused_quickly(depth: int, opening: str) -> None:
    bomb = '{"label":"rtvi-ai","type":"client-message","id":"1","data":' + opening * depth
    began = time.process_time()
    refused(bomb[:MAX_BYTES])
    assert time.process_time() - began < 0.1


@pytest.mark.parametrize("size", [MAX_BYTES + 1, 5 << 20])
def test_a_message_over_the_limit_is_refused_before_it_is_read(size: int) -> None:
    assert "262144 bytes" in str(refused(b"{" + b" " * size, "message_too_large"))
    refused("\u20ac" * (size // 3 + 1), "message_too_large")


def test_a_message_at_the_limit_is_read() -> None:
    text = message("client-message", {"t": "x", "d": ""})
    assert isinstance(decode(text[:-3] + " " * (MAX_BYTES - len(text)) + text[-3:]), ClientMessage)


def test_a_text_over_its_limit_is_refused_with_its_id() -> None:
    for kind, rest in (
        ("send-text", {}),
        ("send-file", {"file": {**IMAGE, "source": {"type": "url", "url": "x"}}}),
    ):
        allowed = message(kind, {"content": "x" * MAX_TEXT_CHARS, **rest})
        assert isinstance(decode(allowed), SendText | SendFile)
        too_long = message(kind, {"content": "x" * (MAX_TEXT_CHARS + 1), **rest})
        assert refused(too_long, "message_too_large").message_id == "7"


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            st.sampled_from(
                ["t", "d", "content", "file", "source", "type", "url", "bytes", "version"]
            )
            | st.text(max_size=4),
            inner,
            max_size=5,
        )
    ),
    max_leaves=12,
)
KINDS = ["client-ready", "send-text", "send-file", "client-message", "disconnect-bot", "raw-audio"]


@settings(deadline=None)
@given(st.sampled_from(KINDS) | st.text(), JSON, JSON | st.just("1"))
def test_any_message_is_understood_or_refused(kind: str, data: object, message_id: object) -> None:
    try:
        decoded = decode(message(kind, data, message_id))
    except MessageRefused as refusal:
        assert refusal.message_id is None or refusal.message_id == message_id
        return
    assert isinstance(decoded, Inbound)


@settings(deadline=None)
@given(st.binary(max_size=200) | st.text())
def test_any_bytes_or_text_are_understood_or_refused(data: str | bytes) -> None:
    try:
        decode(data)
    except MessageRefused:
        pass


def test_the_longest_id_is_taken() -> None:
    longest = "x" * MAX_ID_CHARS
    assert decode(message("ui-event", {}, longest)) == Unsupported(longest, "ui-event")


def test_every_id_that_is_taken_can_be_answered() -> None:
    refusal = refused(message("send-text", {"content": 5}, "\u00e9\u0000\U0001f600"))
    assert refusal.message_id is not None
    assert json.loads(rtvi.error_response(refusal.message_id, "No."))["id"] == "é\x00😀"


# ---- what we say ----------------------------------------------------------------------------

SAID: list[tuple[str, str, Any]] = [
    (rtvi.error("No.", fatal=True), "error", {"error": "No.", "fatal": True}),
    (rtvi.error("No.", fatal=False), "error", {"error": "No.", "fatal": False}),
    (rtvi.server_message({"a": None, "b": [1]}), "server-message", {"a": None, "b": [1]}),
    (
        rtvi.user_transcription("hi", user_id="p", timestamp="2026-01-01T00:00:00Z", final=True),
        "user-transcription",
        {"text": "hi", "user_id": "p", "timestamp": "2026-01-01T00:00:00Z", "final": True},
    ),
    (rtvi.bot_transcription("hi"), "bot-transcription", {"text": "hi"}),
    (rtvi.bot_tts_text("hi"), "bot-tts-text", {"text": "hi"}),
    (rtvi.bot_llm_text("hi"), "bot-llm-text", {"text": "hi"}),
    (rtvi.metrics({"ttfb": []}), "metrics", {"ttfb": []}),
    (rtvi.REPLACED, "server-message", {"type": "replaced"}),
    (
        rtvi.token_metrics(
            LLMTokenUsage(prompt_tokens=3, completion_tokens=2, total_tokens=5, reasoning_tokens=1),
            processor="gemini",
            model="live",
        ),
        "metrics",
        {
            "tokens": [
                {
                    "processor": "gemini",
                    "model": "live",
                    "prompt_tokens": 3,
                    "completion_tokens": 2,
                    "total_tokens": 5,
                    "reasoning_tokens": 1,
                }
            ]
        },
    ),
    (rtvi.USER_STARTED_SPEAKING, "user-started-speaking", None),
    (rtvi.USER_STOPPED_SPEAKING, "user-stopped-speaking", None),
    (rtvi.BOT_STARTED_SPEAKING, "bot-started-speaking", None),
    (rtvi.BOT_STOPPED_SPEAKING, "bot-stopped-speaking", None),
    (rtvi.BOT_INTERRUPTED, "bot-interrupted", None),
    (rtvi.BOT_LLM_STARTED, "bot-llm-started", None),
    (rtvi.BOT_LLM_STOPPED, "bot-llm-stopped", None),
    (rtvi.BOT_TTS_STARTED, "bot-tts-started", None),
    (rtvi.BOT_TTS_STOPPED, "bot-tts-stopped", None),
]


@pytest.mark.parametrize(("text", "kind", "data"), SAID, ids=[kind for _, kind, _ in SAID])
def test_each_message_of_ours_is_an_rtvi_envelope(text: str, kind: str, data: object) -> None:
    said = json.loads(text)
    assert said["label"] == "rtvi-ai" and said["type"] == kind
    assert said.get("data") == data


def test_answers_carry_the_id_of_what_they_answer() -> None:
    ready = json.loads(rtvi.bot_ready("7", {"library": "easel"}))
    assert (ready["type"], ready["id"]) == ("bot-ready", "7")
    assert ready["data"]["version"] == rtvi.PROTOCOL_VERSION == models.PROTOCOL_VERSION
    assert ready["data"]["about"] == {"library": "easel"}
    answer = json.loads(rtvi.server_response("7", "add", {"sum": None, "of": []}))
    assert (answer["type"], answer["id"]) == ("server-response", "7")
    assert answer["data"] == {"t": "add", "d": {"sum": None, "of": []}}
    error = json.loads(rtvi.error_response("7", "No."))
    assert (error["type"], error["id"], error["data"]) == ("error-response", "7", {"error": "No."})


def test_bot_output_speaks_both_protocol_versions() -> None:
    data = json.loads(rtvi.bot_output("All of it."))["data"]
    assert data["text"] == "All of it."
    assert data["spoken"] is True and data["will_be_spoken"] is True
    assert data["aggregated_by"] == data["output_type"] == "sentence"


def test_peer_left_is_a_signalling_message() -> None:
    assert json.loads(rtvi.peer_left()) == {
        "type": "signalling",
        "message": {"type": "peerLeft"},
    }
