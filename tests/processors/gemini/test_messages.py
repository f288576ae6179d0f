import base64
import warnings
from typing import Any

import pytest
from google import genai
from google.genai import types
from google.genai._live_converters import _LiveServerMessage_from_vertex
from google.genai.live import AsyncSession
from hypothesis import given
from hypothesis import strategies as st
from pydantic.alias_generators import to_camel

from processors.frames import Role, ToolCall
from processors.gemini.events import (
    AudioChunk,
    Citations,
    GenerationComplete,
    GoAway,
    HandleUpdate,
    Interrupted,
    LiveEvent,
    ModelImage,
    ModelText,
    ToolCalls,
    ToolsCancelled,
    Transcript,
    TurnComplete,
    Usage,
    VoiceActivityEvent,
)
from processors.gemini.messages import (
    INPUT_MIME,
    audio_message,
    events_of,
    function_response,
    picture_message,
    user_turn,
)
from processors.gemini.outbox import Audio, Picture, ToolResponse, Turns
from processors.gemini.unnamed_calls import PREFIX, is_unnamed

PCM = b"\x01\x00\x02\x00"
JPEG = b"\xff\xd8\xff"


def said(message: dict[str, Any]) -> list[LiveEvent]:
    """The events of a message as the SDK has read it from the wire."""
    return events_of(types.LiveServerMessage.model_validate(message))


def content(**fields: Any) -> list[LiveEvent]:
    return said({"serverContent": fields})


def blob(mime_type: str, data: bytes) -> dict[str, Any]:
    encoded = base64.urlsafe_b64encode(data).decode()
    return {"inlineData": {"mimeType": mime_type, "data": encoded}}


def parts(*each: dict[str, Any]) -> list[LiveEvent]:
    return content(modelTurn={"role": "model", "parts": list(each)})


CASES: list[tuple[str, dict[str, Any], list[LiveEvent]]] = [
    ("setup_complete", {"setupComplete": {"sessionId": "s"}}, []),
    ("server_content", {"serverContent": {}}, []),
    (
        "tool_call",
        {"toolCall": {"functionCalls": [{"id": "1", "name": "draw", "args": {"a": 1}}]}},
        [ToolCalls((ToolCall("1", "draw", {"a": 1}),))],
    ),
    ("tool_call", {"toolCall": {}}, []),
    (
        "tool_call_cancellation",
        {"toolCallCancellation": {"ids": ["1", "2"]}},
        [ToolsCancelled(("1", "2"))],
    ),
    ("tool_call_cancellation", {"toolCallCancellation": {}}, [ToolsCancelled(())]),
    (
        "usage_metadata",
        {"usageMetadata": {"promptTokenCount": 3, "totalTokenCount": 3}},
        [Usage({"promptTokenCount": 3, "totalTokenCount": 3})],
    ),
    ("go_away", {"goAway": {"timeLeft": "50s"}}, [GoAway(50.0)]),
    (
        "session_resumption_update",
        {
            "sessionResumptionUpdate": {
                "newHandle": "h",
                "resumable": True,
                "lastConsumedClientMessageIndex": "7",
            }
        },
        [HandleUpdate("h", 7)],
    ),
    (
        "session_resumption_update",
        {"sessionResumptionUpdate": {"newHandle": "h", "resumable": False}},
        [HandleUpdate(None, None)],
    ),
    ("session_resumption_update", {"sessionResumptionUpdate": {}}, [HandleUpdate(None, None)]),
    (
        "session_resumption_update",
        {"sessionResumptionUpdate": {"newHandle": "", "resumable": True}},
        [HandleUpdate(None, None)],
    ),
    (
        "voice_activity_detection_signal",
        {"voiceActivityDetectionSignal": {"vadSignalType": "VAD_SIGNAL_TYPE_SOS"}},
        [VoiceActivityEvent(True)],
    ),
    (
        "voice_activity_detection_signal",
        {"voiceActivityDetectionSignal": {"vadSignalType": "VAD_SIGNAL_TYPE_EOS"}},
        [VoiceActivityEvent(False)],
    ),
    ("voice_activity_detection_signal", {"voiceActivityDetectionSignal": {}}, []),
    (
        "voice_activity",
        {
            "voiceActivity": {"voiceActivityType": "ACTIVITY_START", "audioOffset": "1s"},
            "serverContent": {},
        },
        [VoiceActivityEvent(True)],
    ),
    (
        "voice_activity",
        {"voiceActivity": {"voiceActivityType": "ACTIVITY_END"}},
        [VoiceActivityEvent(False)],
    ),
    ("voice_activity", {"voiceActivity": {"voiceActivityType": "TYPE_UNSPECIFIED"}}, []),
    ("voice_activity", {"voiceActivity": {}}, []),
]


