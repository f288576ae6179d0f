import pytest

from emulator.closes import (
    INVALID_ARGUMENT,
    NOT_IMPLEMENTED,
    VOICE_WITHOUT_AUDIO,
    Close,
    unknown_field,
)
from emulator.json_types import JsonObject
from emulator.live_setup import Backend, read_setup
from emulator.profiles import (
    PROFILE_2_5,
    PROFILE_3_1,
    PROFILE_3_8,
    PROFILE_3_8_EXTENDED_THINKING,
    PROFILES,
    Profile,
    profile_of,
    refusal,
)

ET = PROFILE_3_8_EXTENDED_THINKING
LATEST_2_5 = "gemini-2.5-flash-native-audio-latest"


def judge(
    profile: Profile | None,
    raw: JsonObject,
    backend: Backend = Backend.MLDEV,
    version: str = "v1beta",
) -> Close | None:
    return refusal(read_setup({"model": "models/x", **raw}, backend), profile, backend, version)


def generation(**fields: object) -> JsonObject:
    return {"generationConfig": {**fields}}  # type: ignore[dict-item]  # JSON by construction


def declared(**fields: str) -> JsonObject:
    return {"tools": [{"functionDeclarations": [{"name": "f", **fields}]}]}


@pytest.mark.parametrize(
    ("model", "backend", "profile"),
    [
        ("gemini-3.8-live", Backend.MLDEV, PROFILE_3_8),
        ("gemini-3.8-live", Backend.VERTEX, PROFILE_3_8),
        ("gemini-3.8-live-extended-thinking", Backend.MLDEV, ET),
        ("gemini-3.1-flash-live-preview", Backend.MLDEV, PROFILE_3_1),
        (LATEST_2_5, Backend.MLDEV, PROFILE_2_5),
        ("gemini-live-2.5-flash-native-audio", Backend.VERTEX, PROFILE_2_5),
        # The names of one backend mean nothing on the other.
        (LATEST_2_5, Backend.VERTEX, None),
        ("gemini-live-2.5-flash-native-audio", Backend.MLDEV, None),
        ("gemini-2.0-flash-live-001", Backend.MLDEV, None),
        ("mine", Backend.MLDEV, PROFILE_3_1),
    ],
)
def test_models_have_profiles(model: str, backend: Backend, profile: Profile | None) -> None:
    assert profile_of(model, backend, {"mine": "3.1"}) is profile


def test_an_unknown_model_is_not_found() -> None:
    close = judge(None, {})
    assert close is not None
    assert close.code == 1008
    assert close.reason.startswith("models/x is not found for API version v1beta, or is not supp")


@pytest.mark.parametrize("profile", PROFILES.values(), ids=lambda profile: profile.name)
def test_a_plain_setup_is_accepted(profile: Profile) -> None:
    raw: JsonObject = {
        "generationConfig": {
            "responseModalities": ["AUDIO"],
            "speechConfig": {"voiceConfig": {"prebuiltVoiceConfig": {"voiceName": "kore"}}},
        },
        "tools": [{"functionDeclarations": [{"name": "f"}]}, {"googleSearch": {}}],
        "contextWindowCompression": {"triggerTokens": "1000", "slidingWindow": {}},
    }
    assert judge(profile, raw) is None
    assert judge(profile, raw, Backend.VERTEX) is None


ACCEPTED = [
    (PROFILE_2_5, generation(thinkingConfig={"thinkingBudget": 0, "includeThoughts": True})),
    (PROFILE_3_1, generation(thinkingConfig={"thinkingLevel": "MINIMAL"})),
    (ET, generation(thinkingConfig={"thinkingLevel": "low"})),
    (PROFILE_2_5, declared(behavior="NON_BLOCKING")),
    (PROFILE_3_1, declared(behavior="BLOCKING")),
    (PROFILE_3_8, declared(behavior="BLOCKING")),
    (ET, declared(behavior="NON_BLOCKING")),
    (PROFILE_3_8, {"proactivity": {"proactiveAudio": True}}),
    (PROFILE_3_1, {"proactivity": {"proactiveAudio": False}}),
    (PROFILE_2_5, generation(responseModalities=["TEXT"])),
    (PROFILE_3_1, generation(responseModalities=["TEXT"])),
]


@pytest.mark.parametrize(("profile", "raw"), ACCEPTED)
def test_accepted(profile: Profile, raw: JsonObject) -> None:
    assert judge(profile, raw) is None


