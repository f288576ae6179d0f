"""Links to single images, for people who are not in the room: they name neither room nor image."""

import json
import logging
import secrets
from dataclasses import dataclass
from typing import Final

from pydantic import TypeAdapter, ValidationError

from processors.images.store import NAME, BlobStore

FOLDER: Final = "shares"
LIFETIME_S: Final = 24 * 3600.0
ID_BYTES: Final = 18

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Share:
    room_id: str
    image_id: str
    mime_type: str
    sha256: str
    expires_at: float


_SHARE: Final = TypeAdapter(Share)


class Shares:
    """All methods raise `StoreFailed`. A link outlives its room, as long as the image is kept."""

    def __init__(self, blobs: BlobStore) -> None:
        self._blobs = blobs

    async def make(
        self, room_id: str, image_id: str, mime_type: str, sha256: str, now: float
    ) -> tuple[str, Share]:
        """The link's id. `now` is seconds since the epoch."""
        share = Share(room_id, image_id, mime_type, sha256, now + LIFETIME_S)
        share_id = secrets.token_urlsafe(ID_BYTES)
        fields = {name: getattr(share, name) for name in Share.__slots__}
        await self._blobs.put(FOLDER, f"{share_id}.json", json.dumps(fields).encode())
        return share_id, share

    async def find_untrusted(self, share_id: str, now: float) -> Share | None:
        """None: there is no such link, or not any more."""
        name = f"{share_id}.json"
        if not NAME.fullmatch(name):
            return None
        data = await self._blobs.get(FOLDER, name)
        if data is None:
            return None
        try:
            share = _SHARE.validate_json(data)
        except ValidationError:
            logger.warning("a link is damaged where it is kept")
            return None
        return share if now < share.expires_at else None
