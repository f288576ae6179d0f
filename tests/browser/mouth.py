"""A microphone into which a test speaks when it wants to: its sound goes the page's own way."""

import asyncio
import base64
from pathlib import Path
from typing import Final

from playwright.async_api import Page

from tests.browser.stage_set import MICROPHONE_HZ, Pcm, spoken

SPEAK_LIMIT_S: Final = 30.0

# In place of the microphone's sound only: permission, constraints and the camera stay real.
MICROPHONE: Final = """() => {
  const real = navigator.mediaDevices.getUserMedia.bind(navigator.mediaDevices);
  const mouth = { context: null, destination: null };
  navigator.mediaDevices.getUserMedia = async (constraints) => {
    const stream = await real(constraints);
    const [microphone] = stream.getAudioTracks();
    if (microphone === undefined) return stream;
    mouth.context ??= new AudioContext({ sampleRate: 48000 });
    mouth.destination ??= mouth.context.createMediaStreamDestination();
    await mouth.context.resume();
    stream.removeTrack(microphone);
    microphone.stop();
    stream.addTrack(mouth.destination.stream.getAudioTracks()[0].clone());
    return stream;
  };
  window.speak = async (pcm) => {
    const bytes = Uint8Array.from(atob(pcm), (one) => one.charCodeAt(0));
    const samples = Float32Array.from(new Int16Array(bytes.buffer), (one) => one / 32768);
    const buffer = mouth.context.createBuffer(1, samples.length, 48000);
    buffer.copyToChannel(samples, 0);
    const source = mouth.context.createBufferSource();
    source.buffer = buffer;
    source.connect(mouth.destination);
    const ended = new Promise((resolve) => { source.onended = resolve; });
    source.start();
    await ended;
  };
}"""


async def lend_mouth(page: Page) -> None:
    """Before the page is opened: from then on `speak` is heard by whatever uses the microphone."""
    await page.add_init_script(f"({MICROPHONE})()")


async def speak(page: Page, text: str, folder: Path) -> None:
    """Says it, and returns when it is said."""
    said: Pcm = await asyncio.to_thread(spoken, text, folder)
    async with asyncio.timeout(SPEAK_LIMIT_S + said.size / MICROPHONE_HZ):
        await page.evaluate("(pcm) => window.speak(pcm)", base64.b64encode(said.tobytes()).decode())
