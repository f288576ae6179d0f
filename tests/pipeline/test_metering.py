"""Frames of the pipeline's end in; what the room used, and what its peers are told of it."""

import json
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from pipecat.frames.frames import (
    BotStartedSpeakingFrame,
    BotStoppedSpeakingFrame,
    Frame,
    InterruptionFrame,
    TextFrame,
)

from pipeline.metering import Metering, limits_of, token_usage
from pipeline.room_settings import BudgetSettings
from processors.billing.budget import QUIET_S, Budget, BudgetState, Limits
from processors.billing.prices import PUBLISHED, PriceTable
from processors.billing.room_usage import RoomUsage
from processors.billing.usage import counts_of
from processors.frames import (
    GenerationCompleteFrame,
    ImageUsageFrame,
    Role,
    ToolCall,
    ToolCallFrame,
    TranscriptFrame,
    TurnCompleteFrame,
    UsageFrame,
)

LIVE = "gemini-3.8-live"
IMAGE = "gemini-nano-banana-2.1"


def used(prompt: int, response: int = 0) -> UsageFrame:
    return UsageFrame(
        {
            "promptTokenCount": prompt,
            "responseTokenCount": response,
            "promptTokensDetails": [{"modality": "AUDIO", "tokenCount": prompt}],
            "responseTokensDetails": [{"modality": "AUDIO", "tokenCount": response}],
        },
        connection=1,
    )


def drawn(image_id: str = "image") -> ImageUsageFrame:
    return ImageUsageFrame({"promptTokenCount": 4, "candidatesTokenCount": 1_120}, IMAGE, image_id)


