import io
import wave

from emulator.activity import RATE_HZ
from emulator.closes import INTERNAL_ERROR
from emulator.json_types import list_of, object_of
from emulator.record import AUDIO_KEPT_S, SessionRecord, TurnRecord

SECOND = bytes(2 * RATE_HZ)


def wav(record: SessionRecord) -> tuple[int, int, bytes]:
    with wave.open(io.BytesIO(record.audio_wav())) as reader:
        frames = reader.readframes(reader.getnframes())
        return reader.getframerate(), reader.getnchannels(), frames


def full_record() -> SessionRecord:
    record = SessionRecord(3, 100.0, 1000.0, model="models/m", profile="3.8", setup={"model": "m"})
    record.add_audio("audio/pcm;rate=16000", 64000, SECOND, 101.0)
    record.add_audio("audio/pcm;rate=16000", 64000, SECOND, 102.0)
    record.add_frame("image/jpeg", 500, 103.0)
    record.add_text("hi")
    record.add_call("call", "f", "id-1", {"x": 1}, 104.0)
    record.turns.append(
        TurnRecord(1, "audio", 101.0, 102.0, "hi", "ho", 1.5, True, interrupted_at=105.0)
    )
    record.messages["Audio"] += 2
    record.close, record.closed_by, record.closed_at = INTERNAL_ERROR, "server", 110.0
    return record


def test_media_are_in_the_document() -> None:
    document = full_record().to_json()
    assert document["id"] == 3
    assert document["setup"] == {"model": "m"}
    assert document["audio"] == {
        "messages": 2,
        "bytes": 128000,
        "seconds": 2.0,
        "mime_types": {"audio/pcm;rate=16000": 2},
        "first_at": 101.0,
        "first_at_unix": 1101.0,
        "last_at": 102.0,
        "last_at_unix": 1102.0,
    }
    assert document["video"] == {
        "frames": 1,
        "mime_types": {"image/jpeg": 1},
        "times": [103.0],
        "times_unix": [1103.0],
        "sizes": [500],
    }


def test_the_conversation_is_in_the_document() -> None:
    document = full_record().to_json()
    assert document["texts"] == ["hi"]
    assert document["calls"] == [
        {
            "kind": "call",
            "name": "f",
            "id": "id-1",
            "value": {"x": 1},
            "at": 104.0,
            "at_unix": 1104.0,
        }
    ]
    assert document["close"] == {
        "code": 1011,
        "reason": "Internal error encountered.",
        "by": "server",
    }
    assert document["messages"] == {"Audio": 2}
    [turn] = map(object_of, list_of(document["turns"]))
    assert (turn["heard"], turn["said"], turn["interrupted"]) == ("hi", "ho", True)
    assert (turn["interrupted_at"], turn["interrupted_at_unix"]) == (105.0, 1105.0)
    assert turn["turn_complete_at"] is None


def test_an_open_session_has_no_close() -> None:
    document = SessionRecord(0, 1.0, 0.0).to_json()
    assert (document["close"], document["closed_at"]) == (None, None)


def test_the_last_minutes_of_sound_are_kept_as_a_wav() -> None:
    record = SessionRecord(0, 0.0, 0.0)
    record.add_audio("audio/pcm", 2, b"\1\0" * RATE_HZ, 0.0)
    assert wav(record) == (RATE_HZ, 1, b"\1\0" * RATE_HZ)
    for second in range(AUDIO_KEPT_S):
        record.add_audio("audio/pcm", 2, SECOND, float(second))
    rate, channels, frames = wav(record)
    assert (rate, channels, len(frames)) == (RATE_HZ, 1, AUDIO_KEPT_S * 2 * RATE_HZ)
    assert not any(frames)
    record.drop_audio()
    assert wav(record)[2] == b""
    record.add_audio("audio/pcm", 2, b"\1\0", 0.0)
    assert wav(record)[2] == b"\1\0"


def test_one_long_message_keeps_its_end() -> None:
    record = SessionRecord(0, 0.0, 0.0)
    record.add_audio("audio/pcm", 2, b"\1\0" + SECOND * AUDIO_KEPT_S, 0.0)
    assert wav(record)[2] == SECOND * AUDIO_KEPT_S
    assert object_of(record.to_json()["audio"])["seconds"] == AUDIO_KEPT_S + 1 / RATE_HZ


def test_only_the_first_output_is_the_first() -> None:
    turn = TurnRecord(1, "text", 1.0, 1.0)
    turn.output(2.0)
    turn.output(3.0)
    assert turn.first_output_at == 2.0


def test_what_was_done_on_purpose_and_what_was_resumed() -> None:
    record = SessionRecord(0, 100.0, 1000.0)
    record.add_fault("drop", 103.0)
    record.resumed_from = {"id": 3}
    record.add_audio("audio/pcm", 4, bytes(4), 101.0)
    record.add_call("call", "f", "1", {}, 102.0)
    record.add_call("response", "f", "1", {}, 102.0)
    assert (record.audio_samples, record.calls_made) == (2, 1)
    turn = TurnRecord(1, "audio", 100.0, 101.0)
    turn.audio = (10, 20)
    record.turns.append(turn)
    document = record.to_json()
    assert document["faults"] == [{"kind": "drop", "at": 103.0, "at_unix": 1103.0}]
    assert document["resumed_from"] == {"id": 3}
    [shown] = map(object_of, list_of(document["turns"]))
    assert (shown["audio_from"], shown["audio_to"]) == (10, 20)
