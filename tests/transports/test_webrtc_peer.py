"""Whole connections: aiortc against Easel's peer in one process, over 127.0.0.1."""

import asyncio
import gc
import json
import logging
from dataclasses import replace

import pytest
import uvloop
from aiortc import RTCPeerConnection
from aiortc.sdp import SessionDescription, candidate_from_sdp

from tests.transports import offers
from tests.transports.packet_track import opus_packet
from tests.transports.peers import (
    BOUND_S,
    CONFIG,
    LOOPBACK,
    POLICY,
    Census,
    Listener,
    calling,
    client_with,
    descriptors,
    free,
    reached,
)
from tests.transports.real_video import decoded
from tests.transports.rtp_streams import opus_payload, opus_stream
from transports import rtvi, webrtc_peer
from transports.aiortc_seam import IceBinding
from transports.errors import MessageRefused, NoAddressLeft, SignallingRefused
from transports.ice import candidate_untrusted
from transports.peer_config import IceServer
from transports.rate_limit import TokenBucket
from transports.reorder_wait import MOST_S
from transports.sctp_reassembly import MAX_MESSAGE_BYTES, MAX_PENDING_BYTES
from transports.sdp import SdpLimits, offer_untrusted
from transports.video_receiver import FeedbackSender
from transports.webrtc_peer import (
    MAX_BUFFERED_BYTES,
    MAX_CANDIDATES,
    MESSAGE_BURST,
    WebRTCPeer,
)


