"""Who calls: every form in which a credential reaches Gemini; pure.

| client | form |
|---|---|
| Python SDK, key | header `x-goog-api-key` |
| browsers | `?key=` or, with an ephemeral token, `?access_token=auth_tokens/…` |
| Python SDK, ephemeral token | `Authorization: Token auth_tokens/…`, key header the same |
| enterprise platform | `Authorization: Bearer …` |
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from emulator.closes import INVALID_KEY, NO_CREDENTIAL, Close

TOKEN_PREFIX: Final = "auth_tokens/"
# What makes a key invalid when the emulator was not told which keys are valid.
INVALID_PREFIX: Final = "invalid"


@dataclass(frozen=True, slots=True)
class Credential:
    """At most one of each; empty when not given. The repr shows none of them."""

    key: str = ""
    token: str = ""
    bearer: str = ""

    def __repr__(self) -> str:
        given = [name for name in ("key", "token", "bearer") if getattr(self, name)]
        return f"Credential({', '.join(given)})"


def read_credential_untrusted(headers: Mapping[str, str], query: Mapping[str, str]) -> Credential:
    """The credential of a request; never raises. Header names are looked up in lower case."""
    key = headers.get("x-goog-api-key", "") or query.get("key", "")
    token = query.get("access_token", "")
    scheme, _, value = headers.get("authorization", "").partition(" ")
    bearer = value.strip() if scheme.lower() == "bearer" else ""
    if scheme.lower() == "token":
        token = token or value.strip()
    for given in (key, bearer):
        if given.startswith(TOKEN_PREFIX):
            token = token or given
    return Credential(
        key="" if key.startswith(TOKEN_PREFIX) else key,
        token=token,
        bearer="" if bearer.startswith(TOKEN_PREFIX) else bearer,
    )


def credential_refusal(credential: Credential, valid_keys: frozenset[str]) -> Close | None:
    """Why a key or bearer is refused, or None. Ephemeral tokens are judged by their store."""
    if credential.bearer or credential.token:
        return None
    if not credential.key:
        return NO_CREDENTIAL
    if valid_keys:
        return None if credential.key in valid_keys else INVALID_KEY
    return INVALID_KEY if credential.key.startswith(INVALID_PREFIX) else None