@pytest.mark.parametrize(("field", "message", "events"), CASES)
def test_messages(field: str, message: dict[str, Any], events: list[LiveEvent]) -> None:
    assert said(message) == events


CONTENT_CASES: list[tuple[str, Any, list[LiveEvent]]] = [
    (
        "model_turn",
        {"parts": [blob("audio/pcm;rate=24000", PCM)]},
        [AudioChunk(PCM, 24_000)],
    ),
    ("model_turn", {"role": "model"}, []),
    ("turn_complete", True, [TurnComplete(None, in_progress=False)]),
    ("turn_complete", False, []),
    ("interrupted", True, [Interrupted()]),
    ("interrupted", False, []),
    (
        "grounding_metadata",
        {"webSearchQueries": ["paint"], "groundingChunks": [{"web": {"uri": "u"}}]},
        [Citations({"webSearchQueries": ["paint"], "groundingChunks": [{"web": {"uri": "u"}}]})],
    ),
    ("generation_complete", True, [GenerationComplete()]),
    ("input_transcription", {"text": " blue"}, [Transcript(Role.USER, " blue", False)]),
    ("input_transcription", {"finished": True}, [Transcript(Role.USER, "", True)]),
    ("input_transcription", {"text": ""}, []),
    (
        "output_transcription",
        {"text": "sure", "finished": True},
        [Transcript(Role.MODEL, "sure", True)],
    ),
    (
        "url_context_metadata",
        {"urlMetadata": [{"retrievedUrl": "u"}]},
        [Citations({"urlMetadata": [{"retrievedUrl": "u"}]})],
    ),
    ("turn_complete_reason", "RESPONSE_REJECTED", []),
    ("waiting_for_input", True, []),
    (
        "interim_input_transcription",
        {"text": "all of it"},
        [Transcript(Role.USER, "all of it", False, replaces=True)],
    ),
    ("interim_input_transcription", {"text": ""}, []),
    ("interaction_status", "IDLE", []),
]


@pytest.mark.parametrize(("field", "value", "events"), CONTENT_CASES)
def test_server_content(field: str, value: Any, events: list[LiveEvent]) -> None:
    assert content(**{to_camel(field): value}) == events


@pytest.mark.parametrize(
    ("model", "cases"),
    [(types.LiveServerMessage, CASES), (types.LiveServerContent, CONTENT_CASES)],
)
def test_every_field_of_the_sdk_is_decided_upon(
    model: Any, cases: list[tuple[str, Any, list[LiveEvent]]]
) -> None:
    """A new version of the SDK with a new field fails here."""
    assert {field for field, _, _ in cases} == set(model.model_fields)


