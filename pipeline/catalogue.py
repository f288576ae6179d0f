"""Every setting by name: the one list behind the environment, `POST /start` and the docs page.

A setting's key is its path flattened in snake case: `thinking_level` for the Live model's
`thinking.level`, `image_size` for the image model's `size`. In the environment it is
`EASEL_THINKING_LEVEL`, in a body `thinkingLevel` or `thinking_level`. Pure.
"""

from __future__ import annotations

import types
import typing
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cache
from typing import Any, Final, Literal

from pydantic.alias_generators import to_camel
from pydantic.fields import FieldInfo

from processors.gemini.generation import GenerationSettings, SettingsModel
from processors.gemini.refusals import Path, nested_model

from .room_settings import RoomSettings
from .service_settings import ServiceSettings

PREFIX: Final = "EASEL_"

Shape = Literal["scalar", "list", "mapping", "object"]
"""How a value is written: one word, a list, a free mapping, or an object of settings."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One setting, or an object of settings that can be given as a whole."""

    key: str
    path: tuple[str, ...]
    """From Settings down: `("room", "live", "top_p")`."""
    shape: Shape
    info: FieldInfo

    @property
    def variable(self) -> str:
        """Its name in the environment."""
        return PREFIX + self.key.upper()

    @property
    def wire_key(self) -> str:
        """Its name in the body of `POST /start`."""
        return to_camel(self.key)

    @property
    def for_rooms(self) -> bool:
        """Whether it belongs to a room and not to the whole service."""
        return self.path[0] == "room"

    @property
    def operator_only(self) -> bool:
        """Whether a room must leave it as the operator set it."""
        return not self.for_rooms or bool(self.page("operator_only"))

    def page(self, name: str) -> Any:
        """What `setting` noted for the configuration page, or None."""
        extra = self.info.json_schema_extra
        return extra.get(name) if isinstance(extra, dict) else None


@cache
def entries() -> tuple[Entry, ...]:
    """All settings: those of the service, then those of a room, each object before its parts."""
    room = ("room",)
    return (
        *_walk(ServiceSettings, ("service",), ""),
        *_walk(RoomSettings.model_fields["live"].annotation, (*room, "live"), ""),
        *_walk(RoomSettings.model_fields["image"].annotation, (*room, "image"), "image_"),
        *_walk(RoomSettings.model_fields["video"].annotation, (*room, "video"), "video_"),
        *_walk(RoomSettings.model_fields["audio"].annotation, (*room, "audio"), "audio_"),
        *_walk(RoomSettings.model_fields["budget"].annotation, (*room, "budget"), "budget_"),
        Entry("greeting", (*room, "greeting"), "scalar", RoomSettings.model_fields["greeting"]),
    )


@cache
def by_key() -> dict[str, Entry]:
    """All settings by their key."""
    return {entry.key: entry for entry in entries()}


def spoken(path: Path) -> Path:
    """A path from Settings down as people know it: without `service`, `room` and `live`."""
    for part in ("service", "room", "live"):
        if len(path) > 1 and path[0] == part:
            path = path[1:]
    return path


def entry_at(path: Path, among: Iterable[Entry]) -> Entry | None:
    """The entry that lies at `path` from Settings down, or nearest above it."""
    names = tuple(step for step in path if isinstance(step, str))
    above = [entry for entry in among if names[: len(entry.path)] == entry.path]
    return max(above, key=lambda entry: len(entry.path), default=None)


def _walk(settings: Any, path: tuple[str, ...], prefix: str) -> Iterator[Entry]:
    assert isinstance(settings, type) and issubclass(settings, SettingsModel)
    for name in _in_reading_order(settings):
        info = settings.model_fields[name]
        shape = _shape(info.annotation)
        yield Entry(prefix + name, (*path, name), shape, info)
        if shape == "object":
            yield from _walk(nested_model(settings, name), (*path, name), f"{prefix}{name}_")


def _in_reading_order(settings: type[SettingsModel]) -> list[str]:
    """The field names, what both kinds of model share after what is a model's own."""
    shared = GenerationSettings.model_fields if issubclass(settings, GenerationSettings) else ()
    return sorted(settings.model_fields, key=lambda name: name in shared)


def _shape(annotation: Any) -> Shape:
    origin = typing.get_origin(annotation)
    if origin in (typing.Union, types.UnionType):
        shapes = [_shape(part) for part in typing.get_args(annotation) if part is not type(None)]
        return shapes[0]
    if origin is typing.Annotated:
        return _shape(typing.get_args(annotation)[0])
    if origin is tuple:
        return "list"
    if origin is dict:
        return "mapping"
    if isinstance(annotation, type) and issubclass(annotation, SettingsModel):
        return "object"
    return "scalar"
