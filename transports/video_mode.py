"""How much of a video to take: key pictures on request, or every picture. Pure.

One key picture a second is the cheapest way to look at thirty. Where pictures are few it is not:
they fit into the same budget, and look far better than key pictures that are asked for at the
bitrate of two pictures a second. Decoding a key picture costs about as much as five or six that
build on others (VGA, VP8), so that is where the limit lies.

A stream begins with every picture taken, until it is known how fast it is.
"""

from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum, auto
from typing import Final

from transports.rtp_sequence import timestamp_delta

SLOW_BELOW_FPS: Final = 6.0
FAST_FROM_FPS: Final = 8.0
VIDEO_CLOCK_HZ: Final = 90_000  # RFC 7741 section 6.1, RFC 6184 section 8.2.1
RATE_PICTURES: Final = 8  # so many intervals make a frame rate
ARRIVALS: Final = 24  # so many make one without the sender's own clock, and no stall makes them
WINDOW_S: Final = 0.9  # of counting pictures that are not read
SLOW_WINDOWS: Final = 2  # in a row: one may hold a pause
OWN_KEYS_WITHIN_S: Final = 2.5  # key pictures that come unasked so often are enough

# A sender's rate control bounds a key picture, and mends it with the next few. Measured with
# libvpx at constant bitrate: the first gains 2 to 4 dB, and where the key picture is poorest the
# second another half. More gain little, and cost half a millisecond each (VGA).
POOR_KEY_BITS_PER_PIXEL: Final = 0.35
GOOD_KEY_BITS_PER_PIXEL: Final = 0.8
DELTAS_AFTER_POOR: Final = 2
DELTAS_AFTER_FAIR: Final = 1


class VideoMode(Enum):
    KEYS = auto()
    ALL = auto()


class VideoModeEvent(Enum):
    SLOW = auto()
    FAST = auto()
    NO_KEYS = auto()
    KEYS_COME = auto()


TRANSITIONS: Final[Mapping[VideoMode, Mapping[VideoModeEvent, VideoMode]]] = {
    VideoMode.KEYS: {
        VideoModeEvent.SLOW: VideoMode.ALL,
        VideoModeEvent.NO_KEYS: VideoMode.ALL,
    },
    VideoMode.ALL: {
        VideoModeEvent.FAST: VideoMode.KEYS,
        VideoModeEvent.KEYS_COME: VideoMode.KEYS,
    },
}


class IllegalModeChange(RuntimeError):
    """An event that the table has no row for. Changes nothing."""


def next_mode(mode: VideoMode, event: VideoModeEvent) -> VideoMode:
    """Where `event` leads from `mode`. Raises `IllegalModeChange`."""
    try:
        return TRANSITIONS[mode][event]
    except KeyError:
        raise IllegalModeChange(f"{event.name} in {mode.name}") from None


def deltas_after(key_bytes: int, pixels: int | None) -> int:
    """How many of the pictures after a key picture of that size to decode for a good one."""
    if not pixels:
        return DELTAS_AFTER_FAIR
    bits_per_pixel = 8 * key_bytes / pixels
    if bits_per_pixel < POOR_KEY_BITS_PER_PIXEL:
        return DELTAS_AFTER_POOR
    return DELTAS_AFTER_FAIR if bits_per_pixel < GOOD_KEY_BITS_PER_PIXEL else 0


@dataclass(slots=True)
class ModeChoice:
    """The mode of one stream. Tell it of pictures that were `read`, or how many were `counted`.

    `ignores_requests`: key pictures that were asked for did not come.
    """

    mode: VideoMode = VideoMode.ALL
    ignores_requests: bool = False
    _timestamps: deque[int] = field(default_factory=lambda: deque(maxlen=RATE_PICTURES + 1))
    _arrivals: deque[float] = field(default_factory=lambda: deque(maxlen=ARRIVALS + 1))
    _counted: int = 0
    _counted_at: float = float("-inf")
    _slow_windows: int = 0
    _key_at: float = float("-inf")

    def _apply(self, event: VideoModeEvent) -> None:
        self.mode = next_mode(self.mode, event)
        self._timestamps.clear()
        self._arrivals.clear()
        self._slow_windows = 0

    def read(self, timestamp: int, now: float) -> None:
        """A picture was taken while all are. Whatever it is stamped with, when it came counts."""
        self._timestamps.append(timestamp)
        self._arrivals.append(now)
        if self.mode is not VideoMode.ALL or self.ignores_requests:
            return
        if self._fast_by_timestamps() or self._fast_by_arrival():
            self._apply(VideoModeEvent.FAST)

    def _fast_by_timestamps(self) -> bool:
        if len(self._timestamps) <= RATE_PICTURES:
            return False
        took = timestamp_delta(self._timestamps[-1], self._timestamps[0]) / VIDEO_CLOCK_HZ
        return 0 < took * FAST_FROM_FPS <= RATE_PICTURES

    def _fast_by_arrival(self) -> bool:
        if len(self._arrivals) <= ARRIVALS:
            return False
        return (self._arrivals[-1] - self._arrivals[0]) * FAST_FROM_FPS <= ARRIVALS

    def counted(self, pictures: int, now: float) -> None:
        """So many pictures ended since the stream began, read or not. 0: it cannot be told."""
        took = now - self._counted_at
        if took < WINDOW_S:
            return
        began = self._counted_at == float("-inf")
        rate = (pictures - self._counted) / took
        self._counted, self._counted_at = pictures, now
        slow = pictures > 0 and rate < SLOW_BELOW_FPS and not began
        self._slow_windows = self._slow_windows + 1 if slow else 0
        if self.mode is VideoMode.KEYS and self._slow_windows >= SLOW_WINDOWS:
            self._apply(VideoModeEvent.SLOW)

    def key_came(self, now: float) -> None:
        """Whether asked for or not."""
        often = now - self._key_at <= OWN_KEYS_WITHIN_S
        self._key_at = now
        if self.ignores_requests and often is (self.mode is VideoMode.ALL):
            self._apply(VideoModeEvent.KEYS_COME if often else VideoModeEvent.NO_KEYS)

    def asked_in_vain(self) -> None:
        """Several requests were not answered: the sender knows none, or its packets get lost."""
        self.ignores_requests = True
        if self.mode is VideoMode.KEYS:  # if they come all the same, that is seen soon
            self._apply(VideoModeEvent.NO_KEYS)
