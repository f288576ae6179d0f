import pytest
from hypothesis import given
from hypothesis import strategies as st

from emulator.json_types import JsonObject, list_of, number_of, object_of
from emulator.live_setup import Backend, Compression
from emulator.tokens import CONTEXT_TOKENS, TokenMeter, text_tokens

MLDEV, VERTEX = Backend.MLDEV, Backend.VERTEX


def test_sound_costs_25_tokens_a_second_however_it_is_sliced() -> None:
    meter = TokenMeter(None)
    for _ in range(1000):
        meter.hear(0.03)
    assert meter.context_tokens in (749, 750)


def test_usage_tells_prompt_and_answer_by_modality() -> None:
    meter = TokenMeter(None)
    meter.hear(4.0)
    meter.see_frame()
    meter.read("12345678")
    meter.speak(2.0)
    meter.write("1234")
    meter.think("x" * 40)
    assert meter.prompt_usage(MLDEV) == {
        "promptTokenCount": 360,
        "totalTokenCount": 360,
        "promptTokensDetails": [
            {"modality": "AUDIO", "tokenCount": 100},
            {"modality": "VIDEO", "tokenCount": 258},
            {"modality": "TEXT", "tokenCount": 2},
        ],
    }
    usage = meter.finish_turn(MLDEV)
    assert usage["responseTokenCount"] == 51
    assert usage["thoughtsTokenCount"] == 10
    assert usage["totalTokenCount"] == 411
    assert usage["responseTokensDetails"] == [
        {"modality": "AUDIO", "tokenCount": 50},
        {"modality": "TEXT", "tokenCount": 1},
    ]


def test_the_whole_context_is_billed_at_every_turn() -> None:
    meter = TokenMeter(None)
    meter.read("x" * 40)
    meter.speak(2.0)
    assert meter.finish_turn(MLDEV)["promptTokenCount"] == 10
    # The answer has joined the context; there is no new one.
    assert meter.finish_turn(MLDEV) == {
        "promptTokenCount": 60,
        "totalTokenCount": 60,
        "promptTokensDetails": [
            {"modality": "TEXT", "tokenCount": 10},
            {"modality": "AUDIO", "tokenCount": 50},
        ],
    }


def test_the_enterprise_platform_says_candidates() -> None:
    meter = TokenMeter(None)
    meter.speak(1.0)
    usage = meter.finish_turn(VERTEX)
    assert usage["candidatesTokenCount"] == 25
    assert "responseTokenCount" not in usage


def test_nothing_costs_nothing() -> None:
    assert TokenMeter(None).finish_turn(MLDEV) == {"promptTokenCount": 0, "totalTokenCount": 0}


def test_compression_slides_the_window() -> None:
    meter = TokenMeter(Compression(trigger=1000, target=400))
    meter.hear(20.0)
    meter.read("x" * 1600)
    assert meter.context_tokens == 900
    meter.see_frame()
    assert 390 <= meter.context_tokens <= 400
    assert not meter.exhausted


def test_without_compression_the_context_is_exhausted_at_last() -> None:
    meter = TokenMeter(None)
    meter.hear(CONTEXT_TOKENS / 25)
    assert not meter.exhausted
    meter.read("four")
    meter.hear(1.0)
    assert meter.exhausted


@pytest.mark.parametrize(("text", "tokens"), [("", 0), ("a", 1), ("abcd", 1), ("abcde", 2)])
def test_text_tokens(text: str, tokens: int) -> None:
    assert text_tokens(text) == tokens


def listed(usage: JsonObject, details: str) -> list[float]:
    return [number_of(object_of(one)["tokenCount"]) or 0 for one in list_of(usage.get(details))]


@given(
    inputs=st.lists(st.tuples(st.sampled_from("hsrpwt"), st.integers(1, 400)), max_size=30),
    compressed=st.booleans(),
)
def test_counts_are_the_sums_of_their_modalities(
    inputs: list[tuple[str, int]], compressed: bool
) -> None:
    for backend, answer in ((MLDEV, "response"), (VERTEX, "candidates")):
        meter = TokenMeter(Compression(5000, 2000) if compressed else None)
        for kind, amount in inputs:
            match kind:
                case "h":
                    meter.hear(amount / 10)
                case "s":
                    meter.see_frame()
                case "r":
                    meter.read("x" * amount)
                case "p":
                    meter.speak(amount / 10)
                case "w":
                    meter.write("x" * amount)
                case _:
                    meter.think("x" * amount)
        before = meter.prompt_usage(backend)
        usage = meter.finish_turn(backend)
        # Both places tell the same prompt; only one tells the answer.
        assert before["promptTokenCount"] == usage["promptTokenCount"] == before["totalTokenCount"]
        assert before.get("promptTokensDetails") == usage.get("promptTokensDetails")
        prompt = listed(usage, "promptTokensDetails")
        said = listed(usage, f"{answer}TokensDetails")
        assert sum(prompt) == usage["promptTokenCount"]
        assert sum(said) == usage.get(f"{answer}TokenCount", 0)
        assert sum(prompt) + sum(said) == usage["totalTokenCount"]
        assert 0 not in (*prompt, *said)
