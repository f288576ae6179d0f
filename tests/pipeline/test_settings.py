"""The environment: spellings of values, errors that name the variable, and the backend."""

import os

import pytest
from google import genai

from pipeline.settings import (
    InvalidVariable,
    NoBackend,
    Settings,
    SettingsError,
    UnknownVariable,
    backend,
    load,
)
from processors.gemini.generation import SafetySetting
from processors.gemini.settings import LiveSettings


def error(**given: str) -> SettingsError:
    with pytest.raises(SettingsError) as caught:
        load(given)
    return caught.value


def live(**given: str) -> LiveSettings:
    return load(given).room.live


def test_an_empty_environment_gives_the_defaults() -> None:
    settings = load({})
    assert settings == Settings()
    assert settings.backend is None
    assert not settings.vertex


def test_other_variables_are_not_looked_at() -> None:
    assert load({"PATH": "/bin", "EASEL_TEST_ANYTHING": "x"}) == Settings()


def test_an_empty_variable_is_one_that_is_not_set() -> None:
    assert load({"EASEL_VOICE": "", "EASEL_PORT": "  ", "EASEL_TOOLS": ""}) == Settings()


def test_every_part_is_reached() -> None:
    settings = load(
        {
            "EASEL_PORT": " 8080 ",
            "EASEL_TEMPERATURE": "0.5",
            "EASEL_IMAGE_SIZE": "2k",
            "EASEL_VIDEO_JPEG_QUALITY": "90",
            "EASEL_AUDIO_MAX_INPUT_BACKLOG_MS": "500",
            "EASEL_GREETING": "Say hello.",
        }
    )
    assert settings.service.port == 8080
    assert settings.room.live.temperature == 0.5
    assert settings.room.image.size == "2K"
    assert settings.room.video.jpeg_quality == 90
    assert settings.room.audio.max_input_backlog_ms == 500
    assert settings.room.greeting == "Say hello."


def test_lists() -> None:
    settings = load(
        {
            "EASEL_ICE_HOSTS": "10.0.0.5=203.0.113.7, 127.0.0.1",
            "EASEL_TURN_URLS": "turn:a:3478?transport=udp,turns:b",
            "EASEL_TURN_USERNAME": "u",
            "EASEL_TURN_CREDENTIAL": "c",
            "EASEL_IMAGE_STOP_SEQUENCES": '["a,b", "c"]',
            "EASEL_TOOLS": "create_image, weather",
            "EASEL_SAFETY_SETTINGS": "harassment=off, HARM_CATEGORY_HATE_SPEECH=BLOCK_NONE",
            "EASEL_INPUT_TRANSCRIPTION_LANGUAGE_CODES": "en,de",
        }
    )
    assert [host.public for host in settings.service.ice_hosts] == ["203.0.113.7", None]
    assert settings.service.turn_urls == ("turn:a:3478?transport=udp", "turns:b")
    assert settings.room.image.stop_sequences == ("a,b", "c")
    assert settings.room.live.tools == ("create_image", "weather")
    assert settings.room.live.safety_settings == (
        SafetySetting(category="harassment", threshold="off"),
        SafetySetting(category="hate_speech", threshold="block_none"),
    )
    assert settings.room.live.input_transcription.language_codes == ("en", "de")


@pytest.mark.parametrize(("text", "tools"), [("all", None), ("true", None), ("none", ())])
def test_all_or_no_tools(text: str, tools: object) -> None:
    assert live(EASEL_TOOLS=text).tools == tools


def test_mappings() -> None:
    assert live(EASEL_LABELS="team=art, env=dev").labels == {"team": "art", "env": "dev"}
    assert live(EASEL_LABELS='{"team": "art"}').labels == {"team": "art"}


def test_history_in_json() -> None:
    text = '[{"role": "user", "parts": [{"text": "Hello."}]}]'
    assert live(EASEL_HISTORY=text).history[0].parts[0].text == "Hello."
    assert error(EASEL_HISTORY="hello").sentence == "history[0] must be an object."


def test_an_instruction_may_look_like_json() -> None:
    assert live(EASEL_SYSTEM_INSTRUCTION="[Be brief.]").system_instruction == "[Be brief.]"


def test_objects_and_their_parts() -> None:
    assert not live(EASEL_SESSION_RESUMPTION="false").session_resumption.enabled
    assert not live(EASEL_SESSION_RESUMPTION_ENABLED="off").session_resumption.enabled
    settings = live(
        EASEL_CONTEXT_WINDOW_COMPRESSION_TARGET_TOKENS="4000",
        EASEL_CONTEXT_WINDOW_COMPRESSION='{"triggerTokens": 9000, "targetTokens": 5000}',
    )
    compression = settings.context_window_compression
    assert (compression.trigger_tokens, compression.target_tokens) == (9000, 4000)


