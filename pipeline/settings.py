"""The service's settings, read from the environment once and validated once.

Exception
 └── SettingsError            the operator's fault; names the variable, says what is wrong
      ├── UnknownVariable     no setting has this name
      ├── InvalidVariable     the value is not accepted
      └── NoBackend           the API was asked for, and no key or Vertex AI is configured

The variables of google-genai keep their meaning and are read by the SDK itself; `backend` only
says what they amount to. Pure: the environment is an argument.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final, Literal

from pydantic import ValidationError
from pydantic.alias_generators import to_camel, to_snake

from processors.gemini.generation import SettingsModel
from processors.gemini.refusals import Refusal, nearest, refusals, refuse
from processors.gemini.refused_levers import NOT_IN_LIVE
from processors.images.settings import NOT_FOR_IMAGES

from .catalogue import PREFIX, Entry, by_key, entries, entry_at, spoken
from .room_settings import RoomSettings, check
from .service_settings import ServiceSettings

Backend = Literal["mldev", "vertex"]

IGNORED_PREFIX: Final = "EASEL_TEST_"
"""For the test suite."""


class SettingsError(Exception):
    """`variable` cannot be used; `sentence` says why, without repeating its value."""

    def __init__(self, variable: str, sentence: str) -> None:
        super().__init__(f"{variable}: {sentence}")
        self.variable = variable
        self.sentence = sentence


class UnknownVariable(SettingsError):
    """No setting has this name."""


class InvalidVariable(SettingsError):
    """The value is not accepted."""


class NoBackend(SettingsError):
    """The API was asked for, and the environment names no way to reach it."""


class Settings(SettingsModel):
    """Everything the environment says."""

    service: ServiceSettings = ServiceSettings()
    room: RoomSettings = RoomSettings()
    backend: Backend | None = None
    """How the API is reached; None: the service starts its own emulator."""

    @property
    def vertex(self) -> bool:
        """Whether the models are reached through Vertex AI."""
        return self.backend == "vertex"


def load(environ: Mapping[str, str]) -> Settings:
    """The settings an environment amounts to. An empty variable counts as one that is not set.

    Raises SettingsError for the first variable that is unknown or not accepted, or whose value
    the chosen model or backend does not accept.
    """
    given = dict(_given(environ))
    tree: dict[str, Any] = {"service": {}, "room": {}}
    for entry in sorted(given, key=lambda entry: len(entry.path)):
        _place(tree, entry.path, _parsed(entry, given[entry]))
    try:
        settings = Settings.model_validate(tree)
    except ValidationError as error:
        raise _invalid(refusals(error, Settings, {})[0], given) from None
    settings = settings.model_copy(update={"backend": _chosen(settings.service, environ)})
    if settings.service.vertex_image_location is not None and not settings.vertex:
        raise _invalid(refuse("service.vertex_image_location", "is for Vertex AI only"), given)
    for refusal in check(settings.room, vertex=settings.vertex):
        raise _invalid(refusal.below("room"), given)
    return settings


def backend(environ: Mapping[str, str]) -> Backend | None:
    """Which API the SDK's own variables name, decided as google-genai 2.34 decides it.

    Vertex AI when GOOGLE_GENAI_USE_ENTERPRISE or else GOOGLE_GENAI_USE_VERTEXAI is `true` or
    `1`; a project alone does not choose it. Otherwise the Gemini API, when there is a key.
    """
    for name in ("GOOGLE_GENAI_USE_ENTERPRISE", "GOOGLE_GENAI_USE_VERTEXAI"):
        if name in environ:
            if environ[name].lower() in ("true", "1"):
                return "vertex"
            break
    keys = (environ.get("GOOGLE_API_KEY", ""), environ.get("GEMINI_API_KEY", ""))
    return "mldev" if any(key.strip() for key in keys) else None


def _chosen(service: ServiceSettings, environ: Mapping[str, str]) -> Backend | None:
    if service.gemini == "emulator":
        return None
    found = backend(environ)
    if found is None and service.gemini == "api":
        raise NoBackend(
            "EASEL_GEMINI",
            "gemini is api, but neither GEMINI_API_KEY nor GOOGLE_API_KEY is set, nor is Vertex "
            "AI switched on with GOOGLE_GENAI_USE_VERTEXAI.",
        )
    return found


def _given(environ: Mapping[str, str]) -> Iterator[tuple[Entry, str]]:
    known = by_key()
    for variable, text in environ.items():
        if not variable.startswith(PREFIX) or variable.startswith(IGNORED_PREFIX):
            continue
        entry = known.get(variable.removeprefix(PREFIX).lower())
        if entry is not None and entry.variable == variable:
            if text.strip():
                yield entry, text
        else:
            raise UnknownVariable(variable, _unknown(variable))


def _unknown(variable: str) -> str:
    key = variable.removeprefix(PREFIX).lower()
    reason = NOT_IN_LIVE.get(key) or NOT_FOR_IMAGES.get(key.removeprefix("image_"))
    if reason:
        return f"{to_camel(key)} is not accepted: {reason}."
    meant = nearest(variable, [entry.variable for entry in entries()])
    return f"there is no such setting{f'; did you mean {meant}?' if meant else '.'}"


def _parsed(entry: Entry, text: str) -> object:
    """The value a variable's text stands for: JSON, a comma list, a switch, or the text itself."""
    written = text.strip()
    if entry.shape == "scalar":
        return written
    if written.startswith(("[", "{")):
        return _json(entry, written)
    if entry.shape == "list":
        return [part.strip() for part in written.split(",") if part.strip()]
    if entry.shape == "mapping":
        return written
    if f"{entry.key}_enabled" in by_key():
        return {"enabled": written}
    raise InvalidVariable(entry.variable, f"{entry.wire_key} must be an object in JSON.")


def _json(entry: Entry, text: str) -> object:
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        raise InvalidVariable(entry.variable, f"{entry.wire_key} must be valid JSON.") from None
    if entry.shape == "object" and isinstance(value, dict):
        # One spelling of the keys, so that a part's own variable replaces the part.
        return {to_snake(key): part for key, part in value.items()}
    return value


def _place(tree: dict[str, Any], path: tuple[str, ...], value: object) -> None:
    node: Any = tree
    for step in path[:-1]:
        node = node.setdefault(step, {})
        if not isinstance(node, dict):
            # The object around it was given as a list, which validation will refuse.
            return
    node[path[-1]] = value


def _invalid(refusal: Refusal, given: Iterable[Entry]) -> InvalidVariable:
    entry = entry_at(refusal.path, given) or entry_at(refusal.path, entries())
    variable = entry.variable if entry else PREFIX
    return InvalidVariable(variable, Refusal(spoken(refusal.path), refusal.predicate).sentence)
