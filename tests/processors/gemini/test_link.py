import random
from collections.abc import Callable

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from processors.gemini.departure import HANDLE_WAIT_S, Purpose
from processors.gemini.errors import (
    ConfigurationFault,
    ContextFault,
    GeminiError,
    QuotaFault,
    TransientFault,
)
from processors.gemini.link import (
    CONNECTION_LIMIT_S,
    GIVE_UP_AFTER_S,
    LEAVE_BEFORE_S,
    LIMIT_NOTICE_S,
    OPEN_FIRST_S,
    OPEN_LIMIT_S,
    QUICK_DEATH_S,
    QUICK_DEATHS_LIMIT,
    RENEW_WITHIN_S,
    REST_WITHIN_S,
    TRANSITIONS,
    IllegalTransition,
    Link,
    LinkEvent,
    LinkState,
)
from processors.gemini.retrying import QUOTA_RETRY_FIRST_S, RETRY_FIRST_S, RETRY_LIMIT_S

BROKEN = TransientFault(1011, "Internal error encountered.")
TORN = TransientFault(1006, "")
REFUSED = ConfigurationFault(1007, "API key not valid.")
POISONED = ContextFault(1007, "Request contains an invalid argument.")
SPENT = QuotaFault(1011, "RESOURCE_EXHAUSTED")
LONG = 10 * QUICK_DEATH_S


def link_in(state: LinkState, handle: str | None = None) -> Link:
    link = Link(rng=random.Random(1), handle=handle)
    match state:
        case LinkState.READY:
            link.opened(0.0)
        case LinkState.DRAINING:
            link.opened(0.0)
            link.go_away(50.0, 0.0)
        case LinkState.RESUMING | LinkState.RESEEDING:
            link.handle = "h" if state is LinkState.RESUMING else None
            link.lost(BROKEN, 0.0)
            link.retry_due()
        case LinkState.WAITING:
            link.lost(BROKEN, 0.0)
        case LinkState.RESTING:
            link.lost(BROKEN, 0.0)
            link.rest(0.0)
        case LinkState.CLOSED:
            link.close()
    assert link.state is state
    return link


def apply(link: Link, event: LinkEvent) -> None:
    """By the method that makes the event, in a state that the table has it for."""
    match event:
        case LinkEvent.OPENED:
            link.opened(LONG)
        case LinkEvent.LOST:
            link.lost(BROKEN, LONG)
        case LinkEvent.FATAL:
            link.lost(REFUSED, LONG)
        case LinkEvent.DRAIN:
            link.go_away(50.0, LONG)
        case LinkEvent.STAY:
            link.departure.clear()
            link.rest(LONG)
            link.wake()
        case LinkEvent.RESUME | LinkEvent.RESEED:
            link.handle = "h" if event is LinkEvent.RESUME else None
            if link.state is LinkState.DRAINING:
                link.left(LONG)
            elif link.state is LinkState.WAITING:
                link.retry_due()
            else:
                link.wake()
        case LinkEvent.REST:
            link.rest(0.0)
            if link.state is LinkState.DRAINING:
                link.left(LONG)
        case LinkEvent.CLOSE:
            link.close()


ROWS = [(state, event) for state, row in TRANSITIONS.items() for event in row]


@pytest.mark.parametrize(("state", "event"), ROWS)
def test_the_whole_table(state: LinkState, event: LinkEvent) -> None:
    link = link_in(state)
    apply(link, event)
    assert link.state is TRANSITIONS[state][event]


@pytest.mark.parametrize("state", LinkState)
def test_what_the_table_does_not_have_changes_nothing(state: LinkState) -> None:
    wrong: dict[LinkEvent, Callable[[Link], None]] = {
        LinkEvent.OPENED: lambda link: link.opened(LONG),
        LinkEvent.LOST: lambda link: link.lost(BROKEN, LONG),
        LinkEvent.DRAIN: lambda link: link.go_away(50.0, LONG),
        LinkEvent.RESEED: lambda link: link.retry_due(),
    }
    for event, act in wrong.items():
        link = link_in(state)
        if event in TRANSITIONS[state] or (state, event) == (LinkState.DRAINING, LinkEvent.DRAIN):
            continue
        before = (link.handle, link.deadline, link.connections)
        with pytest.raises(IllegalTransition, match=f" in {state.name}"):
            act(link)
        assert (link.state, link.handle, link.deadline, link.connections) == (state, *before)