def test_a_part_joins_the_object_around_it() -> None:
    settings = live(
        EASEL_INPUT_TRANSCRIPTION_MODE="smart", EASEL_INPUT_TRANSCRIPTION='{"enabled": true}'
    )
    assert settings.input_transcription.mode == "smart"


@pytest.mark.parametrize(
    ("variable", "text", "sentence"),
    [
        ("EASEL_PORT", "many", "port must be a whole number."),
        ("EASEL_TOP_P", "3", "topP must be at most 1."),
        ("EASEL_GOOGLE_SEARCH", "perhaps", "googleSearch must be true or false."),
        ("EASEL_THINKING", "deep", "thinking must be an object in JSON."),
        ("EASEL_THINKING", "{deep", "thinking must be valid JSON."),
        ("EASEL_THINKING", "[" * 100_000, "thinking must be valid JSON."),
        ("EASEL_THINKING", "[1]", "thinking must be an object."),
        (
            "EASEL_THINKING_LEVEL",
            "low",
            "thinking.level is not accepted by gemini-3.8-live, which takes no thinking settings.",
        ),
        (
            "EASEL_IMAGE_SIZE",
            "512",
            "image.size is not accepted by gemini-nano-banana-2.1; it takes 1K, 2K, 4K.",
        ),
        (
            "EASEL_MODEL",
            "gemini-3.5-live-translate-preview",
            "translation is required by "
            "gemini-3.5-live-translate-preview: it needs a targetLanguageCode.",
        ),
        (
            "EASEL_SAFETY_SETTINGS",
            "harassment",
            "safetySettings[0].threshold must be "
            "'block_low_and_above', 'block_medium_and_above', 'block_only_high', 'block_none' or "
            "'off'.",
        ),
        ("EASEL_TLS_KEY", "k", "tlsKey and tlsCert must be given together."),
    ],
)
def test_invalid_values(variable: str, text: str, sentence: str) -> None:
    found = error(**{variable: text})
    assert isinstance(found, InvalidVariable)
    assert found.sentence == sentence
    assert str(found) == f"{found.variable}: {sentence}"
    if not sentence.startswith("translation"):
        assert found.variable == variable


def test_a_missing_setting_names_its_own_variable() -> None:
    assert error(EASEL_MODEL="gemini-3.5-live-translate-preview").variable == "EASEL_TRANSLATION"


def test_the_variable_is_the_one_that_was_given() -> None:
    given = '{"enabled": true, "mode": "loud"}'
    found = error(EASEL_INPUT_TRANSCRIPTION=given)
    assert found.variable == "EASEL_INPUT_TRANSCRIPTION"
    assert found.sentence == "inputTranscription.mode must be 'verbatim' or 'smart'."


def test_a_part_of_what_is_no_object_does_not_hide_the_error() -> None:
    found = error(EASEL_THINKING="[1]", EASEL_THINKING_LEVEL="low")
    assert found.sentence == "thinking must be an object."


def test_values_are_never_repeated() -> None:
    found = error(EASEL_TURN_CREDENTIAL="hush", EASEL_TURN_URLS="hush:hush@hush")
    assert "hush" not in str(found)


@pytest.mark.parametrize(
    ("variable", "sentence"),
    [
        ("EASEL_MODLE", "there is no such setting; did you mean EASEL_MODEL?"),
        ("EASEL_Port", "there is no such setting; did you mean EASEL_PORT?"),
        ("EASEL_XYZZY", "there is no such setting."),
        (
            "EASEL_STOP_SEQUENCES",
            "stopSequences is not accepted: the Live API takes no stop sequences; use "
            "imageStopSequences, which holds for the image model.",
        ),
        (
            "EASEL_IMAGE_RESPONSE_SCHEMA",
            "imageResponseSchema is not accepted: an image has no schema.",
        ),
    ],
)
def test_unknown_variables(variable: str, sentence: str) -> None:
    found = error(**{variable: "x"})
    assert isinstance(found, UnknownVariable)
    assert (found.variable, found.sentence) == (variable, sentence)


def test_which_gemini() -> None:
    key = {"GEMINI_API_KEY": "k"}
    vertex = {"GOOGLE_GENAI_USE_VERTEXAI": "true"}
    assert load(key).backend == "mldev"
    assert load(vertex).vertex
    assert load({**key, "EASEL_GEMINI": "api"}).backend == "mldev"
    assert load({**key, "EASEL_GEMINI": "emulator"}).backend is None
    assert load({**vertex, "EASEL_GEMINI": "emulator"}).backend is None


def test_the_api_without_a_key() -> None:
    found = error(EASEL_GEMINI="api")
    assert isinstance(found, NoBackend)
    assert found.variable == "EASEL_GEMINI"
    assert "GEMINI_API_KEY" in found.sentence


