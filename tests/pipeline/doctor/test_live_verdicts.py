"""Stretches of the wire, judged: as they should be, and with one thing wrong in each."""

import base64
from collections.abc import Callable
from typing import Any

import pytest

from pipeline.doctor import live_verdicts as verdicts
from pipeline.doctor.checks import Finding, Verdict
from pipeline.doctor.live_facts import Closed, Message, Stretch
from pipeline.doctor.live_verdicts import Refusal
from processors.gemini.errors import fault
from processors.gemini.profiles import FLASH_LIVE_3_1, LIVE_3_8

OK, DIFFERS, SKIPPED, FAILED = Verdict.OK, Verdict.DIFFERS, Verdict.SKIPPED, Verdict.FAILED
CLOSED = Closed(9.0, 1011, "Internal error encountered.", "server")
GENERATED = {"serverContent": {"generationComplete": True}}
COMPLETE = {"serverContent": {"turnComplete": True}}
INTERRUPTED = {"serverContent": {"interrupted": True}}
HANDLE = {"sessionResumptionUpdate": {"newHandle": "h", "resumable": True}}


def said(t: float, body: dict[str, Any], *, binary: bool = True, size: int = 9) -> Message:
    return Message(t, False, body, binary, size)


def sound(t: float, seconds: float = 1.0, mime: str = "audio/pcm;rate=24000") -> Message:
    data = base64.b64encode(bytes(int(seconds * 24_000) * 2)).decode()
    blob = {"inlineData": {"mimeType": mime, "data": data}}
    return said(t, {"serverContent": {"modelTurn": {"parts": [blob]}}})


def words(t: float, text: str = "Hello there") -> Message:
    return said(t, {"serverContent": {"outputTranscription": {"text": text}}})


def heard(t: float, text: str) -> Message:
    return said(t, {"serverContent": {"inputTranscription": {"text": text}}})


def usage(t: float, **counts: int) -> Message:
    return said(t, {"usageMetadata": counts or {"totalTokenCount": 9}})


GOOD = [
    sound(1.0),
    words(1.0),
    sound(1.2),
    said(1.3, GENERATED),
    usage(2.9),
    said(3.0, COMPLETE),
    said(3.1, HANDLE),
]


def turn(*messages: Message, without: tuple[int, ...] = ()) -> dict[str, tuple[Verdict, str]]:
    """GOOD with more, and without some."""
    kept = [message for number, message in enumerate(GOOD) if number not in without]
    stretch = Stretch(sorted([*kept, *messages], key=lambda message: message.t))
    return by_name(verdicts.text_turn(stretch, 0.5))


def by_name(findings: list[Finding]) -> dict[str, tuple[Verdict, str]]:
    return {found.check.name: (found.verdict, found.seen) for found in findings}


def test_the_setup() -> None:
    good = verdicts.setup(Stretch([said(1.2, {"setupComplete": {}})]), 1.0)
    assert (good.verdict, good.seen) == (OK, "setupComplete came first, after 0.20 s")
    assert verdicts.setup(Stretch([said(1.0, COMPLETE)]), 1.0).verdict is DIFFERS
    assert verdicts.setup(Stretch([said(1.0, {})]), 1.0).seen.startswith("what cannot be read")
    assert verdicts.setup(Stretch(), 1.0).seen == "nothing was answered to the setup"


@pytest.mark.parametrize(
    ("message", "seen"),
    [
        (said(1, COMPLETE, binary=False), "1 in text frames"),
        (said(1, {}), "1 that are no JSON objects"),
        (said(1, {"weather": 1}), "unknown keys: weather"),
        (said(1, COMPLETE, size=1 << 20), "one of 1 MiB or more"),
    ],
)
def test_framing(message: Message, seen: str) -> None:
    found = verdicts.framing(Stretch([said(1, COMPLETE), message]))
    assert found.verdict is DIFFERS
    assert found.seen.endswith(f"; {seen}")


def test_framing_as_it_should_be() -> None:
    beside = said(1, {**COMPLETE, "somethingNew": 1})
    found = verdicts.framing(Stretch([beside]))
    assert (found.verdict, found.seen) == (OK, "1 messages, the largest 9 bytes")
    assert verdicts.framing(Stretch()).verdict is DIFFERS


def test_a_turn_as_it_should_be() -> None:
    found = turn()
    assert list(found) == list(verdicts.TEXT_TURN)
    assert {verdict for verdict, _ in found.values()} == {OK}
    assert found["text turn"][1] == "the first sound came after 0.50 s"
    assert found["pace"][1] == "2.0 s of sound in 0.2 s, at most 0.00 s late"
    assert found["usage"][1] == "before turnComplete: totalTokenCount"
    assert found["turn end"][1] == "0.00 s after the end of the playback"


