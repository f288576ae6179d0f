"""The Live setup: every lever of the SDK is mapped or explained, and models get what is theirs."""

from typing import Any, get_args

import pytest
from google.genai import types
from pydantic import BaseModel

from processors.gemini.live_config import LiveSetup, live_connect_config
from processors.gemini.outbox import ContextUpdate
from processors.gemini.profiles import profile_for
from processors.gemini.settings import DEFAULT_SYSTEM_INSTRUCTION, LiveSettings

from .live_levers import (
    DRAW,
    EVERYTHING,
    HISTORY,
    M25,
    M31,
    M38,
    MEANWHILE,
    NEW,
    NOT_LEVERS,
    NOT_OURS,
    THINKING,
    TRANSLATE,
    WAIT,
    WALKED,
    configured,
)


def objects_in(value: object) -> list[BaseModel]:
    """`value` and everything of the SDK within it."""
    if isinstance(value, list):
        return [inner for each in value for inner in objects_in(each)]
    if not isinstance(value, BaseModel):
        return []
    inner = [
        part for field in type(value).model_fields for part in objects_in(getattr(value, field))
    ]
    return [value, *inner]


def all_levers() -> list[BaseModel]:
    """Configs that together use every setting."""
    unchecked = LiveSettings.model_validate(EVERYTHING)
    unknown = profile_for(NEW, vertex=False)
    return [
        part
        for config in (
            live_connect_config(
                unchecked, profile=unknown, tools=[DRAW], handle=None, vertex=False, seeded=True
            ),
            configured(handle="h"),
            configured(voice="voices/mine"),
            configured(model=M25, thinking={"budget": 1}, affectiveDialog=True),
            configured(presencePenalty=1, frequencyPenalty=1),
        )
        for part in objects_in(config)
    ]


@pytest.mark.parametrize("kind", WALKED, ids=lambda kind: kind.__name__)
def test_every_lever_is_mapped_or_explained(kind: type[BaseModel]) -> None:
    """Fails when an upgrade of google-genai brings a lever: map it, or say here why not."""
    ours = [part for part in all_levers() if type(part) is kind]
    assert ours
    mapped = {
        field for part in ours for field in kind.model_fields if getattr(part, field) is not None
    }
    explained = set(NOT_OURS.get(kind, {}))
    assert mapped & explained == set()
    assert mapped | explained == set(kind.model_fields)


def kinds_in(annotation: Any) -> set[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return {annotation}
    return {kind for part in get_args(annotation) for kind in kinds_in(part)}


def test_no_kind_of_lever_is_left_out() -> None:
    """Fails when a lever that is mapped leads to a kind that nobody walked through."""
    # The annotation of `tools` says no more than that it is a list.
    waiting: list[type[BaseModel]] = [types.LiveConnectConfig, types.Tool]
    found: set[type[BaseModel]] = set()
    while waiting:
        kind = waiting.pop()
        found.add(kind)
        if kind in NOT_LEVERS:
            continue
        for name, field in kind.model_fields.items():
            if name not in NOT_OURS.get(kind, {}):
                waiting += kinds_in(field.annotation) - found
    assert found == set(WALKED) | set(NOT_LEVERS)


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("StartSensitivity", {"START_SENSITIVITY_HIGH", "START_SENSITIVITY_LOW"}),
        ("EndSensitivity", {"END_SENSITIVITY_HIGH", "END_SENSITIVITY_LOW"}),
        ("ActivityHandling", {"START_OF_ACTIVITY_INTERRUPTS", "NO_INTERRUPTION"}),
        (
            "TurnCoverage",
            {
                "TURN_INCLUDES_ONLY_ACTIVITY",
                "TURN_INCLUDES_ALL_INPUT",
                "TURN_INCLUDES_AUDIO_ACTIVITY_AND_ALL_VIDEO",
            },
        ),
        ("AudioTranscriptionConfigMode", {"VERBATIM", "SMART"}),
        ("Behavior", {"BLOCKING", "NON_BLOCKING"}),
    ],
)
def test_the_sdk_has_no_more_words_than_the_settings(name: str, words: set[str]) -> None:
    values = {member.value for member in getattr(types, name)}
    assert {value for value in values if not value.endswith("UNSPECIFIED")} == words


