"""What is left of a message in the log, and above all what is not."""

import base64
import json
from typing import Any

import numpy as np
import pytest

from processors.gemini.wire_record import (
    GONE,
    MAX_CONNECTIONS,
    MAX_DEPTH,
    MAX_HANDLES,
    Redactor,
    blotted,
    line,
    media,
)

KEY = "AIzaSyA-key-of-somebody-0123456789"
SETUP = {
    "setup": {
        "model": "projects/secret-project/locations/x/publishers/google/models/gemini-3.8-live",
        "generationConfig": {
            "responseModalities": ["AUDIO"],
            "temperature": 0.5,
            "speechConfig": {
                "voice_config": {"prebuilt_voice_config": {"voice_name": "Kore"}},
                "languageCode": "en-US",
            },
        },
        "systemInstruction": {"parts": [{"text": "Be kind to Anna."}], "role": "user"},
        "labels": {"type": "customer 12"},
        "tools": [
            {
                "functionDeclarations": [
                    {
                        "name": "edit_image",
                        "description": "Edits.",
                        "parameters_json_schema": {
                            "type": "object",
                            "properties": {"source": {"enum": ["camera", "last", 3]}},
                        },
                    }
                ]
            }
        ],
        "sessionResumption": {"handle": "secret-handle"},
    }
}


def redactor(*, texts: bool = False) -> Redactor:
    return Redactor(texts=texts, vertex=False)


def sent(redactor: Redactor, message: Any, connection: int = 1) -> dict[str, Any]:
    return redactor.sent(connection, 0.0, json.dumps(message).encode())


def received(redactor: Redactor, message: Any, connection: int = 1) -> dict[str, Any]:
    return redactor.received(connection, 0.0, json.dumps(message).encode())


def test_the_setup_keeps_what_is_the_wires_own() -> None:
    record = sent(redactor(), SETUP)
    setup = record["message"]["setup"]
    assert (record["model"], record["profile"]) == ("gemini-3.8-live", "3.8 live")
    assert setup["model"].startswith("projects/-/locations/x/")
    assert setup["generationConfig"] == SETUP["setup"]["generationConfig"]
    assert setup["systemInstruction"] == {"parts": [{"text": "xx xxxx xx xxxx."}], "role": "user"}
    assert setup["labels"] == {"type": "xxxxxxxx 00"}, "a label's name may be any word"
    (function,) = setup["tools"][0]["functionDeclarations"]
    assert (function["name"], function["description"]) == ("edit_image", "xxxxx.")
    assert function["parameters_json_schema"]["type"] == "object"
    assert setup["sessionResumption"] == {"handle": "handle-1"}


def test_a_call_keeps_the_words_that_its_declaration_allows_for() -> None:
    redact = redactor()
    sent(redact, SETUP)
    args = {"source": "camera", "prompt": "Anna, 12", "count": 4, "deep": [{"type": "wish"}]}
    call = {"toolCall": {"functionCalls": [{"id": "f-1", "name": "edit_image", "args": args}]}}
    (kept,) = received(redact, call)["message"]["toolCall"]["functionCalls"]
    assert (kept["id"], kept["name"]) == ("f-1", "edit_image")
    assert kept["args"] == {
        "source": "camera",
        "prompt": "xxxx, 00",
        "count": 0,
        "deep": [{"type": "xxxx"}],
    }
    elsewhere = received(redact, call, connection=2)["message"]["toolCall"]["functionCalls"][0]
    assert elsewhere["args"]["source"] == "xxxxxx", "another connection declared nothing"


def test_numbers_and_switches_of_the_wire_stay() -> None:
    usage = {"usageMetadata": {"totalTokenCount": 12}, "serverContent": {"turnComplete": True}}
    assert received(redactor(), usage)["message"] == usage
    answer = {"toolResponse": {"functionResponses": [{"response": {"ok": True, "what": None}}]}}
    assert received(redactor(), answer)["message"] == answer


def test_with_texts_all_but_media_handles_and_secrets_stays() -> None:
    redact = redactor(texts=True)
    args = {"count": 4, "prompt": f"Anna, my key is {KEY}"}
    call = {"toolCall": {"functionCalls": [{"args": args}]}}
    kept = received(redact, call)["message"]["toolCall"]["functionCalls"][0]["args"]
    assert kept == {"count": 4, "prompt": f"Anna, my key is {GONE}"}
    assert sent(redact, SETUP)["message"]["setup"]["sessionResumption"] == {"handle": "handle-1"}


def test_a_handle_has_one_name_everywhere() -> None:
    redact = redactor()
    update = {"sessionResumptionUpdate": {"newHandle": "one", "resumable": True}}
    names = [received(redact, update)["message"]["sessionResumptionUpdate"]["newHandle"]]
    update["sessionResumptionUpdate"]["newHandle"] = "two"
    names.append(received(redact, update)["message"]["sessionResumptionUpdate"]["newHandle"])
    resumed = {"setup": {"model": "m", "session_resumption": {"handle": "one"}}}
    again = sent(redact, resumed, connection=2)["message"]["setup"]["session_resumption"]
    assert (names, again) == (["handle-1", "handle-2"], {"handle": "handle-1"})


