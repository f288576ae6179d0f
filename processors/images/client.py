"""The only file that asks an image model: pictures and a wish in, words and images out.

What one answer holds comes in its order, each piece as soon as its bytes are there. A wish goes
on with a chat where the exchanges before it are still known: they are sent again as they were,
thoughts and signatures included. google-genai's chat keeps a streamed answer in as many contents
as it had events, and drops it whole when the last one is empty; here they are one content again.
"""

import logging
import re
from collections.abc import AsyncGenerator, Callable, Iterator, Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from functools import partial
from typing import Any, Final

from google import genai
from google.genai import errors, types

from processors.images.errors import (
    Blocked,
    ImageModelFailed,
    ImageNotMade,
    NothingMade,
    OverQuota,
    TooBig,
)
from processors.images.image_config import generate_content_config
from processors.images.model_thread import ModelThread
from processors.images.profiles import profile_for
from processors.images.settings import ImageSettings

logger = logging.getLogger(__name__)

OnUsage = Callable[[Mapping[str, Any]], None]
"""Gets the API's `usageMetadata`, camelCase, without absent fields."""

KEEP_THE_REST: Final = "\n(Change only this, and keep all else of the picture as it is.)"
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
_RETRY_DELAY: Final = re.compile(r"retryDelay['\"]?: *['\"](\d+(?:\.\d+)?)s")
MAX_SECONDS_TOLD: Final = 120


@dataclass(frozen=True, slots=True)
class Words:
    """What the model writes between its images."""

    text: str


@dataclass(frozen=True, slots=True)
class Draft:
    """An image of the model's thoughts: an early look at what it makes. Not checked yet."""

    mime_type: str
    data: bytes


@dataclass(frozen=True, slots=True)
class Made:
    """What the model made: the image's bytes as they came, not checked yet."""

    mime_type: str
    data: bytes


Piece = Words | Draft | Made


@dataclass(frozen=True, slots=True)
class Exchange:
    """One wish and the model's whole answer, to be sent again. `size` in bytes."""

    contents: tuple[types.Content, ...]
    size: int


@dataclass(frozen=True, slots=True)
class ImageRequest:
    """`pictures` are (MIME type, bytes) of what is to be edited or to look the same; `history` the
    exchanges that the wish goes on from. The rest is as in the settings, and goes before them.
    """

    prompt: str
    pictures: tuple[tuple[str, bytes], ...] = ()
    history: tuple[Exchange, ...] = ()
    aspect_ratio: str | None = None
    size: str | None = None
    seed: int | None = None
    edits: bool = False


def warm_up() -> None:
    """Makes the SDK build now what it builds at its first request: 70 ms without any voice."""
    types.Content(role="user", parts=[types.Part.from_bytes(data=b"", mime_type="image/png")])
    generate_content_config(ImageSettings())
    parts = [{"text": "", "inlineData": {"mimeType": "image/png", "data": ""}}]
    types.GenerateContentResponse.model_validate({"candidates": [{"content": {"parts": parts}}]})


class ImageModel:
    """Asks the model that the settings name. Time limits are the caller's; cancellable.

    With `thread` the client is used there, and nowhere else.
    """

    def __init__(
        self, client: genai.Client, settings: ImageSettings, thread: ModelThread | None = None
    ) -> None:
        self._client = client
        self._settings = settings
        self._thread = thread

    @property
    def name(self) -> str:
        return self._settings.model

    def ask(self, request: ImageRequest, on_usage: OnUsage = lambda metadata: None) -> "Answer":
        """What an answer without an image used is told to `on_usage` as well: it is billed."""
        given = {
            "aspect_ratio": request.aspect_ratio,
            "size": request.size,
            "seed": request.seed,
        }
        wanted = {key: value for key, value in given.items() if value is not None}
        settings = self._settings.model_copy(update=wanted)
        return Answer(self._client, settings, request, on_usage, self._thread)


