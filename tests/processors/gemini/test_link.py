import random
from itertools import product

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from processors.gemini.errors import (
    ConfigurationFault,
    ContextFault,
    GeminiError,
    QuotaFault,
    TransientFault,
)
from processors.gemini.link import (
    GIVE_UP_AFTER_S,
    QUICK_DEATH_S,
    QUICK_DEATHS_LIMIT,
    QUOTA_RETRY_FIRST_S,
    RETRY_FIRST_S,
    RETRY_LIMIT_S,
    TRANSITIONS,
    IllegalTransition,
    Link,
    LinkEvent,
    LinkState,
)

BROKEN = TransientFault(1011, "Internal error encountered.")
REFUSED = ConfigurationFault(1007, "API key not valid.")
POISONED = ContextFault(1007, "Request contains an invalid argument.")
SPENT = QuotaFault(1011, "RESOURCE_EXHAUSTED")
LONG = 10 * QUICK_DEATH_S


def link_in(state: LinkState) -> Link:
    link = Link(rng=random.Random(1))
    if state is LinkState.READY:
        link.opened(0.0)
    elif state is LinkState.WAITING:
        link.lost(BROKEN, 0.0)
    elif state is LinkState.CLOSED:
        link.close()
    assert link.state is state
    return link


def apply(link: Link, event: LinkEvent) -> None:
    match event:
        case LinkEvent.OPENED:
            link.opened(LONG)
        case LinkEvent.LOST:
            link.lost(BROKEN, LONG)
        case LinkEvent.FATAL:
            link.lost(REFUSED, LONG)
        case LinkEvent.ROTATE:
            link.rotate(LONG)
        case LinkEvent.RETRY_DUE:
            link.retry_due()
        case LinkEvent.CLOSE:
            link.close()


@pytest.mark.parametrize(("state", "event"), list(product(LinkState, LinkEvent)))
def test_the_whole_table(state: LinkState, event: LinkEvent) -> None:
    link = link_in(state)
    before = (link.handle, link.deadline, link.connections, link.failure)
    expected = TRANSITIONS.get((state, event))
    if expected is not None:
        apply(link, event)
        assert link.state is expected
    elif (state, event) == (LinkState.CLOSED, LinkEvent.CLOSE):
        link.close()  # closing is idempotent
        assert link.state is LinkState.CLOSED
    else:
        with pytest.raises(IllegalTransition, match=f"{event.name} in {state.name}"):
            apply(link, event)
        assert link.state is state
        assert (link.handle, link.deadline, link.connections, link.failure) == before


def test_a_deadline_stands_only_while_waiting() -> None:
    for state in LinkState:
        assert (link_in(state).deadline is not None) == (state is LinkState.WAITING)


def test_the_first_retry_is_at_once() -> None:
    link = link_in(LinkState.READY)
    link.lost(BROKEN, LONG)
    assert link.deadline == LONG


def waits(fault: GeminiError, count: int, seed: int) -> list[float]:
    link, found = Link(rng=random.Random(seed)), []
    for _ in range(count):
        link.lost(fault, 0.0)
        assert link.deadline is not None
        found.append(link.deadline)
        link.retry_due()
    return found


def test_the_wait_grows_to_a_limit_with_full_jitter() -> None:
    runs = [waits(BROKEN, 12, seed) for seed in range(200)]
    longest = [max(wait) for wait in zip(*runs, strict=True)]
    shortest = [min(wait) for wait in zip(*runs, strict=True)]
    assert longest[0] == 0.0
    for attempt in range(1, 12):
        limit = min(RETRY_LIMIT_S, RETRY_FIRST_S * 2 ** (attempt + 1))
        assert 0.9 * limit < longest[attempt] <= limit
        assert shortest[attempt] < 0.1 * limit


def test_a_spent_quota_is_never_asked_again_at_once() -> None:
    runs = [waits(SPENT, 5, seed) for seed in range(200)]
    assert min(min(run) for run in runs) >= QUOTA_RETRY_FIRST_S
    assert max(max(run) for run in runs) <= QUOTA_RETRY_FIRST_S + RETRY_LIMIT_S


