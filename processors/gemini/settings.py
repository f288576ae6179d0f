"""Settings of the Live conversation: every lever of the Live API that a room can use.

None leaves a lever to the model. Which model accepts what is in `profiles`; what is sent is made
in `live_config`. Pure: no SDK.
"""

from __future__ import annotations

import re
from typing import Annotated, Any, Final, Literal

from pydantic import (
    AfterValidator,
    BeforeValidator,
    Field,
    ValidationInfo,
    field_validator,
    model_validator,
)

from .generation import (
    STOP_AT_FIRST,
    GenerationSettings,
    Instruction,
    Labels,
    ModelName,
    Phrases,
    SettingsModel,
    Text,
    ThinkingLevel,
    Whole,
    constant,
    setting,
)
from .history import MAX_TURNS, History

DEFAULT_MODEL: Final = "gemini-3.8-live"
DEFAULT_TRIGGER_TOKENS: Final = 25_000
"""Google's example. The API's own default, 80 % of the window, lets every turn be billed with up
to 104,858 tokens, and rooms with a camera were reported to die before it is reached."""
DEFAULT_SYSTEM_INSTRUCTION: Final = (
    "You are the assistant in a live conversation. You hear the people in the room and, when a "
    "camera is on, see about one picture a second. Answer by voice and be brief: one or two "
    "sentences, unless you are asked for more. Answer in the language you are spoken to.\n"
    "You can make pictures. Call create_image to draw something new, and edit_image to change "
    "what the camera shows, an uploaded picture or the latest picture of this conversation. Put "
    "everything the picture needs into the prompt, and for an edit say what must stay as it is. "
    "When the wish is clear, call the tool at once instead of asking back; while it works you "
    "may say in a few words that you are at it. Never say or suggest that a picture is ready "
    "before the tool's result says so. If the result is an error, say plainly that it failed "
    "and why. Do not describe a picture you have not seen."
)


class Switch(SettingsModel):
    """A part of the settings that can be switched off; `true` and `false` stand for it alone."""

    enabled: bool = setting(True, "Off leaves it out of the session's setup.")

    @model_validator(mode="before")
    @classmethod
    def _from_boolean(cls, value: Any) -> Any:
        return {"enabled": value} if isinstance(value, bool) else value


class Thinking(SettingsModel):
    """How much the model thinks before it answers."""

    budget: Whole | None = setting(
        None,
        "How much it may think; 0 is not at all, -1 leaves it to the model.",
        unit="tokens",
        models="2.5",
        ge=-1,
        le=32_768,
    )
    level: ThinkingLevel | None = setting(
        None,
        "How much it thinks.",
        models="3.1 (default minimal); 3.8 extended thinking (default medium; no minimal)",
    )
    include_thoughts: bool | None = setting(
        None, "Whether summaries of the thoughts are sent.", models="all but gemini-3.8-live"
    )

    @field_validator("level")
    @classmethod
    def _not_with_budget(cls, level: str | None, info: ValidationInfo) -> str | None:
        if level is not None and info.data.get("budget") is not None:
            raise ValueError("must not be given together with a budget")
        return level


class ActivityDetection(Switch):
    """The server's voice activity detection. Off: the service marks speech itself."""

    enabled: bool = setting(
        True, "Off: the service's own detector tells the model where speech begins and ends."
    )
    start_sensitivity: Annotated[Literal["high", "low"], constant("start_sensitivity_")] | None = (
        setting(None, "How readily sound counts as speech. Unset: high, on Vertex AI low.")
    )
    end_sensitivity: Annotated[Literal["high", "low"], constant("end_sensitivity_")] | None = (
        setting(None, "How readily a pause ends an utterance. Unset: high, on Vertex AI low.")
    )
    prefix_padding_ms: Whole | None = setting(
        None, "Speech needed before it counts as begun.", unit="ms", ge=0, le=10_000
    )
    silence_duration_ms: Whole | None = setting(
        None,
        "Silence that ends an utterance; the server's own value is about 800.",
        unit="ms",
        ge=0,
        le=10_000,
    )


class ContextWindowCompression(Switch):
    """Lets a conversation outlive the context window: the oldest turns are dropped."""

    trigger_tokens: Whole | None = setting(
        DEFAULT_TRIGGER_TOKENS,
        "Context size at which old turns are dropped. The whole context is billed anew with "
        "each turn.",
        unit="tokens",
        models="all; 5,000 to 128,000 on Vertex AI",
        ge=1_000,
        le=1_000_000,
    )
    target_tokens: Whole | None = setting(
        None,
        "Context size that is kept; unset is half of the trigger.",
        span="less than the trigger, in tokens",
        ge=1,
    )

    @field_validator("target_tokens")
    @classmethod
    def _below_trigger(cls, target: int | None, info: ValidationInfo) -> int | None:
        trigger = info.data.get("trigger_tokens")
        if target is not None and trigger is not None and target >= trigger:
            raise ValueError("must be less than triggerTokens")
        return target


class SessionResumption(Switch):
    """Lets a broken or expired connection be taken up again in the same conversation."""

    transparent: bool | None = setting(
        None,
        "Whether the server says which messages it has consumed.",
        models="Vertex AI only",
    )


_LANGUAGE_TAG: Final = re.compile(r"[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8}){0,4}")
_VOICE: Final = re.compile(r"\w[\w./:-]*")


def _language(tag: str) -> str:
    if not _LANGUAGE_TAG.fullmatch(tag):
        raise ValueError("must be a BCP-47 language tag such as en-US")
    return tag


def _voice(name: str) -> str:
    if not _VOICE.fullmatch(name):
        raise ValueError("must be the name of a voice, such as Kore")
    return name


