"""What is kept of one peer's video: its decoder, and what was seen last. For worker threads."""

from dataclasses import dataclass
from typing import Final

import av

from processors.pictures import (
    CodedPictures,
    Jpeg,
    PictureDecoder,
    jpeg_from,
    looks_the_same,
)

FULL_LONG_SIDE: Final = 2048  # as of an upload
FULL_QUALITY: Final = 85  # the last eight seconds of a screen shall fit into a megabyte
REPEAT_S: Final = 10.0  # a picture that does not change is shown again after so long
# A still screen's pictures are far smaller, a camera's always larger.
_MAY_BE_SAME_BITS_PER_PIXEL: Final = 0.02


@dataclass(frozen=True, slots=True)
class Look:
    """`jpeg` is None when it would show what the last one did. `full` is the picture at the size
    received; None if it is of no followed stream, and can be had from its own bytes."""

    jpeg: Jpeg | None
    full: Jpeg | None = None


@dataclass(slots=True)
class PeerVideo:
    """`look` at a stream's pictures in their order, by one thread at a time.

    `forgotten`: nobody wants to see what comes of it any more.
    """

    forgotten: bool = False
    _full: Jpeg | None = None
    _decoder: PictureDecoder | None = None
    _shown: av.VideoFrame | None = None
    _shown_at: float = float("-inf")

    def look(self, pictures: CodedPictures, now: float, *, long_side: int, quality: int) -> Look:
        """Raises `CodecError`. `now` is monotonic seconds."""
        frame = self._decode(pictures)
        if self._unchanged(pictures, frame, now):
            return Look(None, self._full)
        jpeg = jpeg_from(frame, long_side=long_side, quality=quality)
        if not pictures.followed and pictures.alone:
            return Look(jpeg)
        self._shown, self._shown_at = frame, now
        self._full = jpeg_from(frame, long_side=FULL_LONG_SIDE, quality=FULL_QUALITY)
        return Look(jpeg, self._full)

    def _decode(self, pictures: CodedPictures) -> av.VideoFrame:
        decoder = None if pictures.alone else self._decoder
        if decoder is None:
            decoder = PictureDecoder(pictures.codec)
        self._decoder = decoder if pictures.followed else None
        return decoder.last_of_untrusted(pictures.parts)

    def _unchanged(self, pictures: CodedPictures, frame: av.VideoFrame, now: float) -> bool:
        if self._shown is None or now - self._shown_at >= REPEAT_S:
            return False
        if 8 * pictures.size > _MAY_BE_SAME_BITS_PER_PIXEL * frame.width * frame.height:
            return False
        return looks_the_same(frame, self._shown)
