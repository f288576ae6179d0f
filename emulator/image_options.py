"""How the image endpoint behaves. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from emulator.image_models import ImageModel


@dataclass(frozen=True)
class ImageOptions:
    """`output`: `image/png` or `image/jpeg` for every model, '' leaves it to the model.

    `strict_signatures`: 400 when an echoed model turn lacks its thought signatures.
    `latency_s`: seconds that every picture takes at least. `models`: further known models.
    `draft_gap_s`: seconds between the pieces of a streamed answer that shows its drafts.
    `delay_scale`: multiplies the delays that words in a prompt ask for.
    """

    output: str = ""
    strict_signatures: bool = False
    latency_s: float = 0.0
    delay_scale: float = 1.0
    draft_gap_s: float = 0.2
    models: Mapping[str, ImageModel] = field(default_factory=dict)
