"""The only file that asks an image model: pictures and a wish in, one image or a reason out."""

import logging
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from google import genai
from google.genai import errors, types

from processors.images.errors import (
    Blocked,
    ImageModelFailed,
    ImageNotMade,
    NothingMade,
    OverQuota,
)
from processors.images.image_config import generate_content_config
from processors.images.settings import ImageSettings

logger = logging.getLogger(__name__)

OnUsage = Callable[[Mapping[str, Any]], None]
"""Gets the API's `usageMetadata`, camelCase, without absent fields."""

KEEP_THE_REST: Final = "Change only this and keep everything else of the picture as it is: "
MAX_WORDS_CHARS: Final = 300  # of what the model says instead of drawing

# Any reason to block a prompt, and these of the reasons to end an answer.
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
_OVERLOADED: Final = (408, 500, 502, 503, 504)


@dataclass(frozen=True, slots=True)
class Made:
    """What the model made: the image's bytes as they came, not checked yet."""

    mime_type: str
    data: bytes


def warm_up() -> None:
    """Makes the SDK build now what it builds at its first request: 70 ms without any voice."""
    types.Content(role="user", parts=[types.Part.from_bytes(data=b"", mime_type="image/png")])
    generate_content_config(ImageSettings())
    parts = [{"text": "", "inlineData": {"mimeType": "image/png", "data": ""}}]
    types.GenerateContentResponse.model_validate({"candidates": [{"content": {"parts": parts}}]})


class ImageModel:
    """Asks the model that the settings name. Time limits are the caller's; cancellable."""

    def __init__(self, client: genai.Client, settings: ImageSettings) -> None:
        self._client = client
        self._settings = settings

    @property
    def name(self) -> str:
        return self._settings.model

    async def make(
        self,
        prompt: str,
        sources: Sequence[tuple[str, bytes]],
        on_usage: OnUsage = lambda metadata: None,
    ) -> Made:
        """`sources` are (MIME type, bytes) of the pictures to edit; none: a new image.

        What an answer without an image used is told to `on_usage` as well: it is billed. Raises
        `ImageNotMade`, with words for a person, whatever goes wrong.
        """
        parts = [types.Part.from_bytes(data=data, mime_type=mime) for mime, data in sources]
        parts.append(types.Part.from_text(text=KEEP_THE_REST + prompt if sources else prompt))
        try:
            response = await self._client.aio.models.generate_content(
                model=self._settings.model,
                contents=types.Content(role="user", parts=parts),
                config=generate_content_config(self._settings),
            )
        except errors.APIError as error:
            # Never the message: it may repeat the prompt.
            logger.warning("image model answered %s %s", error.code, error.status)
            raise _fault(error) from error
        except Exception as error:  # each of the SDK's transports and logins has its own kinds
            logger.warning("image request failed with %s", type(error).__name__)
            raise ImageModelFailed("The image model cannot be reached.") from error
        if response.usage_metadata is not None:
            on_usage(
                response.usage_metadata.model_dump(mode="json", by_alias=True, exclude_none=True)
            )
        return _image_of(response)


def _fault(error: errors.APIError) -> ImageNotMade:
    if error.code == 429:
        return OverQuota("The image model is at its limit. Try again in a minute.")
    if error.code in _OVERLOADED:
        return ImageModelFailed("The image model has trouble. Try again in a minute.")
    return ImageModelFailed("The image model refuses the request.")


def _image_of(response: types.GenerateContentResponse) -> Made:
    """The last image that is not a thought. Text alone is no image (6.4: treat as failure)."""
    images = [
        part.inline_data
        for part in _parts(response)
        if part.inline_data is not None
        and (part.inline_data.mime_type or "").startswith("image/")
        and part.inline_data.data
    ]
    if images:
        return Made(images[-1].mime_type or "", images[-1].data or b"")
    if _is_blocked(response):
        raise Blocked("The image model declined this wish.")
    words = " ".join(part.text for part in _parts(response) if part.text)
    if words:
        raise NothingMade(f"The image model made no image, but said: {words[:MAX_WORDS_CHARS]}")
    raise NothingMade("The image model made no image.")


def _parts(response: types.GenerateContentResponse) -> Iterator[types.Part]:
    """Of all candidates, without thoughts."""
    for candidate in response.candidates or []:
        for part in (candidate.content.parts if candidate.content is not None else None) or []:
            if not part.thought:
                yield part


def _is_blocked(response: types.GenerateContentResponse) -> bool:
    feedback = response.prompt_feedback
    if feedback is not None and feedback.block_reason is not None:
        return True
    reasons = (candidate.finish_reason for candidate in response.candidates or [])
    return any(reason is not None and reason.value in _BLOCKING_REASONS for reason in reasons)