def test_by_default_only_what_matters_is_sent() -> None:
    assert configured().model_dump(exclude_none=True, mode="json") == {
        "response_modalities": ["AUDIO"],
        "system_instruction": DEFAULT_SYSTEM_INSTRUCTION,
        "session_resumption": {},
        "input_audio_transcription": {},
        "output_audio_transcription": {},
        "context_window_compression": {"trigger_tokens": 25_000, "sliding_window": {}},
    }


def test_what_is_switched_off_is_left_out() -> None:
    config = configured(
        systemInstruction="",
        sessionResumption=False,
        inputTranscription=False,
        outputTranscription=False,
        contextWindowCompression=False,
        proactiveAudio=True,
        labels={},
    )
    assert config.model_dump(exclude_none=True, mode="json") == {"response_modalities": ["AUDIO"]}


def test_extended_thinking_is_told_a_level() -> None:
    thinking = configured(model=THINKING).thinking_config
    assert thinking is not None
    assert thinking.thinking_level is types.ThinkingLevel.MEDIUM
    thinking = configured(model=THINKING, thinking={"level": "high"}).thinking_config
    assert thinking is not None
    assert thinking.thinking_level is types.ThinkingLevel.HIGH


@pytest.mark.parametrize(
    ("given", "version"),
    [({}, None), ({"proactiveAudio": False}, "v1alpha"), ({"affectiveDialog": True}, "v1alpha")],
)
def test_native_audio_features_need_another_api_version(
    given: dict[str, Any], version: str | None
) -> None:
    options = configured(model=M25, **given).http_options
    assert (options.api_version if options else None) == version
    on_vertex = "gemini-live-2.5-flash-native-audio"
    assert configured(model=on_vertex, vertex=True, **given).http_options is None


@pytest.mark.parametrize("seeded", [True, False])
def test_a_seed_is_announced_wherever_it_comes_from(seeded: bool) -> None:
    """From what was said since, in a room that began without a history; or from nowhere."""
    settings = LiveSettings.model_validate({} if seeded else {"history": HISTORY})
    config = live_connect_config(
        settings,
        profile=profile_for(settings.model, vertex=False),
        tools=[],
        handle=None,
        vertex=False,
        seeded=seeded,
    )
    assert (config.history_config is not None) is seeded


def test_history_is_announced_where_the_model_needs_it() -> None:
    assert configured(history=HISTORY).history_config == types.HistoryConfig(
        initial_history_in_client_content=True
    )
    assert configured(history=HISTORY, handle="h").history_config is None
    assert configured(history=HISTORY, vertex=True).history_config is None
    assert configured(history=HISTORY, model=M25).history_config is None


def test_a_handle_resumes() -> None:
    assert configured(handle="h").session_resumption == types.SessionResumptionConfig(handle="h")
    assert configured(handle="h", sessionResumption=False).session_resumption is None


def test_interpreters_are_told_only_what_they_know() -> None:
    config = configured(DRAW, model=TRANSLATE, translation={"targetLanguageCode": "pl"})
    assert config.model_dump(exclude_none=True, mode="json") == {
        "response_modalities": ["AUDIO"],
        "input_audio_transcription": {},
        "output_audio_transcription": {},
        "translation_config": {"target_language_code": "pl"},
    }


def behaviors(model: str, *, vertex: bool = False) -> list[str | None]:
    tools = configured(DRAW, WAIT, MEANWHILE, model=model, vertex=vertex).tools
    assert tools is not None
    (tool,) = tools
    assert isinstance(tool, types.Tool)
    declared = tool.function_declarations or []
    return [each.behavior.value if each.behavior else None for each in declared]


@pytest.mark.parametrize(
    ("model", "expected"),
    [
        (M25, ["NON_BLOCKING", "BLOCKING", "NON_BLOCKING"]),
        (M31, [None, None, None]),
        (M38, [None, "BLOCKING", "NON_BLOCKING"]),
        (THINKING, [None, None, "NON_BLOCKING"]),
        (NEW, [None, "BLOCKING", "NON_BLOCKING"]),
    ],
)
def test_tools_are_declared_as_the_model_wants(model: str, expected: list[str | None]) -> None:
    assert behaviors(model) == expected


