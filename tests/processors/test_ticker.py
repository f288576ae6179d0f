import asyncio
from itertools import pairwise

import pytest

from processors.playout import PACKET_S
from processors.ticker import MAX_LAG_S, Ticker
from tests.processors.virtual_time import VirtualTimeLoop, in_virtual_time

WAIT_LIMIT_S = 60.0


class Beats:
    """Subscribes, and remembers when it was called. `slow` beats take that long."""

    def __init__(self, ticker: Ticker, slow: dict[int, float] | None = None) -> None:
        self.times: list[float] = []
        self._ticker = ticker
        self._slow = slow or {}
        self._enough: asyncio.Event = asyncio.Event()
        self._wanted = 0
        ticker.subscribe(self)

    def __call__(self, now: float) -> None:
        spend(self._slow.get(len(self.times), 0.0))
        self.times.append(now)
        if len(self.times) >= self._wanted:
            self._enough.set()

    async def wait_for(self, count: int) -> list[float]:
        self._wanted = count
        self._enough.clear()
        async with asyncio.timeout(WAIT_LIMIT_S):
            await self._enough.wait()
        return self.times[:count]

    @property
    def steps(self) -> list[float]:
        return [later - earlier for earlier, later in pairwise(self.times)]


def spend(seconds: float) -> None:
    """As if the loop had been busy."""
    loop = asyncio.get_running_loop()
    assert isinstance(loop, VirtualTimeLoop)
    loop.jumping.now += seconds


@in_virtual_time
async def test_a_beat_every_20_ms_without_drift() -> None:
    ticker = Ticker()
    beats = Beats(ticker, slow={number: 0.007 for number in range(0, 1000, 3)})
    times = await beats.wait_for(1001)
    assert times[-1] - times[0] == pytest.approx(1000 * PACKET_S, abs=0.008)
    assert ticker.late_beats == 0
    await ticker.close()


@in_virtual_time
async def test_after_a_late_beat_the_next_ones_catch_up() -> None:
    ticker = Ticker()
    beats = Beats(ticker, slow={5: 0.09})
    times = await beats.wait_for(20)
    assert times[-1] - times[0] == pytest.approx(19 * PACKET_S, abs=1e-3)
    assert beats.steps[5] == pytest.approx(0.09)
    assert beats.steps[6] == pytest.approx(0.0, abs=1e-3)
    assert ticker.late_beats == 0
    await ticker.close()


@in_virtual_time
async def test_after_a_long_stall_the_beat_starts_anew() -> None:
    ticker = Ticker()
    beats = Beats(ticker, slow={5: 5.0})
    await beats.wait_for(20)
    assert max(beats.steps) == pytest.approx(5.0, abs=0.03)
    assert sum(step < PACKET_S / 2 for step in beats.steps) == 0, "no burst of what was missed"
    assert MAX_LAG_S < 5.0
    assert ticker.late_beats == 1
    await ticker.close()


@in_virtual_time
async def test_one_that_raises_is_logged_and_dropped_and_the_others_go_on(
    caplog: pytest.LogCaptureFixture,
) -> None:
    ticker = Ticker()
    called = []

    def fails(now: float) -> None:
        called.append(now)
        raise RuntimeError("broken room")

    ticker.subscribe(fails)
    beats = Beats(ticker)
    await beats.wait_for(5)
    assert len(called) == 1
    (record,) = [each for each in caplog.records if each.name == "processors.ticker"]
    assert record.exc_info is not None
    await ticker.close()


@in_virtual_time
async def test_it_rests_when_nobody_listens_and_wakes_again() -> None:
    ticker = Ticker()
    beats = Beats(ticker)
    await beats.wait_for(3)
    ticker.unsubscribe(beats)
    ticker.unsubscribe(beats)
    await until_it_rests()
    count = len(beats.times)
    ticker.subscribe(beats)
    ticker.subscribe(beats)
    await beats.wait_for(count + 3)
    assert len(set(beats.times)) == len(beats.times), "subscribed once, called once"
    await ticker.close()


@in_virtual_time
async def test_who_comes_back_at_once_is_not_forgotten() -> None:
    ticker = Ticker()
    beats = Beats(ticker)
    await beats.wait_for(2)
    ticker.unsubscribe(beats)
    ticker.subscribe(beats)
    await beats.wait_for(5)
    await ticker.close()


@in_virtual_time
async def test_who_was_unsubscribed_within_a_beat_gets_no_more() -> None:
    ticker = Ticker()
    second: list[Beats] = []

    def first(now: float) -> None:
        ticker.unsubscribe(second[0])
        ticker.unsubscribe(first)

    ticker.subscribe(first)
    second.append(Beats(ticker))
    await until_it_rests()
    assert second[0].times == []


async def until_it_rests() -> None:
    async with asyncio.timeout(WAIT_LIMIT_S):
        await asyncio.wait([task for task in asyncio.all_tasks() if task.get_name() == "ticker"])


@in_virtual_time
async def test_closing_twice_and_closing_what_never_ran() -> None:
    await Ticker().close()
    ticker = Ticker()
    beats = Beats(ticker)
    await beats.wait_for(1)
    await ticker.close()
    await ticker.close()
    count = len(beats.times)
    others = Beats(ticker)
    await others.wait_for(3)
    await ticker.close()
    assert len(beats.times) == count, "who was dropped must subscribe again"
