from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from pipecat.frames.frames import (
    CancelFrame,
    EndFrame,
    Frame,
    InterruptionFrame,
    TTSAudioRawFrame,
)

from processors.audio_out import AudioOut
from processors.conversation import Conversation, image_part
from processors.frames import (
    AnswerBrokenFrame,
    AnswerCutFrame,
    AnswerSoundFrame,
    GenerationCompleteFrame,
    Role,
    SpeakerActivityFrame,
    TranscriptDeltaFrame,
    TranscriptFrame,
    TurnCompleteFrame,
    UserImagesFrame,
    UserTextFrame,
    UtteranceReplayedFrame,
)
from processors.opus import OUTPUT_HZ
from processors.playout import PACKET_S
from processors.transcripts import Transcripts
from tests.processors.probe import Around, around
from tests.processors.sounds import tone


class Talk:
    def __init__(self, probes: Around, conversation: Conversation) -> None:
        self.probes = probes
        self.conversation = conversation

    async def push(self, *frames: Frame) -> None:
        for frame in frames:
            await self.probes.push(frame)

    @property
    def told(self) -> list[str]:
        """Each transcript as "turn role: text", with a star when it is final."""
        return [written(frame) for frame in self.probes.below.of(TranscriptFrame)]


def written(frame: TranscriptFrame) -> str:
    marks = f"{'*' if frame.final else ''}{' (cut)' if frame.interrupted else ''}"
    return f"{frame.turn} {frame.role.value}: {frame.text}{marks}"


def user(text: str, *, finished: bool = False) -> Frame:
    return TranscriptDeltaFrame(Role.USER, text, finished)


def model(text: str, *, finished: bool = False) -> Frame:
    return TranscriptDeltaFrame(Role.MODEL, text, finished)


def sound(seconds: float) -> Frame:
    return AnswerSoundFrame(seconds, b"\x01")


@asynccontextmanager
async def talk() -> AsyncIterator[Talk]:
    conversation = Conversation()
    async with around(Transcripts(conversation)) as probes:
        yield Talk(probes, conversation)


async def test_fragments_become_partial_and_then_final() -> None:
    async with talk() as t:
        await t.push(user(" make"), user(" it"), model("Sure"), user(" blue"), TurnCompleteFrame())
        assert t.told == [
            "1 user: make",
            "1 user: make it",
            "1 model: Sure",
            "1 user: make it blue",
            "1 user: make it blue*",
            "1 model: Sure*",
        ]


async def test_each_transcript_carries_what_is_new() -> None:
    async with talk() as t:
        await t.push(model("One"), model(" two"), TurnCompleteFrame())
        deltas = [frame.delta for frame in t.probes.below.of(TranscriptFrame)]
        assert deltas == ["One", " two", ""]


async def test_fragments_themselves_go_no_further() -> None:
    async with talk() as t:
        await t.push(user("hello"), TurnCompleteFrame())
        assert t.probes.below.of(TranscriptDeltaFrame) == []
        (transcript, final, turn) = t.probes.below.frames[-3:]
        assert isinstance(transcript, TranscriptFrame)
        assert isinstance(final, TranscriptFrame)
        assert isinstance(turn, TurnCompleteFrame), "finals come before the end of the turn"


async def test_who_spoke_is_who_was_heard_last() -> None:
    async with talk() as t:
        await t.push(
            user("who?"),
            SpeakerActivityFrame("ann", speaking=True),
            user(" me"),
            SpeakerActivityFrame("ann", speaking=False),
            model("Hello Ann"),
            TurnCompleteFrame(),
            SpeakerActivityFrame("bob", speaking=True),
            user("and me"),
        )
        frames = t.probes.below.of(TranscriptFrame)
        who = [(frame.role.value, frame.peer_id) for frame in frames]
        assert who == [
            ("user", None),
            ("user", "ann"),
            ("model", None),
            ("user", "ann"),
            ("model", None),
            ("user", "bob"),
        ]


async def test_speaking_into_the_answer_is_the_next_turn() -> None:
    async with talk() as t:
        await t.push(
            SpeakerActivityFrame("ann", speaking=True),
            user("count"),
            model("one"),
            SpeakerActivityFrame("ann", speaking=True),
            user("stop"),
        )
        assert t.told[-2:] == ["1 user: count*", "2 user: stop"]