def test_closing_is_idempotent() -> None:
    link = link_in(LinkState.CLOSED)
    link.close()
    assert link.state is LinkState.CLOSED


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
        link.lost(TORN, now)
        link.retry_due()
        link.lost(TORN, now)  # an attempt that fails proves nothing
        link.retry_due()
        link.opened(now)
    assert link.handle is None


def test_deaths_between_which_it_lived_are_no_poison() -> None:
    link, now = link_in(LinkState.READY), 0.0
    link.handle_updated("h")
    for life in (1.0, LONG, 1.0, LONG, 1.0):
        now += life
        link.lost(TORN, now)
        link.retry_due()
        link.opened(now)
    assert link.handle == "h"


def test_what_the_server_ends_soon_after_resuming_is_poisoned_at_once() -> None:
    link = link_in(LinkState.RESUMING)
    link.opened(0.0)
    link.lost(BROKEN, QUICK_DEATH_S - 0.1)
    assert link.handle is None
    assert link.counters.handles_dropped == 1


@pytest.mark.parametrize(("life", "lived"), [(QUICK_DEATH_S, True), (QUICK_DEATH_S - 0.01, False)])
def test_how_long_is_long_enough(life: float, lived: bool) -> None:
    link = link_in(LinkState.WAITING)
    link.retry_due()
    link.opened(0.0)
    link.lost(BROKEN, life)
    assert (link.deadline == life) is lived, "at once, as the first retry is"


def rotated(link: Link, now: float) -> None:
    """As a server that asks for it at a quiet moment."""
    link.go_away(50.0, now)
    assert link.leaves(now, quiet_since=now, covered=True)
    link.left(now)


def test_a_rotation_is_no_failure() -> None:
    link = link_in(LinkState.READY, "h")
    rotated(link, LONG)
    assert (link.state, link.handle, link.failure) == (LinkState.RESUMING, "h", None)
    assert (link.counters.rotations, link.counters.breaks) == (1, 0)
    link.opened(LONG)
    assert link.resumes
    link.lost(BROKEN, 2 * LONG)
    assert link.deadline == 2 * LONG


def test_who_is_sent_away_at_once_again_and_again_waits() -> None:
    link = link_in(LinkState.READY)
    states = []
    for now in (0.1, 0.2):
        rotated(link, now)
        states.append(link.state)
        if link.opening:
            link.opened(now)
    assert states == [LinkState.RESEEDING, LinkState.WAITING]
    assert isinstance(link.failure, TransientFault)


def test_it_stays_while_there_is_something_going_on_and_time() -> None:
    link = link_in(LinkState.READY)
    link.go_away(50.0, LONG)
    leave_by = LONG + 50.0 - LEAVE_BEFORE_S
    assert link.due(None) == leave_by
    assert not link.leaves(leave_by - 0.1, quiet_since=None, covered=False)
    assert link.leaves(leave_by, quiet_since=None, covered=False)


def test_a_quiet_moment_waits_for_its_handle_but_not_for_long() -> None:
    link = link_in(LinkState.READY)
    link.go_away(50.0, LONG)
    assert link.due(LONG + 1.0) == LONG + 1.0 + HANDLE_WAIT_S
    assert link.leaves(LONG + 1.0, quiet_since=LONG + 1.0, covered=True)
    assert not link.leaves(LONG + 1.0, quiet_since=LONG + 1.0, covered=False)
    assert link.leaves(LONG + 1.0 + HANDLE_WAIT_S, quiet_since=LONG + 1.0, covered=False)


def test_little_time_left_is_none() -> None:
    link = link_in(LinkState.READY)
    link.go_away(1.0, LONG)
    assert link.leaves(LONG, quiet_since=None, covered=False)


def test_the_nearer_of_two_ends_counts() -> None:
    link = link_in(LinkState.READY)
    link.go_away(50.0, LONG)
    link.go_away(90.0, LONG)
    assert link.leave_by == LONG + 50.0 - LEAVE_BEFORE_S
    link.go_away(20.0, LONG)
    assert link.leave_by == LONG + 20.0 - LEAVE_BEFORE_S


def test_an_old_connection_is_left_before_it_is_ended() -> None:
    link = link_in(LinkState.READY)
    notice = CONNECTION_LIMIT_S - LIMIT_NOTICE_S
    assert link.due(None) == notice
    assert not link.leaves(notice - 1.0, quiet_since=0.0, covered=True)
    assert not link.leaves(notice, quiet_since=None, covered=True)
    assert (link.state, link.purpose) == (LinkState.DRAINING, Purpose.AGE)
    assert link.leaves(notice + 1.0, quiet_since=notice + 1.0, covered=True)
    assert link.leaves(CONNECTION_LIMIT_S, quiet_since=None, covered=False)


