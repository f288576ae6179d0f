"""A recorded connection: how it is read, when its messages leave, and what a client does wrong."""

import base64
import json
from typing import Any

import pytest

from emulator.closes import Close
from emulator.json_types import JsonObject
from emulator.replay import (
    MAX_DEVIATIONS,
    PATIENCE_S,
    STREAM_PATIENCE_S,
    Await,
    End,
    Player,
    Recorded,
    Replay,
    ReplayError,
    Say,
    handle_of,
    kinds_of,
    read_recording,
)

TEXT: JsonObject = {"realtime_input": {"text": "x"}}
PICTURE: JsonObject = {"realtimeInput": {"video": {"data": "", "mimeType": "image/jpeg"}}}
SETUP: JsonObject = {"setup": {"model": "m"}}
SAID = {"serverContent": {"turnComplete": True}}


def sound(seconds: float) -> dict[str, Any]:
    data = base64.b64encode(bytes(int(seconds * 32_000))).decode()
    return {"realtime_input": {"audio": {"data": data, "mime_type": "audio/pcm;rate=16000"}}}


def recorded(*records: dict[str, Any]) -> list[str]:
    return [json.dumps({"connection": 1, **record}) for record in records]


def client(t: float, message: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"t": t, "from": "client", "message": message, **more}


def server(t: float, message: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"t": t, "from": "server", "frame": "binary", "message": message, **more}


def closed(t: float, code: int, by: str) -> dict[str, Any]:
    return {"t": t, "event": "close", "code": code, "reason": "why", "by": by}


def player(*records: dict[str, Any], speed: float = 1.0) -> Player:
    (one,) = read_recording(recorded(client(0.0, SETUP), *records))
    made = Player(one, speed, 0.0)
    made.on_message(SETUP, 0.0)
    return made


def near(seconds: float) -> Any:
    return pytest.approx(seconds)


def bodies(player: Player) -> list[Any]:
    return [step.body if isinstance(step, Say) else step.close.code for step in player.take()]


def test_a_log_becomes_connections() -> None:
    resumed: JsonObject = {"setup": {"sessionResumption": {"handle": "handle-2"}}}
    lines = [
        json.dumps({"log": 1, "texts": False}),
        "",
        *recorded(
            {"t": 0.0, "event": "open"},
            client(0.1, SETUP, model="m", profile="p"),
            server(0.3, {"setupComplete": {}}, frame="text"),
            {"t": 0.4, "from": "server", "unreadable": 3},
            client(0.5, sound(0.04)),
            closed(0.9, 1008, "server"),
        ),
        json.dumps({"event": "dropped", "count": 2}),
        json.dumps({"connection": 2, "t": 0.0, "event": "open"}),
        json.dumps({"connection": 3, "t": 0.0, "event": "open"}),
        json.dumps({"connection": 3, **client(0.0, resumed)}),
        json.dumps({"connection": 3, "t": 0.2, "event": "close", "by": "line"}),
        '{"connection": 3, "t": 0.',
    ]
    first, second = read_recording(lines)
    assert (first.number, first.handle, first.model, first.profile) == (1, "", "m", "p")
    assert first.steps == (
        Await(4, near(0.1), "setup"),
        Say(5, near(0.2), {"setupComplete": {}}, binary=False),
        Await(7, near(0.1), "audio", near(0.04)),
        End(8, near(0.4), Close(1008, "why"), "server"),
    )
    assert (second.number, second.handle) == (3, "handle-2")
    assert second.steps[-1] == End(13, near(0.2), Close(1006, ""), "line")


def test_numbers_that_begin_again_are_other_connections() -> None:
    lines = recorded({"t": 0.0, "event": "open"}, client(0.0, SETUP)) * 2
    assert len(read_recording(lines)) == 2


