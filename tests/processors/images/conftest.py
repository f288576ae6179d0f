"""The real emulator, one process for all tests of this folder."""

from collections.abc import AsyncIterator, Iterator

import pytest
import pytest_asyncio
from google import genai

from processors.gemini.client import Endpoint, make_client
from tests.emulator.emulator_process import running_emulator


@pytest.fixture(scope="session")
def emulator(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Endpoint]:
    with running_emulator(tmp_path_factory.mktemp("emulator")) as running:
        yield Endpoint(running.base_url, "for-tests", running.context)


@pytest.fixture(scope="session")
def strict_emulator(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Endpoint]:
    folder = tmp_path_factory.mktemp("strict-emulator")
    with running_emulator(folder, "--strict-signatures") as running:
        yield Endpoint(running.base_url, "for-tests", running.context)


@pytest_asyncio.fixture
async def strict(strict_emulator: Endpoint) -> AsyncIterator[genai.Client]:
    """Of an image model that wants its signatures back."""
    made = make_client(strict_emulator, vertex=False)
    yield made
    await made.aio.aclose()


@pytest_asyncio.fixture
async def client(emulator: Endpoint) -> AsyncIterator[genai.Client]:
    made = make_client(emulator, vertex=False)
    yield made
    await made.aio.aclose()
