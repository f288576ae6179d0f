"""Frames in, at the end of a real pipeline; RTVI messages out."""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from pipecat.frames.frames import (
    BotStartedSpeakingFrame,
    BotStoppedSpeakingFrame,
    Frame,
    InterruptionFrame,
    TextFrame,
    UserStartedSpeakingFrame,
    UserStoppedSpeakingFrame,
)

from pipeline.fan_out import FanOut
from processors.frames import (
    AnswerCutFrame,
    AudioDroppedFrame,
    CitationsFrame,
    GenerationCompleteFrame,
    ImageEventFrame,
    LinkStatus,
    LinkStatusFrame,
    ModelThoughtFrame,
    Role,
    TranscriptFrame,
    TurnCompleteFrame,
)
from tests.processors.probe import Around, around


@dataclass
class Audience:
    """What everyone in the room was told, and every frame that was seen."""

    probes: Around
    messages: list[dict[str, Any]] = field(default_factory=list)
    frames: list[Frame] = field(default_factory=list)

    async def told(self, *frames: Frame) -> list[dict[str, Any]]:
        """The messages that these frames make."""
        self.messages.clear()
        for frame in frames:
            await self.probes.push(frame)
        return list(self.messages)

    async def kinds(self, *frames: Frame) -> list[str]:
        return [message["type"] for message in await self.told(*frames)]


@asynccontextmanager
async def audience() -> AsyncIterator[Audience]:
    messages: list[dict[str, Any]] = []
    frames: list[Frame] = []
    stage = FanOut(lambda message: messages.append(json.loads(message)), frames.append)
    async with around(stage) as probes:
        yield Audience(probes, messages, frames)


def said(role: Role, text: str, *, delta: str = "", final: bool = False) -> TranscriptFrame:
    return TranscriptFrame(role, 3, text, final, "peer", delta=delta)


async def test_who_speaks_is_told() -> None:
    async with audience() as room:
        assert await room.kinds(
            UserStartedSpeakingFrame(),
            UserStoppedSpeakingFrame(),
            BotStartedSpeakingFrame(),
            BotStoppedSpeakingFrame(),
        ) == [
            "user-started-speaking",
            "user-stopped-speaking",
            "bot-tts-started",
            "bot-started-speaking",
            "metrics",
            "bot-tts-stopped",
            "bot-stopped-speaking",
        ]


async def test_how_long_the_first_sound_took_is_told_once() -> None:
    async with audience() as room:
        told = await room.told(
            UserStoppedSpeakingFrame(), BotStartedSpeakingFrame(), BotStartedSpeakingFrame()
        )
    (metrics,) = [message for message in told if message["type"] == "metrics"]
    (first_sound,) = metrics["data"]["ttfb"]
    assert 0 <= first_sound["value"] < 5


async def test_what_a_person_says_is_told_with_who_said_it() -> None:
    async with audience() as room:
        ours, theirs = await room.told(said(Role.USER, "blue wall", delta="wall"))
    assert ours["data"] == {
        "type": "transcript",
        "role": "user",
        "turn": 3,
        "text": "blue wall",
        "final": False,
        "interrupted": False,
        "peer": "peer",
    }
    assert theirs["type"] == "user-transcription"
    timestamp = theirs["data"].pop("timestamp")
    assert datetime.fromisoformat(timestamp).tzinfo is not None
    assert theirs["data"] == {"text": "blue wall", "user_id": "peer", "final": False}


async def test_somebody_unknown_has_an_empty_id() -> None:
    async with audience() as room:
        _, theirs = await room.told(TranscriptFrame(Role.USER, 1, "hello", True))
    assert theirs["data"]["user_id"] == ""


async def test_an_answer_is_told_word_by_word_between_its_start_and_its_end() -> None:
    async with audience() as room:
        assert await room.kinds(said(Role.MODEL, "It", delta="It")) == [
            "server-message",
            "bot-llm-started",
            "bot-llm-text",
            "bot-tts-text",
            "bot-transcription",
        ]
        words = await room.told(said(Role.MODEL, "It is", delta=" is"))
        assert [word["data"]["text"] for word in words] == ["It is", " is", " is", " is"]
        assert await room.kinds(GenerationCompleteFrame()) == ["bot-llm-stopped"]
        final = await room.told(said(Role.MODEL, "It is blue.", final=True))
        assert [message["type"] for message in final] == ["server-message", "bot-output"]
        assert final[1]["data"]["text"] == "It is blue."
        assert await room.kinds(TurnCompleteFrame()) == []


async def test_an_interrupted_answer_has_ended_and_the_next_one_starts() -> None:
    async with audience() as room:
        await room.kinds(said(Role.MODEL, "It", delta="It"))
        assert await room.kinds(InterruptionFrame(), AnswerCutFrame(0.5, 2.0)) == [
            "bot-interrupted",
            "bot-llm-stopped",
        ]
        assert await room.kinds(TurnCompleteFrame()) == []
        assert "bot-llm-started" in await room.kinds(said(Role.MODEL, "So", delta="So"))


async def test_an_answer_that_was_cut_before_it_sounded_has_ended_with_its_turn() -> None:
    async with audience() as room:
        await room.kinds(said(Role.MODEL, "It", delta="It"))
        assert await room.kinds(InterruptionFrame(), TurnCompleteFrame()) == ["bot-llm-stopped"]


async def test_an_answer_that_only_ended_playing_is_interrupted_once() -> None:
    async with audience() as room:
        await room.kinds(said(Role.MODEL, "It", delta="It"), GenerationCompleteFrame())
        assert await room.kinds(AnswerCutFrame(0.5, 2.0)) == ["bot-interrupted"]


async def test_a_final_transcript_does_not_start_an_answer() -> None:
    async with audience() as room:
        kinds = await room.kinds(said(Role.MODEL, "It is", final=True))
        assert kinds == ["server-message", "bot-output"]


async def test_the_state_of_the_link_is_told() -> None:
    async with audience() as room:
        (message,) = await room.told(LinkStatusFrame(LinkStatus.RECONNECTING, "One moment."))
    assert message["data"] == {
        "type": "link-status",
        "status": "reconnecting",
        "sentence": "One moment.",
    }


async def test_what_of_the_sound_was_lost_is_told() -> None:
    async with audience() as room:
        (message,) = await room.told(AudioDroppedFrame(1.2345))
    assert message["data"] == {"type": "audio-dropped", "seconds": 1.23}


async def test_a_link_that_failed_is_a_fatal_error() -> None:
    async with audience() as room:
        _, error = await room.told(LinkStatusFrame(LinkStatus.FAILED, "No key."))
    assert (error["type"], error["data"]) == ("error", {"error": "No key.", "fatal": True})


async def test_every_frame_is_seen_and_passed_on_and_most_are_told_to_nobody() -> None:
    image, text = ImageEventFrame({"image_id": "cat"}), TextFrame("hello")
    async with audience() as room:
        assert await room.told(image, text) == []
        assert [frame for frame in room.frames if frame in (image, text)] == [image, text]
        assert await room.probes.below.wait_for(TextFrame)
        assert await room.probes.below.wait_for(ImageEventFrame)


async def test_thoughts_and_sources_are_messages_of_their_own() -> None:
    async with audience() as room:
        told = await room.told(ModelThoughtFrame("hm"), CitationsFrame({"webSearchQueries": ["x"]}))
    assert [(message["type"], message["data"]) for message in told] == [
        ("server-message", {"type": "thought", "text": "hm"}),
        ("server-message", {"type": "citations", "metadata": {"webSearchQueries": ["x"]}}),
    ]
