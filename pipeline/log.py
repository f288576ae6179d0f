"""Structured logs: one line each, with the room's and the peer's id, and nothing personal.

ERROR    a mistake of ours; somebody should look.
WARNING  something was lost or refused that should not be, and the service goes on.
INFO     created, connected, closed with reason: a few lines for each room and peer.
DEBUG    what happens within a conversation, never its content.

Other libraries speak at WARNING and above only: below that aioice logs addresses, websockets
what is said, and pipecat whole frames. What they say is redacted.
"""

import json
import logging
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import UTC, datetime
from typing import Final, Literal

import loguru

from pipeline.redaction import SHOWN_ID_CHARS, redacted

OURS: Final = ("pipeline", "transports", "processors")

_room: ContextVar[str] = ContextVar("easel_log_room", default="")
_peer: ContextVar[str] = ContextVar("easel_log_peer", default="")

# What would break a line, or hide part of it on a terminal.
_CONTROLS: Final = {code: f"\\x{code:02x}" for code in (*range(32), 127)}


@contextmanager
def log_context(*, room: str | None = None, peer: str | None = None) -> Iterator[None]:
    """All that is logged within, also by tasks started within, carries these ids."""
    tokens = []
    if room is not None:
        tokens.append((_room, _room.set(room[:SHOWN_ID_CHARS])))
    if peer is not None:
        tokens.append((_peer, _peer.set(peer[:SHOWN_ID_CHARS])))
    try:
        yield
    finally:
        for variable, token in reversed(tokens):
            variable.reset(token)


def configure(level: str, form: Literal["text", "json"]) -> None:
    """Sends every log record and warning of the process to standard error. Call once, at start."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonLines() if form == "json" else TextLines())
    handler.addFilter(_add_ids)
    logging.root.handlers = [handler]
    logging.root.setLevel(logging.WARNING)
    for name in OURS:
        logging.getLogger(name).setLevel(level.upper())
    logging.captureWarnings(True)
    loguru.logger.remove()
    loguru.logger.add(_from_loguru, level="WARNING", format="{message}")


def _add_ids(record: logging.LogRecord) -> bool:
    record.room, record.peer = _room.get(), _peer.get()
    return True


def _from_loguru(message: "loguru.Message") -> None:
    record = message.record
    error = record["exception"]
    logging.getLogger(record["name"] or "pipecat").log(
        record["level"].no, "%s", record["message"], exc_info=error.value if error else None
    )


class TextLines(logging.Formatter):
    """For people: time, level, [room peer], logger, words."""

    def format(self, record: logging.LogRecord) -> str:
        ids = " ".join(i for i in (getattr(record, "room", ""), getattr(record, "peer", "")) if i)
        where = f" [{ids}]" if ids else ""
        words = redacted(record.getMessage()).translate(_CONTROLS)
        line = f"{_time(record)} {record.levelname:<7}{where} {record.name}: {words}"
        error = _error(self, record)
        return line if error is None else f"{line}\n{error}"


class JsonLines(logging.Formatter):
    """For machines: one JSON object a line."""

    def format(self, record: logging.LogRecord) -> str:
        fields = {
            "time": _time(record),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": redacted(record.getMessage()),
            "room": getattr(record, "room", ""),
            "peer": getattr(record, "peer", ""),
            "error": _error(self, record),
        }
        return json.dumps({name: value for name, value in fields.items() if value})


def _error(formatter: logging.Formatter, record: logging.LogRecord) -> str | None:
    return redacted(formatter.formatException(record.exc_info)) if record.exc_info else None


def _time(record: logging.LogRecord) -> str:
    return datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds")
