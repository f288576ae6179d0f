import base64
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from emulator import wire
from emulator.closes import INVALID_ARGUMENT
from emulator.json_types import JSON, JsonObject
from emulator.wire import WireError, canonical_untrusted, decode_base64_untrusted, parse_untrusted


def parse(body: object) -> tuple[wire.ClientMessage, ...]:
    return parse_untrusted(json.dumps(body))


def only(body: object) -> wire.ClientMessage:
    [message] = parse(body)
    return message


def reason(body: object) -> str:
    with pytest.raises(WireError) as caught:
        parse(body)
    assert caught.value.close.code == 1007
    return caught.value.close.reason


def test_a_mix_of_spellings_becomes_canonical_at_every_level() -> None:
    received = {
        "model": "models/m",
        "generation_config": {"speechConfig": {"voice_config": {"prebuiltVoiceConfig": {}}}},
        "realtimeInputConfig": {"automatic_activity_detection": {"prefixPaddingMs": 20}},
    }
    message = only({"setup": received})
    assert isinstance(message, wire.Setup)
    assert message.raw == {
        "model": "models/m",
        "generationConfig": {"speechConfig": {"voiceConfig": {"prebuiltVoiceConfig": {}}}},
        "realtimeInputConfig": {"automaticActivityDetection": {"prefixPaddingMs": 20}},
    }
    assert message.received == received


def test_the_users_own_json_keeps_its_keys() -> None:
    schema = {"type": "object", "properties": {"some_key": {"any_of": [{"type": "string"}]}}}
    typed = {"type": "OBJECT", "properties": {"some_key": {"any_of": [{"type": "STRING"}]}}}
    declaration = {"name": "f", "parameters_json_schema": schema, "parameters": typed}
    message = only({"setup": {"tools": [{"function_declarations": [declaration]}]}})
    assert isinstance(message, wire.Setup)
    assert message.raw["tools"] == [
        {
            "functionDeclarations": [
                {
                    "name": "f",
                    "parametersJsonSchema": schema,
                    "parameters": {
                        "type": "OBJECT",
                        # The schema's own keys are the wire's, the property's name is the user's.
                        "properties": {"some_key": {"anyOf": [{"type": "STRING"}]}},
                    },
                }
            ]
        }
    ]
    response = only(
        {"tool_response": {"function_responses": [{"id": "1", "response": {"some_key": 1}}]}}
    )
    assert response == wire.ToolResponse(
        (wire.FunctionResponse("1", "", {"some_key": 1}, "", False),)
    )


def test_a_function_response_is_read_whole() -> None:
    body = {
        "id": "1",
        "name": "f",
        "response": {},
        "scheduling": "SILENT",
        "will_continue": True,
        "parts": [{"inlineData": {"data": "_v-_", "mimeType": "image/png"}}],
    }
    assert only({"toolResponse": {"functionResponses": [body]}}) == wire.ToolResponse(
        (wire.FunctionResponse("1", "f", {}, "SILENT", True),)
    )


@pytest.mark.parametrize("text", ["--__", "++//", "__vv", "//vv"])
def test_both_base64_alphabets_are_decoded(text: str) -> None:
    standard = text.replace("-", "+").replace("_", "/")
    assert decode_base64_untrusted(text) == base64.b64decode(standard)


@given(st.binary(max_size=50))
def test_base64_needs_no_padding(data: bytes) -> None:
    assert decode_base64_untrusted(base64.urlsafe_b64encode(data).decode().rstrip("=")) == data


@pytest.mark.parametrize("text", ["a", "ab cd", "é", "a=b="])
def test_what_is_not_base64_is_refused(text: str) -> None:
    with pytest.raises(WireError):
        decode_base64_untrusted(text)


def test_content_joins_texts_and_collects_media_but_not_thoughts() -> None:
    parts: list[JSON] = [
        {"text": "one "},
        {"text": "hidden", "thought": True},
        {"inline_data": {"data": "AAEC", "mime_type": "image/png"}},
        {"text": "two"},
    ]
    body = {"client_content": {"turns": [{"parts": parts, "role": "user"}], "turn_complete": True}}
    content = wire.Content("user", "one two", (wire.Blob(b"\0\1\2", "image/png"),))
    assert only(body) == wire.ClientContent((content,), True)


def test_content_without_a_role_is_the_users() -> None:
    message = only({"clientContent": {"turns": {"parts": [{"text": "hi"}]}}})
    assert message == wire.ClientContent((wire.Content("user", "hi", ()),), False)


def test_every_kind_of_realtime_input() -> None:
    blob = {"data": "AAE=", "mimeType": "audio/pcm;rate=16000"}
    picture = {"data": "AAE=", "mimeType": "image/jpeg"}
    assert parse(
        {
            "realtimeInput": {
                "activityEnd": {},
                "audioStreamEnd": True,
                "text": "hi",
                "video": picture,
                "audio": blob,
                "activityStart": {},
            }
        }
    ) == (
        wire.ActivityStart(),
        wire.Audio(wire.Blob(b"\0\1", "audio/pcm;rate=16000")),
        wire.Video(wire.Blob(b"\0\1", "image/jpeg")),
        wire.Text("hi"),
        wire.AudioStreamEnd(),
        wire.ActivityEnd(),
    )


def test_of_media_chunks_the_first_counts() -> None:
    sound = {"data": "AAE=", "mimeType": "audio/pcm"}
    picture = {"data": "AAE=", "mimeType": "image/jpeg"}
    assert only({"realtime_input": {"mediaChunks": [sound, picture]}}) == wire.Audio(
        wire.Blob(b"\0\1", "audio/pcm")
    )
    assert only({"realtime_input": {"mediaChunks": [picture]}}) == wire.Video(
        wire.Blob(b"\0\1", "image/jpeg")
    )


