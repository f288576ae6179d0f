"""A room's own rules; what it does over WebRTC is in tests/conversation."""

import asyncio
import base64
import io
from collections.abc import Iterator
from dataclasses import replace

import pytest
from PIL import Image
from pipecat.frames.frames import EndWorkerFrame, Frame
from pipecat.processors.frame_processor import FrameDirection

from pipeline import assembly, lifecycle
from pipeline.assembly import PipelineFailed
from pipeline.connections import Connections
from pipeline.errors import RoomUnknown
from pipeline.lifecycle import RoomEvent, RoomState
from pipeline.metrics import tally
from pipeline.participant import CAMERA_INDEX, SCREEN_INDEX, Participant
from pipeline.room import Room
from pipeline.room_settings import RoomSettings
from pipeline.shared import Shared
from processors.frames import (
    LinkStatus,
    LinkStatusFrame,
    ModelImageFrame,
    UserImagesFrame,
    UserTextFrame,
)
from processors.pictures import CodedPictures, Jpeg
from tests.pipeline.cameras import camera_of
from tests.pipeline.in_process import LIMIT_S, until
from tests.pipeline.room_clients import (
    LINK_READY,
    HeldAnswers,
    clients,
    heard,
    hears,
    join,
    live_room,
    say,
    say_ready,
    sdp_of,
    switch,
    write,
)
from tests.pipeline.room_parts import shared_parts
from tests.processors.encoded_pictures import encoded, scene
from tests.transports.peers import Census, descriptors
from transports.errors import TransportError

LINK_FAILED = LinkStatusFrame(LinkStatus.FAILED, "No key.")


@pytest.fixture
def shared() -> Iterator[Shared]:
    with shared_parts(idle_limit_s=0.01) as parts:
        yield parts


async def test_a_failed_offer_does_not_keep_an_empty_room_alive(shared: Shared) -> None:
    """The last peer left while the offer was negotiated: nobody is here when it fails."""
    room = Room("room", RoomSettings(), shared)
    room.lifecycle.apply(RoomEvent.PEER_CAME, asyncio.get_running_loop().time(), "a peer")
    with pytest.raises(TransportError):
        await room.offer("v=0\r\n", None, restart=False)
    assert room.lifecycle.state is RoomState.EMPTY
    assert room.lifecycle.deadline is not None


async def test_a_room_nobody_joins_ends(shared: Shared) -> None:
    room = Room("room", RoomSettings(), shared)
    async with asyncio.timeout(5):
        await room.run()
    assert room.lifecycle.state is RoomState.CLOSED


async def test_a_closed_room_ends_at_once(shared: Shared) -> None:
    room = Room("room", RoomSettings(), shared)
    room.close("test")
    room.close("again")
    async with asyncio.timeout(5):
        await room.run()
    assert room.lifecycle.state is RoomState.CLOSED


async def test_what_a_peers_connection_drops_is_counted_by_the_service(shared: Shared) -> None:
    counted: list[str] = []
    room = Room("room", RoomSettings(), replace(shared, count=counted.append))
    participant = Participant(
        "peer", room, shared.peer_config, shared.max_message_bytes, Connections()
    )
    participant.on_dropped("message_over_rate")
    assert counted == ["message_over_rate"]


async def test_an_image_of_the_live_model_itself_is_shown(shared: Shared) -> None:
    out = io.BytesIO()
    Image.new("RGB", (4, 4), "red").save(out, "PNG")
    room = Room("room", RoomSettings(), shared)
    room.on_frame(ModelImageFrame(out.getvalue()))
    async with asyncio.timeout(5):
        while room.parts.studio.tree.current is None:  # noqa: ASYNC110  # its pipeline is not up
            await asyncio.sleep(0)
    image = room.parts.studio.tree.current
    assert await room.parts.studio.store.get(image.image_id) is not None


async def test_what_a_camera_shows_is_kept_once(shared: Shared) -> None:
    """At once where its bytes suffice, decoded where others build on it."""
    room = Room("room", RoomSettings(), shared)
    key = CodedPictures("VP8", (encoded("VP8", scene(320, 240)),))
    reel = room.parts.studio.sources.reel
    for coded in (key, replace(key, followed=True)):
        room.pictures.pictured("peer", coded)
        room.parts.video_in.picture("peer", coded)
        async with asyncio.timeout(5):
            while room.parts.video_in.counters.pictures > reel.counters.added:  # noqa: ASYNC110  # in a thread
                await asyncio.sleep(0)
    await room.parts.video_in.close()
    now = asyncio.get_running_loop().time()
    shown = [one.picture for one in reel.between(0.0, now, now)]
    assert [type(one) for one in shown] == [CodedPictures, Jpeg]


