"""Asks the image model, as the studio does and in a chat, and looks at whole answers."""

import asyncio
import io
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from typing import Any, Final

from google import genai
from google.genai import errors, types
from PIL import Image

from processors.gemini.client import Endpoint, make_client
from processors.images.client import KEEP_THE_REST
from processors.images.image_config import generate_content_config
from processors.images.settings import ImageSettings

from . import image_verdicts as verdicts
from .checks import CHECKS, IMAGES, Finding, skipped
from .image_verdicts import Answer, Drawn

REQUEST_LIMIT_S: Final = 120.0
MAX_WORDS_CHARS: Final = 160

WISH: Final = "Draw a blue circle on white."
CHANGE: Final = "Make it green."
WORDS: Final = "Answer in only text, without drawing: which colour has the sky?"
REFUSED: Final = "Draw a sign that says: forbidden."
WRONG_KEY: Final = "invalid-key-of-easel-doctor"
NO_KEY: Final = "Vertex AI takes no key here"

Tell = Callable[[Finding], None]


@dataclass(frozen=True, slots=True)
class ImageProbe:
    """Whom to ask, with which settings."""

    settings: ImageSettings
    vertex: bool
    endpoint: Endpoint


def image_names() -> list[str]:
    return [name for name, check in CHECKS.items() if check.topic == IMAGES]


async def examine_images(probe: ImageProbe, tell: Tell) -> None:
    """Tells a finding for each of `image_names`. Raises what a network does, and `TimeoutError`."""
    async with _client(probe.endpoint, vertex=probe.vertex) as client:
        await _drawing(client, probe.settings, tell)
        answer, _ = await _ask(client, probe.settings, [_text("user", WORDS)])
        tell(verdicts.words_only(answer))
        answer, _ = await _ask(client, probe.settings, [_text("user", REFUSED)])
        tell(verdicts.blocked(answer))
    if probe.vertex:
        tell(skipped(("image key",), NO_KEY)[0])
        return
    async with _client(replace(probe.endpoint, api_key=WRONG_KEY), vertex=False) as client:
        answer, _ = await _ask(client, probe.settings, [_text("user", WISH)])
        tell(verdicts.wrong_key(answer))


@asynccontextmanager
async def _client(endpoint: Endpoint, *, vertex: bool) -> AsyncIterator[genai.Client]:
    client = make_client(endpoint, vertex=vertex)
    try:
        yield client
    finally:
        await client.aio.aclose()
        client.close()


async def _drawing(client: genai.Client, settings: ImageSettings, tell: Tell) -> None:
    """An image, and two ways to change it."""
    wish = _text("user", WISH)
    first, response = await _ask(client, settings, [wish])
    for found in verdicts.generated(first):
        tell(found)
    image = _last_image(response)
    if response is None or image is None:
        for found in skipped(("edit", "edit in a chat"), "there was no image"):
            tell(found)
        return
    change = types.Part.from_text(text=CHANGE + KEEP_THE_REST)
    edit = types.Content(role="user", parts=[types.Part(inline_data=image), change])
    answer, _ = await _ask(client, settings, [edit])
    tell(verdicts.edited("edit", answer))
    turn = (response.candidates or [types.Candidate()])[0].content or types.Content()
    answer, _ = await _ask(client, settings, [wish, turn, _text("user", CHANGE)])
    tell(verdicts.edited("edit in a chat", answer))


def _text(role: str, text: str) -> types.Content:
    return types.Content(role=role, parts=[types.Part.from_text(text=text)])


async def _ask(
    client: genai.Client, settings: ImageSettings, contents: Sequence[types.Content]
) -> tuple[Answer, types.GenerateContentResponse | None]:
    try:
        async with asyncio.timeout(REQUEST_LIMIT_S):
            response = await client.aio.models.generate_content(
                model=settings.model,
                contents=list(contents),
                config=generate_content_config(settings),
            )
    except errors.APIError as error:
        words = str(error.message or error.status or "")[:MAX_WORDS_CHARS]
        return Answer(status=int(error.code or 0) or 599, error=words), None
    return _answer(response), response


def _answer(response: types.GenerateContentResponse) -> Answer:
    candidates = response.candidates or []
    parts = [p for c in candidates for p in (c.content.parts if c.content else None) or []]
    plain = [part for part in parts if not part.thought]
    feedback, usage = response.prompt_feedback, response.usage_metadata
    finishes = [c.finish_reason.value for c in candidates if c.finish_reason is not None]
    return Answer(
        images=tuple(_drawn(part) for part in plain if _is_image(part)),
        thoughts=len(parts) - len(plain),
        words=" ".join(part.text for part in plain if part.text),
        finish=finishes[-1] if finishes else "",
        block=feedback.block_reason.value if feedback and feedback.block_reason else "",
        usage=_dumped(usage) if usage is not None else None,
    )


def _dumped(usage: types.GenerateContentResponseUsageMetadata) -> dict[str, Any]:
    return usage.model_dump(mode="json", by_alias=True, exclude_none=True)


def _is_image(part: types.Part) -> bool:
    blob = part.inline_data
    return blob is not None and (blob.mime_type or "").startswith("image/")


def _last_image(response: types.GenerateContentResponse | None) -> types.Blob | None:
    candidates = (response.candidates if response is not None else None) or []
    parts = [p for c in candidates for p in (c.content.parts if c.content else None) or []]
    images = [part.inline_data for part in parts if _is_image(part) and not part.thought]
    return images[-1] if images else None


def _drawn(part: types.Part) -> Drawn:
    blob = part.inline_data
    assert blob is not None, "it is an image"
    data, mime = blob.data or b"", blob.mime_type or ""
    signed = bool(part.thought_signature)
    try:
        with Image.open(io.BytesIO(data)) as picture:
            shown_as = Image.MIME.get(picture.format or "", "")
            return Drawn(mime, len(data), shown_as, *picture.size, signed)
    except (OSError, Image.DecompressionBombError):
        return Drawn(mime, len(data), "", 0, 0, signed)
