from collections import Counter
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from processors.billing.usage import (
    CACHED,
    INPUT,
    MODALITIES,
    OTHER,
    OUTPUT,
    PROMPT,
    RESPONSE,
    SIDES,
    Usage,
    counts_of,
    increase,
    tokens,
)

TURN = {
    "promptTokenCount": 120,
    "responseTokenCount": 30,
    "totalTokenCount": 150,
    "promptTokensDetails": [
        {"modality": "AUDIO", "tokenCount": 100},
        {"modality": "TEXT", "tokenCount": 20},
    ],
    "responseTokensDetails": [{"modality": "AUDIO", "tokenCount": 30}],
}


def test_a_room_that_used_nothing_says_nothing() -> None:
    assert Usage().summary() == {"tokens": {}, "byModality": {}}


def test_messages_add_up() -> None:
    usage = Usage()
    usage.add(counts_of(TURN))
    usage.add(counts_of(TURN))
    usage.add(counts_of({"thoughtsTokenCount": 7, "toolUsePromptTokenCount": 3}))
    assert usage.summary() == {
        "tokens": {
            "promptTokenCount": 240,
            "responseTokenCount": 60,
            "totalTokenCount": 310,
            "thoughtsTokenCount": 7,
            "toolUsePromptTokenCount": 3,
        },
        "byModality": {
            "prompt.AUDIO": 200,
            "prompt.TEXT": 40,
            "response.AUDIO": 60,
            "thoughts.TEXT": 7,
            "toolUsePrompt.OTHER": 3,
        },
    }


def test_the_total_holds_the_thoughts_that_the_apis_own_may_leave_out() -> None:
    usage = Usage()
    usage.add(counts_of({**TURN, "thoughtsTokenCount": 9}))
    assert usage.summary()["tokens"]["totalTokenCount"] == 159


def test_the_answer_has_another_name_on_vertex_ai_and_from_image_models() -> None:
    vertex = {key.replace("response", "candidates"): value for key, value in TURN.items()}
    assert counts_of(vertex) == counts_of(TURN)


def test_cached_tokens_are_a_part_of_the_prompt() -> None:
    counts = counts_of(
        {
            **TURN,
            "cachedContentTokenCount": 80,
            "cacheTokensDetails": [{"modality": "AUDIO", "tokenCount": 80}],
        }
    )
    assert (tokens(counts, CACHED), tokens(counts, *INPUT), tokens(counts, *OUTPUT)) == (
        80,
        120,
        30,
    )


def test_what_the_details_leave_out_has_no_modality() -> None:
    counts = counts_of({**TURN, "promptTokenCount": 150, "responseTokensDetails": None})
    assert counts["prompt.OTHER"] == 30
    assert counts["response.OTHER"] == 30


def test_modalities_that_nobody_knows_are_counted_together() -> None:
    details = [{"modality": f"SMELL_{n}", "tokenCount": 1} for n in range(50)]
    counts = counts_of(
        {"promptTokensDetails": [*details, {"tokenCount": 5}, {"modality": ["AUDIO"]}]}
    )
    assert counts == {"prompt.OTHER": 55}


def test_what_is_no_count_counts_nothing() -> None:
    for junk in (
        {"promptTokenCount": "7", "totalTokenCount": True, "responseTokenCount": -3},
        {"promptTokensDetails": ["no", None, {"modality": "AUDIO", "tokenCount": None}]},
        {"promptTokensDetails": {"modality": "AUDIO"}, "responseTokensDetails": None},
    ):
        assert counts_of(junk) == {}


def test_what_a_fuller_report_adds() -> None:
    before = Counter({"prompt.AUDIO": 100, "response.AUDIO": 10})
    after = Counter({"prompt.AUDIO": 100, "response.AUDIO": 25, "response.TEXT": 5})
    assert increase(before, after) == {"response.AUDIO": 15, "response.TEXT": 5}
    assert increase(after, before) == {}
    assert increase(after, after) == {}


def test_another_split_of_the_same_tokens_adds_nothing() -> None:
    before = Counter({"prompt.OTHER": 100})
    after = Counter({"prompt.AUDIO": 70, "prompt.TEXT": 40})
    more = increase(before, after)
    assert tokens(more, PROMPT) == 10
    assert more["prompt.OTHER"] == 0


NUMBERS = st.dictionaries(
    st.sampled_from([f"{side}.{modality}" for side in SIDES for modality in ("TEXT", "AUDIO")]),
    st.integers(1, 100),
).map(Counter)


@given(NUMBERS, NUMBERS)
def test_a_side_grows_by_what_its_count_grew(before: Counter[str], after: Counter[str]) -> None:
    more = increase(before, after)
    assert all(number > 0 for number in more.values())
    for side in SIDES:
        grown = max(0, tokens(after, side) - tokens(before, side))
        assert tokens(more, side) == grown


JUNK: st.SearchStrategy[object] = (
    st.sampled_from([None, True, 1.5, "7", [], ["AUDIO"], {}, float("nan")]) | st.integers()
)
DETAIL = st.fixed_dictionaries(
    {}, optional={"modality": st.sampled_from(sorted(MODALITIES)) | JUNK, "tokenCount": JUNK}
)
SIDE = st.lists(DETAIL | JUNK) | JUNK
TOTALS = st.fixed_dictionaries({}, optional={"promptTokenCount": JUNK, "totalTokenCount": JUNK})
DETAILS = st.fixed_dictionaries(
    {}, optional={"promptTokensDetails": SIDE, "responseTokensDetails": SIDE}
)


@settings(max_examples=200)
@given(TOTALS, DETAILS)
def test_no_message_breaks_the_count_or_lowers_it(
    totals: dict[str, Any], details: dict[str, Any]
) -> None:
    counts = counts_of({**totals, **details})
    assert all(number > 0 for number in counts.values())
    assert {key.split(".")[0] for key in counts} <= {PROMPT, RESPONSE}
    assert {key.split(".")[1] for key in counts} <= MODALITIES | {OTHER}
