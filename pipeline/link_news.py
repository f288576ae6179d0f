"""What clients are told of the link to Gemini, whenever they come. Pure: time is an argument."""

from typing import Final

from processors.frames import LinkStatus, LinkStatusFrame
from transports import rtvi

TOLD_WITHIN_S: Final = 5.0  # a client takes a second or two to connect and say that it is ready


def link_status(news: LinkStatusFrame) -> list[str]:
    """As RTVI messages."""
    data = {"type": "link-status", "status": news.status.value, "sentence": news.sentence}
    out = [rtvi.server_message(data)]
    if news.status is LinkStatus.FAILED:
        out.append(rtvi.error(news.sentence, fatal=True))
    return out


class LinkNews:
    """`heard` takes each of the link's own words."""

    def __init__(self) -> None:
        self._last = LinkStatusFrame(LinkStatus.CONNECTING)
        self._was_ready = False
        self._failed_at: float | None = None

    def heard(self, news: LinkStatusFrame, now: float) -> None:
        self._last = news
        self._was_ready = self._was_ready or news.status is LinkStatus.READY
        if news.status is LinkStatus.FAILED and self._failed_at is None:
            self._failed_at = now

    @property
    def status(self) -> LinkStatus:
        return self._last.status

    @property
    def welcomes(self) -> bool:
        """Whether the bot is ready. While a link that was there is renewed, what is said waits."""
        return self._was_ready

    @property
    def standing(self) -> list[str]:
        """For one who comes now, or back: what it was told last may not be true any more."""
        to_tell = self._was_ready or self._last.sentence
        return link_status(self._last) if to_tell else []

    def is_over(self, now: float, *, everybody_knows: bool) -> bool:
        """The link has failed, and whoever was on the way has heard why or takes too long.

        A wrong key is known before the first client can be told anything.
        """
        failed_at = self._failed_at
        return failed_at is not None and (everybody_knows or now >= failed_at + TOLD_WITHIN_S)
