import asyncio
import json
import logging
import subprocess
import sys
import warnings
from collections.abc import Iterator
from typing import Literal

import loguru
import pytest

from pipeline import log
from pipeline.log import log_context
from pipeline.redaction import SHOWN_ID_CHARS
from pipeline.room import Room
from pipeline.room_settings import RoomSettings
from tests.pipeline.room_parts import shared_parts
from tests.private_data import private_data_in

SESSION = "u3Jq0Xb7-aZ1kPq9Lm2Rt5Wy"
PEER = "Pq9Lm2Rt5Wy0"

ours = logging.getLogger("pipeline.test")
theirs = logging.getLogger("aioice.test")


class Stderr:
    """What was written to standard error so far."""

    def __init__(self, capture: pytest.CaptureFixture[str]) -> None:
        self._capture = capture
        self._text = ""

    @property
    def text(self) -> str:
        self._text += self._capture.readouterr().err
        return self._text

    @property
    def lines(self) -> list[dict[str, str]]:
        return [json.loads(line) for line in self.text.splitlines()]


@pytest.fixture
def stderr(capsys: pytest.CaptureFixture[str]) -> Iterator[Stderr]:
    """Leaves logging as it was."""
    handlers, level = logging.root.handlers, logging.root.level
    yield Stderr(capsys)
    logging.captureWarnings(False)
    logging.root.handlers, logging.root.level = handlers, level
    for name in log.OURS:
        logging.getLogger(name).setLevel(logging.NOTSET)
    loguru.logger.remove()


def test_a_line_of_text_says_when_where_and_what(stderr: Stderr) -> None:
    log.configure("info", "text")
    with log_context(room=SESSION, peer=PEER):
        ours.info("peer closed: %s", "the peer left")
    time, _, rest = stderr.text.partition(" ")
    assert time.endswith("+00:00")
    assert rest == "INFO    [u3Jq0Xb7 Pq9Lm2Rt] pipeline.test: peer closed: the peer left\n"


def test_a_line_of_json_holds_the_same(stderr: Stderr) -> None:
    log.configure("info", "json")
    with log_context(room=SESSION, peer=PEER):
        ours.info("peer closed: %s", "the peer left")
    (line,) = stderr.lines
    assert line.pop("time").endswith("+00:00")
    assert line == {
        "level": "info",
        "logger": "pipeline.test",
        "message": "peer closed: the peer left",
        "room": "u3Jq0Xb7",
        "peer": "Pq9Lm2Rt",
    }


def test_without_a_room_there_are_no_ids(stderr: Stderr) -> None:
    log.configure("info", "text")
    ours.info("listening")
    assert stderr.text.endswith("INFO    pipeline.test: listening\n")


def test_ids_end_with_their_context(stderr: Stderr) -> None:
    log.configure("info", "json")
    with log_context(room=SESSION):
        with pytest.raises(ZeroDivisionError), log_context(peer=PEER):
            raise ZeroDivisionError
        ours.info("after the peer")
    ours.info("after the room")
    told = [(line.get("room"), line.get("peer")) for line in stderr.lines]
    assert told == [("u3Jq0Xb7", None), (None, None)]


async def test_tasks_started_within_carry_the_ids(stderr: Stderr) -> None:
    log.configure("info", "json")

    async def later() -> None:
        ours.info("later")

    with log_context(room=SESSION):
        task = asyncio.create_task(later())
    await task
    assert stderr.lines[0]["room"] == "u3Jq0Xb7"


@pytest.mark.parametrize("form", ["text", "json"])
def test_no_session_id_is_written_in_full(stderr: Stderr, form: Literal["text", "json"]) -> None:
    log.configure("debug", form)
    with log_context(room=SESSION, peer=PEER):
        ours.debug("anything")
    assert private_data_in(stderr.text, ids=[SESSION, PEER]) == []


@pytest.mark.parametrize("form", ["text", "json"])
def test_a_message_cannot_forge_another_line(stderr: Stderr, form: Literal["text", "json"]) -> None:
    log.configure("info", form)
    ours.info("name: %s", "Ada\n2026-01-01 ERROR pipeline.room: \x1b[2Kforged\x7f")
    assert len(stderr.text.splitlines()) == 1
    assert "\x1b" not in stderr.text


@pytest.mark.parametrize("level", ["debug", "info", "warning", "error"])
def test_our_level_is_the_one_configured(stderr: Stderr, level: str) -> None:
    log.configure(level, "json")
    for number in (logging.DEBUG, logging.INFO, logging.WARNING, logging.ERROR):
        ours.log(number, "words")
    shown = [line["level"] for line in stderr.lines]
    assert shown == ["debug", "info", "warning", "error"][-len(shown) :]
    assert shown[0] == level


def test_others_are_silent_below_warning(stderr: Stderr) -> None:
    log.configure("debug", "json")
    for number in (logging.DEBUG, logging.INFO, logging.WARNING, logging.ERROR):
        theirs.log(number, "words")
    assert [line["level"] for line in stderr.lines] == ["warning", "error"]


def test_pipecat_speaks_through_the_same_lines_at_warning_and_above(stderr: Stderr) -> None:
    log.configure("debug", "json")
    with log_context(room=SESSION):
        for name in ("TRACE", "DEBUG", "INFO", "SUCCESS", "WARNING", "ERROR"):
            loguru.logger.log(name, "100 % {braces}")
    told = stderr.lines
    assert [line["level"] for line in told] == ["warning", "error"]
    assert {line["message"] for line in told} == {"100 % {braces}"}
    assert {line["logger"] for line in told} == {__name__}
    assert {line["room"] for line in told} == {"u3Jq0Xb7"}


@pytest.mark.parametrize("form", ["text", "json"])
def test_errors_bring_where_they_happened_and_nothing_private(
    stderr: Stderr, form: Literal["text", "json"]
) -> None:
    log.configure("info", form)
    try:
        raise ValueError("no route to 192.0.2.7")
    except ValueError:
        ours.exception("failed")
        theirs.exception("Error handling request from %s", "192.0.2.7")
        loguru.logger.exception("frame from 192.0.2.7 failed")
    text = stderr.text
    assert text.count("Traceback") == 3
    assert text.count("ValueError: no route to [redacted]") == 3
    assert private_data_in(text) == []


def test_warnings_are_lines_too(stderr: Stderr) -> None:
    log.configure("info", "json")
    with warnings.catch_warnings():
        warnings.simplefilter("always")
        log.configure("info", "json")
        warnings.warn("old", DeprecationWarning, stacklevel=1)
    (line,) = stderr.lines
    assert (line["level"], line["logger"]) == ("warning", "py.warnings")
    assert "DeprecationWarning: old" in line["message"]


def test_configuring_again_does_not_double_the_lines(stderr: Stderr) -> None:
    log.configure("info", "json")
    log.configure("info", "json")
    ours.info("once")
    loguru.logger.error("once")
    assert len(stderr.lines) == 2


def test_importing_the_libraries_prints_nothing_once_configured() -> None:
    program = """
from pipeline import log
log.configure("debug", "json")
import aiortc, google.genai, pipecat.pipeline.pipeline
"""
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, timeout=60
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


async def test_a_rooms_states_carry_its_id_whoever_changes_them(stderr: Stderr) -> None:
    log.configure("info", "json")
    with shared_parts() as shared:
        room = Room(SESSION, RoomSettings(), shared)
        room.close("the service is shutting down")
        await room.run()
    states = [line for line in stderr.lines if line["logger"] == "pipeline.lifecycle"]
    assert [line["room"] for line in states] == [SESSION[:SHOWN_ID_CHARS]] * 2