WRONG: list[tuple[str, Callable[[], dict[str, tuple[Verdict, str]]], str]] = [
    ("turn order", lambda: turn(without=(3,)), "generationComplete did not come"),
    ("turn order", lambda: turn(said(4, GENERATED), without=(3,)), "turnComplete came before"),
    ("turn order", lambda: turn(sound(1.4)), "sound came after generationComplete"),
    ("sound format", lambda: turn(sound(1.1, mime="audio/ogg")), "audio/ogg, audio/pcm;rate"),
    ("sound format", lambda: turn(said(1.1, torn())), "with torn samples"),
    ("pace", lambda: turn(sound(3.9), said(3.95, GENERATED), without=(3,)), "at most 0.90 s late"),
    ("output transcript", lambda: turn(without=(1,)), "none came"),
    ("output transcript", lambda: turn(words(5, " my friend")), "10 letters after the turn"),
    ("usage", lambda: turn(without=(4,)), "no message counted tokens"),
    ("usage", lambda: turn(usage(8), without=(4,)), "no message counted tokens"),
    ("turn end", lambda: turn(said(1.5, COMPLETE)), "turnComplete came 1.50 s before"),
    ("handles", lambda: turn(without=(6,)), "no handle came after turnComplete"),
    ("handles while answering", lambda: turn(said(1.1, HANDLE)), "1 came between"),
]


def torn() -> dict[str, Any]:
    blob = {"inlineData": {"mimeType": "audio/pcm", "data": "AAAA"}}
    return {"serverContent": {"modelTurn": {"parts": [blob]}}}


@pytest.mark.parametrize(("name", "made", "seen"), WRONG)
def test_what_is_wrong_with_a_turn(
    name: str, made: Callable[[], dict[str, tuple[Verdict, str]]], seen: str
) -> None:
    verdict, words = made()[name]
    assert verdict is DIFFERS
    assert seen in words


def test_a_turn_that_does_not_end() -> None:
    found = turn(without=(3, 5))
    differing = {name for name, (verdict, _) in found.items() if verdict is DIFFERS}
    assert differing == {"turn order", "turn end", "handles"}
    assert turn(without=(5,))["turn order"][1] == "turnComplete did not come"


def test_usage_may_come_first_or_last() -> None:
    assert turn(usage(0.6))["usage"] == (OK, "before the first sound: totalTokenCount")
    last = turn(usage(3.0), without=(4,))
    assert last["usage"] == (OK, "with turnComplete: totalTokenCount")


def test_a_turn_without_an_answer() -> None:
    found = by_name(verdicts.text_turn(Stretch([said(1, COMPLETE)]), 0.5))
    assert found.pop("text turn") == (DIFFERS, "turnComplete came without an answer")
    assert {verdict for verdict, _ in found.values()} == {SKIPPED}
    closed = by_name(verdicts.text_turn(Stretch([], CLOSED), 0.5))
    assert closed["text turn"][1] == "the server closed: 1011 Internal error encountered."


def test_speech() -> None:
    good = Stretch([heard(2.0, " count"), sound(2.5), heard(3.0, " to ten")])
    found = by_name(verdicts.speech_turn(good, 1.5))
    assert found["speech turn"] == (OK, "the first sound came 1.00 s after the last word")
    assert found["input transcript"] == (OK, '"count to ten"')
    bad = by_name(verdicts.speech_turn(Stretch(), 1.5))
    assert bad["speech turn"] == (DIFFERS, "no answer came")
    assert bad["input transcript"] == (DIFFERS, "none came")


def barge_in(*messages: Message) -> tuple[Verdict, str]:
    found = verdicts.barge_in(Stretch([sound(1.0), *messages]), 2.0)
    return found.verdict, found.seen


def test_barge_in() -> None:
    good = barge_in(said(2.5, INTERRUPTED), said(2.6, COMPLETE))
    assert good == (OK, "interrupted 0.50 s after speech began, turnComplete 0.10 s later")
    late = barge_in(said(2.5, INTERRUPTED), sound(2.55), said(2.6, COMPLETE))
    assert late == (OK, f"{good[1]}, 1 pieces of sound between them")
    wrong = barge_in(said(2.5, INTERRUPTED), said(2.55, GENERATED), said(2.6, COMPLETE))
    assert wrong == (DIFFERS, f"{good[1]}; generationComplete between them")
    assert barge_in() == (DIFFERS, "interrupted did not come")
    assert barge_in(said(2.5, INTERRUPTED))[1] == "turnComplete did not come after interrupted"
    assert verdicts.barge_in(Stretch([sound(3.0)]), 2.0).verdict is FAILED


def test_silence_and_answers() -> None:
    assert verdicts.silent("history", Stretch(), 3.0).seen == "nothing came for 3 s"
    assert verdicts.silent("history", Stretch([words(1)]), 3.0).verdict is DIFFERS
    assert verdicts.silent("history", Stretch([], CLOSED), 3.0).verdict is DIFFERS
    assert verdicts.answered("picture", Stretch([said(1, {}), words(2)]), 1.5).seen == (
        "answered after 0.50 s"
    )
    assert verdicts.answered("picture", Stretch(), 1.5).verdict is DIFFERS


