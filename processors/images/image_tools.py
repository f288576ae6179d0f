"""The tools by which the Live model makes images, and goes back and forth between them.

What they return is what became of it, and nothing else: a success names the image. What they raise
is why there is none, in words that can be said.
"""

import time
from typing import Annotated, Any, Final

from pydantic import Field

from processors.errors import ToolError
from processors.images.errors import ImageNotMade
from processors.images.making import Result
from processors.images.profiles import refuse_untrusted
from processors.images.sources import MAX_SOURCES
from processors.images.studio import MODEL, Studio
from processors.images.tree import Image
from processors.images.which import find, step
from processors.images.wishes import MAX_PROMPT_CHARS, Wish
from processors.tools import Tool, tool

TOOL_NAMES: Final = (
    "create_image",
    "edit_image",
    "select_image",
    "name_image",
    "delete_image",
    "cancel_image",
)
MAX_VARIANTS: Final = 4
MAX_TOLD_CHARS: Final = 1000  # of the image model's own words
TIDY_S: Final = 5.0  # by which the stage's time limit is longer than ours, which has better words

_WHICH: Final = (
    'which picture: "last" (the current one), "first", "second", "previous", a name that it was '
    'given, or its image_id; "camera" (what the camera shows), "upload" (the picture uploaded '
    'last), "upload 1", "upload 2"'
)
Which = Annotated[str, Field(description=_WHICH.capitalize() + ".")]
Prompt = Annotated[str, Field(description="What the new picture shows, in detail.")]
Change = Annotated[str, Field(description="What to change, and what must stay as it is.")]
Ratio = Annotated[
    str | None, Field(description="Width to height such as 16:9, only if somebody asked for it.")
]
Size = Annotated[str | None, Field(description="1K, 2K or 4K, only if somebody asked for it.")]
Count = Annotated[
    int | None,
    Field(description="How many variants to choose from, only if somebody asked.", ge=1, le=4),
]
Replaces = Annotated[
    bool,
    Field(
        description="True when the user changed their mind: what is being made for them now is "
        "cancelled, and this is made instead."
    ),
]


