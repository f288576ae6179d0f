"""The room's eye: encoded pictures in, at most one JPEG a second out."""

import asyncio
import logging
from collections.abc import Callable
from concurrent.futures import Executor
from dataclasses import dataclass
from functools import partial
from typing import Final

from pipecat.frames.frames import Frame, InputImageRawFrame

from processors.cadence import Cadence
from processors.errors import CodecError
from processors.pictures import Jpeg, jpeg_of

logger = logging.getLogger(__name__)

EARLY_SHARE: Final = 0.96  # of the interval: jitter may shorten a gap by no more


@dataclass(frozen=True, slots=True)
class VideoInConfig:
    interval_s: float = 1.0
    long_side_px: int = 768
    jpeg_quality: int = 80


@dataclass(slots=True)
class VideoInCounters:
    """`skipped` came while another was decoded; `replaced` were ready, and too early."""

    pictures: int = 0
    skipped: int = 0
    refused: int = 0
    replaced: int = 0
    sent: int = 0


class VideoIn:
    """`emit` gets an `InputImageRawFrame` (format "JPEG") at the cadence Gemini takes.

    A picture that comes while the last one is still being decoded is skipped and counted, so
    a slow machine sends fewer pictures and never old ones. `close()` and nothing comes any more.
    """

    def __init__(
        self, config: VideoInConfig, executor: Executor, emit: Callable[[Frame], None]
    ) -> None:
        self.counters = VideoInCounters()
        self.latest: Jpeg | None = None
        self._config = config
        self._executor = executor
        self._emit = emit
        self._cadence: Cadence[tuple[str, Jpeg]] = Cadence(config.interval_s * EARLY_SHARE)
        self._work: asyncio.Task[None] | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._closed = False

    def picture(self, peer_id: str, codec: str, data: bytes) -> None:
        """A complete key picture: "VP8" or "H264" (Annex B)."""
        if self._closed:
            return
        self.counters.pictures += 1
        if self._work is not None and not self._work.done():
            self.counters.skipped += 1
            return
        self._work = asyncio.create_task(self._convert(peer_id, codec, data), name="picture")

    async def close(self) -> None:
        """Idempotent. A picture that a thread still decodes is forgotten."""
        self._closed = True
        self._cancel_timer()
        if self._work is not None:
            self._work.cancel()
            await asyncio.gather(self._work, return_exceptions=True)

    async def _convert(self, peer_id: str, codec: str, data: bytes) -> None:
        convert = partial(
            jpeg_of,
            codec,
            data,
            long_side=self._config.long_side_px,
            quality=self._config.jpeg_quality,
        )
        loop = asyncio.get_running_loop()
        try:
            jpeg = await loop.run_in_executor(self._executor, convert)
        except CodecError as error:
            self.counters.refused += 1
            logger.debug("picture refused: %s", error)
            return
        except Exception:
            self.counters.refused += 1
            logger.exception("a picture could not be converted")
            return
        self.latest = jpeg
        self._pass_on(self._cadence.offer((peer_id, jpeg), loop.time()))
        self.counters.replaced = self._cadence.replaced

    def _pass_on(self, ready: tuple[str, Jpeg] | None) -> None:
        self._cancel_timer()
        if ready is not None:
            peer_id, jpeg = ready
            self.counters.sent += 1
            frame = InputImageRawFrame(jpeg.data, (jpeg.width, jpeg.height), "JPEG")
            frame.transport_source = peer_id
            self._emit(frame)
        if self._cadence.deadline is not None:
            loop = asyncio.get_running_loop()
            self._timer = loop.call_at(
                self._cadence.deadline, lambda: self._pass_on(self._cadence.take(loop.time()))
            )

    def _cancel_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