def test_a_connection_that_lived_begins_the_waits_anew() -> None:
    link, now = link_in(LinkState.READY), 0.0
    for _ in range(5):
        now += LONG
        link.lost(BROKEN, now)
        assert link.deadline == now
        link.retry_due()
        link.opened(now)


def test_one_that_died_at_once_does_not() -> None:
    """Else a server that accepts and closes would be asked again without a pause, for ever."""
    link, now, waited = Link(rng=random.Random(1)), 0.0, []
    while link.state is not LinkState.CLOSED:
        link.opened(now)
        now += 0.1
        link.lost(BROKEN, now)
        if link.deadline is not None:
            waited.append(link.deadline - now)
            now = link.deadline
            link.retry_due()
    assert GIVE_UP_AFTER_S < now < GIVE_UP_AFTER_S + 2 * RETRY_LIMIT_S
    assert len(waited) < 150
    assert sum(waited[10:]) / len(waited[10:]) > 0.3 * RETRY_LIMIT_S


def test_it_gives_up_after_a_while_without_a_connection_that_lived() -> None:
    link = link_in(LinkState.WAITING)
    link.retry_due()
    link.lost(BROKEN, GIVE_UP_AFTER_S)
    link.retry_due()
    link.lost(BROKEN, GIVE_UP_AFTER_S + 0.1)
    assert link.state is LinkState.CLOSED
    assert link.failure is BROKEN
    assert link.deadline is None


def test_an_earlier_outage_is_forgotten_once_a_connection_lived() -> None:
    link = link_in(LinkState.WAITING)
    link.retry_due()
    link.opened(1.0)
    link.lost(BROKEN, GIVE_UP_AFTER_S * 30)
    assert link.state is LinkState.WAITING


def test_a_wrong_configuration_is_final_at_any_time() -> None:
    for state in (LinkState.CONNECTING, LinkState.READY):
        link = link_in(state)
        link.lost(REFUSED, LONG)
        assert link.state is LinkState.CLOSED
        assert link.failure is REFUSED


def test_a_lost_context_goes_on_in_a_fresh_session() -> None:
    link = link_in(LinkState.READY)
    link.handle_updated("h")
    link.lost(POISONED, LONG)
    assert link.state is LinkState.WAITING
    assert link.handle is None


def test_a_handle_that_is_refused_is_dropped() -> None:
    link = link_in(LinkState.READY)
    link.handle_updated("h")
    link.lost(BROKEN, LONG)
    link.retry_due()
    link.lost(POISONED, LONG)
    assert link.state is LinkState.WAITING
    assert link.handle is None


def test_a_fresh_session_that_is_refused_is_a_wrong_configuration() -> None:
    link = Link()
    link.lost(POISONED, 0.0)
    assert link.state is LinkState.CLOSED
    assert isinstance(link.failure, ConfigurationFault)
    assert link.failure.reason == POISONED.reason


def test_the_newest_handle_is_kept() -> None:
    link = link_in(LinkState.READY)
    link.handle_updated("1")
    link.handle_updated("2")
    link.handle_updated(None)
    link.lost(BROKEN, LONG)
    assert link.handle == "2"


def test_a_session_that_dies_at_once_again_is_poisoned() -> None:
    link, now = link_in(LinkState.READY), 0.0
    link.handle_updated("h")
    for death in range(QUICK_DEATHS_LIMIT):
        assert link.handle == "h", death
        now += QUICK_DEATH_S - 0.1
        link.lost(BROKEN, now)
        link.retry_due()
        link.lost(BROKEN, now)  # an attempt that fails proves nothing
        link.retry_due()
        link.opened(now)
    assert link.handle is None


def test_deaths_between_which_it_lived_are_no_poison() -> None:
    link, now = link_in(LinkState.READY), 0.0
    link.handle_updated("h")
    for life in (1.0, LONG, 1.0, LONG, 1.0):
        now += life
        link.lost(BROKEN, now)
        link.retry_due()
        link.opened(now)
    assert link.handle == "h"


