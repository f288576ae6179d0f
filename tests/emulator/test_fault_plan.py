"""When faults are due, on virtual time."""

import copy
from collections import Counter

import pytest

from emulator.fault_plan import FaultHistory, FaultPlan, at_setup
from emulator.faults import Fault, Kind, parse_fault
from emulator.json_types import list_of, object_of
from emulator.record import SessionRecord

START = 100.0


class Bench:
    """A plan and the record that it writes."""

    def __init__(self, *faults: str, history: FaultHistory | None = None) -> None:
        self.history = history or FaultHistory("seed")
        self.record = SessionRecord(0, START, 1000.0)
        self.plan = FaultPlan(
            [parse_fault(text, str(number)) for number, text in enumerate(faults)],
            self.history,
            self.record,
            START,
        )

    def due(self, now: float) -> list[str]:
        return [fault.kind.value for fault in self.plan.due(now)]

    def recorded(self) -> list[tuple[object, object]]:
        faults = map(object_of, list_of(self.record.to_json()["faults"]))
        return [(fault["kind"], fault["at"]) for fault in faults]


def test_an_age_is_due_once_and_recorded() -> None:
    bench = Bench("drop@age=2", "mute@age=3")
    assert bench.plan.deadline() == 102.0
    assert bench.due(101.9) == []
    assert bench.due(102.0) == ["drop"]
    assert bench.plan.deadline() == 103.0
    assert bench.due(104.0) == ["mute"]
    assert bench.plan.deadline() is None
    assert bench.recorded() == [("drop", 102.0), ("mute", 104.0)]


def test_from_the_start_is_at_once_and_once_on_a_connection() -> None:
    bench = Bench("slow_pong,times=0")
    assert bench.due(START) == ["slow_pong"]
    assert bench.due(START + 1) == []
    assert Bench("slow_pong,times=0", history=bench.history).due(START) == ["slow_pong"]


def test_every_goes_on_and_makes_up_for_nothing() -> None:
    bench = Bench("go_away@every=10")
    assert bench.due(110.0) == ["go_away"]
    assert bench.plan.deadline() == 120.0
    # Held up for long: one, and on from there.
    assert bench.due(145.0) == ["go_away"]
    assert bench.plan.deadline() == 155.0


def test_what_a_session_suffered_its_next_connection_does_not() -> None:
    first = Bench("drop@age=1")
    assert first.due(101.0) == ["drop"]
    assert Bench("drop@age=1", history=first.history).plan.deadline() is None
    again = Bench("drop@age=1,times=2", history=FaultHistory("seed"))
    assert again.due(101.0) == ["drop"]
    assert again.due(200.0) == []
    assert Bench("drop@age=1,times=2", history=again.history).due(101.0) == ["drop"]


def test_all_sessions_together_may_have_a_limit() -> None:
    everywhere: Counter[Fault] = Counter()
    first, second = (FaultHistory(seed, everywhere) for seed in ("one", "two"))
    fault = parse_fault("drop,times=0,total=3")
    assert [first.suffers(fault), second.suffers(fault), second.suffers(fault)] == [True] * 3
    assert not first.suffers(fault)
    assert second.spent(fault)


def test_a_copied_history_is_the_same_one() -> None:
    history = FaultHistory("seed")
    assert copy.deepcopy([history])[0] is history


@pytest.mark.parametrize("moment", ["speech", "answer", "call"])
def test_moments_of_a_turn(moment: str) -> None:
    bench = Bench(f"drop@{moment}=0.5,times=2")
    tell = {
        "speech": bench.plan.user_started,
        "answer": bench.plan.answer_sounds,
        "call": bench.plan.called,
    }
    assert bench.plan.deadline() is None
    tell[moment](110.0)
    # While one is on its way, another moment changes nothing.
    tell[moment](110.3)
    assert bench.plan.deadline() == 110.5
    assert bench.due(110.5) == ["drop"]
    tell[moment](120.0)
    assert bench.due(120.5) == ["drop"]
    tell[moment](130.0)
    assert bench.plan.deadline() is None
    assert bench.due(131.0) == []


def test_a_prompt_by_its_number_or_a_later_one() -> None:
    bench = Bench("drop@turn=2")
    bench.plan.prompted(1, 101.0)
    assert bench.due(101.0) == []
    bench.plan.prompted(3, 102.0)
    assert bench.due(102.0) == ["drop"]


def test_a_resumption_by_its_number() -> None:
    history = FaultHistory("seed")
    assert Bench("close@resume=2", history=history).due(START) == []
    history.resumed = 2
    assert Bench("close@resume=2", history=history).due(START) == ["close"]


