"""The answer as a person at the page hears it: intelligible, not clipped, without a gap."""

import base64
import json
from itertools import pairwise
from pathlib import Path
from typing import Final

import numpy as np
import pytest
from numpy.typing import NDArray
from playwright.async_api import Page, expect

from emulator.ears_worker import Recogniser
from emulator.resampling import resample
from tests.browser.processes import emulator, service
from tests.browser.visitor import ANSWER_LIMIT_MS, visitor
from tests.chromium import chromium_or_skip

pytestmark = pytest.mark.browser

TAP_HZ: Final = 48_000
RECOGNISER_HZ: Final = 16_000
SENTENCE: Final = "show me this room with a blue wall"
SCENARIO: Final = {"steps": [{"hear": "*", "say": SENTENCE}]}
LOUD: Final = 200.0  # of 32768, as the mean of 10 ms
LONGEST_PAUSE_S: Final = 0.25  # the voice itself makes none that long in this sentence
FULL_SCALE: Final = 32_767

# Every remote sound of the page, as it would be played: after Opus, jitter buffer, concealment.
TAP: Final = """() => {
  const Native = RTCPeerConnection;
  const chunks = [];
  const listen = (track) => {
    const context = new AudioContext({ sampleRate: 48000 });
    const tap = context.createScriptProcessor(16384, 1, 1);
    tap.onaudioprocess = ({ inputBuffer }) => chunks.push(inputBuffer.getChannelData(0).slice());
    context.createMediaStreamSource(new MediaStream([track])).connect(tap);
    tap.connect(context.destination);
  };
  window.RTCPeerConnection = class extends Native {
    constructor(...rest) {
      super(...rest);
      this.addEventListener('track', ({ track }) => track.kind === 'audio' && listen(track));
    }
  };
  window.tapped = () => {
    const samples = chunks.flatMap((chunk) => [...chunk]);
    const pcm = Int16Array.from(samples, (one) => Math.max(-1, Math.min(1, one)) * 32767);
    return new Promise((resolve) => {
      const reader = new FileReader();
      reader.onload = () => resolve(reader.result.split(',')[1]);
      reader.readAsDataURL(new Blob([pcm.buffer]));
    });
  };
}"""


async def tapped(page: Page) -> NDArray[np.int16]:
    return np.frombuffer(base64.b64decode(await page.evaluate("window.tapped()")), np.int16)


def longest_pause_s(sound: NDArray[np.int16]) -> float:
    """The longest quiet between the first and the last loud 10 ms."""
    length = TAP_HZ // 100
    frames = sound[: sound.size // length * length].reshape(-1, length).astype(np.float64)
    loud = np.flatnonzero(np.sqrt((frames**2).mean(axis=1)) > LOUD)
    assert loud.size > 0, "nothing was heard"
    return max(int(later - earlier) for earlier, later in pairwise(loud)) / 100


def test_a_gap_is_found() -> None:
    tone = np.full(TAP_HZ // 10, 3000, np.int16)
    silence = np.zeros(TAP_HZ // 2, np.int16)
    assert longest_pause_s(np.concatenate([tone, silence, tone])) == pytest.approx(0.51)


async def test_the_answer_is_intelligible_at_the_far_end(tmp_path: Path) -> None:
    scenario = tmp_path / "scenario.json"
    scenario.write_text(json.dumps(SCENARIO))
    async with (
        emulator(tmp_path, "--scenario", str(scenario)) as gemini,
        service(gemini.environment) as running,
        chromium_or_skip().launched(grants_all=False) as browser,
        visitor(browser, running.url, allowed=()) as person,
    ):
        page = person.page
        await page.add_init_script(f"({TAP})()")
        await page.reload()
        await person.join()
        await person.write("hello")
        speaking = page.get_by_test_id("speaking")
        await expect(speaking).to_have_attribute("data-who", "model", timeout=ANSWER_LIMIT_MS)
        await expect(speaking).to_have_attribute("data-who", "nobody", timeout=ANSWER_LIMIT_MS)
        sound = await tapped(page)
    assert np.abs(sound.astype(np.int32)).max() < FULL_SCALE, "it is clipped"
    assert longest_pause_s(sound) < LONGEST_PAUSE_S
    assert Recogniser().hear(resample(sound, TAP_HZ, RECOGNISER_HZ)) == SENTENCE
