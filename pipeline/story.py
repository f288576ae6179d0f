"""A room's whole story, words and images in their order, and as pages of HTML. Pure."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from html import escape
from typing import Any, Final

from processors.images.tree import Image, ImageState, Original

EXTENSIONS: Final = {"image/png": "png", "image/jpeg": "jpg", "image/webp": "webp"}

STYLE: Final = """
:root { color-scheme: light dark; font: 17px/1.5 Georgia, serif; }
body { margin: 0 auto; padding: 3rem 1.2rem; max-width: 44rem; }
h1 { font-size: 1.9rem; margin: 0 0 .2rem; }
time, figcaption, .who { color: #77766f; font: .8rem/1.4 system-ui, sans-serif; }
p { margin: .1rem 0 1.1rem; white-space: pre-wrap; }
.user p { font-style: italic; }
figure { margin: 1.6rem 0; }
figure img { display: block; width: 100%; height: auto; border-radius: 4px; }
figcaption { margin-top: .5rem; }
.cut::after { content: " —"; }
""".strip()


@dataclass(frozen=True, slots=True)
class Said:
    """`line` as a final `transcript` message tells it."""

    line: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Shown:
    """`number` counts the images of the story from 1."""

    image: Image
    number: int

    @property
    def file_name(self) -> str:
        stored = self.image.stored
        kind = "bin" if stored is None else EXTENSIONS.get(stored.mime_type, "bin")
        return f"images/{self.number:04}.{kind}"


Item = Said | Shown


def original_name(original: Original) -> str:
    """Of the file in the ZIP; `story.json` names it by its id, in `original_ids`."""
    kind = EXTENSIONS.get(original.stored.mime_type, "bin")
    return f"originals/{original.original_id}.{kind}"


def story(lines: Sequence[Mapping[str, Any]], images: Sequence[Image]) -> list[Item]:
    """Turn by turn: what was said, then what was made of it; only images that are there."""
    items: list[tuple[int, bool, Item]] = [
        (int(line["turn"]), False, Said(line)) for line in lines if line["text"]
    ]
    for number, image in enumerate(_ready(images), start=1):
        items.append((image.turn, True, Shown(image, number)))
    return [item for _, _, item in sorted(items, key=lambda one: one[:2])]


def _ready(images: Sequence[Image]) -> Iterator[Image]:
    return (image for image in images if image.state is ImageState.READY)


def head_html(created_at: float) -> str:
    when = datetime.fromtimestamp(created_at, UTC)
    return (
        '<!doctype html><html lang="en"><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        '<meta http-equiv="Content-Security-Policy" content="default-src \'none\'; '
        "img-src data: 'self'; style-src 'unsafe-inline'\">"
        f"<title>Easel, {when:%d %B %Y}</title><style>{STYLE}</style>"
        f"<h1>A conversation with Easel</h1>"
        f'<time datetime="{when:%Y-%m-%dT%H:%MZ}">{when:%d %B %Y, %H:%M} UTC</time><main>\n'
    )


def said_html(said: Said) -> str:
    line = said.line
    who = "You" if line["role"] == "user" else "Easel"
    cut = " cut" if line.get("interrupted") else ""
    return (
        f'<section class="{escape(str(line["role"]))}{cut}"><span class="who">{who}</span>'
        f"<p>{escape(str(line['text']))}</p></section>\n"
    )


def shown_html(shown: Shown, source: str) -> str:
    """`source`: the image's address, or its bytes as a data URL."""
    image = shown.image
    name = f"<strong>{escape(image.name)}</strong> · " if image.name else ""
    made_by = f" · made with AI by {escape(image.model)}" if image.model else ""
    before = f"<p>{escape(image.text)}</p>" if image.text else ""
    after = f"<p>{escape(image.text_after)}</p>" if image.text_after else ""
    return (
        f'{before}<figure><img alt="{escape(image.prompt)}" src="{source}">'
        f"<figcaption>{name}{escape(image.prompt)}{made_by}</figcaption></figure>{after}\n"
    )


END_HTML: Final = "</main></html>\n"


def story_json(items: Sequence[Item], created_at: float) -> str:
    """For programs: the same in the same order."""
    told: list[dict[str, Any]] = []
    for item in items:
        if isinstance(item, Said):
            told.append({"said": dict(item.line)})
        else:
            event = item.image.event()
            for key in ("type", "event", "thumbnail"):
                event.pop(key, None)
            told.append({"image": {"file": item.file_name, **event}})
    return json.dumps({"created_at": created_at, "story": told}, ensure_ascii=False, indent=1)
