"""Writes docs/lifecycle.md from the transition tables in the code. `make docs` runs it."""

from collections.abc import Iterable, Mapping
from enum import Enum
from pathlib import Path
from typing import Any, Final

from pipeline import lifecycle
from processors import voice_activity
from processors.billing import budget
from processors.gemini import link, watchdog
from processors.images import tree
from transports import presence, sampler_state, video_mode

PAGE: Final = Path(__file__).parent / "lifecycle.md"

Arrow = tuple[Enum, Enum, str]


def arrows(table: Mapping[Any, Mapping[Any, Enum]]) -> list[Arrow]:
    """From a table of state -> event -> state."""
    return [
        (state, after, _words(event))
        for state, row in table.items()
        for event, after in row.items()
    ]


def arrows_of_pairs(table: Mapping[Any, Enum]) -> list[Arrow]:
    """From a table of (state, event) -> state."""
    return [(state, after, _words(event)) for (state, event), after in table.items()]


def image_arrows() -> list[Arrow]:
    return [
        (state, after, "")
        for state, row in tree.TRANSITIONS.items()
        for after in sorted(row, key=lambda s: s.value)
    ]


def _words(event: Enum) -> str:
    return event.name.lower().replace("_", " ")


def diagram(title: str, source: str, arrows: Iterable[Arrow], first: Enum) -> str:
    """One section with a Mermaid state diagram."""
    lines = [f"## {title}", "", f"`{source}`", "", "```mermaid", "stateDiagram-v2"]
    lines.append(f"    [*] --> {first.name}")
    for state, after, words in arrows:
        lines.append(f"    {state.name} --> {after.name}" + (f": {words}" if words else ""))
    return "\n".join([*lines, "```", ""])


MACHINES: Final[tuple[tuple[str, str, list[Arrow], Enum], ...]] = (
    (
        "A room",
        "pipeline/lifecycle.py",
        arrows(lifecycle.TRANSITIONS),
        lifecycle.RoomState.OPEN,
    ),
    (
        "Whether a peer is there",
        "transports/presence.py",
        arrows(presence.TRANSITIONS),
        presence.Presence.COMING,
    ),
    (
        "The link to Gemini",
        "processors/gemini/link.py",
        arrows(link.TRANSITIONS),
        link.LinkState.CONNECTING,
    ),
    (
        "Whether the model still answers",
        "processors/gemini/watchdog.py",
        arrows(watchdog.TRANSITIONS),
        watchdog.WatchState.RESTING,
    ),
    (
        "Taking a camera's pictures",
        "transports/sampler_state.py",
        arrows(sampler_state.TRANSITIONS),
        sampler_state.SamplerState.RESTING,
    ),
    (
        "How much of a video is taken",
        "transports/video_mode.py",
        arrows(video_mode.TRANSITIONS),
        video_mode.VideoMode.ALL,
    ),
    (
        "A voice",
        "processors/voice_activity.py",
        arrows_of_pairs(voice_activity.TRANSITIONS),
        voice_activity.Voice.QUIET,
    ),
    (
        "A budget",
        "processors/billing/budget.py",
        arrows(budget.TRANSITIONS),
        budget.BudgetState.WITHIN,
    ),
    ("An image", "processors/images/tree.py", image_arrows(), tree.ImageState.STARTED),
)
"""Title, file, arrows, first state."""


def page() -> str:
    """The whole page."""
    head = (
        "# Lives\n\nEvery state machine of Easel is one enum and one table in one file. "
        "`make docs` draws this page\nfrom those tables; edit the tables, not the page.\n"
    )
    return "\n".join([head, *(diagram(*machine) for machine in MACHINES)])


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