# ---- with real clients ----------------------------------------------------------------------


async def test_closed_while_an_offer_is_negotiated(monkeypatch: pytest.MonkeyPatch) -> None:
    async with live_room() as room, clients() as (client,):
        offer = await sdp_of(client)
        census = Census()
        answers = HeldAnswers(monkeypatch)
        offering = asyncio.create_task(room.offer(offer, None, restart=False))
        await answers.until(1)
        room.close("a test")
        await until(lambda: room.lifecycle.state is RoomState.CLOSED)
        answers.held[0].set()
        with pytest.raises(RoomUnknown):
            await offering
        del offering
        await until(lambda: descriptors() <= census.descriptors)
        assert room.lifecycle.state is RoomState.CLOSED and len(room.peers) == 0


async def test_a_room_that_is_closing_takes_no_one(shared: Shared) -> None:
    """It may have been closed and not yet have got to dismiss its peers."""
    room = Room("room", RoomSettings(), shared)
    room.close("a test")
    async with clients() as (client,):
        with pytest.raises(RoomUnknown):
            await room.offer(await sdp_of(client), None, restart=False)
        assert len(room.peers.connections) == 0
    await room.peers.dismiss("the test is over")


async def test_a_pipeline_that_ends_early_closes_its_room() -> None:
    async with live_room() as room, clients() as (client,):
        await join(client, room)
        await until(lambda: room._beats > 0)  # it has started
        await room.parts.input.push_frame(EndWorkerFrame(), FrameDirection.UPSTREAM)
        await until(lambda: room.lifecycle.state is RoomState.CLOSED)
        assert (await hears(client, "signalling"))["message"]["type"] == "peerLeft"


async def test_a_pipeline_that_does_not_start_fails_the_room(
    monkeypatch: pytest.MonkeyPatch, shared: Shared
) -> None:
    monkeypatch.setattr(assembly, "START_LIMIT_S", 0.0)
    room = Room("room", RoomSettings(), shared)
    room.lifecycle.apply(RoomEvent.PEER_CAME, asyncio.get_running_loop().time(), "a peer")
    async with asyncio.timeout(LIMIT_S):
        with pytest.raises(PipelineFailed):
            await room.run()
    assert room.lifecycle.state is RoomState.CLOSED


async def test_a_room_that_cannot_be_released_in_time_ends(
    monkeypatch: pytest.MonkeyPatch, shared: Shared
) -> None:
    monkeypatch.setattr(lifecycle, "CLOSING_LIMIT_S", 2.0)  # its pipeline ends sooner
    room = Room("room", RoomSettings(), replace(shared, idle_limit_s=60.0))

    async def never() -> None:
        await asyncio.Event().wait()

    monkeypatch.setattr(room.parts.video_in, "close", never)
    room.lifecycle.apply(RoomEvent.PEER_CAME, asyncio.get_running_loop().time(), "a peer")
    life = asyncio.create_task(room.run())
    await until(lambda: room._beats > 0)  # it has started
    room.close("a test")
    async with asyncio.timeout(LIMIT_S):
        await life
    await shared.ticker.close()
    assert room.lifecycle.state is RoomState.CLOSED


async def test_each_client_ready_is_greeted_once() -> None:
    async with live_room() as room, clients(2) as (old, new):
        peer_id = await join(old, room)
        say_ready(old, "a")
        await until(lambda: room.peers.ready)
        assert not any(message["type"] == "bot-ready" for message in heard(old))
        for _ in range(3):
            room.on_frame(LINK_READY)
        assert (await hears(old, "bot-ready"))["id"] == "a"
        await join(new, room, peer_id, restart=True)
        room.on_frame(LINK_READY)
        say_ready(new, "b")  # whatever was sent before it comes before its answer
        assert (await hears(new, "bot-ready"))["id"] == "b"
        room.peers.broadcast('{"type": "last"}')
        assert (await hears(new, "last")) == {"type": "last"}
        assert [message["data"] for message in heard(old)] == [{"type": "replaced"}]
        assert heard(new) == []


