"""Refusals: what is wrong with a setting, as a field and one sentence for people.

A sentence names the field as clients spell it (`thinking.level`, `topP`) and gives the reason.
It never repeats the value: values may be secrets or somebody's words.

Pure: pydantic's error records go in, sentences come out.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from pydantic import BaseModel, ValidationError
from pydantic.alias_generators import to_camel, to_snake
from pydantic_core import ErrorDetails

Path = tuple[str | int, ...]
"""Where a setting lies: field names in snake case, with the position inside lists."""

_PREDICATES: Final[Mapping[str, str]] = MappingProxyType(
    {
        "greater_than_equal": "must be at least {ge}",
        "greater_than": "must be more than {gt}",
        "less_than_equal": "must be at most {le}",
        "less_than": "must be less than {lt}",
        "float_parsing": "must be a number",
        "float_type": "must be a number",
        "decimal_parsing": "must be a number",
        "decimal_type": "must be a number",
        "finite_number": "must be a finite number",
        "int_parsing": "must be a whole number",
        "int_type": "must be a whole number",
        "int_from_float": "must be a whole number",
        "int_parsing_size": "is too large",
        "bool_parsing": "must be true or false",
        "bool_type": "must be true or false",
        "string_type": "must be a text",
        "string_too_short": "must have at least {min_length} characters",
        "string_too_long": "must have at most {max_length} characters",
        "too_short": "must have at least {min_length} entries",
        "too_long": "must have at most {max_length} entries",
        "tuple_type": "must be a list",
        "dict_type": "must be an object",
        "model_type": "must be an object",
        "missing": "is required",
        "literal_error": "must be {expected}",
        "value_error": "{error}",
    }
)


@dataclass(frozen=True, slots=True)
class Refusal:
    """One setting that is not accepted: where it lies, and what is wrong with it."""

    path: Path
    predicate: str

    @property
    def field(self) -> str:
        """The setting's name as clients spell it."""
        return wire_name(self.path)

    @property
    def sentence(self) -> str:
        """One sentence that names the field and gives the reason."""
        end = "" if self.predicate.endswith("?") else "."
        return f"{self.field} {self.predicate}{end}"

    def below(self, *prefix: str) -> Refusal:
        """The same refusal, seen from a settings object that holds this one as `prefix`."""
        return Refusal((*prefix, *self.path), self.predicate)


def wire_name(path: Path) -> str:
    """`("safety_settings", 0, "category")` as clients spell it: `safetySettings[0].category`."""
    name = ""
    for step in path:
        if isinstance(step, int):
            name += f"[{step}]"
        else:
            name += f".{to_camel(step)}" if name else to_camel(step)
    return name


def refuse(field: str, predicate: str) -> Refusal:
    """A refusal of the dotted snake-case `field`: `refuse("thinking.level", "must be low")`."""
    return Refusal(tuple(field.split(".")), predicate)


def nearest(name: str, known: Iterable[str]) -> str | None:
    """The known name that `name` was most likely meant to be, if one is close."""
    close = difflib.get_close_matches(name, list(known), n=1, cutoff=0.6)
    return close[0] if close else None


def refusals(
    error: ValidationError, settings: type[BaseModel], reasons: Mapping[str, str]
) -> list[Refusal]:
    """Each thing that is wrong with what was given for `settings`, in the order of its fields.

    `reasons` says, for some names that are no settings, why they are none.
    """
    return [_refusal(record, settings, reasons) for record in error.errors(include_url=False)]


def _refusal(
    record: ErrorDetails, settings: type[BaseModel], reasons: Mapping[str, str]
) -> Refusal:
    path: Path = record["loc"]
    if record["type"] == "extra_forbidden":
        predicate = _unknown(path, settings, reasons)
    else:
        predicate = _predicate(record["type"], record.get("ctx", {}))
    return Refusal(path, predicate)


def _predicate(kind: str, context: Mapping[str, object]) -> str:
    if context.get("min_length") == 1:
        return "must not be empty"
    if context.get("field_type") == "Value":
        # pydantic counts a text without knowing that it is one when a validator runs before it.
        kind = kind.replace("too_", "string_too_")
    plain = {
        name: f"{value:g}" if isinstance(value, float) else value for name, value in context.items()
    }
    return _PREDICATES.get(kind, "is not acceptable").format_map(plain)


def _unknown(path: Path, settings: type[BaseModel], reasons: Mapping[str, str]) -> str:
    name = str(path[-1])
    if len(path) == 1 and to_snake(name) in reasons:
        return f"is not accepted: {reasons[to_snake(name)]}"
    fields = field_names(settings, path[:-1])
    meant = nearest(to_camel(name), [to_camel(field) for field in fields])
    return f"is not a setting; did you mean {meant}?" if meant else "is not a setting"


def field_names(settings: type[BaseModel], path: Sequence[str | int]) -> list[str]:
    """The names of the fields of the settings object that lies at `path` in `settings`."""
    model: type[BaseModel] | None = settings
    for step in path:
        if isinstance(step, str):
            model = nested_model(model, step) if model else None
    return list(model.model_fields) if model else []


def nested_model(settings: type[BaseModel], field: str) -> type[BaseModel] | None:
    """The settings class that `field` of `settings` holds, alone, optional or in a list."""
    if field not in settings.model_fields:
        return None
    return _model_in(settings.model_fields[field].annotation)


def _model_in(annotation: object) -> type[BaseModel] | None:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    arguments: tuple[object, ...] = getattr(annotation, "__args__", ())
    for argument in arguments:
        model = _model_in(argument)
        if model is not None:
            return model
    return None
