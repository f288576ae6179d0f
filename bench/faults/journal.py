"""Reads the emulator's records while talks go on: it keeps the sound of the newest only."""

import asyncio
import ssl
from typing import Any, Final

import aiohttp

from bench.faults.codec import Pcm, words_in
from bench.faults.numbering import seat_of
from bench.faults.records import Recorded, names_room, recorded, sound_in

EVERY_S: Final = 1.0


class Journal:
    """`follow()` as a task of the caller's until all talks are over, then `finish()`."""

    def __init__(self, url: str, tls: ssl.SSLContext) -> None:
        self._url = url
        self._tls = tls
        self._records: list[dict[str, Any]] = []
        self._sounds: dict[int, Pcm] = {}

    async def follow(self) -> None:
        """Until cancelled. What is closed is final."""
        while True:
            await asyncio.sleep(EVERY_S)
            await self._read(only_closed=True)

    async def finish(self) -> None:
        await self._read(only_closed=False)

    async def _read(self, *, only_closed: bool) -> None:
        async with aiohttp.ClientSession(self._url) as http:
            async with http.get("/emulator/sessions", ssl=self._tls) as response:
                self._records = await response.json()
            for record in self._records:
                number = record["id"]
                if number in self._sounds or (only_closed and record["closed_at"] is None):
                    continue
                path = f"/emulator/sessions/{number}/audio"
                async with http.get(path, ssl=self._tls) as response:
                    self._sounds[number] = sound_in(await response.read())

    @property
    def raw(self) -> list[dict[str, Any]]:
        return self._records

    def of_seat(self, seat: int) -> list[Recorded]:
        """For a service that puts no name into its setups: by the words. Raises `BadRecord`."""
        return [
            recorded(record, self._sounds[record["id"]])
            for record in self._records
            if any(seat_of(word.number) == seat for word in words_in(self._sounds[record["id"]]))
        ]

    def of_talk(self, name: str) -> list[Recorded]:
        """Raises `BadRecord`."""
        return [
            recorded(record, self._sounds[record["id"]])
            for record in self._records
            if names_room(record, name)
        ]
