"""Messages as the service sends them, for the tests of the page's reducer."""

from typing import Any


def rtvi(kind: str, **data: Any) -> dict[str, Any]:
    return {"kind": "rtvi", "type": kind, "id": "1", "data": data}


def server(**data: Any) -> dict[str, Any]:
    return rtvi("server-message", **data)


def transcript(role: str, text: str, turn: int = 1, **more: Any) -> dict[str, Any]:
    return server(type="transcript", role=role, text=text, turn=turn, **more)


def image(event: str, seq: int, image_id: str | None = "a", **more: Any) -> dict[str, Any]:
    return server(type="image-event", event=event, seq=seq, image_id=image_id, **more)


def said(view: dict[str, Any]) -> list[tuple[str, str]]:
    """Role and text of every item."""
    return [(item["role"], item["text"]) for item in view["transcript"]["items"]]
