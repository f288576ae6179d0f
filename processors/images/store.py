"""Where the bytes of images are kept: one interface for memory, a folder and S3. Pure.

Names are `folder/name`: a room's id, and an image's id with what it holds. Both are made by us, and
of letters that every store takes.

StoreFailed               the disk's or the network's fault; `str()` is for the operator
"""

import re
from typing import Final, Protocol

from processors.errors import ProcessorError

NAME: Final = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9_.-]{0,127}")


class StoreFailed(ProcessorError):
    """Nothing was stored, or nothing could be read."""


class BlobStore(Protocol):
    """All methods raise `StoreFailed`, and `ValueError` for a name that is none."""

    @property
    def outlives_the_process(self) -> bool: ...

    async def put(self, folder: str, name: str, data: bytes) -> None:
        """When it returns, a crash of this process does not lose it (but for memory)."""

    async def get(self, folder: str, name: str) -> bytes | None:
        """None: never stored, or not kept any more."""

    async def delete(self, folder: str, name: str) -> None:
        """What is not there is no mistake."""

    async def names(self, folder: str) -> list[str]: ...

    async def folders(self) -> list[str]: ...

    async def delete_folder(self, folder: str) -> None: ...

    async def close(self) -> None:
        """Idempotent."""


def checked(*names: str) -> None:
    """Raises `ValueError`: a name may not lead out of its folder."""
    for name in names:
        if not NAME.fullmatch(name):
            raise ValueError("a name is of letters, digits, _, - and dots, and begins with no dot")
