"""The emulator's ears: one utterance to words, by pocketsphinx in a child process.

The child hears only the sentences of `phrases`; everything else, and damaged sound, comes out as
''. Without pocketsphinx the emulator is deaf and says so once.
"""

from __future__ import annotations

import importlib.util
import json
import logging
from collections import Counter
from typing import Final

from emulator.worker_process import WorkerError, WorkerProcess

logger = logging.getLogger(__name__)

HEAR_TIME_LIMIT_S: Final = 15.0
MAX_UTTERANCE_BYTES: Final = 2 * 16_000 * 60


class Ears:
    """Listens for any number of sessions at once. Use: start(), hear() …, close().

    `refusals` counts the utterances that were not understood, by reason.
    """

    def __init__(self) -> None:
        self._worker: WorkerProcess | None = None
        self.refusals: Counter[str] = Counter()

    @property
    def worker(self) -> WorkerProcess | None:
        """The child process, None while pocketsphinx is not installed or not started."""
        return self._worker

    async def start(self) -> None:
        """Start the child when pocketsphinx is installed; says so once when it is not."""
        if self._worker is not None:
            return
        if importlib.util.find_spec("pocketsphinx") is None:
            logger.warning("pocketsphinx is not installed: the emulator hears nothing")
            return
        self._worker = WorkerProcess("emulator.ears_worker")
        await self._worker.start()

    async def hear(self, pcm: bytes) -> str:
        """The words of one utterance (PCM16 LE mono 16 kHz), '' when not understood.

        Only the first MAX_UTTERANCE_BYTES count. Never raises for bad sound or a lost child.
        """
        if self._worker is None:
            self.refusals["deaf"] += 1
            return ""
        try:
            answer = await self._worker.request(
                pcm[:MAX_UTTERANCE_BYTES], time_limit_s=HEAR_TIME_LIMIT_S
            )
        except WorkerError as error:
            logger.warning("not heard: %s", error)
            self.refusals["no answer"] += 1
            return ""
        heard = json.loads(answer)
        if heard["refusal"]:
            self.refusals[heard["refusal"]] += 1
            # The reason only: what people say never reaches a log.
            logger.info("not understood: %s", heard["refusal"])
        return str(heard["words"])

    async def close(self) -> None:
        """End the child process; idempotent, bounded. hear() then answers ''."""
        worker, self._worker = self._worker, None
        if worker is not None:
            await worker.close()
