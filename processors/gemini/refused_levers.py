"""What google-genai's Live configuration offers and no setting reaches, with the reason. Pure.

Each is refused with its reason, so whoever knows the SDK learns where to look, or why not to.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

_NO_STRUCTURE: Final = "the Live API has no structured output"
_NO_PROBABILITIES: Final = "the Live API returns no token probabilities"
_NO_LIVE_MODEL: Final = "no Live model supports it"
_FUNCTIONS: Final = "tools are Python functions that the operator registers"
_SEARCH: Final = "googleSearch is on or off"
_OTHER_KEY: Final = "it needs a key of another vendor; register a tool instead"

NOT_IN_LIVE: Final[Mapping[str, str]] = MappingProxyType(
    {
        "stop_sequences": "the Live API takes no stop sequences; use imageStopSequences, which "
        "holds for the image model",
        "response_modalities": "a room is answered by voice, and its text is the transcript",
        "candidate_count": "a conversation has one answer; use imageCandidateCount for images",
        "response_schema": _NO_STRUCTURE,
        "response_json_schema": _NO_STRUCTURE,
        "response_mime_type": _NO_STRUCTURE,
        "response_format": _NO_STRUCTURE,
        "response_logprobs": _NO_PROBABILITIES,
        "logprobs": _NO_PROBABILITIES,
        "audio_timestamp": "the Live API does not take it; transcription models have "
        "inputTranscription.wordTimestamp",
        "enable_enhanced_civic_answers": "it is for answers in text",
        "model_selection_config": "the setting model selects the model",
        "routing_config": "the setting model selects the model",
        "avatar_config": "an avatar answers with video, and rooms send none",
        "http_options": "the connection belongs to the operator of the service",
        "multi_speaker_voice_config": "a Live model has one voice; use voice",
        "replicated_voice_config": "cloning a voice needs the recorded consent of whose it is; "
        "make it once with Google and name it as voice",
        "adaptation_phrases": "it is deprecated; use inputTranscription.customVocabulary",
        "language_auto": "it is deprecated; leave out inputTranscription.languageCodes",
        "language_hints": "it is deprecated; use inputTranscription.languageCodes",
        "code_execution": _NO_LIVE_MODEL,
        "computer_use": "a room has no computer to use",
        "file_search": _NO_LIVE_MODEL,
        "google_maps": _NO_LIVE_MODEL,
        "url_context": _NO_LIVE_MODEL,
        "google_search_retrieval": "it is for models before 2.0; use googleSearch",
        "enterprise_web_search": "a room searches with googleSearch",
        "exa_ai_search": _OTHER_KEY,
        "parallel_ai_search": _OTHER_KEY,
        "mcp_servers": _FUNCTIONS,
        "retrieval": _FUNCTIONS,
        "function_declarations": _FUNCTIONS,
        "blocking_confidence": _SEARCH,
        "exclude_domains": _SEARCH,
        "search_types": "googleSearch is on or off, and a voice shows no images",
        "time_range_filter": _SEARCH,
        # The SDK's names for what settings do reach.
        "generation_config": "its parts are settings of their own, such as temperature",
        "speech_config": "use voice and language",
        "voice_config": "use voice",
        "thinking_config": "use thinking",
        "enable_affective_dialog": "use affectiveDialog",
        "proactivity": "use proactiveAudio",
        "realtime_input_config": "use automaticActivityDetection, activityHandling and "
        "turnCoverage",
        "input_audio_transcription": "use inputTranscription",
        "output_audio_transcription": "use outputTranscription",
        "audio_transcription_config": "use inputTranscription and outputTranscription",
        "history_config": "use history",
        "translation_config": "use translation",
    }
)
"""Names that look like Live settings, with the reason why they are none."""