REFUSED = [
    (PROFILE_3_8, generation(thinkingConfig={}), INVALID_ARGUMENT),
    (PROFILE_2_5, generation(thinkingConfig={"thinkingLevel": "LOW"}), INVALID_ARGUMENT),
    (PROFILE_3_1, generation(thinkingConfig={"thinkingBudget": 0}), INVALID_ARGUMENT),
    (ET, generation(thinkingConfig={"thinkingLevel": "MINIMAL"}), INVALID_ARGUMENT),
    (PROFILE_3_1, declared(behavior="NON_BLOCKING"), NOT_IMPLEMENTED),
    (ET, declared(behavior="BLOCKING"), NOT_IMPLEMENTED),
    (PROFILE_3_8, {"tools": [{"functionDeclarations": [{}]}]}, INVALID_ARGUMENT),
    (PROFILE_3_8, {"tools": [{"codeExecution": {}}]}, NOT_IMPLEMENTED),
    (PROFILE_3_8, {"proactivity": {"proactiveAudio": False}}, INVALID_ARGUMENT),
    (PROFILE_3_1, {"proactivity": {"proactiveAudio": True}}, INVALID_ARGUMENT),
    (PROFILE_3_8, generation(enableAffectiveDialog=True), INVALID_ARGUMENT),
    (PROFILE_2_5, {"proactivity": {}}, unknown_field("proactivity", "setup")),
    (
        PROFILE_2_5,
        generation(enableAffectiveDialog=True),
        unknown_field("enableAffectiveDialog", "setup.generation_config"),
    ),
    (PROFILE_3_8, generation(responseModalities=["TEXT"]), INVALID_ARGUMENT),
    (PROFILE_2_5, generation(responseModalities=["IMAGE"]), INVALID_ARGUMENT),
    (PROFILE_2_5, generation(responseModalities=["TEXT", "AUDIO"]), INVALID_ARGUMENT),
    (
        PROFILE_2_5,
        generation(responseModalities=["TEXT"], speechConfig={"voiceConfig": {}}),
        VOICE_WITHOUT_AUDIO,
    ),
    (PROFILE_3_8, generation(stopSequences=["x"]), INVALID_ARGUMENT),
    (PROFILE_3_8, generation(speechConfig={"multiSpeakerVoiceConfig": {}}), INVALID_ARGUMENT),
    (
        PROFILE_3_8,
        generation(speechConfig={"voiceConfig": {"prebuiltVoiceConfig": {"voiceName": "Nobody"}}}),
        INVALID_ARGUMENT,
    ),
    (
        PROFILE_3_8,
        {"contextWindowCompression": {"triggerTokens": 5, "slidingWindow": {"targetTokens": 9}}},
        INVALID_ARGUMENT,
    ),
    (PROFILE_3_8, {"avatarConfig": {}}, NOT_IMPLEMENTED),
    (PROFILE_3_8, {"explicitVadSignal": True}, unknown_field("explicitVadSignal", "setup")),
    (
        PROFILE_3_8,
        {"sessionResumption": {"transparent": True}},
        unknown_field("transparent", "setup.session_resumption"),
    ),
]


@pytest.mark.parametrize(("profile", "raw", "close"), REFUSED)
def test_refused(profile: Profile, raw: JsonObject, close: Close) -> None:
    assert judge(profile, raw) == close


def test_dialog_fields_of_2_5_exist_under_v1alpha() -> None:
    raw: JsonObject = {
        "proactivity": {"proactiveAudio": True},
        "generationConfig": {"enableAffectiveDialog": True},
    }
    assert judge(PROFILE_2_5, raw, version="v1alpha") is None


def test_the_enterprise_platform_differs() -> None:
    raw: JsonObject = {
        "sessionResumption": {"transparent": True},
        "explicitVadSignal": True,
        "avatarConfig": {},
    }
    assert judge(PROFILE_3_8, raw, Backend.VERTEX) is None
    coverage: JsonObject = {
        "realtimeInputConfig": {"turnCoverage": "TURN_INCLUDES_AUDIO_ACTIVITY_AND_ALL_VIDEO"}
    }
    assert judge(PROFILE_3_8, coverage, Backend.VERTEX) == INVALID_ARGUMENT
    assert judge(PROFILE_3_8, coverage) is None
