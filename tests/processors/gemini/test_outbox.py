import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from processors.gemini.outbox import (
    AUDIO_LIMIT_S,
    BYTES_PER_S,
    ITEM_BYTES_LIMIT,
    ITEM_LIMIT,
    TRIES_LIMIT,
    ActivityEnd,
    ActivityStart,
    Audio,
    AudioEnd,
    ContextUpdate,
    Outbox,
    Outgoing,
    Picture,
    RealtimeText,
    Slot,
    ToolResponse,
    Turns,
)

SECOND = bytes(BYTES_PER_S)


START, END, SOUND = ActivityStart(), ActivityEnd(), Audio(b"ab")


def drained(outbox: Outbox, now: float = 0.0) -> list[Outgoing]:
    items = []
    while (item := outbox.pop()) is not None:
        outbox.sent(now)
        items.append(item)
    return items


@pytest.fixture
def outbox() -> Outbox:
    return Outbox()


def test_everything_leaves_in_order(outbox: Outbox) -> None:
    items: list[Outgoing] = [
        Audio(b"ab"),
        RealtimeText("hello"),
        Picture(b"jpeg"),
        Audio(b"cd"),
        AudioEnd(),
        Turns((("image/png", b"png"),), "look", complete=True),
        ToolResponse("1", "draw", {"output": "ok"}),
    ]
    assert all([outbox.push(item, 0.0) for item in items])
    assert len(outbox) == len(items)
    assert drained(outbox) == items
    assert len(outbox) == 0


def test_nothing_waits_in_an_empty_one(outbox: Outbox) -> None:
    assert outbox.pop() is None
    outbox.sent(0.0)
    outbox.put_back()
    outbox.reclaim([])
    assert outbox.pop() is None


def test_the_oldest_audio_goes_first_and_texts_stay(outbox: Outbox) -> None:
    outbox.push(RealtimeText("first"), 0.0)
    for number in range(int(AUDIO_LIMIT_S) + 3):
        assert outbox.push(Audio(bytes([number]) + SECOND[1:]), 0.0)
    assert outbox.audio_s == AUDIO_LIMIT_S
    assert outbox.counters.audio_dropped_s == 3.0
    items = drained(outbox)
    assert items[0] == RealtimeText("first")
    assert isinstance(items[1], Audio)
    assert items[1].pcm[0] == 3
    assert outbox.audio_s == 0.0


def test_audio_longer_than_all_room_is_dropped(outbox: Outbox) -> None:
    outbox.push(Audio(bytes(int(AUDIO_LIMIT_S + 1) * BYTES_PER_S)), 0.0)
    assert len(outbox) == 0
    assert outbox.audio_s == 0.0


def test_only_the_newest_picture_waits(outbox: Outbox) -> None:
    outbox.push(Picture(b"1"), 0.0)
    outbox.push(Audio(b"ab"), 0.0)
    outbox.push(Picture(b"2"), 0.0)
    assert drained(outbox) == [Audio(b"ab"), Picture(b"2")]
    assert outbox.counters.pictures_replaced == 1


def test_what_must_not_be_sent_within_an_activity_goes_right_after_it(outbox: Outbox) -> None:
    for waiting in (ActivityStart(), Audio(b"ab"), RealtimeText("1"), RealtimeText("2")):
        outbox.push(waiting, 0.0)
    outbox.defer()
    found: list[Outgoing] = []
    for _ in range(4):
        item = outbox.pop()
        if isinstance(item, RealtimeText) and outbox.in_activity:
            outbox.defer()
        else:
            found += [item] if item is not None else []
            outbox.sent(0.0)
    assert [slot.item for slot in outbox] == [RealtimeText("1"), RealtimeText("2")]
    assert len(outbox) == 0, "there is nothing to send"
    outbox.push(ActivityEnd(), 0.0)
    while (item := outbox.pop()) is not None:
        found.append(item)
        outbox.sent(0.0)
    assert found[2:] == [ActivityEnd(), RealtimeText("1"), RealtimeText("2")]


