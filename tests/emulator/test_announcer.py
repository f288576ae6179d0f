import pytest

from emulator.announcer import Announcer
from emulator.closes import INTERNAL_ERROR
from emulator.delivery import Piece
from emulator.effects import Drop, Effect, Hear, Send
from emulator.json_types import JsonObject, object_of
from emulator.record import SessionRecord
from emulator.tokens import TokenMeter
from tests.emulator.live_driver import MLDEV, VERTEX, World

M25 = "gemini-2.5-flash-native-audio-latest"
M31 = "gemini-3.1-flash-live-preview"
ET = "gemini-3.8-live-extended-thinking"
BOTH: JsonObject = {"inputAudioTranscription": {}, "outputAudioTranscription": {}}


def announcer(
    model: str = "gemini-3.8-live",
    setup: JsonObject | None = None,
    voice_activity: bool = False,
    vertex: bool = False,
) -> Announcer:
    door = VERTEX if vertex else MLDEV
    admission = World().admit({"model": f"models/{model}", **(setup or {})}, door=door)
    return Announcer(
        admission.setup,
        admission.profile,
        admission.backend,
        SessionRecord(0, 0.0, 0.0),
        voice_activity=voice_activity,
    )


def bodies(out: Announcer) -> list[JsonObject]:
    return [effect.body for effect in out.take() if isinstance(effect, Send)]


def fields(out: Announcer) -> list[list[str]]:
    return [list(object_of(body.get("serverContent"))) for body in bodies(out)]


def test_newer_models_bundle_sound_and_words() -> None:
    out = announcer(setup=BOTH)
    out.piece(Piece(b"\0\0", " hi"))
    out.piece(Piece(b"\0\0", ""))
    out.piece(Piece(b"", ""))
    assert fields(out) == [["outputTranscription", "modelTurn"], ["modelTurn"]]


def test_2_5_sends_one_field_in_an_event() -> None:
    out = announcer(M25, BOTH)
    out.piece(Piece(b"\0\0", " hi"))
    assert fields(out) == [["outputTranscription"], ["modelTurn"]]


def test_nobody_gets_transcripts_unasked() -> None:
    out = announcer()
    out.piece(Piece(b"\0\0", " hi"))
    out.heard("you")
    assert fields(out) == [["modelTurn"]]


def test_what_was_heard_comes_in_fragments() -> None:
    out = announcer(setup=BOTH)
    out.heard("one two three")
    texts = [object_of(object_of(b["serverContent"])["inputTranscription"]) for b in bodies(out)]
    assert texts == [{"text": " one two"}, {"text": " three"}]


def test_an_answer_in_text_is_a_part_in_text() -> None:
    out = announcer(M25, {"generationConfig": {"responseModalities": ["TEXT"]}, **BOTH})
    out.piece(Piece(b"", " hi"))
    turn = {"role": "model", "parts": [{"text": " hi"}]}
    assert bodies(out) == [{"serverContent": {"modelTurn": turn}}]


def test_usage_is_told_at_the_end_or_before_the_output() -> None:
    late, early = announcer(), announcer(M31)
    for out in (late, early):
        meter = TokenMeter(None)
        meter.read("12345678")
        out.began(meter)
        out.turn_complete(meter, more_follows=False)
    [complete] = bodies(late)
    assert object_of(complete["usageMetadata"])["promptTokenCount"] == 2
    before, complete = bodies(early)
    assert before["serverContent"] == {}
    assert object_of(before["usageMetadata"])["promptTokenCount"] == 2
    assert complete == {"serverContent": {"turnComplete": True}, "usageMetadata": {}}


def test_thoughts_are_told_when_wanted() -> None:
    wanted: JsonObject = {"generationConfig": {"thinkingConfig": {"includeThoughts": True}}}
    out, meter = announcer(ET, wanted), TokenMeter(None)
    out.began(meter)
    [body] = bodies(out)
    assert "'thought': True" in str(body)
    assert "thoughtsTokenCount" in meter.finish_turn(MLDEV.backend)


