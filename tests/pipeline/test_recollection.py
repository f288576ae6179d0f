from dataclasses import replace

import pytest
from google.genai import types

from pipeline.recollection import Recollection
from processors.conversation import Conversation
from processors.frames import Role
from processors.gemini.opening import Opening
from processors.gemini.profiles import profile_for
from processors.images.pixels import Picture


@pytest.fixture
def recollection() -> Recollection:
    """Two turns, each with an answer."""
    conversation = Conversation()
    for number in (1, 2):
        conversation.append(Role.USER, f"question {number}")
        conversation.append(Role.MODEL, f"answer {number}")
        conversation.complete()
    profile = profile_for("gemini-3.8-live", vertex=False)
    return Recollection(conversation, lambda: None, profile)


def texts(recollection: Recollection, since: int | None, *notes: str) -> list[str]:
    """What is told, in order; of images their bytes."""
    seed = recollection.seed(Opening(None, since, notes))
    parts = [part for turn in (seed.turns if seed else ()) for part in turn.parts or []]
    return [part.text or _bytes(part).decode() for part in parts]


def _bytes(part: types.Part) -> bytes:
    return (part.inline_data and part.inline_data.data) or b""


def test_a_fresh_session_is_told_everything(recollection: Recollection) -> None:
    assert texts(recollection, None) == ["question 1", "answer 1", "question 2", "answer 2"]
    seed = recollection.seed(Opening(None, None))
    assert seed is not None
    assert seed.complete


def test_one_that_is_resumed_is_told_what_it_does_not_know(recollection: Recollection) -> None:
    assert texts(recollection, 1) == ["question 2", "answer 2"]
    seed = recollection.seed(Opening(None, 1))
    assert seed is not None
    assert not seed.complete, "it waits for more"
    assert recollection.seed(Opening(None, 2)) is None


def test_notes_come_last(recollection: Recollection) -> None:
    assert texts(recollection, 2, "you called draw") == ["you called draw"]
    assert texts(recollection, 1, "a", "b")[-2:] == ["a", "b"]


def test_what_is_sent_again_is_not_told_as_well(recollection: Recollection) -> None:
    for text in ("answer 2", "question 3", "question 4"):
        recollection.conversation.typed(text, peer_id="p")
    seed = recollection.seed(Opening(None, 2, asked=(" question 4\n", "question 3")))
    assert seed is not None
    assert [part.text for turn in seed.turns for part in turn.parts or []] == ["answer 2"]
    assert (
        recollection.seed(Opening(None, 2, asked=("answer 2", "question 3", "question 4"))) is None
    )
    told = recollection.seed(Opening(None, 1, asked=("answer 2", "question 3", "question 4")))
    assert told is not None
    assert [part.text for turn in told.turns for part in turn.parts or []][-1] == "answer 2"
    assert told.turns[-1].role == "model", "what the model said is not what somebody wrote"


def test_the_current_image_is_shown_to_a_fresh_session(recollection: Recollection) -> None:
    with_image = replace(recollection, current=lambda: Picture("image/jpeg", b"jpeg", 4, 4))
    assert "jpeg" in texts(with_image, None)
    assert "jpeg" not in texts(with_image, 0)