@pytest.mark.parametrize(
    ("lines", "words"),
    [
        (["{", "{}"], "line 1: not JSON"),
        (["[1]"], "line 1: not an object"),
        (['{"log": 2}'], "line 1: a log of version 2"),
        (['{"log": 1}'], "no connection"),
        (recorded({"t": 0, "event": "open"}), "no connection"),
    ],
)
def test_what_is_no_recording_is_refused(lines: list[str], words: str) -> None:
    with pytest.raises(ReplayError, match=words):
        read_recording(lines)


def test_kinds_in_either_spelling() -> None:
    assert list(kinds_of({"client_content": {}})) == [("clientContent", 0.0)]
    assert list(kinds_of({"toolResponse": {}})) == [("toolResponse", 0.0)]
    both: JsonObject = {
        "realtimeInput": {
            "activityStart": {},
            "audio": {"data": "AAAA", "mimeType": "audio/pcm;rate=x"},
        }
    }  # noqa: E501  # one message
    assert list(kinds_of(both)) == [("activityStart", 0.0), ("audio", near(1.5 / 16_000))]
    measured: Any = {
        "realtime_input": {"audio": {"data": {"seconds": 0.2}, "mime_type": "audio/pcm"}}
    }
    assert list(kinds_of(measured)) == [("audio", 0.2)]
    measured["realtime_input"]["audio"]["data"] = {}
    assert list(kinds_of(measured)) == [("audio", 0.0)]
    assert handle_of({"setup": {"session_resumption": {"handle": "h"}}}) == "h"
    assert handle_of({"setup": {}}) == ""


def test_messages_keep_their_delays() -> None:
    one = player(server(0.5, {"setupComplete": {}}), server(2.5, SAID), speed=2.0)
    assert (bodies(one), one.deadline()) == ([], 0.25)
    one.on_time(0.3)
    assert (bodies(one), one.deadline()) == ([{"setupComplete": {}}], 1.25)
    one.on_time(1.2)
    assert (bodies(one), one.over) == ([], False)
    one.on_time(1.25)
    assert (bodies(one), one.over, one.deadline()) == ([SAID], True, None)
    assert one.deviations == []


def test_a_message_waits_for_what_was_said_before_it() -> None:
    one = player(client(1.0, TEXT), server(1.5, SAID))
    one.on_time(5.0)
    assert bodies(one) == []
    one.on_message(TEXT, 6.0)
    assert (bodies(one), one.deadline()) == ([], 6.5)
    one.on_time(6.5)
    assert bodies(one) == [SAID]


def test_what_comes_early_counts_when_its_turn_is_there() -> None:
    one = player(server(3.0, {"setupComplete": {}}), client(4.0, TEXT), server(4.5, SAID))
    one.on_message(TEXT, 1.0)
    one.on_time(3.0)
    assert (bodies(one), one.deadline()) == ([{"setupComplete": {}}], 3.5)
    one.on_time(3.5)
    assert (bodies(one), one.deviations) == ([SAID], [])


def test_sound_is_counted_by_its_length_not_by_its_messages() -> None:
    one = player(client(0.1, sound(0.1)), client(0.2, sound(0.1)), server(0.2, SAID))
    for _ in range(4):
        one.on_message(sound(0.04), 1.0)
    assert bodies(one) == []
    one.on_message(sound(0.04), 1.0)
    one.on_time(1.0)
    assert (bodies(one), one.deviations) == ([SAID], [])


def test_what_streams_is_not_waited_for_for_ever() -> None:
    one = player(
        client(0.1, PICTURE), client(0.2, PICTURE), server(0.2, SAID), client(0.3, PICTURE)
    )
    assert one.deadline() == STREAM_PATIENCE_S
    one.on_time(STREAM_PATIENCE_S)
    assert (bodies(one), one.deviations) == ([SAID], ["line 2: goes on without video"])
    assert one.over, "a second picture is not waited for"


