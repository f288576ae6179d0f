"""Writes what passes on the wire to Gemini to files, redacted, from a thread of its own.

The event loop only puts messages into a queue; they are read, redacted and written elsewhere.
The queue is bounded by bytes: what finds no room is dropped, counted, and said in the log. So
are the files: the newest few are kept. A disk that cannot be written to ends the log, not a room.
"""

import logging
import os
import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Final

from processors.gemini.wire_record import Record, Redactor, line

logger = logging.getLogger(__name__)

QUEUE_BYTES: Final = 16 << 20
ENTRY_BYTES: Final = 200  # what an entry weighs beside its message
WRITE_EVERY_S: Final = 0.25
MAX_FILE_BYTES: Final = 64 << 20
MAX_FILES: Final = 8
CLOSE_LIMIT_S: Final = 2.0
SUFFIX: Final = ".jsonl"


@dataclass(frozen=True, slots=True)
class _Opened:
    connection: int
    at: float

    size = 0


@dataclass(frozen=True, slots=True)
class _Sent:
    connection: int
    t: float
    data: bytes

    @property
    def size(self) -> int:
        return len(self.data)


@dataclass(frozen=True, slots=True)
class _Received:
    connection: int
    t: float
    data: bytes | str

    @property
    def size(self) -> int:
        return len(self.data)


@dataclass(frozen=True, slots=True)
class _Closed:
    connection: int
    t: float
    code: int
    reason: str
    by: str

    size = 0


_Entry = _Opened | _Sent | _Received | _Closed


class WireLog:
    """A `Tap` that writes. `path` ending in `.jsonl` is a file, anything else a folder.

    Raises `OSError` when the first file cannot be made. `close()` writes what waits; idempotent.
    `on_drop` is called for each record that finds no room.
    """

    def __init__(
        self,
        path: Path,
        *,
        texts: bool = False,
        vertex: bool = False,
        on_drop: Callable[[], None] = lambda: None,
        queue_bytes: int = QUEUE_BYTES,
        max_file_bytes: int = MAX_FILE_BYTES,
        max_files: int = MAX_FILES,
    ) -> None:
        self.dropped = 0
        self._redactor = Redactor(texts=texts, vertex=vertex)
        self._files = _Files(path, self._redactor, max_file_bytes, max_files)
        self._queue_bytes = queue_bytes
        self._on_drop = on_drop
        self._waiting: deque[_Entry] = deque()
        self._waiting_bytes = 0
        self._dropped_unsaid = 0
        self._began: dict[int, float] = {}
        self._count = 0
        self._lock = threading.Lock()
        self._closing = threading.Event()
        self._thread = threading.Thread(target=self._write_all, name="wire-log", daemon=True)
        self._thread.start()

    def opened(self) -> int:
        self._count += 1
        self._began[self._count] = time.monotonic()
        self._put(_Opened(self._count, time.time()))
        return self._count

    def sent(self, connection: int, data: bytes) -> None:
        self._put(_Sent(connection, self._age(connection), data))

    def received(self, connection: int, data: bytes | str) -> None:
        self._put(_Received(connection, self._age(connection), data))

    def closed(self, connection: int, code: int, reason: str, by: str) -> None:
        self._put(_Closed(connection, self._age(connection), code, reason, by))
        self._began.pop(connection, None)

    def close(self) -> None:
        """Within CLOSE_LIMIT_S; what is not written by then is lost."""
        self._closing.set()
        self._thread.join(CLOSE_LIMIT_S)

    def _age(self, connection: int) -> float:
        now = time.monotonic()
        return now - self._began.get(connection, now)

    def _put(self, entry: _Entry) -> None:
        size = entry.size + ENTRY_BYTES
        with self._lock:
            if self._waiting_bytes + size <= self._queue_bytes and not self._closing.is_set():
                self._waiting.append(entry)
                self._waiting_bytes += size
                return
            self.dropped += 1
            self._dropped_unsaid += 1
        self._on_drop()

    def _take(self) -> tuple[deque[_Entry], int]:
        """What waits, and how many were dropped before it."""
        with self._lock:
            waiting, self._waiting = self._waiting, deque()
            dropped, self._dropped_unsaid = self._dropped_unsaid, 0
            self._waiting_bytes = 0
        return waiting, dropped

    def _write_all(self) -> None:
        ended = False
        try:
            while not ended:
                ended = self._closing.wait(WRITE_EVERY_S)
                waiting, dropped = self._take()
                for entry in waiting:
                    self._files.write(self._record(entry))
                if dropped:  # what waited was there before them
                    self._files.write({"event": "dropped", "count": dropped})
                self._files.flush()
        except OSError as error:
            logger.error("the wire log cannot be written: %s", error.strerror)
        finally:
            self._closing.set()  # nothing more is taken
            self._files.close()

    def _record(self, entry: _Entry) -> Record:
        match entry:
            case _Opened():
                return self._redactor.opened(entry.connection, entry.at)
            case _Sent():
                return self._redactor.sent(entry.connection, entry.t, entry.data)
            case _Received():
                return self._redactor.received(entry.connection, entry.t, entry.data)
            case _Closed():
                return self._redactor.closed(
                    entry.connection, entry.t, entry.code, entry.reason, entry.by
                )


class _Files:
    """One file after the other, of which the newest are kept; for their owner's eyes only."""

    def __init__(self, path: Path, redactor: Redactor, max_bytes: int, max_files: int) -> None:
        if path.suffix != SUFFIX:
            path.mkdir(parents=True, exist_ok=True)
            began = time.strftime("%Y%m%dT%H%M%S", time.gmtime())
            path = path / f"wire-{began}-{os.getpid()}{SUFFIX}"
        self._first = path
        self._redactor = redactor
        self._max_bytes = max_bytes
        self._max_files = max_files
        self._number = 0
        self._kept: deque[Path] = deque()
        self._file: BinaryIO = self._next()

    def write(self, record: Record) -> None:
        data = line(record)
        if self._file.tell() + len(data) > self._max_bytes:
            self._file.close()
            self._file = self._next()
        self._file.write(data)

    def flush(self) -> None:
        self._file.flush()

    def close(self) -> None:
        self._file.close()

    def _next(self) -> BinaryIO:
        self._number += 1
        path = self._first
        if self._number > 1:
            path = path.with_name(f"{path.stem}-{self._number}{SUFFIX}")
        self._kept.append(path)
        while len(self._kept) > self._max_files:
            self._kept.popleft().unlink(missing_ok=True)
        path.unlink(missing_ok=True)
        file = open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb")
        file.write(line(self._redactor.begin(time.time())))
        return file
