"""What a room uses, what it may use, and what its peers are told of both. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, Final

from pipecat.frames.frames import (
    BotStartedSpeakingFrame,
    BotStoppedSpeakingFrame,
    Frame,
    InterruptionFrame,
)
from pipecat.metrics.metrics import LLMTokenUsage

from pipeline.room_settings import BudgetSettings
from processors.billing.budget import Budget, Limits
from processors.billing.prices import picodollars_of
from processors.billing.room_usage import News, RoomUsage
from processors.billing.usage import (
    CACHED,
    INPUT,
    OUTPUT,
    PROMPT,
    RESPONSE,
    THOUGHTS,
    Counts,
    tokens,
)
from processors.frames import (
    GenerationCompleteFrame,
    ImageUsageFrame,
    Role,
    ToolCallFrame,
    TranscriptFrame,
    TurnCompleteFrame,
    UsageFrame,
)
from transports import rtvi

LIVE_PROCESSOR: Final = "gemini"
IMAGE_PROCESSOR: Final = "gemini-image"


class Metering:
    """`on_frame` sees every frame of the pipeline's end, `update` is called every half second.

    `tell` gets RTVI messages for everyone in the room. `turn` is the conversation's present turn,
    `turn_of` the one in which an image was begun.
    """

    def __init__(
        self,
        usage: RoomUsage,
        budget: Budget,
        tell: Callable[[str], None],
        turn: Callable[[], int],
        turn_of: Callable[[str], int],
    ) -> None:
        self.usage = usage
        self.budget = budget
        self._tell = tell
        self._turn = turn
        self._turn_of = turn_of
        self._speaking = False

    def on_frame(self, frame: Frame) -> None:
        ledger = self.usage.ledger
        match frame:
            case BotStartedSpeakingFrame():
                self._speaking = True
                ledger.began()
            case BotStoppedSpeakingFrame():
                self._speaking = False
            case ToolCallFrame() | GenerationCompleteFrame():
                ledger.began()
            case TranscriptFrame(role=Role.MODEL, turn=turn, final=final):
                if not final:  # the sound of an earlier answer may still be played
                    ledger.began()
                ledger.belongs_to(turn)
            case InterruptionFrame() if ledger.number is None:
                ledger.belongs_to(self._turn())  # what the user says now is a later one
            case TurnCompleteFrame():
                self.usage.ended(self._turn())
                self._tell_news()
            case UsageFrame(usage=usage, connection=connection):
                self.usage.live(usage, connection, self._turn())
                self._tell_news()
            case ImageUsageFrame(usage=usage, model=model, image_id=image_id):
                self.usage.image(model, usage, self._turn_of(image_id))
                self._tell_news()

    def update(self, now: float, *, tools_busy: bool) -> None:
        """Looks at the budget, and tells what became of it. `budget.is_over`: end the room."""
        was_spent = self.budget.is_spent
        changed = self.budget.update(
            self.usage.cost.picodollars,
            now,
            turn_under_way=self._speaking or tools_busy or self.usage.ledger.under_way,
        )
        message = self.standing(now)
        if changed and message is not None and not was_spent:
            self._tell(message)

    def standing(self, now: float) -> str | None:
        """For one who comes now: the budget, when it is nearly or wholly used."""
        message = self.budget.message(now)
        return None if message is None else rtvi.server_message(message)

    def summary(self, now: float) -> dict[str, Any]:
        """As `GET /sessions/{id}` tells it."""
        return {**self.usage.summary(self._turn()), "budget": self.budget.summary(now)}

    def _tell_news(self) -> None:
        for news in self.usage.news():
            for message in _messages(news, self.usage):
                self._tell(message)


def limits_of(settings: BudgetSettings) -> Limits:
    cost, minutes = settings.max_cost, settings.max_minutes
    return Limits(
        picodollars=None if cost is None else picodollars_of(cost),
        seconds=None if minutes is None else minutes * 60,
    )


def _messages(news: News, usage: RoomUsage) -> Iterator[str]:
    for model, more in news.more.items():
        processor = LIVE_PROCESSOR if model == usage.model else IMAGE_PROCESSOR
        yield rtvi.token_metrics(token_usage(more), processor=processor, model=model)
    yield rtvi.server_message(
        {
            "type": "usage",
            **news.turn.summary(),
            "room": {"usd": usage.cost.usd, "unpriced": usage.unpriced},
        }
    )


def token_usage(counts: Counts) -> LLMTokenUsage:
    """As pipecat counts Gemini's: tool results are input, thoughts are output."""
    prompt, completion = tokens(counts, *INPUT), tokens(counts, *OUTPUT)
    return LLMTokenUsage(
        prompt_tokens=prompt,
        completion_tokens=completion,
        total_tokens=prompt + completion,
        cache_read_input_tokens=tokens(counts, CACHED) or None,
        reasoning_tokens=tokens(counts, THOUGHTS) or None,
        input_audio_tokens=counts[f"{PROMPT}.AUDIO"] or None,
        output_audio_tokens=counts[f"{RESPONSE}.AUDIO"] or None,
        cache_read_input_audio_tokens=counts[f"{CACHED}.AUDIO"] or None,
    )