def test_nor_is_it_lost_with_the_connection(outbox: Outbox) -> None:
    for item in (ActivityStart(), RealtimeText("1"), Audio(b"ab")):
        outbox.push(item, 0.0)
    outbox.pop()
    outbox.sent(0.0)
    outbox.pop()
    outbox.defer()
    outbox.reclaim([])
    assert [slot.item for slot in outbox] == [ActivityStart(), RealtimeText("1"), Audio(b"ab")]


def test_what_connections_die_of_while_it_is_sent_is_given_up(outbox: Outbox) -> None:
    outbox.push(RealtimeText("poison"), 0.0)
    for _ in range(TRIES_LIMIT):
        assert outbox.pop() is not None
        outbox.put_back(blamed=True)
    assert outbox.pop() is None
    assert outbox.counters.items_given_up == 1


def test_one_pause_is_told_once(outbox: Outbox) -> None:
    paused: list[Outgoing] = [Audio(b"ab"), AudioEnd(), AudioEnd(), Audio(b"cd"), AudioEnd()]
    assert all([outbox.push(item, 0.0) for item in paused])
    assert drained(outbox) == [Audio(b"ab"), AudioEnd(), Audio(b"cd"), AudioEnd()]


def test_more_items_than_there_is_room_for_are_refused(outbox: Outbox) -> None:
    for number in range(ITEM_LIMIT):
        assert outbox.push(RealtimeText(str(number)), 0.0)
    assert not outbox.push(RealtimeText("one too many"), 0.0)
    assert outbox.counters.items_refused == 1
    assert outbox.push(Audio(b"ab"), 0.0), "media has a bound of its own"
    outbox.pop()
    assert outbox.push(RealtimeText("again"), 0.0)


