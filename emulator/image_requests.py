"""From the body of `generateContent` to a checked request. Pure.

Both spellings of every name and both base64 alphabets are accepted, as the real service does.

Errors:

    ImageRequestError      the client's fault; status, Google's status name and the message
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import Final

from emulator.image_models import DEFAULT_RATIO, DEFAULT_SIZE, SCALES, SIZES_1K, ImageModel
from emulator.json_types import JSON, JsonObject, text_of
from emulator.wire import WireError, decode_base64_untrusted

MAX_CONTENTS: Final = 200
MAX_PARTS: Final = 400

_BODY: Final = frozenset(
    {
        "contents",
        "systemInstruction",
        "generationConfig",
        "safetySettings",
        "tools",
        "toolConfig",
        "cachedContent",
        "model",
        "labels",
        "serviceTier",
        "store",
    }
)
_IMAGE_CONFIG: Final = frozenset({"aspectRatio", "imageSize"})
_SNAKE: Final = re.compile(r"_([a-z0-9])")


class ImageRequestError(Exception):
    """The request cannot be answered; says what the client did wrong."""

    def __init__(self, message: str, *, status: int = 400, name: str = "INVALID_ARGUMENT") -> None:
        super().__init__(message)
        self.status = status
        self.name = name


@dataclass(frozen=True)
class Part:
    """One part of a turn; `data` is None for text."""

    text: str
    data: bytes | None
    thought: bool
    signature: bytes


@dataclass(frozen=True)
class TurnContent:
    """One turn; `role` is `user` or `model`."""

    role: str
    parts: tuple[Part, ...]

    @property
    def text(self) -> str:
        """The texts of the turn that are no thoughts, joined by spaces."""
        return " ".join(part.text for part in self.parts if part.text and not part.thought)

    @property
    def images(self) -> tuple[bytes, ...]:
        """The encoded pictures of the turn that are no thoughts."""
        return tuple(p.data for p in self.parts if p.data is not None and not p.thought)


@dataclass(frozen=True)
class ImageRequest:
    """A checked request. Ratio and size are empty when the client left them out."""

    turns: tuple[TurnContent, ...]
    modalities: tuple[str, ...]
    ratio: str
    size: str
    include_thoughts: bool
    seed: int = 0

    @property
    def prompt(self) -> str:
        """The words of the last turn."""
        return self.turns[-1].text

    @property
    def size_or_default(self) -> str:
        """The size by name, as tokens are counted."""
        return self.size or DEFAULT_SIZE

    @property
    def ratio_or_default(self) -> str:
        """The ratio of a new picture."""
        return self.ratio or DEFAULT_RATIO


def parse_untrusted(body: bytes, model: ImageModel) -> ImageRequest:
    """The request in a body. Raises ImageRequestError."""
    try:
        decoded: JSON = json.loads(body)
    except (ValueError, RecursionError):
        raise ImageRequestError("Invalid JSON payload received.") from None
    fields = _object(decoded, "")
    _only(fields, _BODY, "")
    config = _object(fields.get("generationConfig"), "generation_config")
    image = _object(config.get("imageConfig"), "generation_config.image_config")
    _only(image, _IMAGE_CONFIG, " at 'generation_config.image_config'")
    thinking = _object(config.get("thinkingConfig"), "generation_config.thinking_config")
    request = ImageRequest(
        turns=_turns(fields.get("contents")),
        modalities=_modalities(config.get("responseModalities")),
        ratio=_one_of(image.get("aspectRatio"), tuple(SIZES_1K), model.ratios, "aspect_ratio"),
        size=_one_of(image.get("imageSize"), tuple(SCALES), model.sizes, "image_size"),
        include_thoughts=thinking.get("includeThoughts") is True,
        seed=_seed(config.get("seed")),
    )
    _check_pictures(request, model)
    return request


def _seed(value: JSON) -> int:
    if value is None:
        return 0
    if not isinstance(value, int) or isinstance(value, bool):
        raise ImageRequestError("Invalid value at 'generation_config.seed' (TYPE_INT32).")
    return value


def _check_pictures(request: ImageRequest, model: ImageModel) -> None:
    count = len(request.turns[-1].images)
    if count > model.max_pictures:
        raise ImageRequestError(f"At most {model.max_pictures} input images, not {count}.")
    if not request.prompt and not count:
        raise ImageRequestError("Unable to submit request because it must have a text parameter.")


def _object(value: JSON, path: str) -> JsonObject:
    """An object with camel-case keys; absent counts as empty."""
    if value is None:
        return {}
    if not isinstance(value, dict):
        where = f" at '{path}'" if path else ""
        raise ImageRequestError(f"Invalid value{where}: an object is expected.")
    return {_SNAKE.sub(lambda found: found.group(1).upper(), key): value[key] for key in value}


def _only(fields: JsonObject, known: frozenset[str], where: str) -> None:
    for key in fields:
        if key not in known:
            raise ImageRequestError(
                f'Invalid JSON payload received. Unknown name "{key[:80]}"{where}: '
                "Cannot find field."
            )


def _turns(value: JSON) -> tuple[TurnContent, ...]:
    contents = value if isinstance(value, list) else [value] if value is not None else []
    if not contents:
        raise ImageRequestError("* GenerateContentRequest.contents: contents is not specified")
    if len(contents) > MAX_CONTENTS:
        raise ImageRequestError(f"More than {MAX_CONTENTS} contents.")
    turns = tuple(_turn(one, index) for index, one in enumerate(contents))
    if turns[-1].role != "user":
        raise ImageRequestError("Please ensure that the last turn is one of the user's.")
    return turns


def _turn(value: JSON, index: int) -> TurnContent:
    fields = _object(value, f"contents[{index}]")
    role = text_of(fields.get("role")) or "user"
    if role not in ("user", "model", "function"):
        raise ImageRequestError("Please use a valid role: user, model.")
    parts = fields.get("parts")
    written = parts if isinstance(parts, list) else [parts] if parts is not None else []
    if not written or len(written) > MAX_PARTS:
        raise ImageRequestError(f"contents[{index}].parts: between 1 and {MAX_PARTS} are needed.")
    return TurnContent(role, tuple(_part(one, f"contents[{index}].parts") for one in written))


def _part(value: JSON, path: str) -> Part:
    fields = _object(value, path)
    blob = fields.get("inlineData")
    data = None
    if blob is not None:
        inline = _object(blob, f"{path}.inline_data")
        if not text_of(inline.get("mimeType")).startswith("image/"):
            raise ImageRequestError("Unable to process input: only images are supported.")
        data = _bytes(inline.get("data"), f"{path}.inline_data.data")
    if "fileData" in fields:
        raise ImageRequestError("The emulator keeps no files: send inline data.")
    signature = fields.get("thoughtSignature")
    return Part(
        text=text_of(fields.get("text")),
        data=data,
        thought=fields.get("thought") is True,
        signature=b"" if signature is None else _bytes(signature, f"{path}.thought_signature"),
    )


def _bytes(value: JSON, path: str) -> bytes:
    try:
        return decode_base64_untrusted(text_of(value))
    except WireError:
        raise ImageRequestError(
            f"Invalid value at '{path}' (TYPE_BYTES), Base64 decoding failed."
        ) from None


def _modalities(value: JSON) -> tuple[str, ...]:
    listed = value if isinstance(value, list) else []
    named = tuple(text_of(one).upper() for one in listed)
    if any(name not in ("TEXT", "IMAGE") for name in named):
        raise ImageRequestError("The requested combination of response modalities is not supported")
    return named


def _one_of(value: JSON, known: tuple[str, ...], allowed: tuple[str, ...], field: str) -> str:
    if value is None:
        return ""
    if not isinstance(value, str) or value not in known:
        raise ImageRequestError(f"Invalid value for {field}. Valid values: {', '.join(known)}.")
    if value not in allowed:
        raise ImageRequestError(f"{field} {value} is not supported by this model.")
    return value
