"""A participant with real connections; the room it acts on only writes down."""

import asyncio
import itertools
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Any

import pytest
from aiortc import RTCDataChannel
from pipecat.frames.frames import Frame

from pipeline.connections import Connections
from pipeline.errors import PeerUnknown, RoomUnknown
from pipeline.participant import CAMERA_INDEX, SCREEN_INDEX, Participant
from processors.audio_in import AudioIn
from tests.pipeline.in_process import LIMIT_S, until
from tests.pipeline.room_clients import (
    HeldAnswers,
    clients,
    heard,
    hears,
    say,
    say_ready,
    sdp_of,
    switch,
    write,
)
from tests.transports.packet_track import opus_packet
from tests.transports.peers import CONFIG, Census, Client
from tests.transports.rtp_streams import opus_payload
from tests.transports.udp_path import UdpPath, no_candidates, udp_path
from transports import rtvi
from transports.errors import TransportError
from transports.picture_sampler import EncodedPicture
from transports.presence import Presence
from transports.webrtc_peer import WebRTCPeer

UNUSABLE = "v=0\r\n"
HALF_SECONDS = itertools.count(100.0, 0.5)


class RoomBook:
    """A room that writes down what its participant did."""

    def __init__(self) -> None:
        self.frames: list[Frame] = []
        self.audio_in = AudioIn(self.frames.append)
        self.readies: list[str | None] = []
        self.texts: list[str] = []
        self.files: list[rtvi.SendFile] = []
        self.questions: list[rtvi.ClientMessage] = []
        self.pictures = 0
        self.cameras_off = 0
        self.lefts: list[str] = []
        self.presences: list[Presence] = []
        self.counted: list[str] = []

    def ready(self, participant: Participant) -> None:
        self.readies.append(participant.ready_id)

    def said(self, participant: Participant, message: rtvi.SendText) -> None:
        self.texts.append(message.content)

    def file_sent(self, participant: Participant, message: rtvi.SendFile) -> None:
        self.files.append(message)

    def asked(self, participant: Participant, message: rtvi.ClientMessage) -> None:
        self.questions.append(message)

    def pictured(self, participant: Participant, picture: EncodedPicture) -> None:
        self.pictures += 1

    def camera_off(self, participant: Participant) -> None:
        self.cameras_off += 1

    def presence_changed(self, participant: Participant) -> None:
        self.presences.append(participant.presence)

    def left(self, participant: Participant, reason: str) -> None:
        self.lefts.append(reason)

    def count(self, counter: str) -> None:
        self.counted.append(counter)


class ConnectionBook(Connections):
    """All connections there were, the newest last."""

    def __init__(self) -> None:
        super().__init__()
        self.all: list[WebRTCPeer] = []

    def began(self, connection: Any) -> None:
        super().began(connection)
        self.all.append(connection)


@asynccontextmanager
async def participating() -> AsyncIterator[tuple[Participant, RoomBook, ConnectionBook]]:
    book, connections = RoomBook(), ConnectionBook()
    participant = Participant("peer", book, CONFIG, 4096, connections)
    try:
        yield participant, book, connections
    finally:
        await participant.close("the test is over")


async def connect(participant: Participant, client: Client) -> None:
    await client.accept(await participant.connect(await sdp_of(client)))
    await client.open_channel()


async def connect_by(path: UdpPath, participant: Participant, client: Client) -> RTCDataChannel:
    answer = await participant.connect(no_candidates(await sdp_of(client)))
    await client.accept(path.bend(answer))
    return await client.open_channel()


def beats(participant: Participant, seconds: int) -> None:
    """So many of the participant's time, half a second each."""
    for _ in range(2 * seconds):
        participant.beat(next(HALF_SECONDS))


def greeted(participant: Participant) -> bool:
    return participant.greeted


async def speak(client: Client, book: RoomBook) -> None:
    """Until the room has heard enough for a frame of sound."""
    sent, before = 0, len(book.frames)
    async with asyncio.timeout(LIMIT_S):
        while len(book.frames) == before:
            client.microphone.send(opus_packet(opus_payload(960), sent * 960))
            sent += 1
            await asyncio.sleep(0.001)  # the microphone keeps half a second


# ---- coming and going -----------------------------------------------------------------------


async def test_one_that_has_no_connection_takes_nothing() -> None:
    async with participating() as (participant, book, _):
        assert participant.state == "new" and not participant.has_connected
        assert not participant.send("{}")
        participant.send_audio(b"\xf8", 0)
        await participant.close("before it came")
    assert book.lefts == []


async def test_it_leaves_once_when_its_connection_ends() -> None:
    async with participating() as (participant, book, _), clients() as (client,):
        await connect(participant, client)
        assert participant.state == "connected" and participant.has_connected
        await client.connection.close()
        await until(lambda: book.lefts)
        assert participant.state == "new"
        await participant.close("again")
    assert book.lefts == ["the peer left"]


