"""One emulator process for all tests that only talk to it, and a client of the SDK for each."""

import json
from collections.abc import Iterator

import pytest
from google import genai

from tests.emulator.emulator_process import FAST, RunningEmulator, running_emulator
from tests.emulator.sdk import SCENARIO, client_for


@pytest.fixture(scope="session")
def emulator(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningEmulator]:
    """The real process with fast answers and SCENARIO; modules may have one of their own."""
    folder = tmp_path_factory.mktemp("emulator")
    scenario = folder / "scenario.json"
    scenario.write_text(json.dumps(SCENARIO))
    with running_emulator(folder, *FAST, "--scenario", str(scenario)) as running:
        yield running


@pytest.fixture
def client(emulator: RunningEmulator, monkeypatch: pytest.MonkeyPatch) -> Iterator[genai.Client]:
    """A client that was pointed at the emulator by environment variables."""
    made = client_for(emulator, monkeypatch)
    yield made
    made.close()