def test_a_stream_that_comes_back_is_waited_for_again() -> None:
    one = player(
        client(0.1, PICTURE), client(0.2, PICTURE), client(0.3, PICTURE), server(0.3, SAID)
    )
    one.on_time(STREAM_PATIENCE_S)
    again = player(client(0.1, PICTURE), client(0.2, TEXT), client(0.3, PICTURE), server(0.3, SAID))
    again.on_time(STREAM_PATIENCE_S)
    again.on_message(PICTURE, 3.0)
    again.on_message(TEXT, 3.0)
    again.on_time(3.0)
    assert bodies(again) == [SAID]


def test_a_pause_of_the_microphone_is_no_deviation() -> None:
    one = player(server(0.3, SAID))
    one.on_message({"realtime_input": {"audioStreamEnd": True}}, 0.0)
    assert one.deviations == []


def test_what_is_missing_is_said_once_and_waited_for() -> None:
    one = player(client(0.1, TEXT), server(0.2, SAID))
    assert one.deadline() == PATIENCE_S
    one.on_time(PATIENCE_S - 0.1)
    assert one.deviations == []
    one.on_time(PATIENCE_S)
    one.on_time(PATIENCE_S + 1)
    assert one.deviations == ["line 2: waits for text"]
    assert one.deadline() is None, "only the client can go on"
    one.on_message(TEXT, 20.0)
    one.on_time(20.1)
    assert bodies(one) == [SAID]


def test_what_was_not_recorded_and_what_comes_in_another_order_is_said() -> None:
    content: JsonObject = {"client_content": {}}
    one = player(client(0.1, TEXT), client(0.2, content), server(0.3, SAID))
    one.on_message({"tool_response": {}}, 0.0)
    one.on_message(content, 0.0)
    one.on_message(content, 0.0)
    one.on_message(TEXT, 0.0)
    one.on_time(1.0)
    assert bodies(one) == [SAID]
    one.on_message(TEXT, 2.0)
    one.on_message(sound(0.1), 2.0)
    assert one.deviations == [
        "line 2: toolResponse came, which was not recorded from here on",
        "line 2: clientContent came before text",
        "line 2: clientContent came, which was not recorded from here on",
        "after the end: text came, which was not recorded from here on",
    ]


def test_there_is_an_end_to_what_is_said_of_deviations() -> None:
    one = player(server(0.3, SAID))
    for _ in range(MAX_DEVIATIONS + 1):
        one.on_message(TEXT, 0.0)
    assert len(one.deviations) == MAX_DEVIATIONS


@pytest.mark.parametrize("by", ["server", "line"])
def test_the_servers_closes_are_played(by: str) -> None:
    one = player(closed(2.0, 1011, by))
    assert one.deadline() == 2.0
    one.on_time(2.0)
    assert bodies(one) == [1011]


def test_the_clients_closes_are_its_own() -> None:
    one = player(client(0.5, sound(0.1)), closed(2.0, 1000, "client"))
    one.on_message(sound(0.1), 0.5)
    assert one.deadline() is None
    one.on_time(5.0)
    assert bodies(one) == []
    one.on_close()
    assert (one.deviations, one.over) == ([], True)


def test_a_client_that_leaves_too_soon_is_told_of() -> None:
    one = player(client(0.5, sound(0.1)), client(0.6, TEXT), server(0.7, SAID))
    one.on_close()
    assert one.deviations == ["line 3: the client closed, 2 steps before the end"]


def made(number: int, handle: str) -> Recorded:
    return Recorded(number, handle, "m", "p", ())


def test_connections_are_found_by_their_handle() -> None:
    fresh, other, resumed = made(1, ""), made(2, "h-1"), made(3, "h-2")
    replay = Replay((fresh, other, resumed))
    assert replay.choose("") == (fresh, "")
    assert replay.choose("h-2") == (resumed, "")
    assert replay.choose("h-9") == (other, "resumes from h-9, where h-1 was recorded")
    assert replay.choose("h-2") == (None, "resumes from h-2, and the recording is over")
    assert replay.choose("") == (fresh, ""), "a new client begins again"
    assert replay.choose("") == (other, "resumes from nothing, where h-1 was recorded")
