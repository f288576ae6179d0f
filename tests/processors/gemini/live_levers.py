"""Every lever of the Live API in one settings object, and those that no setting reaches."""

from collections.abc import Mapping
from typing import Any, Final

from google.genai import types
from pydantic import BaseModel

from processors.gemini.live_config import live_connect_config
from processors.gemini.profiles import check, profile_for
from processors.gemini.settings import LiveSettings

M25 = "gemini-2.5-flash-native-audio-preview-12-2025"
M31 = "gemini-3.1-flash-live-preview"
M38 = "gemini-3.8-live"
THINKING = "gemini-3.8-live-extended-thinking"
TRANSLATE = "gemini-3.5-live-translate-preview"
NEW = "gemini-9-live"

DRAW: Final = types.FunctionDeclaration(name="draw", description="Draws.")
WAIT: Final = types.FunctionDeclaration(name="wait", behavior=types.Behavior.BLOCKING)
MEANWHILE: Final = types.FunctionDeclaration(name="go", behavior=types.Behavior.NON_BLOCKING)

HISTORY: Final = [{"role": "user", "parts": [{"text": "Hello."}]}]

EVERYTHING: Final[Mapping[str, Any]] = {
    "model": NEW,
    "voice": "kore",
    "language": "en-US",
    "systemInstruction": "Be kind.",
    "temperature": 0.5,
    "topP": 0.9,
    "topK": 40,
    "maxOutputTokens": 1000,
    "seed": 7,
    "safetySettings": [{"category": "harassment", "threshold": "block_none", "method": "severity"}],
    "mediaResolution": "low",
    "thinking": {"level": "low", "includeThoughts": True},
    "proactiveAudio": True,
    "affectiveDialog": True,
    "automaticActivityDetection": {
        "enabled": False,
        "startSensitivity": "low",
        "endSensitivity": "high",
        "prefixPaddingMs": 20,
        "silenceDurationMs": 700,
    },
    "turnCoverage": "all_input",
    "activityHandling": "no_interruption",
    "interimTranscriptTimestamps": True,
    "explicitVadSignal": True,
    "contextWindowCompression": {"triggerTokens": 20_000, "targetTokens": 10_000},
    "sessionResumption": {"transparent": True},
    "inputTranscription": {
        "languageCodes": ["en", "de"],
        "customVocabulary": ["Easel"],
        "wordTimestamp": True,
        "diarization": True,
        "mode": "verbatim",
    },
    "outputTranscription": {"mode": "smart"},
    "translation": {"targetLanguageCode": "pl", "echoTargetLanguage": True},
    "googleSearch": True,
    "labels": {"team": "art"},
    "history": HISTORY,
}
"""Every lever at once, for a model that may be given anything; a budget excludes a level, and
penalties go another way."""

NOT_OURS: Final[Mapping[type[BaseModel], Mapping[str, str]]] = {
    types.LiveConnectConfig: {
        "avatar_config": "answers with video, which rooms do not send",
    },
    types.GenerationConfig: {
        "audio_timestamp": "not accepted by the Live API",
        "audio_transcription_config": "set on the session: input_transcription",
        "candidate_count": "a conversation has one answer",
        "enable_affective_dialog": "set on the session",
        "enable_enhanced_civic_answers": "for text answers",
        "logprobs": "not accepted by the Live API",
        "max_output_tokens": "set on the session",
        "media_resolution": "set on the session",
        "model_selection_config": "the setting `model` selects",
        "response_format": "not accepted by the Live API",
        "response_json_schema": "not accepted by the Live API",
        "response_logprobs": "not accepted by the Live API",
        "response_mime_type": "not accepted by the Live API",
        "response_modalities": "set on the session",
        "response_schema": "not accepted by the Live API",
        "routing_config": "not accepted by the Live API",
        "seed": "set on the session",
        "speech_config": "set on the session",
        "stop_sequences": "not accepted by the Live API; refused as a setting",
        "temperature": "set on the session",
        "thinking_config": "set on the session",
        "top_k": "set on the session",
        "top_p": "set on the session",
        "translation_config": "set on the session",
    },
    types.SpeechConfig: {"multi_speaker_voice_config": "the SDK refuses it for Live"},
    types.VoiceConfig: {
        "replicated_voice_config": "needs the recorded consent of whose voice is cloned; a voice "
        "that was made once is named by `voice`",
    },
    types.AudioTranscriptionConfig: {
        "adaptation_phrases": "deprecated for custom_vocabulary",
        "language_auto": "deprecated: what happens without language_codes",
        "language_hints": "deprecated for language_codes",
    },
    types.Tool: {
        "code_execution": "no Live model supports it",
        "computer_use": "there is no computer to use",
        "enterprise_web_search": "google_search is the search of a room",
        "exa_ai_search": "another vendor's key",
        "file_search": "no Live model supports it",
        "google_maps": "no Live model supports it",
        "google_search_retrieval": "for models before 2.0",
        "mcp_servers": "tools are registered as functions",
        "parallel_ai_search": "another vendor's key",
        "retrieval": "tools are registered as functions",
        "url_context": "no Live model supports it",
    },
    types.GoogleSearch: {
        "blocking_confidence": "search is on or off for a room",
        "exclude_domains": "search is on or off for a room",
        "search_types": "a voice cannot show found images",
        "time_range_filter": "search is on or off for a room",
    },
}
"""What google-genai 2.34 offers and no setting reaches, with the reason."""

NOT_LEVERS: Final[Mapping[type[BaseModel], str]] = {
    types.HttpOptions: "of the connection, which belongs to the operator",
    types.Content: "the system instruction is a text",
    types.Part: "the system instruction is a text",
    types.File: "the system instruction is a text",
    types.FunctionDeclaration: "made from the signature of a function",
}
"""Kinds that the configuration holds and whose fields are no settings, with the reason."""

WALKED: Final = (
    types.LiveConnectConfig,
    types.GenerationConfig,
    types.SpeechConfig,
    types.VoiceConfig,
    types.PrebuiltVoiceConfig,
    types.ThinkingConfig,
    types.RealtimeInputConfig,
    types.AutomaticActivityDetection,
    types.AudioTranscriptionConfig,
    types.ContextWindowCompressionConfig,
    types.SlidingWindow,
    types.SessionResumptionConfig,
    types.ProactivityConfig,
    types.HistoryConfig,
    types.SafetySetting,
    types.TranslationConfig,
    types.Tool,
    types.GoogleSearch,
)


def configured(
    *tools: types.FunctionDeclaration,
    handle: str | None = None,
    vertex: bool = False,
    **given: Any,
) -> types.LiveConnectConfig:
    settings = LiveSettings.model_validate(given)
    assert check(settings, vertex=vertex) == []
    return live_connect_config(
        settings,
        profile=profile_for(settings.model, vertex=vertex),
        tools=tools,
        handle=handle,
        vertex=vertex,
        seeded=bool(settings.history),
    )