def test_old_handles_and_old_declarations_are_forgotten() -> None:
    redact = redactor()
    for number in range(MAX_HANDLES + 1):
        received(redact, {"sessionResumptionUpdate": {"newHandle": str(number)}})
    update = {"sessionResumptionUpdate": {"newHandle": "0"}}
    new = received(redact, update)["message"]["sessionResumptionUpdate"]["newHandle"]
    assert new == f"handle-{MAX_HANDLES + 2}"
    for connection in range(MAX_CONNECTIONS + 1):
        sent(redact, SETUP, connection)
    call = {"toolCall": {"args": {"source": "camera"}}}
    assert received(redact, call, 0)["message"] == {"toolCall": {"args": {"source": "xxxxxx"}}}
    assert received(redact, call, 1)["message"] == call


def test_sound_and_pictures_leave_their_measures() -> None:
    pcm = np.array([0, -32768, 5, 7], "<i2").tobytes()
    data = base64.urlsafe_b64encode(pcm).decode()
    message = {"realtime_input": {"audio": {"data": data, "mime_type": "audio/pcm;rate=16000"}}}
    kept = sent(redactor(texts=True), message)["message"]["realtime_input"]["audio"]
    assert kept["data"] == {"bytes": 8, "seconds": 0.0003, "peak": 32768}
    assert kept["mime_type"] == "audio/pcm;rate=16000"
    assert media(base64.b64encode(b"picture").decode(), "image/jpeg") == {"bytes": 7}
    assert media("", "audio/pcm") == {"bytes": 0, "seconds": 0.0, "peak": 0}
    assert media("a", "audio/pcm") == {"bytes": 0}, "no base64"
    odd = {"inlineData": {"mimeType": "image/png", "data": 5}}
    assert received(redactor(), odd)["message"] == odd


def test_data_without_a_type_is_a_text() -> None:
    kept = received(redactor(texts=False), {"note": {"data": "Anna", "mimeType": None}})
    assert kept["message"] == {"note": {"data": "xxxx", "mimeType": None}}


def test_closes_keep_their_reason_but_no_key() -> None:
    record = redactor().closed(3, 1.23456, 1007, f"API key not valid: {KEY}", "server")
    assert record == {
        "connection": 3,
        "t": 1.2346,
        "event": "close",
        "code": 1007,
        "reason": f"API key not valid: {GONE}",
        "by": "server",
    }


def test_a_reason_does_not_repeat_what_was_refused() -> None:
    reason = "Invalid value at 'setup.labels' (TYPE_STRING), \"Anna 12\""
    blotted_one = redactor().closed(1, 0.0, 1007, reason, "server")["reason"]
    assert blotted_one == "Invalid value at 'setup.labels' (TYPE_STRING), \"xxxx 00\""
    assert redactor(texts=True).closed(1, 0.0, 1007, reason, "server")["reason"] == reason


@pytest.mark.parametrize(
    "secret",
    [
        KEY,
        "AQ.Ab8RN6IabcdefghijK",
        "ya29.a0AfH6SMB-xyz",
        "auth_tokens/abc-123_def=",
        "Bearer abcdefgh.ijkl",
        "api_key=whatever",
    ],
)
def test_no_secret_stays_even_where_words_do(secret: str) -> None:
    record = line(received(redactor(texts=True), {"serverContent": {"x": f"see {secret} there"}}))
    assert secret.encode() not in record
    assert GONE.encode() in record


def test_frames_and_what_cannot_be_read() -> None:
    redact = redactor()
    assert redact.received(1, 0.0, '{"goAway": {"timeLeft": "50s"}}') == {
        "connection": 1,
        "t": 0.0,
        "from": "server",
        "frame": "text",
        "message": {"goAway": {"timeLeft": "50s"}},
    }
    assert redact.received(1, 0.0, b"\xff\xfe")["unreadable"] == 2
    assert redact.received(1, 0.0, b"[1]")["unreadable"] == 3
    assert redact.sent(1, 0.0, b"Anna")["unreadable"] == 4


def test_depth_has_a_limit() -> None:
    deep: Any = "Anna"
    for _ in range(MAX_DEPTH):
        deep = {"a": [deep]}
    text = line(received(redactor(texts=True), {"serverContent": deep})).decode()
    assert "Anna" not in text
    assert GONE in text
    sent(redactor(), {"setup": {"tools": deep}})
    sent(redactor(), {"setup": []})


def test_the_beginning_of_a_file_and_of_a_connection() -> None:
    redact = redactor()
    assert redact.begin(12.34567) == {"log": 1, "texts": False, "at": 12.346}
    opened = {"connection": 2, "t": 0.0, "event": "open", "at": 12.346}
    assert redact.opened(2, 12.34567) == opened


def test_blots_keep_words_and_letters_of_any_script() -> None:
    assert blotted("Grüße, 12 Äpfel! 你好") == "xxxxx, 00 xxxxx! xx"


def test_a_line_is_one_line() -> None:
    assert line({"a": "x\ny"}) == b'{"a":"x\\ny"}\n'
