"""The words in which a fault is asked for."""

import re
from pathlib import Path

import pytest

from emulator.closes import INTERNAL_ERROR, UNAVAILABLE, Close
from emulator.faults import (
    ALWAYS,
    KINDS,
    MOMENTS,
    Fault,
    FaultError,
    Kind,
    Moment,
    explain,
    parse_fault,
)
from emulator.scenario import load_scenario


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("drop", Fault(Kind.DROP)),
        ("drop@age=2.5", Fault(Kind.DROP, Moment.AGE, 2.5)),
        ("drop@every=14", Fault(Kind.DROP, Moment.EVERY, 14.0, times=ALWAYS)),
        ("drop@every=14,times=3", Fault(Kind.DROP, Moment.EVERY, 14.0, times=3)),
        ("mute@turn=2", Fault(Kind.MUTE, Moment.TURN, 2)),
        ("close", Fault(Kind.CLOSE, close=INTERNAL_ERROR)),
        ("close,name=unavailable", Fault(Kind.CLOSE, close=UNAVAILABLE)),
        (
            "close@speech=0, code=4000, times=0, total=4, chance=0.5, reason=one, two=three",
            Fault(
                *(Kind.CLOSE, Moment.SPEECH, 0.0, ALWAYS, 4, 0.5),
                close=Close(4000, "one, two=three"),
            ),
        ),
        ("close,reason=only words", Fault(Kind.CLOSE, close=Close(1011, "only words"))),
        ("go_away@call=1,left=5", Fault(Kind.GO_AWAY, Moment.CALL, 1.0, seconds=5.0)),
        ("stall@answer=0.5,s=3", Fault(Kind.STALL, Moment.ANSWER, 0.5, seconds=3.0)),
        ("slow_pong", Fault(Kind.SLOW_PONG, seconds=30.0)),
        ("slow_read,bytes_per_s=9", Fault(Kind.SLOW_READ, size=9)),
        ("big_frame,bytes=1000", Fault(Kind.BIG_FRAME, size=1000)),
        ("transcripts", Fault(Kind.TRANSCRIPTS, how="twice")),
        ("quota,how=upgrade", Fault(Kind.QUOTA, how="upgrade")),
        ("transcripts,how=late", Fault(Kind.TRANSCRIPTS, how="late")),
        ("hang_setup@resume=1,s=2", Fault(Kind.HANG_SETUP, Moment.RESUME, 1, seconds=2.0)),
    ],
)
def test_a_fault_is_read(text: str, fault: Fault) -> None:
    assert parse_fault(text) == fault


def test_two_faults_of_the_same_words_are_told_apart_by_their_origin() -> None:
    assert parse_fault("drop", "step 1") != parse_fault("drop", "step 2")


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("", "no kind of fault; there are go_away, close"),
        ("explode", "`explode` is no kind"),
        ("drop@noon=1", "`@noon` is no moment; there are age, every"),
        ("drop@", "`@` is no moment"),
        ("drop@age", "`age` is a number from 0 on"),
        ("drop@age=-1", "`age` is a number from 0 on"),
        ("drop@age=inf", "`age` is a number from 0 on"),
        ("drop@every=0", "`every` is above 0"),
        ("drop@turn=0", "`turn` is a whole number from 1 on"),
        ("drop@turn=1.5", "`turn` is a whole number from 1 on"),
        ("drop,left=1", "`drop` does not know `left`"),
        ("drop,", "`drop` does not know ``"),
        ("drop,times=-1", "`times` is a whole number from 0 on"),
        ("drop,times=1000000000", "`times` is a whole number"),
        ("drop,chance=1.1", "`chance` is from 0 to 1"),
        ("transcripts,how=upside", "`how` of `transcripts` is one of twice, late, early"),
        ("close,name=unheard", "`name` is one of invalid_key"),
        ("close,code=1006", "`code` is 1000, 1001"),
        ("quota@age=1,how=upgrade", "an upgrade belongs to no session"),
        ("hang_setup@age=1", "`hang_setup` happens at a setup"),
        ("refuse_handle@turn=1", "`refuse_handle` happens at a setup"),
    ],
)
def test_mistakes_are_named(text: str, sentence: str) -> None:
    with pytest.raises(FaultError) as caught:
        parse_fault(text)
    assert sentence in str(caught.value)


@pytest.mark.parametrize(
    ("text", "at_setup"),
    [("quota", True), ("quota@resume=1", True), ("quota@age=1", False), ("hang_setup", True)],
)
def test_what_happens_to_a_setup(text: str, at_setup: bool) -> None:
    assert parse_fault(text).at_setup is at_setup


def test_the_help_names_everything() -> None:
    text = explain()
    assert set(KINDS) == set(Kind)
    assert all(f"  {kind.value} " in text for kind in Kind)
    assert all(f"  {moment.value}=" in text for moment in MOMENTS)
    assert max(map(len, text.splitlines())) <= 100


def test_the_document_names_everything_and_its_examples_are_good() -> None:
    text = (Path(__file__).parents[2] / "docs" / "emulator-faults.md").read_text()
    kinds = re.findall(r"^\| `(\w+)` \|", text, re.MULTILINE)
    assert {kind.value for kind in Kind} <= set(kinds)
    assert all(f"| `{moment.value}=" in text for moment in MOMENTS)
    examples = re.findall(r"--fault (\w[\w@=.,]*)", text)
    assert len(examples) > 5
    for example in examples:
        assert example == "help" or parse_fault(example)
    [scenario] = re.findall(r"```\n(steps:.*?)```", text, re.DOTALL)
    load_scenario(scenario)
