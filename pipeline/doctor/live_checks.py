"""The talk that shows whether the Live API is as Easel expects: section after section."""

import asyncio
import io
import time
import wave
from collections.abc import Awaitable, Callable
from contextlib import aclosing
from dataclasses import dataclass, replace
from importlib.resources import files
from typing import Final

from PIL import Image, ImageDraw

from processors.gemini.client import Endpoint
from processors.gemini.errors import GeminiError, fault
from processors.gemini.outbox import ContextUpdate, Picture, RealtimeText, ToolResponse, Turns
from processors.gemini.seed import seed_of
from processors.gemini.settings import LiveSettings
from processors.tools import tool

from . import live_verdicts as verdicts
from .checks import CHECKS, LIVE, Finding, failed, skipped
from .live_facts import Stretch
from .live_probe import Line, Probe, Session
from .live_verdicts import WORD, Refusal

TURN_LIMIT_S: Final = 45.0
ANSWER_LIMIT_S: Final = 20.0
HANDLE_LIMIT_S: Final = 5.0
SILENT_FOR_S: Final = 3.0
TOOL_WAIT_S: Final = 4.0
GO_AWAY_LIMIT_S: Final = 780.0
SECTION_LIMIT_S: Final = 120.0
ENOUGH_S: Final = 1.0  # of an answer, to interrupt it

INSTRUCTION: Final = (
    "You are being tested. Answer in one short sentence, except when you are asked for a story. "
    "When you are asked to call a function, call it at once, and tell its result in full."
)
GREETING: Final = "Hello. Please say hello."
STORY: Final = "Please tell me a long story."
FACT: Final = f"My favourite flower is the {WORD}."
QUESTION: Final = "What is my favourite flower?"
WRONG_KEY: Final = "invalid-key-of-easel-doctor"
WRONG_MODEL: Final = "gemini-easel-doctor"
WRONG_HANDLE: Final = "easel-doctor-never-got-this-handle"

Tell = Callable[[Finding], None]


async def doctor_probe() -> str:
    """Tells the word of the day. Call it whenever you are asked to call it."""
    return f"The word of the day is {WORD}."


@dataclass(slots=True)
class Notes:
    """What a later section needs to know of an earlier one."""

    first_tokens: int = 0


def probe_for(settings: LiveSettings, *, vertex: bool, endpoint: Endpoint) -> Probe:
    """With the chosen model, and all else as it is by default."""
    plain = LiveSettings(
        model=settings.model, thinking=settings.thinking, system_instruction=INSTRUCTION
    )
    return Probe(plain, vertex, endpoint, (tool(doctor_probe),))


def live_names(*, long: bool) -> list[str]:
    """Of the checks that a run makes."""
    names = [name for name, check in CHECKS.items() if check.topic == LIVE]
    return [name for name in names if long or name != "go away"]


async def examine_live(probe: Probe, tell: Tell, *, long: bool) -> None:
    """Tells a finding for each of `live_names`."""
    notes, names = Notes(), live_names(long=long)
    async with aclosing(Session(probe)) as session:
        began = time.monotonic()
        try:
            line = await session.line()
        except GeminiError as error:
            for found in verdicts.unreachable(tuple(names), error):
                tell(found)
            return
        tell(verdicts.setup(line.heard, began))
        for covered, section in _sections(probe, session, notes):
            await _run(covered, section, tell)
    for covered, section in _lonely_sections(probe, long=long):
        await _run(covered, section, tell, GO_AWAY_LIMIT_S if long else SECTION_LIMIT_S)


Section = tuple[tuple[str, ...], Callable[[], Awaitable[list[Finding]]]]


def _sections(probe: Probe, session: Session, notes: Notes) -> list[Section]:
    """Those that take place in one session, if it lives."""
    return [
        (verdicts.TEXT_TURN, lambda: _text_turn(session, notes)),
        (("speech turn", "input transcript"), lambda: _speech(session)),
        (("barge-in",), lambda: _barge_in(session)),
        (("silent content", "content then text"), lambda: _content(session)),
        (("picture",), lambda: _picture(session)),
        (("tool call", "tool behaviour", "tool result"), lambda: _tool(session, probe)),
        (("context update",), lambda: _context_update(session, probe)),
        (("framing",), lambda: _framing(session)),
        (("resume while open", "resume", "memory"), lambda: _resume(session, probe, notes)),
    ]


