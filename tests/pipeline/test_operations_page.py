"""What docs/operations.md says of metrics, against those of a service that has talked."""

import re
from pathlib import Path

import aiohttp
import pytest
from prometheus_client.parser import text_string_to_metric_families

from tests.browser.processes import emulator, service
from tests.talking_peer import Camera, talking_peer

PAGE = Path(__file__).parents[2] / "docs" / "operations.md"
METRIC = re.compile(r"`(easel_\w+)(?:\{([\w,]+)\})?`")
GAUGES = {"easel_rooms", "easel_peers"}


def mentioned() -> set[tuple[str, str]]:
    """Names of metrics and each label after them, "" for none."""
    return {
        (name, label)
        for name, labels in METRIC.findall(PAGE.read_text())
        for label in labels.split(",")
    }


def test_the_page_names_metrics() -> None:
    names = {name for name, _ in mentioned()}
    assert names > GAUGES and len(names) > 5


@pytest.mark.realtime
async def test_every_metric_of_the_page_is_there_after_a_conversation(tmp_path: Path) -> None:
    async with emulator(tmp_path) as gemini, service(gemini.environment) as running:
        async with talking_peer(running.url, camera=Camera()) as peer:
            await peer.join()
            peer.write("hello")
            await peer.transcribed("model", "emulator")
        async with aiohttp.ClientSession(running.url) as http:
            async with http.get("/nowhere") as response:
                assert response.status == 404  # a refusal, for their metric
            async with http.get("/metrics") as response:
                text = await response.text()
    kinds, found = {}, set()
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            kinds[sample.name] = family.type
            found |= {(sample.name, label) for label in sample.labels or ("",)}
    assert mentioned() <= found, sorted(mentioned() - found)
    ours = {name: kind for name, kind in kinds.items() if name.startswith("easel_")}
    assert {name for name, kind in ours.items() if kind != "counter"} == GAUGES