def test_tools_on_vertex() -> None:
    assert behaviors("gemini-live-2.5-flash-native-audio", vertex=True) == [None, None, None]
    assert behaviors(M38, vertex=True) == [None, "BLOCKING", "NON_BLOCKING"]


def test_the_registered_declaration_stays_as_it_is() -> None:
    before = MEANWHILE.model_dump()
    behaviors(M31)
    assert MEANWHILE.model_dump() == before


def test_only_allowed_tools_are_declared() -> None:
    assert configured(DRAW, tools="none").tools is None
    assert configured(DRAW, WAIT, tools=["wait"]).tools == [
        types.Tool(function_declarations=[WAIT])
    ]
    assert configured(DRAW, tools="none", googleSearch=True).tools == [
        types.Tool(google_search=types.GoogleSearch())
    ]
    assert configured(types.FunctionDeclaration(), tools=["wait"]).tools is None


@pytest.mark.parametrize(
    ("voice", "expected"),
    [
        ("kore", {"prebuilt_voice_config": {"voice_name": "Kore"}}),
        ("Brandnew", {"prebuilt_voice_config": {"voice_name": "Brandnew"}}),
        ("voices/mine", {"voice": "voices/mine"}),
    ],
)
def test_voices(voice: str, expected: dict[str, Any]) -> None:
    speech = configured(model=NEW, voice=voice).speech_config
    assert speech is not None
    assert speech.model_dump(exclude_none=True) == {"voice_config": expected}


@pytest.mark.parametrize("field", ["presence_penalty", "frequency_penalty"])
def test_one_penalty_is_enough(field: str) -> None:
    given: dict[str, Any] = {field: 1}
    config = configured(**given).generation_config
    assert config is not None
    assert config.model_dump(exclude_none=True) == {field: 1}


def test_detection_can_be_left_to_the_service() -> None:
    expected = types.AutomaticActivityDetection(disabled=True)
    assert configured(automaticActivityDetection=False).realtime_input_config == (
        types.RealtimeInputConfig(automatic_activity_detection=expected)
    )


def test_a_language_needs_no_voice() -> None:
    assert configured(language="pl").speech_config == types.SpeechConfig(language_code="pl")


# ---- as it is when Gemini is told -----------------------------------------------------------


def test_each_connection_is_told_what_is_set_then() -> None:
    now, tools = LiveSettings(voice="Kore"), [DRAW, WAIT]
    setup = LiveSetup(lambda: now, lambda: tools, vertex=True)
    assert setup.profile == profile_for(M38, vertex=True)
    first = setup.config("h", False)
    now, tools = LiveSettings(voice="Puck", system_instruction="Be brief."), [DRAW]
    second = setup.config(None, False)
    assert spoken_by(first) == "Kore" and spoken_by(second) == "Puck"
    assert first.session_resumption == types.SessionResumptionConfig(handle="h")
    assert second.system_instruction == "Be brief."
    assert second is not setup.config(None, False)


def test_a_fresh_session_that_is_told_a_history_is_told_so_where_the_model_needs_it() -> None:
    for vertex in (False, True):
        setup = LiveSetup(LiveSettings, lambda: [], vertex=vertex)
        assert setup.config(None, False).history_config is None
        assert (setup.config(None, True).history_config is None) is vertex


def spoken_by(config: types.LiveConnectConfig) -> str | None:
    speech = config.speech_config
    assert isinstance(speech, types.SpeechConfig) and speech.voice_config is not None
    assert speech.voice_config.prebuilt_voice_config is not None
    return speech.voice_config.prebuilt_voice_config.voice_name


def test_an_update_tells_what_a_setup_would() -> None:
    now = LiveSettings(system_instruction="Be brief.", google_search=True, tools=("draw",))
    setup = LiveSetup(lambda: now, lambda: [DRAW, WAIT], vertex=True)
    config = setup.config(None, False)
    update = setup.update(instruction=True, tools=True)
    assert update == ContextUpdate("Be brief.", tuple(config.tools or ()))
    assert config.system_instruction == "Be brief."
    assert setup.update(instruction=True, tools=False).declarations is None
    assert setup.update(instruction=False, tools=True).instruction is None
    now = LiveSettings(tools=())
    assert setup.update(instruction=False, tools=True).declarations == ()