def _lonely_sections(probe: Probe, *, long: bool) -> list[Section]:
    """Those that need a connection of their own."""
    wrong_key = replace(probe, endpoint=replace(probe.endpoint, api_key=WRONG_KEY))
    plain = LiveSettings(model=WRONG_MODEL)
    wrong_model = replace(probe, settings=plain, tools=())
    sections: list[Section] = [
        (("unknown handle",), lambda: _refused("unknown handle", probe, WRONG_HANDLE)),
        (("wrong key",), lambda: _refused("wrong key", wrong_key)),
        (("wrong model",), lambda: _refused("wrong model", wrong_model)),
        (("history", "history then text"), lambda: _history(probe)),
    ]
    if probe.vertex:
        sections[1] = (("wrong key",), _no_key_there)
    if long:
        sections.append((("go away",), lambda: _go_away(probe)))
    return sections


async def _no_key_there() -> list[Finding]:
    return skipped(("wrong key",), "Vertex AI takes no key here")


async def _run(
    covered: tuple[str, ...],
    section: Callable[[], Awaitable[list[Finding]]],
    tell: Tell,
    limit_s: float = SECTION_LIMIT_S,
) -> None:
    try:
        async with asyncio.timeout(limit_s):
            found = await section()
    except GeminiError as error:
        found = failed(covered, f"no connection: {error.code} {error.reason}".rstrip())
    except TimeoutError:
        found = failed(covered, f"not over within {limit_s:g} s")
    for each in found:
        tell(each)


async def _turn(line: Line, asked: float, turns: int = 1) -> Stretch:
    """Until that many turns are over and a handle had its time to come."""
    turn = await line.until(asked, lambda s: s.count("turnComplete") >= turns, TURN_LIMIT_S)
    complete = turn.at("turnComplete")
    if complete is None:
        return turn
    return await line.until(asked, lambda s: s.since(complete).handles, HANDLE_LIMIT_S)


async def _text_turn(session: Session, notes: Notes) -> list[Finding]:
    line = await session.line()
    asked = await line.send(RealtimeText(GREETING))
    turn = await _turn(line, asked)
    notes.first_tokens = turn.prompt_tokens
    return verdicts.text_turn(turn, asked)


async def _speech(session: Session) -> list[Finding]:
    line = await session.line()
    began = time.monotonic()
    ended = await line.speak(utterance())
    await line.silence(began, lambda s: s.sounds, ANSWER_LIMIT_S)
    turn = await _turn(line, began)
    return verdicts.speech_turn(turn, ended)


async def _barge_in(session: Session) -> list[Finding]:
    line = await session.line()
    asked = await line.send(RealtimeText(STORY))
    await line.until(asked, lambda s: sum(p.seconds for p in s.sounds) > ENOUGH_S, ANSWER_LIMIT_S)
    spoke_at = time.monotonic()
    await line.speak(utterance())
    turn = await line.silence(asked, lambda s: _is_cut(s.since(spoke_at)), ANSWER_LIMIT_S)
    found = verdicts.barge_in(turn, spoke_at)
    await line.silence(spoke_at, lambda s: s.count("turnComplete") > 1, ANSWER_LIMIT_S)
    return [found]


def _is_cut(after: Stretch) -> bool:
    interrupted = after.at("interrupted")
    return interrupted is not None and after.since(interrupted).at("turnComplete") is not None


async def _content(session: Session) -> list[Finding]:
    line = await session.line()
    sent = await line.send(Turns((), FACT, False))
    pause = await line.until(sent, lambda s: s.answers, SILENT_FOR_S)
    await line.settle()
    asked = await line.send(RealtimeText(QUESTION))
    turn = await _turn(line, asked)
    return [
        verdicts.silent("silent content", pause, SILENT_FOR_S),
        verdicts.answered("content then text", turn, asked),
    ]


async def _picture(session: Session) -> list[Finding]:
    line = await session.line()
    await line.send(Picture(picture()))
    asked = await line.send(RealtimeText("What do you see?"))
    return [verdicts.answered("picture", await _turn(line, asked), asked)]


