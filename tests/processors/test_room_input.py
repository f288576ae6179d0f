from pipecat.frames.frames import (
    CancelFrame,
    EndFrame,
    Frame,
    InputAudioRawFrame,
    InputImageRawFrame,
    StartFrame,
)

from processors.frames import ImageEventFrame, UserTextFrame
from processors.room_input import MAX_FRAMES, RoomInput
from tests.processors.probe import around


def audio(number: int = 0) -> InputAudioRawFrame:
    return InputAudioRawFrame(
        audio=number.to_bytes(2, "little"), sample_rate=16_000, num_channels=1
    )


def picture() -> InputImageRawFrame:
    return InputImageRawFrame(b"jpeg", (1, 1), "JPEG")


def text(words: str) -> UserTextFrame:
    return UserTextFrame(words, "peer")


async def test_frames_come_out_in_order() -> None:
    entry = RoomInput()
    async with around(entry) as probes:
        fed: list[Frame] = [audio(1), text("a"), picture(), audio(2)]
        for frame in fed:
            entry.feed(frame)
        await probes.below.wait_for(InputAudioRawFrame, 2)
        assert [frame for frame in probes.below.frames if frame in fed] == fed
        assert entry.counters.frames == 4


async def test_what_is_fed_before_the_start_waits_for_it() -> None:
    entry = RoomInput()
    entry.feed(text("early"))
    async with around(entry) as probes:
        await probes.below.wait_for(UserTextFrame)
        kinds = [type(frame) for frame in probes.below.frames]
        assert kinds.index(StartFrame) < kinds.index(UserTextFrame)


async def test_feeding_goes_on_after_a_rest() -> None:
    entry = RoomInput()
    async with around(entry) as probes:
        for count in (1, 2, 3):
            entry.feed(audio(count))
            assert len(await probes.below.wait_for(InputAudioRawFrame, count)) == count


async def test_the_oldest_media_goes_when_it_is_full() -> None:
    entry = RoomInput()
    entry.feed(text("first"))
    entry.feed(picture())
    for number in range(MAX_FRAMES):
        entry.feed(audio(number))
    async with around(entry) as probes:
        heard = await probes.below.wait_for(InputAudioRawFrame, MAX_FRAMES - 1)
        assert [frame.audio for frame in heard] == [
            audio(number).audio for number in range(1, MAX_FRAMES)
        ]
        assert len(probes.below.of(UserTextFrame)) == 1
        assert probes.below.of(InputImageRawFrame) == []
    assert entry.counters.pictures_dropped == 1
    assert entry.counters.audio_dropped == 1
    assert entry.counters.refused == 0


async def test_what_must_not_be_lost_is_not_dropped_but_the_new_is_refused() -> None:
    entry = RoomInput()
    for number in range(MAX_FRAMES + 3):
        entry.feed(text(str(number)))
    entry.feed(audio())
    assert entry.counters.refused == 4
    async with around(entry) as probes:
        texts = await probes.below.wait_for(UserTextFrame, MAX_FRAMES)
        assert [frame.text for frame in texts] == [str(n) for n in range(MAX_FRAMES)]


async def test_after_the_end_nothing_comes_and_nothing_is_kept() -> None:
    for end in (EndFrame, CancelFrame):
        entry = RoomInput()
        async with around(entry) as probes:
            entry.feed(text("in time"))
            await probes.below.wait_for(UserTextFrame)
            await probes.push(end())
            entry.feed(text("too late"))
            assert entry.counters.frames == 1
        assert len(probes.below.of(UserTextFrame)) == 1


async def test_it_may_be_ended_twice() -> None:
    entry = RoomInput()
    async with around(entry) as probes:
        await probes.push(EndFrame())
        await probes.push(EndFrame())
        assert len(probes.below.of(EndFrame)) == 2


async def test_once_it_is_shut_only_news_of_images_enter() -> None:
    entry = RoomInput()
    async with around(entry) as probes:
        entry.feed(text("in time"))
        entry.shut()
        entry.shut()
        for frame in (audio(), picture(), text("too late"), ImageEventFrame({})):
            entry.feed(frame)
        await probes.below.wait_for(ImageEventFrame)
        assert [frame.text for frame in probes.below.of(UserTextFrame)] == ["in time"]
        assert probes.below.of(InputAudioRawFrame) == []
        assert entry.counters.shut_out == 3
