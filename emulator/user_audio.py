"""The user's voice in a session: one stream, and the activity in it, found or marked; pure.

Errors:

    ActivityError      the client's marks break the rules; carries the close that answers it
"""

from __future__ import annotations

from emulator.activity import (
    RATE_HZ,
    ActivityEvent,
    AutomaticActivity,
    Ended,
    ManualActivity,
    Started,
)
from emulator.audio_in import AudioFormatError, AudioStream
from emulator.closes import EMPTY_ACTIVITY, INVALID_ARGUMENT, Close
from emulator.live_setup import LiveSetup


class ActivityError(Exception):
    """Marks or sound that the real service refuses."""

    def __init__(self, close: Close) -> None:
        super().__init__(close.reason)
        self.close = close


class UserAudio:
    """Automatic or manual activity behind one face."""

    def __init__(self, setup: LiveSetup) -> None:
        self._stream = AudioStream()
        self._automatic = None if setup.manual_activity else AutomaticActivity(setup.detection)
        self._manual = ManualActivity() if setup.manual_activity else None
        # Text inside a manual activity waits for its end.
        self._text: list[str] = []

    @property
    def active(self) -> bool:
        """True while the user speaks, as far as detected or marked."""
        return (self._automatic or self._manual_or_fail()).active

    @property
    def samples(self) -> int:
        """How many samples (16 kHz) came so far."""
        return (self._automatic or self._manual_or_fail()).samples

    def feed_untrusted(self, data: bytes, mime_type: str) -> tuple[bytes, list[ActivityEvent]]:
        """One audio message: its sound at 16 kHz and what began or ended in it.

        Raises:
            ActivityError: the format is not PCM.
        """
        try:
            pcm = self._stream.feed_untrusted(data, mime_type)
        except AudioFormatError:
            raise ActivityError(INVALID_ARGUMENT) from None
        if self._automatic is not None:
            return pcm, self._automatic.feed(pcm)
        self._manual_or_fail().feed(pcm)
        return pcm, []

    def start(self) -> list[ActivityEvent]:
        """The client's `activityStart`. Raises ActivityError under automatic detection."""
        if self._manual is None:
            raise ActivityError(INVALID_ARGUMENT)
        return [Started(self._manual.offset_s)] if self._manual.start() else []

    def end(self) -> list[ActivityEvent]:
        """The client's `activityEnd`.

        Raises:
            ActivityError: automatic detection is on, or the activity held no sound (also when
                there was none at all), which the real service does not survive.
        """
        if self._manual is None:
            raise ActivityError(INVALID_ARGUMENT)
        pcm = self._manual.end()
        if not pcm:
            raise ActivityError(EMPTY_ACTIVITY)
        end = self._manual.samples
        return [Ended(self._manual.offset_s, pcm, (end - len(pcm) // 2, end))]

    def end_stream(self) -> list[ActivityEvent]:
        """The client's `audioStreamEnd`. Raises ActivityError under manual activity."""
        if self._automatic is None:
            raise ActivityError(INVALID_ARGUMENT)
        return self._automatic.end_stream()

    def keep_text(self, text: str) -> bool:
        """Text while the user marks an activity is not answered by itself; True when kept."""
        if self._manual is None or not self._manual.active:
            return False
        self._text.append(text)
        return True

    def take_text(self) -> str:
        """The text kept since the last call."""
        text, self._text = " ".join(self._text), []
        return text

    def _manual_or_fail(self) -> ManualActivity:
        assert self._manual is not None, "a session has either kind of activity"
        return self._manual


def seconds(pcm: bytes) -> float:
    """The duration of PCM16 mono 16 kHz."""
    return len(pcm) / (2 * RATE_HZ)
