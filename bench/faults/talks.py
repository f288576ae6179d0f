"""One talk of a peer with the model, from joining to leaving, as a row of the table wants it."""

import asyncio
from dataclasses import dataclass, field
from typing import Any, Final

import aiohttp

from bench.faults.gaps import Heard, Said
from bench.faults.numbering import (
    NUMBERS_OF_A_SEAT,
    SEATS,
    WORDS_OF_AN_UTTERANCE,
    answer_to,
    utterance,
)
from bench.faults.rows import Row, Talk
from bench.faults.talker import Talker
from bench.rtp_stream import Pacer

ANSWER_LIMIT_S: Final = 25.0
SETTLE_S: Final = 1.0  # from the connection to the first word
LAST_S: Final = 0.5  # after the last answer
CUT_AFTER: Final = 3  # words of an answer
MONOLOGUE_WORDS: Final = 176
TURNS_OF_A_SEAT: Final = NUMBERS_OF_A_SEAT // WORDS_OF_AN_UTTERANCE


@dataclass
class Held:
    """What was said and heard in one talk; `name` stands in the room's instruction."""

    name: str
    seat: int
    said: list[Said] = field(default_factory=list)
    cut: list[int] = field(default_factory=list)  # turns whose answer was cut short on purpose
    heard: list[Heard] = field(default_factory=list)
    told: list[dict[str, Any]] = field(default_factory=list)
    failed: str = ""


async def hold(url: str, row: Row, seat: int, name: str, pacer: Pacer, seats: int = SEATS) -> Held:
    """Never raises what a service can do; `failed` says it.

    `seats`: how many talk at a time; those that are free lend their words to long talks.
    """
    held = Held(name, seat)
    connector = aiohttp.TCPConnector(force_close=True)
    async with aiohttp.ClientSession(url, connector=connector) as http:
        talker = Talker(http, pacer, seat)
        held.heard, held.told = talker.listener.heard, talker.told
        try:
            await talker.join({"systemInstruction": f"This is {name}."})
            await asyncio.sleep(SETTLE_S)
            await _talk(talker, row, held, seats)
            await asyncio.sleep(LAST_S)
        except (aiohttp.ClientError, OSError, TimeoutError) as error:
            held.failed = type(error).__name__
        finally:
            await talker.close()
    return held


async def _talk(talker: Talker, row: Row, held: Held, seats: int) -> None:
    for turn in range(row.turns):
        held.said.append(await talker.mouth.say(words_of(row, held.seat, turn, seats)))
        answer = answer_to(held.said[-1].numbers)
        began = held.said[-1].began
        if row.talk is Talk.CUTTING_IN and turn % 2 == 0:
            held.cut.append(turn)
            await talker.hears(answer[CUT_AFTER - 1], began, ANSWER_LIMIT_S)
            continue
        await talker.hears(answer[-1], began, ANSWER_LIMIT_S)
        await asyncio.sleep(row.pause_s)


def words_of(row: Row, seat: int, turn: int, seats: int = SEATS) -> list[int]:
    if row.talk is Talk.MONOLOGUE:
        return utterance(seat, turn, MONOLOGUE_WORDS)
    lent, turn = divmod(turn, TURNS_OF_A_SEAT)
    return utterance(seat + lent * seats, turn)
