"""The fields of every client message, as data.

A field's type is written as `name` (a message of this table or a scalar), `name*` (repeated) or
`name{}` (a map whose keys are the user's and stay as they are). Scalars: `string`, `bool`, `int`,
`float`, `bytes`, `enum` (an upper-case word, not checked against a list here), and `json`: the
user's own value, whose keys must never be renamed.

Sources: the public proto of the Live API and the types of google-genai 2.34.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

SCALARS: Final = frozenset({"string", "bool", "int", "float", "bytes", "enum", "json"})


@dataclass(frozen=True, slots=True)
class Field:
    """One field: its canonical (camelCase) and proto names, its type, and whether it is many."""

    name: str
    proto_name: str
    type: str
    repeated: bool
    mapped: bool


_TRANSCRIPTION: Final = {
    "languageCodes": "string*",
    "languageAuto": "Empty",
    "languageHints": "LanguageHints",
    "customVocabulary": "string*",
    "adaptationPhrases": "string*",
    "wordTimestamp": "bool",
    "diarization": "bool",
    "mode": "enum",
}

_MESSAGES: Final[Mapping[str, Mapping[str, str]]] = {
    "ClientMessage": {
        "setup": "Setup",
        "clientContent": "ClientContent",
        "realtimeInput": "RealtimeInput",
        "toolResponse": "ToolResponseMessage",
        "contextUpdate": "ContextUpdate",
    },
    "Setup": {
        "model": "string",
        "generationConfig": "GenerationConfig",
        "systemInstruction": "Content",
        "tools": "Tool*",
        "realtimeInputConfig": "RealtimeInputConfig",
        "sessionResumption": "SessionResumption",
        "contextWindowCompression": "ContextWindowCompression",
        "inputAudioTranscription": "AudioTranscription",
        "outputAudioTranscription": "AudioTranscription",
        "proactivity": "Proactivity",
        "explicitVadSignal": "bool",
        "historyConfig": "HistoryConfig",
        "avatarConfig": "AvatarConfig",
        "safetySettings": "SafetySetting*",
        "labels": "string{}",
    },
    "ClientContent": {"turns": "Content*", "turnComplete": "bool"},
    "RealtimeInput": {
        "mediaChunks": "Blob*",
        "audio": "Blob",
        "video": "Blob",
        "text": "string",
        "audioStreamEnd": "bool",
        "activityStart": "Empty",
        "activityEnd": "Empty",
    },
    "ToolResponseMessage": {"functionResponses": "FunctionResponse*"},
    "ContextUpdate": {"systemInstruction": "Content", "tools": "ContextUpdateTools"},
    "ContextUpdateTools": {"tools": "Tool*"},
    "Empty": {},
    "GenerationConfig": {
        "audioTimestamp": "bool",
        "audioTranscriptionConfig": "AudioTranscription",
        "candidateCount": "int",
        "enableAffectiveDialog": "bool",
        "enableEnhancedCivicAnswers": "bool",
        "frequencyPenalty": "float",
        "logprobs": "int",
        "maxOutputTokens": "int",
        "mediaResolution": "enum",
        "modelSelectionConfig": "json",
        "presencePenalty": "float",
        "responseFormat": "json",
        "responseJsonSchema": "json",
        "responseLogprobs": "bool",
        "responseMimeType": "string",
        "responseModalities": "enum*",
        "responseSchema": "Schema",
        "routingConfig": "json",
        "seed": "int",
        "speechConfig": "SpeechConfig",
        "stopSequences": "string*",
        "temperature": "float",
        "thinkingConfig": "ThinkingConfig",
        "topK": "float",
        "topP": "float",
        "translationConfig": "TranslationConfig",
    },
    "SpeechConfig": {
        "voiceConfig": "VoiceConfig",
        "languageCode": "string",
        "multiSpeakerVoiceConfig": "MultiSpeakerVoiceConfig",
    },
    "MultiSpeakerVoiceConfig": {"speakerVoiceConfigs": "SpeakerVoiceConfig*"},
    "SpeakerVoiceConfig": {"speaker": "string", "voiceConfig": "VoiceConfig"},
    "VoiceConfig": {
        "prebuiltVoiceConfig": "PrebuiltVoice",
        "replicatedVoiceConfig": "ReplicatedVoice",
        "voice": "string",
    },
    "PrebuiltVoice": {"voiceName": "string"},
    "ReplicatedVoice": {
        "mimeType": "string",
        "voiceSampleAudio": "bytes",
        "consentAudio": "bytes",
        "voiceConsentSignature": "VoiceConsentSignature",
    },
    "VoiceConsentSignature": {"signature": "string"},
    "ThinkingConfig": {
        "includeThoughts": "bool",
        "thinkingBudget": "int",
        "thinkingLevel": "enum",
    },
    "TranslationConfig": {"targetLanguageCode": "string", "echoTargetLanguage": "bool"},
    "RealtimeInputConfig": {
        "automaticActivityDetection": "ActivityDetection",
        "activityHandling": "enum",
        "turnCoverage": "enum",
        "interimTranscriptTimestampEnabled": "bool",
    },
    "ActivityDetection": {
        "disabled": "bool",
        "startOfSpeechSensitivity": "enum",
        "endOfSpeechSensitivity": "enum",
        "prefixPaddingMs": "int",
        "silenceDurationMs": "int",
    },
    "SessionResumption": {"handle": "string", "transparent": "bool"},
    "ContextWindowCompression": {"triggerTokens": "int", "slidingWindow": "SlidingWindow"},
    "SlidingWindow": {"targetTokens": "int"},
    "AudioTranscription": _TRANSCRIPTION,
    "LanguageHints": {"languageCodes": "string*"},
    "Proactivity": {"proactiveAudio": "bool"},
    "HistoryConfig": {"initialHistoryInClientContent": "bool"},
    "AvatarConfig": {
        "avatarName": "string",
        "customizedAvatar": "CustomizedAvatar",
        "audioBitrateBps": "int",
        "videoBitrateBps": "int",
    },
    "CustomizedAvatar": {"imageMimeType": "string", "imageData": "bytes"},
    "SafetySetting": {"category": "enum", "method": "enum", "threshold": "enum"},
    "Tool": {
        "functionDeclarations": "FunctionDeclaration*",
        "googleSearch": "json",
        "googleSearchRetrieval": "json",
        "codeExecution": "json",
        "urlContext": "json",
        "googleMaps": "json",
        "computerUse": "json",
        "fileSearch": "json",
        "retrieval": "json",
        "enterpriseWebSearch": "json",
        "parallelAiSearch": "json",
        "exaAiSearch": "json",
        "mcpServers": "json",
    },
    "FunctionDeclaration": {
        "name": "string",
        "description": "string",
        "parameters": "Schema",
        "parametersJsonSchema": "json",
        "response": "Schema",
        "responseJsonSchema": "json",
        "behavior": "enum",
    },
    "Schema": {
        "additionalProperties": "json",
        "anyOf": "Schema*",
        "default": "json",
        "defs": "Schema{}",
        "description": "string",
        "enum": "string*",
        "example": "json",
        "format": "string",
        "items": "Schema",
        "maxItems": "int",
        "maxLength": "int",
        "maxProperties": "int",
        "maximum": "float",
        "minItems": "int",
        "minLength": "int",
        "minProperties": "int",
        "minimum": "float",
        "nullable": "bool",
        "pattern": "string",
        "properties": "Schema{}",
        "propertyOrdering": "string*",
        "ref": "string",
        "required": "string*",
        "title": "string",
        "type": "enum",
    },
    "Content": {"parts": "Part*", "role": "string"},
    "Part": {
        "text": "string",
        "thought": "bool",
        "thoughtSignature": "bytes",
        "inlineData": "Blob",
        "fileData": "FileData",
        "functionCall": "FunctionCall",
        "functionResponse": "FunctionResponse",
        "executableCode": "json",
        "codeExecutionResult": "json",
        "videoMetadata": "json",
        "mediaResolution": "json",
        "partMetadata": "json",
        "toolCall": "json",
        "toolResponse": "json",
        "audioTranscription": "json",
        "mediaProcessing": "enum",
        "speechMetadata": "json",
    },
    "Blob": {"data": "bytes", "mimeType": "string", "displayName": "string"},
    "FileData": {"fileUri": "string", "mimeType": "string", "displayName": "string"},
    "FunctionCall": {
        "id": "string",
        "name": "string",
        "args": "json",
        "partialArgs": "json",
        "willContinue": "bool",
    },
    "FunctionResponse": {
        "id": "string",
        "name": "string",
        "response": "json",
        "scheduling": "enum",
        "willContinue": "bool",
        "parts": "FunctionResponsePart*",
    },
    "FunctionResponsePart": {
        "inlineData": "Blob",
        "fileData": "FileData",
        "mediaProcessing": "enum",
    },
}


def snake_case(name: str) -> str:
    """The proto name of a canonical name: `turnComplete` becomes `turn_complete`."""
    return "".join(f"_{letter.lower()}" if letter.isupper() else letter for letter in name)


def _field(name: str, written: str) -> Field:
    return Field(
        name=name,
        proto_name=snake_case(name),
        type=written.rstrip("*{}"),
        repeated=written.endswith("*"),
        mapped=written.endswith("{}"),
    )


def _by_both_spellings(fields: Mapping[str, str]) -> Mapping[str, Field]:
    table: dict[str, Field] = {}
    for name, written in fields.items():
        field = _field(name, written)
        table[name] = table[field.proto_name] = field
    return MappingProxyType(table)


# Message name -> either spelling of a field -> the field.
FIELDS: Final[Mapping[str, Mapping[str, Field]]] = MappingProxyType(
    {message: _by_both_spellings(fields) for message, fields in _MESSAGES.items()}
)