async def test_who_had_no_channel_is_greeted_later() -> None:
    async with live_room() as room, clients(2) as (old, new):
        peer_id = await join(old, room)
        say_ready(old, "a")
        await until(lambda: room.peers.ready)
        answer, _ = await room.offer(await sdp_of(new), peer_id, restart=True)
        room.on_frame(LINK_READY)
        assert [participant.greeted for participant in room.peers] == [False]
        await new.accept(answer)
        assert (await hears(new, "bot-ready"))["id"] == "a"


async def test_who_comes_while_the_link_is_renewed_need_not_wait() -> None:
    async with live_room() as room, clients() as (client,):
        await join(client, room)
        room.on_frame(LINK_READY)
        room.on_frame(LinkStatusFrame(LinkStatus.RECONNECTING, "One moment."))
        say_ready(client, "a")
        assert (await hears(client, "bot-ready"))["id"] == "a"
        told = (await hears(client, "server-message"))["data"]
        assert (told["status"], told["sentence"]) == ("reconnecting", "One moment.")
        room.on_frame(LINK_READY)  # which is not broadcast here, as to one who is away
        say_ready(client, "b")
        assert (await hears(client, "bot-ready"))["id"] == "b"
        assert (await hears(client, "server-message"))["data"]["status"] == "ready"


async def test_who_was_on_the_way_when_the_link_failed_hears_why() -> None:
    async with live_room() as room, clients() as (client,):
        await join(client, room)
        room.on_frame(LINK_FAILED)
        assert not room.lifecycle.over
        say_ready(client)
        assert (await hears(client, "error"))["data"] == {"error": "No key.", "fatal": True}
        assert room.lifecycle.over


async def test_who_says_nothing_keeps_no_room_whose_link_failed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("pipeline.link_news.TOLD_WITHIN_S", 0.1)
    async with live_room() as room, clients() as (client,):
        await join(client, room)
        room.on_frame(LINK_FAILED)
        await until(lambda: room.lifecycle.over)


async def test_only_its_own_camera_is_forgotten() -> None:
    async with live_room() as room, clients(camera="VP8") as (seen,), clients() as (unseen,):
        await join(seen, room)
        await join(unseen, room)
        await until(lambda: camera_of(room) is not None)
        switch(unseen, CAMERA_INDEX, on=False)
        write(unseen, "mine is off")
        frames = room.parts.input.counters
        await until(lambda: frames.frames)
        assert camera_of(room) is not None
        switch(seen, SCREEN_INDEX, on=True)
        switch(seen, CAMERA_INDEX, on=False)
        say_ready(seen)
        await until(lambda: room.peers.ready)
        assert camera_of(room) is not None
        switch(seen, SCREEN_INDEX, on=False)
        await until(lambda: camera_of(room) is None)


async def test_a_text_does_not_overtake_the_image_before_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async with live_room() as room, clients() as (client,):
        await join(client, room)
        out = io.BytesIO()
        Image.new("RGB", (400, 400), "red").save(out, "PNG")
        source = {"type": "bytes", "bytes": base64.b64encode(out.getvalue()).decode()}
        fed: list[Frame] = []
        monkeypatch.setattr(room.parts.input, "feed", fed.append)
        say(client, "send-file", {"content": "", "file": {"format": "image/png", "source": source}})
        write(client, "what is it?")
        await until(lambda: len(fed) == 2)
        assert [type(frame) for frame in fed] == [UserImagesFrame, UserTextFrame]


async def test_the_metrics_keep_what_ended_connections_counted() -> None:
    async with live_room() as room, clients() as (client,):
        peer_id = await join(client, room)
        write(client, "hello")
        await until(lambda: room.counters()["connection"].messages_in)
        await client.connection.close()
        await until(lambda: peer_id not in room.peers.by_id)
        assert tally(room)["connection_messages_in"] == 1
        assert room.lifecycle.state is RoomState.EMPTY


async def test_back_in_an_empty_room_it_is_live_again() -> None:
    async with live_room() as room, clients(2) as (old, new):
        peer_id = await join(old, room)
        await old.connection.close()
        await until(lambda: room.lifecycle.state is RoomState.EMPTY)
        assert await join(new, room, peer_id, restart=True) == peer_id
        assert room.lifecycle.state is RoomState.LIVE
