"""One change at a time, answered yes or no, and put back when it is not made."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from typing import Any

import pytest
import pytest_asyncio

from pipeline.change_plan import Way
from pipeline.changes import (
    BUSY,
    FULL,
    LATE,
    LIMIT_S,
    MAX_WAITING,
    MISTAKE,
    REFUSED,
    UPDATE_SETTINGS,
    WATCH_S,
    ChangeNotMade,
    Changes,
)
from pipeline.in_force import InForce
from pipeline.room_overrides import RoomSettingsRefused
from pipeline.room_settings import RoomSettings
from processors.gemini.live_config import LiveSetup
from processors.gemini.outbox import ContextUpdate
from tests.processors.virtual_time import in_virtual_time
from transports.rtvi import ClientMessage

LIMIT_OF_TEST_S = 5.0
NEW_WORDS = "Be brief."


@dataclass
class RecordedLink:
    """Does what a `LiveLink` is asked to as soon as `may_renew`, and says what the test says."""

    breaks: int = 0
    has_room: bool = True
    takes: bool = True
    breaks_at_update: bool = False
    on_renew: Callable[[], None] = lambda: None
    sent: list[ContextUpdate] = field(default_factory=list)
    renewed: list[bool] = field(default_factory=list)
    may_renew: asyncio.Event = field(default_factory=asyncio.Event)

    def send(self, item: ContextUpdate) -> bool:
        if self.has_room:
            self.sent.append(item)
            self.breaks += self.breaks_at_update
        return self.has_room

    async def renew(self, *, afresh: bool) -> bool:
        self.renewed.append(afresh)
        await self.may_renew.wait()
        self.on_renew()
        return self.takes


@dataclass
class Desk:
    """`Changes` of a room with its link recorded."""

    vertex: bool = False
    link: RecordedLink = field(default_factory=RecordedLink)
    in_force: InForce = field(default_factory=lambda: InForce(RoomSettings()))
    configured: list[RoomSettings] = field(default_factory=list)
    answers: list[dict[str, Any]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.link.may_renew.set()
        self.setup = LiveSetup(lambda: self.in_force.settings.live, list, vertex=self.vertex)
        self.changes = Changes(
            self.in_force,
            self.link,
            lambda: self.link.breaks,
            self.setup,
            self.configured.append,
            vertex=self.vertex,
        )

    def ask(self, data: Any, message_id: str = "1") -> None:
        message = ClientMessage(message_id, UPDATE_SETTINGS, data)
        self.changes.ask(message, lambda text: self.answers.append(json.loads(text)))

    async def answered(self, count: int = 1) -> dict[str, Any]:
        """The last of so many answers."""
        async with asyncio.timeout(LIMIT_OF_TEST_S):
            while len(self.answers) < count:  # noqa: ASYNC110  # an answer is a plain call
                await asyncio.sleep(0)
        return self.answers[-1]


@pytest_asyncio.fixture
async def desk() -> AsyncIterator[Desk]:
    one = Desk()
    yield one
    await one.changes.close()


async def test_a_yes_says_what_was_applied_and_how(desk: Desk) -> None:
    desk.ask({"voice": "Puck", "image": {"aspectRatio": "16:9"}}, "7")
    answer = await desk.answered()
    assert (answer["type"], answer["id"]) == ("server-response", "7")
    assert answer["data"] == {
        "t": "update-settings",
        "d": {"how": "rotation", "applied": ["voice", "image.aspectRatio"]},
    }
    assert desk.link.renewed == [False] and desk.link.sent == []
    assert desk.in_force.settings.live.voice == "Puck"
    assert desk.configured == [desk.in_force.settings]
    counters = desk.changes.counters
    assert (counters.made, counters.refused, counters.put_back) == (1, 0, 0)


async def test_the_next_change_builds_on_the_last(desk: Desk) -> None:
    desk.ask({"voice": "Puck"}, "1")
    desk.ask({"temperature": 0.5}, "2")
    await desk.answered(2)
    assert [answer["id"] for answer in desk.answers] == ["1", "2"]
    live = desk.in_force.settings.live
    assert (live.voice, live.temperature) == ("Puck", 0.5)


@pytest.mark.parametrize(("data", "how"), [({}, "nothing"), ({"imageSize": "2K"}, "at-once")])
async def test_gemini_is_not_told_what_is_none_of_its_business(
    desk: Desk, data: dict[str, Any], how: str
) -> None:
    desk.ask(data)
    assert (await desk.answered())["data"]["d"]["how"] == how
    assert (desk.link.renewed, desk.link.sent) == ([], [])


@pytest.mark.parametrize(
    ("data", "word"),
    [
        (["voice"], "room must be an object."),
        ({"voice": "Nobody"}, "voice is not a voice of"),
        ({"model": "gemini-3.1-flash-live-preview"}, "model cannot change during a call:"),
        ({"imageTimeoutS": 9}, "image.timeoutS is set by the operator"),
        ({"explicitVadSignal": True}, "explicitVadSignal is accepted by Vertex AI only."),
    ],
)
async def test_what_is_refused_reaches_nobody(desk: Desk, data: Any, word: str) -> None:
    before = desk.in_force.settings
    desk.ask(data, "7")
    answer = await desk.answered()
    assert (answer["type"], answer["id"]) == ("error-response", "7")
    assert answer["data"]["error"].startswith(word)
    assert desk.in_force.settings is before
    assert (desk.link.renewed, desk.link.sent, desk.configured) == ([], [], [])
    assert desk.changes.counters.refused == 1


async def test_a_change_that_gemini_refuses_is_put_back_before_anything_else_happens(
    desk: Desk,
) -> None:
    before = desk.in_force.settings
    desk.link.takes = False
    while_renewing: list[str | None] = []
    desk.link.on_renew = lambda: while_renewing.append(desk.in_force.settings.live.voice)
    with pytest.raises(ChangeNotMade, match=REFUSED):
        await desk.changes.make({"voice": "Puck"})
    assert while_renewing == ["Puck"]
    assert desk.in_force.settings is before and desk.configured == []
    assert desk.changes.counters.put_back == 1
    desk.ask({"temperature": 0.5})
    assert (await desk.answered())["data"] == {"error": REFUSED}


@in_virtual_time
async def test_a_gemini_that_cannot_be_reached_is_not_waited_for_for_ever() -> None:
    desk, loop = Desk(), asyncio.get_running_loop()
    desk.link.may_renew.clear()
    before, began = desk.in_force.settings, loop.time()
    with pytest.raises(ChangeNotMade, match=LATE):
        await desk.changes.make({"voice": "Puck"})
    assert loop.time() - began == pytest.approx(LIMIT_S)
    assert desk.in_force.settings is before


async def test_our_own_mistake_is_no_silence(desk: Desk, caplog: pytest.LogCaptureFixture) -> None:
    def fail() -> None:
        raise ZeroDivisionError

    desk.link.on_renew = fail
    before = desk.in_force.settings
    desk.ask({"voice": "Puck"})
    assert (await desk.answered())["data"] == {"error": MISTAKE}
    assert desk.in_force.settings is before
    desk.link.on_renew = lambda: None
    desk.ask({"voice": "Puck"})
    assert (await desk.answered(2))["type"] == "server-response"
    assert "a job of the room failed" in caplog.text


async def test_only_a_few_may_wait(desk: Desk) -> None:
    desk.link.may_renew.clear()
    for number in range(MAX_WAITING + 3):
        desk.ask({"temperature": number / 10}, str(number))
    refused = desk.answers[:]
    assert [(answer["id"], answer["data"]) for answer in refused] == [
        (str(MAX_WAITING + 1), {"error": BUSY}),
        (str(MAX_WAITING + 2), {"error": BUSY}),
    ]
    desk.link.may_renew.set()
    await desk.answered(MAX_WAITING + 3)
    assert desk.in_force.settings.live.temperature == MAX_WAITING / 10
    desk.ask({"temperature": 1})
    assert (await desk.answered(MAX_WAITING + 4))["type"] == "server-response"


async def test_a_room_that_ends_puts_back_what_is_under_way(desk: Desk) -> None:
    before = desk.in_force.settings
    desk.link.may_renew.clear()
    desk.ask({"voice": "Puck"})
    async with asyncio.timeout(LIMIT_OF_TEST_S):
        while not desk.link.renewed:  # noqa: ASYNC110  # a plain call of the link
            await asyncio.sleep(0)
    await desk.changes.close()
    await desk.changes.close()
    assert desk.in_force.settings is before
    desk.ask({"voice": "Puck"})
    assert desk.answers[-1]["data"] == {"error": BUSY}


# ---- instruction and tools ------------------------------------------------------------------


async def test_without_context_updates_a_fresh_session_is_begun(desk: Desk) -> None:
    made = await desk.changes.make({"systemInstruction": NEW_WORDS})
    assert made.way is Way.FRESH_SESSION
    assert (desk.link.renewed, desk.link.sent) == ([True], [])


@in_virtual_time
async def test_a_context_update_brings_what_changed_and_no_more() -> None:
    desk, loop = Desk(vertex=True), asyncio.get_running_loop()
    began = loop.time()
    made = await desk.changes.make({"systemInstruction": NEW_WORDS})
    assert (made.way, made.fields) == (Way.CONTEXT_UPDATE, ("systemInstruction",))
    assert desk.link.sent == [ContextUpdate(NEW_WORDS, None)]
    assert loop.time() - began == pytest.approx(WATCH_S)
    await desk.changes.make({"googleSearch": True})
    (search,) = desk.link.sent[-1].declarations or ()
    assert search.google_search is not None and desk.link.sent[-1].instruction is None
    assert desk.link.renewed == []
    await desk.changes.make({"googleSearch": False})
    assert desk.link.sent[-1] == ContextUpdate(None, ())


@in_virtual_time
async def test_an_update_that_ends_the_connection_is_made_another_way() -> None:
    desk = Desk(vertex=True)
    desk.link.breaks_at_update = True
    made = await desk.changes.make({"systemInstruction": NEW_WORDS})
    assert (made.way, made.fields) == (Way.FRESH_SESSION, ("systemInstruction",))
    assert desk.link.renewed == [True]
    desk.link.takes = False
    with pytest.raises(ChangeNotMade):
        await desk.changes.make({"systemInstruction": "Be long."})
    assert desk.in_force.settings.live.system_instruction == NEW_WORDS


async def test_an_update_that_finds_no_room_is_not_made() -> None:
    desk = Desk(vertex=True)
    desk.link.has_room = False
    before = desk.in_force.settings
    with pytest.raises(ChangeNotMade, match=FULL):
        await desk.changes.make({"systemInstruction": NEW_WORDS})
    assert desk.in_force.settings is before
    with pytest.raises(RoomSettingsRefused):
        await desk.changes.make({"turnCoverage": "audio_activity_and_all_video"})
