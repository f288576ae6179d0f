from typing import Any

from processors.billing.prices import PUBLISHED, PriceTable
from processors.billing.room_usage import MAX_TURNS, RoomUsage

LIVE = "gemini-3.8-live"
IMAGE = "gemini-nano-banana-2.1"
DRAWN = {
    "promptTokenCount": 12,
    "candidatesTokenCount": 1_290,
    "thoughtsTokenCount": 40,
    "promptTokensDetails": [{"modality": "TEXT", "tokenCount": 12}],
    "candidatesTokensDetails": [{"modality": "IMAGE", "tokenCount": 1_290}],
}


def report(prompt: int, response: int = 0) -> dict[str, Any]:
    return {
        "promptTokensDetails": [{"modality": "AUDIO", "tokenCount": prompt}],
        "responseTokensDetails": [{"modality": "AUDIO", "tokenCount": response}],
    }


def room(model: str = LIVE) -> RoomUsage:
    return RoomUsage(model, PriceTable(PUBLISHED))


def answer(usage: RoomUsage, turn: int, *reports: dict[str, Any]) -> None:
    usage.ledger.began()
    for one in reports:
        usage.live(one, 1)
    usage.ended(turn)


def test_a_room_that_used_nothing() -> None:
    assert room().summary(1) == {
        "tokens": {},
        "byModality": {},
        "usd": 0.0,
        "models": {},
        "currency": "USD",
        "unpriced": [],
        "turns": [],
    }


def test_each_turn_has_its_tokens_and_its_price() -> None:
    usage = room(f"models/{LIVE}")
    answer(usage, 1, report(1_000, 100))
    answer(usage, 2, report(2_000, 200))
    told = usage.summary(2)
    assert told["usd"] == 0.0126
    assert told["byModality"] == {"prompt.AUDIO": 3_000, "response.AUDIO": 300}
    assert [(turn["turn"], turn["usd"]) for turn in told["turns"]] == [(1, 0.0042), (2, 0.0084)]
    assert told["turns"][0]["tokens"] == {
        "promptTokenCount": 1_000,
        "responseTokenCount": 100,
        "totalTokenCount": 1_100,
    }
    assert told["models"] == {
        LIVE: {"tokens": told["tokens"], "byModality": told["byModality"], "usd": 0.0126}
    }


def test_the_turn_that_is_not_over_is_told_with_the_others() -> None:
    usage = room()
    answer(usage, 1, report(1_000, 100))
    usage.live(report(2_000), 1)
    assert [turn["turn"] for turn in usage.summary(1)["turns"]] == [1]
    assert usage.summary(1)["turns"][0]["byModality"]["prompt.AUDIO"] == 3_000
    usage.ledger.began()
    usage.ledger.belongs_to(2)
    assert [turn["turn"] for turn in usage.summary(1)["turns"]] == [1, 2]
    usage.ended(2)
    assert [turn["turn"] for turn in usage.summary(2)["turns"]] == [1, 2]


def test_two_answers_in_one_turn_are_one_turn() -> None:
    usage = room()
    answer(usage, 1, report(1_000, 100))
    answer(usage, 1, report(1_200, 50))
    (turn,) = usage.summary(1)["turns"]
    assert turn["byModality"] == {"prompt.AUDIO": 2_200, "response.AUDIO": 150}


def test_an_empty_turn_is_none() -> None:
    usage = room()
    usage.ended(1)
    usage.live({}, 1)
    assert usage.summary(1)["turns"] == []


def test_images_are_counted_with_their_model_in_the_turn_they_were_begun_in() -> None:
    usage = room()
    answer(usage, 1, report(1_000, 100))
    answer(usage, 2, report(2_000, 200))
    usage.image(f"models/{IMAGE}", DRAWN, 1)
    told = usage.summary(2)
    first, second = told["turns"]
    assert set(first["models"]) == {LIVE, IMAGE} and set(second["models"]) == {LIVE}
    drawn = first["models"][IMAGE]
    assert drawn["tokens"] == {
        "promptTokenCount": 12,
        "responseTokenCount": 1_290,
        "thoughtsTokenCount": 40,
        "totalTokenCount": 1_342,
    }
    assert drawn["usd"] is None and first["usd"] == 0.0042
    assert told["unpriced"] == [IMAGE]
    assert usage.cost.unpriced == 1_342


def test_an_image_with_a_price_is_paid() -> None:
    usage = RoomUsage(
        LIVE,
        PriceTable(
            {IMAGE: next(iter(PUBLISHED.values())).model_copy(update={"output": {"image": 30}})},
            PUBLISHED,
        ),
    )
    usage.image(IMAGE, DRAWN, 1)
    assert usage.summary(1)["turns"][0]["models"][IMAGE]["usd"] == 0.038709
    assert usage.unpriced == [IMAGE]  # its thoughts


def test_a_live_model_without_a_price_is_told_before_it_used_anything() -> None:
    usage = room("gemini-2.5-flash-native-audio-latest")
    assert usage.unpriced == ["gemini-2.5-flash-native-audio-latest"]
    answer(usage, 1, report(1_000, 100))
    assert usage.summary(1)["usd"] is None
    assert usage.cost.picodollars == 0


def test_news_come_when_a_turn_is_over_and_hold_what_is_new() -> None:
    usage = room()
    usage.ledger.began()
    usage.live(report(1_000, 100), 1)
    assert list(usage.news()) == []
    usage.ended(1)
    (news,) = usage.news()
    assert news.turn.turn == 1
    assert news.more == {LIVE: {"prompt.AUDIO": 1_000, "response.AUDIO": 100}}
    assert list(usage.news()) == []
    usage.live(report(1_000, 130), 1)  # late, and fuller
    (news,) = usage.news()
    assert news.more == {LIVE: {"response.AUDIO": 30}}
    assert news.turn.summary()["byModality"] == {"prompt.AUDIO": 1_000, "response.AUDIO": 130}


def test_news_of_an_image_come_at_once() -> None:
    usage = room()
    usage.ledger.began()
    usage.live(report(1_000, 100), 1)
    usage.image(IMAGE, DRAWN, 1)
    (news,) = usage.news()
    assert set(news.more) == {IMAGE}


def test_only_the_newest_turns_are_kept_and_the_sums_hold_all() -> None:
    usage = room()
    for number in range(1, MAX_TURNS + 11):
        answer(usage, number, report(number, 1))
    usage.image(IMAGE, DRAWN, 3)
    told = usage.summary(MAX_TURNS + 10)
    assert [turn["turn"] for turn in told["turns"]] == list(range(11, MAX_TURNS + 11))
    assert told["byModality"]["response.AUDIO"] == MAX_TURNS + 10
    assert IMAGE in told["models"]