def speech(count: int) -> list[bytes]:
    return [opus_payload(960, bytes([i // 256, i % 256])) for i in range(count)]


# ---- sound ----------------------------------------------------------------------------------


async def test_opus_packets_arrive_in_order() -> None:
    async with calling(client_with(microphone=True)) as call:
        await call.connected()
        said = speech(200)
        for i, payload in enumerate(said):
            call.client.microphone.send(opus_packet(payload, i * 960))
            if i % 20 == 19:  # the track holds half a second
                assert await call.packets(20) == said[i - 19 : i + 1]
        assert call.peer.audio.jitter.counters.received == 200


async def test_our_packets_reach_the_client_as_they_are() -> None:
    async with calling(client_with(microphone=True)) as call:
        await call.connected()
        said = speech(20)
        for i, payload in enumerate(said):
            call.peer.send_audio(payload, i * 960, 960)
        heard = [await asyncio.wait_for(call.client.rtp.get(), BOUND_S) for _ in said]
        assert [arrival.payload for arrival in heard] == said
        assert {arrival.codec for arrival in heard} == {"opus"}
        first = heard[0]
        assert [(a.timestamp - first.timestamp) % 2**32 for a in heard] == [
            i * 960 for i in range(20)
        ]


async def test_a_pause_in_our_sound_is_marked_where_it_ends() -> None:
    async with calling(client_with(microphone=True)) as call:
        await call.connected()
        stamps = [0, 960, 1920, 96_000, 96_960]
        for stamp in stamps:
            call.peer.send_audio(opus_payload(960), stamp, 960)
        heard = [await asyncio.wait_for(call.client.rtp.get(), BOUND_S) for _ in stamps]
        assert [arrival.marker for arrival in heard] == [True, False, False, True, False]
        assert [a.sequence - heard[0].sequence for a in heard] == list(range(5))


async def test_audio_before_the_connection_is_up_or_after_its_end_goes_nowhere() -> None:
    peer = WebRTCPeer("peer", CONFIG, Listener())
    peer.send_audio(b"x", 0, 960)
    await peer.close()
    peer.send_audio(b"x", 0, 960)
    assert peer.counters.audio_dropped == 0


async def test_the_answer_asks_for_error_correction() -> None:
    assert "a=fmtp:111 minptime=10;useinbandfec=1;" in str(await answered(offers.CHROMIUM))


# ---- pictures -------------------------------------------------------------------------------


@pytest.mark.parametrize("codec", ["VP8", "H264"])
async def test_a_real_camera_is_sampled_on_request(codec: str) -> None:
    config = replace(CONFIG, picture_interval_s=0.25)
    async with calling(client_with(camera=codec, channel=False), config) as call:
        alone = building = 0
        while alone < 5:
            picture = await asyncio.wait_for(call.listener.pictures.get(), BOUND_S)
            assert picture.codec == codec
            building += not picture.alone
            assert building < 5  # until it is known to be fast
            if not picture.alone:
                continue
            alone += 1
            (frame,) = decoded(codec, picture.parts[0])
            assert (frame.width, frame.height) == (320, 240)
        counters = call.peer.video.sampler.counters
        assert counters.key_requests >= 3 and counters.refused == 0
        assert counters.packets > counters.pictures * 3  # most pictures were let go


async def test_a_muted_camera_is_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    async with calling(client_with(camera="VP8", channel=False)) as call:
        await asyncio.wait_for(call.listener.pictures.get(), BOUND_S)
        call.peer.video.enabled = False
        seen = call.peer.video.sampler.counters.packets
        came: asyncio.Queue[bool] = asyncio.Queue()
        wants = call.peer.video.wants

        def watched(ssrc: int, sender: FeedbackSender) -> bool:
            wanted = wants(ssrc, sender)
            came.put_nowait(wanted)
            return wanted

        monkeypatch.setattr(call.peer.video, "wants", watched)
        for _ in range(10):
            assert not await asyncio.wait_for(came.get(), BOUND_S)
        assert call.peer.video.sampler.counters.packets == seen


# ---- messages -------------------------------------------------------------------------------


async def test_messages_go_both_ways_as_text_and_as_bytes() -> None:
    async with calling(client_with()) as call:
        channel = await call.client.open_channel()
        for sent in ("hello", "h\u00e9 \U0001f600", b"\x00\xff", "", b""):
            channel.send(sent)
            assert await asyncio.wait_for(call.listener.messages.get(), BOUND_S) == sent
        assert call.peer.send_message("you too")
        assert await asyncio.wait_for(call.client.messages.get(), BOUND_S) == "you too"
        assert (call.peer.counters.messages_in, call.peer.counters.messages_out) == (5, 1)


async def test_before_the_channel_is_open_nothing_can_be_sent() -> None:
    async with calling(client_with()) as call:
        assert not call.peer.send_message("too early")
        await call.client.open_channel()


async def test_a_message_longer_than_the_client_takes_is_not_sent() -> None:
    async with calling(client_with()) as call:
        await call.client.open_channel()
        assert not call.peer.send_message("x" * 262_145)
        assert call.peer.counters.messages_dropped == 1
        assert call.peer.send_message("x" * 262_144)
        assert len(await asyncio.wait_for(call.client.messages.get(), BOUND_S)) == 262_144


async def test_a_client_that_does_not_read_bounds_what_is_kept_for_it() -> None:
    async with calling(client_with()) as call:
        await call.client.open_channel()
        count = 0
        while call.peer.send_message("x" * 200_000):  # the loop is not given back: none leaves
            count += 1
        assert MAX_BUFFERED_BYTES <= count * 200_000 <= MAX_BUFFERED_BYTES + 200_000
        assert call.peer.counters.messages_dropped == 1


async def test_a_closed_channel_takes_no_messages() -> None:
    async with calling(client_with()) as call:
        channel = await call.client.open_channel()
        channel.send("ready")
        await asyncio.wait_for(call.listener.messages.get(), BOUND_S)
        closed = asyncio.Event()
        channel.on("close", closed.set)
        channel.close()
        await asyncio.wait_for(closed.wait(), BOUND_S)
        assert not call.peer.send_message("anyone?")


async def test_only_one_channel_counts() -> None:
    client = client_with()
    second = client.add_channel("second")
    async with calling(client) as call:
        channel = await call.client.open_channel()
        second.send("from the second")
        channel.send("from the first")
        assert await asyncio.wait_for(call.listener.messages.get(), BOUND_S) == "from the first"
        assert call.peer.counters.messages_in == 1


async def test_a_flood_of_messages_is_cut_and_complained_of_once(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    slow = 1e-6  # however long the flood takes here, it is as if it came at once
    monkeypatch.setattr(webrtc_peer, "TokenBucket", lambda per_s, burst: TokenBucket(slow, burst))
    async with calling(client_with()) as call:
        channel = await call.client.open_channel()
        count = int(MESSAGE_BURST) + 150
        for i in range(count):
            channel.send(str(i))
        while call.peer.counters.messages_in < count:
            await asyncio.wait_for(call.listener.messages.get(), BOUND_S)
            await asyncio.sleep(0)
        refused = call.peer.counters.messages_over_rate
        assert refused == 150
        complaint = json.loads(await asyncio.wait_for(call.client.messages.get(), BOUND_S))
        assert complaint["type"] == "error" and complaint["data"]["fatal"] is False
        assert "50 messages a second" in complaint["data"]["error"]
        assert call.peer.counters.messages_out == 1
        assert [call.listener.dropped.get_nowait() for _ in range(refused)] == (
            ["message_over_rate"] * refused
        )


async def test_5_megabytes_from_a_client_that_ignores_the_limit_do_not_end_the_call() -> None:
    def boundless(answer: str) -> str:
        assert "a=max-message-size:262144" in answer
        return answer.replace("max-message-size:262144", "max-message-size:0")

    async with calling(client_with(microphone=True), bend_answer=boundless) as call:
        channel = await call.client.open_channel()
        channel.send(b"{" * (5 << 20))
        message = await asyncio.wait_for(call.listener.messages.get(), 60.0)
        assert MAX_MESSAGE_BYTES <= len(message) < MAX_MESSAGE_BYTES + MAX_PENDING_BYTES
        with pytest.raises(MessageRefused, match="larger than 262144 bytes"):
            rtvi.decode_untrusted(message, max_bytes=262_144)
        channel.send("still here")
        assert await asyncio.wait_for(call.listener.messages.get(), BOUND_S) == "still here"
        call.client.microphone.send(opus_packet(opus_payload(960), 0))
        assert await call.packets(1) == [opus_payload(960)]


# ---- offers ---------------------------------------------------------------------------------


def checked(sdp: str) -> str:
    return offer_untrusted(sdp, SdpLimits(), POLICY)


async def answered(sdp: str) -> SessionDescription:
    peer = WebRTCPeer("peer", CONFIG, Listener())
    try:
        return SessionDescription.parse(await peer.answer(checked(sdp)))
    finally:
        await peer.close()


async def test_the_web_sdks_offer_is_answered_section_by_section() -> None:
    answer = await answered(offers.CHROMIUM)
    assert [(m.kind, m.rtp.muxId, m.direction) for m in answer.media] == [
        ("audio", "0", "sendrecv"),
        ("video", "1", "recvonly"),
        ("video", "2", "recvonly"),
        ("application", "3", None),
    ]
    assert [c.name for c in answer.media[0].rtp.codecs] == ["opus"]
    assert {c.name for c in answer.media[1].rtp.codecs} == {"VP8", "H264", "rtx"}
    assert {c.ip for c in answer.media[0].ice_candidates} == {"127.0.0.1"}


@pytest.mark.parametrize(
    ("sections", "directions"),
    [
        ([offers.data("0")], [None]),
        ([offers.video("0", "a=sendonly")], ["recvonly"]),
        ([offers.video("0", "a=recvonly")], ["inactive"]),
        ([offers.audio("0", "a=sendonly")], ["recvonly"]),
        ([offers.audio("0", "a=recvonly")], ["sendonly"]),
        ([offers.audio("0", "a=inactive")], ["inactive"]),
        ([offers.audio("0"), offers.audio("1")], ["sendrecv", "inactive"]),
        ([offers.data("0"), offers.audio("1")], [None, "sendrecv"]),
    ],
    ids=["data only", "camera only", "wants video", "talks only", "listens only"]
    + ["neither", "two microphones", "data first"],
)
async def test_odd_offers_are_answered_with_what_we_do(
    sections: list[list[str]], directions: list[str | None]
) -> None:
    answer = await answered(offers.offer(*sections))
    assert [m.direction for m in answer.media] == directions


async def test_an_offer_that_bundles_nothing_is_answered() -> None:
    assert len((await answered(offers.offer(offers.audio(), offers.data(), bundle=""))).media) == 2


@pytest.mark.parametrize(
    "section",
    [
        offers.audio(codec="a=rtpmap:0 PCMU/8000"),
        offers.video("0", codec="a=rtpmap:98 VP9/90000"),
        offers.video("0", codec="a=rtpmap:35 AV1/90000"),
        offers.audio(codec="a=x"),
    ],
    ids=["PCMU", "VP9", "AV1", "no codec"],
)
async def test_codecs_that_we_do_not_speak_are_refused_in_words(section: list[str]) -> None:
    with pytest.raises(SignallingRefused, match="Opus, VP8 and H.264") as caught:
        await answered(offers.offer(section))
    assert (caught.value.counter, caught.value.status) == ("sdp_not_negotiable", 400)


async def test_what_the_door_would_have_refused_raises_nothing_else_here() -> None:
    """Should a check at the door be missing, aiortc's own errors do not get further."""
    broken = [
        "m=audio",
        offers.offer(offers.audio("0"), offers.video("0")),
        offers.without(offers.offer(offers.audio()), "a=ice-"),
        offers.without(offers.offer(offers.audio()), "a=setup"),
        offers.offer(offers.audio()).replace("m=audio", "m=text"),
        offers.without(offers.offer(offers.audio()), "a=sendrecv"),
    ]
    for sdp in broken:
        peer = WebRTCPeer("peer", CONFIG, Listener())
        with pytest.raises(SignallingRefused):
            await peer.answer(sdp)
        await peer.close()


async def test_public_addresses_stand_in_for_bound_ones() -> None:
    peer = WebRTCPeer(
        "peer", replace(CONFIG, public_hosts={"127.0.0.1": "203.0.113.5"}), Listener()
    )
    answer = await peer.answer(offers.offer(offers.data("0")))
    assert "203.0.113.5" in answer and "127.0.0.1" not in answer
    await peer.close()


async def test_no_address_to_bind_is_our_fault_not_the_clients() -> None:
    config = replace(CONFIG, binding=IceBinding(hosts=("192.0.2.1",)))
    peer = WebRTCPeer("peer", config, Listener())
    with pytest.raises(NoAddressLeft):
        await peer.answer(offers.offer(offers.data("0")))
    await peer.close()


async def test_nothing_of_an_offer_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.DEBUG, logger="transports"):
        with pytest.raises(SignallingRefused):
            await answered(offers.offer(offers.audio(codec="a=rtpmap:0 PCMU/8000")))
        await answered(offers.CHROMIUM)
    assert not any(secret in caplog.text for secret in ("ufrag", "127.0.0.1", "fingerprint"))


# ---- renegotiation --------------------------------------------------------------------------


async def test_a_camera_may_be_added_during_the_call() -> None:
    async with calling(client_with(microphone=True)) as call:
        await call.connected()
        call.client.add_camera("VP8")
        await call.client.negotiate(call.peer)
        picture = await asyncio.wait_for(call.listener.pictures.get(), BOUND_S)
        assert picture.codec == "VP8"
        call.client.microphone.send(opus_packet(opus_payload(960), 0))
        assert await call.packets(1) == [opus_payload(960)]


async def test_a_bad_renegotiation_is_refused_and_the_call_goes_on() -> None:
    async with calling(client_with(microphone=True)) as call:
        await call.connected()
        good = checked(await call.client.offer())
        with pytest.raises(SignallingRefused):
            await call.peer.answer(good.replace("opus/48000", "other/48000"))
        await call.client.accept(await call.peer.answer(good))
        call.client.microphone.send(opus_packet(opus_payload(960), 0))
        assert await call.packets(1) == [opus_payload(960)]


async def test_offers_that_come_together_are_taken_one_after_the_other() -> None:
    """Else the second would be answered while addresses for the first are still gathered."""
    peer = WebRTCPeer("peer", CONFIG, Listener())
    offer = offers.offer(offers.audio(), offers.data("1"))
    answers = await asyncio.gather(*(peer.answer(offer) for _ in range(3)))
    ports = [SessionDescription.parse(a).media[0].ice_candidates[0].port for a in answers]
    assert len(set(ports)) == 1
    await peer.close()


async def test_after_the_end_an_offer_is_refused() -> None:
    peer = WebRTCPeer("peer", CONFIG, Listener())
    await peer.close()
    with pytest.raises(SignallingRefused):
        await peer.answer(offers.offer(offers.data("0")))


# ---- candidates -----------------------------------------------------------------------------


def no_candidates(sdp: str) -> str:
    return offers.without(offers.without(sdp, "a=candidate"), "a=end-of-candidates")


async def test_a_client_whose_candidates_are_all_hidden_connects() -> None:
    """Chromium without microphone permission: nothing but mDNS names, so none reach us."""
    async with calling(client_with(), bend_offer=no_candidates) as call:
        await call.connected()


async def test_a_trickled_candidate_connects() -> None:
    """The client cannot find us, so it is we who have to find the client."""
    client = client_with()
    async with calling(client, bend_offer=no_candidates, bend_answer=no_candidates) as call:
        assert call.peer.state in ("new", "connecting")
        for line in client.connection.localDescription.sdp.splitlines():
            if line.startswith("a=candidate:"):
                candidate = candidate_untrusted(line, "0", None, POLICY)
                assert candidate is not None
                await call.peer.add_candidate(candidate)
        await call.connected()


async def test_candidates_are_bounded_over_the_life_of_a_connection() -> None:
    peer = WebRTCPeer("peer", CONFIG, Listener())
    await peer.answer(offers.offer(offers.data("0")))
    candidate = candidate_from_sdp("1 1 udp 2113937151 203.0.113.7 50000 typ host")
    candidate.sdpMid = "0"
    for _ in range(MAX_CANDIDATES):
        await peer.add_candidate(candidate)
    with pytest.raises(SignallingRefused, match="64 ICE candidates") as caught:
        await peer.add_candidate(candidate)
    assert (caught.value.counter, caught.value.status) == ("candidates_too_many", 413)
    await peer.close()


async def test_a_candidate_for_nothing_is_ignored() -> None:
    peer = WebRTCPeer("peer", CONFIG, Listener())
    await peer.answer(offers.offer(offers.data("0")))
    candidate = candidate_from_sdp("1 1 udp 2113937151 203.0.113.7 50000 typ host")
    await peer.add_candidate(candidate)  # names no section
    candidate.sdpMid = "nowhere"
    await peer.add_candidate(candidate)
    await peer.close()
    await peer.add_candidate(candidate)


# ---- life and death -------------------------------------------------------------------------


async def test_a_call_and_its_end_leave_nothing() -> None:
    census = Census()
    async with calling(client_with(microphone=True)) as call:
        await call.connected()
        assert call.peer.state == "connected"
        call.client.microphone.send(opus_packet(opus_payload(960), 0))
        await call.packets(1)
    assert call.life.result() == "the peer left"
    assert call.peer.state == "closed"
    await census.assert_nothing_left()


async def test_a_peer_that_never_connects_ends_at_its_limit() -> None:
    census = Census()
    peer = WebRTCPeer("peer", replace(CONFIG, connect_limit_s=0.1), Listener())
    await peer.answer(offers.offer(offers.audio(), offers.data("1")))
    assert peer.state in ("new", "connecting")
    assert await asyncio.wait_for(peer.run(), BOUND_S) == "did not connect within 0.1 s"
    await census.assert_nothing_left()


async def test_a_peer_told_to_end_while_connecting_ends() -> None:
    peer = WebRTCPeer("peer", CONFIG, Listener())
    await peer.answer(offers.offer(offers.audio()))
    life = asyncio.create_task(peer.run())
    await asyncio.sleep(0)
    peer.end("nobody wants it")
    peer.end("nor later")
    assert await asyncio.wait_for(life, BOUND_S) == "nobody wants it"


async def test_ending_tells_the_client() -> None:
    async with calling(client_with()) as call:
        await call.connected()
        call.peer.end("the room has ended")
        assert await asyncio.wait_for(call.life, BOUND_S) == "the room has ended"
        await reached(call.client.connection, "closed")


async def test_a_wrong_fingerprint_fails_the_connection() -> None:
    def forged(sdp: str) -> str:
        wrong = "a=fingerprint:sha-256 " + ":".join(["AB"] * 32)
        lines = [wrong if line.startswith("a=fingerprint") else line for line in sdp.splitlines()]
        return "\r\n".join(lines)

    async with calling(client_with(), bend_offer=forged) as call:
        assert await asyncio.wait_for(call.life, BOUND_S) == "the connection failed"


async def test_close_may_be_called_by_anyone_any_number_of_times() -> None:
    census = Census()
    async with calling(client_with(microphone=True)) as call:
        await call.connected()
        await asyncio.gather(*(call.peer.close() for _ in range(3)))
        await call.peer.close()
        assert await asyncio.wait_for(call.life, BOUND_S) == "closed by the service"
    await census.assert_nothing_left()


async def test_nothing_is_heard_of_a_peer_that_is_closed() -> None:
    listener = Listener()
    peer = WebRTCPeer("peer", CONFIG, listener)
    first, _, third = opus_stream([960] * 3)
    peer.audio.on_rtp(first)
    peer.audio.on_rtp(third)  # waits for the second
    await peer.close()
    over = asyncio.Event()
    asyncio.get_running_loop().call_later(MOST_S * 1.5, over.set)
    await asyncio.wait_for(over.wait(), BOUND_S)
    assert listener.audio.qsize() == 1


async def test_a_peer_that_was_never_used_closes() -> None:
    census = Census()
    await WebRTCPeer("peer", CONFIG, Listener()).close()
    await census.assert_nothing_left()


async def test_a_cancelled_run_releases_everything() -> None:
    census = Census()
    client, peer = client_with(microphone=True), WebRTCPeer("peer", CONFIG, Listener())
    await client.negotiate(peer)
    life = asyncio.create_task(peer.run())
    await client.open_channel()
    life.cancel()
    with pytest.raises(asyncio.CancelledError):
        await life
    assert peer.state == "closed"
    await client.connection.close()
    await census.assert_nothing_left()


async def test_a_mistake_of_ours_ends_the_connection_and_is_logged(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def broken() -> None:
        raise RuntimeError("a bug")

    client, peer = client_with(), WebRTCPeer("peer", CONFIG, Listener())
    monkeypatch.setattr(peer.video, "run", broken)
    await client.negotiate(peer)
    assert await asyncio.wait_for(peer.run(), BOUND_S) == "the service made a mistake"
    assert "a bug" in caplog.text
    await client.connection.close()


@pytest.mark.parametrize("channel", [True, False])
@pytest.mark.parametrize("how", ["raises", "hangs"])
async def test_sockets_are_released_also_when_aiortc_cannot_close(
    how: str, channel: bool, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    over = asyncio.Event()

    async def broken(connection: RTCPeerConnection) -> None:
        if how == "raises" and connection is not client.connection:
            raise RuntimeError("halfway")
        await over.wait()

    ports: list[int] = []

    def noted(answer: str) -> str:
        ports.extend(c.port for c in SessionDescription.parse(answer).media[0].ice_candidates)
        return answer

    census = Census()
    client = client_with(microphone=True, channel=channel)
    peer = WebRTCPeer("peer", CONFIG, Listener())
    await client.negotiate(peer, bend_answer=noted)
    assert ports and not any(map(free, ports))
    life = asyncio.create_task(peer.run())
    await reached(client.connection, "connected")
    monkeypatch.setattr(webrtc_peer, "CLOSE_LIMIT_S", 0.2)
    with monkeypatch.context() as patched:
        patched.setattr(RTCPeerConnection, "close", broken)
        peer.end("enough")
        assert await asyncio.wait_for(life, BOUND_S) == "enough"
        assert "did not close cleanly" in caplog.text
        await asyncio.sleep(0)  # asyncio closes sockets in callbacks
        assert all(map(free, ports))
    over.set()
    await client.connection.close()
    await census.assert_nothing_left()


async def test_a_part_that_cannot_be_stopped_does_not_hold_up_the_end(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    class Stuck:
        async def stop(self) -> None:
            await asyncio.Event().wait()

    async def broken(connection: RTCPeerConnection) -> None:
        raise RuntimeError("halfway")

    monkeypatch.setattr(webrtc_peer, "CLOSE_LIMIT_S", 0.1)
    monkeypatch.setattr(RTCPeerConnection, "close", broken)
    peer = WebRTCPeer("peer", CONFIG, Listener())
    monkeypatch.setattr(peer, "_parts", lambda: [Stuck()])
    await asyncio.wait_for(peer.close(), BOUND_S)
    assert "was not released" in caplog.text


def test_it_works_on_uvloop() -> None:
    async def call() -> None:
        config = replace(CONFIG, binding=replace(LOOPBACK, ports=range(42_000, 42_100)))
        async with calling(client_with(microphone=True), config) as call:
            await call.connected()
            call.client.microphone.send(opus_packet(opus_payload(960), 0))
            assert await call.packets(1) == [opus_payload(960)]

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(asyncio.sleep(0))  # uvloop opens a pipe for good, once
    before = descriptors()
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(call())
    gc.collect()
    assert descriptors() == before


def test_a_turn_servers_password_is_not_shown() -> None:
    server = IceServer("turn:turn.example.org", "user", "secret")
    assert "secret" not in repr(replace(CONFIG, ice_servers=[server]))
