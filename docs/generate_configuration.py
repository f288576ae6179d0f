"""Writes docs/configuration.md from the settings themselves: `make docs`.

`page()` is the text; a test compares it with the file.
"""

from __future__ import annotations

import typing
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import annotated_types
from pydantic import SecretStr

from pipeline.catalogue import Entry, entries
from pipeline.change_plan import Kind, rule_of
from pipeline.settings import Settings
from processors.billing.prices import PUBLISHED, Modality
from processors.gemini import profiles as live
from processors.gemini.generation import HarmCategory, HarmThreshold, SettingsModel
from processors.gemini.settings import DEFAULT_SYSTEM_INSTRUCTION
from processors.images import profiles as image

MODALITIES = typing.get_args(Modality)
TARGET = Path(__file__).with_name("configuration.md")

INTRODUCTION = """\
# Configuration

<!-- Written by docs/generate_configuration.py from the settings themselves: run `make docs`. -->

The service reads its settings from the environment once, at start, and says at once what is
wrong with them. A room starts with the service's settings; the body of `POST /start` may change
those that have a key in the tables below, in the object `room`:

```json
{"body": {"room": {"voice": "Kore", "thinking": {"level": "low"}, "imageSize": "2K"}}}
```

- Keys are written in camel case or snake case. Settings of the image model, of the camera and
  of the budget may also stand together in an object: `"image": {"size": "2K"}`,
  `"video": {"jpegQuality": 90}`, `"budget": {"maxMinutes": 30}`.
- Lists in a variable are written with commas, or in JSON when an entry holds a comma. Objects are
  written in JSON, or part by part: `EASEL_THINKING_LEVEL=low`; the part's own variable wins. An
  object that can be switched off takes `true` and `false` as well.
- Words of the API are written without their prefix and in lower case, `low` for
  `MEDIA_RESOLUTION_LOW`; the API's own spelling works too.
- An empty variable counts as one that is not set. An unknown one is an error.
- `null` in the body goes back to the default of this page; `{}` and a missing key change nothing.
- A default of – leaves the choice to the model.
- What the model or the backend would not accept is refused before anything connects. A model that
  is not in the tables at the end may be given anything.
- The column "In a call" says how a setting changes while people talk ([wire.md](wire.md)): `at
  once` with the next image or picture, by a `new connection` that resumes the conversation, or
  `anew`: by a context update where the model takes one, else in a fresh session that is told the
  history. `no`: open another room.
"""

IN_A_CALL = {
    Kind.OURS: "at once",
    Kind.SETUP: "new connection",
    Kind.PREAMBLE: "anew",
    Kind.FIXED: "no",
}

PRICES = """\
## Prices

`EASEL_PRICES` and `EASEL_PRICES_FILE` say what tokens cost, in US dollars per million, by the
model's name, in which `*` and `?` stand for other characters:

```json
{"gemini-3.8-live*": {"input": {"text": 0.75, "audio": 3}, "output": {"audio": 12}},
 "my-image-model": {"input": {"text": 0.5, "image": 0.5}, "output": {"text": 3, "image": 60}}}
```

- A model takes its prices from one entry: of the variable, else of the file, else of the table
  below. In each its own name goes before patterns, a longer pattern before a shorter one.
- Thoughts cost what `output.text` costs, what tools return is input, and cached tokens cost what
  others cost unless `cached` has a price for them.
- Tokens whose modality the API does not tell cost the dearest price of their side.
- A model or a modality without a price is not guessed at: its tokens are counted as unpriced, and
  the room says so. A room whose Live model has no price gets no `budget.maxCost`: it is refused.
  Image models have no price until you give them one, so images do not count for the budget.

Easel's own prices are those that Google published for the 3.x Live models in October 2026:
"""

