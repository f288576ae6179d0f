"""From a checked request to a picture: decides between drawing and editing. Pure, but CPU work.

Raises ImageRequestError for pictures that cannot be used.
"""

from __future__ import annotations

import re
from typing import Final

from PIL import Image

from emulator.drawing import draw_picture
from emulator.editing import NothingToGoBackTo, edit
from emulator.image_models import pixels_for
from emulator.image_replies import Reply
from emulator.image_requests import ImageRequest, ImageRequestError
from emulator.lettering import write_caption
from emulator.pictures import PictureError, encode, open_untrusted
from emulator.prompts import parse_drawing, parse_edit

MAX_TOTAL_PIXELS: Final = 60_000_000
MAX_EARLIER: Final = 6
DRAFT_SIDE: Final = 512
THOUGHTS: Final = ("**Sketching** I put the large areas in place first.",)
_NEW: Final = re.compile(
    r"^\s*(?:please )?(?:draw|create|generate|sketch|imagine|(?:make|paint|show)(?: me)? an? )",
    re.IGNORECASE,
)


def answer(request: ImageRequest, mime_type: str) -> Reply:
    """The model's answer to a request that holds no trigger."""
    wants_image = not request.modalities or "IMAGE" in request.modalities
    wants_text = "TEXT" in request.modalities
    if not wants_image:
        return Reply(text="I was asked for text only, so I drew nothing.")
    try:
        picture, words = make_picture(request)
    except NothingToGoBackTo:
        return Reply(text="There is no earlier picture to go back to.", finish="NO_IMAGE")
    data = encode(picture, mime_type)
    return Reply(
        image=data,
        mime_type=mime_type,
        text=words if wants_text else "",
        thoughts=THOUGHTS if request.include_thoughts else (),
        thought_image=_draft(picture, mime_type) if request.include_thoughts else None,
    )


def make_picture(request: ImageRequest) -> tuple[Image.Image, str]:
    """(the picture, a sentence about it).

    Pictures of the last turn are edited, else the latest picture of the conversation unless the
    prompt asks for a new one, else something new is drawn.
    """
    given = list(request.turns[-1].images)
    earlier = [image for turn in request.turns[:-1] for image in turn.images]
    if not given and earlier and not _NEW.match(request.prompt):
        given = [earlier.pop()]
    if not given:
        width, height = pixels_for(request.ratio_or_default, request.size_or_default)
        return draw_picture(parse_drawing(request.prompt), width, height), "Here is your picture."
    pictures = _open_all(given)
    past = _open_all(earlier[-MAX_EARLIER:] if len(earlier) <= MAX_EARLIER else
                     [earlier[0], *earlier[1 - MAX_EARLIER :]])  # fmt: skip
    operations = parse_edit(request.prompt)
    picture = edit(pictures[0], operations, others=pictures[1:], earlier=past)
    return picture, "Here is the changed picture."


def _open_all(images: list[bytes]) -> list[Image.Image]:
    pictures: list[Image.Image] = []
    for image in images:
        try:
            pictures.append(open_untrusted(image))
        except PictureError as error:
            raise ImageRequestError(f"Unable to process input image: {error}.") from None
        if sum(one.width * one.height for one in pictures) > MAX_TOTAL_PIXELS:
            raise ImageRequestError("The input images have too many pixels together.")
    return pictures


def _draft(picture: Image.Image, mime_type: str) -> bytes:
    small = picture.copy()
    small.thumbnail((DRAFT_SIDE, DRAFT_SIDE))
    return encode(write_caption(small, "Draft"), mime_type)