class Answer:
    """An answer as it comes: take its `pieces` once, to the end, or close them.

    They raise `ImageNotMade`, with words for a person, whatever goes wrong, also after some pieces;
    at the end too, when no image has come. Then `exchange` is what to go on from, else None.
    """

    def __init__(
        self,
        client: genai.Client,
        settings: ImageSettings,
        request: ImageRequest,
        on_usage: OnUsage,
        thread: ModelThread | None,
    ) -> None:
        self.exchange: Exchange | None = None
        history: list[types.ContentOrDict] = [
            content for exchange in request.history for content in exchange.contents
        ]
        self._chat = client.aio.chats.create(
            model=settings.model, config=_config(settings), history=history
        )
        self._request = request
        self._on_usage = on_usage
        self._thread = thread
        self._parts: list[types.Part] = []
        self._usage: types.GenerateContentResponseUsageMetadata | None = None
        self._blocked = False

    async def pieces(self) -> AsyncGenerator[Piece, None]:
        message = _message(self._request)
        asked = partial(self._asked, message)
        try:
            source = asked() if self._thread is None else self._thread.iterate(asked)
            async with aclosing(source) as pieces:
                async for piece in pieces:
                    yield piece
        finally:
            self._tell_usage()
        self._conclude(message)

    async def _asked(self, message: list[types.Part]) -> AsyncGenerator[Piece, None]:
        try:
            stream: Any = await self._chat.send_message_stream([*message])
            async with aclosing(stream):
                async for response in stream:
                    for part in self._taken(response):
                        piece = _piece(part)
                        if piece is not None:
                            yield piece
        except errors.APIError as error:
            # Never the message: it may repeat the prompt.
            logger.warning("image model answered %s %s", error.code, error.status)
            raise _fault(error) from error
        except ImageNotMade:
            raise
        except Exception as error:  # each of the SDK's transports and logins has its own kinds
            logger.warning("image request failed with %s", type(error).__name__)
            raise ImageModelFailed("The image model cannot be reached.") from error

    def _taken(self, response: types.GenerateContentResponse) -> list[types.Part]:
        parts = list(_parts(response))
        self._parts += parts
        self._usage = response.usage_metadata or self._usage
        self._blocked = self._blocked or _is_blocked(response)
        return parts

    def _tell_usage(self) -> None:
        """Each event tells the sum so far, so the last one counts."""
        usage, self._usage = self._usage, None
        if usage is not None:
            self._on_usage(usage.model_dump(mode="json", by_alias=True, exclude_none=True))

    def _conclude(self, message: list[types.Part]) -> None:
        """Text alone is no image (gemini-live 6.4: treat as failure)."""
        pieces = [piece for piece in map(_piece, self._parts) if piece is not None]
        if any(isinstance(piece, Made) for piece in pieces):
            contents = (
                types.Content(role="user", parts=message),
                types.Content(role="model", parts=self._parts),
            )
            self.exchange = Exchange(contents, _size(contents))
            return
        if self._blocked:
            raise Blocked("The image model declined this wish.")
        words = " ".join(piece.text for piece in pieces if isinstance(piece, Words))
        if words:
            raise NothingMade(f"The image model made no image, but said: {words[:MAX_WORDS_CHARS]}")
        raise NothingMade("The image model made no image.")


def _config(settings: ImageSettings) -> types.GenerateContentConfig:
    """With drafts, unless the settings decide: thoughts are billed anyway, and their images are the
    early look."""
    config = generate_content_config(settings)
    # There are no functions to call, and without this each request would say so in the log.
    config.automatic_function_calling = types.AutomaticFunctionCallingConfig(disable=True)
    undecided = settings.thinking.include_thoughts is None
    if undecided and profile_for(settings.model).drafts:
        thinking = config.thinking_config or types.ThinkingConfig()
        config.thinking_config = thinking.model_copy(update={"include_thoughts": True})
    return config


def _message(request: ImageRequest) -> list[types.Part]:
    parts = [types.Part.from_bytes(data=data, mime_type=mime) for mime, data in request.pictures]
    prompt = request.prompt + KEEP_THE_REST if request.edits else request.prompt
    return [*parts, types.Part.from_text(text=prompt)]


def _piece(part: types.Part) -> Piece | None:
    """None: a thought in words, a signature alone, or what no image model should send."""
    blob = part.inline_data
    if blob is not None and blob.data and (blob.mime_type or "").startswith("image/"):
        kind = Draft if part.thought else Made
        return kind(blob.mime_type or "", blob.data)
    if part.text and not part.thought:
        return Words(part.text)
    return None


def _size(contents: Sequence[types.Content]) -> int:
    return sum(
        len(part.text or "") + (len(part.inline_data.data or b"") if part.inline_data else 0)
        for content in contents
        for part in content.parts or []
    )


def _fault(error: errors.APIError) -> ImageNotMade:
    if error.code == 429:
        return OverQuota(f"The image model is at its limit. Try again {_when(error)}.")
    if error.code == 413 or "payload size" in str(error.message or "").casefold():
        return TooBig("The pictures are too large together for the image model.")
    if error.code in _OVERLOADED:
        return ImageModelFailed("The image model has trouble. Try again in a minute.")
    return ImageModelFailed("The image model refuses the request.")


def _when(error: errors.APIError) -> str:
    """As google.rpc.RetryInfo says it."""
    found = _RETRY_DELAY.search(str(error.details))
    if found is None:
        return "in a minute"
    seconds = max(1, round(float(found[1])))
    return f"in {seconds} seconds" if seconds <= MAX_SECONDS_TOLD else "later"


def _parts(response: types.GenerateContentResponse) -> Iterator[types.Part]:
    """Of all candidates."""
    for candidate in response.candidates or []:
        yield from (candidate.content.parts if candidate.content is not None else None) or []


def _is_blocked(response: types.GenerateContentResponse) -> bool:
    feedback = response.prompt_feedback
    if feedback is not None and feedback.block_reason is not None:
        return True
    reasons = (candidate.finish_reason for candidate in response.candidates or [])
    return any(reason is not None and reason.value in _BLOCKING_REASONS for reason in reasons)
