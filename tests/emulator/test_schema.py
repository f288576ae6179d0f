from google.genai import types
from pydantic import BaseModel

from emulator.schema import FIELDS, SCALARS, snake_case


def test_snake_case_is_the_proto_spelling() -> None:
    assert snake_case("turnComplete") == "turn_complete"
    assert snake_case("model") == "model"


def test_both_spellings_lead_to_the_same_field() -> None:
    table = FIELDS["Setup"]
    assert table["generation_config"] is table["generationConfig"]
    assert table["generationConfig"].type == "GenerationConfig"


def test_marks_of_lists_and_maps_are_read() -> None:
    assert FIELDS["Setup"]["tools"].repeated
    assert FIELDS["Schema"]["properties"].mapped
    assert FIELDS["Schema"]["properties"].type == "Schema"
    assert not FIELDS["Setup"]["model"].repeated


def test_every_type_exists() -> None:
    for fields in FIELDS.values():
        assert {field.type for field in fields.values()} <= SCALARS | FIELDS.keys()


def test_every_field_that_the_sdk_can_send_is_known() -> None:
    pairs: dict[str, type[BaseModel]] = {
        "Setup": types.LiveClientSetup,
        "RealtimeInput": types.LiveClientRealtimeInput,
        "ClientContent": types.LiveClientContent,
        "ToolResponseMessage": types.LiveClientToolResponse,
        "RealtimeInputConfig": types.RealtimeInputConfig,
        "ActivityDetection": types.AutomaticActivityDetection,
        "GenerationConfig": types.GenerationConfig,
        "SpeechConfig": types.SpeechConfig,
        "VoiceConfig": types.VoiceConfig,
        "ThinkingConfig": types.ThinkingConfig,
        "AudioTranscription": types.AudioTranscriptionConfig,
        "ContextWindowCompression": types.ContextWindowCompressionConfig,
        "SessionResumption": types.SessionResumptionConfig,
        "FunctionDeclaration": types.FunctionDeclaration,
        "FunctionResponse": types.FunctionResponse,
        "Part": types.Part,
        "Tool": types.Tool,
        "Schema": types.Schema,
        "Blob": types.Blob,
    }
    for message, model in pairs.items():
        assert set(model.model_fields) <= FIELDS[message].keys(), message
