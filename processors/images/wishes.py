"""What somebody wishes for, and what the image model is asked for it. Pure."""

from dataclasses import dataclass, replace
from typing import Final

from processors.images.client import Exchange, ImageRequest
from processors.images.marks import Mark
from processors.images.pixels import Picture
from processors.images.sources import FromImage, Source

MAX_PROMPT_CHARS: Final = 4000
VARIANT: Final = "{prompt}\n(Variant {variant} of {variants}: make it different from the others.)"
POINTED: Final = (
    "{prompt}\n{where} (The second picture shows the area outlined in pink; draw no outline.)"
)


@dataclass(frozen=True, slots=True)
class Wish:
    """`sources` are what it begins with, what is edited first. `mark`: the edit keeps to it.

    Raises nothing: whatever is in it has been checked.
    """

    prompt: str
    requested_by: str
    sources: tuple[Source, ...] = ()
    edits: bool = False
    count: int = 1
    aspect_ratio: str | None = None
    size: str | None = None
    mark: Mark | None = None

    def asking(self, *, aspect_ratio: str | None, size: str | None, count: int) -> "Wish":
        return replace(self, aspect_ratio=aspect_ratio, size=size, count=count)

    @property
    def parent_ids(self) -> tuple[str, ...]:
        named = (one.image_id for one in self.sources if isinstance(one, FromImage))
        return tuple(dict.fromkeys(named))

    @property
    def goes_on_from(self) -> str | None:
        """The image whose chat this wish can go on with: it edits that image and nothing else."""
        alone = self.edits and len(self.sources) == 1 and self.mark is None
        source = self.sources[0] if alone else None
        return source.image_id if isinstance(source, FromImage) else None


@dataclass(frozen=True, slots=True)
class Prepared:
    """What the sources are in bytes; `outlined` with a mark, `history` where a chat goes on."""

    pictures: tuple[Picture, ...] = ()
    outlined: Picture | None = None
    history: tuple[Exchange, ...] = ()


def request_for(wish: Wish, prepared: Prepared, *, variant: int, seed: int | None) -> ImageRequest:
    """What to ask for one image of the wish. In a chat the picture is known already."""
    prompt = wish.prompt
    if wish.mark is not None:
        prompt = POINTED.format(prompt=prompt, where=wish.mark.region.words())
    if wish.count > 1:
        prompt = VARIANT.format(prompt=prompt, variant=variant, variants=wish.count)
    pictures = () if prepared.history else prepared.pictures
    if prepared.outlined is not None:
        pictures = (*pictures[:1], prepared.outlined, *pictures[1:])
    return ImageRequest(
        prompt=prompt,
        pictures=tuple((one.mime_type, one.data) for one in pictures),
        history=prepared.history,
        aspect_ratio=wish.aspect_ratio,
        size=wish.size,
        seed=seed,
        edits=wish.edits,
    )
