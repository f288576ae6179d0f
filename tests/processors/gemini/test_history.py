"""Turns to begin with: their shape, their bounds, and both alphabets of base64."""

import base64

import pytest
from pydantic import ValidationError

from processors.gemini.generation import SettingsModel
from processors.gemini.history import (
    MAX_HISTORY_BYTES,
    MAX_PARTS_PER_TURN,
    History,
    HistoryPart,
    InlineData,
)
from processors.gemini.refusals import refusals

DATA = b"\xfb\xff\xfe\x01"


class Holder(SettingsModel):
    history: History = ()


def refused(history: object) -> str:
    with pytest.raises(ValidationError) as caught:
        Holder.model_validate({"history": history})
    return refusals(caught.value, Holder, {})[0].sentence


def turn(*parts: object, role: str = "user") -> dict[str, object]:
    return {"role": role, "parts": list(parts)}


def image(data: object) -> dict[str, object]:
    return {"inlineData": {"mimeType": "image/png", "data": data}}


@pytest.mark.parametrize(
    "data",
    [
        base64.b64encode(DATA).decode(),
        base64.urlsafe_b64encode(DATA).decode(),
        base64.urlsafe_b64encode(DATA).decode().rstrip("="),
        DATA,
    ],
)
def test_images_in_every_spelling(data: object) -> None:
    holder = Holder.model_validate({"history": [turn({"text": "see"}, image(data), role="MODEL")]})
    (only,) = holder.history
    assert only.role == "model"
    assert only.parts[0].text == "see"
    assert only.parts[1].inline_data is not None
    assert only.parts[1].inline_data.data == DATA
    assert [part.size_bytes for part in only.parts] == [3, 4]


@pytest.mark.parametrize(
    ("part", "sentence"),
    [
        (
            {},
            "history[0].parts[0].inlineData must stand alone: a part is either text or inlineData.",
        ),
        (
            {"text": "a", **image("AAAA")},
            "history[0].parts[0].inlineData must stand alone: a part is either text or inlineData.",
        ),
        ({"text": ""}, "history[0].parts[0].text must not be empty."),
        (image("%%%"), "history[0].parts[0].inlineData.data must be a text in base64."),
        (image("A"), "history[0].parts[0].inlineData.data must be a text in base64."),
        (image("é"), "history[0].parts[0].inlineData.data must be a text in base64."),
        (image(5), "history[0].parts[0].inlineData.data must be a text in base64."),
        (image(""), "history[0].parts[0].inlineData.data must not be empty."),
        (
            {"inlineData": {"mimeType": "image/gif", "data": "AAAA"}},
            "history[0].parts[0].inlineData.mimeType must be "
            "'image/jpeg', 'image/png' or 'image/webp'.",
        ),
    ],
)
def test_parts_refused(part: object, sentence: str) -> None:
    assert refused([turn(part)]) == sentence


def test_turns_refused() -> None:
    assert refused([turn({"text": "a"}, role="system")]) == (
        "history[0].role must be 'user' or 'model'."
    )
    assert refused([turn()]) == "history[0].parts must not be empty."
    many = [{"text": "a"}] * (MAX_PARTS_PER_TURN + 1)
    assert refused([turn(*many)]) == "history[0].parts must have at most 32 entries."


def test_the_size_is_bounded_over_all_turns() -> None:
    half = base64.b64encode(b"\0" * (MAX_HISTORY_BYTES // 2)).decode()
    Holder.model_validate({"history": [turn(image(half)), turn(image(half))]})
    assert refused([turn(image(half)), turn(image(half)), turn({"text": "a"})]) == (
        "history must have at most 2097152 bytes of text and images."
    )


def test_what_was_said_is_not_in_the_repr() -> None:
    said = HistoryPart(text="my secret")
    seen = HistoryPart.model_validate(image(DATA))
    assert "secret" not in repr(said)
    assert "xfb" not in repr(seen)


def test_an_image_is_base64_in_json_and_there_and_back_again() -> None:
    image = InlineData.model_validate({"mime_type": "image/png", "data": b"\xff\x00"})
    assert image.model_dump(mode="json")["data"] == "/wA="
    assert InlineData.model_validate(image.model_dump(mode="json")) == image
