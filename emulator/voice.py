"""The emulator's voice: text to PCM16 LE mono 24 kHz, spoken by espeak-ng in a child process.

espeak-ng is GPL and never enters this process (see voice_worker). Without it, or when the child
fails twice, every word becomes a tone instead, so that sound still flows; `in_tones` counts them.
"""

from __future__ import annotations

import importlib.util
import json
import logging
from typing import Final

from emulator.tones import speak_in_tones
from emulator.worker_process import WorkerError, WorkerProcess

logger = logging.getLogger(__name__)

RATE_HZ: Final = 24_000
MAX_TEXT_CHARACTERS: Final = 5_000
SPEAK_TIME_LIMIT_S: Final = 15.0
_OK: Final = 0


class Voice:
    """Speaks for any number of sessions at once. Use: start(), speak() …, close().

    `in_tones` counts the texts that espeak-ng did not speak.
    """

    def __init__(self) -> None:
        self._worker: WorkerProcess | None = None
        self.in_tones = 0

    @property
    def worker(self) -> WorkerProcess | None:
        """The child process, None while espeak-ng is not installed or not started."""
        return self._worker

    async def start(self) -> None:
        """Start the child when espeak-ng is installed; says so once when it is not."""
        if self._worker is not None:
            return
        if importlib.util.find_spec("espeakng_loader") is None:
            logger.warning("espeakng-loader is not installed: the emulator answers in tones")
            return
        self._worker = WorkerProcess("emulator.voice_worker")
        await self._worker.start()

    async def speak(self, text: str, *, voice: str, language: str = "en-US") -> bytes:
        """PCM16 LE mono 24 kHz of at most MAX_TEXT_CHARACTERS of `text`; never raises WorkerError.

        `voice` is a Gemini voice name (unknown ones sound like the default), `language` a BCP-47
        tag. Text without words gives no bytes.
        """
        text = text[:MAX_TEXT_CHARACTERS].strip()
        if not text:
            return b""
        pcm = await self._speak_with_espeak(text, voice, language)
        if pcm is None:
            self.in_tones += 1
            return speak_in_tones(text)
        return pcm

    async def _speak_with_espeak(self, text: str, voice: str, language: str) -> bytes | None:
        if self._worker is None:
            return None
        request = {"text": text, "voice": voice, "language": language, "rate_hz": RATE_HZ}
        try:
            answer = await self._worker.request(
                json.dumps(request).encode(), time_limit_s=SPEAK_TIME_LIMIT_S
            )
        except WorkerError as error:
            logger.warning("no speech, tones instead: %s", error)
            return None
        if not answer or answer[0] != _OK:
            reason = answer[1:200].decode(errors="replace")
            logger.warning("espeak-ng refused, tones instead: %s", reason)
            return None
        return answer[1:]

    async def close(self) -> None:
        """End the child process; idempotent, bounded. speak() then answers in tones."""
        worker, self._worker = self._worker, None
        if worker is not None:
            await worker.close()
