import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from processors.gemini.outbox import (
    AUDIO_LIMIT_S,
    BYTES_PER_S,
    CONFIRM_AFTER_S,
    ITEM_BYTES_LIMIT,
    ITEM_LIMIT,
    UNCONFIRMED_LIMIT,
    ActivityEnd,
    ActivityStart,
    Audio,
    AudioEnd,
    Outbox,
    Outgoing,
    Picture,
    RealtimeText,
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
    assert all([outbox.push(item) for item in items])
    assert len(outbox) == len(items)
    assert drained(outbox) == items
    assert len(outbox) == 0


def test_nothing_waits_in_an_empty_one(outbox: Outbox) -> None:
    assert outbox.pop() is None
    outbox.sent(0.0)
    outbox.put_back()
    outbox.reclaim()
    assert outbox.pop() is None


def test_the_oldest_audio_goes_first_and_texts_stay(outbox: Outbox) -> None:
    outbox.push(RealtimeText("first"))
    for number in range(int(AUDIO_LIMIT_S) + 3):
        assert outbox.push(Audio(bytes([number]) + SECOND[1:]))
    assert outbox.audio_s == AUDIO_LIMIT_S
    assert outbox.counters.audio_dropped_s == 3.0
    items = drained(outbox)
    assert items[0] == RealtimeText("first")
    assert isinstance(items[1], Audio)
    assert items[1].pcm[0] == 3
    assert outbox.audio_s == 0.0


def test_audio_longer_than_all_room_is_dropped(outbox: Outbox) -> None:
    outbox.push(Audio(bytes(int(AUDIO_LIMIT_S + 1) * BYTES_PER_S)))
    assert len(outbox) == 0
    assert outbox.audio_s == 0.0


def test_only_the_newest_picture_waits(outbox: Outbox) -> None:
    outbox.push(Picture(b"1"))
    outbox.push(Audio(b"ab"))
    outbox.push(Picture(b"2"))
    assert drained(outbox) == [Audio(b"ab"), Picture(b"2")]
    assert outbox.counters.pictures_replaced == 1


def test_one_pause_is_told_once(outbox: Outbox) -> None:
    paused: list[Outgoing] = [Audio(b"ab"), AudioEnd(), AudioEnd(), Audio(b"cd"), AudioEnd()]
    assert all([outbox.push(item) for item in paused])
    assert drained(outbox) == [Audio(b"ab"), AudioEnd(), Audio(b"cd"), AudioEnd()]


def test_more_items_than_there_is_room_for_are_refused(outbox: Outbox) -> None:
    for number in range(ITEM_LIMIT):
        assert outbox.push(RealtimeText(str(number)))
    assert not outbox.push(RealtimeText("one too many"))
    assert outbox.counters.items_refused == 1
    assert outbox.push(Audio(b"ab")), "media has a bound of its own"
    outbox.pop()
    assert outbox.push(RealtimeText("again"))


def test_large_uploads_have_a_bound_too(outbox: Outbox) -> None:
    half = Turns((("image/png", bytes(ITEM_BYTES_LIMIT // 2)),), "", complete=True)
    assert outbox.push(half)
    assert outbox.push(half)
    assert not outbox.push(half)
    assert outbox.push(RealtimeText("small"))
    outbox.pop()
    assert outbox.push(half)


def test_what_could_not_be_sent_is_the_first_again(outbox: Outbox) -> None:
    for item in (RealtimeText("1"), RealtimeText("2")):
        outbox.push(item)
    assert outbox.pop() == RealtimeText("1")
    outbox.put_back()
    outbox.put_back()
    assert drained(outbox) == [RealtimeText("1"), RealtimeText("2")]


def test_audio_that_is_put_back_counts_again(outbox: Outbox) -> None:
    outbox.push(Audio(SECOND))
    outbox.pop()
    assert outbox.audio_s == 0.0
    outbox.put_back()
    assert outbox.audio_s == 1.0


def test_a_picture_is_put_back_only_when_there_is_no_newer(outbox: Outbox) -> None:
    outbox.push(Picture(b"1"))
    outbox.pop()
    outbox.put_back()
    assert len(outbox) == 1
    outbox.pop()
    outbox.push(Picture(b"2"))
    outbox.put_back()
    assert drained(outbox) == [Picture(b"2")]
    assert outbox.counters.pictures_replaced == 1


def test_what_cannot_be_sent_at_all_is_dropped_and_counted(outbox: Outbox) -> None:
    outbox.push(RealtimeText("bad"))
    outbox.pop()
    outbox.unsendable()
    outbox.put_back()
    assert len(outbox) == 0
    assert outbox.counters.items_unsendable == 1


def test_what_a_dead_connection_took_is_sent_again_in_order(outbox: Outbox) -> None:
    for text in "12345":
        outbox.push(RealtimeText(text))
    for now in (1.0, 2.0):
        outbox.pop()
        outbox.sent(now)
    outbox.pop()
    outbox.put_back()
    outbox.reclaim()
    assert drained(outbox) == [RealtimeText(text) for text in "12345"]
    assert outbox.counters.items_resent == 2


def test_but_only_a_second_time(outbox: Outbox) -> None:
    outbox.push(RealtimeText("poison"))
    for expected in ([RealtimeText("poison")], [RealtimeText("poison")], []):
        assert drained(outbox) == expected
        outbox.reclaim()


def test_what_gemini_spoke_after_has_arrived(outbox: Outbox) -> None:
    for text, now in (("old", 1.0), ("new", 2.0)):
        outbox.push(RealtimeText(text))
        drained(outbox, now)
    outbox.confirm(1.0 + CONFIRM_AFTER_S)
    outbox.reclaim()
    assert drained(outbox) == [RealtimeText("new")]


def test_what_gemini_answers_has_arrived_however_soon(outbox: Outbox) -> None:
    outbox.push(RealtimeText("new"))
    drained(outbox, 1.0)
    outbox.confirm()
    outbox.reclaim()
    assert drained(outbox) == []


def test_media_is_not_worth_a_second_try(outbox: Outbox) -> None:
    media: list[Outgoing] = [Audio(b"ab"), AudioEnd(), Picture(b"1")]
    for item in media:
        outbox.push(item)
    drained(outbox)
    outbox.reclaim()
    assert len(outbox) == 0


def test_what_waits_for_confirmation_is_bounded(outbox: Outbox) -> None:
    for number in range(UNCONFIRMED_LIMIT + 5):
        outbox.push(RealtimeText(str(number)))
    drained(outbox)
    outbox.reclaim()
    assert drained(outbox)[0] == RealtimeText("5")


def pushed(outbox: Outbox, *items: Outgoing) -> None:
    for item in items:
        assert outbox.push(item)


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


def test_speech_that_a_break_cuts_goes_on_in_an_activity_of_its_own(outbox: Outbox) -> None:
    pushed(outbox, RealtimeText("a"), START, SOUND)
    drained(outbox)
    pushed(outbox, SOUND, END)
    outbox.reclaim()
    assert drained(outbox) == [RealtimeText("a"), START, SOUND, END]


def test_nothing_is_left_of_speech_that_had_ended_but_for_its_mark(outbox: Outbox) -> None:
    pushed(outbox, START, SOUND)
    drained(outbox)
    pushed(outbox, END)
    outbox.reclaim()
    assert drained(outbox) == []
    pushed(outbox, START, SOUND, END)
    assert drained(outbox) == [START, SOUND, END]
    outbox.reclaim()
    assert drained(outbox) == []


class OutboxMachine(RuleBasedStateMachine):
    """Against a model: texts that were pushed and neither refused nor dropped leave in order."""

    def __init__(self) -> None:
        super().__init__()
        self.outbox = Outbox()
        self.number = 0
        self.waiting: list[int] = []
        self.in_hand: int | None = None
        self.now = 0.0
        self.heard: bool | None = None  # sound in the activity that the connection is in

    @rule(starts=st.booleans())
    def mark(self, starts: bool) -> None:
        self.outbox.push(START if starts else END)

    @rule(seconds=st.integers(1, 12))
    def speak(self, seconds: int) -> None:
        self.outbox.push(Audio(SECOND * seconds))

    @rule()
    def show(self) -> None:
        self.outbox.push(Picture(b"x"))

    @rule()
    def pause(self) -> None:
        self.outbox.push(AudioEnd())

    @rule()
    def write(self) -> None:
        self.number += 1
        if self.outbox.push(RealtimeText(str(self.number))):
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
            self.outbox.sent(self.now)

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
            self.outbox.sent(self.now)
            self.now += 2 * CONFIRM_AFTER_S
            self.outbox.confirm(self.now)
        else:
            self.outbox.put_back()
            if self.in_hand is not None:
                self.waiting.insert(0, self.in_hand)
            self.outbox.reclaim()
            self.heard = None
        self.in_hand = None

    @invariant()
    def bounds_hold(self) -> None:
        assert 0 <= self.outbox.audio_s <= AUDIO_LIMIT_S + 12  # one piece may be put back
        assert len(self.waiting) <= ITEM_LIMIT
        assert len(self.outbox) >= len(self.waiting)


OutboxMachine.TestCase.settings = settings(max_examples=40, stateful_step_count=40)
TestOutboxMachine = OutboxMachine.TestCase