Language = Annotated[str, AfterValidator(_language)]
Voice = Annotated[Text, Field(max_length=128), AfterValidator(_voice)]


class Transcription(Switch):
    """The written form of what one side says."""

    language_codes: Annotated[tuple[Language, ...], STOP_AT_FIRST] = setting(
        (),
        "Languages to expect; empty finds out by itself.",
        span="BCP-47 tags",
        max_length=20,
    )
    custom_vocabulary: Phrases = setting(
        (), "Words and names to expect.", span="texts of at most 200 characters", max_length=500
    )
    word_timestamp: bool | None = setting(
        None, "Whether each word has its time.", models="transcription models"
    )
    diarization: bool | None = setting(
        None, "Whether speakers are told apart.", models="transcription models"
    )
    mode: Annotated[Literal["verbatim", "smart"], constant()] | None = setting(
        None,
        "Word for word, or tidied up (not with timestamps or diarization).",
        models="transcription models",
    )

    @field_validator("mode")
    @classmethod
    def _smart_alone(cls, mode: str | None, info: ValidationInfo) -> str | None:
        if mode == "smart" and (info.data.get("word_timestamp") or info.data.get("diarization")):
            raise ValueError("must not be smart together with wordTimestamp or diarization")
        return mode


class Translation(SettingsModel):
    """Interpreting instead of conversing."""

    target_language_code: Language = setting(
        ..., "The language to speak.", models="live-translate", span="BCP-47 tag"
    )
    echo_target_language: bool | None = setting(
        None,
        "Whether speech that is in the target language already is repeated.",
        models="live-translate",
    )


def _tool_names(value: object) -> object:
    """`true` and `all` stand for every registered tool, `false` and `none` for no tool."""
    # A comma list from the environment has the word as its only entry.
    word = value[0] if isinstance(value, list | tuple) and len(value) == 1 else value
    if word is True or word in ("all", "true"):
        return None
    if word is False or word in ("none", "false"):
        return ()
    return value


ToolNames = Annotated[
    Annotated[tuple[Annotated[Text, Field(min_length=1, max_length=128)], ...], STOP_AT_FIRST]
    | None,
    BeforeValidator(_tool_names),
]


class LiveSettings(GenerationSettings):
    """The settings of one Live conversation, before it is known which model will take them."""

    model: ModelName = setting(DEFAULT_MODEL, "The Live model.", span="a model's name")
    voice: Voice | None = setting(
        None,
        "The voice that answers; a name with a slash is a voice of one's own.",
        span="one of the 30 prebuilt voices, such as Kore",
    )
    language: Language | None = setting(
        None,
        "The language to speak. Native-audio models choose it by themselves.",
        span="BCP-47 tag",
    )
    system_instruction: Instruction | None = setting(
        DEFAULT_SYSTEM_INSTRUCTION,
        "What the model is told before anything else.",
        models="all but live-translate",
        span="at most 64 KiB",
        repr=False,
    )
    thinking: Thinking = setting(Thinking(), "How much the model thinks.")
    proactive_audio: bool | None = setting(
        None,
        "Whether the model may stay silent when it is not addressed.",
        models="2.5; always on with 3.8, which refuses false; not with 3.1",
    )
    affective_dialog: bool | None = setting(
        None, "Whether the model answers to the tone of a voice.", models="2.5"
    )
    automatic_activity_detection: ActivityDetection = setting(
        ActivityDetection(), "How the server hears where speech begins and ends."
    )
    turn_coverage: (
        Annotated[
            Literal["only_activity", "all_input", "audio_activity_and_all_video"],
            constant("turn_includes_"),
        ]
        | None
    ) = setting(
        None,
        "What counts as the user's turn. Unset: only_activity with 2.5, "
        "audio_activity_and_all_video from 3.1 on.",
        models="all; audio_activity_and_all_video not on Vertex AI",
    )
    activity_handling: (
        Annotated[Literal["start_of_activity_interrupts", "no_interruption"], constant()] | None
    ) = setting(None, "Whether speech interrupts the answer. Unset: it does.")
    interim_transcript_timestamps: bool | None = setting(
        None, "Whether interim transcripts have their time.", models="transcription models"
    )
    explicit_vad_signal: bool | None = setting(
        None, "Whether the server reports where speech begins and ends.", models="Vertex AI only"
    )
    context_window_compression: ContextWindowCompression = setting(
        ContextWindowCompression(), "What is kept of a long conversation."
    )
    session_resumption: SessionResumption = setting(
        SessionResumption(), "Whether a broken connection is taken up again."
    )
    input_transcription: Transcription = setting(
        Transcription(), "The transcript of what the room says."
    )
    output_transcription: Transcription = setting(
        Transcription(), "The transcript of what the model says."
    )
    translation: Translation | None = setting(None, "Interpreting.", models="live-translate")
    google_search: bool = setting(
        False, "Whether the model may search the web.", models="all but live-translate"
    )
    tools: ToolNames = setting(
        None,
        "Which registered tools the model may call.",
        models="all but live-translate",
        span="all, none or a list of names",
        max_length=512,
    )
    labels: Labels = setting(
        {},
        "Labels of the session, for billing on Vertex AI: an object, or `key=value` pairs.",
        span="at most 64, of at most 63 characters",
    )
    history: History = setting(
        (),
        "Turns to begin with: objects with `role` (user or model) and `parts`, each `text` or "
        "`inlineData` with `mimeType` and base64 `data`.",
        models="all but live-translate",
        span="at most 200 turns and 2 MiB",
        max_length=MAX_TURNS,
        repr=False,
    )

    def allows_tool(self, name: str) -> bool:
        """Whether the registered tool `name` is to be declared to the model."""
        return self.tools is None or name in self.tools