def test_only_what_is_open_can_be_left() -> None:
    for state in LinkState:
        link = link_in(state)
        if not link.is_open:
            assert link.due(0.0) is None
            assert not link.leaves(LONG, quiet_since=0.0, covered=True)


def test_time_to_open_grows() -> None:
    link = Link(rng=random.Random(1))
    found = []
    for _ in range(5):
        found.append(link.open_limit_s)
        link.lost(BROKEN, 0.0)
        link.retry_due()
    first = OPEN_FIRST_S
    assert found == [first, first, 2 * first, 4 * first, OPEN_LIMIT_S], (
        "a retry is a first one, too"
    )


class TestRest:
    def test_nobody_here_needs_no_connection(self) -> None:
        link = link_in(LinkState.READY, "h")
        link.rest(LONG)
        assert (link.state, link.purpose) == (LinkState.DRAINING, Purpose.REST)
        assert link.leaves(LONG, quiet_since=LONG, covered=True)
        link.left(LONG)
        assert (link.state, link.counters.rests) == (LinkState.RESTING, 1)
        link.rest(LONG)
        link.wake()
        assert link.state is LinkState.RESUMING
        link.wake()

    def test_who_comes_back_in_time_finds_it_open(self) -> None:
        link = link_in(LinkState.READY)
        link.rest(LONG)
        link.wake()
        assert (link.state, link.leave_by) == (LinkState.READY, None)

    def test_an_answer_may_end_but_not_for_ever(self) -> None:
        link = link_in(LinkState.READY)
        link.rest(LONG)
        assert not link.leaves(LONG, quiet_since=None, covered=False)
        assert link.leaves(LONG + REST_WITHIN_S, quiet_since=None, covered=False)

    def test_a_connection_that_is_not_there_is_not_waited_for(self) -> None:
        link = link_in(LinkState.WAITING)
        link.rest(0.0)
        assert (link.state, link.deadline) == (LinkState.RESTING, None)
        link.wake()
        states = [link.state]
        link.lost(BROKEN, GIVE_UP_AFTER_S + 1.0)
        assert [*states, link.state] == [LinkState.RESEEDING, LinkState.WAITING], (
            "nobody waited all that time"
        )

    def test_a_break_while_it_drains_leads_to_rest_too(self) -> None:
        link = link_in(LinkState.READY)
        link.rest(LONG)
        link.lost(BROKEN, LONG)
        assert link.state is LinkState.RESTING

    def test_a_connection_that_is_coming_up_is_given_up_when_it_is_there(self) -> None:
        link = link_in(LinkState.RESEEDING)
        link.rest(LONG)
        link.opened(LONG)
        assert (link.state, link.purpose) == (LinkState.DRAINING, Purpose.REST)
        assert link.leaves(LONG, quiet_since=LONG, covered=True)

    def test_or_when_it_does_not_come_up(self) -> None:
        link = link_in(LinkState.RESEEDING)
        link.rest(LONG)
        link.lost(BROKEN, LONG)
        assert (link.state, link.deadline) == (LinkState.RESTING, None)

    def test_who_comes_back_while_it_is_being_closed_gets_another(self) -> None:
        """The closing takes a moment, in which nobody asks any more whether it must be."""
        link = link_in(LinkState.READY, "h")
        link.rest(LONG)
        assert link.leaves(LONG, quiet_since=LONG, covered=True)
        link.wake()
        link.left(LONG)
        assert link.state is LinkState.RESUMING

    def test_who_comes_back_does_not_keep_a_connection_that_was_told_to_go(self) -> None:
        link = link_in(LinkState.READY, "h")
        link.go_away(50.0, LONG)
        link.rest(LONG)
        assert link.purpose is Purpose.REST
        link.wake()
        assert (link.state, link.purpose) == (LinkState.DRAINING, Purpose.ROTATE)
        assert link.leave_by == LONG + 50.0 - LEAVE_BEFORE_S

    def test_nobody_needs_another_for_one_that_was_told_to_go(self) -> None:
        link = link_in(LinkState.READY, "h")
        link.go_away(6.0, LONG)
        link.rest(LONG)
        assert link.purpose is Purpose.ROTATE
        link.left(LONG)
        assert link.state is LinkState.RESTING


