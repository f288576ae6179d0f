import base64

from emulator import server_messages as messages
from emulator.lifetime import GoAway
from emulator.live_setup import Behavior
from emulator.tool_calls import PendingCall

CALL = PendingCall("id-1", "f", {"x": 1}, Behavior.BLOCKING, 1)


def test_content_carries_usage_beside_it() -> None:
    assert messages.content({"turnComplete": True}) == {"serverContent": {"turnComplete": True}}
    assert messages.content({}, {}) == {"serverContent": {}, "usageMetadata": {}}


def test_sound_is_a_part_of_the_models_turn() -> None:
    part = messages.audio_part(b"\0\1")
    data = base64.b64encode(b"\0\1").decode()
    assert messages.model_turn(part) == {
        "modelTurn": {
            "role": "model",
            "parts": [{"inlineData": {"mimeType": "audio/pcm;rate=24000", "data": data}}],
        }
    }


def test_calls_and_their_cancellation() -> None:
    assert messages.tool_call((CALL,)) == {
        "toolCall": {"functionCalls": [{"id": "id-1", "name": "f", "args": {"x": 1}}]}
    }
    assert messages.tool_call_cancellation((CALL,)) == {"toolCallCancellation": {"ids": ["id-1"]}}


def test_transcripts_are_fragments() -> None:
    assert messages.input_transcription(" a") == {"inputTranscription": {"text": " a"}}
    assert messages.output_transcription(" a") == {"outputTranscription": {"text": " a"}}


def test_news_of_the_connection() -> None:
    assert messages.go_away(GoAway(50.0)) == {"goAway": {"timeLeft": "50s"}}
    assert messages.go_away(GoAway(0.25)) == {"goAway": {"timeLeft": "0.25s"}}
    assert messages.resumption(None) == {"sessionResumptionUpdate": {"resumable": False}}
    assert messages.resumption("h") == {
        "sessionResumptionUpdate": {"newHandle": "h", "resumable": True}
    }
    assert messages.voice_activity("ACTIVITY_START", 6.68) == {
        "serverContent": {},
        "voiceActivity": {"type": "ACTIVITY_START", "audioOffset": "6.680s"},
    }


def test_a_handle_may_say_what_it_knows() -> None:
    update = messages.resumption("h", 7)["sessionResumptionUpdate"]
    # A 64-bit integer, which proto JSON writes as text.
    assert update == {"newHandle": "h", "resumable": True, "lastConsumedClientMessageIndex": "7"}
