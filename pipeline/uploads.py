"""What peers uploaded to a room, until they put it into the conversation."""

import asyncio
import base64
import secrets
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Iterator
from concurrent.futures import Executor
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Final

from processors.errors import ImageRefused, UploadsBusy
from processors.images.pixels import Picture, for_the_record, upload_untrusted
from transports import rtvi

SCHEME: Final = "easel:"
MAX_KEPT: Final = 16
MAX_COMING_IN: Final = 8  # to a room at a time: what has come of each lies in memory
MAX_IN_THE_MAKING: Final = 4  # of a room: each may be as large as an upload may be

BUSY: Final = "Too many files are coming in at once. Try again."


@dataclass(frozen=True, slots=True)
class Upload:
    """`picture` goes to the models, `small` into the history."""

    picture: Picture
    small: Picture


class Uploads:
    """The last `MAX_KEPT` of a room, cleaned. `on_upload` is told of each; its sender is told when
    that is done.

    All methods raise `ImageRefused`, with words for the sender.
    """

    def __init__(
        self, executor: Executor, max_bytes: int, on_upload: Callable[[Picture], Awaitable[None]]
    ) -> None:
        self._executor = executor
        self._max_bytes = max_bytes
        self._on_upload = on_upload
        self.coming_in_now = 0
        self._in_the_making = 0
        self._uploads: OrderedDict[str, Upload] = OrderedDict()

    @contextmanager
    def coming_in(self) -> Iterator[None]:
        """While a file is being read."""
        if self.coming_in_now >= MAX_COMING_IN:
            raise UploadsBusy(BUSY, counter="upload_too_many")
        self.coming_in_now += 1
        try:
            yield
        finally:
            self.coming_in_now -= 1

    async def add_untrusted(self, data: bytes) -> tuple[str, Picture]:
        """Decodes and keeps it; returns the address to name it by."""
        if len(data) > self._max_bytes:
            raise ImageRefused(
                f"The file is larger than {self._max_bytes} bytes.", counter="upload_too_large"
            )
        if self._in_the_making >= MAX_IN_THE_MAKING:
            raise UploadsBusy(BUSY, counter="upload_too_many")
        self._in_the_making += 1
        try:
            loop = asyncio.get_running_loop()
            upload = await loop.run_in_executor(self._executor, _upload_untrusted, data)
        finally:
            self._in_the_making -= 1
        url = self._keep(upload)
        await self._on_upload(upload.picture)
        return url, upload.picture

    async def of_message_untrusted(self, message: rtvi.SendFile) -> Upload:
        """The image that a `send-file` means: an upload by address, or bytes within it.

        Other addresses are refused: the service fetches nothing for strangers.
        """
        if message.url is not None:
            upload = self._uploads.get(message.url)
            if upload is None:
                raise ImageRefused(
                    "There is no such upload in this session.", counter="upload_unknown"
                )
            return upload
        try:
            data = base64.b64decode(message.base64_data or "", validate=True)
        except ValueError:
            raise ImageRefused("The file is not base64.", counter="upload_no_image") from None
        url, _ = await self.add_untrusted(data)
        return self._uploads[url]

    def _keep(self, upload: Upload) -> str:
        url = SCHEME + secrets.token_urlsafe(12)
        self._uploads[url] = upload
        while len(self._uploads) > MAX_KEPT:
            self._uploads.popitem(last=False)
        return url


def _upload_untrusted(data: bytes) -> Upload:
    """In a worker thread. Raises `ImageRefused`."""
    picture = upload_untrusted(data)
    return Upload(picture, for_the_record(picture))
