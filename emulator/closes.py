"""Close codes of the Live websocket and the exact reasons that come with them.

Gemini accepts the upgrade and then closes: the reason, not the code, tells the faults apart. The
texts were observed on the real service unless marked "guess". A reason never exceeds 123 bytes
(RFC 6455, section 5.5), so the real service cuts its sentences there, and so does `Close`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

MAX_REASON_BYTES: Final = 123


@dataclass(frozen=True, slots=True)
class Close:
    """A close frame: `code` 1000–4999, `reason` UTF-8, cut to what fits into a control frame."""

    code: int
    reason: str

    def __post_init__(self) -> None:
        cut = self.reason.encode()[:MAX_REASON_BYTES].decode(errors="ignore")
        object.__setattr__(self, "reason", cut)


INVALID_KEY: Final = Close(1007, "API key not valid. Please pass a valid API key.")
NO_CREDENTIAL: Final = Close(
    1008,
    "Method doesn't allow unregistered callers (callers without established identity). Please use "
    "API Key or other form of API consumer identity to call this API.",
)
INVALID_ARGUMENT: Final = Close(1007, "Request contains an invalid argument.")
VOICE_WITHOUT_AUDIO: Final = Close(1007, "Cannot extract voices from a non-audio request.")
EMPTY_ACTIVITY: Final = Close(1007, "Precondition check failed.")
SESSION_NOT_FOUND: Final = Close(1008, "BidiGenerateContent session not found")
GO_AWAY_IGNORED: Final = Close(
    1008,
    "Connection aborted because the client failed to close the connection after receiving a GoAway "
    "signal once the session duration limit was reached.",
)
NOT_IMPLEMENTED: Final = Close(1008, "Operation is not implemented, or supported, or enabled.")
INTERNAL_ERROR: Final = Close(1011, "Internal error encountered.")
UNAVAILABLE: Final = Close(1011, "The service is currently unavailable.")
DEADLINE_EXPIRED: Final = Close(1011, "Deadline expired before operation could complete.")
# The observed reason is known in part only; the rest of the sentence is a guess.
TOO_MANY_SESSIONS: Final = Close(1011, "RESOURCE_EXHAUSTED: Maximum concurrent sessions exceeded.")
# As users report it.
QUOTA: Final = Close(
    1011,
    "You exceeded your current quota, please check your plan and billing details. For more "
    "information on this error, head to: https://ai.google.dev/gemini-api/docs/rate-limits.",
)
# Only the code is known; the sentence is a guess.
STILL_OPEN: Final = Close(1011, "The session to resume still has an open connection.")
SHUTTING_DOWN: Final = Close(1001, "The emulator is shutting down.")

NAMED: Final[Mapping[str, Close]] = MappingProxyType(
    {
        "invalid_key": INVALID_KEY,
        "no_credential": NO_CREDENTIAL,
        "invalid_argument": INVALID_ARGUMENT,
        "voice_without_audio": VOICE_WITHOUT_AUDIO,
        "empty_activity": EMPTY_ACTIVITY,
        "session_not_found": SESSION_NOT_FOUND,
        "go_away_ignored": GO_AWAY_IGNORED,
        "not_implemented": NOT_IMPLEMENTED,
        "internal_error": INTERNAL_ERROR,
        "unavailable": UNAVAILABLE,
        "deadline_expired": DEADLINE_EXPIRED,
        "too_many_sessions": TOO_MANY_SESSIONS,
        "quota": QUOTA,
        "still_open": STILL_OPEN,
    }
)


def unknown_model(model: str, version: str) -> Close:
    """The model does not exist, or does not speak Live, under this API version."""
    return Close(
        1008,
        f"{model} is not found for API version {version}, or is not supported for "
        "bidiGenerateContent. Call ModelService.ListModels to see the list of available models.",
    )


def unknown_field(name: str, path: str) -> Close:
    """`name` is no field of the message at `path` (proto names joined by dots; empty = top)."""
    return Close(1007, unknown_field_reason(name, path))


def unknown_field_reason(name: str, path: str) -> str:
    """The sentence of `unknown_field`, uncut, so that several can be joined."""
    where = f" at '{path}'" if path else ""
    return f'Invalid JSON payload received. Unknown name "{name}"{where}: Cannot find field.'
