from emulator.closes import INTERNAL_ERROR, Close
from emulator.delivery import Piece
from emulator.generation import Began, Calls, Done, Generation, Leaving, Output, Stage, Wanted
from emulator.live_setup import Behavior
from emulator.minds import Reply, ToolRequest

BLOCKING, ASYNC = Behavior.BLOCKING, Behavior.NON_BLOCKING
DRAW, ASK = ToolRequest("draw", {}), ToolRequest("ask", {"x": 1})


def behavior(name: str) -> Behavior:
    return BLOCKING if name == "ask" else ASYNC


def generation(reply: Reply, *, now: float = 0.0, delay_s: float = 0.0) -> Generation:
    one = Generation(speaks=True, speed=4.0)
    one.begin(reply, now, delay_s)
    return one


def kinds(outputs: list[Output]) -> list[type[Output]]:
    return [type(output) for output in outputs]


def test_before_its_reply_it_waits() -> None:
    one = Generation(speaks=True, speed=1.0)
    assert one.stage is Stage.LISTENING
    assert one.deadline() is None
    assert one.poll(5.0, behavior) == []
    assert one.add_sound(b"") == []
    assert (one.said, one.sent_s, one.began) == ("", 0.0, False)


def test_it_thinks_then_speaks_then_is_done() -> None:
    one = generation(Reply(say="One. Two.", after_s=0.5), now=10.0, delay_s=0.25)
    assert one.deadline() == 10.75
    assert one.poll(10.7, behavior) == []
    assert one.poll(10.75, behavior) == [Began(), Wanted("One.")]
    assert one.began
    assert one.deadline() is None
    assert one.add_sound(bytes(9600)) == [Wanted("Two.")]
    assert one.deadline() == 10.75
    assert kinds(one.poll(10.75, behavior)) == [Piece]
    assert one.add_sound(bytes(9600)) == []
    assert one.deadline() == 10.8
    assert kinds(one.poll(10.9, behavior)) == [Piece, Done]
    assert (one.said, one.sent_s, one.stage) == (" One. Two.", 0.4, Stage.DONE)
    assert one.deadline() is None


def test_playback_runs_until_the_sound_is_played() -> None:
    one = generation(Reply(say="word"))
    one.poll(0.0, behavior)
    one.add_sound(bytes(48000))
    outputs: list[Output] = []
    while (due := one.deadline()) is not None:
        outputs += one.poll(due, behavior)
    assert outputs[-1] == Done(1.0)


def test_nothing_to_say_is_done_at_once() -> None:
    assert generation(Reply()).poll(3.0, behavior) == [Began(), Done(3.0)]


def test_a_call_that_does_not_block_goes_before_the_words() -> None:
    outputs = generation(Reply(say="Drawing.", calls=(DRAW,))).poll(0.0, behavior)
    assert outputs == [Began(), Calls((DRAW,), ASYNC), Wanted("Drawing.")]


def test_a_call_that_blocks_goes_after_the_words_and_waits() -> None:
    one = generation(Reply(say="Let me ask.", calls=(DRAW, ASK)))
    assert one.poll(0.0, behavior) == [Began(), Calls((DRAW,), ASYNC), Wanted("Let me ask.")]
    one.add_sound(bytes(9600))
    assert one.poll(0.0, behavior)[1:] == [Calls((ASK,), BLOCKING)]
    assert one.stage is Stage.CALLING
    assert one.deadline() is None
    assert one.poll(9.0, behavior) == []


def test_after_the_result_the_same_turn_goes_on() -> None:
    one = generation(Reply(say="Wait.", calls=(ASK,)))
    one.poll(0.0, behavior)
    one.add_sound(bytes(9600))
    one.poll(0.0, behavior)
    one.begin(Reply(say="Four."), 0.1, 0.0)
    assert one.poll(0.1, behavior) == [Began(), Wanted("Four.")]
    assert one.said == " Wait."
    one.add_sound(bytes(9600))
    # Both sounds play one after the other.
    assert one.poll(0.1, behavior)[1:] == [Done(0.4)]
    assert (one.said, one.sent_s) == (" Wait. Four.", 0.4)


def test_text_only_answers_want_no_sound() -> None:
    one = Generation(speaks=False, speed=1.0)
    one.begin(Reply(say="one two"), 0.0, 0.0)
    assert one.poll(0.0, behavior) == [Began(), Piece(b"", " one two"), Done(0.0)]


def test_a_close_comes_after_the_words() -> None:
    one = generation(Reply(say="Bye.", close=INTERNAL_ERROR))
    one.poll(0.0, behavior)
    one.add_sound(bytes(9600))
    assert kinds(one.poll(0.0, behavior)) == [Piece, Close]
    assert generation(Reply(close=INTERNAL_ERROR)).poll(0.0, behavior) == [Began(), INTERNAL_ERROR]


def test_goaway_comes_before_the_words() -> None:
    outputs = generation(Reply(say="Hm.", go_away_s=2.0)).poll(0.0, behavior)
    assert outputs == [Began(), Leaving(2.0), Wanted("Hm.")]


def test_a_close_comes_after_calls_that_block_and_does_not_wait_for_them() -> None:
    one = generation(Reply(calls=(ASK,), close=INTERNAL_ERROR))
    assert one.poll(0.0, behavior) == [Began(), Calls((ASK,), BLOCKING), INTERNAL_ERROR]


def test_a_stall_comes_after_the_first_piece() -> None:
    one = generation(Reply(say="word", stall_s=3.0))
    one.poll(0.0, behavior)
    one.add_sound(bytes(19_200))
    assert kinds(one.poll(0.0, behavior)) == [Piece]
    assert one.deadline() == 3.05
    assert one.poll(3.0, behavior) == []
    assert kinds(one.poll(3.05, behavior)) == [Piece, Done]


def test_calls_that_were_not_made_yet_are_known() -> None:
    blocks, runs = ToolRequest("ask", {}), ToolRequest("runs", {})
    one = generation(Reply(say="hi", calls=(blocks, runs)))
    uncalled = [one.uncalled]
    one.poll(0.0, behavior)
    uncalled.append(one.uncalled)
    one.add_sound(bytes(9600))
    one.poll(60.0, behavior)
    uncalled.append(one.uncalled)
    assert uncalled == [(blocks, runs), (blocks,), ()]