async def _tool(session: Session, probe: Probe) -> list[Finding]:
    line, profile = await session.line(), probe.profile
    asked = await line.send(RealtimeText(f"Call {doctor_probe.__name__}."))
    turn = await line.until(asked, lambda s: s.calls, ANSWER_LIMIT_S)
    found = [verdicts.tool_call(turn, doctor_probe.__name__, vertex=probe.vertex)]
    if not turn.calls:
        return found + skipped(("tool behaviour", "tool result"), "nothing was called")
    waiting = await line.until(asked, lambda s: s.at("turnComplete"), TOOL_WAIT_S)
    found.append(verdicts.tool_behaviour(waiting, profile, TOOL_WAIT_S))
    scheduling = "WHEN_IDLE" if profile.supports_scheduling else None
    _, call = turn.calls[0]
    response = {"output": await doctor_probe()}
    answer = ToolResponse(
        str(call.get("id") or ""), doctor_probe.__name__, response, scheduling=scheduling
    )
    sent = await line.send(answer)
    after = await line.until(
        sent, lambda s: s.at("turnComplete") and WORD in s.said.lower(), TURN_LIMIT_S
    )
    return [*found, verdicts.tool_result(after, scheduling)]


async def _context_update(session: Session, probe: Probe) -> list[Finding]:
    if not probe.profile.supports_context_update:
        why = f"Easel does not count on it with {probe.profile.family} here"
        return skipped(("context update",), why)
    line = await session.line()
    await line.send(ContextUpdate(f"{INSTRUCTION} Be polite.", None))
    asked = await line.send(RealtimeText(GREETING))
    return [verdicts.answered("context update", await _turn(line, asked), asked)]


async def _framing(session: Session) -> list[Finding]:
    return [verdicts.framing((await session.line()).heard)]


async def _resume(session: Session, probe: Probe, notes: Notes) -> list[Finding]:
    line = await session.line()
    if not line.heard.handles:  # of a session that has just begun anew
        await _turn(line, await line.send(RealtimeText(GREETING)))
    if not line.heard.handles:
        return skipped(("resume while open", "resume", "memory"), "no handle ever came")
    _, handle = line.heard.handles[-1]
    found = [verdicts.refused("resume while open", await _refusal(probe, handle))]
    await session.hang_up()
    refusal, turn, asked = Refusal(None), Stretch(), 0.0
    try:
        async with probe.line(handle) as again:
            asked = await again.send(RealtimeText(GREETING))
            turn = await _turn(again, asked)
    except GeminiError as error:
        refusal = Refusal(error)
    found.append(verdicts.resumed(refusal, turn, asked))
    return [*found, verdicts.memory(turn, notes.first_tokens)]


async def _refusal(probe: Probe, handle: str | None = None) -> Refusal:
    """Some refusals come after the setup was answered."""
    try:
        async with probe.line(handle) as line:
            heard = await line.until(0.0, lambda s: False, SILENT_FOR_S)
            closed = heard.closed
            return Refusal(None if closed is None else fault(closed.code, closed.reason))
    except GeminiError as error:
        return Refusal(error)


async def _refused(name: str, probe: Probe, handle: str | None = None) -> list[Finding]:
    return [verdicts.refused(name, await _refusal(probe, handle))]


async def _history(probe: Probe) -> list[Finding]:
    said = [("user", "Which flower do you like?"), ("model", f"I like the {WORD}.")]
    if probe.profile.seed_needs_user_last:
        said.append(("user", "So do I."))
    turns = [{"role": role, "parts": [{"text": text}]} for role, text in said]
    seed = seed_of(turns, probe.profile)
    assert seed is not None, "there are turns"
    async with probe.line(seeded=True) as line:
        began = time.monotonic()
        await line.connection.seed(seed)
        pause = await line.until(began, lambda s: s.answers, SILENT_FOR_S)
        await line.settle()
        asked = await line.send(RealtimeText("Which flower do I mean?"))
        turn = await _turn(line, asked)
    return [
        verdicts.silent("history", pause, SILENT_FOR_S),
        verdicts.answered("history then text", turn, asked),
    ]


async def _go_away(probe: Probe) -> list[Finding]:
    async with probe.line() as line:
        opened = time.monotonic()
        waited = await line.until(0.0, lambda s: s.go_away(), GO_AWAY_LIMIT_S - SECTION_LIMIT_S)
    return [verdicts.go_away(waited, opened, GO_AWAY_LIMIT_S - SECTION_LIMIT_S)]


def utterance() -> bytes:
    """PCM16, 16 kHz, mono: "count to ten", spoken by espeak-ng."""
    with files(__package__).joinpath("count_to_ten.wav").open("rb") as file:
        with wave.open(file) as sound:
            return bytes(sound.readframes(sound.getnframes()))


def picture() -> bytes:
    """A red circle on white, as a JPEG."""
    canvas = Image.new("RGB", (384, 384), "white")
    ImageDraw.Draw(canvas).ellipse((64, 64, 320, 320), fill="red")
    file = io.BytesIO()
    canvas.save(file, "JPEG")
    return file.getvalue()
