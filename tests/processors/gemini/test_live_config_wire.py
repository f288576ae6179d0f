"""The Live setup as google-genai really sends it, to both backends."""

from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from typing import Any, Final

import pytest
import pytest_asyncio

from processors.gemini.live_config import live_connect_config
from processors.gemini.profiles import check, profile_for
from processors.gemini.settings import LiveSettings

from .live_levers import DRAW, EVERYTHING, M25, M38, NEW, configured
from .live_server import Certificate, LiveServer, live_server, make_certificate


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Certificate:
    folder: Path = tmp_path_factory.mktemp("certificate")
    return make_certificate(folder)


@pytest_asyncio.fixture
async def server(certificate: Certificate) -> AsyncIterator[LiveServer]:
    async with live_server(certificate) as running:
        yield running


def plain(value: Any) -> Any:
    """JSON as the server reads it: the SDK mixes both spellings of a key."""
    if isinstance(value, dict):
        return {key.replace("_", "").lower(): plain(part) for key, part in value.items()}
    return [plain(part) for part in value] if isinstance(value, list) else value


SENT: Final[Mapping[str, Any]] = {
    "generationConfig": {
        "responseModalities": ["AUDIO"],
        "temperature": 0.5,
        "topP": 0.9,
        "topK": 40,
        "maxOutputTokens": 1000,
        "mediaResolution": "MEDIA_RESOLUTION_LOW",
        "seed": 7,
        "speechConfig": {
            "voiceConfig": {"prebuiltVoiceConfig": {"voiceName": "Kore"}},
            "languageCode": "en-US",
        },
        "thinkingConfig": {"thinkingLevel": "LOW", "includeThoughts": True},
        "enableAffectiveDialog": True,
        "translationConfig": {"targetLanguageCode": "pl", "echoTargetLanguage": True},
    },
    "systemInstruction": {"parts": [{"text": "Be kind."}], "role": "user"},
    "tools": [
        {"googleSearch": {}},
        {"functionDeclarations": [{"name": "draw", "description": "Draws."}]},
    ],
    "realtimeInputConfig": {
        "automaticActivityDetection": {
            "disabled": True,
            "startOfSpeechSensitivity": "START_SENSITIVITY_LOW",
            "endOfSpeechSensitivity": "END_SENSITIVITY_HIGH",
            "prefixPaddingMs": 20,
            "silenceDurationMs": 700,
        },
        "activityHandling": "NO_INTERRUPTION",
        "turnCoverage": "TURN_INCLUDES_ALL_INPUT",
        "interimTranscriptTimestampEnabled": True,
    },
    "contextWindowCompression": {
        "triggerTokens": 20_000,
        "slidingWindow": {"targetTokens": 10_000},
    },
    "inputAudioTranscription": {
        "languageCodes": ["en", "de"],
        "customVocabulary": ["Easel"],
        "wordTimestamp": True,
        "diarization": True,
        "mode": "VERBATIM",
    },
    "outputAudioTranscription": {"mode": "SMART"},
    "proactivity": {"proactiveAudio": True},
    "labels": {"team": "art"},
}
"""What both backends are sent for EVERYTHING."""


async def test_everything_reaches_vertex(server: LiveServer) -> None:
    config = configured(DRAW, vertex=True, handle="h", **EVERYTHING)
    path, setup = await server.setup_of(config, model=NEW, vertex=True)
    assert path.endswith("LlmBidiService/BidiGenerateContent")
    expected = {
        "model": f"publishers/google/models/{NEW}",
        **SENT,
        "sessionResumption": {"handle": "h", "transparent": True},
        "explicitVadSignal": True,
        "safetySettings": [
            {
                "category": "HARM_CATEGORY_HARASSMENT",
                "threshold": "BLOCK_NONE",
                "method": "SEVERITY",
            }
        ],
    }
    assert plain(setup) == plain(expected)


async def test_everything_reaches_the_gemini_api(server: LiveServer) -> None:
    given = {
        **EVERYTHING,
        "explicitVadSignal": None,
        "sessionResumption": True,
        "safetySettings": {"harassment": "block_none"},
    }
    path, setup = await server.setup_of(configured(DRAW, **given), model=NEW, vertex=False)
    assert path.endswith("v1beta.GenerativeService.BidiGenerateContent")
    expected = {
        "model": f"models/{NEW}",
        **SENT,
        "sessionResumption": {},
        "historyConfig": {"initialHistoryInClientContent": True},
        "safetySettings": [{"category": "HARM_CATEGORY_HARASSMENT", "threshold": "BLOCK_NONE"}],
    }
    assert plain(setup) == plain(expected)


async def test_native_audio_features_reach_their_version(server: LiveServer) -> None:
    config = configured(model=M25, proactiveAudio=True, thinking={"budget": 0})
    path, setup = await server.setup_of(config, model=M25, vertex=False)
    assert "v1alpha.GenerativeService" in path
    sent = plain(setup)
    assert sent["generationconfig"]["thinkingconfig"] == {"thinkingbudget": 0}
    assert sent["proactivity"] == {"proactiveaudio": True}


@pytest.mark.parametrize("vertex", [False, True])
async def test_penalties_join_the_other_parameters(server: LiveServer, vertex: bool) -> None:
    config = configured(presencePenalty=0.5, frequencyPenalty=-1, temperature=1, vertex=vertex)
    with pytest.warns(DeprecationWarning, match="generation_config"):
        _, setup = await server.setup_of(config, vertex=vertex)
    assert plain(setup)["generationconfig"] == {
        "responsemodalities": ["AUDIO"],
        "temperature": 1,
        "presencepenalty": 0.5,
        "frequencypenalty": -1,
    }


async def test_a_voice_of_ones_own(server: LiveServer) -> None:
    _, setup = await server.setup_of(configured(voice="voices/mine"), vertex=False)
    assert plain(setup)["generationconfig"]["speechconfig"] == {
        "voiceconfig": {"voice": "voices/mine"}
    }


@pytest.mark.parametrize(
    ("given", "name"),
    [
        ({"explicitVadSignal": True}, "explicit_vad_signal"),
        ({"sessionResumption": {"transparent": True}}, "transparent"),
        ({"safetySettings": EVERYTHING["safetySettings"]}, "method"),
    ],
)
async def test_what_is_refused_is_what_the_sdk_refuses(
    server: LiveServer, given: dict[str, Any], name: str
) -> None:
    """The profile's refusals hold as long as the SDK still raises."""
    settings = LiveSettings.model_validate(given)
    assert check(settings, vertex=False)
    config = live_connect_config(
        settings, profile=profile_for(M38, vertex=False), tools=[], handle=None, vertex=False
    )
    with pytest.raises(ValueError, match=name):
        await server.setup_of(config, vertex=False)
