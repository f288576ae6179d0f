"""What Gemini can do to us.

GeminiError (a ProcessorError)
├── ConfigurationFault    bad key, unknown model, refused field: ours, final
├── ContextFault          this session is beyond saving, a fresh one is not: the service's
├── QuotaFault            too much at once: wait, and say so
└── TransientFault        the connection or the service: try again
"""

from typing import Final

from processors.errors import ProcessorError

FIRST_CLOSE_CODE: Final = 1000
NO_CLOSE_FRAME: Final = 1006


class GeminiError(ProcessorError):
    """`code` is the WebSocket close code or HTTP status; `reason` the server's words.

    `sentence` is for people.
    """

    sentence = "The connection to Gemini failed."

    def __init__(self, code: int, reason: str) -> None:
        super().__init__(f"{code} {reason}")
        self.code = code
        self.reason = reason

    @property
    def by_server(self) -> bool:
        """The server ended the session itself; 1006 (RFC 6455 7.4.1) is a line that broke."""
        return self.code >= FIRST_CLOSE_CODE and self.code != NO_CLOSE_FRAME


class ConfigurationFault(GeminiError):
    def __init__(self, code: int, reason: str) -> None:
        super().__init__(code, reason)
        self.sentence = f"Gemini refuses this configuration: {reason or code}"


class ContextFault(GeminiError):
    sentence = "Gemini lost this conversation; it goes on in a new one."


class QuotaFault(GeminiError):
    sentence = "Gemini is at its limit for this key; trying again shortly."


class TransientFault(GeminiError):
    sentence = "The connection to Gemini is being renewed. Go on speaking: what you say is kept."


_BY_REASON: Final[tuple[tuple[str, type[GeminiError]], ...]] = (
    ("session not found", ContextFault),
    ("api key", ConfigurationFault),
    ("unregistered callers", ConfigurationFault),
    ("permission", ConfigurationFault),
    ("is not found for api version", ConfigurationFault),
    ("unknown name", ConfigurationFault),
    ("publisher model", ConfigurationFault),
    ("is not supported in the live api", ConfigurationFault),
    ("invalid authentication credentials", ConfigurationFault),
    ("cannot extract voices", ConfigurationFault),
    ("resource_exhausted", QuotaFault),
    ("resource exhausted", QuotaFault),
    ("quota", QuotaFault),
    ("invalid argument", ContextFault),
    ("precondition check failed", ContextFault),
)
_BY_CODE: Final[dict[int, type[GeminiError]]] = {
    400: ConfigurationFault,
    401: ConfigurationFault,
    403: ConfigurationFault,
    404: ConfigurationFault,
    429: QuotaFault,
    1007: ContextFault,  # whatever it says: the same again would be refused again
}


def fault(code: int, reason: str) -> GeminiError:
    """The error for a close or a refusal. Reasons are cut at 123 bytes, so parts are matched;
    the text decides before the code does (Gemini closes with 1007 and 1008 for everything)."""
    words = reason.lower()
    for part, kind in _BY_REASON:
        if part in words:
            return kind(code, reason)
    return _BY_CODE.get(code, TransientFault)(code, reason)
