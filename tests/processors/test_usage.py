from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from processors.usage import MODALITIES, OTHER, Usage

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
    usage.add(TURN)
    usage.add(TURN)
    usage.add({"thoughtsTokenCount": 7, "toolUsePromptTokenCount": 3})
    assert usage.summary() == {
        "tokens": {
            "promptTokenCount": 240,
            "responseTokenCount": 60,
            "totalTokenCount": 300,
            "thoughtsTokenCount": 7,
            "toolUsePromptTokenCount": 3,
        },
        "byModality": {"prompt.AUDIO": 200, "prompt.TEXT": 40, "response.AUDIO": 60},
    }


def test_modalities_that_nobody_knows_are_counted_together() -> None:
    usage = Usage()
    details = [{"modality": f"SMELL_{n}", "tokenCount": 1} for n in range(50)]
    usage.add({"promptTokensDetails": [*details, {"tokenCount": 5}, {"modality": ["AUDIO"]}]})
    assert usage.by_modality == {"prompt.OTHER": 55}


def test_what_is_no_count_counts_nothing() -> None:
    usage = Usage()
    usage.add({"promptTokenCount": "7", "totalTokenCount": True, "responseTokenCount": -3})
    usage.add({"promptTokensDetails": ["no", None, {"modality": "AUDIO", "tokenCount": None}]})
    usage.add({"promptTokensDetails": {"modality": "AUDIO"}, "responseTokensDetails": None})
    assert usage.summary() == {"tokens": {}, "byModality": {}}


JUNK: st.SearchStrategy[object] = (
    st.sampled_from([None, True, 1.5, "7", [], ["AUDIO"], {}, float("nan")]) | st.integers()
)
DETAIL = st.fixed_dictionaries(
    {}, optional={"modality": st.sampled_from(sorted(MODALITIES)) | JUNK, "tokenCount": JUNK}
)
METADATA = st.dictionaries(st.sampled_from([*TURN, "trafficType"]), JUNK | st.lists(DETAIL | JUNK))


@settings(max_examples=50)
@given(st.lists(METADATA, max_size=5))
def test_counts_never_fall_and_names_are_few(messages: list[dict[str, Any]]) -> None:
    usage = Usage()
    before = usage.summary()
    for message in messages:
        usage.add(message)
        after = usage.summary()
        for part in ("tokens", "byModality"):
            assert all(after[part][name] >= count for name, count in before[part].items())
        before = after
    sides = {name.split(".")[0] for name in usage.by_modality}
    assert sides <= {"prompt", "response"}
    assert {name.split(".")[1] for name in usage.by_modality} <= MODALITIES | {OTHER}