class ImageTools:
    """Of one room; `tools()` declares them."""

    def __init__(self, studio: Studio) -> None:
        self._studio = studio

    def tools(self) -> list[Tool]:
        limit_s = self._studio.settings.timeout_s + TIDY_S
        slow = (self.create_image, self.edit_image)
        quick = (self.select_image, self.name_image, self.delete_image, self.cancel_image)
        return [
            *(tool(one, time_limit_s=limit_s, slow=True) for one in slow),
            *(tool(one) for one in quick),
        ]

    async def create_image(
        self,
        prompt: Prompt,
        like: Annotated[
            list[str],
            Field(
                description="Pictures whose characters, things or style the new one must keep, or "
                f"combines. Each: {_WHICH}."
            ),
        ] = [],  # noqa: B006  # it becomes a schema's default, and is never changed
        aspect_ratio: Ratio = None,
        size: Size = None,
        count: Count = None,
        replaces_pending: Replaces = False,
    ) -> dict[str, Any]:
        """Draws a new picture and shows it to everyone in the conversation. The picture exists only
        when the result names it."""
        now = time.monotonic()
        sources = tuple(self._studio.sources.choose(words, now) for words in like[:MAX_SOURCES])
        wish = Wish(prompt[:MAX_PROMPT_CHARS], self._asker(now), sources)
        return await self._fulfil(wish, aspect_ratio, size, count, replaces=replaces_pending)

    async def edit_image(
        self,
        prompt: Change,
        source: Which = "last",
        others: Annotated[
            list[str],
            Field(description=f"Further pictures that the change needs. Each: {_WHICH}."),
        ] = [],  # noqa: B006  # as above
        aspect_ratio: Ratio = None,
        size: Size = None,
        count: Count = None,
        replaces_pending: Replaces = False,
    ) -> dict[str, Any]:
        """Changes a picture and shows the result to everyone in the conversation. Where somebody
        points at a part of it, only that part changes. The changed picture exists only when the
        result names it."""
        now = time.monotonic()
        sources = self._studio.sources
        pointed = sources.marked(source, now)
        first, mark = pointed if pointed is not None else (sources.choose(source, now), None)
        further = (sources.choose(words, now) for words in others[: MAX_SOURCES - 1])
        wish = Wish(
            prompt[:MAX_PROMPT_CHARS], self._asker(now), (first, *further), edits=True, mark=mark
        )
        return await self._fulfil(wish, aspect_ratio, size, count, replaces=replaces_pending)

    async def select_image(
        self,
        which: Annotated[
            str,
            Field(
                description='"undo" (one step back), "redo" (one forward), or the picture that is '
                'to be current: "first", "second", "previous", a name, or an image_id.'
            ),
        ],
    ) -> dict[str, Any]:
        """Makes another picture the current one, which everyone then sees."""
        match step(which):
            case "undo":
                image = self._studio.undo()
            case "redo":
                image = self._studio.redo()
            case _:
                image = self._studio.select(find(which, self._studio.tree).image_id)
        return {**_told(image), "current": True}

    async def name_image(
        self,
        name: Annotated[str, Field(description="What to call it.", min_length=1, max_length=80)],
        which: Which = "last",
    ) -> dict[str, Any]:
        """Gives a picture a name by which people can ask for it."""
        return _told(await self._studio.name(find(which, self._studio.tree).image_id, name))

    async def delete_image(self, which: Which) -> dict[str, Any]:
        """Deletes a picture for good. Only when somebody clearly asked for that."""
        image = find(which, self._studio.tree)
        await self._studio.delete(image.image_id)
        current = self._studio.tree.current
        return {"deleted": image.image_id, "current": None if current is None else _told(current)}

    async def cancel_image(
        self,
        which: Annotated[
            str, Field(description='"newest" or "all" of those in the making, or an image_id.')
        ] = "newest",
    ) -> dict[str, Any]:
        """Stops the making of pictures that are not wanted any more."""
        studio = self._studio
        making = [image.image_id for image in studio.tree.in_the_making]
        if not making:
            raise ToolError("No picture is in the making.")
        if which in making:
            making = [which]
        elif which != "all":
            group = studio.tree[making[-1]].group
            making = [one for one in making if studio.tree[one].group == group]
        for image_id in making:
            studio.cancel(image_id)
        return {"cancelled": making}

    def _asker(self, now: float) -> str:
        """Whose words the model answers."""
        return self._studio.sources.utterances.window(now).peer_id or MODEL

    async def _fulfil(
        self,
        wish: Wish,
        aspect_ratio: str | None,
        size: str | None,
        count: int | None,
        *,
        replaces: bool,
    ) -> dict[str, Any]:
        settings = self._studio.settings
        wish = wish.asking(
            aspect_ratio=aspect_ratio or None,
            size=size.upper() if size else None,
            count=count or settings.images_per_wish,
        )
        refuse_untrusted(settings.model, wish.aspect_ratio, wish.size)
        if replaces:
            self._studio.cancel_all(wish.requested_by)
        return _outcome(await self._studio.fulfil(wish))


def _outcome(results: list[Result | ImageNotMade]) -> dict[str, Any]:
    """Raises the first failure when there is no image at all."""
    made = [one for one in results if isinstance(one, Result)]
    failed = [one for one in results if isinstance(one, ImageNotMade)]
    if not made:
        raise failed[0]
    images = [image for result in made for image in result.images]
    outcome: dict[str, Any] = {**_told(images[0]), "shown": True}
    if len(images) > 1:
        outcome["images"] = [image.image_id for image in images]
    words = " ".join(said.strip() for result in made for said in result.words).strip()
    if words:
        outcome["text"] = words[:MAX_TOLD_CHARS]
    if failed:
        outcome["not_made"] = [str(error) for error in failed]
    return outcome


def _told(image: Image) -> dict[str, Any]:
    told: dict[str, Any] = {"image_id": image.image_id, "prompt": image.prompt}
    return {**told, "name": image.name} if image.name else told
