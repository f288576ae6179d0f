"""What people do with images by tapping: messages of the data channel to the studio."""

from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Final

from processors.errors import ToolError
from processors.images.marks import CAMERA
from processors.images.region import RegionRefused, region_untrusted
from processors.images.studio import Studio
from processors.images.tree import MAX_NAME_CHARS

Data = Mapping[str, Any]
Command = Callable[[Studio, Data, str], Awaitable[str | None]]


async def obey_untrusted(studio: Studio, kind: str, data: object, peer_id: str) -> str | None:
    """Carries it out; what the Live model should know of it, or None. Raises `ToolError` with a
    sentence for who sent it."""
    fields = data if isinstance(data, Mapping) else {}
    return await COMMANDS[kind](studio, fields, peer_id)


def _image_id(data: Data) -> str:
    image_id = data.get("image_id")
    if not isinstance(image_id, str):
        raise ToolError("The message names no image.")
    return image_id


async def _select(studio: Studio, data: Data, _peer_id: str) -> str:
    return _now_current(studio.select(_image_id(data)).prompt)


async def _undo(studio: Studio, _data: Data, _peer_id: str) -> str:
    return _now_current(studio.undo().prompt)


async def _redo(studio: Studio, _data: Data, _peer_id: str) -> str:
    return _now_current(studio.redo().prompt)


def _now_current(prompt: str) -> str:
    return (
        f"(Somebody made another picture the current one, by hand. It was made of: {prompt[:200]})"
    )


async def _name(studio: Studio, data: Data, _peer_id: str) -> str | None:
    name = data.get("name")
    if not isinstance(name, str) or len(name) > MAX_NAME_CHARS:
        raise ToolError(f"A name is a text of at most {MAX_NAME_CHARS} characters.")
    image = await studio.name(_image_id(data), name)
    return f"(Somebody called a picture {image.name!r}. It was made of: {image.prompt[:200]})"


async def _delete(studio: Studio, data: Data, _peer_id: str) -> str:
    image_id = _image_id(data)
    prompt = studio.tree[image_id].prompt if image_id in studio.tree.images else ""
    await studio.delete(image_id)
    return f"(Somebody deleted the picture that was made of: {prompt[:200]})"


async def _cancel(studio: Studio, data: Data, _peer_id: str) -> None:
    studio.cancel(_image_id(data))  # the tool's result tells the model


async def _region(studio: Studio, data: Data, peer_id: str) -> str | None:
    target = data.get("target")
    if target is None:
        studio.pointing.at_nothing()
        return None
    if not isinstance(target, str):
        raise ToolError("A region is of an image, or of the camera.")
    try:
        region = region_untrusted({key: data[key] for key in ("box", "stroke") if key in data})
    except RegionRefused as refusal:
        raise ToolError(str(refusal)) from None
    studio.point(region, target, peer_id)
    what = "what the camera shows" if target == CAMERA else "a picture"
    return (
        f"(Somebody points at a part of {what}, outlined in pink in what you see now. An "
        "edit_image keeps to it.)"
    )


CHOOSING: Final = ("image-select", "image-undo", "image-redo")
COMMANDS: Final[Mapping[str, Command]] = {
    "image-select": _select,
    "image-undo": _undo,
    "image-redo": _redo,
    "image-name": _name,
    "image-delete": _delete,
    "image-cancel": _cancel,
    "image-region": _region,
}
