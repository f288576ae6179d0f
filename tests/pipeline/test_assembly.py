"""What a room is made of: the settings that shape its parts; how its pipeline starts and ends."""

import asyncio
from collections.abc import Iterator
from dataclasses import fields, replace
from typing import Any

import pytest
from aiohttp import web
from PIL import Image
from pipecat.frames.frames import EndFrame, Frame, StartFrame
from pipecat.processors.frame_processor import FrameDirection, FrameProcessor

from pipeline.assembly import (
    CANCEL_LIMIT_S,
    END_LIMIT_S,
    START_LIMIT_S,
    Parts,
    PipelineFailed,
    assemble,
    running,
)
from pipeline.in_force import InForce
from pipeline.room_settings import RoomSettings
from pipeline.shared import Shared
from processors.frames import Role
from processors.gemini.activity_marks import ActivityMarks
from processors.gemini.events import HandleUpdate
from processors.images.making import Result
from processors.images.wishes import Wish
from processors.room_input import RoomInput
from processors.video_in import VideoInConfig
from tests.pipeline.room_parts import shared_parts
from tests.processors.images.hostile import encoded
from tests.processors.images.image_server import candidate, image_part, server
from tests.processors.virtual_time import in_virtual_time

PNG = encoded(Image.new("RGB", (40, 30), "green"), "PNG")


@pytest.fixture
def shared() -> Iterator[Shared]:
    with shared_parts(idle_limit_s=0.01) as parts:
        yield parts


def parts_of(shared: Shared, **given: Any) -> Parts:
    settings = RoomSettings.model_validate(given)
    return assemble(InForce(settings), shared, lambda payload, timestamp: None, "room")


async def test_how_much_sound_may_wait_is_a_setting(shared: Shared) -> None:
    parts = parts_of(shared, audio={"maxInputBacklogMs": 500, "maxOutputBacklogS": 7})
    assert parts.gemini.live.core.outbox.audio_limit_s == 0.5
    assert parts.audio_out.playout.limit_s == 7.0
    parts = parts_of(shared)
    assert (parts.gemini.live.core.outbox.audio_limit_s, parts.audio_out.playout.limit_s) == (
        30,
        600,
    )


async def test_a_handle_holds_no_turn_that_goes_on_after_it(shared: Shared) -> None:
    """Else a session that is resumed would not be told how the turn went on."""
    parts = parts_of(shared)
    core, conversation = parts.gemini.live.core, parts.conversation
    core.opened(0.0, messages=1)
    told: list[list[str]] = []
    for question in ("one", "two", "three"):
        conversation.append(Role.USER, question)
        core.on_event(HandleUpdate("h", None), 1.0)  # while it is asked
        conversation.append(Role.MODEL, "answer")
        conversation.complete()
        since = core.opening().since
        assert since is not None
        told.append([turn["parts"][0]["text"] for turn in conversation.told_since(since)])
    assert told == [[question, "answer"] for question in ("one", "two", "three")]
    core.on_event(HandleUpdate("h", None), 1.0)
    assert core.opening().since == 3


async def test_who_marks_where_speech_begins_is_a_setting(shared: Shared) -> None:
    assert parts_of(shared).gemini.marks is None
    own = parts_of(shared, live={"automaticActivityDetection": False})
    assert isinstance(own.gemini.marks, ActivityMarks)


async def test_images_are_asked_for_where_the_image_model_is(shared: Shared) -> None:
    async def answer(_request: web.Request) -> web.Response:
        return web.json_response({"candidates": [candidate(image_part(PNG))]})

    async with server(answer) as elsewhere:
        parts = parts_of(replace(shared, image_client=elsewhere))
        async with asyncio.timeout(10):
            (made,) = await parts.studio.fulfil(Wish("a cat", "ada"))
    assert isinstance(made, Result)


async def test_images_and_pictures_follow_a_change(
    shared: Shared, monkeypatch: pytest.MonkeyPatch
) -> None:
    parts, told = parts_of(shared), list[object]()
    monkeypatch.setattr(parts.studio, "configure", told.append)
    monkeypatch.setattr(parts.video_in, "configure", told.append)
    new = RoomSettings.model_validate(
        {"image": {"size": "2K"}, "video": {"maxPerSecond": 0.5, "longSidePx": 64}}
    )
    parts.configure(new)
    assert told == [new.image, VideoInConfig(interval_s=2.0, long_side_px=64)]


async def test_every_part_that_drops_or_replaces_counts(shared: Shared) -> None:
    parts = parts_of(shared)
    parts.studio.memory.counters.evicted += 1
    counted = parts.counters()
    assert counted["image_chats"].evicted == 1
    for counters in counted.values():
        assert all(
            isinstance(getattr(counters, each.name), int | float) for each in fields(counters)
        )


class Stuck(FrameProcessor):
    """Keeps frames of one kind for ever."""

    def __init__(self, kind: type[Frame]) -> None:
        super().__init__(name="stuck", enable_direct_mode=True)
        self._kind = kind

    async def process_frame(self, frame: Frame, direction: FrameDirection) -> None:
        await super().process_frame(frame, direction)
        if not isinstance(frame, self._kind):
            await self.push_frame(frame, direction)


class NeverCleaned(Stuck):
    """It cannot be released, not even by its first cancellation."""

    async def cleanup(self) -> None:
        await super().cleanup()  # type: ignore[no-untyped-call]  # pipecat's is not annotated
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            await asyncio.sleep(60 * CANCEL_LIMIT_S)


def now() -> float:
    return asyncio.get_running_loop().time()


@in_virtual_time
async def test_a_pipeline_runs_until_it_is_left_and_says_when_it_has_ended() -> None:
    ends: list[str] = []
    began = now()
    async with running([RoomInput()], lambda: ends.append("ended")):
        assert ends == []
    assert ends == ["ended"]
    assert now() - began < END_LIMIT_S


@in_virtual_time
async def test_a_pipeline_that_ends_by_itself_says_so() -> None:
    ended = asyncio.Event()
    async with running([RoomInput()], ended.set) as worker:
        await worker.queue_frame(EndFrame())
        async with asyncio.timeout(END_LIMIT_S):
            await ended.wait()


@in_virtual_time
async def test_a_pipeline_that_does_not_start_fails_within_its_limit() -> None:
    began = now()
    with pytest.raises(PipelineFailed, match="did not start within 5 s"):
        async with running([Stuck(StartFrame)]):
            raise AssertionError("it has not started")
    assert now() - began >= START_LIMIT_S
    assert now() - began < START_LIMIT_S + END_LIMIT_S + 4 * CANCEL_LIMIT_S


@in_virtual_time
async def test_a_pipeline_that_does_not_end_is_cancelled() -> None:
    async with running([Stuck(EndFrame)]):
        began = now()
    assert END_LIMIT_S <= now() - began <= END_LIMIT_S + 2 * CANCEL_LIMIT_S


@in_virtual_time
async def test_a_pipeline_that_cannot_be_released_is_given_up() -> None:
    tasks = asyncio.all_tasks()
    async with running([NeverCleaned(EndFrame)]):
        began = now()
    assert now() - began < END_LIMIT_S + 4 * CANCEL_LIMIT_S
    left = asyncio.all_tasks() - tasks
    while left:
        for task in left:
            task.cancel()
        await asyncio.wait(left)
        left = asyncio.all_tasks() - tasks
