"""Content events joined into one message."""

from emulator import server_messages as messages
from emulator.bundling import MAX_BUNDLED_CHARACTERS, Bundle
from emulator.json_types import JsonObject


def test_a_whole_turn_becomes_one_message() -> None:
    bundle = Bundle()
    first = messages.content(messages.model_turn(messages.audio_part(b"\1\0")))
    events: list[JsonObject] = [
        messages.content({}),
        messages.content(messages.output_transcription(" one")),
        first,
        messages.content(messages.output_transcription(" two")),
        messages.content(messages.model_turn(messages.audio_part(b"\2\0"))),
        messages.content({"generationComplete": True}),
    ]
    assert all(bundle.takes(event) for event in events)
    completes = [bundle.complete]
    assert bundle.takes(messages.content({"turnComplete": True}, {"promptTokenCount": 1}))
    completes.append(bundle.complete)
    assert completes == [False, True]
    assert bundle.body == {
        "serverContent": {
            "outputTranscription": {"text": " one two"},
            "modelTurn": {
                "role": "model",
                "parts": [messages.audio_part(b"\1\0"), messages.audio_part(b"\2\0")],
            },
            "generationComplete": True,
            "turnComplete": True,
        },
        "usageMetadata": {"promptTokenCount": 1},
    }
    # What was joined is as it was.
    assert first == messages.content(messages.model_turn(messages.audio_part(b"\1\0")))


def test_other_kinds_are_not_joined() -> None:
    bundle = Bundle()
    assert not bundle.takes(messages.resumption("h"))
    assert not bundle.takes(messages.voice_activity("ACTIVITY_START", 1.0))
    assert bundle.body == {}


def test_a_message_has_its_limit() -> None:
    bundle = Bundle()
    half = messages.content(messages.model_turn(messages.audio_part(bytes(2**18))))
    assert bundle.takes(half)
    assert bundle.takes(half)
    assert not bundle.takes(half)
    assert MAX_BUNDLED_CHARACTERS < 2**20