NESTED: list[tuple[Any, set[str], dict[str, str]]] = [
    (
        types.Part,
        {"inline_data", "text", "thought"},
        {
            "audio_transcription": "transcripts have their own field",
            "code_execution_result": "no Live model runs code for us",
            "executable_code": "no Live model runs code for us",
            "file_data": "for what we send",
            "function_call": "calls have their own message",
            "function_response": "for what we send",
            "media_processing": "for what we send",
            "media_resolution": "for what we send",
            "part_metadata": "for what we send",
            "speech_metadata": "for what we send",
            "thought_signature": "the Live session keeps its own history",
            "tool_call": "of tools that run at Google",
            "tool_response": "of tools that run at Google",
            "video_metadata": "for what we send",
        },
    ),
    (
        types.Transcription,
        {"text", "finished"},
        {
            "end_offset": "of models that only transcribe",
            "language_code": "of models that only transcribe",
            "speaker_label": "of models that only transcribe",
            "start_offset": "of models that only transcribe",
            "words": "of models that only transcribe",
        },
    ),
    (
        types.FunctionCall,
        {"id", "name", "args"},
        {
            "partial_args": "only where a setup asks for them, and ours does not",
            "will_continue": "only where a setup asks for them, and ours does not",
        },
    ),
    (types.VoiceActivity, {"voice_activity_type"}, {"audio_offset": "it is told when it happens"}),
    (types.VoiceActivityDetectionSignal, {"vad_signal_type"}, {}),
    (
        types.LiveServerSessionResumptionUpdate,
        {"new_handle", "resumable", "last_consumed_client_message_index"},
        {},
    ),
    (types.LiveServerGoAway, {"time_left"}, {}),
    (types.LiveServerToolCall, {"function_calls"}, {}),
    (types.LiveServerToolCallCancellation, {"ids"}, {}),
    (
        types.LiveServerSetupComplete,
        set(),
        {
            "session_id": "the service has its own",
            "voice_consent_signature": "of voices that are cloned, which no setting does",
        },
    ),
    (types.Content, {"parts"}, {"role": "it is the model's"}),
    (types.Blob, {"data", "mime_type"}, {"display_name": "Vertex AI only, for files"}),
]


@pytest.mark.parametrize(("kind", "read", "left"), NESTED)
def test_every_field_within_is_decided_upon(
    kind: Any, read: set[str], left: dict[str, str]
) -> None:
    """Usage and citations are passed on whole. A new version of the SDK fails here, too."""
    assert read & set(left) == set()
    assert read | set(left) == set(kind.model_fields)


def test_what_is_bundled_comes_in_the_order_in_which_it_takes_effect() -> None:
    events = said(
        {
            "usageMetadata": {"totalTokenCount": 1},
            "goAway": {"timeLeft": "1.5s"},
            "sessionResumptionUpdate": {"newHandle": "h", "resumable": True},
            "voiceActivity": {"voiceActivityType": "ACTIVITY_START"},
            "toolCall": {"functionCalls": [{"id": "1", "name": "draw"}]},
            "serverContent": {
                "turnComplete": True,
                "generationComplete": True,
                "modelTurn": {"parts": [blob("audio/pcm", PCM)]},
                "outputTranscription": {"text": "b"},
                "inputTranscription": {"text": "a"},
                "interrupted": True,
            },
        }
    )
    assert events == [
        Interrupted(),
        VoiceActivityEvent(True),
        Transcript(Role.USER, "a", False),
        Transcript(Role.MODEL, "b", False),
        AudioChunk(PCM, 24_000),
        ToolCalls((ToolCall("1", "draw", {}),)),
        Usage({"totalTokenCount": 1}),
        GenerationComplete(),
        TurnComplete(None, in_progress=False),
        HandleUpdate("h", None),
        GoAway(1.5),
    ]


def test_usage_has_the_same_names_on_vertex_ai() -> None:
    written = {
        "promptTokenCount": 5,
        "candidatesTokenCount": 7,
        "candidatesTokensDetails": [{"modality": "AUDIO", "tokenCount": 7}],
    }
    read = _LiveServerMessage_from_vertex({"usageMetadata": written})
    assert events_of(types.LiveServerMessage.model_validate(read)) == [
        Usage(
            {
                "promptTokenCount": 5,
                "responseTokenCount": 7,
                "responseTokensDetails": [{"modality": "AUDIO", "tokenCount": 7}],
            }
        )
    ]