@pytest.mark.parametrize(("more", "status"), [(True, "IN_PROGRESS"), (False, "IDLE")])
def test_extended_thinking_tells_its_status(more: bool, status: str) -> None:
    out = announcer(ET)
    out.turn_complete(TokenMeter(None), more_follows=more)
    [body] = bodies(out)
    assert body["serverContent"] == {"turnComplete": True, "interactionStatus": status}


def test_activity_is_a_bare_event_unless_asked_for() -> None:
    newer, older = announcer(), announcer(M25)
    for out in (newer, older):
        out.activity("ACTIVITY_START", 1.0)
    assert bodies(newer) == [{"serverContent": {}}]
    assert bodies(older) == []


@pytest.mark.parametrize(
    ("setup", "voice_activity", "vertex"),
    [
        ({}, True, False),
        ({"explicitVadSignal": True}, False, True),
        ({"realtimeInputConfig": {"automaticActivityDetection": {"disabled": True}}}, False, False),
    ],
)
def test_activity_is_told_in_full(setup: JsonObject, voice_activity: bool, vertex: bool) -> None:
    out = announcer(setup=setup, voice_activity=voice_activity, vertex=vertex)
    out.activity("ACTIVITY_END", 1.0)
    [body] = bodies(out)
    assert body["voiceActivity"] == {"type": "ACTIVITY_END", "audioOffset": "1.000s"}


def test_plain_announcements() -> None:
    out = announcer()
    out.interrupted()
    out.generation_complete()
    out.empty_activity()
    assert bodies(out) == [
        {"serverContent": {"interrupted": True}},
        {"serverContent": {"generationComplete": True}},
        {"serverContent": {"turnComplete": True}, "usageMetadata": {}},
    ]


def test_messages_are_counted_by_what_they_carry() -> None:
    record = SessionRecord(0, 0.0, 0.0)
    admission = World().admit({"model": "models/gemini-3.8-live"})
    out = Announcer(
        admission.setup, admission.profile, admission.backend, record, voice_activity=False
    )
    out.interrupted()
    out.send({"goAway": {}})
    out.send({"serverContent": {}})
    assert record.sent == {"interrupted": 1, "goAway": 1, "serverContent": 1}


def test_nothing_follows_a_close() -> None:
    out = announcer()
    wish = Hear(1, b"")
    out.want(wish)
    out.close(INTERNAL_ERROR)
    out.interrupted()
    out.want(wish)
    out.close(INTERNAL_ERROR)
    expected: list[Effect] = [wish, INTERNAL_ERROR]
    assert out.take() == expected
    assert out.closed


def test_words_may_go_by_themselves() -> None:
    out = announcer(setup=BOTH)
    out.said(" hi")
    out.said("")
    assert bodies(out) == [{"serverContent": {"outputTranscription": {"text": " hi"}}}]
    silent = announcer()
    silent.said(" hi")
    assert bodies(silent) == []


def test_a_bundle_leaves_with_its_turn_before_another_kind_and_before_an_end() -> None:
    out = announcer(setup=BOTH)
    out.bundle()
    out.piece(Piece(b"\0\0", " one"))
    out.piece(Piece(b"\0\0", " two"))
    assert bodies(out) == []
    out.turn_complete(TokenMeter(None), more_follows=False)
    [body] = bodies(out)
    assert list(object_of(body["serverContent"])) == [
        *("outputTranscription", "modelTurn", "turnComplete")
    ]
    out.bundle()
    out.send({"goAway": {}})
    out.bundle()
    out.piece(Piece(b"\0\0", " one"))
    out.send({"goAway": {}})
    assert [list(body) for body in bodies(out)] == [["goAway"], ["serverContent"], ["goAway"]]
    out.bundle()
    out.piece(Piece(b"\0\0", " one"))
    out.drop()
    assert [type(effect) for effect in out.take()] == [Send, Drop]


def test_a_mute_session_is_only_told_to_go() -> None:
    out = announcer(setup=BOTH)
    out.mute = True
    out.heard("hi")
    out.send({"goAway": {}})
    assert bodies(out) == [{"goAway": {}}]
