"""Whose word counts when it is asked whether somebody speaks."""

from processors.gemini.user_speech import UserSpeech


def test_the_local_word_counts_where_gemini_says_nothing() -> None:
    speech = UserSpeech()
    assert speech.disconnected() is None
    assert [speech.heard_here(word) for word in (True, True, False, False)] == [
        True,
        None,
        False,
        None,
    ]


def test_geminis_word_overrides_it() -> None:
    speech = UserSpeech()
    assert speech.heard_here(True) is True
    assert speech.heard_by_gemini(True) is None, "the same in other words"
    assert speech.heard_here(False) is None
    assert speech.speaking
    assert speech.heard_by_gemini(False) is False
    assert speech.heard_here(True) is None
    assert not speech.speaking


def test_after_a_connection_the_local_word_counts_again() -> None:
    speech = UserSpeech()
    speech.heard_here(True)
    speech.heard_by_gemini(False)
    assert speech.disconnected() is True
    assert speech.heard_here(False) is False
    speech.heard_by_gemini(True)
    assert speech.disconnected() is False
