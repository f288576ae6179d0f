"""What every test stands on: a clean environment, nothing left behind, and a browser.

A test fails when it leaves an asyncio task, a thread that is not a daemon or a child process, or
when an exception reached nobody but the event loop. The loop runs in debug mode: calls from a
wrong thread raise, and coroutines nobody awaited name where they were made. Not so in tests with
real media, which would stutter; `PYTHONASYNCIODEBUG=1 make test` turns it on there too.
"""

import asyncio
import inspect
import os
import select
import tempfile
import threading
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any, Final

import pytest
import pytest_asyncio
from hypothesis import HealthCheck, settings
from playwright.async_api import Browser

from tests.chromium import Chromium, chromium_or_skip
from tests.own_coverage import ROOT, cores, own_tests

# How long an example takes says more of the machine than of us. Each run of the tests looks at
# the same examples; `make fuzz` at others each time, and at many (`--hypothesis-profile=fuzz`).
UNTIMED: Final = [HealthCheck.too_slow]
settings.register_profile(
    "same", deadline=None, derandomize=True, database=None, suppress_health_check=UNTIMED
)
settings.register_profile("fuzz", deadline=None, max_examples=1_000, suppress_health_check=UNTIMED)
settings.load_profile("same")

# Whatever these name, a test that means it sets it.
CLEARED_PREFIXES: Final = ("EASEL_", "GEMINI_", "GOOGLE_")
CLEARED_SUFFIXES: Final = ("_proxy", "_PROXY")  # tests speak to loopback only

AT_THE_PACE_OF_MEDIA: Final = ("browser", "realtime")  # markers

# The loop's own executor; pytest-asyncio ends it with the loop, after our check.
LOOP_THREADS: Final = "asyncio_"

LEFT_OUT: Final = pytest.StashKey[frozenset[Path]]()

# How long something that is already ending may take to end. Passing it fails the test.
GRACE_S: Final = 2.0


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--without-cores",
        action="store_true",
        help="leave out what `python -m tests.own_coverage` has run",
    )


def pytest_configure(config: pytest.Config) -> None:
    # No setting of ours or of the SDK leaks in. `SSL_CERT_FILE` and the rest stay as they are.
    for name in list(os.environ):
        if name.startswith(CLEARED_PREFIXES) or name.endswith(CLEARED_SUFFIXES):
            del os.environ[name]
    # What a service under test keeps does not lie among what the user's own one keeps.
    state = tempfile.TemporaryDirectory(prefix="easel-state-")
    config.add_cleanup(state.cleanup)
    os.environ["XDG_STATE_HOME"] = state.name
    config.stash[LEFT_OUT] = frozenset(
        ROOT / test for test in (own_tests(cores()) if config.getoption("--without-cores") else ())
    )


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """None: as pytest thinks fit."""
    return True if collection_path in config.stash[LEFT_OUT] else None


@pytest.fixture(autouse=True)
def nothing_left_behind(request: pytest.FixtureRequest) -> Iterator[None]:
    """Fails a test that leaves threads or children; `no_task_left` does the same for tasks."""
    threads, children = set(threading.enumerate()), _children()
    if _runs_in_its_own_loop(request):
        request.getfixturevalue("no_task_left")
    yield
    left = [thread for thread in threading.enumerate() if thread not in threads]
    named = [f"thread {thread.name}" for thread in left if _stays(thread)]
    named += [f"child process {pid}" for pid in _children() - children if not _ended(pid)]
    if named:
        pytest.fail(f"left behind: {', '.join(named)}", pytrace=False)


@pytest_asyncio.fixture
async def no_task_left(request: pytest.FixtureRequest) -> AsyncIterator[None]:
    """Set up before and torn down after all other fixtures of a coroutine test."""
    loop = asyncio.get_running_loop()
    if not any(map(request.node.get_closest_marker, AT_THE_PACE_OF_MEDIA)):
        loop.set_debug(True)
    unheard: list[str] = []

    def hear(loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        unheard.append(f"{context.get('message')}: {context.get('exception')!r}")
        loop.default_exception_handler(context)

    loop.set_exception_handler(hear)
    before = asyncio.all_tasks()
    yield
    left = asyncio.all_tasks() - before - {asyncio.current_task()}
    if left:
        _, left = await asyncio.wait(left, timeout=GRACE_S)
    if left:
        pytest.fail(f"left behind: {', '.join(map(repr, left))}", pytrace=False)
    if unheard:
        pytest.fail(f"told nobody but the event loop: {'; '.join(unheard)}", pytrace=False)


def _runs_in_its_own_loop(request: pytest.FixtureRequest) -> bool:
    marker = request.node.get_closest_marker("asyncio")
    shared = marker is not None and marker.kwargs.get("loop_scope", "function") != "function"
    return inspect.iscoroutinefunction(getattr(request, "function", None)) and not shared


def _stays(thread: threading.Thread) -> bool:
    """Whether the thread keeps the process from ending, beyond the grace."""
    if thread.daemon or thread.name.startswith(LOOP_THREADS):
        return False
    thread.join(GRACE_S)
    return thread.is_alive()


def _children() -> set[int]:
    """The process ids of our children, of whichever thread."""
    pids: set[int] = set()
    for file in Path("/proc/self/task").glob("*/children"):
        try:
            pids.update(map(int, file.read_text().split()))
        except FileNotFoundError:  # a thread that ended meanwhile
            continue
    return pids


def _ended(pid: int) -> bool:
    """Whether the process ends within the grace. Unlike waitpid, this takes no status away."""
    try:
        descriptor = os.pidfd_open(pid)
    except ProcessLookupError:
        return True
    try:
        return bool(select.select([descriptor], [], [], GRACE_S)[0])
    finally:
        os.close(descriptor)


@pytest.fixture(scope="session")
def chromium() -> Chromium:
    """The installed Chromium, to launch with flags of one's own: `chromium.launched(…)`."""
    return chromium_or_skip()


@pytest_asyncio.fixture
async def browser(chromium: Chromium) -> AsyncIterator[Browser]:
    """A Chromium with a fake camera and a fake microphone, for one test."""
    async with chromium.launched() as launched:
        yield launched
