"""Connection quality from getStats (quality.js), and what the camera may send."""

from typing import Any

import pytest

from tests.web.conftest import Modules

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]


def reports(
    *, rtt_s: float | None = 0.02, jitter_s: float = 0.005, received: int = 100, lost: int = 0,
    sent: int = 10_000, frames: int = 10,
) -> list[dict[str, Any]]:  # fmt: skip
    pair = {"id": "P", "type": "candidate-pair", "currentRoundTripTime": rtt_s}
    return [
        {"id": "T", "type": "transport", "selectedCandidatePairId": "P"},
        {"id": "Q", "type": "candidate-pair", "nominated": True, "state": "succeeded"},
        {k: v for k, v in pair.items() if v is not None},
        {
            "id": "I", "type": "inbound-rtp", "kind": "audio", "jitter": jitter_s,
            "packetsReceived": received, "packetsLost": lost,
        },
        {"id": "O", "type": "outbound-rtp", "kind": "video", "bytesSent": sent,
         "framesSent": frames},
        {"id": "A", "type": "outbound-rtp", "kind": "audio", "bytesSent": 0},
        {"id": "S", "type": "media-source", "kind": "audio", "audioLevel": 0.25},
    ]  # fmt: skip


async def measure(modules: Modules, *moments: list[dict[str, Any]], gap_ms: int = 2000) -> Any:
    figures = None
    for index, moment in enumerate(moments):
        figures = await modules.call("quality.js", "measure", moment, figures, index * gap_ms)
    return figures


async def test_the_first_moment_has_no_rates(modules: Modules) -> None:
    figures = await measure(modules, reports())
    assert (figures["roundTripMs"], figures["jitterMs"], figures["audioLevel"]) == (20, 5, 0.25)
    assert (figures["sendKbps"], figures["framesPerSecond"], figures["lossPercent"]) == (None,) * 3
    assert figures["grade"] == "good"


async def test_rates_are_differences(modules: Modules) -> None:
    later = reports(received=190, lost=10, sent=60_000, frames=14)
    figures = await measure(modules, reports(), later)
    assert (figures["sendKbps"], figures["framesPerSecond"], figures["lossPercent"]) == (200, 2, 10)
    assert figures["grade"] == "poor"


async def test_a_new_connection_counts_from_zero(modules: Modules) -> None:
    figures = await measure(modules, reports(sent=90_000), reports(sent=100))
    assert figures["sendKbps"] is None


async def test_silence_is_no_loss(modules: Modules) -> None:
    figures = await measure(modules, reports(), reports())
    assert figures["lossPercent"] is None


async def test_browsers_that_count_encoded_frames(modules: Modules) -> None:
    def moment(frames: int) -> list[dict[str, Any]]:
        return [{"type": "outbound-rtp", "kind": "video", "framesEncoded": frames}]

    figures = await measure(modules, moment(4), moment(8))
    assert (figures["framesPerSecond"], figures["sendKbps"]) == (2, 0)


@pytest.mark.parametrize(
    ("rtt_s", "jitter_s", "grade"),
    [(0.25, 0.04, "good"), (0.3, 0.0, "fair"), (0.02, 0.05, "fair"), (0.7, 0.0, "poor")],
)
async def test_grades(modules: Modules, rtt_s: float, jitter_s: float, grade: str) -> None:
    figures = await measure(modules, reports(rtt_s=rtt_s, jitter_s=jitter_s))
    assert figures["grade"] == grade


async def test_nothing_known_is_no_grade(modules: Modules) -> None:
    figures = await measure(modules, [])
    assert (figures["grade"], figures["audioLevel"]) == ("none", None)
    assert await modules.call("quality.js", "rows", figures, None) == [
        ["Round trip", "–"], ["Sound lost", "–"], ["Jitter", "–"], ["Sending", "–"],
        ["Pictures sent", "–"], ["Microphone level", "–"], ["First answer", "–"],
    ]  # fmt: skip


async def test_a_browser_without_transport_stats_names_its_pair(modules: Modules) -> None:
    pair = {
        "id": "Q", "type": "candidate-pair", "nominated": True, "state": "succeeded",
        "currentRoundTripTime": 0.1,
    }  # fmt: skip
    assert (await measure(modules, [pair]))["roundTripMs"] == 100


async def test_rows_have_units(modules: Modules) -> None:
    figures = await measure(modules, reports())
    rows = dict(await modules.call("quality.js", "rows", figures, 420))
    assert (rows["Round trip"], rows["Microphone level"], rows["First answer"]) == (
        "20 ms", "25 %", "420 ms",
    )  # fmt: skip


@pytest.mark.parametrize(
    ("settings", "scale"),
    [
        ({"width": 1280, "height": 720}, 1),
        ({"width": 640, "height": 480}, 1),
        ({"width": 2560, "height": 1440}, 2),
        ({"width": 1080, "height": 1920}, 1.5),
        ({}, 1),
    ],
)
async def test_the_long_side_fits(modules: Modules, settings: object, scale: float) -> None:
    encoding = await modules.call("sending_limits.js", "encodingFor", settings)
    assert encoding == {
        "maxFramerate": 2,
        "maxBitrate": 1_200_000,
        "scaleResolutionDownBy": scale,
    }
