"""What somebody points at, as everybody is told of it. Pure but for the clock of `now`."""

from collections.abc import Callable

from processors.errors import ToolError
from processors.images.marks import CAMERA, Mark
from processors.images.region import Region
from processors.images.sources import Sources

NO_SUCH = "There is no such picture in this conversation."


class Pointing:
    """`tell` gets the mark there is now, or None when there is none any more."""

    def __init__(self, sources: Sources, tell: Callable[[Mark | None], None]) -> None:
        self._sources = sources
        self._tell = tell

    def at(self, region: Region, target: str, peer_id: str, now: float) -> None:
        """What the next edit keeps to: a region of an image, or of what this peer's camera shows
        now. Raises `ToolError`, with a sentence for people."""
        frame = self._sources.newest_frame(peer_id, now) if target == CAMERA else None
        if frame is None and not self._is_there(target):
            raise ToolError(NO_SUCH)
        self._point(Mark(region, target, peer_id, now, frame))

    def at_nothing(self) -> None:
        if self._sources.marks.clear():
            self._tell(None)

    def again(self, mark: Mark) -> None:
        """Its wish came to nothing: who tries again means the same place, unless somebody points
        at another one meanwhile."""
        is_there = mark.frame is not None or self._is_there(mark.target)
        if is_there and self._sources.marks.current is None:
            self._point(mark)

    def _is_there(self, image_id: str) -> bool:
        image = self._sources.tree.images.get(image_id)
        return image is not None and image.stored is not None

    def _point(self, mark: Mark) -> None:
        self._sources.marks.put(mark)
        self._tell(mark)