SDK_VARIABLES = """\
## Variables of google-genai

The SDK reads these itself, and they keep their meaning. `EASEL_GEMINI=auto` talks to the API when
they name one, else to the emulator.

| Variable | Meaning |
|---|---|
| `GOOGLE_API_KEY`, `GEMINI_API_KEY` | Key of the Gemini API; the first wins. |
| `GOOGLE_GENAI_USE_ENTERPRISE`, `GOOGLE_GENAI_USE_VERTEXAI` | `true` or `1`: Vertex AI; the \
first wins. A project alone does not switch it on. |
| `GOOGLE_CLOUD_PROJECT`, `GOOGLE_CLOUD_LOCATION`, `GOOGLE_APPLICATION_CREDENTIALS` | Where and \
as whom Vertex AI is used ([operations.md](operations.md#vertex-ai)). |
| `GOOGLE_GEMINI_BASE_URL`, `GOOGLE_VERTEX_BASE_URL` | Another server in place of Google's. |
| `SSL_CERT_FILE`, `SSL_CERT_DIR` | Certificates to trust. |
| `GOOGLE_GENAI_HTTP_CLIENT` | HTTP library of the SDK. |
"""


def page() -> str:
    """The whole page."""
    parts = [
        INTRODUCTION,
        _section("Service", ("service",)),
        _section("Conversation", ("room", "live")),
        _instruction_and_voices(),
        _safety(),
        _section("Images", ("room", "image")),
        _section("Camera", ("room", "video")),
        _section("Sound", ("room", "audio")),
        _section("The link to Gemini", ("room", "link")),
        _section("Budget", ("room", "budget")),
        _section("Greeting", ("room", "greeting")),
        _prices(),
        SDK_VARIABLES,
        _live_models(),
        _image_models(),
    ]
    return "\n".join(parts)


def _section(title: str, path: tuple[str, ...]) -> str:
    rows = [
        (
            f"`{entry.variable}`",
            "–" if entry.operator_only else f"`{entry.wire_key}`",
            _default(entry),
            _values(entry),
            entry.page("models") if entry.for_rooms else "",
            _in_a_call(entry),
            entry.info.description or "",
        )
        for entry in entries()
        if entry.path[: len(path)] == path
    ]
    head = ["Variable", "Key in `room`", "Default", "Values", "Models", "In a call", "Meaning"]
    keep = [
        index
        for index, _ in enumerate(head)
        if index not in ((1, 4, 5) if path[0] == "service" else ())
    ]
    table = _table(
        [head[index] for index in keep], ([row[index] for index in keep] for row in rows)
    )
    return f"## {title}\n\n{table}"


def _in_a_call(entry: Entry) -> str:
    if entry.operator_only:
        return "no"
    return IN_A_CALL[rule_of(entry.path[1:]).kind]


