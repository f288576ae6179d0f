"""What aiohttp's server has to say. A request that cannot be parsed is no mistake of ours."""

import logging
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final

from aiohttp.http_exceptions import HttpProcessingError
from aiohttp.web import RequestPayloadError

if TYPE_CHECKING:
    Adapter = logging.LoggerAdapter[logging.Logger]
else:
    Adapter = logging.LoggerAdapter

# After an answer aiohttp reads the rest of a body, and stumbles again over one that is broken.
ALREADY_ANSWERED: Final = (RequestPayloadError, ConnectionError)


class ServerLog(Adapter):
    """Passes errors on, but for those that are the caller's: `count` gets the name of one that
    aiohttp answered by itself (400, in plain text), before any door was reached."""

    def __init__(self, count: Callable[[str], None]) -> None:
        super().__init__(logging.getLogger("aiohttp.server"))
        self._count = count

    def log(self, level: int, msg: object, *args: object, **kwargs: Any) -> None:
        error = kwargs.get("exc_info")
        if isinstance(error, HttpProcessingError):
            self._count("http_malformed")
        elif not isinstance(error, ALREADY_ANSWERED):
            super().log(level, msg, *args, **kwargs)
