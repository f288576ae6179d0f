import itertools
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from processors.billing.budget import (
    LAST_TURN_S,
    QUIET_S,
    TRANSITIONS,
    WARNING_SHARE,
    Budget,
    BudgetEvent,
    BudgetState,
    IllegalTransition,
    Limits,
    after,
)
from processors.billing.prices import picodollars_of

DOLLAR = picodollars_of(Decimal(1))
MINUTE_S = 60.0


def update(budget: Budget, dollars: float, now: float = 0.0, *, busy: bool = False) -> bool:
    return budget.update(int(dollars * DOLLAR), now, turn_under_way=busy)


@pytest.mark.parametrize(("state", "event"), list(itertools.product(BudgetState, BudgetEvent)))
def test_what_the_table_does_not_list_is_a_mistake(state: BudgetState, event: BudgetEvent) -> None:
    if event in TRANSITIONS[state]:
        assert after(state, event) is TRANSITIONS[state][event]
    else:
        with pytest.raises(IllegalTransition, match=f"{event.name} in {state.name}"):
            after(state, event)


def test_a_room_without_a_budget_may_use_anything() -> None:
    budget = Budget(Limits())
    budget.presence(True, 0.0)
    assert not update(budget, 1e6, 1e9)
    assert budget.state is BudgetState.WITHIN
    assert budget.summary(1e9) is None and budget.message(1e9) is None
    assert budget.sentence == ""


def test_money_warns_at_four_fifths_and_is_spent_at_the_whole() -> None:
    budget = Budget(Limits(picodollars=10 * DOLLAR))
    assert not update(budget, 7.99)
    assert update(budget, 8.0)
    assert (budget.state, budget.is_spent) == (BudgetState.WARNED, False)
    assert budget.message(0.0) == {
        "type": "budget",
        "state": "warning",
        "of": "cost",
        "sentence": "This conversation has used most of what it may cost.",
        "usd": 8.0,
        "maxCost": 10.0,
        "minutes": 0.0,
        "maxMinutes": None,
    }
    assert not update(budget, 9.99)
    assert update(budget, 10.0, busy=True)
    assert (budget.is_spent, budget.is_over) == (True, False)
    message = budget.message(0.0)
    assert message is not None
    assert (message["state"], message["of"]) == ("spent", "cost")
    assert message["sentence"] == "This conversation has used up what it may cost, and ends."


def test_time_runs_while_somebody_is_there() -> None:
    budget = Budget(Limits(seconds=10 * MINUTE_S))
    assert not update(budget, 0, 1e6)
    budget.presence(True, 100.0)
    budget.presence(True, 200.0)
    assert budget.used_s(400.0) == 300.0
    budget.presence(False, 400.0)
    budget.presence(False, 500.0)
    assert budget.used_s(1e6) == 300.0
    budget.presence(True, 1000.0)
    assert not update(budget, 0, 1179.0)
    assert update(budget, 0, 1180.0)
    budget.presence(False, 1180.0)
    assert budget.used_s(1e6) == 480.0
    budget.presence(True, 1180.0)
    assert budget.sentence == "This conversation has used most of its time."
    assert budget.summary(1180.0) == {
        "state": "warning",
        "usd": 0.0,
        "maxCost": None,
        "minutes": 8.0,
        "maxMinutes": 10.0,
    }
    assert update(budget, 0, 1300.0, busy=True)
    assert budget.sentence == "This conversation has used up its time, and ends."


def test_the_limit_that_is_nearest_counts() -> None:
    budget = Budget(Limits(picodollars=10 * DOLLAR, seconds=100.0))
    budget.presence(True, 0.0)
    update(budget, 8.5, 95.0)
    message = budget.message(95.0)
    assert message is not None and message["of"] == "minutes"


def test_the_last_turn_is_not_cut() -> None:
    budget = Budget(Limits(picodollars=DOLLAR))
    update(budget, 1, 50.0, busy=True)
    assert not update(budget, 2, 60.0, busy=True)
    assert not update(budget, 2, 60.5)
    assert not update(budget, 2, 62.0, busy=True)  # the answer to what a tool returned
    assert not update(budget, 2, 62.5)
    assert not update(budget, 2, 62.5 + QUIET_S - 0.1)
    assert update(budget, 2, 62.5 + QUIET_S)
    assert budget.is_over and budget.is_spent
    assert not update(budget, 3, 99.0)


def test_but_it_does_not_last_for_ever() -> None:
    budget = Budget(Limits(picodollars=DOLLAR))
    update(budget, 1, 50.0, busy=True)
    assert not update(budget, 1, 50.0 + LAST_TURN_S - 0.1, busy=True)
    assert update(budget, 1, 50.0 + LAST_TURN_S, busy=True)
    assert budget.is_over


def test_it_says_that_it_is_spent_before_it_ends() -> None:
    budget = Budget(Limits(picodollars=DOLLAR))
    assert update(budget, 1, 0.0)
    assert (budget.is_spent, budget.is_over) == (True, False)
    assert update(budget, 1, QUIET_S)
    assert (budget.is_spent, budget.is_over) == (True, True)
    message, summary = budget.message(0.0), budget.summary(0.0)
    assert message is not None and message["state"] == "spent"
    assert summary is not None and summary["state"] == "ended"


def test_warnings_and_endings_are_counted() -> None:
    budget = Budget(Limits(picodollars=DOLLAR))
    for seconds, dollars in enumerate((0.5, 0.9, 0.95, 1.0, 1.1, 1.2, 1.3, 1.4)):
        update(budget, dollars, float(seconds))
    assert (budget.counters.warnings, budget.counters.endings) == (1, 1)


@given(
    st.lists(
        st.tuples(st.floats(0, 0.3), st.floats(0, 20), st.booleans(), st.booleans()), max_size=40
    )
)
def test_it_only_goes_forward_and_never_past_its_bounds(
    steps: list[tuple[float, float, bool, bool]],
) -> None:
    budget = Budget(Limits(picodollars=DOLLAR, seconds=200.0))
    used, now, order = 0, 0.0, list(BudgetState)
    for more, passed, here, busy in steps:
        before = order.index(budget.state)
        used, now = used + int(more * DOLLAR), now + passed
        budget.update(used, now, turn_under_way=busy)
        budget.presence(here, now)
        assert order.index(budget.state) >= before
        share = max(used / DOLLAR, 0)
        assert budget.is_spent or share < 1
        assert budget.state is not BudgetState.WITHIN or share < WARNING_SHARE
        assert budget.state is not BudgetState.SPENT or now < budget.deadline
