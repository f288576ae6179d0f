"""The only file that asks an image model: pictures and a wish in, one image or a reason out."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import httpx
from aiohttp import ClientError
from google import genai
from google.genai import errors, types

from processors.images.errors import Blocked, ImageModelFailed, NothingMade, OverQuota
from processors.images.image_config import generate_content_config
from processors.images.settings import ImageSettings

KEEP_THE_REST: Final = "Change only this and keep everything else of the picture as it is: "

_BLOCKING_REASONS: Final = frozenset(
    {
        "SAFETY",
        "IMAGE_SAFETY",
        "PROHIBITED_CONTENT",
        "IMAGE_PROHIBITED_CONTENT",
        "BLOCKLIST",
        "SPII",
        "RECITATION",
        "IMAGE_RECITATION",
    }
)


@dataclass(frozen=True, slots=True)
class Made:
    """What the model made: the image's bytes as they came, not checked yet."""

    mime_type: str
    data: bytes


class ImageModel:
    """`make` raises `ImageNotMade`, with words for a person. Time limits are the caller's."""

    def __init__(self, client: genai.Client, settings: ImageSettings) -> None:
        self._client = client
        self._settings = settings

    async def make(self, prompt: str, sources: Sequence[tuple[str, bytes]]) -> Made:
        """`sources` are (MIME type, bytes) of the pictures to edit; none: a new image."""
        parts = [types.Part.from_bytes(data=data, mime_type=mime) for mime, data in sources]
        parts.append(types.Part.from_text(text=KEEP_THE_REST + prompt if sources else prompt))
        try:
            response = await self._client.aio.models.generate_content(
                model=self._settings.model,
                contents=types.Content(role="user", parts=parts),
                config=generate_content_config(self._settings),
            )
        except errors.APIError as error:
            raise _fault(error) from error
        except (httpx.HTTPError, ClientError, OSError) as error:
            raise ImageModelFailed("The image model cannot be reached.") from error
        return _image_of(response)


def _fault(error: errors.APIError) -> OverQuota | ImageModelFailed:
    if error.code == 429:
        return OverQuota("The image model is at its limit. Try again in a minute.")
    if error.code in (400, 403, 404):
        return ImageModelFailed("The image model refuses the request.")
    return ImageModelFailed("The image model failed.")


def _image_of(response: types.GenerateContentResponse) -> Made:
    """The last image that is not a thought. Text alone is no image (6.4: treat as failure)."""
    feedback = response.prompt_feedback
    if feedback is not None and feedback.block_reason is not None:
        raise Blocked("The image model declined this wish.")
    candidate = response.candidates[0] if response.candidates else None
    if candidate is None:
        raise NothingMade("The image model made no image.")
    parts = (candidate.content.parts or []) if candidate.content is not None else []
    images = [
        part.inline_data
        for part in parts
        if not part.thought
        and part.inline_data is not None
        and (part.inline_data.mime_type or "").startswith("image/")
    ]
    if images and images[-1].data:
        return Made(str(images[-1].mime_type), images[-1].data)
    if candidate.finish_reason is not None and candidate.finish_reason.value in _BLOCKING_REASONS:
        raise Blocked("The image model declined this wish.")
    raise NothingMade("The image model made no image.")