def test_a_fault_of_answers_from_an_age_on_meets_every_one() -> None:
    bench = Bench("empty_turn@age=5,times=2", "transcripts@every=10")
    assert bench.plan.take(Kind.EMPTY_TURN, 106.0) is not None
    assert bench.plan.take(Kind.EMPTY_TURN, 106.5) is not None
    assert bench.plan.take(Kind.TRANSCRIPTS, 111.0) is not None
    assert bench.plan.take(Kind.TRANSCRIPTS, 112.0) is None
    assert bench.plan.take(Kind.TRANSCRIPTS, 120.0) is not None


def test_faults_of_answers_wait_for_one() -> None:
    bench = Bench("transcripts,how=late,times=2", "empty_turn@age=5")
    # Nothing is due by the clock, so that nobody waits in vain for it.
    assert bench.plan.deadline() is None
    assert bench.due(110.0) == []
    taken = bench.plan.take(Kind.TRANSCRIPTS, 101.0)
    assert taken is not None and taken.how == "late"
    assert bench.plan.take(Kind.EMPTY_TURN, 104.0) is None
    assert bench.plan.take(Kind.EMPTY_TURN, 105.0) is not None
    assert bench.plan.take(Kind.TRANSCRIPTS, 106.0) is not None
    assert bench.plan.take(Kind.TRANSCRIPTS, 107.0) is None
    assert [kind for kind, _ in bench.recorded()] == ["transcripts", "empty_turn", "transcripts"]


def test_a_later_one_of_the_same_kind_is_taken_when_the_first_is_not_due() -> None:
    bench = Bench("empty_turn@turn=9", "empty_turn")
    assert bench.plan.take(Kind.EMPTY_TURN, START) is not None


def test_only_what_is_asked_for_is_taken() -> None:
    bench = Bench("transcripts,how=late", "transcripts,how=user_late")
    taken = bench.plan.take(Kind.TRANSCRIPTS, START, ("user_late",))
    assert taken is not None and taken.how == "user_late"
    assert bench.plan.take(Kind.TRANSCRIPTS, START, ("user_late",)) is None


def test_a_fault_of_an_answer_at_a_turn_waits_for_the_next_such_turn() -> None:
    bench = Bench("empty_turn@turn=2,times=0")
    bench.plan.prompted(2, 101.0)
    assert bench.plan.take(Kind.EMPTY_TURN, 101.0) is not None
    assert bench.plan.take(Kind.EMPTY_TURN, 101.0) is None
    bench.plan.prompted(3, 102.0)
    assert bench.plan.take(Kind.EMPTY_TURN, 102.0) is not None


def test_chances_follow_from_the_seed_and_the_origin() -> None:
    def happens(seed: str) -> list[bool]:
        history = FaultHistory(seed)
        fault = parse_fault("drop@turn=1,times=0,chance=0.5", "option 1")
        return [history.suffers(fault) for _ in range(64)]

    assert happens("a") == happens("a")
    assert happens("a") != happens("b")
    assert 16 < sum(happens("a")) < 48
    assert not any(FaultHistory("a").suffers(parse_fault("drop,chance=0")) for _ in range(9))


def test_a_chance_that_is_missed_leaves_the_next_one() -> None:
    bench = Bench("drop@every=1,chance=0")
    assert bench.due(101.0) == []
    assert bench.plan.deadline() == 102.0
    assert bench.recorded() == []


def test_a_step_of_a_scenario_counts_from_when_it_is_armed() -> None:
    bench = Bench()
    bench.plan.arm([parse_fault("drop@age=2", "step 1.1")], 110.0)
    assert bench.plan.deadline() == 112.0


def test_a_step_that_repeats_arms_its_faults_anew_and_not_twice() -> None:
    bench = Bench()
    fault = parse_fault("drop@age=2,times=0", "step 1.1")
    bench.plan.arm([fault], 110.0)
    bench.plan.arm([fault], 111.0)
    assert bench.plan.deadline() == 113.0
    assert bench.due(113.0) == ["drop"]


def test_setups() -> None:
    faults = [
        parse_fault(text, str(number))
        for number, text in enumerate(["hang_setup", "refuse_handle", "quota@resume=2", "drop"])
    ]
    fresh = FaultHistory("new")
    assert [fault.kind for fault in at_setup(faults, fresh)] == [Kind.HANG_SETUP]
    assert at_setup(faults, fresh) == []
    history = FaultHistory("old")
    history.resumed = 1
    assert [f.kind for f in at_setup(faults, history)] == [Kind.REFUSE_HANDLE]
    history.resumed = 2
    assert [f.kind for f in at_setup(faults, history)] == [Kind.QUOTA]
    # They are nothing to a connection that is open.
    assert Bench("hang_setup", "refuse_handle", "quota").due(START) == []