@pytest.mark.parametrize(("life", "lived"), [(QUICK_DEATH_S, True), (QUICK_DEATH_S - 0.01, False)])
def test_how_long_is_long_enough(life: float, lived: bool) -> None:
    link = link_in(LinkState.WAITING)
    link.retry_due()
    link.opened(0.0)
    link.lost(BROKEN, life)
    assert (link.deadline == life) is lived, "at once, as the first retry is"
    link = link_in(LinkState.READY)
    link.rotate(0.0)
    link.opened(0.0)
    link.rotate(life)
    assert (link.state is LinkState.CONNECTING) is lived


def test_a_rotation_is_no_failure() -> None:
    link = link_in(LinkState.READY)
    link.handle_updated("h")
    link.rotate(LONG)
    assert (link.state, link.handle, link.failure) == (LinkState.CONNECTING, "h", None)
    link.opened(LONG)
    link.lost(BROKEN, 2 * LONG)
    assert link.deadline == 2 * LONG


def test_who_is_sent_away_at_once_again_and_again_waits() -> None:
    link = link_in(LinkState.READY)
    states = []
    for now in (0.1, 0.2):
        link.rotate(now)
        states.append(link.state)
        if link.state is LinkState.CONNECTING:
            link.opened(now)
    assert states == [LinkState.CONNECTING, LinkState.WAITING]
    assert isinstance(link.failure, TransientFault)


def test_a_new_connection_clears_the_failure() -> None:
    link = link_in(LinkState.WAITING)
    failures = [link.failure]
    link.retry_due()
    link.opened(1.0)
    assert [*failures, link.failure] == [BROKEN, None]
    assert link.connections == 1


class LinkMachine(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.link = Link(rng=random.Random(1))
        self.now = 0.0
        self.opened = 0

    @rule(seconds=st.floats(0.0, 60.0))
    def pass_time(self, seconds: float) -> None:
        self.now += seconds

    @precondition(lambda self: self.link.state is LinkState.CONNECTING)
    @rule()
    def open(self) -> None:
        self.link.opened(self.now)
        self.opened += 1
        assert self.link.failure is None

    @precondition(lambda self: self.link.state in (LinkState.CONNECTING, LinkState.READY))
    @rule(fault=st.sampled_from([BROKEN, REFUSED, POISONED, SPENT]))
    def lose(self, fault: GeminiError) -> None:
        self.link.lost(fault, self.now)
        assert self.link.failure is not None
        assert self.link.state in (LinkState.WAITING, LinkState.CLOSED)
        if fault is REFUSED:
            assert self.link.state is LinkState.CLOSED
        if fault is POISONED:
            assert self.link.handle is None

    @precondition(lambda self: self.link.state is LinkState.READY)
    @rule()
    def rotate(self) -> None:
        handle = self.link.handle
        self.link.rotate(self.now)
        assert self.link.handle in (handle, None)

    @precondition(lambda self: self.link.state is LinkState.READY)
    @rule(handle=st.one_of(st.none(), st.text(max_size=3)))
    def update(self, handle: str | None) -> None:
        self.link.handle_updated(handle)

    @precondition(lambda self: self.link.state is LinkState.WAITING)
    @rule()
    def retry(self) -> None:
        assert self.link.deadline is not None
        self.now = max(self.now, self.link.deadline)
        self.link.retry_due()

    @rule()
    def close(self) -> None:
        self.link.close()

    @invariant()
    def a_deadline_means_waiting(self) -> None:
        assert (self.link.deadline is not None) == (self.link.state is LinkState.WAITING)

    @invariant()
    def waits_are_bounded(self) -> None:
        if self.link.deadline is not None:
            assert self.link.deadline - self.now <= QUOTA_RETRY_FIRST_S + RETRY_LIMIT_S

    @invariant()
    def openings_are_counted(self) -> None:
        assert self.link.connections == self.opened


LinkMachine.TestCase.settings = settings(max_examples=60, stateful_step_count=30)
TestLinkMachine = LinkMachine.TestCase
