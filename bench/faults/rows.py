"""The faults of the table: what the emulator is told to do, and how people talk meanwhile. Pure."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from enum import Enum
from typing import Final

from processors.gemini.link import OPEN_FIRST_S
from processors.gemini.retrying import QUOTA_RETRY_FIRST_S
from processors.gemini.watchdog import AFTER_NUDGE_S, STALL_S, UNNOTICED_S

MUTE_LIMIT_S: Final = UNNOTICED_S + AFTER_NUDGE_S  # the emulator shows no sign that it hears
STALL_LIMIT_S: Final = STALL_S + AFTER_NUDGE_S
TAKES_S: Final = 1.5  # the tool
QUOTA_LIMIT_S: Final = 3 * QUOTA_RETRY_FIRST_S  # with its jitter


class Talk(Enum):
    """How people talk: one after another; cutting the answers short; asking for a tool; at length
    without a pause."""

    IN_TURN = "in turn"
    CUTTING_IN = "cutting in"
    WITH_CALLS = "with calls"
    MONOLOGUE = "monologue"


class Kind(Enum):
    NONE = "none"
    PLANNED = "planned"
    UNPLANNED = "unplanned"


@dataclass(frozen=True, slots=True)
class Row:
    """`faults` and `options` are the emulator's; `armed` are faults that wait for the answer to
    the first utterance. `limit_s`: of the watchdog that has to notice.

    `takes_s`: how long the model's tool works before there can be an answer. `doubled_ok`: words
    that each fault may double, where a handle is not a snapshot.
    """

    name: str
    what: str
    kind: Kind
    faults: Sequence[str] = ()
    armed: Sequence[str] = ()
    options: Sequence[str] = ()
    talk: Talk = Talk.IN_TURN
    turns: int = 2
    pause_s: float = 0.6
    limit_s: float = 0.0
    takes_s: float = 0.0
    doubled_ok: int = 0

    @property
    def arguments(self) -> list[str]:
        """Of the emulator."""
        named = [part for fault in self.faults for part in ("--fault", fault)]
        return [*named, *self.options]


LIVE: Final = ("--handles", "live")
OFTEN: Final = ("--handle-interval", "2")
# On Vertex AI the server says what of the sound a handle remembers. Elsewhere it is guessed: the
# link sends again what may have been under way, a quarter of a second.
INDEXED: Final = (*OFTEN, "--consumed-index")
WORDS_UNDER_WAY: Final = 2
NO_HANDLES: Final = "no_handles"
WORDS: Final = 8  # of an utterance
BREAKS: Final = "every=14,times=3"


def rows() -> list[Row]:
    found = [*_planned(), *_breaks(), *_refusals(), *_silences(), *_wire(), *_handles()]
    return [Row("nothing", "no fault: what is usual", Kind.NONE, turns=3), *found]


def _planned() -> Iterator[Row]:
    for name, what, armed in (
        ("speech", "while somebody speaks", "go_away@speech=0.8,left=10"),
        ("answer", "in mid-answer, 1 s left", "go_away@answer=0.3,left=1"),
        ("late", "while somebody speaks, 1 s left", "go_away@speech=0.3,left=1"),
    ):
        yield Row(f"go-away-{name}", f"goAway {what}", Kind.PLANNED, armed=[armed])
    quiet = ["go_away@age=9,left=10"]
    yield Row("go-away-quiet", "goAway while it is quiet", Kind.PLANNED, quiet, pause_s=4.0)


def _breaks() -> Iterator[Row]:
    """Closed with 1011 or cut without a word, at each place of a turn."""
    for kind, words, code in (
        ("close", "closed with 1011", ",code=1011"),
        ("drop", "cut without a close", ""),
    ):
        quiet, call = f"{kind}@age=9{code}", f"{kind}@call=0.5{code}"
        speech, answer = f"{kind}@speech=1.2{code}", f"{kind}@answer=0.3{code}"
        cutting_in = f"{kind}@speech=0.3{code}"
        for row in (
            Row("quiet", "while it is quiet", Kind.UNPLANNED, [quiet], pause_s=4.0),
            Row("speech", "in mid-utterance", Kind.UNPLANNED, armed=[speech]),
            Row("answer", "in mid-answer", Kind.UNPLANNED, armed=[answer]),
            Row(
                "call",
                "while a call pends",
                Kind.UNPLANNED,
                [call],
                talk=Talk.WITH_CALLS,
                takes_s=TAKES_S,
            ),
            Row(
                "barge-in",
                "as somebody cuts in",
                Kind.UNPLANNED,
                armed=[cutting_in],
                talk=Talk.CUTTING_IN,
            ),
        ):
            yield replace(row, name=f"{kind}-{row.name}", what=f"{words} {row.what}")
    yield Row(
        "close-1008",
        "closed with 1008 in mid-utterance",
        Kind.UNPLANNED,
        armed=["close@speech=1.2,code=1008"],
    )
    yield Row(
        "drop-slow-answer",
        "cut in mid-answer that comes at its own pace",
        Kind.UNPLANNED,
        armed=["drop@answer=1.2"],
        options=["--speed", "1.2"],
    )


def _refusals() -> Iterator[Row]:
    """What meets the resumption after a break in mid-utterance."""
    broken = "close@speech=1.2,code=1011"
    for kind, words, limit_s in (
        ("refuse_handle", "the handle is refused", 0.0),
        ("hang_setup", "the setup hangs", OPEN_FIRST_S),
        ("quota", "the quota is spent", QUOTA_LIMIT_S),
    ):
        yield Row(
            kind.replace("_", "-"),
            f"broken in mid-utterance, then {words}",
            Kind.UNPLANNED,
            [f"{kind}@resume=1"],
            [broken],
            limit_s=limit_s,
        )
    yield Row(
        "poison",
        "broken in mid-utterance, then the handle is poisoned",
        Kind.UNPLANNED,
        armed=["poison", broken],
    )


def _silences() -> Iterator[Row]:
    unplanned = Kind.UNPLANNED
    yield Row(
        "stall",
        "the answer stalls",
        unplanned,
        armed=["stall@answer=0.2,s=60"],
        options=["--speed", "1.2"],
        limit_s=STALL_LIMIT_S,
    )
    yield Row(
        "mute",
        "no answer to an utterance",
        unplanned,
        armed=["mute@speech=1.0"],
        limit_s=MUTE_LIMIT_S,
    )
    yield Row(
        "mute-after-barge-in",
        "mute once somebody cut in",
        unplanned,
        armed=["mute_after_barge_in"],
        talk=Talk.CUTTING_IN,
        limit_s=MUTE_LIMIT_S,
    )
    yield Row("empty-turn", "a turn with nothing said", unplanned, ["empty_turn@turn=2"])


def _wire() -> Iterator[Row]:
    for name, what, fault in (
        ("garbage", "a frame that is no JSON", "garbage@speech=1.0"),
        ("big-frame", "a frame of 1 MiB", "big_frame@speech=1.0"),
        ("slow-read", "sound read slowly", "slow_read@speech=0.5,bytes_per_s=36000"),
        ("slow-pong", "pongs 30 s late", "slow_pong,s=30"),
    ):
        yield Row(name, what, Kind.UNPLANNED, armed=[fault])


def _handles() -> Iterator[Row]:
    speech, answer = "close@speech=1.2,code=1011", "close@answer=0.3,code=1011"
    often = Row("", "closed in mid-utterance, handles every 2 s", Kind.UNPLANNED, armed=[speech])
    yield replace(
        often, name="handles-often", what=f"{often.what} that say what they hold", options=INDEXED
    )
    yield replace(often, name="handles-often-bare", options=OFTEN, doubled_ok=WORDS_UNDER_WAY)
    for where, fault in (("speech", speech), ("answer", answer)):
        row = Row(
            "",
            f"closed in mid-{'utterance' if where == 'speech' else 'answer'}",
            Kind.UNPLANNED,
            armed=[fault],
            doubled_ok=WORDS,
        )
        yield replace(
            row, name=f"handles-live-{where}", what=f"{row.what}, live handles", options=LIVE
        )
        yield replace(
            row, name=f"no-handles-{where}", what=f"{row.what}, no handles", faults=[NO_HANDLES]
        )
    yield Row(
        "three-breaks",
        "closed every 14 s, three times",
        Kind.UNPLANNED,
        [f"close@{BREAKS},code=1011"],
        turns=7,
    )
    yield Row(
        "three-breaks-monologue",
        "the same in one long utterance, handles every 2 s that say what they hold",
        Kind.UNPLANNED,
        [f"close@{BREAKS},code=1011"],
        options=INDEXED,
        talk=Talk.MONOLOGUE,
        turns=1,
    )
