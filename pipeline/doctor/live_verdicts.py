"""What the wire of the Live API said, judged: facts in, findings out. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from pipeline.doctor.checks import Finding, Verdict, failed, finding, judged, skipped
from pipeline.doctor.live_facts import KNOWN_KEYS, Stretch
from processors.gemini.errors import ConfigurationFault, ContextFault, GeminiError
from processors.gemini.profiles import ModelProfile

FRAME_LIMIT_BYTES: Final = 1 << 20
LATE_S: Final = 0.3  # of sound that comes after its time, but within what a stage holds back
HELD_SHARE: Final = 0.8  # of the playback, before which turnComplete is early
USABLE_S: Final = 5.0  # a link needs some of the time that goAway leaves
WORD: Final = "marigold"
"""What the tool of the doctor says."""

TEXT_TURN: Final = (
    "text turn",
    "turn order",
    "sound format",
    "pace",
    "output transcript",
    "usage",
    "turn end",
    "handles",
    "handles while answering",
)


@dataclass(frozen=True, slots=True)
class Refusal:
    """How a connection was refused; `error` is None when it was not."""

    error: GeminiError | None


def setup(opening: Stretch, began: float) -> Finding:
    """From the first message on."""
    if not opening.server:
        return judged("setup", False, "nothing was answered to the setup")
    first = opening.server[0]
    keys = ", ".join(first.body) or "what cannot be read"
    seen = f"{keys} came first, after {first.t - began:.2f} s"
    return judged("setup", "setupComplete" in first.body, seen)


def framing(whole: Stretch) -> Finding:
    """Of all that Gemini said on a connection."""
    messages = whole.server
    texts = sum(1 for message in messages if not message.binary)
    unreadable = sum(1 for message in messages if not message.body)
    foreign = {key for m in messages if not KNOWN_KEYS & m.body.keys() for key in m.body}
    largest = max((message.size for message in messages), default=0)
    faults = [
        f"{texts} in text frames" if texts else "",
        f"{unreadable} that are no JSON objects" if unreadable else "",
        f"unknown keys: {', '.join(sorted(foreign))}" if foreign else "",
        "one of 1 MiB or more" if largest >= FRAME_LIMIT_BYTES else "",
    ]
    seen = f"{len(messages)} messages, the largest {largest:,} bytes"
    wrong = "; ".join(fault for fault in faults if fault)
    return judged("framing", bool(messages) and not wrong, f"{seen}; {wrong}" if wrong else seen)


def text_turn(turn: Stretch, asked: float) -> list[Finding]:
    """From the text on, until some seconds after the end of the turn."""
    if not turn.sounds:
        seen = _silence(turn)
        return [judged("text turn", False, seen), *skipped(TEXT_TURN[1:], "there was no answer")]
    first = turn.sounds[0].t - asked
    return [
        judged("text turn", True, f"the first sound came after {first:.2f} s"),
        *_turn(turn),
    ]


def _turn(turn: Stretch) -> Iterator[Finding]:
    yield _order(turn)
    yield _format(turn)
    yield _pace(turn)
    yield _transcript(turn)
    yield _usage(turn)
    yield _hold(turn)
    yield from _handles(turn)


def _order(turn: Stretch) -> Finding:
    generated, complete = turn.at("generationComplete"), turn.at("turnComplete")
    if generated is None or complete is None:
        missing = "generationComplete" if generated is None else "turnComplete"
        return judged("turn order", False, f"{missing} did not come")
    last = turn.sounds[-1].t
    seen = f"generationComplete, and turnComplete {complete - generated:.2f} s later"
    if complete < generated:
        seen = "turnComplete came before generationComplete"
    elif last > generated:
        seen = "sound came after generationComplete"
    return judged("turn order", last <= generated <= complete, seen)


def _format(turn: Stretch) -> Finding:
    mimes = sorted({sound.mime_type for sound in turn.sounds})
    usual = all(mime in ("audio/pcm", "audio/pcm;rate=24000") for mime in mimes)
    whole = all(sound.whole for sound in turn.sounds)
    sizes = sorted(round(sound.seconds * 1000) for sound in turn.sounds)
    pieces = f"{len(sizes)} pieces of {sizes[0]} to {sizes[-1]} ms"
    seen = f"{', '.join(mimes)}; {pieces}" + ("" if whole else "; with torn samples")
    return judged("sound format", usual and whole, seen)


def _pace(turn: Stretch) -> Finding:
    """The most that a player without any buffer would have had to wait, after the first piece."""
    sounds = turn.sounds
    played_until, late = sounds[0].t, 0.0
    for sound in sounds:
        late = max(late, sound.t - played_until)
        played_until = max(played_until, sound.t) + sound.seconds
    length = sum(sound.seconds for sound in sounds)
    took = sounds[-1].t - sounds[0].t
    seen = f"{length:.1f} s of sound in {took:.1f} s, at most {late:.2f} s late"
    return judged("pace", late <= LATE_S, seen)


def _transcript(turn: Stretch) -> Finding:
    complete = turn.at("turnComplete")
    before = turn.said if complete is None else turn.until(complete).said
    if not turn.said:
        return judged("output transcript", False, "none came")
    late = len(turn.said) - len(before)
    seen = f"{len(turn.said.split())} words" + (f", {late} letters after the turn" if late else "")
    return judged("output transcript", late == 0, seen)


def _usage(turn: Stretch) -> Finding:
    complete = turn.at("turnComplete")
    found = turn.usages if complete is None else turn.until(complete).usages
    counted = [(t, usage) for t, usage in found if usage.get("totalTokenCount")]
    if not counted:
        return judged("usage", False, "no message counted tokens")
    when = "with turnComplete" if counted[-1][0] == complete else "before turnComplete"
    if counted[0][0] < turn.sounds[0].t:
        when = "before the first sound"
    names = sorted({name for _, usage in counted for name in usage if name.endswith("Count")})
    return judged("usage", True, f"{when}: {', '.join(names)}")


def _hold(turn: Stretch) -> Finding:
    complete = turn.at("turnComplete")
    if complete is None:
        return judged("turn end", False, "turnComplete did not come")
    length = sum(sound.seconds for sound in turn.sounds)
    early = turn.sounds[0].t + length - complete
    if early <= length * (1 - HELD_SHARE):
        return judged("turn end", True, f"{max(0.0, -early):.2f} s after the end of the playback")
    return judged("turn end", False, f"turnComplete came {early:.2f} s before the sound is played")


def _handles(turn: Stretch) -> Iterator[Finding]:
    complete, generated = turn.at("turnComplete"), turn.at("generationComplete")
    after = [] if complete is None else [t for t, _ in turn.handles if t >= complete]
    if after and complete is not None:
        yield judged("handles", True, f"{after[0] - complete:.2f} s after turnComplete")
    else:
        yield judged("handles", False, "no handle came after turnComplete")
    begin, end = turn.sounds[0].t, turn.sounds[-1].t if generated is None else generated
    within = sum(1 for t, _ in turn.handles if begin <= t < end)
    seen = f"{within} came between the first sound and generationComplete" if within else "none"
    yield judged("handles while answering", not within, seen)


def speech_turn(turn: Stretch, spoken_until: float) -> list[Finding]:
    """From the first sound of the utterance on."""
    answered = [sound.t for sound in turn.sounds if sound.t >= spoken_until]
    if not answered:
        seen = _silence(turn)
        return [judged("speech turn", False, seen), _input(turn)]
    seen = f"the first sound came {answered[0] - spoken_until:.2f} s after the last word"
    return [judged("speech turn", True, seen), _input(turn)]


def _input(turn: Stretch) -> Finding:
    words = turn.heard
    return judged("input transcript", bool(words), f'"{words}"' if words else "none came")


def barge_in(turn: Stretch, spoke_at: float) -> Finding:
    """From the question on; the user speaks into the answer from `spoke_at` on."""
    if not turn.until(spoke_at).sounds:
        return finding("barge-in", Verdict.FAILED, "no answer was there to be interrupted")
    after = turn.since(spoke_at)
    interrupted = after.at("interrupted")
    if interrupted is None:
        return judged("barge-in", False, "interrupted did not come")
    rest = after.since(interrupted)
    complete = rest.at("turnComplete")
    if complete is None:
        return judged("barge-in", False, "turnComplete did not come after interrupted")
    between = rest.until(complete)
    late = sum(1 for sound in between.sounds if sound.t > interrupted)
    seen = (
        f"interrupted {interrupted - spoke_at:.2f} s after speech began, turnComplete "
        f"{complete - interrupted:.2f} s later"
    )
    if late:
        seen += f", {late} pieces of sound between them"
    if between.at("generationComplete") is not None:
        return judged("barge-in", False, f"{seen}; generationComplete between them")
    return judged("barge-in", True, seen)


def silent(name: str, pause: Stretch, seconds: float) -> Finding:
    """Something was sent that is not to be answered."""
    if pause.closed is not None:
        return judged(name, False, _silence(pause))
    return judged(name, not pause.answers, "it was answered" if pause.answers else
                  f"nothing came for {seconds:g} s")  # fmt: skip


def answered(name: str, turn: Stretch, asked: float) -> Finding:
    """A text was sent that is to be answered."""
    if not turn.answers:
        return judged(name, False, _silence(turn))
    first = next(message.t for message in turn.server if Stretch([message]).answers)
    return judged(name, True, f"answered after {first - asked:.2f} s")


def tool_call(turn: Stretch, function: str, *, vertex: bool) -> Finding:
    """From the wish on."""
    if not turn.calls:
        return judged("tool call", False, _silence(turn) if not turn.answers else
                      f'it only said "{turn.said}"')  # fmt: skip
    _, call = turn.calls[0]
    faults = [
        "" if call.get("name") == function else f"another function: {call.get('name')}",
        "" if call.get("id") or vertex else "no id",
        "" if isinstance(call.get("args", {}), dict) else "its arguments are no object",
    ]
    wrong = "; ".join(fault for fault in faults if fault)
    return judged("tool call", not wrong, wrong or f"{function}, {call.get('id') or 'no id'}")


def tool_behaviour(waiting: Stretch, profile: ModelProfile, seconds: float) -> Finding:
    """Between the call and its result, for so many seconds or until the turn ended."""
    went_on = waiting.at("turnComplete") is not None
    blocks = profile.tool_behavior == "BLOCKING"
    seen = "the turn ended before the result" if went_on else f"it waited for {seconds:g} s"
    return judged("tool behaviour", went_on is not blocks, seen)


def tool_result(after: Stretch, scheduling: str | None) -> Finding:
    """From the result on."""
    how = "" if scheduling is None else f" ({scheduling})"
    if not after.answers:
        return judged("tool result", False, _silence(after) + how)
    spoken = WORD in after.said.lower()
    seen = f"spoken of{how}" if spoken else f'it said "{after.said}"{how}'
    return judged("tool result", spoken, seen)


def refused(name: str, refusal: Refusal) -> Finding:
    """Whether a connection was refused as the link needs it to be: see `errors.fault`."""
    error = refusal.error
    if error is None:
        return judged(name, False, "it was accepted")
    kinds: tuple[type[GeminiError], ...] = {
        "unknown handle": (ContextFault,),
        "wrong key": (ConfigurationFault,),
        "wrong model": (ConfigurationFault,),
    }.get(name, (GeminiError,))
    seen = f"{error.code} {error.reason}".rstrip()
    if not isinstance(error, kinds):
        seen += f"; Easel takes it for a {type(error).__name__}"
    return judged(name, isinstance(error, kinds), seen)


def resumed(refusal: Refusal, turn: Stretch, asked: float) -> Finding:
    """A handle was used after its connection had been closed; a text followed."""
    if refusal.error is not None:
        error = refusal.error
        return judged("resume", False, f"refused: {error.code} {error.reason}".rstrip())
    return answered("resume", turn, asked)


def memory(turn: Stretch, first_tokens: int) -> Finding:
    """The context is counted anew in each turn: one that is as small as the first is a new one."""
    tokens = turn.prompt_tokens
    if not turn.answers:
        return finding("memory", Verdict.SKIPPED, "there was no answer")
    if not tokens or not first_tokens:
        return finding("memory", Verdict.SKIPPED, "no tokens of the prompt were counted")
    seen = f"{tokens} tokens of context, {first_tokens} in the very first turn"
    return judged("memory", tokens > first_tokens, seen)


def go_away(waited: Stretch, opened: float, limit_s: float) -> Finding:
    """Of a connection that only waited."""
    found = waited.go_away()
    if found is None:
        if waited.closed is not None:
            return judged("go away", False, f"{_silence(waited)}, without a goAway")
        return judged("go away", False, f"none came within {limit_s:.0f} s")
    t, left = found
    seconds = _seconds(left)
    seen = f'after {t - opened:.0f} s, with timeLeft "{left}"'
    return judged("go away", seconds is not None and seconds >= USABLE_S, seen)


def _seconds(duration: str) -> float | None:
    """Of a protobuf duration such as "50s"."""
    try:
        return float(duration.removesuffix("s"))
    except ValueError:
        return None


def _silence(stretch: Stretch) -> str:
    closed = stretch.closed
    if closed is None:
        empty = stretch.at("turnComplete") is not None
        return "turnComplete came without an answer" if empty else "no answer came"
    return f"the {closed.by} closed: {closed.code} {closed.reason}".rstrip()


def unreachable(names: tuple[str, ...], error: GeminiError) -> list[Finding]:
    """The first connection could not be made: no more is known."""
    why = f"no connection: {error.code} {error.reason}".rstrip()
    return [*failed(names[:1], why), *skipped(names[1:], "no connection")]
