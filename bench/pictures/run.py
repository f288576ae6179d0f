"""How soon pictures are seen, what they do to the voice, and what a thousand of them cost.

    python -m bench.pictures.run [--wishes 30]

Writes docs/image-timings.md. About twelve minutes on a quiet machine with two cores.
"""

import argparse
import asyncio
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from bench import machine
from bench.pictures.measure import Figures, many, timing, voice

PAGE: Final = Path("docs/image-timings.md")
OTHERS: Final = 2
KINDS: Final = ("jpeg", "png")


async def measured(wishes: int) -> str:
    timings = []
    for kind in KINDS:
        figures = await timing(kind, wishes, OTHERS)
        print(kind, figures, file=sys.stderr)
        timings.append((kind, figures))
    gaps = await voice()
    print("voice", gaps, file=sys.stderr)
    thousand, sizes = await many()
    print("many", thousand, file=sys.stderr)
    return page(timings, gaps, thousand, sizes)


def page(
    timings: Sequence[tuple[str, Figures]],
    gaps: Figures,
    thousand: Figures,
    sizes: Sequence[tuple[int, float]],
) -> str:
    return "\n".join(
        [
            "# How soon a picture is seen",
            "",
            "Written by `make pictures`; do not edit. The service runs on one core; Chromium, the"
            " scripted Gemini and a listening peer share the other.",
            "",
            machine.table(machine.facts()),
            "",
            "## From the wish to the eye",
            "",
            "A page wishes for pictures of 1024×1024, one after the other; it and"
            f" {OTHERS} more pages show them. Times in ms, median and 95th percentile. *Started*:"
            " from Gemini's tool call to the event at each page. *Draft*: from the draft's last"
            " byte. *Ready*: from the last byte of the answer of the image model to the event."
            " *Visible*: from there to the end of the frame in which the page shows it, in the page"
            " that wished.",
            "",
            *_timings(timings),
            "",
            "## The voice meanwhile",
            "",
            "Gaps between the audio packets of an answer at a peer, in ms: without a picture, and"
            " with three in the making at a time.",
            "",
            "| | packets | p50 | p99 | p99.9 | longest |",
            "|---|---|---|---|---|---|",
            _gap_row("answers alone", "talk", gaps),
            _gap_row("three pictures in the making", "draw", gaps),
            "",
            "## A thousand pictures in one room",
            "",
            *_memory(sizes),
            "",
            "The page with all of them, while its history is walked through from end to end:"
            f" frames of {thousand['frame ms p50']:.1f} ms (95th percentile"
            f" {thousand['frame ms p95']:.1f}, longest {thousand['frame ms max']:.1f}),"
            f" {thousand['elements']:.0f} elements in the"
            f" document. Tasks of more than 50 ms while they came: {thousand['long tasks']:.0f},"
            f" the longest {thousand['longest task ms']:.0f} ms.",
            "",
        ]
    )


def _memory(sizes: Sequence[tuple[int, float]]) -> list[str]:
    return [
        "| pictures | " + " | ".join(str(count) for count, _ in sizes) + " |",
        "|---" * (len(sizes) + 1) + "|",
        "| resident, MB | " + " | ".join(f"{size:.0f}" for _, size in sizes) + " |",
    ]


def _timings(timings: Sequence[tuple[str, Figures]]) -> list[str]:
    head = "| format | wishes | started | draft | ready | visible |"
    return [head, "|---" * 6 + "|", *(_row(kind, figures) for kind, figures in timings)]


def _row(kind: str, figures: Figures) -> str:
    cells = [
        f"{figures[f'{name} ms p50']:.0f} / {figures[f'{name} ms p95']:.0f}"
        if f"{name} ms p50" in figures
        else "–"
        for name in ("started", "draft", "ready", "visible")
    ]
    return f"| {kind.upper()} | {figures['wishes']:.0f} | " + " | ".join(cells) + " |"


def _gap_row(words: str, name: str, gaps: Figures) -> str:
    cells = [f"{gaps[f'{name} packets']:.0f}"]
    cells += [f"{gaps[f'{name} gap ms {part}']:.1f}" for part in ("p50", "p99", "p99.9", "max")]
    return f"| {words} | " + " | ".join(cells) + " |"


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.pictures.run")
    parser.add_argument("--wishes", type=int, default=30)
    PAGE.write_text(asyncio.run(measured(parser.parse_args().wishes)))


if __name__ == "__main__":
    main()
