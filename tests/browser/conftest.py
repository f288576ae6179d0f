"""The service and the Gemini it talks to, started once for all the tests of a file."""

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from tests.browser.processes import Emulator, Service, emulator, service


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def gemini(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Emulator]:
    async with emulator(tmp_path_factory.mktemp("emulator")) as running:
        yield running


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def easel(gemini: Emulator) -> AsyncIterator[Service]:
    async with service(gemini.environment) as running:
        yield running