def call(**fields: Any) -> Stretch:
    return Stretch([said(1.0, {"toolCall": {"functionCalls": [fields]}})])


def test_tool_calls() -> None:
    good = verdicts.tool_call(call(id="1", name="f", args={}), "f", vertex=False)
    assert (good.verdict, good.seen) == (OK, "f, 1")
    assert verdicts.tool_call(call(name="f"), "f", vertex=True).seen == "f, no id"
    wrong = verdicts.tool_call(call(name="g", args=[1]), "f", vertex=False)
    assert wrong.seen == "another function: g; no id; its arguments are no object"
    assert verdicts.tool_call(Stretch(), "f", vertex=False).seen == "no answer came"
    talk = verdicts.tool_call(Stretch([words(1.0)]), "f", vertex=False)
    assert (talk.verdict, talk.seen) == (DIFFERS, 'it only said "Hello there"')


def test_tool_behaviour() -> None:
    went_on, waited = Stretch([said(1.0, COMPLETE)]), Stretch()
    assert verdicts.tool_behaviour(went_on, LIVE_3_8, 4).verdict is OK
    assert verdicts.tool_behaviour(waited, LIVE_3_8, 4).seen == "it waited for 4 s"
    assert verdicts.tool_behaviour(waited, LIVE_3_8, 4).verdict is DIFFERS
    assert verdicts.tool_behaviour(waited, FLASH_LIVE_3_1, 4).verdict is OK
    assert verdicts.tool_behaviour(went_on, FLASH_LIVE_3_1, 4).verdict is DIFFERS


def test_tool_results() -> None:
    spoken = verdicts.tool_result(Stretch([words(1.0, "A Marigold.")]), "WHEN_IDLE")
    assert (spoken.verdict, spoken.seen) == (OK, "spoken of (WHEN_IDLE)")
    other = verdicts.tool_result(Stretch([words(1.0)]), None)
    assert (other.verdict, other.seen) == (DIFFERS, 'it said "Hello there"')
    assert verdicts.tool_result(Stretch([], CLOSED), None).verdict is DIFFERS


@pytest.mark.parametrize(
    ("name", "code", "reason", "verdict"),
    [
        ("unknown handle", 1008, "BidiGenerateContent session not found", OK),
        ("unknown handle", 1011, "Internal error encountered.", DIFFERS),
        ("wrong key", 1007, "API key not valid.", OK),
        ("wrong key", 1007, "Request contains an invalid argument.", DIFFERS),
        ("wrong model", 1008, "models/x is not found for API version v1beta", OK),
        ("resume while open", 1011, "", OK),
    ],
)
def test_refusals(name: str, code: int, reason: str, verdict: Verdict) -> None:
    found = verdicts.refused(name, Refusal(fault(code, reason)))
    assert found.verdict is verdict
    assert found.seen.startswith(str(code))
    assert ("; Easel takes it for a " in found.seen) is (verdict is DIFFERS)
    assert verdicts.refused(name, Refusal(None)).seen == "it was accepted"


def test_resumption() -> None:
    turn = Stretch([words(2.0), usage(2.0, promptTokenCount=50)])
    assert verdicts.resumed(Refusal(None), turn, 1.0).verdict is OK
    refused = verdicts.resumed(Refusal(fault(1008, "no")), Stretch(), 1.0)
    assert (refused.verdict, refused.seen) == (DIFFERS, "refused: 1008 no")
    assert verdicts.memory(turn, 20).verdict is OK
    assert verdicts.memory(turn, 50).verdict is DIFFERS
    assert verdicts.memory(turn, 0).verdict is SKIPPED
    assert verdicts.memory(Stretch([words(2.0)]), 20).verdict is SKIPPED
    assert verdicts.memory(Stretch(), 20).seen == "there was no answer"


def go_away(left: str) -> Verdict:
    waited = Stretch([said(541.0, {"goAway": {"timeLeft": left}})])
    return verdicts.go_away(waited, 1.0, 660).verdict


def test_go_away() -> None:
    assert [go_away(left) for left in ("50s", "5s", "1.5s", "soon")] == [OK, OK, DIFFERS, DIFFERS]
    assert verdicts.go_away(Stretch(), 1.0, 660).seen == "none came within 660 s"
    closed = verdicts.go_away(Stretch([], CLOSED), 1.0, 660)
    assert closed.seen == "the server closed: 1011 Internal error encountered., without a goAway"


def test_nobody_there() -> None:
    first, *rest = verdicts.unreachable(("setup", "usage", "pace"), fault(1007, "API key bad"))
    assert (first.verdict, first.seen) == (FAILED, "no connection: 1007 API key bad")
    assert {found.verdict for found in rest} == {SKIPPED}
