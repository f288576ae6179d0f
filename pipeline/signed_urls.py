"""Addresses of images that only those can have who were told them. Pure.

The token in the URL is an expiry and an HMAC over the path and that expiry, with a key that
outlives the process where what is stored does.
"""

import hashlib
import hmac
import json
import re
import secrets
from dataclasses import dataclass, field
from typing import Final

LIFETIME_S: Final = 24 * 3600
MAC_CHARS: Final = 32  # 128 bits

_TOKEN: Final = re.compile(rf"([0-9]{{1,12}})\.([0-9a-f]{{{MAC_CHARS}}})", re.ASCII)


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
        """Whether `token` was signed for this image and has not expired. All three texts may be
        a stranger's; never raises."""
        match = _TOKEN.fullmatch(token)
        if match is None:
            return False
        expires = int(match[1])
        expected = self._mac(room_id, image_id, expires)
        return hmac.compare_digest(match[2], expected) and now < expires

    def _mac(self, room_id: str, image_id: str, expires: int) -> str:
        # JSON keeps the parts apart, whatever is in them, and is ASCII.
        message = json.dumps([room_id, image_id, expires]).encode()
        return hmac.new(self.key, message, hashlib.sha256).hexdigest()[:MAC_CHARS]
