"""What a tool takes: a schema for the model, and a check of what the model then sends.

Both come from the function's signature, by way of one pydantic model, so they cannot disagree.
"""

import inspect
from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Annotated, Any, Final, get_args, get_origin, get_type_hints

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError, create_model
from pydantic.errors import PydanticUserError
from pydantic.fields import FieldInfo
from pydantic.json_schema import GenerateJsonSchema, JsonSchemaValue
from pydantic_core import core_schema

from processors.errors import ProcessorError, ToolError

MAX_FAULTS_TOLD: Final = 3

_BY_NAME: Final = (inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.KEYWORD_ONLY)


class ToolUnusable(ProcessorError):
    """A function that cannot be declared to the model: its author's fault, found at start."""


class Parameters:
    """`schema` is a JSON schema of an object, None for a function that takes nothing."""

    def __init__(self, model: type[BaseModel]) -> None:
        self._model = model
        self.schema = _schema(model) if model.model_fields else None

    def bind(self, args: Mapping[str, Any]) -> dict[str, Any]:
        """The arguments in the types of the signature; what is not given is left out.

        Raises `ToolError` that says which argument is wrong, but not what it was.
        """
        try:
            bound = self._model.model_validate(dict(args))
        except ValidationError as error:
            raise ToolError(_faults(error)) from None
        fields = self._model.model_fields
        return {str(fields[key].alias): getattr(bound, key) for key in bound.model_fields_set}


@lru_cache(maxsize=512)  # a room declares its tools anew, and they are the same functions
def parameters_of(function: Callable[..., Any], *, skip: int = 0) -> Parameters:
    """From the signature, without its first `skip` parameters. Raises `ToolUnusable`."""
    try:
        signature = inspect.signature(function)
        hints = get_type_hints(function, include_extras=True)
    except Exception as error:  # annotations as text are evaluated, which runs anything
        raise ToolUnusable(f"its annotations cannot be read: {error}") from error
    fields: dict[str, Any] = {}
    for index, parameter in enumerate(list(signature.parameters.values())[skip:]):
        # pydantic has its own ideas of good field names; the alias may be anything.
        fields[f"p{index}"] = _field(parameter, hints)
    return Parameters(create_model("Arguments", __config__=_CONFIG, **fields))


# Models do send arguments that they made up; a tool that ignores them would do half of what
# was asked.
_CONFIG: Final = ConfigDict(extra="forbid", arbitrary_types_allowed=False)


def _field(parameter: inspect.Parameter, hints: Mapping[str, Any]) -> tuple[Any, FieldInfo]:
    name = parameter.name
    if parameter.kind not in _BY_NAME:
        raise ToolUnusable(f"its parameter {name} cannot be given by name")
    if name not in hints:
        raise ToolUnusable(f"its parameter {name} has no annotation")
    annotation = _described(hints[name])
    try:
        TypeAdapter(annotation).json_schema(schema_generator=_PlainSchema)
    except (PydanticUserError, TypeError) as error:
        raise ToolUnusable(f"its parameter {name} is of a type that JSON does not have") from error
    if parameter.default is inspect.Parameter.empty:
        return annotation, Field(alias=name)
    return annotation, Field(alias=name, default=parameter.default)


def _described(annotation: Any) -> Any:
    """A plain text in `Annotated` counts as the description."""
    if get_origin(annotation) is not Annotated:
        return annotation
    inner, *extras = get_args(annotation)
    fields = [Field(description=extra) if isinstance(extra, str) else extra for extra in extras]
    return Annotated[inner, *fields]


class _PlainSchema(GenerateJsonSchema):
    """Only keywords that Gemini documents: no titles, `enum` for `const`."""

    ignored_warning_kinds = {"skipped-choice", "non-serializable-default"}

    def field_title_should_be_set(self, schema: Any) -> bool:
        return False

    def literal_schema(self, schema: core_schema.LiteralSchema) -> JsonSchemaValue:
        made = super().literal_schema(schema)
        if "const" in made:
            made["enum"] = [made.pop("const")]
        return made


def _schema(model: type[BaseModel]) -> dict[str, Any]:
    schema = model.model_json_schema(by_alias=True, schema_generator=_PlainSchema)
    for part in (schema, *schema.get("$defs", {}).values()):
        part.pop("title", None)
    return schema


def _faults(error: ValidationError) -> str:
    """Where and what, without the values: they are what somebody said."""
    told = error.errors(include_url=False, include_input=False, include_context=False)
    lines = [
        f"{'.'.join(str(step) for step in fault['loc'])}: {fault['msg']}"
        for fault in told[:MAX_FAULTS_TOLD]
    ]
    return "; ".join(lines)