async def test_gemini_may_say_that_the_user_has_finished() -> None:
    async with talk() as t:
        await t.push(user("hello", finished=True), model("hi", finished=True))
        assert t.told == ["1 user: hello", "1 user: hello*", "1 model: hi"]
        await t.push(user("", finished=True))
        assert len(t.told) == 3


async def test_a_finish_without_words_makes_no_turn() -> None:
    async with talk() as t:
        await t.push(user("hello"), user("", finished=True), user("", finished=True), model("hi"))
        assert t.told == ["1 user: hello", "1 user: hello*", "1 model: hi"]


async def test_a_cut_answer_ends_with_what_was_heard() -> None:
    async with talk() as t:
        await t.push(
            user("count"),
            model("one two three four"),
            sound(1.0),
            GenerationCompleteFrame(),
            AnswerCutFrame(heard_s=0.5, received_s=1.0),
            InterruptionFrame(),
            user("stop"),
            TurnCompleteFrame(),
            user(" it"),
        )
        assert t.told[2:] == [
            "1 user: count*",
            "1 model: one two* (cut)",
            "2 user: stop",
            "2 user: stop it",
        ]


async def test_what_was_never_received_was_not_heard() -> None:
    async with talk() as t:
        await t.push(model("one"), AnswerCutFrame(heard_s=0.0, received_s=0.0))
        assert t.told[-1] == "1 model: * (cut)"
        assert t.conversation.contents() == []


async def test_an_interruption_before_the_first_sound() -> None:
    async with talk() as t:
        await t.push(user("count"), model("one"), InterruptionFrame(), TurnCompleteFrame())
        assert t.told[2:] == ["1 user: count*", "1 model: * (cut)"]


async def test_an_interruption_after_the_last_sound() -> None:
    async with talk() as t:
        await t.push(model("one"), sound(0.3), InterruptionFrame())
        assert t.told == ["1 model: one", "1 model: one*"]


async def test_what_is_typed_is_said() -> None:
    async with talk() as t:
        await t.push(UserTextFrame("hello", "ann"), model("hi"), TurnCompleteFrame())
        assert t.told == ["1 user: hello*", "1 model: hi", "1 model: hi*"]
        first = t.probes.below.of(TranscriptFrame)[0]
        assert first.peer_id == "ann"
        assert t.probes.below.of(UserTextFrame), "it goes on"


async def test_what_is_written_to_an_image_is_said_and_an_image_alone_says_nothing() -> None:
    async with talk() as t:
        image = (("image/png", b"png"),)
        await t.push(
            UserImagesFrame(image, "look", "ann", kept=image),
            UserImagesFrame(image, " ", "ann", kept=image),
        )
        assert t.told == ["1 user: look*"]
        assert len(t.probes.below.of(UserImagesFrame)) == 2
        part = image_part("image/png", b"png")
        assert t.conversation.contents() == [
            {"role": "user", "parts": [part, {"text": "look"}]},
            {"role": "user", "parts": [part]},
        ]


async def test_images_that_wait_for_words_are_recorded_with_them() -> None:
    async with talk() as t:
        lamp, table = (("image/png", b"lamp"),), (("image/png", b"table"),)
        await t.push(UserImagesFrame(lamp, "", "ann", run_immediately=False, kept=lamp))
        assert t.conversation.contents() == []
        await t.push(UserImagesFrame(table, "combine", "ann", kept=table))
        (turn,) = t.conversation.contents()
        words = {"text": "combine"}
        assert turn["parts"] == [image_part(*lamp[0]), image_part(*table[0]), words]


async def test_at_the_end_all_becomes_final() -> None:
    for end in (EndFrame, CancelFrame):
        async with talk() as t:
            await t.push(user("hello"), model("hi"), end())
            assert t.told[-2:] == ["1 user: hello*", "1 model: hi*"]
            assert len(t.conversation.contents()) == 2


