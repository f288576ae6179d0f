"""The seed of a fresh session; tests/conversation/test_doors.py shows it on the wire."""

from processors.gemini.history import HistoryTurn
from processors.gemini.profiles import profile_for
from processors.gemini.seed import seed_of

TURNS = tuple(
    HistoryTurn.model_validate(turn)
    for turn in (
        {
            "role": "user",
            "parts": [{"text": "Look."}, {"inlineData": {"mimeType": "image/png", "data": "AAAA"}}],
        },
        {"role": "model", "parts": [{"text": "I see."}]},
    )
)


def test_turns_keep_their_roles_and_parts() -> None:
    seed = seed_of(TURNS, profile_for("gemini-3.8-live", vertex=False))
    assert seed is not None
    user, model = seed.turns
    assert (user.role, model.role) == ("user", "model")
    assert user.parts is not None and model.parts is not None
    assert [part.text for part in user.parts] == ["Look.", None]
    assert user.parts[1].inline_data is not None
    assert user.parts[1].inline_data.data == bytes(3)
    assert model.parts[0].text == "I see."


def test_only_a_model_that_knows_of_a_history_takes_closed_turns_in_silence() -> None:
    known = seed_of(TURNS, profile_for("gemini-3.8-live", vertex=False))
    older = seed_of(
        TURNS, profile_for("gemini-2.5-flash-native-audio-preview-12-2025", vertex=False)
    )
    assert known is not None and known.complete
    assert older is not None and not older.complete


def test_nothing_to_tell() -> None:
    assert seed_of((), profile_for("gemini-3.8-live", vertex=False)) is None
