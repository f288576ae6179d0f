"""A Gemini for each test, on the loopback interface."""

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from tests.processors.gemini.live_server import Certificate, make_certificate
from tests.processors.gemini.scripted_gemini import ScriptedGemini, scripted_gemini


@pytest.fixture(scope="package")
def trusted(tmp_path_factory: pytest.TempPathFactory) -> Certificate:
    return make_certificate(tmp_path_factory.mktemp("certificate"))


@pytest_asyncio.fixture
async def gemini(trusted: Certificate) -> AsyncIterator[ScriptedGemini]:
    async with scripted_gemini(trusted) as server:
        yield server
