"""The room's eye: encoded pictures in, at most one JPEG a second out."""

import asyncio
import logging
from collections import deque
from collections.abc import Callable
from concurrent.futures import Executor
from dataclasses import dataclass
from functools import partial
from typing import Final, NamedTuple

from pipecat.frames.frames import Frame, InputImageRawFrame

from processors.cadence import Cadence
from processors.errors import CodecError
from processors.peer_video import Look, PeerVideo
from processors.pictures import CodedPictures, Jpeg

logger = logging.getLogger(__name__)

EARLY_SHARE: Final = 0.96  # of the interval: jitter may shorten a gap by no more
EASEL: Final = "easel"  # whose picture the current image is
MAX_WAITING: Final = 8  # in a room: of streams that cannot do without a picture


@dataclass(frozen=True, slots=True)
class VideoInConfig:
    interval_s: float = 1.0
    long_side_px: int = 768
    jpeg_quality: int = 80


@dataclass(slots=True)
class VideoInCounters:
    """`skipped` came while another was decoded; `replaced` were ready, and too early;
    `unchanged` showed what the last one did; `refused` could not be decoded."""

    pictures: int = 0
    skipped: int = 0
    refused: int = 0
    replaced: int = 0
    unchanged: int = 0
    sent: int = 0


class _Job(NamedTuple):
    peer_id: str
    video: PeerVideo
    pictures: CodedPictures
    lost: Callable[[], None]
    came_at: float


class VideoIn:
    """`emit` gets an `InputImageRawFrame` (format "JPEG") at the cadence Gemini takes.

    A picture that comes while the last one is still being decoded is skipped and counted, so
    a slow machine sends fewer pictures and never old ones. Those of a stream that is followed
    wait instead, a few of them. `seen` gets each of those, at the size received, with its peer and
    the loop's time when it came. `close()` and nothing comes any more.
    """

    def __init__(
        self,
        config: VideoInConfig,
        executor: Executor,
        emit: Callable[[Frame], None],
        seen: Callable[[str, Jpeg, float], None] = lambda peer_id, jpeg, at: None,
    ) -> None:
        self.counters = VideoInCounters()
        self.latest: Jpeg | None = None
        self._config = config
        self._executor = executor
        self._emit = emit
        self._seen = seen
        self._cadence: Cadence[tuple[str, Jpeg]] = Cadence(config.interval_s * EARLY_SHARE)
        self._videos: dict[str, PeerVideo] = {}  # of the peers whose stream is followed
        self._waiting: deque[_Job] = deque()
        self._in_hand: _Job | None = None
        self._work: asyncio.Task[None] | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._closed = False
        self._first: Jpeg | None = None

    def configure(self, config: VideoInConfig) -> None:
        """For the pictures that come from now on."""
        self._config = config
        self._cadence.min_gap_s = config.interval_s * EARLY_SHARE

    def picture(
        self, peer_id: str, pictures: CodedPictures, lost: Callable[[], None] = lambda: None
    ) -> None:
        """`lost` is called when these, which others build on, are not or cannot be decoded."""
        if self._closed:
            return
        self.counters.pictures += 1
        video = self._video_for(peer_id, pictures)
        busy = self._work is not None and not self._work.done()
        if video is None or (busy and not self._may_wait(pictures)):
            self._skip(peer_id, pictures, lost)
            return
        now = asyncio.get_running_loop().time()
        self._waiting.append(_Job(peer_id, video, pictures, lost, now))
        if not busy:
            self._work = asyncio.create_task(self._convert_all(), name="picture")

    def _video_for(self, peer_id: str, pictures: CodedPictures) -> PeerVideo | None:
        """None: what these build on is not known here."""
        if not pictures.alone:
            return self._videos.get(peer_id)
        video = self._videos.pop(peer_id, None) or PeerVideo()
        if pictures.followed:
            self._videos[peer_id] = video
        return video

    def _may_wait(self, pictures: CodedPictures) -> bool:
        builds = pictures.followed or not pictures.alone
        return builds and len(self._waiting) < MAX_WAITING

    def _skip(self, peer_id: str, pictures: CodedPictures, lost: Callable[[], None]) -> None:
        self.counters.skipped += 1
        if pictures.followed:
            self._end_following(peer_id)
            lost()

    def _end_following(self, peer_id: str) -> None:
        video = self._videos.pop(peer_id, None)
        if video is not None:
            video.forgotten = True

    def forget(self, peer_id: str) -> None:
        """That peer shows nothing any more, and nothing of what it showed is to be seen."""
        self._end_following(peer_id)
        for job in (self._in_hand, *self._waiting):
            if job is not None and job.peer_id == peer_id:
                job.video.forgotten = True
        self._cadence.discard(lambda held: held[0] == peer_id)
        if self._first is not None and self._cadence.deadline is None:
            self._offer_first(self._first)

    def show(self, jpeg: Jpeg) -> None:
        """Goes out in the next slot, before any camera's picture: what everybody sees now."""
        if not self._closed:
            self._offer_first(jpeg)

    def _offer_first(self, jpeg: Jpeg) -> None:
        self._first = jpeg
        now = asyncio.get_running_loop().time()
        self._pass_on(self._cadence.offer((EASEL, jpeg), now))

    async def close(self) -> None:
        """Idempotent. A picture that a thread still decodes is forgotten."""
        self._closed = True
        self._cancel_timer()
        self._waiting.clear()
        self._videos.clear()
        if self._work is not None:
            self._work.cancel()
            await asyncio.gather(self._work, return_exceptions=True)

    async def _convert_all(self) -> None:
        while self._waiting:
            job = self._in_hand = self._waiting.popleft()
            look = None if job.video.forgotten else await self._converted(job)
            if look is not None and not job.video.forgotten:
                self._show(job, look)
            self._in_hand = None

    async def _converted(self, job: _Job) -> Look | None:
        loop = asyncio.get_running_loop()
        convert = partial(
            job.video.look,
            job.pictures,
            loop.time(),
            long_side=self._config.long_side_px,
            quality=self._config.jpeg_quality,
        )
        try:
            return await loop.run_in_executor(self._executor, convert)
        except CodecError as error:
            logger.debug("picture refused: %s", error)
        except Exception:
            logger.exception("a picture could not be converted")
        self.counters.refused += 1
        if job.pictures.followed and not job.video.forgotten:
            self._end_following(job.peer_id)
            job.lost()
        return None

    def _show(self, job: _Job, look: Look) -> None:
        if look.full is not None:
            self._seen(job.peer_id, look.full, job.came_at)
        if look.jpeg is None:
            self.counters.unchanged += 1
            return
        self.latest = look.jpeg
        now = asyncio.get_running_loop().time()
        self._pass_on(self._cadence.offer((job.peer_id, look.jpeg), now))
        self.counters.replaced = self._cadence.replaced

    def _pass_on(self, ready: tuple[str, Jpeg] | None) -> None:
        self._cancel_timer()
        if ready is not None:
            first, self._first = self._first, None
            peer_id, jpeg = ready if first is None else (EASEL, first)
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
