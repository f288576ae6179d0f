"""Images in the record of a conversation; its other tests are in test_conversation.py."""

from processors.conversation import (
    FORGOTTEN_IMAGE,
    IMAGES_LIMIT_BYTES,
    MAX_SHOWN,
    Conversation,
    image_part,
)
from processors.frames import Role
from processors.gemini.settings import LiveSettings

MODEL = Role.MODEL


def test_images_belong_to_the_words_after_them() -> None:
    conversation = Conversation()
    conversation.showed([("image/png", b"lamp")])
    conversation.append(MODEL, "hello")
    conversation.complete()
    conversation.showed([("image/jpeg", b"table")])
    conversation.typed("put it there", peer_id="p")
    conversation.typed("thanks", peer_id="p")
    assert conversation.contents() == [
        {"role": "model", "parts": [{"text": "hello"}]},
        {
            "role": "user",
            "parts": [
                image_part("image/png", b"lamp"),
                image_part("image/jpeg", b"table"),
                {"text": "put it there"},
            ],
        },
        {"role": "user", "parts": [{"text": "thanks"}]},
    ]


def test_images_are_written_as_gemini_writes_them() -> None:
    part = image_part("image/png", b"\xfb\xff")
    assert part == {"inlineData": {"mimeType": "image/png", "data": "+/8="}}


def test_of_too_many_images_to_one_utterance_the_newest_count() -> None:
    conversation = Conversation()
    for number in range(MAX_SHOWN + 2):
        conversation.showed([("image/png", bytes([number]))])
    conversation.typed("look", peer_id="p")
    parts = conversation.contents()[0]["parts"]
    assert parts[0] == image_part("image/png", bytes([2]))
    assert len(parts) == MAX_SHOWN + 1


def test_another_room_may_begin_with_as_many_images_as_are_kept() -> None:
    image = ("image/png", b"x" * (IMAGES_LIMIT_BYTES // MAX_SHOWN))
    conversation = Conversation()
    for _ in range(2):
        conversation.showed([image] * MAX_SHOWN)
        conversation.typed("word " * 1000, peer_id="p")
    settings = LiveSettings.model_validate({"history": conversation.contents()})
    forgotten, kept = settings.history
    assert [part.text for part in forgotten.parts[:MAX_SHOWN]] == [FORGOTTEN_IMAGE] * MAX_SHOWN
    assert len([part for part in kept.parts if part.inline_data]) == MAX_SHOWN
