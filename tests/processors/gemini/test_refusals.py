"""Refusals: paths, sentences, and that no value is ever repeated."""

from typing import Annotated, Literal

import pytest
from pydantic import BeforeValidator, Field, ValidationError

from processors.gemini.generation import SettingsModel
from processors.gemini.refusals import (
    Refusal,
    field_names,
    nearest,
    nested_model,
    refusals,
    refuse,
    wire_name,
)


class Part(SettingsModel):
    level: Literal["low", "high"] = "low"


class Whole(SettingsModel):
    top_p: float | None = Field(None, ge=0, le=1)
    above: float = Field(1, gt=0, lt=2)
    count: int = 0
    name: str = Field("abc", min_length=2, max_length=3)
    flag: bool = False
    part: Part = Part()
    parts: tuple[Part, ...] = Field((), max_length=2)
    maybe: Annotated[Part, "note"] | None = None
    words: dict[str, str] = {}
    checked: Annotated[str, BeforeValidator(lambda text: text), Field(max_length=3)] = ""


class Required(SettingsModel):
    role: str
    parts: tuple[Part, ...] = Field(min_length=1)


def sentence(settings: type[SettingsModel], given: object) -> str:
    with pytest.raises(ValidationError) as caught:
        settings.model_validate(given)
    return refusals(caught.value, settings, {"old_name": "it is gone"})[0].sentence


@pytest.mark.parametrize(
    ("path", "name"),
    [
        ((), ""),
        (("top_p",), "topP"),
        (("thinking", "level"), "thinking.level"),
        (("safety_settings", 0, "category"), "safetySettings[0].category"),
    ],
)
def test_wire_names(path: tuple[str | int, ...], name: str) -> None:
    assert wire_name(path) == name


def test_a_refusal_names_its_field_and_can_be_seen_from_above() -> None:
    refusal = refuse("part.level", "must be low")
    assert refusal == Refusal(("part", "level"), "must be low")
    assert refusal.field == "part.level"
    assert refusal.sentence == "part.level must be low."
    assert refusal.below("image").sentence == "image.part.level must be low."


def test_a_question_ends_a_sentence_by_itself() -> None:
    assert refuse("vice", "is not a setting; did you mean voice?").sentence.endswith("voice?")


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({"topP": 1.5}, "topP must be at most 1."),
        ({"top_p": -1}, "topP must be at least 0."),
        ({"topP": "much"}, "topP must be a number."),
        ({"topP": []}, "topP must be a number."),
        ({"topP": float("nan")}, "topP must be a finite number."),
        ({"above": 0}, "above must be more than 0."),
        ({"above": 2}, "above must be less than 2."),
        ({"count": 1.5}, "count must be a whole number."),
        ({"count": "x"}, "count must be a whole number."),
        ({"count": []}, "count must be a whole number."),
        ({"count": "9" * 5000}, "count is too large."),
        ({"name": 7}, "name must be a text."),
        ({"name": "a"}, "name must have at least 2 characters."),
        ({"name": "abcd"}, "name must have at most 3 characters."),
        ({"checked": "abcd"}, "checked must have at most 3 characters."),
        ({"flag": "perhaps"}, "flag must be true or false."),
        ({"flag": []}, "flag must be true or false."),
        ({"part": "x"}, "part must be an object."),
        ({"part": {"level": "x"}}, "part.level must be 'low' or 'high'."),
        ({"parts": "x"}, "parts must be a list."),
        ({"parts": [{}, {"level": 3}]}, "parts[1].level must be 'low' or 'high'."),
        ({"parts": [{}, {}, {}]}, "parts must have at most 2 entries."),
        ({"words": []}, "words must be an object."),
        ({"oldName": 1}, "oldName is not accepted: it is gone."),
        ({"old_name": 1}, "oldName is not accepted: it is gone."),
        ({"nome": 1}, "nome is not a setting; did you mean name?"),
        ({"part": {"levle": 1}}, "part.levle is not a setting; did you mean level?"),
        ({"maybe": {"levle": 1}}, "maybe.levle is not a setting; did you mean level?"),
        ({"parts": [{"levle": 1}]}, "parts[0].levle is not a setting; did you mean level?"),
    ],
)
def test_every_kind_of_error_has_a_sentence(given: object, expected: str) -> None:
    assert sentence(Whole, given) == expected


def test_what_is_required() -> None:
    assert sentence(Required, {}) == "role is required."
    too_few = {"role": "user", "parts": []}
    assert sentence(Required, too_few) == "parts must not be empty."


def test_an_unforeseen_error_is_still_a_sentence() -> None:
    class Odd(SettingsModel):
        data: bytes = b""

    assert sentence(Odd, {"data": 5}) == "data is not acceptable."


def test_all_errors_are_told() -> None:
    with pytest.raises(ValidationError) as caught:
        Whole.model_validate({"topP": 2, "count": "x"})
    assert [refusal.field for refusal in refusals(caught.value, Whole, {})] == ["topP", "count"]


def test_the_text_of_the_error_leaves_values_out() -> None:
    with pytest.raises(ValidationError) as caught:
        Whole.model_validate({"name": "secret words"})
    assert "secret" not in str(caught.value)


def test_nearest_name() -> None:
    assert nearest("voyce", ["voice", "model"]) == "voice"
    assert nearest("zzz", ["voice", "model"]) is None


def test_nested_models_are_found_or_not() -> None:
    assert nested_model(Whole, "part") is Part
    assert nested_model(Whole, "maybe") is Part
    assert nested_model(Whole, "parts") is Part
    assert nested_model(Whole, "count") is None
    assert nested_model(Whole, "words") is None
    assert nested_model(Whole, "missing") is None
    assert field_names(Whole, ("parts", 3)) == ["level"]
    assert field_names(Whole, ("count", "deeper", "still")) == []
