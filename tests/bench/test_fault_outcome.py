"""From a talk and the emulator's records to the figures of the table."""

import io
import wave
from typing import Any

import numpy as np
import pytest

from bench.faults.codec import HEARD_HZ, WORD_S, Pcm, sound_of
from bench.faults.gaps import Heard, Said, answer_heard, turn_at
from bench.faults.lineage import BadRecord, Turn
from bench.faults.numbering import (
    ANSWERS,
    SEATS,
    WORDS_OF_AN_ANSWER,
    answer_to,
    numbers_of_its,
    numbers_of_ours,
    seat_of,
    spoken_by_it,
    utterance,
)
from bench.faults.outcome import Outcome, Result, counted_kind, outcome_of
from bench.faults.records import names_room, recorded, sound_in
from bench.faults.rows import Kind, Row, Talk, rows
from bench.faults.talks import Held, words_of
from emulator.cli import parser
from emulator.faults import parse_fault

SPEECH = utterance(2, 0)
ANSWER = answer_to(SPEECH)
SAID = Said(SPEECH, began=100.0, ended=102.0)


def heard(numbers: list[int], begin: float) -> list[Heard]:
    return [Heard(number, begin + place * WORD_S) for place, number in enumerate(numbers)]


# Numbers


def test_seats_share_no_words_and_turns_neither() -> None:
    said = [
        number for seat in range(SEATS) for turn in range(32) for number in utterance(seat, turn)
    ]
    assert len(set(said)) == len(said)
    assert {seat_of(number) for number in utterance(3, 5)} == {3}


@pytest.mark.parametrize(("seat", "turn"), [(SEATS, 0), (-1, 0), (0, 32)])
def test_there_are_no_words_for_more(seat: int, turn: int) -> None:
    with pytest.raises(ValueError, match="has no words"):
        utterance(seat, turn)


def test_each_utterance_has_an_answer_of_its_own() -> None:
    answers = [tuple(answer_to(utterance(0, turn))) for turn in range(ANSWERS)]
    assert len(set(answers)) == ANSWERS
    assert {len(answer) for answer in answers} == {WORDS_OF_AN_ANSWER}
    assert answer_to([]) == []


def test_whose_numbers_they_are_stands_in_the_text() -> None:
    text = f"12 13 {spoken_by_it([14, 15])}"
    assert numbers_of_ours(text) == [12, 13]
    assert numbers_of_its(text) == [14, 15]


# What a peer heard


def test_an_answer_as_usual() -> None:
    answer = answer_heard(ANSWER, SAID, heard(ANSWER, 102.8))
    assert answer.waited_s == pytest.approx(0.8)
    assert (answer.hole_s, answer.whole, answer.missing, answer.twice) == (0.0, True, 0, 0)
    assert answer.silence_s == pytest.approx(0.8)
    assert answer.gap_s(0.8) == pytest.approx(0.0)


def test_a_hole_is_longer_than_words_are_apart() -> None:
    words = heard(ANSWER[:5], 102.8) + heard(ANSWER[5:], 102.8 + 5 * WORD_S + 1.5)
    answer = answer_heard(ANSWER, SAID, words)
    assert answer.hole_s == pytest.approx(1.5)
    assert answer.gap_s(0.8) == pytest.approx(1.5)


def test_an_answer_that_breaks_off_has_no_end_to_its_gap() -> None:
    answer = answer_heard(ANSWER, SAID, heard(ANSWER[:5], 102.8))
    assert not answer.whole
    assert answer.missing == 7
    assert answer.gap_s(0.8) is None
    assert answer.silence_s is None


def test_words_said_again_are_counted() -> None:
    words = heard(ANSWER[:5], 102.8) + heard(ANSWER[3:], 105.0)
    assert answer_heard(ANSWER, SAID, words).twice == 2


def test_no_answer_at_all() -> None:
    answer = answer_heard(ANSWER, SAID, heard(answer_to(utterance(2, 1)), 102.8))
    assert (answer.waited_s, answer.gap_s(0.8), answer.silence_s) == (None, None, None)
    assert answer.missing == len(ANSWER)


def test_the_same_words_in_another_turn_are_of_that_turn() -> None:
    early = heard(ANSWER, 10.0)
    late = heard(ANSWER, 300.0)
    assert answer_heard(ANSWER, SAID, early + late).waited_s is None


@pytest.mark.parametrize(("time", "turn"), [(99.0, None), (100.5, 0), (109.0, 0), (110.0, 1)])
def test_a_fault_belongs_to_the_turn_it_happened_in(time: float, turn: int | None) -> None:
    assert turn_at(time, [SAID, Said([], 110.0, 112.0)]) == turn


# What the emulator recorded


def record(**changes: Any) -> dict[str, Any]:
    made: dict[str, Any] = {
        "id": 0,
        "opened_at": 99.0,
        "setup": {"systemInstruction": {"parts": [{"text": "This is talk 2-0."}]}},
        "audio": {"seconds": 2.0, "first_at": 99.5},
        "resumed_from": None,
        "texts": [],
        "turns": [
            {"first_output_at": 102.8, "audio_from": 0, "audio_to": 32000},
            {"first_output_at": None, "audio_from": 0, "audio_to": 32000},
            {"first_output_at": 103.0, "audio_from": None, "audio_to": None},
        ],
        "calls": [],
        "faults": [],
    }
    return {**made, **changes}