class TestRenewal:
    def test_afresh_is_without_the_handles_that_come_meanwhile(self) -> None:
        link = link_in(LinkState.READY, "h")
        link.renew(LONG, afresh=True)
        link.handle_updated("h2")
        link.left(LONG)
        assert link.state is LinkState.RESEEDING
        link.opened(LONG)
        link.handle_updated("h3")
        assert link.handle == "h3"

    def test_it_is_proved_by_the_next_connection(self) -> None:
        link = link_in(LinkState.READY, "h")
        link.renew(LONG, afresh=False)
        assert link.leaves(LONG, quiet_since=LONG, covered=True)
        link.left(LONG)
        assert (link.state, link.renewing) == (LinkState.RESUMING, True)
        link.opened(LONG)
        assert not link.renewing

    def test_afresh_is_without_a_handle(self) -> None:
        link = link_in(LinkState.READY, "h")
        link.renew(LONG, afresh=True)
        assert link.leaves(LONG + RENEW_WITHIN_S, quiet_since=None, covered=False)
        link.left(LONG)
        assert link.state is LinkState.RESEEDING

    def test_a_refusal_is_not_final(self) -> None:
        link = link_in(LinkState.READY)
        link.renew(LONG, afresh=True)
        link.left(LONG)
        link.lost(REFUSED, LONG)
        assert (link.state, link.renewing) == (LinkState.WAITING, False)
        link.retry_due()
        link.lost(REFUSED, LONG)
        assert link.state is LinkState.CLOSED, "the settings are the old ones again"

    def test_a_handle_that_is_refused_says_nothing_of_the_settings(self) -> None:
        link = link_in(LinkState.READY, "h")
        link.renew(LONG, afresh=False)
        link.left(LONG)
        link.lost(POISONED, LONG)
        assert (link.state, link.handle, link.renewing) == (LinkState.WAITING, None, True)
        link.retry_due()
        link.lost(POISONED, LONG)
        assert (link.state, link.renewing) == (LinkState.WAITING, False)

    def test_a_connection_that_was_coming_up_already_is_changed_again(self) -> None:
        link = link_in(LinkState.RESEEDING)
        link.renew(LONG, afresh=False)
        link.opened(LONG)
        assert (link.state, link.purpose) == (LinkState.DRAINING, Purpose.RENEW)
        assert link.renewing

    def test_while_it_waits_the_next_one_will_do(self) -> None:
        link = link_in(LinkState.WAITING)
        link.renew(LONG, afresh=False)
        link.retry_due()
        link.opened(LONG)
        assert (link.state, link.renewing) == (LinkState.READY, False)


def test_a_short_life_is_no_reason_to_leave_at_once() -> None:
    link = Link(connection_limit_s=LIMIT_NOTICE_S / 2)
    link.opened(0.0)
    assert not link.leaves(1.0, quiet_since=0.0, covered=True)
    assert link.leaves(LIMIT_NOTICE_S / 4, quiet_since=0.0, covered=True)


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

    @precondition(lambda self: self.link.opening)
    @rule()
    def open(self) -> None:
        self.link.opened(self.now)
        self.opened += 1
        assert self.link.failure is None

    @precondition(lambda self: self.link.opening or self.link.is_open)
    @rule(fault=st.sampled_from([BROKEN, REFUSED, POISONED, SPENT]))
    def lose(self, fault: GeminiError) -> None:
        self.link.lost(fault, self.now)
        assert self.link.failure is not None
        ends = (LinkState.WAITING, LinkState.RESTING, LinkState.CLOSED)
        assert self.link.state in ends
        if fault is POISONED:
            assert self.link.handle is None

    @precondition(lambda self: self.link.is_open)
    @rule(left_s=st.floats(0.0, 60.0))
    def go_away(self, left_s: float) -> None:
        self.link.go_away(left_s, self.now)
        assert self.link.leave_by is not None
        assert self.link.leave_by <= self.now + left_s

    @rule(afresh=st.booleans())
    def renew(self, afresh: bool) -> None:
        self.link.renew(self.now, afresh=afresh)

    @precondition(lambda self: self.link.state is not LinkState.CLOSED)
    @rule()
    def rest(self) -> None:
        self.link.rest(self.now)

    @rule()
    def wake(self) -> None:
        self.link.wake()
        assert self.link.state is not LinkState.RESTING

    @rule(quiet=st.booleans(), covered=st.booleans(), wakes=st.booleans())
    def look(self, quiet: bool, covered: bool, wakes: bool) -> None:
        since = self.now if quiet else None
        if self.link.leaves(self.now, quiet_since=since, covered=covered):
            assert self.link.state is LinkState.DRAINING
            if wakes:
                self.link.wake()
            self.link.left(self.now)
            assert not self.link.is_open

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