def test_large_uploads_have_a_bound_too(outbox: Outbox) -> None:
    half = Turns((("image/png", bytes(ITEM_BYTES_LIMIT // 2)),), "", complete=True)
    assert outbox.push(half, 0.0)
    assert outbox.push(half, 0.0)
    assert not outbox.push(half, 0.0)
    assert outbox.push(RealtimeText("small"), 0.0)
    outbox.pop()
    assert outbox.push(half, 0.0)


def test_what_could_not_be_sent_is_the_first_again(outbox: Outbox) -> None:
    for item in (RealtimeText("1"), RealtimeText("2")):
        outbox.push(item, 0.0)
    assert outbox.pop() == RealtimeText("1")
    outbox.put_back()
    outbox.put_back()
    assert drained(outbox) == [RealtimeText("1"), RealtimeText("2")]


def test_audio_that_is_put_back_counts_again(outbox: Outbox) -> None:
    outbox.push(Audio(SECOND), 0.0)
    outbox.pop()
    assert outbox.audio_s == 0.0
    outbox.put_back()
    assert outbox.audio_s == 1.0


def test_a_picture_is_put_back_only_when_there_is_no_newer(outbox: Outbox) -> None:
    outbox.push(Picture(b"1"), 0.0)
    outbox.pop()
    outbox.put_back()
    assert len(outbox) == 1
    outbox.pop()
    outbox.push(Picture(b"2"), 0.0)
    outbox.put_back()
    assert drained(outbox) == [Picture(b"2")]
    assert outbox.counters.pictures_replaced == 1


def test_what_cannot_be_sent_at_all_is_dropped_and_counted(outbox: Outbox) -> None:
    outbox.push(RealtimeText("bad"), 0.0)
    outbox.pop()
    outbox.unsendable()
    outbox.put_back()
    assert len(outbox) == 0
    assert outbox.counters.items_unsendable == 1


def slots(*items: Outgoing, tries: int = 0) -> list[Slot]:
    return [Slot(item, 0.0, tries=tries) for item in items]


def test_what_a_dead_connection_took_comes_first(outbox: Outbox) -> None:
    outbox.push(RealtimeText("3"), 0.0)
    outbox.reclaim(slots(Audio(b"ab"), RealtimeText("2")))
    assert outbox.audio_s == 2 / BYTES_PER_S
    assert drained(outbox) == [Audio(b"ab"), RealtimeText("2"), RealtimeText("3")]
    assert outbox.counters.items_resent == 1


def test_what_connections_died_of_again_and_again_is_given_up(outbox: Outbox) -> None:
    outbox.reclaim(slots(RealtimeText("poison"), tries=TRIES_LIMIT))
    outbox.reclaim(slots(RealtimeText("last try"), tries=TRIES_LIMIT - 1))
    assert drained(outbox) == [RealtimeText("last try")]
    assert outbox.counters.items_given_up == 1


def test_a_newer_picture_is_better_than_one_that_was_sent(outbox: Outbox) -> None:
    outbox.push(Picture(b"2"), 0.0)
    outbox.reclaim(slots(Picture(b"1"), RealtimeText("a")))
    assert drained(outbox) == [RealtimeText("a"), Picture(b"2")]
    outbox.reclaim(slots(Picture(b"1")))
    assert drained(outbox) == [Picture(b"1")]


def test_what_comes_back_counts_against_the_room_for_audio() -> None:
    outbox = Outbox(audio_limit_s=1.0)
    outbox.push(Audio(SECOND), 0.0)
    outbox.reclaim(slots(Audio(SECOND)))
    assert outbox.audio_s == 1.0
    assert outbox.counters.audio_dropped_s == 1.0


def test_the_links_own_words_come_first(outbox: Outbox) -> None:
    outbox.push(RealtimeText("later"), 0.0)
    outbox.push_first(RealtimeText("first"), 0.0)
    assert [slot.item for slot in outbox] == [RealtimeText("first"), RealtimeText("later")]


def test_a_slot_knows_when_it_left_and_whether_within_an_activity(outbox: Outbox) -> None:
    pushed(outbox, RealtimeText("a"), START, SOUND, END)
    found = []
    for now in (1.0, 2.0, 3.0, 4.0):
        outbox.pop()
        slot = outbox.sent(now)
        assert slot is not None
        found.append((slot.sent_at, slot.in_activity, slot.audio_s > 0))
    assert found == [(1, False, False), (2, False, False), (3, True, True), (4, True, False)]


def pushed(outbox: Outbox, *items: Outgoing) -> None:
    for item in items:
        assert outbox.push(item, 0.0)


def test_an_activity_leaves_with_its_marks(outbox: Outbox) -> None:
    items = (START, SOUND, Picture(b"x"), END, RealtimeText("a"), START, SOUND)
    pushed(outbox, *items)
    assert drained(outbox) == list(items)
    pushed(outbox, END)
    assert drained(outbox) == [END]


def test_an_activity_without_sound_is_not_sent() -> None:
    """It would end the session."""
    outbox = Outbox(audio_limit_s=1.0)
    pushed(outbox, START, Audio(SECOND), Picture(b"x"), END, RealtimeText("a"))
    pushed(outbox, START, Audio(SECOND), END)
    assert drained(outbox) == [Picture(b"x"), RealtimeText("a"), START, Audio(SECOND), END]
    assert len(outbox) == 0


def test_nor_is_the_end_of_one_whose_sound_never_left() -> None:
    outbox = Outbox(audio_limit_s=1.0)
    pushed(outbox, START, SOUND)
    assert outbox.pop() == START
    outbox.sent(0.0)
    pushed(outbox, END, START, Audio(SECOND), END)
    assert drained(outbox) == [START, Audio(SECOND), END]


def taken(outbox: Outbox) -> list[Slot]:
    """All that waits is sent, and the connection is lost with it."""
    found = []
    while outbox.pop() is not None:
        slot = outbox.sent(0.0)
        assert slot is not None
        found.append(slot)
    return found


def test_speech_that_a_break_cuts_goes_on_in_an_activity_of_its_own(outbox: Outbox) -> None:
    pushed(outbox, RealtimeText("a"), START, SOUND)
    taken(outbox)
    pushed(outbox, SOUND, END)
    outbox.reclaim([])
    assert drained(outbox) == [START, SOUND, END]


def test_so_does_speech_of_which_only_the_end_is_said_again(outbox: Outbox) -> None:
    pushed(outbox, START, SOUND, SOUND)
    outbox.reclaim(taken(outbox)[2:])
    pushed(outbox, END)
    assert drained(outbox) == [START, SOUND, END]


def test_a_whole_activity_is_said_again_with_its_own_marks(outbox: Outbox) -> None:
    pushed(outbox, START, SOUND, END)
    outbox.reclaim(taken(outbox))
    assert drained(outbox) == [START, SOUND, END]


def test_nothing_is_left_of_speech_that_had_ended_but_for_its_mark(outbox: Outbox) -> None:
    pushed(outbox, START, SOUND)
    taken(outbox)
    pushed(outbox, END)
    outbox.reclaim([])
    assert drained(outbox) == []
    pushed(outbox, START, SOUND, END)
    assert drained(outbox) == [START, SOUND, END]


def test_updates_that_stand_in_a_setup_need_not_be_sent(outbox: Outbox) -> None:
    text = RealtimeText("hello")
    for item in (ContextUpdate("Be brief.", None), text, ContextUpdate("Be long.", None)):
        outbox.push(item, 0.0)
    outbox.drop_updates()
    assert drained(outbox) == [text]


class OutboxMachine(RuleBasedStateMachine):
    """Against a model: texts that were pushed and neither refused nor dropped leave in order."""

    def __init__(self) -> None:
        super().__init__()
        self.outbox = Outbox()
        self.number = 0
        self.waiting: list[int] = []
        self.in_hand: int | None = None
        self.sent: list[Slot] = []
        self.heard: bool | None = None  # sound in the activity that the connection is in

    @rule(starts=st.booleans())
    def mark(self, starts: bool) -> None:
        self.outbox.push(START if starts else END, 0.0)

    @rule(seconds=st.integers(1, 12))
    def speak(self, seconds: int) -> None:
        self.outbox.push(Audio(SECOND * seconds), 0.0)

    @rule()
    def show(self) -> None:
        self.outbox.push(Picture(b"x"), 0.0)

    @rule()
    def pause(self) -> None:
        self.outbox.push(AudioEnd(), 0.0)

    @rule()
    def write(self) -> None:
        self.number += 1
        if self.outbox.push(RealtimeText(str(self.number)), 0.0):
            self.waiting.append(self.number)

    @precondition(lambda self: self.in_hand is None)
    @rule()
    def take(self) -> None:
        item = self.outbox.pop()
        self.follow(item)
        if isinstance(item, RealtimeText):
            self.in_hand = int(item.text)
            assert self.in_hand == self.waiting.pop(0)
        else:
            self.note(self.outbox.sent(0.0))

    def note(self, slot: Slot | None) -> None:
        """Sent, and lost with the next break unless it was written: those are followed apart."""
        if slot is not None and not isinstance(slot.item, RealtimeText):
            self.sent = [*self.sent, slot][-20:]

    def follow(self, item: Outgoing | None) -> None:
        """What the server makes of it; an end without sound would be fatal."""
        if isinstance(item, ActivityStart):
            self.heard = self.heard or False
        elif isinstance(item, ActivityEnd):
            assert self.heard
            self.heard = None
        elif isinstance(item, Audio) and self.heard is not None:
            self.heard = True

    @rule(lives=st.booleans())
    def end_of_sending(self, lives: bool) -> None:
        if lives:
            self.note(self.outbox.sent(0.0))
        else:
            self.outbox.put_back()
            if self.in_hand is not None:
                self.waiting.insert(0, self.in_hand)
            again, self.sent = self.sent, []
            self.outbox.reclaim(again)
            self.heard = None
        self.in_hand = None

    @invariant()
    def bounds_hold(self) -> None:
        assert 0 <= self.outbox.audio_s <= AUDIO_LIMIT_S + 12  # one piece may be put back
        assert len(self.waiting) <= ITEM_LIMIT
        assert len(self.outbox) >= len(self.waiting)


OutboxMachine.TestCase.settings = settings(max_examples=40, stateful_step_count=40)
TestOutboxMachine = OutboxMachine.TestCase
