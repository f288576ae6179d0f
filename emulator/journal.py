"""The records of all Live connections, and the doors to read them over HTTP."""

from __future__ import annotations

import time
from collections import deque
from typing import Final

from aiohttp import web

from emulator.record import SessionRecord

MAX_RECORDS: Final = 1024
# Sound weighs four megabytes a connection, so only the newest keep theirs.
MAX_RECORDS_WITH_AUDIO: Final = 32


class Journal:
    """One record per Live connection, in order; the oldest beyond MAX_RECORDS are forgotten."""

    def __init__(self) -> None:
        self._records: deque[SessionRecord] = deque(maxlen=MAX_RECORDS)
        self._count = 0

    @property
    def records(self) -> list[SessionRecord]:
        """What is remembered, oldest first."""
        return list(self._records)

    def open(self, now: float) -> SessionRecord:
        """A new record, numbered from 0."""
        record = SessionRecord(self._count, now, time.time() - time.monotonic())
        self._count += 1
        self._records.append(record)
        if len(self._records) > MAX_RECORDS_WITH_AUDIO:
            self._records[-1 - MAX_RECORDS_WITH_AUDIO].drop_audio()
        return record

    def add_routes(self, app: web.Application) -> None:
        """`GET /emulator/sessions` and `GET /emulator/sessions/{number}/audio`."""
        app.router.add_get("/emulator/sessions", self._list)
        app.router.add_get(r"/emulator/sessions/{number:\d+}/audio", self._audio)

    async def _list(self, request: web.Request) -> web.Response:
        return web.json_response([record.to_json() for record in self._records])

    async def _audio(self, request: web.Request) -> web.Response:
        number = int(request.match_info["number"][:9])
        for record in self._records:
            if record.number == number:
                return web.Response(body=record.audio_wav(), content_type="audio/wav")
        raise web.HTTPNotFound(text="no such session")
