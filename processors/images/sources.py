"""Which pictures a wish begins with. Pure: time is an argument."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

from processors.errors import ToolError
from processors.images.camera_reel import CameraPicture, CameraReel
from processors.images.marks import CAMERA, Mark, Marks
from processors.images.pixels import Picture
from processors.images.sharpness import candidates
from processors.images.tree import Image, ImageTree
from processors.images.utterances import Utterances
from processors.images.which import find

MAX_UPLOADS: Final = 16
MAX_SOURCES: Final = 8  # of one wish: models take 14, some only 3

_UPLOAD: Final = re.compile(r"(?:the )?upload(?:ed)?(?: (?:picture|image))?(?: (?:number )?(\d+))?")
_CURRENT: Final = frozenset({"", "last", "current", "it", "this"})


@dataclass(frozen=True, slots=True)
class FromCamera:
    """The sharpest of these is meant."""

    pictures: tuple[CameraPicture, ...]


@dataclass(frozen=True, slots=True)
class FromUpload:
    """`picture` None: it was uploaded before a restart, and is among the tree's originals."""

    upload_id: str
    picture: Picture | None


@dataclass(frozen=True, slots=True)
class FromImage:
    image_id: str


Source = FromCamera | FromUpload | FromImage


@dataclass(slots=True)
class Sources:
    """What there is to begin with, and what is meant by the words for it."""

    tree: ImageTree
    reel: CameraReel = field(default_factory=CameraReel)
    utterances: Utterances = field(default_factory=Utterances)
    marks: Marks = field(default_factory=Marks)
    _uploads: list[FromUpload] = field(default_factory=list)
    _unused: int = 0  # how many of them came since a wish used one
    _upload_is_last: bool = False

    def __post_init__(self) -> None:
        """A tree from before a restart knows what was uploaded, and which of it was used."""
        uploads = [one for one in self.tree.originals.values() if one.kind == "upload"]
        for original in uploads[-MAX_UPLOADS:]:
            self._uploads.append(FromUpload(original.original_id, None))
            used = self.tree.made_from(original.original_id)
            self._unused = 0 if used else self._unused + 1

    @property
    def upload_ids(self) -> frozenset[str]:
        """Those that a wish can still mean."""
        return frozenset(one.upload_id for one in self._uploads)

    def uploaded(self, upload_id: str, picture: Picture) -> None:
        self._uploads.append(FromUpload(upload_id, picture))
        del self._uploads[:-MAX_UPLOADS]
        self._unused = min(self._unused + 1, MAX_UPLOADS)
        self._upload_is_last = True

    def image_came(self) -> None:
        """Another image is current: "it" is not the upload any more."""
        self._upload_is_last = False

    def choose(self, words: str, now: float) -> Source:
        """ "camera", "upload", "upload 2", or what `which.find` understands. "last" is the current
        image or the upload, whichever came later; the camera when there is neither. Raises
        `ToolError`.
        """
        plain = " ".join(words.casefold().split())
        if plain == CAMERA:
            return FromCamera(tuple(self._shown(now)))
        upload = _UPLOAD.fullmatch(plain)
        if upload:
            return self._upload(int(upload[1]) if upload[1] else None)
        if plain not in _CURRENT:
            return FromImage(find(words, self.tree).image_id)
        if self._upload_is_last:
            return self._upload(None)
        if self.tree.current_id is not None:
            return FromImage(self.tree.current_id)
        try:
            return FromCamera(tuple(self._shown(now)))
        except ToolError:
            raise ToolError("There is no picture to edit, and the camera is off.") from None

    def marked(self, words: str, now: float) -> tuple[Source, Mark] | None:
        """What an edit means when somebody points at something. None: nobody does, or the words
        name another picture."""
        mark = self.marks.fresh(now)
        if mark is None:
            return None
        source: Source
        if mark.frame is not None:
            source = FromCamera((mark.frame,))
        elif mark.target in self.tree.images:
            source = FromImage(mark.target)
        else:
            return None
        if " ".join(words.casefold().split()) not in {*_CURRENT, CAMERA}:
            try:
                named = find(words, self.tree).image_id
            except ToolError:
                return None
            if named != mark.target:
                return None
        return source, mark

    def used(self, sources: Sequence[Source], mark: Mark | None) -> None:
        """A wish began with these."""
        if any(isinstance(source, FromUpload) for source in sources):
            self._unused = 0
        if mark is not None:
            self.marks.clear()

    def newest_frame(self, peer_id: str, now: float) -> CameraPicture:
        """What this peer's camera shows, else any. Raises `ToolError`."""
        frame = self.reel.newest(now, peer_id) or self.reel.newest(now)
        if frame is None:
            raise ToolError("The camera is off.")
        return frame

    def parent_of(self, source: Source) -> Image | None:
        return self.tree[source.image_id] if isinstance(source, FromImage) else None

    def _shown(self, now: float) -> list[CameraPicture]:
        return candidates(self.reel, self.utterances.window(now), now)

    def _upload(self, number: int | None) -> FromUpload:
        """The last one, or that number of those that no wish used yet (of all, when all were)."""
        if not self._uploads:
            raise ToolError("No picture has been uploaded.")
        if number is None:
            return self._uploads[-1]
        among = self._uploads[-self._unused :] if self._unused else self._uploads
        if not 0 < number <= len(among):
            raise ToolError(f"There is no upload {number}.")
        return among[number - 1]