def test_the_backend_decides_what_is_accepted() -> None:
    given = {"EASEL_EXPLICIT_VAD_SIGNAL": "true", "GOOGLE_GENAI_USE_VERTEXAI": "1"}
    assert load(given).room.live.explicit_vad_signal
    found = error(**given, EASEL_GEMINI="emulator")
    assert found.sentence == "explicitVadSignal is accepted by Vertex AI only."


def test_the_image_model_may_be_elsewhere_on_vertex_only() -> None:
    vertex = {"GOOGLE_GENAI_USE_VERTEXAI": "true"}
    given = {"EASEL_VERTEX_IMAGE_LOCATION": "global"}
    assert load({**vertex, **given}).service.vertex_image_location == "global"
    assert load(vertex).service.vertex_image_location is None
    for elsewhere in ({}, {"GEMINI_API_KEY": "k"}, {**vertex, "EASEL_GEMINI": "emulator"}):
        found = error(**elsewhere, **given)
        assert found.variable == "EASEL_VERTEX_IMAGE_LOCATION"
        assert found.sentence == "vertexImageLocation is for Vertex AI only."
    for name in ("Global", "a", "us central1", "-x", "us/x", "x" * 50):
        found = error(**vertex, EASEL_VERTEX_IMAGE_LOCATION=name)
        assert "must be a location of Google Cloud" in found.sentence


@pytest.mark.parametrize(
    ("environ", "expected"),
    [
        ({}, None),
        ({"GEMINI_API_KEY": "k"}, "mldev"),
        ({"GOOGLE_API_KEY": "k"}, "mldev"),
        ({"GEMINI_API_KEY": ""}, None),
        ({"GEMINI_API_KEY": " "}, None),
        ({"GOOGLE_CLOUD_PROJECT": "p", "GOOGLE_CLOUD_LOCATION": "l"}, None),
        ({"GOOGLE_GENAI_USE_VERTEXAI": "TRUE", "GEMINI_API_KEY": "k"}, "vertex"),
        ({"GOOGLE_GENAI_USE_VERTEXAI": "1"}, "vertex"),
        ({"GOOGLE_GENAI_USE_VERTEXAI": "yes", "GEMINI_API_KEY": "k"}, "mldev"),
        ({"GOOGLE_GENAI_USE_ENTERPRISE": "1"}, "vertex"),
        ({"GOOGLE_GENAI_USE_ENTERPRISE": "0", "GOOGLE_GENAI_USE_VERTEXAI": "1"}, None),
        ({"GOOGLE_GENAI_USE_ENTERPRISE": "", "GOOGLE_GENAI_USE_VERTEXAI": "1"}, None),
    ],
)
def test_the_backend(environ: dict[str, str], expected: str | None) -> None:
    assert backend(environ) == expected


@pytest.mark.filterwarnings("ignore:Warning. Both GOOGLE_GENAI_USE_ENTERPRISE and")
@pytest.mark.parametrize(
    "environ",
    [
        {"GEMINI_API_KEY": "k"},
        {"GOOGLE_API_KEY": "k", "GOOGLE_CLOUD_PROJECT": "p"},
        {"GEMINI_API_KEY": "k", "GOOGLE_GENAI_USE_VERTEXAI": "true"},
        {"GEMINI_API_KEY": "k", "GOOGLE_GENAI_USE_VERTEXAI": "yes"},
        {"GEMINI_API_KEY": "k", "GOOGLE_GENAI_USE_ENTERPRISE": "1"},
        {
            "GEMINI_API_KEY": "k",
            "GOOGLE_GENAI_USE_ENTERPRISE": "0",
            "GOOGLE_GENAI_USE_VERTEXAI": "1",
        },
    ],
)
def test_the_sdk_decides_the_same(environ: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    for name in list(os.environ):
        if name.startswith(("GOOGLE_", "GEMINI_")):
            monkeypatch.delenv(name)
    for name, value in environ.items():
        monkeypatch.setenv(name, value)
    client = genai.Client()
    try:
        assert bool(client.vertexai) == (backend(environ) == "vertex")
    finally:
        client.close()


def test_settings_are_read_once() -> None:
    environ = {"EASEL_PORT": "1"}
    settings = load(environ)
    environ["EASEL_PORT"] = "2"
    assert settings.service.port == 1


def test_the_repr_holds_no_secret() -> None:
    settings = load(
        {
            "GEMINI_API_KEY": "hush",
            "EASEL_TURN_URLS": "turn:a",
            "EASEL_TURN_USERNAME": "hush",
            "EASEL_TURN_CREDENTIAL": "hush",
            "EASEL_SYSTEM_INSTRUCTION": "hush",
            "EASEL_GREETING": "hush",
        }
    )
    assert "hush" not in repr(settings)
