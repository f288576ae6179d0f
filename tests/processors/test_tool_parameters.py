import json
import socket
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any, Literal, Optional

import pytest
from pydantic import BaseModel, Field

from processors.errors import ToolError
from processors.tool_parameters import ToolUnusable, parameters_of


class Spot(BaseModel):
    x: int
    y: float = 0.5


def everything(
    text: Annotated[str, "What to say."],
    colour: Annotated[Literal["red", "blue"], Field(description="One of two.")],
    only: Literal["this"] = "this",
    count: int | None = None,
    old: Optional[str] = None,  # noqa: UP045  # authors write it
    spots: list[Spot] = [],  # noqa: B006  # likewise
    sizes: dict[str, int] = {},  # noqa: B006  # likewise
    share: Annotated[float, Field(ge=0, le=1)] = 0.5,
    model_config: bool = False,
) -> None: ...


def schema_of(function: Callable[..., Any]) -> dict[str, Any]:
    schema = parameters_of(function).schema
    assert schema is not None
    return schema


def properties_of(function: Callable[..., Any]) -> dict[str, Any]:
    properties: dict[str, Any] = schema_of(function)["properties"]
    return properties


def test_each_kind_of_annotation_has_its_schema() -> None:
    assert properties_of(everything) == {
        "text": {"type": "string", "description": "What to say."},
        "colour": {"type": "string", "enum": ["red", "blue"], "description": "One of two."},
        "only": {"type": "string", "enum": ["this"], "default": "this"},
        "count": {"anyOf": [{"type": "integer"}, {"type": "null"}], "default": None},
        "old": {"anyOf": [{"type": "string"}, {"type": "null"}], "default": None},
        "spots": {"type": "array", "items": {"$ref": "#/$defs/Spot"}, "default": []},
        "sizes": {"type": "object", "additionalProperties": {"type": "integer"}, "default": {}},
        "share": {"type": "number", "minimum": 0, "maximum": 1, "default": 0.5},
        "model_config": {"type": "boolean", "default": False},
    }


def test_only_parameters_without_default_are_required() -> None:
    assert schema_of(everything)["required"] == ["text", "colour"]


def test_nested_models_are_defined_without_titles() -> None:
    schema = schema_of(everything)
    assert schema["$defs"]["Spot"] == {
        "type": "object",
        "properties": {"x": {"type": "integer"}, "y": {"type": "number", "default": 0.5}},
        "required": ["x"],
    }
    assert "title" not in json.dumps(schema)


def test_a_function_that_takes_nothing_has_no_schema() -> None:
    def rest() -> None: ...

    parameters = parameters_of(rest)
    assert parameters.schema is None
    assert parameters.bind({}) == {}


def test_a_method_leaves_out_its_instance() -> None:
    class Lamp:
        def dim(self, share: float) -> None: ...

    assert parameters_of(Lamp.dim, skip=1).schema == {
        "type": "object",
        "properties": {"share": {"type": "number"}},
        "required": ["share"],
        "additionalProperties": False,
    }


def test_annotations_may_be_texts() -> None:
    def late(count: "int") -> None: ...

    assert properties_of(late) == {"count": {"type": "integer"}}


def test_a_default_that_json_does_not_have_is_left_out() -> None:
    def at(place: Path = Path("."), anything: object = object()) -> None: ...  # noqa: B008  # never called

    assert "default" not in properties_of(at)["anything"]
    assert parameters_of(at).bind({}) == {}


def _socket(connection: socket.socket) -> None: ...
def _callback(done: Callable[[], int]) -> None: ...
def _positional(text: str, /) -> None: ...
def _several(*texts: str) -> None: ...
def _any_name(**texts: str) -> None: ...
def _bare(text) -> None: ...  # type: ignore[no-untyped-def]  # what is tested
def _nowhere(text: "Nowhere") -> None: ...  # type: ignore[name-defined]  # noqa: F821  # what is tested


@pytest.mark.parametrize(
    ("function", "sentence"),
    [
        (_socket, "its parameter connection is of a type that JSON does not have"),
        (_callback, "its parameter done is of a type that JSON does not have"),
        (_positional, "its parameter text cannot be given by name"),
        (_several, "its parameter texts cannot be given by name"),
        (_any_name, "its parameter texts cannot be given by name"),
        (_bare, "its parameter text has no annotation"),
        (_nowhere, "its annotations cannot be read: name 'Nowhere' is not defined"),
    ],
)
def test_a_function_that_cannot_be_declared_says_why(
    function: Callable[..., Any], sentence: str
) -> None:
    with pytest.raises(ToolUnusable) as told:
        parameters_of(function)
    assert str(told.value) == sentence


def test_arguments_come_in_the_types_of_the_signature() -> None:
    bound = parameters_of(everything).bind(
        {"text": "hi", "colour": "red", "count": 5.0, "spots": [{"x": "3"}], "model_config": True}
    )
    assert bound == {
        "text": "hi",
        "colour": "red",
        "count": 5,
        "spots": [Spot(x=3)],
        "model_config": True,
    }


@pytest.mark.parametrize(
    ("args", "sentence"),
    [
        ({"colour": "red"}, "text: Field required"),
        ({"text": "hi", "colour": "green"}, "colour: Input should be 'red' or 'blue'"),
        ({"text": 7, "colour": "red"}, "text: Input should be a valid string"),
        (
            {"text": "hi", "colour": "red", "spots": [{"x": "far"}]},
            "spots.0.x: Input should be a valid integer, unable to parse string as an integer",
        ),
        ({"text": "hi", "colour": "red", "made": 1}, "made: Extra inputs are not permitted"),
        (
            {"colour": "red", "a": 1, "b": 2, "c": 3},
            "text: Field required; a: Extra inputs are not permitted; "
            "b: Extra inputs are not permitted",
        ),
    ],
)
def test_wrong_arguments_are_named_and_not_repeated(args: dict[str, Any], sentence: str) -> None:
    with pytest.raises(ToolError) as told:
        parameters_of(everything).bind(args)
    assert str(told.value) == sentence


def test_the_same_function_is_read_once() -> None:
    assert parameters_of(everything) is parameters_of(everything)
