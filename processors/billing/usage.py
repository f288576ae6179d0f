"""Tokens by side and modality, out of the API's `usageMetadata`. Pure.

What the Live API and `generateContent` report differs in names only: the answer is
`responseTokenCount` in one and `candidatesTokenCount` in the other (and on Vertex AI). Counts are
held under "prompt.AUDIO" and the like, where every side adds up to the API's own count: what the
details leave out stands under OTHER. `cached` is a part of `prompt`; thoughts are not a part of
`response`, and are text.
"""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, Final

Counts = Counter[str]

MODALITIES: Final = frozenset({"TEXT", "IMAGE", "VIDEO", "AUDIO", "DOCUMENT"})
OTHER: Final = "OTHER"  # metrics are named after modalities, so there is an end to them
PROMPT: Final = "prompt"
CACHED: Final = "cached"
TOOL_USE: Final = "toolUsePrompt"
RESPONSE: Final = "response"
THOUGHTS: Final = "thoughts"

INPUT: Final = (PROMPT, TOOL_USE)
OUTPUT: Final = (RESPONSE, THOUGHTS)

_FIELDS: Final[Mapping[str, tuple[tuple[str, ...], tuple[str, ...]]]] = MappingProxyType(
    {
        PROMPT: (("promptTokenCount",), ("promptTokensDetails",)),
        CACHED: (("cachedContentTokenCount",), ("cacheTokensDetails",)),
        TOOL_USE: (("toolUsePromptTokenCount",), ("toolUsePromptTokensDetails",)),
        RESPONSE: (
            ("responseTokenCount", "candidatesTokenCount"),
            ("responseTokensDetails", "candidatesTokensDetails"),
        ),
        THOUGHTS: (("thoughtsTokenCount",), ()),
    }
)
SIDES: Final = tuple(_FIELDS)


def counts_of(metadata: Mapping[str, Any]) -> Counts:
    """What one report counts. What of it is no count is left out."""
    counts: Counts = Counter()
    for side, (totals, details) in _FIELDS.items():
        for name in details:
            counts.update(_by_modality(side, metadata.get(name)))
        rest = max(_count(metadata.get(name)) for name in totals) - tokens(counts, side)
        if rest > 0:
            counts[f"{side}.{'TEXT' if side == THOUGHTS else OTHER}"] += rest
    return +counts


def tokens(counts: Counts, *sides: str) -> int:
    """All tokens of these sides."""
    return sum(number for key, number in counts.items() if key.partition(".")[0] in sides)


def increase(before: Counts, after: Counts) -> Counts:
    """What a later report of the same request adds to an earlier one; never less than nothing.

    Two reports may split the same tokens differently: then the earlier split stays.
    """
    out: Counts = Counter()
    for side in SIDES:
        left = tokens(after, side) - tokens(before, side)
        for key in sorted(after):
            if key.startswith(f"{side}.") and left > 0:
                more = min(left, max(0, after[key] - before[key]))
                out[key] += more
                left -= more
    return +out


@dataclass(slots=True)
class Usage:
    """Counts that are added up. Never less."""

    counts: Counts = field(default_factory=Counter)

    def add(self, counts: Counts) -> None:
        self.counts.update(counts)

    def summary(self) -> dict[str, Any]:
        """Counts above zero, as `GET /sessions/{id}` tells them, by the Live API's names.

        The total is added up here: the API's own leaves thoughts out at times.
        """
        named = {totals[0]: tokens(self.counts, side) for side, (totals, _) in _FIELDS.items()}
        named["totalTokenCount"] = tokens(self.counts, *INPUT, *OUTPUT)
        return {
            "tokens": {name: number for name, number in named.items() if number},
            "byModality": dict(+self.counts),
        }


def _by_modality(side: str, details: object) -> Counts:
    out: Counts = Counter()
    for detail in details if isinstance(details, list) else ():
        if isinstance(detail, Mapping):
            modality = str(detail.get("modality"))
            known = modality if modality in MODALITIES else OTHER
            out[f"{side}.{known}"] += _count(detail.get("tokenCount"))
    return out


def _count(value: object) -> int:
    return value if isinstance(value, int) and not isinstance(value, bool) and value > 0 else 0
