"""The setup of a Live session: settings in, google-genai's LiveConnectConfig out.

The settings have passed `profiles.check`; nothing is refused here. What is left to the model is
left out, because the server refuses some fields for their presence alone.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from google.genai import types

from .generation_config import media_resolution, safety_settings, thinking_level
from .outbox import ContextUpdate
from .profiles import ModelProfile, prebuilt_voice, profile_for
from .settings import ActivityDetection, LiveSettings, Transcription


def live_connect_config(
    settings: LiveSettings,
    *,
    profile: ModelProfile,
    tools: Sequence[types.FunctionDeclaration],
    handle: str | None,
    vertex: bool,
    seeded: bool = False,
) -> types.LiveConnectConfig:
    """The config of one connection, with `profile_for(settings.model, vertex=vertex)`.

    `tools` are all registered tools; those the settings allow are declared. With a `handle` the
    session it names is resumed. `seeded` says that a fresh session is told a seed first, whether
    `settings.history` or what was said since; some models must know that beforehand. A new object
    each time: the SDK writes into it.

    Penalties can only be sent in the field `generation_config`, which the SDK calls deprecated:
    `connect` gives a DeprecationWarning when one is set.
    """
    conversational = profile.conversational
    return types.LiveConnectConfig(
        http_options=_http_options(settings, profile, vertex),
        generation_config=_penalties(settings),
        response_modalities=[types.Modality.AUDIO],
        temperature=settings.temperature,
        top_p=settings.top_p,
        top_k=settings.top_k,
        max_output_tokens=settings.max_output_tokens,
        media_resolution=media_resolution(settings),
        seed=settings.seed,
        speech_config=_speech(settings),
        thinking_config=_thinking(settings, profile),
        enable_affective_dialog=settings.affective_dialog,
        system_instruction=(settings.system_instruction or None) if conversational else None,
        tools=_tools(settings, profile, tools) if conversational else None,
        session_resumption=_resumption(settings, handle) if conversational else None,
        input_audio_transcription=_transcription(settings.input_transcription),
        output_audio_transcription=_transcription(settings.output_transcription),
        realtime_input_config=_realtime_input(settings),
        context_window_compression=_compression(settings) if conversational else None,
        proactivity=_proactivity(settings, profile),
        explicit_vad_signal=settings.explicit_vad_signal,
        history_config=_history(seeded, profile, handle),
        safety_settings=safety_settings(settings),
        translation_config=_translation(settings),
        labels=settings.labels or None,
    )


class LiveSetup:
    """What Gemini is told of settings and tools, as they are when it is told.

    The model is the one that was set at first.
    """

    def __init__(
        self,
        settings: Callable[[], LiveSettings],
        tools: Callable[[], Sequence[types.FunctionDeclaration]],
        *,
        vertex: bool,
    ) -> None:
        self.model = settings().model
        self.profile = profile_for(self.model, vertex=vertex)
        self._settings = settings
        self._tools = tools
        self._vertex = vertex

    def config(self, handle: str | None, seeded: bool) -> types.LiveConnectConfig:
        """For the next connection."""
        return live_connect_config(
            self._settings(),
            profile=self.profile,
            tools=self._tools(),
            handle=handle,
            vertex=self._vertex,
            seeded=seeded,
        )

    def update(self, *, instruction: bool, tools: bool) -> ContextUpdate:
        """For the connection there is. There must be an instruction, or it must not change."""
        settings = self._settings()
        declared = _tools(settings, self.profile, self._tools()) or []
        return ContextUpdate(
            settings.system_instruction if instruction else None,
            tuple(declared) if tools else None,
        )


def _http_options(
    settings: LiveSettings, profile: ModelProfile, vertex: bool
) -> types.HttpOptions | None:
    version = None if vertex else profile.native_audio_api_version
    asked = settings.proactive_audio is not None or settings.affective_dialog is not None
    return types.HttpOptions(api_version=version) if version and asked else None


def _penalties(settings: LiveSettings) -> types.GenerationConfig | None:
    presence, frequency = settings.presence_penalty, settings.frequency_penalty
    if presence is None and frequency is None:
        return None
    return types.GenerationConfig(presence_penalty=presence, frequency_penalty=frequency)


def _speech(settings: LiveSettings) -> types.SpeechConfig | None:
    if settings.voice is None and settings.language is None:
        return None
    return types.SpeechConfig(voice_config=_voice(settings), language_code=settings.language)


def _voice(settings: LiveSettings) -> types.VoiceConfig | None:
    if settings.voice is None:
        return None
    if "/" in settings.voice:
        return types.VoiceConfig(voice=settings.voice)
    name = prebuilt_voice(settings.voice) or settings.voice
    return types.VoiceConfig(prebuilt_voice_config=types.PrebuiltVoiceConfig(voice_name=name))


def _thinking(settings: LiveSettings, profile: ModelProfile) -> types.ThinkingConfig | None:
    thinking = settings.thinking
    level = thinking.level or profile.default_thinking_level
    if level is None and thinking.budget is None and thinking.include_thoughts is None:
        return None
    return types.ThinkingConfig(
        thinking_level=thinking_level(level),
        thinking_budget=thinking.budget,
        include_thoughts=thinking.include_thoughts,
    )


def _tools(
    settings: LiveSettings, profile: ModelProfile, tools: Sequence[types.FunctionDeclaration]
) -> types.ToolListUnion | None:
    declared = [
        _declaration(tool, profile) for tool in tools if settings.allows_tool(tool.name or "")
    ]
    kinds: types.ToolListUnion = []
    if declared:
        kinds.append(types.Tool(function_declarations=declared))
    if settings.google_search:
        kinds.append(types.Tool(google_search=types.GoogleSearch()))
    return kinds or None


def _declaration(
    tool: types.FunctionDeclaration, profile: ModelProfile
) -> types.FunctionDeclaration:
    wanted = tool.behavior.value if tool.behavior else profile.declared_behavior
    accepted = profile.accepted_behaviors
    if wanted is not None and accepted is not None and wanted not in accepted:
        wanted = None
    behavior = types.Behavior(wanted) if wanted else None
    return tool.model_copy(update={"behavior": behavior})


def _resumption(settings: LiveSettings, handle: str | None) -> types.SessionResumptionConfig | None:
    resumption = settings.session_resumption
    if not resumption.enabled:
        return None
    return types.SessionResumptionConfig(handle=handle, transparent=resumption.transparent)


def _transcription(transcription: Transcription) -> types.AudioTranscriptionConfig | None:
    if not transcription.enabled:
        return None
    mode = transcription.mode
    return types.AudioTranscriptionConfig(
        language_codes=list(transcription.language_codes) or None,
        custom_vocabulary=list(transcription.custom_vocabulary) or None,
        word_timestamp=transcription.word_timestamp,
        diarization=transcription.diarization,
        mode=types.AudioTranscriptionConfigMode(mode.upper()) if mode else None,
    )


def _realtime_input(settings: LiveSettings) -> types.RealtimeInputConfig | None:
    coverage, handling = settings.turn_coverage, settings.activity_handling
    config = types.RealtimeInputConfig(
        automatic_activity_detection=_activity(settings.automatic_activity_detection),
        activity_handling=types.ActivityHandling(handling.upper()) if handling else None,
        turn_coverage=types.TurnCoverage(f"TURN_INCLUDES_{coverage.upper()}") if coverage else None,
        interim_transcript_timestamp_enabled=settings.interim_transcript_timestamps,
    )
    return config if config.model_dump(exclude_none=True) else None


def _activity(detection: ActivityDetection) -> types.AutomaticActivityDetection | None:
    start, end = detection.start_sensitivity, detection.end_sensitivity
    config = types.AutomaticActivityDetection(
        disabled=None if detection.enabled else True,
        start_of_speech_sensitivity=(
            types.StartSensitivity(f"START_SENSITIVITY_{start.upper()}") if start else None
        ),
        end_of_speech_sensitivity=(
            types.EndSensitivity(f"END_SENSITIVITY_{end.upper()}") if end else None
        ),
        prefix_padding_ms=detection.prefix_padding_ms,
        silence_duration_ms=detection.silence_duration_ms,
    )
    return config if config.model_dump(exclude_none=True) else None


def _compression(settings: LiveSettings) -> types.ContextWindowCompressionConfig | None:
    compression = settings.context_window_compression
    if not compression.enabled:
        return None
    return types.ContextWindowCompressionConfig(
        trigger_tokens=compression.trigger_tokens,
        sliding_window=types.SlidingWindow(target_tokens=compression.target_tokens),
    )


def _proactivity(settings: LiveSettings, profile: ModelProfile) -> types.ProactivityConfig | None:
    # A model that is always proactive is not told so: the field may go away there.
    if settings.proactive_audio is None or profile.proactive_audio == "always":
        return None
    return types.ProactivityConfig(proactive_audio=settings.proactive_audio)


def _history(seeded: bool, profile: ModelProfile, handle: str | None) -> types.HistoryConfig | None:
    if not seeded or not profile.seed_needs_history_config or handle is not None:
        return None
    return types.HistoryConfig(initial_history_in_client_content=True)


def _translation(settings: LiveSettings) -> types.TranslationConfig | None:
    translation = settings.translation
    if translation is None:
        return None
    return types.TranslationConfig(
        target_language_code=translation.target_language_code,
        echo_target_language=translation.echo_target_language,
    )
