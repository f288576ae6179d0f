"""From a checked request to a picture: decides between drawing and editing. Pure, but CPU work.

Raises ImageRequestError for pictures that cannot be used.
"""

from __future__ import annotations

import re
from typing import Final

from PIL import Image, ImageFilter

from emulator.drawing import draw_picture
from emulator.editing import NothingToGoBackTo, edit
from emulator.image_models import DEFAULT_RATIO, pixels_for
from emulator.image_replies import Reply
from emulator.image_requests import ImageRequest, ImageRequestError
from emulator.pictures import PictureError, encode, open_untrusted
from emulator.pointing import area_in, edit_area, put_on, sloppy
from emulator.posters import draw_poster
from emulator.prompts import parse_drawing, parse_edit
from emulator.scenes import draw_fox, shows_a_fox
from emulator.steps import explains, explanation

MAX_TOTAL_PIXELS: Final = 60_000_000
MAX_EARLIER: Final = 6
THOUGHTS: Final = ("**Sketching** I put the large areas in place first.",)
_NEW: Final = re.compile(
    r"^\s*(?:please )?(?:draw|create|generate|sketch|imagine|(?:make|paint|show)(?: me)? an? )",
    re.IGNORECASE,
)
_POSTER: Final = re.compile(r"\b(poster|meme|flyer|banner)\b", re.IGNORECASE)
_SCENE: Final = re.compile(r"^\s*(?:now )?(?:show|put)\b", re.IGNORECASE)
_PUT_ON: Final = re.compile(r"\b(put|place|set)\b.+\bon(to)?\b", re.IGNORECASE)


def answer(request: ImageRequest, mime_type: str) -> Reply:
    """The model's answer to a request that holds no trigger."""
    wants_image = not request.modalities or "IMAGE" in request.modalities
    wants_text = "TEXT" in request.modalities
    if not wants_image:
        return Reply(text="I was asked for text only, so I drew nothing.")
    if explains(request.prompt):
        return _explained(request, mime_type, wants_text=wants_text)
    try:
        picture, words = make_picture(request)
    except NothingToGoBackTo:
        return Reply(text="There is no earlier picture to go back to.", finish="NO_IMAGE")
    return Reply(
        image=encode(picture, mime_type),
        mime_type=mime_type,
        text=words if wants_text else "",
        thoughts=THOUGHTS if request.include_thoughts else (),
        drafts=_drafts(picture, mime_type) if request.include_thoughts else (),
    )


def _explained(request: ImageRequest, mime_type: str, *, wants_text: bool) -> Reply:
    """Words and pictures in turn, all in one answer."""
    width, height = pixels_for(request.ratio or "4:3", request.size_or_default)
    shown = _open_all(list(request.turns[-1].images))
    first, *more = explanation(request.prompt, width, height, shown)
    return Reply(
        image=encode(first.picture, mime_type),
        mime_type=mime_type,
        text=first.words if wants_text else "",
        thoughts=THOUGHTS if request.include_thoughts else (),
        drafts=_drafts(first.picture, mime_type)[:1] if request.include_thoughts else (),
        more=tuple((step.words, encode(step.picture, mime_type)) for step in more),
    )


def make_picture(request: ImageRequest) -> tuple[Image.Image, str]:
    """(the picture, a sentence about it).

    Pictures of the last turn are edited, else the latest picture of the conversation unless the
    prompt asks for a new one, else something new is drawn.
    """
    given = list(request.turns[-1].images)
    earlier = [image for turn in request.turns[:-1] for image in turn.images]
    area, prompt = area_in(request.prompt)
    new = _NEW.match(prompt) is not None
    if not given and earlier and not new:
        given = [earlier.pop()]
    pictures = _open_all(given)
    drawn = _drawn(request, prompt, pictures, new=new or not given)
    if drawn is not None:
        return drawn, "Here is your picture."
    if area is not None:
        changed = edit_area(pictures[0], area, prompt)
        if changed is not None:
            return _carelessly(changed, prompt), "Here is the changed picture."
    if len(pictures) > 1 and area is None and _PUT_ON.search(prompt):
        return put_on(pictures[0], pictures[1]), "Here they are together."
    past = _open_all(earlier[-MAX_EARLIER:] if len(earlier) <= MAX_EARLIER else
                     [earlier[0], *earlier[1 - MAX_EARLIER :]])  # fmt: skip
    changed = edit(pictures[0], parse_edit(prompt), others=pictures[1:], earlier=past)
    return _carelessly(changed, prompt), "Here is the changed picture."


def _drawn(
    request: ImageRequest, prompt: str, pictures: list[Image.Image], *, new: bool
) -> Image.Image | None:
    """Something new; None for what is an edit."""
    if shows_a_fox(prompt) and (new or _SCENE.search(prompt)):
        width, height = pixels_for(request.ratio_or_default, request.size_or_default)
        return draw_fox(prompt, width, height, pictures)
    if not new:
        return None
    width, height = pixels_for(request.ratio or _ratio_of(prompt), request.size_or_default)
    drawing = parse_drawing(prompt)
    if _POSTER.search(prompt) and drawing.caption:
        return draw_poster(_plain(drawing.caption), width, height, request.seed)
    return draw_picture(drawing, width, height)


def _ratio_of(prompt: str) -> str:
    return "3:4" if _POSTER.search(prompt) else DEFAULT_RATIO


def _plain(caption: str) -> str:
    return re.sub(r"\s*\(Variant .*$", "", caption, flags=re.DOTALL).strip()


def _carelessly(picture: Image.Image, prompt: str) -> Image.Image:
    return sloppy(picture) if re.search(r"\bsloppy\b", prompt, re.IGNORECASE) else picture


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


def _drafts(picture: Image.Image, mime_type: str) -> tuple[bytes, ...]:
    """The picture as it comes to be: blurred and small, then clearer."""
    return tuple(
        encode(_sketched(picture, side, blur), mime_type) for side, blur in ((192, 6.0), (448, 2.0))
    )


def _sketched(picture: Image.Image, side: int, blur: float) -> Image.Image:
    small = picture.copy()
    small.thumbnail((side, side))
    return small.filter(ImageFilter.GaussianBlur(blur))