@dataclass
class Room:
    """A metering, and what it told."""

    limits: Limits = field(default_factory=Limits)
    turn: int = 1
    images: dict[str, int] = field(default_factory=lambda: {"image": 1})
    told: list[dict[str, Any]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.metering = Metering(
            RoomUsage(LIVE, PriceTable(PUBLISHED)),
            Budget(self.limits),
            lambda message: self.told.append(json.loads(message)),
            lambda: self.turn,
            self.images.__getitem__,
        )

    def hears(self, *frames: Frame) -> list[dict[str, Any]]:
        """What these frames make it tell."""
        self.told.clear()
        for frame in frames:
            self.metering.on_frame(frame)
        return list(self.told)

    def at(self, now: float, *, tools_busy: bool = False) -> list[dict[str, Any]]:
        """What the passing of time makes it tell."""
        self.told.clear()
        self.metering.update(now, tools_busy=tools_busy)
        return [message["data"] for message in self.told]

    @property
    def turns(self) -> list[int]:
        return [turn["turn"] for turn in self.metering.summary(0.0)["turns"]]


def test_a_finished_turn_is_told_to_clients_as_metrics_and_as_usage() -> None:
    room = Room()
    assert room.hears(used(1_000), BotStartedSpeakingFrame(), used(1_000, 100)) == []
    metrics, usage = room.hears(TurnCompleteFrame())
    assert metrics == {
        "label": "rtvi-ai",
        "type": "metrics",
        "data": {
            "tokens": [
                {
                    "processor": "gemini",
                    "model": LIVE,
                    "prompt_tokens": 1_000,
                    "completion_tokens": 100,
                    "total_tokens": 1_100,
                    "input_audio_tokens": 1_000,
                    "output_audio_tokens": 100,
                }
            ]
        },
    }
    assert usage["type"] == "server-message"
    assert usage["data"] == {
        "type": "usage",
        "turn": 1,
        "tokens": {
            "promptTokenCount": 1_000,
            "responseTokenCount": 100,
            "totalTokenCount": 1_100,
        },
        "byModality": {"prompt.AUDIO": 1_000, "response.AUDIO": 100},
        "usd": 0.0042,
        "models": usage["data"]["models"],
        "room": {"usd": 0.0042, "unpriced": []},
    }
    assert room.hears(TurnCompleteFrame(), TextFrame("else")) == []


def test_what_comes_late_is_told_by_what_it_adds() -> None:
    room = Room()
    room.hears(used(1_000), BotStartedSpeakingFrame(), TurnCompleteFrame())
    metrics, usage = room.hears(used(1_000, 100))
    (tokens,) = metrics["data"]["tokens"]
    assert (tokens["prompt_tokens"], tokens["completion_tokens"]) == (0, 100)
    assert usage["data"]["byModality"] == {"prompt.AUDIO": 1_000, "response.AUDIO": 100}
    assert room.hears(used(1_000, 100)) == []


def test_an_image_is_told_at_once_under_its_own_model_and_turn() -> None:
    room = Room(turn=3, images={"image": 2})
    metrics, usage = room.hears(BotStartedSpeakingFrame(), drawn())
    (tokens,) = metrics["data"]["tokens"]
    assert (tokens["processor"], tokens["model"]) == ("gemini-image", IMAGE)
    assert (tokens["prompt_tokens"], tokens["completion_tokens"]) == (4, 1_120)
    assert (usage["data"]["turn"], usage["data"]["usd"]) == (2, None)
    assert usage["data"]["room"] == {"usd": None, "unpriced": [IMAGE]}


def test_all_that_pipecat_counts_is_counted_its_way() -> None:
    counts = counts_of(
        {
            "promptTokenCount": 100,
            "cachedContentTokenCount": 30,
            "cacheTokensDetails": [{"modality": "AUDIO", "tokenCount": 30}],
            "toolUsePromptTokenCount": 7,
            "candidatesTokenCount": 20,
            "thoughtsTokenCount": 5,
        }
    )
    assert token_usage(counts).model_dump(exclude_none=True) == {
        "prompt_tokens": 107,
        "completion_tokens": 25,
        "total_tokens": 132,
        "cache_read_input_tokens": 30,
        "cache_read_input_audio_tokens": 30,
        "reasoning_tokens": 5,
    }


def test_an_answers_words_say_which_turn_it_is() -> None:
    room = Room(turn=1)
    room.hears(used(1_000), BotStartedSpeakingFrame(), TranscriptFrame(Role.USER, 9, "no", True))
    room.turn = 5  # the user is ahead
    room.hears(TranscriptFrame(Role.MODEL, 4, "yes", True), TurnCompleteFrame())
    assert room.turns == [4]


def test_an_answer_begins_though_the_one_before_it_is_still_played() -> None:
    """It broke with its connection, and was never reported."""
    room = Room(turn=1)
    room.hears(BotStartedSpeakingFrame(), TurnCompleteFrame())
    room.turn = 2
    room.hears(TranscriptFrame(Role.MODEL, 2, "yes", False), used(1_000, 20), TurnCompleteFrame())
    assert room.turns == [2]


def test_an_answer_without_words_has_an_end() -> None:
    room = Room(turn=1)
    room.hears(BotStartedSpeakingFrame(), TurnCompleteFrame())
    room.turn = 2
    room.hears(GenerationCompleteFrame(), used(1_000, 20), TurnCompleteFrame())
    assert room.turns == [2]


def test_an_answer_that_is_cut_before_it_is_heard_is_of_the_turn_it_was_billed_in() -> None:
    room = Room(turn=3)
    room.hears(used(1_000))
    room.turn = 4  # somebody typed
    room.hears(InterruptionFrame(), TurnCompleteFrame())
    assert room.turns == [3]


def test_an_answer_that_is_cut_is_of_the_turn_it_was_cut_in() -> None:
    room = Room(turn=1)
    room.hears(BotStartedSpeakingFrame(), InterruptionFrame())
    room.turn = 2
    room.hears(used(1_000, 20), TurnCompleteFrame())
    assert room.turns == [1]
    room.hears(BotStartedSpeakingFrame(), TranscriptFrame(Role.MODEL, 2, "yes", True))
    room.turn = 3
    room.hears(InterruptionFrame(), used(2_000, 20), TurnCompleteFrame())
    assert room.turns == [1, 2]


def test_a_turn_of_nothing_but_calls_is_one() -> None:
    room = Room()
    call = ToolCallFrame((ToolCall("1", "draw", {}),))
    room.hears(call, TurnCompleteFrame(), used(1_000, 20))
    assert room.turns == [1]


def test_the_budget_is_told_when_it_changes_and_to_those_who_come_later() -> None:
    room = Room(Limits(seconds=100.0))
    room.metering.budget.presence(True, 0.0)
    assert room.at(79.0) == [] and room.metering.standing(79.0) is None
    (warning,) = room.at(80.0)
    assert (warning["type"], warning["state"], warning["of"]) == ("budget", "warning", "minutes")
    assert room.at(80.5) == []
    standing = room.metering.standing(90.0)
    assert standing is not None and json.loads(standing)["data"]["minutes"] == 1.5
    (spent,) = room.at(100.0)
    assert (spent["state"], room.metering.budget.state.name) == ("spent", "SPENT")
    assert room.at(100.0 + QUIET_S) == []
    assert room.metering.budget.is_over
    assert room.at(110.0) == []


def test_what_is_being_said_is_said_to_its_end() -> None:
    room = Room(Limits(seconds=10.0))
    room.metering.budget.presence(True, 0.0)
    room.hears(used(1_000))  # billed, and not yet answered
    (spent,) = room.at(10.0)
    assert spent["state"] == "spent"
    room.hears(BotStartedSpeakingFrame())
    room.at(11.0)
    room.hears(used(1_000, 50), TurnCompleteFrame())
    room.at(12.0)  # it is still being played
    room.at(12.0 + QUIET_S)
    room.hears(BotStoppedSpeakingFrame())
    room.at(13.0 + QUIET_S, tools_busy=True)
    room.at(13.0 + 2 * QUIET_S, tools_busy=True)
    room.at(14.0 + 2 * QUIET_S)
    assert room.metering.budget.state is BudgetState.SPENT
    assert room.at(14.0 + 3 * QUIET_S) == []
    assert room.metering.budget.is_over


def test_what_was_used_counts_for_the_budget_before_the_turn_is_over() -> None:
    room = Room(limits_of(BudgetSettings(max_cost=Decimal("0.003"))))
    room.hears(used(1_000))
    (spent,) = room.at(0.0)
    assert (spent["state"], spent["of"], spent["usd"]) == ("spent", "cost", 0.003)
    assert room.metering.summary(0.0)["budget"]["state"] == "spent"


def test_limits_are_those_of_the_settings() -> None:
    assert limits_of(BudgetSettings()) == Limits()
    settings = BudgetSettings(max_cost=Decimal("1.5"), max_minutes=2)
    assert limits_of(settings) == Limits(picodollars=1_500_000_000_000, seconds=120.0)