def test_all_parts_of_a_turn_count() -> None:
    events = parts(
        {"text": "hm", "thought": True},
        blob("audio/pcm;rate=24000", PCM),
        {"text": "well"},
        blob("image/png", JPEG),
        blob("audio/pcm;rate=24000", PCM * 2),
    )
    assert events == [
        ModelText("hm", thought=True),
        AudioChunk(PCM, 24_000),
        ModelText("well", thought=False),
        ModelImage("image/png", JPEG),
        AudioChunk(PCM * 2, 24_000),
    ]


@pytest.mark.parametrize(
    "part",
    [
        blob("audio/wav", PCM),
        blob("video/mp4", PCM),
        blob("", PCM),
        blob("audio/pcm", b""),
        {"inlineData": {}},
        {"inlineData": {"data": "AQA="}},
        {"executableCode": {"code": "1 + 1", "language": "PYTHON"}},
        {"codeExecutionResult": {"outcome": "OUTCOME_OK", "output": "2"}},
        {"functionCall": {"name": "draw"}},
        {"text": ""},
        {},
    ],
)
def test_parts_that_say_nothing_to_us(part: dict[str, Any]) -> None:
    assert parts(part) == []


def test_the_rate_of_sound_is_in_its_mime_type() -> None:
    assert parts(blob("audio/pcm;rate=16000", PCM)) == [AudioChunk(PCM, 16_000)]


def test_a_turn_can_end_with_a_reason() -> None:
    assert content(turnComplete=True, turnCompleteReason="MALFORMED_FUNCTION_CALL") == [
        TurnComplete("MALFORMED_FUNCTION_CALL", in_progress=False)
    ]


@pytest.mark.parametrize(("status", "in_progress"), [("IN_PROGRESS", True), ("IDLE", False)])
def test_extended_thinking_goes_on_after_a_turn(status: str, in_progress: bool) -> None:
    assert content(turnComplete=True, interactionStatus=status) == [TurnComplete(None, in_progress)]


def test_several_calls_come_together_and_ids_may_be_absent() -> None:
    calls = [{"name": "draw"}, {"id": "2", "name": "edit", "args": {"deep": {"a_b": [1]}}}, {}]
    (event,) = said({"toolCall": {"functionCalls": calls}})
    assert isinstance(event, ToolCalls)
    first, second, third = event.calls
    assert (first.name, first.args) == ("draw", {})
    assert second == ToolCall("2", "edit", {"deep": {"a_b": [1]}})
    assert (third.name, third.args) == ("", {})
    assert is_unnamed(first.id) and is_unnamed(third.id) and first.id != third.id


@pytest.mark.parametrize(
    ("duration", "seconds"),
    [
        (None, 0.0),
        ("50s", 50.0),
        ("1.5s", 1.5),
        ("0s", 0.0),
        ("", 0.0),
        ("soon", 0.0),
        ("-3s", 0.0),
        ("nans", 0.0),
        ("infs", 0.0),
    ],
)
def test_durations(duration: str | None, seconds: float) -> None:
    assert said({"goAway": {"timeLeft": duration}}) == [GoAway(seconds)]


def test_unknown_words_are_survived() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the SDK warns of values it does not know
        events = content(turnComplete=True, turnCompleteReason="NEW", interactionStatus="NEWER")
    assert events == [TurnComplete("NEW", in_progress=False)]


@pytest.mark.parametrize("vertex", [False, True])
@pytest.mark.parametrize(
    ("written", "given"),
    [
        (audio_message(Audio(PCM)), {"audio": types.Blob(data=PCM, mime_type=INPUT_MIME)}),
        (
            audio_message(Audio(b"\xfb\xff")),
            {"audio": types.Blob(data=b"\xfb\xff", mime_type=INPUT_MIME)},
        ),
        (
            picture_message(Picture(JPEG)),
            {"video": types.Blob(data=JPEG, mime_type="image/jpeg")},
        ),
    ],
)
async def test_sound_and_pictures_are_written_as_the_sdk_writes_them(
    written: str, given: dict[str, Any], vertex: bool
) -> None:
    by_sdk: list[str] = []

    class Socket:
        async def send(self, message: str) -> None:
            by_sdk.append(message)

    client = genai.Client(vertexai=vertex, api_key="never used")
    socket: Any = Socket()
    await AsyncSession(api_client=client._api_client, websocket=socket).send_realtime_input(**given)
    assert by_sdk == [written]