@pytest.mark.parametrize("kind", ["audio", "video"])
def test_media_in_the_wrong_place_is_refused(kind: str) -> None:
    body = {"realtimeInput": {kind: {"data": "AAE=", "mimeType": "text/plain"}}}
    assert reason(body) == INVALID_ARGUMENT.reason


def test_a_context_update_brings_tools_or_leaves_them() -> None:
    tools: JsonObject = {"tools": [{"google_search": {}}]}
    assert only({"contextUpdate": {"tools": tools}}) == wire.ContextUpdate([{"googleSearch": {}}])
    assert only({"contextUpdate": {"systemInstruction": {}}}) == wire.ContextUpdate(None, "")
    instruction: JsonObject = {"system_instruction": {"parts": [{"text": "Be "}, {"text": "kind"}]}}
    assert only({"contextUpdate": instruction}) == wire.ContextUpdate(None, "Be kind")


@pytest.mark.parametrize(
    ("body", "name", "place"),
    [
        ({"setup": {"bogusField": 1}}, "bogusField", " at 'setup'"),
        ({"setup": {"generationConfig": {"x": 1}}}, "x", " at 'setup.generation_config'"),
        ({"setup": {"tools": [{}, {"y": 1}]}}, "y", " at 'setup.tools[1]'"),
        ({"config": {}}, "config", ""),
    ],
)
def test_unknown_fields_are_refused_by_name(body: object, name: str, place: str) -> None:
    expected = f'Invalid JSON payload received. Unknown name "{name}"{place}: Cannot find field.'
    assert reason(body) == expected


@pytest.mark.parametrize(
    ("body", "place"),
    [
        ({"setup": {"model": 5}}, "'setup.model' (TYPE_STRING), 5"),
        ({"setup": 5}, "'setup' (TYPE_SETUP), 5"),
        ({"setup": {"labels": 5}}, "'setup.labels' (TYPE_STRING), 5"),
        ({"setup": {"labels": {"a": 5}}}, "'setup.labels[a]' (TYPE_STRING), 5"),
        ({"clientContent": {"turnComplete": 1}}, "'client_content.turn_complete' (TYPE_BOOL), 1"),
        ({"setup": {"generationConfig": {"seed": True}}}, "config.seed' (TYPE_INT), true"),
        ({"setup": {"generationConfig": {"seed": 1.5}}}, "config.seed' (TYPE_INT), 1.5"),
        ({"setup": {"generationConfig": {"seed": "x"}}}, 'config.seed\' (TYPE_INT), "x"'),
        ({"setup": {"generationConfig": {"topP": True}}}, "config.top_p' (TYPE_FLOAT), true"),
        ({"setup": {"generationConfig": {"seed": 2**63}}}, "config.seed' (TYPE_INT), 922"),
        ({"setup": {"generationConfig": {"seed": 1e30}}}, "config.seed' (TYPE_INT), 1e+30"),
        ({"setup": {"generationConfig": {"seed": "9" * 19}}}, "config.seed' (TYPE_INT), \"999"),
        ({"setup": {"generationConfig": {"seed": "9" * 5000}}}, "config.seed' (TYPE_INT), \"999"),
    ],
)
def test_ill_typed_fields_are_refused_by_place(body: object, place: str) -> None:
    assert reason(body).startswith("Invalid value at '")
    assert place in reason(body)


@pytest.mark.parametrize("value", [2**63 - 1, -(2**63), str(2**63 - 1), str(-(2**63))])
def test_integers_have_64_bits(value: JSON) -> None:
    assert isinstance(only({"setup": {"generationConfig": {"seed": value}}}), wire.Setup)


def test_integers_may_be_strings_and_null_is_absent() -> None:
    setup = {"contextWindowCompression": {"triggerTokens": "25000"}, "model": None}
    generation = {"seed": 5.0, "topK": 40, "temperature": 0.5}
    message = only({"setup": {**setup, "generationConfig": generation}})
    assert isinstance(message, wire.Setup)
    assert message.raw == {
        "contextWindowCompression": {"triggerTokens": "25000"},
        "generationConfig": generation,
    }


@pytest.mark.parametrize(
    "frame", ["", "{", "[]", "5", "{}", b"\xff", '{"setup": {}, "clientContent": {}}', "[" * 9999]
)
def test_a_frame_is_one_object_with_one_key(frame: str | bytes) -> None:
    with pytest.raises(WireError) as caught:
        parse_untrusted(frame)
    assert caught.value.close == INVALID_ARGUMENT


def test_depth_is_bounded() -> None:
    schema: JsonObject = {}
    for _ in range(100):
        schema = {"items": schema}
    with pytest.raises(WireError):
        canonical_untrusted(schema, "Schema")


names = st.sampled_from(
    ["setup", "realtime_input", "realtimeInput", "audio", "text", "turns", "parts", "x"]
    + ["clientContent", "toolResponse", "functionResponses", "inlineData", "data", "mimeType"]
)
values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text("aB_-=", max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(names, inner, max_size=3),
    max_leaves=12,
)


@given(st.dictionaries(names, values, max_size=2))
def test_whatever_comes_is_parsed_or_refused(body: dict[str, JSON]) -> None:
    try:
        messages = parse_untrusted(json.dumps(body))
    except WireError as error:
        assert 1000 <= error.close.code < 5000
    else:
        assert all(isinstance(message, wire.ClientMessage) for message in messages)
