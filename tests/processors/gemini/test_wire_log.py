"""The log's files: their bounds, what is dropped, what a connection of the SDK leaves in them."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from google.genai import types

from processors.gemini.client import connect, make_client
from processors.gemini.errors import GeminiError
from processors.gemini.outbox import Audio, RealtimeText
from processors.gemini.tapped_connection import Tap
from processors.gemini.wire_log import WireLog
from tests.processors.gemini.scripted_gemini import ScriptedGemini

MODEL = "gemini-3.8-live"


def records(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text("utf-8").splitlines()]


@contextmanager
def logging_to(path: Path, **limits: Any) -> Iterator[WireLog]:
    log = WireLog(path, **limits)
    try:
        yield log
    finally:
        log.close()


def test_a_folder_gets_a_file_for_the_owner_only(tmp_path: Path) -> None:
    folder = tmp_path / "new" / "folder"
    with logging_to(folder) as log:
        number = log.opened()
        log.sent(number, b'{"setup": {"model": "models/gemini-3.8-live"}}')
        log.received(number, b'{"setupComplete": {}}')
        log.closed(number, 1000, "", "client")
        log.sent(number, b"{}")  # too late to have an age
    log.close()
    (file,) = folder.iterdir()
    assert file.suffix == ".jsonl"
    assert file.stat().st_mode & 0o077 == 0
    begin, *rest = records(file)
    assert begin["log"] == 1
    assert [record.get("event", record.get("from")) for record in rest] == [
        *("open", "client", "server", "close", "client"),
    ]
    assert {record["connection"] for record in rest} == {1}


def test_the_newest_files_are_kept(tmp_path: Path) -> None:
    path = tmp_path / "log.jsonl"
    path.write_text("of an earlier run")
    with logging_to(path, max_file_bytes=300, max_files=2) as log:
        number = log.opened()
        for text in "abcdefgh":
            log.received(number, json.dumps({"goAway": {"timeLeft": text}}))
    files = sorted(tmp_path.iterdir(), key=lambda file: file.stat().st_mtime_ns)
    assert len(files) == 2
    assert all(file.stat().st_size <= 300 for file in files)
    assert all("log" in records(file)[0] for file in files)
    assert records(files[-1])[-1]["message"] == {"goAway": {"timeLeft": "h"}}


def test_what_finds_no_room_is_dropped_counted_and_said(tmp_path: Path) -> None:
    path, dropped = tmp_path / "log.jsonl", []
    with logging_to(path, queue_bytes=1000, on_drop=lambda: dropped.append(1)) as log:
        for _ in range(9):  # at once: the writer waits longer between its looks
            log.received(1, '{"setupComplete": {}}')
    assert log.dropped == len(dropped) == 5
    assert records(path)[-1] == {"event": "dropped", "count": 5}
    log.received(1, "after the end")
    assert log.dropped == 6


def test_a_failing_file_ends_the_log_and_nothing_else(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with logging_to(tmp_path / "sub", max_file_bytes=200) as log:
        folder = tmp_path / "sub"
        for file in folder.iterdir():
            file.unlink()
        folder.rmdir()  # the next file cannot be made
        log.received(1, json.dumps({"goAway": {"timeLeft": "x" * 300}}))
        writer = next(each for each in threading.enumerate() if each.name == "wire-log")
        writer.join(5.0)
        assert not writer.is_alive()
        log.received(1, "nobody writes this")
        assert log.dropped == 1
    assert "the wire log cannot be written" in caplog.text


class Ear(Tap):
    """A tap that remembers."""

    def __init__(self) -> None:
        self.heard: list[tuple[Any, ...]] = []
        self.count = 0

    def opened(self) -> int:
        self.count += 1
        return self.count

    def sent(self, connection: int, data: bytes) -> None:
        self.heard.append(("sent", next(iter(json.loads(data)))))

    def received(self, connection: int, data: bytes | str) -> None:
        self.heard.append(("received", type(data).__name__, next(iter(json.loads(data)))))

    def closed(self, connection: int, code: int, reason: str, by: str) -> None:
        self.heard.append(("closed", code, reason, by))


async def converse(gemini: ScriptedGemini, tap: Tap, ending: str) -> None:
    client = make_client(gemini.endpoint, vertex=False, tap=tap)
    try:
        async with connect(client, MODEL, types.LiveConnectConfig()) as connection:
            line = await gemini.line()
            await connection.send(Audio(bytes(640)))
            await connection.send(RealtimeText("hello"))
            await line.say({"serverContent": {"turnComplete": True}})
            await connection.receive()
            if ending == "server":
                await line.close(1011, "Internal error encountered.")
            elif ending == "line":
                line.break_off()
            if ending != "client":
                with pytest.raises(GeminiError):
                    await connection.receive()
    finally:
        await client.aio.aclose()
        client.close()


@pytest.mark.parametrize(
    ("ending", "closed"),
    [
        ("client", ("closed", 1000, "", "client")),
        ("server", ("closed", 1011, "Internal error encountered.", "server")),
        ("line", ("closed", 1006, "", "line")),
    ],
)
async def test_a_tap_hears_all_that_passes_even_the_setup(
    gemini: ScriptedGemini, ending: str, closed: tuple[Any, ...]
) -> None:
    ear = Ear()
    await converse(gemini, ear, ending)
    kinds = [each[-1] for each in ear.heard[:-1]]
    assert kinds == ["setup", "setupComplete", "realtime_input", "realtime_input", "serverContent"]
    assert ear.heard[-1] == closed