def test_a_turn_holds_images_before_words() -> None:
    turn = user_turn(Turns((("image/png", b"1"), ("image/webp", b"2")), "look", complete=True))
    assert turn.role == "user"
    assert turn.parts == [
        types.Part.from_bytes(data=b"1", mime_type="image/png"),
        types.Part.from_bytes(data=b"2", mime_type="image/webp"),
        types.Part.from_text(text="look"),
    ]
    assert user_turn(Turns((), "look", complete=True)).parts == [types.Part.from_text(text="look")]
    alone = user_turn(Turns((("image/png", b"1"),), "", complete=True)).parts
    assert alone == [types.Part.from_bytes(data=b"1", mime_type="image/png")]


def test_a_result_says_only_what_is_known() -> None:
    result = ToolResponse("1", "draw", {"output": {"someKey": 1}})
    plain = function_response(result, vertex=False)
    assert plain == function_response(result, vertex=True)
    assert plain.model_dump(exclude_none=True) == {
        "id": "1",
        "name": "draw",
        "response": {"output": {"someKey": 1}},
    }


def test_a_result_may_be_scheduled_and_be_continued() -> None:
    result = ToolResponse("1", "draw", {}, True, "WHEN_IDLE")
    response = function_response(result, vertex=False)
    assert response.will_continue is True
    assert response.scheduling is types.FunctionResponseScheduling.WHEN_IDLE
    on_vertex = function_response(result, vertex=True)
    assert (on_vertex.will_continue, on_vertex.scheduling) == (None, None)


def test_only_vertex_ai_takes_a_result_without_an_id() -> None:
    result = ToolResponse(f"{PREFIX}1", "draw", {})
    assert function_response(result, vertex=True).id is None
    assert function_response(result, vertex=False).id == f"{PREFIX}1"


ORDER = [
    Interrupted,
    VoiceActivityEvent,
    Transcript,
    AudioChunk,
    Citations,
    ToolCalls,
    ToolsCancelled,
    Usage,
    GenerationComplete,
    TurnComplete,
    HandleUpdate,
    GoAway,
]


@given(st.sets(st.sampled_from(range(len(CASES)))), st.sets(st.sampled_from(range(18))))
def test_nothing_is_lost_in_a_bundle(outer: set[int], inner: set[int]) -> None:
    message, bundle = {}, {}
    for number in sorted(outer):
        field, case, _ = CASES[number]
        message[to_camel(field)] = case[to_camel(field)]
    for number in sorted(inner):
        field, value, _ = CONTENT_CASES[number]
        bundle[to_camel(field)] = value
    if "voiceActivity" in message:
        message.pop("voiceActivityDetectionSignal", None)  # the same in another form
    alone = [said({field: value}) for field, value in message.items() if field != "serverContent"]
    alone += [content(**{field: value}) for field, value in bundle.items()]
    if bundle.keys() & {"turnComplete", "turnCompleteReason", "interactionStatus"}:
        alone = [events for events in alone if not any(map(is_turn_end, events))]
        alone.append([e for e in content(**bundle) if is_turn_end(e)])
    events = said(message | {"serverContent": bundle})
    assert sorted(map(repr, events)) == sorted(repr(e) for each in alone for e in each)
    places = [ORDER.index(type(event)) for event in events]
    assert places == sorted(places)


def is_turn_end(event: LiveEvent) -> bool:
    return isinstance(event, TurnComplete)
