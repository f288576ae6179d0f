"""Pictures for those in a room who cannot see them there: phone callers, peers without a channel.

A bridge (to a phone, a chat, a pager) attaches itself to a room's `PictureLinks` and is handed a
link whenever another picture is current. It sends it on as it can: as a text message, for example.
"""

import logging
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from pipeline.jobs import Jobs
from pipeline.shares import Shares
from processors.images.store import StoreFailed
from processors.images.tree import Image

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class PictureLink:
    """`url` opens without any right to the room, for a day; a path where the service does not know
    its public address."""

    url: str
    prompt: str
    image_id: str


class PictureBridge(Protocol):
    async def picture_ready(self, link: PictureLink) -> None:
        """Called for one picture at a time; what it raises is logged, and the room goes on."""


class PictureLinks:
    """`base` is what goes before "/pictures/…"."""

    def __init__(self, room_id: str, shares: Shares, base: str) -> None:
        self._room_id = room_id
        self._shares = shares
        self._base = base
        self._bridges: dict[int, PictureBridge] = {}
        self._jobs = Jobs()

    def attach(self, bridge: PictureBridge) -> Callable[[], None]:
        """Returns what detaches it."""
        self._bridges[id(bridge)] = bridge

        def detach() -> None:
            self._bridges.pop(id(bridge), None)

        return detach

    def current(self, image: Image | None) -> None:
        """Another picture is current; nothing is made for nobody."""
        if image is not None and self._bridges:
            self._jobs.start(self._tell(image))

    async def close(self) -> None:
        await self._jobs.close()

    async def _tell(self, image: Image) -> None:
        stored = image.stored
        if stored is None:
            return
        try:
            share_id, _ = await self._shares.make(
                self._room_id, image.image_id, stored.mime_type, stored.sha256, time.time()
            )
        except StoreFailed as error:
            logger.warning("a bridge gets no link: %s", error)
            return
        link = PictureLink(f"{self._base}/pictures/{share_id}", image.prompt, image.image_id)
        for bridge in [*self._bridges.values()]:
            try:
                await bridge.picture_ready(link)
            except Exception as error:  # somebody else's code
                logger.warning("a bridge failed with %s", type(error).__name__)
