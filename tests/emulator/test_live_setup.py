from emulator.activity import DetectionConfig
from emulator.json_types import JsonObject
from emulator.live_setup import (
    Backend,
    Behavior,
    Compression,
    Coverage,
    DeclaredTool,
    read_setup,
    read_tools,
)


def test_an_empty_setup_takes_the_defaults() -> None:
    setup = read_setup({"model": "models/gemini-3.8-live"}, Backend.MLDEV)
    assert setup.model_id == "gemini-3.8-live"
    assert (setup.speaks, setup.voice, setup.interrupts) == (True, "Puck", True)
    assert setup.detection == DetectionConfig("HIGH", "HIGH", None, None)
    assert (setup.coverage, setup.compression, setup.tools) == (None, None, ())
    asked = (setup.manual_activity, setup.transcribes_input, setup.transcribes_output)
    assert (*asked, setup.resumes, setup.includes_thoughts, setup.seeded) == (False,) * 6
    assert (setup.handle, setup.explicit_vad) == ("", False)


def test_every_lever_is_read() -> None:
    setup = read_setup(
        {
            "model": "projects/p/locations/l/publishers/google/models/m",
            "generationConfig": {
                "responseModalities": ["TEXT"],
                "speechConfig": {
                    "voiceConfig": {"prebuiltVoiceConfig": {"voiceName": "Kore"}},
                    "languageCode": "de-DE",
                },
                "thinkingConfig": {"includeThoughts": True},
            },
            "realtimeInputConfig": {
                "automaticActivityDetection": {
                    "disabled": True,
                    "startOfSpeechSensitivity": "START_SENSITIVITY_LOW",
                    "endOfSpeechSensitivity": "END_SENSITIVITY_HIGH",
                    "prefixPaddingMs": 20,
                    "silenceDurationMs": 300,
                },
                "activityHandling": "NO_INTERRUPTION",
                "turnCoverage": "TURN_INCLUDES_ALL_INPUT",
            },
            "inputAudioTranscription": {},
            "outputAudioTranscription": {},
            "sessionResumption": {"handle": "h"},
            "contextWindowCompression": {"triggerTokens": "1000"},
            "historyConfig": {"initialHistoryInClientContent": True},
            "explicitVadSignal": True,
        },
        Backend.VERTEX,
    )
    assert setup.model_id == "m"
    assert (setup.speaks, setup.voice, setup.interrupts) == (False, "Kore", False)
    assert setup.language == "de-DE"
    assert setup.detection == DetectionConfig("LOW", "HIGH", 20, 300)
    assert setup.coverage is Coverage.ALL_INPUT
    assert setup.compression == Compression(1000, 500)
    asked = (setup.manual_activity, setup.transcribes_input, setup.transcribes_output)
    assert (*asked, setup.resumes, setup.includes_thoughts, setup.seeded) == (True,) * 6
    assert (setup.handle, setup.explicit_vad) == ("h", True)


def test_unspecified_sensitivity_depends_on_the_backend() -> None:
    detection = read_setup({"model": "m"}, Backend.VERTEX).detection
    assert (detection.start, detection.end) == ("LOW", "LOW")


def test_compression_defaults_come_from_the_context_window() -> None:
    setup = read_setup({"contextWindowCompression": {}}, Backend.MLDEV)
    assert setup.compression == Compression(104_858, 52_429)
    target: JsonObject = {"triggerTokens": 25000, "slidingWindow": {"targetTokens": 8000}}
    setup = read_setup({"contextWindowCompression": target}, Backend.MLDEV)
    assert setup.compression == Compression(25_000, 8_000)


def test_declared_functions_of_all_tools_are_collected() -> None:
    assert read_tools(
        [
            {"googleSearch": {}},
            {"functionDeclarations": [{"name": "a"}, {"name": "b", "behavior": "BLOCKING"}]},
            {"functionDeclarations": [{"name": "c", "behavior": "NON_BLOCKING"}]},
        ]
    ) == (
        DeclaredTool("a", None),
        DeclaredTool("b", Behavior.BLOCKING),
        DeclaredTool("c", Behavior.NON_BLOCKING),
    )


def test_the_instruction_is_the_text_of_its_parts() -> None:
    written: JsonObject = {"parts": [{"text": "be "}, {"text": "kind"}]}
    assert read_setup({"systemInstruction": written}, Backend.MLDEV).instruction == "be kind"
    assert read_setup({}, Backend.MLDEV).instruction == ""
