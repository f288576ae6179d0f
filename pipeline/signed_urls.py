"""Addresses of images that only those can have who were told them. Pure.

The token in the URL is an expiry and an HMAC over the path and that expiry, with a key that
lives as long as the process.
"""

import hashlib
import hmac
import secrets
from dataclasses import dataclass, field
from typing import Final

LIFETIME_S: Final = 24 * 3600
MAC_CHARS: Final = 32  # 128 bits


@dataclass(frozen=True, slots=True)
class UrlSigner:
    """`prefix` is the path of the service behind a proxy, "" at the root."""

    prefix: str = ""
    key: bytes = field(default_factory=lambda: secrets.token_bytes(32), repr=False)

    def image_url(self, room_id: str, image_id: str, now: float) -> str:
        """`now` is seconds since the epoch; the address serves for `LIFETIME_S`."""
        expires = int(now) + LIFETIME_S
        token = f"{expires}.{self._mac(room_id, image_id, expires)}"
        return f"{self.prefix}/sessions/{room_id}/images/{image_id}?token={token}"

    def allows(self, room_id: str, image_id: str, token: str, now: float) -> bool:
        expires, _, mac = token.partition(".")
        if not expires.isascii() or not expires.isdigit() or len(expires) > 12:
            return False
        expected = self._mac(room_id, image_id, int(expires))
        return hmac.compare_digest(mac.encode(), expected.encode()) and now < int(expires)

    def _mac(self, room_id: str, image_id: str, expires: int) -> str:
        message = f"{room_id}/{image_id}/{expires}".encode()
        return hmac.new(self.key, message, hashlib.sha256).hexdigest()[:MAC_CHARS]