async def test_a_client_may_say_that_it_goes() -> None:
    async with participating() as (participant, book, _), clients() as (client,):
        await connect(participant, client)
        say(client, "disconnect-bot", {})
        await until(lambda: book.lefts)
    assert book.lefts == ["the client disconnected"]


async def test_who_is_sent_away_is_told() -> None:
    async with participating() as (participant, book, _), clients() as (client,):
        await connect(participant, client)
        await participant.close("the room has ended")
        assert book.lefts == ["the room has ended"]
        assert (await hears(client, "signalling"))["message"] == {"type": "peerLeft"}


async def test_a_cancelled_close_goes_on() -> None:
    """Whoever asked for it may be gone; the participant must not stay half closed."""
    async with participating() as (participant, book, _), clients() as (client,):
        await connect(participant, client)
        asked = asyncio.create_task(participant.close("the client left"))
        await asyncio.sleep(0)
        asked.cancel()
        with suppress(asyncio.CancelledError):
            await asked
        await until(lambda: book.lefts)
    assert book.lefts == ["the client left"]


async def test_a_failed_offer_leaves() -> None:
    async with participating() as (participant, book, connections):
        with pytest.raises(TransportError):
            await participant.connect(UNUSABLE)
    assert book.lefts == ["an offer failed"]
    assert not participant.has_connected and connections.all == []


# ---- offers that overlap --------------------------------------------------------------------


async def test_closed_while_an_offer_is_negotiated(monkeypatch: pytest.MonkeyPatch) -> None:
    async with participating() as (participant, book, connections), clients() as (client,):
        offer = await sdp_of(client)
        census = Census()
        answers = HeldAnswers(monkeypatch)
        offering = asyncio.create_task(participant.connect(offer))
        await answers.until(1)
        await participant.close("the room has ended")
        assert book.lefts == []  # it is still coming
        answers.held[0].set()
        with pytest.raises(RoomUnknown):
            await offering
        del offering
        await census.assert_nothing_left()
    assert book.lefts == ["an offer failed"] and connections.all == []


@pytest.mark.parametrize("first_answered", [0, 1])
async def test_of_two_offers_the_later_one_counts(
    monkeypatch: pytest.MonkeyPatch, first_answered: int
) -> None:
    async with participating() as (participant, book, connections), clients(2) as (early, late):
        answers = HeldAnswers(monkeypatch)
        offering = []
        for count, client in enumerate((early, late), 1):
            offer = await sdp_of(client)
            offering.append(asyncio.create_task(participant.connect(offer)))
            await answers.until(count)
        answers.held[first_answered].set()
        await asyncio.wait([offering[first_answered]])
        answers.held[1 - first_answered].set()
        given = await asyncio.gather(*offering, return_exceptions=True)
        assert isinstance(given[0], PeerUnknown) is (first_answered == 1)
        assert isinstance(given[1], str)
        await late.accept(given[1])
        await late.open_channel()
        write(late, "it is me")
        await until(lambda: book.texts)
        assert participant.state == "connected"
        assert len(connections.all) == 2 - first_answered
        assert book.lefts == []


