"""What a room has used, by the API's own counts. Pure.

Gemini reports per message, sometimes before the answer and sometimes with its end; what is
absent is zero. The names are those of `usageMetadata`.
"""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

MODALITIES: Final = frozenset({"TEXT", "IMAGE", "VIDEO", "AUDIO", "DOCUMENT"})
OTHER: Final = "OTHER"  # metrics are named after modalities, so there is an end to them

_TOTALS: Final = (
    "promptTokenCount",
    "cachedContentTokenCount",
    "responseTokenCount",
    "thoughtsTokenCount",
    "toolUsePromptTokenCount",
    "totalTokenCount",
)
_DETAILS: Final = {"promptTokensDetails": "prompt", "responseTokensDetails": "response"}


@dataclass(slots=True)
class Usage:
    """`tokens` by the API's names, `by_modality` as "prompt.AUDIO" and the like. Never less."""

    tokens: Counter[str] = field(default_factory=Counter)
    by_modality: Counter[str] = field(default_factory=Counter)

    def add(self, metadata: Mapping[str, Any]) -> None:
        """What of it is no count is left out."""
        for name in _TOTALS:
            self.tokens[name] += _count(metadata.get(name))
        for name, side in _DETAILS.items():
            details = metadata.get(name)
            for detail in details if isinstance(details, list) else ():
                if isinstance(detail, Mapping):
                    modality = str(detail.get("modality"))
                    known = modality if modality in MODALITIES else OTHER
                    self.by_modality[f"{side}.{known}"] += _count(detail.get("tokenCount"))

    def summary(self) -> dict[str, Any]:
        """Counts above zero, as `GET /sessions/{id}` tells them."""
        return {"tokens": dict(+self.tokens), "byModality": dict(+self.by_modality)}


def _count(value: object) -> int:
    return value if isinstance(value, int) and not isinstance(value, bool) and value > 0 else 0