def _table(head: list[str], rows: Iterable[Iterable[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


def _default(entry: Entry) -> str:
    if entry.key == "system_instruction":
        return "below"
    value: Any = Settings()
    for step in entry.path:
        value = getattr(value, step, None)
    if isinstance(value, SettingsModel):
        return "–" if entry.shape != "object" else "its parts'"
    if value is None and entry.key == "tools":
        return "`all`"
    if value is None:
        return "–"
    if value == () or value == {}:
        return "empty"
    if isinstance(value, bool):
        return f"`{str(value).lower()}`"
    if isinstance(value, tuple):
        return f"`{','.join(value)}`"
    return f"`{value}`"


def _values(entry: Entry) -> str:
    words = _words(entry.info.annotation)
    unit = entry.page("unit")
    if entry.page("span"):
        text = entry.page("span")
    elif entry.shape == "object":
        text = "object"
    elif words:
        text = ", ".join(words)
    else:
        text = _limits(entry)
    if entry.shape == "list":
        most = _constraint(entry, annotated_types.MaxLen, "max_length")
        text = f"{text}; at most {most} entries" if most and entry.key != "history" else text
    return text if entry.page("span") else f"{text} {unit}".strip()


def _words(annotation: Any) -> list[str]:
    if annotation is bool:
        return ["true", "false"]
    if typing.get_origin(annotation) is typing.Literal:
        return list(typing.get_args(annotation))
    return [word for part in typing.get_args(annotation) for word in _words(part)]


def _limits(entry: Entry) -> str:
    low = _constraint(entry, annotated_types.Ge, "ge")
    high = _constraint(entry, annotated_types.Le, "le")
    below = _constraint(entry, annotated_types.Lt, "lt")
    if low is None:
        return "text"
    top = f"{high:,}" if high is not None else f"less than {below:g}"
    return f"{low:,} to {top}"


def _constraint(entry: Entry, kind: type, name: str) -> Any:
    for constraint in (*entry.info.metadata, *_nested_metadata(entry.info.annotation)):
        if isinstance(constraint, kind):
            return getattr(constraint, name)
    return None


def _nested_metadata(annotation: Any) -> list[Any]:
    found: list[Any] = list(getattr(annotation, "__metadata__", ()))
    for item in list(found):
        found.extend(getattr(item, "metadata", ()))
    for part in typing.get_args(annotation):
        if part is not SecretStr:
            found.extend(_nested_metadata(part))
    return found


def _instruction_and_voices() -> str:
    quoted = "\n".join(f"> {line}" for line in DEFAULT_SYSTEM_INSTRUCTION.splitlines())
    voices = ", ".join(sorted(live.VOICES))
    return f"The system instruction, unless one is set:\n\n{quoted}\n\nVoices: {voices}.\n"


def _safety() -> str:
    categories = ", ".join(f"`{word}`" for word in _words(HarmCategory))
    thresholds = ", ".join(f"`{word}`" for word in _words(HarmThreshold))
    return f"Safety settings have these categories: {categories}; and thresholds: {thresholds}.\n"


def _prices() -> str:
    rows = [
        [f"`{pattern}`", side, *(str(rates.get(modality, "–")) for modality in MODALITIES)]
        for pattern, prices in PUBLISHED.items()
        for side, rates in (
            ("input", prices.input),
            ("cached", prices.cached),
            ("output", prices.output),
        )
    ]
    return f"{PRICES}\n{_table(['Models', 'Side', *MODALITIES], rows)}"


def _live_models() -> str:
    shown = [
        live.LIVE_3_8,
        live.EXTENDED_THINKING_3_8,
        live.FLASH_LIVE_3_1,
        live.NATIVE_AUDIO_2_5,
        live.LIVE_TRANSLATE,
    ]
    head = ["Live models", "Thinking", "Proactive audio", "Affective dialog", "Tools"]
    rows = [
        [
            profile.family,
            "budget"
            if profile.thinking_budget
            else _thinking(profile.thinking_levels, profile.default_thinking_level),
            profile.proactive_audio,
            "yes" if profile.affective_dialog else "no",
            _tools(profile),
        ]
        for profile in shown
    ]
    return f"## What the models accept\n\n{_table(head, rows)}"


def _thinking(levels: tuple[str, ...] | None, default: str | None) -> str:
    if levels is None:
        return "not known"
    named = [f"{level} (default)" if level == default else level for level in levels]
    return ", ".join(named) or "none"


def _tools(profile: live.ModelProfile) -> str:
    if not profile.conversational:
        return "none"
    waits = profile.tool_behavior == "BLOCKING"
    return "the model waits for them" if waits else "the talk goes on meanwhile"


def _image_models() -> str:
    shown = [
        image.NANO_BANANA_2_1,
        image.FLASH_3_1,
        image.FLASH_LITE_3_1,
        image.PRO_3,
        image.FLASH_2_5,
    ]
    head = ["Image models", "Sizes", "Aspect ratios", "Thinking levels"]
    rows = [
        [
            profile.family,
            ", ".join(profile.sizes or ()),
            str(len(profile.aspect_ratios)) if profile.aspect_ratios else "not known",
            _thinking(profile.thinking_levels, None),
        ]
        for profile in shown
    ]
    return _table(head, rows)


if __name__ == "__main__":
    TARGET.write_text(page(), encoding="utf-8")
