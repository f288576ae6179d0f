"""What of a room's settings may be shown."""

import json

from pipeline.in_force import InForce, shown
from pipeline.room_overrides import room_settings_untrusted
from pipeline.room_settings import RoomSettings

GIVEN = {
    "model": "gemini-3.8-live-extended-thinking",
    "voice": "Kore",
    "thinking": {"level": "low"},
    "safetySettings": {"harassment": "block_none"},
    "translation": None,
    "tools": ["weather"],
    "inputTranscription": {"customVocabulary": ["Easel"]},
    "image": {"aspectRatio": "16:9"},
    "video": {"jpegQuality": 70},
}
WORDS = {
    "systemInstruction": "hush 1",
    "greeting": "hush 2",
    "history": [{"role": "user", "parts": [{"text": "hush 3"}]}],
    "labels": {"team": "hush-4"},
    "imageSystemInstruction": "hush 5",
    "imageLabels": {"team": "hush-6"},
}


def test_who_holds_it_sees_what_is_put_in() -> None:
    held = InForce(RoomSettings())
    held.settings = RoomSettings(greeting="Hello.")
    assert held.settings.greeting == "Hello."


def test_what_is_set_is_shown_by_the_keys_of_a_room() -> None:
    told = shown(room_settings_untrusted(RoomSettings(), GIVEN, vertex=False))
    assert told["voice"] == "Kore"
    assert told["thinkingLevel"] == "low"
    assert told["inputTranscriptionCustomVocabulary"] == ["Easel"]
    assert told["safetySettings"] == [
        {"category": "harassment", "threshold": "block_none", "method": None}
    ]
    assert (told["imageAspectRatio"], told["videoJpegQuality"]) == ("16:9", 70)
    assert told["googleSearch"] is False
    assert not told.keys() & {"translation", "thinking", "temperature", "imageTimeoutS"}
    assert None not in told.values()


def test_it_opens_another_room_of_the_same_kind() -> None:
    first = room_settings_untrusted(RoomSettings(), GIVEN, vertex=False)
    told = json.loads(json.dumps(shown(first)))
    assert room_settings_untrusted(RoomSettings(), told, vertex=False) == first


def test_nobodys_words_are_repeated() -> None:
    told = shown(room_settings_untrusted(RoomSettings(), WORDS, vertex=False))
    assert "hush" not in json.dumps(told)
    assert told == shown(RoomSettings())