async def test_one_that_fails_does_not_send_away_who_is_coming(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async with participating() as (participant, book, _), clients() as (client,):
        answers = HeldAnswers(monkeypatch)
        offering = asyncio.create_task(participant.connect(await sdp_of(client)))
        await answers.until(1)
        with pytest.raises(TransportError):
            await participant.connect(UNUSABLE)
        assert book.lefts == []
        answers.held[0].set()
        await client.accept(await offering)
        await client.open_channel()
        assert book.lefts == []


async def test_its_old_connection_may_end_while_it_comes_back(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async with participating() as (participant, book, connections), clients(2) as (old, new):
        await connect(participant, old)
        answers = HeldAnswers(monkeypatch)
        offering = asyncio.create_task(participant.connect(await sdp_of(new)))
        await answers.until(1)
        await old.connection.close()
        await until(lambda: connections.all[0].state == "closed" and participant.state == "new")
        assert book.lefts == []
        answers.held[0].set()
        await new.accept(await offering)
        await new.open_channel()
        assert participant.state == "connected" and book.lefts == []


async def test_back_before_its_old_end_was_noticed_it_stays_and_is_heard() -> None:
    async with participating() as (participant, book, connections):
        async with clients(2, microphone=True) as (old, new):
            await connect(participant, old)
            await connect(participant, new)
            await until(lambda: connections.all[0].state == "closed")
            await speak(new, book)
            assert participant.state == "connected"
            assert book.lefts == []


async def test_a_further_offer_keeps_the_connection() -> None:
    async with participating() as (participant, book, connections), clients() as (client,):
        await connect(participant, client)
        client.add_microphone()
        await client.accept(await participant.renegotiate(await sdp_of(client)))
        await speak(client, book)
        assert len(connections.all) == 1


async def test_a_further_offer_is_refused_when_the_connection_ended_meanwhile(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async with participating() as (participant, book, connections), clients(2) as (old, new):
        await connect(participant, old)
        answers = HeldAnswers(monkeypatch)
        offering = asyncio.create_task(participant.renegotiate(await sdp_of(old)))
        await answers.until(1)
        returning = asyncio.create_task(participant.connect(await sdp_of(new)))
        await answers.until(2)
        answers.held[1].set()
        await returning
        answers.held[0].set()
        with pytest.raises(PeerUnknown, match="has ended"):
            await offering
        assert len(connections.all) == 2 and book.lefts == []


async def test_without_a_connection_a_further_offer_makes_one() -> None:
    async with participating() as (participant, _, connections), clients() as (client,):
        await client.accept(await participant.renegotiate(await sdp_of(client)))
        await client.open_channel()
        assert len(connections.all) == 1


async def test_an_offer_of_another_connection_takes_its_place_whatever_it_says() -> None:
    """Applied to the connection there is, it would leave both without one."""
    async with participating() as (participant, book, connections), clients(2) as (old, new):
        await connect(participant, old)
        await new.accept(await participant.renegotiate(await sdp_of(new)))
        await new.open_channel()
        write(new, "it is me")
        await until(lambda: book.texts)
        assert len(connections.all) == 2 and participant.state == "connected"
        assert book.lefts == []


# ---- whether it is there --------------------------------------------------------------------


async def test_it_is_present_from_its_connection_on() -> None:
    async with participating() as (participant, book, _), clients() as (client,):
        assert participant.presence is Presence.COMING
        participant.beat(0.0)
        answer = await participant.connect(await sdp_of(client))
        participant.beat(1.0)
        assert participant.presence is Presence.COMING and book.presences == []
        await client.accept(answer)
        await client.open_channel()
        beats(participant, 2)
        assert book.presences == [Presence.PRESENT]


@pytest.mark.parametrize(("pings", "silent_s"), [(True, 6), (False, 11)])
async def test_one_of_whom_nothing_comes_is_absent(pings: bool, silent_s: int) -> None:
    async with participating() as (participant, book, connections):
        async with udp_path() as path, clients() as (client,):
            channel = await connect_by(path, participant, client)
            if pings:
                channel.send("ping: 1")
            write(client, "hello")
            await until(lambda: book.texts)
            path.is_cut = True
            beats(participant, silent_s - 1)
            assert book.presences == [Presence.PRESENT]
            beats(participant, 2)
            assert book.presences == [Presence.PRESENT, Presence.ABSENT]
            assert connections.counters()["connection"].absences == 1
            path.is_cut = False
            write(client, "here again")
            await until(lambda: len(book.texts) == 2)
            beats(participant, 1)
            assert book.presences[2:] == [Presence.PRESENT] and book.lefts == []


async def test_a_connection_that_is_replaced_is_told_once() -> None:
    async with participating() as (participant, book, connections), clients(2) as (old, new):
        await connect(participant, old)
        beats(participant, 1)
        await connect(participant, new)
        assert (await hears(old, "server-message"))["data"] == {"type": "replaced"}
        await until(lambda: connections.all[0].state == "closed")
        write(new, "hello")
        await until(lambda: book.texts)
        assert heard(old) == [] and heard(new) == []
        assert connections.counters()["connection"].replaced == 1


async def test_one_that_is_absent_reads_it_when_it_is_back() -> None:
    async with participating() as (participant, _, connections):
        async with udp_path() as path, clients(2) as (old, new):
            await connect_by(path, participant, old)
            beats(participant, 1)
            path.is_cut = True
            beats(participant, 12)
            path.is_cut = False  # the first that passes is what it is told
            await connect(participant, new)
            assert (await hears(old, "server-message"))["data"] == {"type": "replaced"}
            await until(lambda: connections.all[0].state == "closed")
            assert connections.counters()["connection"].replaced == 0


async def test_one_that_is_absent_may_be_ended_and_no_other() -> None:
    async with participating() as (participant, book, _):
        assert not participant.end_if_absent("its place was needed")
        async with udp_path() as path, clients() as (client,):
            await connect_by(path, participant, client)
            beats(participant, 1)
            assert not participant.end_if_absent("its place was needed")
            path.is_cut = True
            beats(participant, 12)
            assert participant.end_if_absent("its place was needed")
            assert not participant.end_if_absent("twice")
            await until(lambda: book.lefts)
        assert book.lefts == ["its place was needed"]


# ---- what it says ---------------------------------------------------------------------------


async def test_each_client_ready_asks_for_a_greeting_and_a_return_does_not() -> None:
    async with participating() as (participant, book, _), clients(2) as (old, new):
        await connect(participant, old)
        assert participant.ready_id is None
        say_ready(old, "a")
        await until(lambda: book.readies == ["a"])
        participant.greeted = True
        await connect(participant, new)
        write(new, "back")
        await until(lambda: book.texts == ["back"])
        assert book.readies == ["a"] and participant.is_ready
        assert greeted(participant)
        say_ready(new, "b")
        await until(lambda: book.readies == ["a", "b"])
        assert not greeted(participant)


async def test_messages_go_where_they_belong() -> None:
    async with participating() as (participant, book, _), clients() as (client,):
        await connect(participant, client)
        assert client.channel is not None
        client.channel.send("ping: 1")
        say(client, "client-message", {"t": "image-ack", "d": {"seq": 1}})
        source = {"type": "url", "url": "easel:1"}
        say(client, "send-file", {"content": "", "file": {"format": "image/png", "source": source}})
        write(client, "hello")
        await until(lambda: book.texts)
        assert [question.kind for question in book.questions] == ["image-ack"]
        assert [file.url for file in book.files] == ["easel:1"]
        assert heard(client) == [] and book.counted == []


async def test_what_cannot_be_taken_is_answered_and_counted() -> None:
    async with participating() as (participant, book, _), clients() as (client,):
        await connect(participant, client)
        say(client, "send-text", {"content": 7}, "x")
        refusal = await hears(client, "error-response")
        assert refusal["id"] == "x"
        assert client.channel is not None
        client.channel.send("{]")
        assert (await hears(client, "error"))["data"]["fatal"] is False
        say(client, "dtmf", {}, "y")
        unsupported = await hears(client, "error-response")
        assert unsupported["id"] == "y"
        assert "dtmf" in unsupported["data"]["error"]
        assert len(book.counted) == 3 and book.counted[-1] == "message_unsupported"
        participant.on_dropped("message_over_rate")
        assert book.counted[-1] == "message_over_rate"


# ---- camera and screen ----------------------------------------------------------------------


async def test_a_screen_is_seen_while_the_camera_is_off() -> None:
    async with participating() as (participant, book, connections):
        async with clients(camera="VP8") as (client,):
            await connect(participant, client)
            await until(lambda: book.pictures)

            def watched() -> bool:
                return connections.all[0].video.enabled

            assert watched() and book.cameras_off == 0
            switch(client, SCREEN_INDEX, on=True)
            switch(client, CAMERA_INDEX, on=False)
            write(client, "only the screen")
            await until(lambda: book.texts)
            assert watched() and book.cameras_off == 0
            switch(client, SCREEN_INDEX, on=False)
            await until(lambda: book.cameras_off == 1)
            assert not watched()
            switch(client, CAMERA_INDEX, on=True)
            await until(watched)
            assert book.cameras_off == 1


async def test_a_microphone_that_is_off_darkens_no_camera() -> None:
    async with participating() as (participant, book, connections), clients() as (client,):
        await connect(participant, client)
        switch(client, 0, on=False)
        switch(client, 7, on=False)
        write(client, "still here")
        await until(lambda: book.texts)
        assert connections.all[0].video.enabled and book.cameras_off == 0


async def test_a_camera_that_was_off_is_off_after_a_return() -> None:
    async with participating() as (participant, book, connections), clients(2) as (old, new):
        await connect(participant, old)
        switch(old, CAMERA_INDEX, on=False)
        await until(lambda: book.cameras_off)
        await connect(participant, new)
        assert not connections.all[1].video.enabled


# ---- what it hears, and what is counted -----------------------------------------------------


async def test_sound_goes_to_the_newest_connection() -> None:
    async with participating() as (participant, _, _):
        async with clients(microphone=True) as (client,):
            await connect(participant, client)
            payload = opus_payload(960)
            sent = 0
            while client.rtp.empty():  # it listens a moment after it is connected
                participant.send_audio(payload, sent * 960)
                sent += 1
                await asyncio.sleep(0)
            assert (await client.rtp.get()).payload == payload


async def test_what_ended_connections_counted_stays() -> None:
    async with participating() as (participant, book, connections), clients(2) as (old, new):
        await connect(participant, old)
        write(old, "one")
        await until(lambda: book.texts == ["one"])
        await connect(participant, new)
        await until(lambda: connections.all[0].state == "closed")
        write(new, "two")
        await until(lambda: book.texts == ["one", "two"])
        assert connections.counters()["connection"].messages_in == 2
        await participant.close("enough")
        assert connections.counters()["connection"].messages_in == 2
        assert [peer.counters.messages_in for peer in connections.all] == [1, 1]