def wav_of(sound: Pcm) -> bytes:
    file = io.BytesIO()
    with wave.open(file, "wb") as writer:
        writer.setnchannels(1)
        writer.setsampwidth(2)
        writer.setframerate(HEARD_HZ)
        writer.writeframes(sound.tobytes())
    return file.getvalue()


def test_a_record_is_read() -> None:
    sound = sound_of(SPEECH, HEARD_HZ)
    found = recorded(
        record(
            resumed_from={"id": 4, "audio_samples": 7, "calls": 0},
            texts=["2 3", 'The result of take, which you called before: {"output": 519}'],
            faults=[{"kind": "close", "at": 101.0}],
            calls=[
                {"kind": "call", "value": {"number": 519}},
                {"kind": "response", "value": {"output": 520}},
            ],
        ),
        sound_in(wav_of(sound)),
    )
    assert np.array_equal(found.connection.sound, sound)
    assert found.connection.resumed_from == (4, 7)
    assert found.connection.answered == [Turn(0, 32000)]
    assert found.connection.told == [2, 3, 519]
    assert [(fault.kind, fault.at) for fault in found.faults] == [("close", 101.0)]
    assert found.hears_from == 99.5
    assert (found.calls, found.results) == ([519], [520, 519])


def test_sound_that_was_not_kept_makes_it_useless() -> None:
    with pytest.raises(BadRecord, match="are gone"):
        recorded(record(audio={"seconds": 200.0, "first_at": 99.5}), np.zeros(32000, np.int16))


def test_a_connection_is_known_by_the_name_in_its_instruction() -> None:
    assert names_room(record(), "talk 2-0")
    assert not names_room(record(), "talk 2")


# Together

ROW = Row("close-speech", "…", Kind.UNPLANNED, ["close@speech=1.2,code=1011"])


def held(**changes: Any) -> Held:
    made = Held("talk 2-0", 2, [SAID], heard=heard(ANSWER, 103.8))
    for name, value in changes.items():
        setattr(made, name, value)
    return made


def test_a_talk_that_went_well() -> None:
    sound = sound_of(SPEECH, HEARD_HZ)
    whole = recorded(record(), sound)
    found = outcome_of(ROW, held(), [whole], usual_s=0.8)
    assert (found.said, found.lost, found.doubled, found.injected) == (8, [], [], 0)
    assert found.waits == [pytest.approx(1.8)]
    assert found.gaps == []


def test_a_talk_that_was_broken() -> None:
    sound = sound_of(SPEECH, HEARD_HZ)
    broken = recorded(record(faults=[{"kind": "close", "at": 101.0}], turns=[]), sound[:20000])
    again = recorded(
        record(
            id=1,
            opened_at=101.1,
            audio={"seconds": 1.0, "first_at": 101.3},
            resumed_from={"id": 0, "audio_samples": 0, "calls": 0},
            calls=[{"kind": "call", "value": {"number": 5}}],
        ),
        sound[8000:],
    )
    found = outcome_of(ROW, held(), [broken, again], usual_s=0.8)
    assert found.injected == 1
    assert found.lost == SPEECH[:2]
    assert found.gaps == [pytest.approx(1.0)]
    assert found.silences == [pytest.approx(1.8)]
    assert found.recovered == [pytest.approx(0.3)]
    assert (found.calls, found.results_lost) == (1, 1)
    assert found.connections == 2


def test_an_answer_that_was_cut_on_purpose_has_no_gap() -> None:
    fault = record(faults=[{"kind": "close", "at": 101.0}])
    found = outcome_of(ROW, held(cut=[0]), [recorded(fault, sound_of(SPEECH, HEARD_HZ))], 0.8)
    assert found.gaps == found.waits == []


def test_what_cannot_be_counted_is_a_failure() -> None:
    orphan = record(resumed_from={"id": 9, "audio_samples": 0, "calls": 0})
    found = outcome_of(ROW, held(), [recorded(orphan, sound_of(SPEECH, HEARD_HZ))], 0.8)
    assert "not countable" in found.failed


def test_a_row_is_the_sum_of_its_talks() -> None:
    first = Outcome("a", lost=[1, 2], gaps=[0.5, None], waits=[0.8], injected=2)
    second = Outcome("b", lost=[3], gaps=[0.1], failed="TimeoutError")
    result = Result("row", 30.0, 0.8, [first, second])
    assert result.total("lost") == 3
    assert result.total("injected") == 2
    assert result.times("gaps") == [0.5, 0.1]
    assert result.unanswered == 1
    assert result.failures == ["TimeoutError"]
    assert result.usual_here_s == 0.8
    assert Result("row", 30.0, 0.8, []).usual_here_s == 0.0


# The rows


def test_rows_have_names_of_their_own_and_words_for_their_turns() -> None:
    every = rows()
    assert len({row.name for row in every}) == len(every)
    for row in every:
        said = [number for turn in range(row.turns) for number in words_of(row, 3, turn)]
        assert len(set(said)) == len(said)


def test_the_fault_that_is_counted_is_the_last() -> None:
    kinds = {row.name: counted_kind(row) for row in rows()}
    assert kinds["nothing"] == ""
    assert kinds["refuse-handle"] == "close"
    assert kinds["no-handles-speech"] == "close"
    assert kinds["mute"] == "mute"


def test_the_emulator_knows_what_the_rows_ask_for() -> None:
    for row in rows():
        assert parser().parse_args(row.arguments).fault is not None
        for fault in row.armed:
            parse_fault(fault)
    assert any(row.talk is Talk.WITH_CALLS for row in rows())