async def test_words_that_come_after_the_cut_are_shown_to_nobody() -> None:
    async with talk() as t:
        await t.push(
            user("tell"),
            sound(3.0),
            AnswerCutFrame(heard_s=1.0, received_s=3.0),
            InterruptionFrame(),
            TurnCompleteFrame(),
            model("Once upon a time"),
            user("stop"),
            sound(0.5),
            model("Okay."),
        )
        assert t.told == [
            "1 user: tell",
            "1 user: tell*",
            "2 user: stop",
            "2 model: Okay.",
        ]


async def test_words_that_come_after_their_turn_are_final_when_the_next_answer_sounds() -> None:
    async with talk() as t:
        await t.push(user("tell"), sound(3.0), TurnCompleteFrame(), model("Once upon a time"))
        assert t.told[-1] == "1 model: Once upon a time"
        await t.push(user("more"), sound(1.0))
        assert t.told[-2:] == ["1 model: Once upon a time*", "2 user: more"]


async def test_fragments_that_come_twice_are_told_once() -> None:
    async with talk() as t:
        for word in (" one", " two", " three"):
            await t.push(model(word), model(word))
        await t.push(TurnCompleteFrame())
        assert t.told == [
            "1 model: one",
            "1 model: one one",
            "1 model: one one two",
            "1 model: one two three",
            "1 model: one two three*",
        ]


async def test_a_broken_answer_is_final_as_far_as_it_came() -> None:
    async with talk() as t:
        await t.push(
            user("count"),
            model("one two three four"),
            sound(0.5),
            AnswerBrokenFrame(),
            model("five"),
        )
        assert t.told[2:] == ["1 user: count*", "1 model: one two*", "2 model: five"]
        assert t.probes.below.of(AnswerBrokenFrame), "it goes on"


async def test_an_utterance_that_is_sent_again_is_told_again() -> None:
    async with talk() as t:
        await t.push(SpeakerActivityFrame("ann", speaking=True), user("make it"))
        await t.push(UtteranceReplayedFrame(), user("make"), user(" it blue"), TurnCompleteFrame())
        assert t.told == [
            "1 user: make it",
            "1 user: ",
            "1 user: make",
            "1 user: make it blue",
            "1 user: make it blue*",
        ]
        assert t.probes.below.of(UtteranceReplayedFrame), "it goes on"


async def test_an_utterance_that_was_final_is_taken_back_first() -> None:
    """Its answer broke before it sounded: clients let go of it when a final one is empty."""
    async with talk() as t:
        await t.push(user("count"), model("one"), AnswerBrokenFrame(), UtteranceReplayedFrame())
        await t.push(TurnCompleteFrame(), user("count"), model("one"), sound(0.5))
        await t.push(TurnCompleteFrame())
        assert t.told == [
            "1 user: count",
            "1 model: one",
            "1 user: count*",
            "1 model: *",
            "1 user: *",
            "1 user: count",
            "1 model: one",
            "1 user: count*",
            "1 model: one*",
        ]


async def test_of_an_utterance_without_words_nothing_is_told() -> None:
    async with talk() as t:
        await t.push(UtteranceReplayedFrame())
        assert t.told == []


async def test_the_transcript_is_cut_as_heard() -> None:
    """Behind the real `AudioOut`: 40 packets of 100 were sent, two of them are on their way."""
    audio_out, conversation = AudioOut(lambda payload, stamp: None), Conversation()
    words = list("abcdefghijklmnopqrst")
    async with around(audio_out, Transcripts(conversation)) as probes:
        voice = tone(0.1, OUTPUT_HZ).tobytes()
        for word in words:
            await probes.push(model(f" {word}"))
            await probes.push(TTSAudioRawFrame(voice, OUTPUT_HZ, 1))
        for beat in range(39):
            audio_out.beat(beat * PACKET_S)
        await probes.push(InterruptionFrame())
        final = probes.below.of(TranscriptFrame)[-1]
        assert final.interrupted
        assert final.text.split() == words[:7]  # the eighth had just begun
        assert probes.below.of(AnswerSoundFrame) == []
        kinds = [type(frame) for frame in probes.below.frames]
        assert kinds.index(AnswerCutFrame) < kinds.index(InterruptionFrame)
