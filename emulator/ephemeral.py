"""Ephemeral tokens: made over HTTP, spent on constrained connections; pure.

Errors:

    TokenError      the request or the token is wrong; the client's fault
"""

from __future__ import annotations

import copy
import random
import string
from collections import OrderedDict
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from emulator.auth import TOKEN_PREFIX
from emulator.json_types import JSON, JsonObject, number_of, text_of
from emulator.schema import FIELDS
from emulator.wire import WireError, canonical_untrusted

EXPIRES_S: Final = 1800.0
NEW_SESSION_EXPIRES_S: Final = 60.0
LONGEST_S: Final = 20 * 3600.0
MAX_TOKENS: Final = 1024
TOKEN_CHARACTERS: Final = 48
# The wire's type is a signed 32-bit integer.
MAX_USES: Final = 2**31 - 1


class TokenError(ValueError):
    """A token that cannot be made or used; the message may be shown to the client."""


@dataclass
class _Token:
    expires_at: float
    new_session_expires_at: float
    uses_left: int | None
    setup: JsonObject | None
    field_mask: tuple[str, ...] | None


class TokenStore:
    """All tokens of a server. `unix_now` is Unix time in seconds, as tokens are dated."""

    def __init__(self, numbers: random.Random) -> None:
        self._numbers = numbers
        self._tokens: OrderedDict[str, _Token] = OrderedDict()

    def create_untrusted(self, body: JSON, unix_now: float) -> str:
        """Make a token as the body of `POST …/auth_tokens` asks; returns its name.

        Raises:
            TokenError: the body is wrong.
        """
        if not isinstance(body, dict):
            raise TokenError("the body is no object")
        setup, mask = body.get("bidiGenerateContentSetup"), body.get("fieldMask")
        uses = number_of(body.get("uses", 1))
        if uses is None or not 0 <= uses <= MAX_USES or not uses.is_integer():
            raise TokenError("uses is wrong")
        if mask is not None and not isinstance(mask, str):
            raise TokenError("fieldMask is wrong")
        token = _Token(
            expires_at=_time(body, "expireTime", EXPIRES_S, unix_now),
            new_session_expires_at=_time(
                body, "newSessionExpireTime", NEW_SESSION_EXPIRES_S, unix_now
            ),
            # 0 on the wire is "unlimited"; a spent token must not look like one.
            uses_left=int(uses) or None,
            setup=_setup(setup),
            field_mask=None if mask is None else tuple(filter(None, mask.split(","))),
        )
        letters = string.ascii_lowercase + string.digits
        name = TOKEN_PREFIX + "".join(self._numbers.choices(letters, k=TOKEN_CHARACTERS))
        self._tokens[name] = token
        while len(self._tokens) > MAX_TOKENS:
            self._tokens.popitem(last=False)
        return name

    def spend(self, name: str, setup: JsonObject, unix_now: float) -> JsonObject:
        """Use a token for a connection; returns the setup with what the token locks.

        Resuming a session is not a use.

        Raises:
            TokenError: unknown, expired or spent.
        """
        token = self._tokens.get(name)
        if token is None or unix_now > token.expires_at:
            raise TokenError("the token is unknown or expired")
        resumption = setup.get("sessionResumption")
        resumes = isinstance(resumption, dict) and bool(resumption.get("handle"))
        if not resumes:
            if unix_now > token.new_session_expires_at:
                raise TokenError("the token opens no new sessions any more")
            if token.uses_left == 0:
                raise TokenError("the token is spent")
            if token.uses_left is not None:
                token.uses_left -= 1
        return _constrained(setup, token)


def _setup(value: JSON) -> JsonObject | None:
    if value is None:
        return None
    if not isinstance(value, dict):
        raise TokenError("bidiGenerateContentSetup is no object")
    inner = value.get("setup", value)
    if not isinstance(inner, dict):
        raise TokenError("bidiGenerateContentSetup is no object")
    try:
        return canonical_untrusted(inner, "Setup", "bidi_generate_content_setup")
    except WireError as error:
        raise TokenError(error.close.reason) from None


def _time(body: JsonObject, name: str, default_s: float, unix_now: float) -> float:
    written = body.get(name)
    if written is None:
        return unix_now + default_s
    try:
        moment = datetime.fromisoformat(text_of(written).replace("Z", "+00:00")).timestamp()
    except (ValueError, OverflowError):
        raise TokenError(f"{name} is no time") from None
    if moment > unix_now + LONGEST_S:
        raise TokenError(f"{name} is more than 20 hours ahead")
    return moment


def _constrained(setup: JsonObject, token: _Token) -> JsonObject:
    """Without constraints: the client's; without a mask: the token's; else locked field by field.

    A handle is never locked: it is not known when the token is made.
    """
    if token.setup is None:
        return setup
    if token.field_mask is None:
        locked = copy.deepcopy(token.setup)
        if "sessionResumption" in setup:
            locked["sessionResumption"] = setup["sessionResumption"]
        return locked
    merged = copy.deepcopy(setup)
    for path in token.field_mask:
        names = _canonical_path(path)
        if names and names[0] != "sessionResumption":
            _lock(merged, token.setup, names)
    return merged


def _canonical_path(path: str) -> list[str]:
    """A mask's path with canonical names; masks mix both spellings. Unknown names are kept."""
    message = "Setup"
    names: list[str] = []
    for written in path.split("."):
        field = FIELDS.get(message, {}).get(written)
        names.append(field.name if field else written)
        message = field.type if field else ""
    return names


def _lock(setup: JsonObject, source: JsonObject, names: list[str]) -> None:
    """Make `setup` agree with `source` at one path."""
    *parents, last = names
    for name in parents:
        inner = setup.setdefault(name, {})
        outer = source.get(name)
        if not isinstance(inner, dict) or not isinstance(outer, dict | None):
            return
        setup, source = inner, outer or {}
    if last in source:
        setup[last] = copy.deepcopy(source[last])
    else:
        setup.pop(last, None)
