"""The first message of a connection, read once into typed values."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import Final

from emulator.activity import HIGH, LOW, DetectionConfig
from emulator.json_types import JSON, JsonObject, list_of, number_of, object_of, text_of

DEFAULT_VOICE: Final = "Puck"
DEFAULT_LANGUAGE: Final = "en-US"
# Of the 131,072 tokens of context, the documented share that triggers compression.
DEFAULT_TRIGGER_TOKENS: Final = 104_858


class Backend(Enum):
    """Which of Google's two services the client believes it speaks to."""

    MLDEV = "mldev"
    VERTEX = "vertex"


class Behavior(Enum):
    """Whether the model waits for a function's response."""

    BLOCKING = "BLOCKING"
    NON_BLOCKING = "NON_BLOCKING"


class Coverage(Enum):
    """Which input becomes part of the turn (and is billed)."""

    ONLY_ACTIVITY = "TURN_INCLUDES_ONLY_ACTIVITY"
    ALL_INPUT = "TURN_INCLUDES_ALL_INPUT"
    ACTIVITY_AND_ALL_VIDEO = "TURN_INCLUDES_AUDIO_ACTIVITY_AND_ALL_VIDEO"


@dataclass(frozen=True, slots=True)
class Compression:
    """Sliding-window compression of the context, in tokens."""

    trigger: int
    target: int


@dataclass(frozen=True, slots=True)
class DeclaredTool:
    """One declared function; `behavior` is None when the declaration leaves it to the model."""

    name: str
    behavior: Behavior | None


@dataclass(frozen=True, slots=True)
class LiveSetup:
    """What a setup asks for. `raw` has canonical keys; None means "the model's default"."""

    raw: JsonObject
    model: str
    instruction: str
    speaks: bool
    voice: str
    language: str
    detection: DetectionConfig
    manual_activity: bool
    interrupts: bool
    coverage: Coverage | None
    transcribes_input: bool
    transcribes_output: bool
    resumes: bool
    handle: str
    transparent: bool
    compression: Compression | None
    tools: tuple[DeclaredTool, ...]
    includes_thoughts: bool
    seeded: bool
    explicit_vad: bool

    @property
    def model_id(self) -> str:
        """The last segment of the model's resource name."""
        return self.model.rpartition("/")[2]


def read_setup(raw: JsonObject, backend: Backend) -> LiveSetup:
    """Read a setup whose keys are canonical and whose types are checked."""
    generation = object_of(raw.get("generationConfig"))
    speech = object_of(generation.get("speechConfig"))
    voice = object_of(speech.get("voiceConfig"))
    prebuilt = object_of(voice.get("prebuiltVoiceConfig"))
    realtime = object_of(raw.get("realtimeInputConfig"))
    detection = object_of(realtime.get("automaticActivityDetection"))
    thinking = object_of(generation.get("thinkingConfig"))
    history = object_of(raw.get("historyConfig"))
    resumption = object_of(raw.get("sessionResumption"))
    modalities = list_of(generation.get("responseModalities"))
    return LiveSetup(
        raw=raw,
        model=text_of(raw.get("model")),
        instruction=text_of_content(raw.get("systemInstruction")),
        speaks=not modalities or "AUDIO" in modalities,
        voice=text_of(prebuilt.get("voiceName")) or DEFAULT_VOICE,
        language=text_of(speech.get("languageCode")) or DEFAULT_LANGUAGE,
        detection=_detection(detection, backend),
        manual_activity=detection.get("disabled") is True,
        interrupts=realtime.get("activityHandling") != "NO_INTERRUPTION",
        coverage=_coverage(realtime.get("turnCoverage")),
        transcribes_input="inputAudioTranscription" in raw,
        transcribes_output="outputAudioTranscription" in raw,
        resumes="sessionResumption" in raw,
        handle=text_of(resumption.get("handle")),
        transparent=resumption.get("transparent") is True,
        compression=_compression(raw.get("contextWindowCompression")),
        tools=read_tools(list_of(raw.get("tools"))),
        includes_thoughts=thinking.get("includeThoughts") is True,
        seeded=history.get("initialHistoryInClientContent") is True,
        explicit_vad=raw.get("explicitVadSignal") is True,
    )


def read_tools(tools: list[JSON]) -> tuple[DeclaredTool, ...]:
    """The functions declared in a list of tools with canonical keys."""
    declared: list[DeclaredTool] = []
    for tool in map(object_of, tools):
        for function in map(object_of, list_of(tool.get("functionDeclarations"))):
            written = function.get("behavior")
            known = {behavior.value: behavior for behavior in Behavior}
            declared.append(
                DeclaredTool(text_of(function.get("name")), known.get(text_of(written)))
            )
    return tuple(declared)


def text_of_content(written: JSON) -> str:
    """The texts of a content's parts, joined."""
    parts = map(object_of, list_of(object_of(written).get("parts")))
    return "".join(text_of(part.get("text")) for part in parts)


def _detection(detection: JsonObject, backend: Backend) -> DetectionConfig:
    # Unspecified means HIGH on the Gemini API and LOW on the enterprise platform.
    default = HIGH if backend is Backend.MLDEV else LOW
    prefix = number_of(detection.get("prefixPaddingMs"))
    silence = number_of(detection.get("silenceDurationMs"))
    return DetectionConfig(
        start=_sensitivity(detection.get("startOfSpeechSensitivity"), default),
        end=_sensitivity(detection.get("endOfSpeechSensitivity"), default),
        prefix_padding_ms=None if prefix is None else int(prefix),
        silence_duration_ms=None if silence is None else int(silence),
    )


def _sensitivity(written: JSON, default: str) -> str:
    level = text_of(written).rpartition("_")[2]
    return level if level in (HIGH, LOW) else default


def _coverage(written: JSON) -> Coverage | None:
    return {coverage.value: coverage for coverage in Coverage}.get(text_of(written))


def _compression(written: JSON) -> Compression | None:
    if not isinstance(written, dict):
        return None
    trigger = int(number_of(written.get("triggerTokens")) or DEFAULT_TRIGGER_TOKENS)
    window = object_of(written.get("slidingWindow"))
    return Compression(trigger, int(number_of(window.get("targetTokens")) or trigger // 2))
