"""Words that nobody spoke, and words that nobody asked for; other tests of the conversation are in
test_conversation.py."""

import pytest

from tests.processors.conversation_talk import Talk


@pytest.fixture
def talk() -> Talk:
    return Talk()


def test_the_model_may_speak_again_by_itself(talk: Talk) -> None:
    talk.user("draw")
    talk.model("I", "will")
    talk.complete()
    assert talk.model("done") == 2
    talk.complete()
    assert talk.record == ["1 u: draw", "1 m: I will", "2 m: done"]


def test_what_is_typed_is_final_at_once(talk: Talk) -> None:
    talk.type("hello")
    assert talk.told == ["1 u: hello"]
    assert talk.finals[0].peer_id == "t"
    talk.type("are you there")
    assert talk.told == ["1 u: hello", "2 u: are you there"]
    talk.model("yes")
    talk.complete()
    assert talk.record[-1] == "2 m: yes"


def test_what_is_typed_into_an_answer_is_the_next_turn(talk: Talk) -> None:
    talk.user("count")
    talk.sounds()
    talk.model("one", "two")
    talk.type("stop")
    assert talk.told == ["1 u: count", "2 u: stop"]
    talk.cut(0.5)
    talk.interrupted()
    talk.complete()
    assert talk.model("fine") == 2
    talk.complete()
    assert talk.record == ["1 u: count", "1 m: one (cut)", "2 u: stop", "2 m: fine"]
