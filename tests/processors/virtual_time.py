"""An event loop whose time jumps: where nothing is left to do now, it is later at once."""

import asyncio
import functools
import selectors
from collections.abc import Awaitable, Callable
from typing import ParamSpec

START = 1000.0
STUCK_LIMIT_S = 10.0  # real seconds without anything that could ever happen

P = ParamSpec("P")


class _JumpingSelector(selectors.DefaultSelector):
    """Waits for sockets only when no timer is due, and then not for ever."""

    now = START

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        ready = super().select(0)
        if ready or timeout == 0:
            return ready
        if timeout is None:
            ready = super().select(STUCK_LIMIT_S)
            if not ready:
                raise RuntimeError("every task waits for something that will not come")
            return ready
        self.now += max(timeout, 1e-6)
        return []


class VirtualTimeLoop(asyncio.SelectorEventLoop):
    def __init__(self) -> None:
        self.jumping = _JumpingSelector()
        super().__init__(self.jumping)

    def time(self) -> float:
        return self.jumping.now


def in_virtual_time(test: Callable[P, Awaitable[None]]) -> Callable[P, None]:
    """Runs a coroutine test, and fails when it leaves tasks behind."""

    @functools.wraps(test)
    def run(*args: P.args, **kwargs: P.kwargs) -> None:
        async def alone() -> None:
            await test(*args, **kwargs)
            await asyncio.sleep(0)
            left = asyncio.all_tasks() - {asyncio.current_task()}
            assert not left, f"left behind: {left}"

        with asyncio.Runner(debug=True, loop_factory=VirtualTimeLoop) as runner:
            runner.run(alone())

    return run
