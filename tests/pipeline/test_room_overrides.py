"""What a client may change for its room, in which spellings, and that garbage gets one error."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from pipeline.catalogue import by_key
from pipeline.room_overrides import (
    MAX_KEY_CHARS,
    MAX_KEYS,
    MAX_VALUES,
    RoomSettingsRefused,
    room_settings_untrusted,
)
from pipeline.room_settings import BudgetSettings, RoomSettings

BASE = RoomSettings.model_validate(
    {
        "live": {
            "voice": "Kore",
            "temperature": 0.5,
            "labels": {"team": "art"},
            "contextWindowCompression": {"triggerTokens": 9000},
            "history": [
                {
                    "role": "user",
                    "parts": [{"inlineData": {"mimeType": "image/png", "data": "AAAA"}}],
                }
            ],
            "safetySettings": {"harassment": "off"},
            "tools": ["weather"],
        },
        "image": {"aspectRatio": "16:9", "timeoutS": 30, "modelArmor": {}},
        "video": {"jpegQuality": 70},
    }
)


def room(overrides: object, *, vertex: bool = False) -> RoomSettings:
    return room_settings_untrusted(BASE, overrides, vertex=vertex)


def refused(overrides: object, *, vertex: bool = False) -> tuple[str, str]:
    with pytest.raises(RoomSettingsRefused) as caught:
        room(overrides, vertex=vertex)
    assert str(caught.value) == caught.value.sentence
    return caught.value.field, caught.value.sentence


@pytest.mark.parametrize("nothing", [None, {}, {"image": {}}, {"image": None, "video": None}])
def test_nothing_is_changed(nothing: object) -> None:
    assert room(nothing) == BASE


@pytest.mark.parametrize(
    "overrides",
    [{"budgetMaxMinutes": 30}, {"budget": {"maxMinutes": 30}}, {"budget": {"max_minutes": "30"}}],
)
def test_a_room_may_have_a_budget_of_its_own(overrides: object) -> None:
    assert room(overrides).budget.max_minutes == 30


@pytest.mark.parametrize("more", [11, None])
def test_a_room_may_not_raise_the_services_budget(more: object) -> None:
    base = BASE.model_copy(update={"budget": BudgetSettings(max_minutes=10)})
    assert room_settings_untrusted(base, {"budgetMaxMinutes": 9}, vertex=False)
    with pytest.raises(RoomSettingsRefused) as caught:
        room_settings_untrusted(base, {"budget": {"maxMinutes": more}}, vertex=False)
    assert caught.value.field == "budget.maxMinutes"
    assert caught.value.sentence.endswith("must be at most 10, as the service's operator set it.")


@pytest.mark.parametrize("key", ["topP", "top_p"])
def test_both_spellings(key: str) -> None:
    assert room({key: 0.5}).live.top_p == 0.5


@pytest.mark.parametrize(
    "overrides",
    [
        {"imageSize": "2K"},
        {"image_size": "2K"},
        {"image": {"size": "2K"}},
        {"image": {"imageSize": "2K"}},
    ],
)
def test_image_settings_alone_or_together(overrides: object) -> None:
    changed = room(overrides)
    assert changed.image.size == "2K"
    assert changed.image.aspect_ratio == "16:9"
    assert changed.live == BASE.live


@pytest.mark.parametrize(
    "overrides",
    [
        {"videoJpegQuality": 90},
        {"video": {"jpegQuality": 90}},
        {"video": {"jpeg_quality": 90}},
    ],
)
def test_video_settings_alone_or_together(overrides: object) -> None:
    assert room(overrides).video.jpeg_quality == 90


@pytest.mark.parametrize(
    "overrides",
    [
        {"contextWindowCompression": {"targetTokens": 4000}},
        {"context_window_compression": {"target_tokens": 4000}},
        {"contextWindowCompressionTargetTokens": 4000},
    ],
)
def test_an_object_changes_only_what_it_names(overrides: object) -> None:
    compression = room(overrides).live.context_window_compression
    assert (compression.trigger_tokens, compression.target_tokens) == (9000, 4000)


def test_an_object_and_a_part_beside_it() -> None:
    both = {"inputTranscription": {"mode": "verbatim"}, "inputTranscriptionDiarization": True}
    transcription = room(both).live.input_transcription
    assert (transcription.mode, transcription.diarization) == ("verbatim", True)


def test_a_switch_keeps_the_rest() -> None:
    compression = room({"contextWindowCompression": False}).live.context_window_compression
    assert (compression.enabled, compression.trigger_tokens) == (False, 9000)


def test_null_goes_back_to_the_default() -> None:
    changed = room({"voice": None, "temperature": None, "contextWindowCompression": None})
    assert changed.live.voice is None
    assert changed.live.temperature is None
    assert changed.live.context_window_compression.trigger_tokens == 25_000
    partly = room({"contextWindowCompression": {"triggerTokens": None}})
    assert partly.live.context_window_compression.trigger_tokens == 25_000


def test_lists_and_mappings_replace() -> None:
    changed = room({"labels": {"a": "b"}, "tools": [], "history": [], "safetySettings": []})
    assert changed.live.labels == {"a": "b"}
    assert changed.live.tools == ()
    assert changed.live.history == ()
    assert changed.live.safety_settings == ()


def test_an_object_that_was_not_there() -> None:
    translating: dict[str, Any] = {
        "model": "gemini-3.5-live-translate-preview",
        "history": [],
        "tools": None,
    }
    changed = room({**translating, "translation": {"targetLanguageCode": "pl"}})
    assert changed.live.translation is not None
    assert changed.live.translation.target_language_code == "pl"
    assert refused({"translation": {}}) == (
        "translation.targetLanguageCode",
        "translation.targetLanguageCode is required.",
    )


def test_history_and_greeting() -> None:
    turns = [{"role": "model", "parts": [{"text": "Hello."}]}]
    changed = room({"history": turns, "greeting": "Say hello."})
    assert changed.live.history[0].role == "model"
    assert changed.greeting == "Say hello."


@pytest.mark.parametrize(
    ("overrides", "field", "words"),
    [
        ({"stopSequences": ["x"]}, "stopSequences", "use imageStopSequences"),
        ({"stop_sequences": ["x"]}, "stopSequences", "the Live API takes no stop sequences"),
        ({"image": {"responseSchema": 1}}, "image.responseSchema", "an image has no schema"),
        ({"imageResponseSchema": 1}, "imageResponseSchema", "an image has no schema"),
        ({"voyce": "x"}, "voyce", "is not a setting; did you mean voice?"),
        ({"aspectRatio": "1:1"}, "aspectRatio", "did you mean imageAspectRatio?"),
        ({"image": {"sise": "1K"}}, "image.sise", "did you mean size?"),
        ({"xyzzy": 1}, "xyzzy", "xyzzy is not a setting."),
        ({"image": {"xyzzy": 1}}, "image.xyzzy", "image.xyzzy is not a setting."),
        ({"image": {"voice": "x"}}, "image.voice", "is not a setting"),
        ({"thinking": {"bogus": None}}, "thinking.bogus", "is not a setting"),
        ({"thinking": {"budgets": 1}}, "thinking.budgets", "did you mean budget?"),
        ({"thinking": "deep"}, "thinking", "must be an object"),
        ({"image": "2K"}, "image", "image must be an object."),
        ([], "room", "room must be an object."),
        ("voice", "room", "room must be an object."),
        ({"topP": 2}, "topP", "topP must be at most 1."),
        ({"image": {"size": "big"}}, "image.size", "must be a size such as 1K"),
        ({"temperature": True}, "temperature", "must be a number, not true or false"),
        ({"topK": 10**400}, "topK", "must be at most 1000"),
        ({"systemInstruction": "\ud800"}, "systemInstruction", "must be valid Unicode text"),
        ({"history": [{"role": "x"}]}, "history[0].role", "must be 'user' or 'model'"),
        ({"proactiveAudio": False}, "proactiveAudio", "gemini-3.8-live is always proactive"),
        ({"imageSize": "512"}, "image.size", "it takes 1K, 2K, 4K"),
        ({1: 2}, "room", "must have the names of settings as its keys"),
        ({"é": 2}, "room", "must have the names of settings as its keys"),
        ({"x" * (MAX_KEY_CHARS + 1): 2}, "room", "must have the names of settings as its keys"),
        ({"thinking": {1: 2}}, "room", "must have the names of settings as its keys"),
        ({str(key): 1 for key in range(MAX_KEYS + 1)}, "room", "at most 200 keys in an object"),
        (
            {"labels": {str(key): "" for key in range(MAX_KEYS + 1)}},
            "room",
            "at most 200 keys in an object",
        ),
        ({"tools": ["a"] * MAX_VALUES}, "room", "must have at most 50000 values"),
        ({"tools": [["a"] * 1000] * 50}, "room", "must have at most 50000 values"),
        ({"tools": [1] * 10_000}, "tools[0]", "must be a text"),
    ],
)
def test_refused(overrides: object, field: str, words: str) -> None:
    found, sentence = refused(overrides)
    assert found == field
    assert sentence.startswith(f"{field} ")
    assert words in sentence


@pytest.mark.parametrize(
    ("overrides", "field"),
    [
        ({"topP": 0.5, "top_p": 0.5}, "topP"),
        ({"imageSize": "1K", "image": {"size": "2K"}}, "image.size"),
        ({"thinkingLevel": "low", "thinking": {"level": "low"}}, "thinking"),
        ({"thinking": {"level": "low"}, "thinkingLevel": "low"}, "thinking.level"),
        ({"thinking": None, "thinkingLevel": "low"}, "thinking.level"),
        ({"thinkingLevel": "low", "thinking": None}, "thinking"),
        ({"thinking": {"includeThoughts": True, "include_thoughts": True}}, "thinking"),
        (
            {"translation": 1, "translationTargetLanguageCode": "pl"},
            "translation.targetLanguageCode",
        ),
        ({"sessionResumption": 1, "session_resumption": {"enabled": True}}, "sessionResumption"),
    ],
)
def test_given_twice(overrides: object, field: str) -> None:
    assert refused(overrides) == (field, f"{field} is given twice, in two spellings.")


@pytest.mark.parametrize(
    ("overrides", "field", "variable"),
    [
        ({"maxRooms": 5}, "maxRooms", "EASEL_MAX_ROOMS"),
        ({"turnCredential": "x"}, "turnCredential", "EASEL_TURN_CREDENTIAL"),
        ({"image": {"timeoutS": 5}}, "image.timeoutS", "EASEL_IMAGE_TIMEOUT_S"),
        ({"imageModelArmor": None}, "image.modelArmor", "EASEL_IMAGE_MODEL_ARMOR"),
        (
            {"imageModelArmorPromptTemplate": "x"},
            "image.modelArmor.promptTemplate",
            "EASEL_IMAGE_MODEL_ARMOR_PROMPT_TEMPLATE",
        ),
        (
            {"audio": {"maxOutputBacklogS": 5}},
            "audio.maxOutputBacklogS",
            "EASEL_AUDIO_MAX_OUTPUT_BACKLOG_S",
        ),
    ],
)
def test_what_only_the_operator_sets(overrides: object, field: str, variable: str) -> None:
    assert refused(overrides) == (
        field,
        f"{field} is set by the operator of the service, with {variable}.",
    )


def test_vertex_accepts_other_things() -> None:
    assert room({"explicitVadSignal": True}, vertex=True).live.explicit_vad_signal
    assert refused({"explicitVadSignal": True})[0] == "explicitVadSignal"


def test_the_base_stays_as_it_is() -> None:
    before = BASE.model_dump()
    room({"labels": {"x": "y"}, "imageSize": "4K", "contextWindowCompression": False})
    assert BASE.model_dump() == before


def test_what_is_given_is_never_repeated() -> None:
    for overrides in ({"voice": "my secret"}, {"history": "secret"}, {"labels": {"a": ["secret"]}}):
        assert "secret" not in refused(overrides)[1]


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=10), inner, max_size=4)
    ),
    max_leaves=10,
)
KEYS = st.sampled_from(
    [name for entry in by_key().values() for name in (entry.key, entry.wire_key)]
) | st.sampled_from(["image", "video", "audio", "live", "room", ""])


@given(st.dictionaries(KEYS, JSON | st.dictionaries(KEYS, JSON, max_size=3), max_size=5) | JSON)
def test_whatever_is_sent_there_is_one_error(overrides: Any) -> None:
    try:
        changed = room_settings_untrusted(BASE, overrides, vertex=False)
    except RoomSettingsRefused as refusal:
        assert refusal.sentence.startswith(refusal.field)
        assert refusal.sentence[-1] in ".?"
    else:
        assert changed.image.timeout_s == BASE.image.timeout_s
        assert changed.audio == BASE.audio


@pytest.mark.parametrize(
    ("overrides", "field"),
    [
        ({"tools": [1] * 40_000}, "tools[0]"),
        ({"history": [{"role": "user", "parts": [{"x": 1}]}] * 8_000}, "history[0]"),
        ({"history": [{"role": "user", "parts": [1] * 40_000}]}, "history[0].parts[0]"),
        ({"safetySettings": [1] * 40_000}, "safetySettings[0]"),
        ({"inputTranscription": {"customVocabulary": [1] * 40_000}}, "inputTranscription"),
        ({"inputTranscription": {"languageCodes": [1] * 40_000}}, "inputTranscription"),
        ({"imageStopSequences": [1] * 40_000}, "image.stopSequences[0]"),
        ({"imageResponseModalities": [1] * 40_000}, "image.responseModalities[0]"),
    ],
)
def test_many_mistakes_cost_no_more_than_one(overrides: object, field: str) -> None:
    """The errors are counted, not timed: pydantic describes each one it keeps."""
    with pytest.raises(RoomSettingsRefused) as caught:
        room(overrides)
    assert caught.value.field.startswith(field)
    cause = caught.value.__context__
    assert isinstance(cause, ValidationError)
    assert cause.error_count() <= 3
