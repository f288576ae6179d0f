"""docs/reliability.md, from what the runs found. Pure but for `write_page`."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from bench import machine
from bench.faults.rows import Kind, Row
from bench.faults.summary import BUSY, LATE_MS, MEDIAN_S, WORST_S, Span, Summary, misses

HEAD: Final = (
    "fault | times | lost | doubled | results lost | gap, s | silence, s | recovered, s"
    " | broken off | missing, twice"
)


@dataclass(frozen=True, slots=True)
class Before:
    """A measurement of something else, to compare with: its name in words, and its rows."""

    what: str
    summaries: Sequence[Summary]


@dataclass(frozen=True, slots=True)
class Reliability:
    """`found` by the name of the row; a row that was not run is left out."""

    rows: Sequence[Row]
    found: Mapping[str, Summary]
    before: Sequence[Before]
    rotations: str  # a section of its own, empty when it was not run
    minutes: float
    facts: Sequence[tuple[str, str]]


REMARKS: Final = """\
What the measurements of November 2026 showed beside the numbers:

- In mid-answer the rest begins about a tenth of a second after what had arrived: the word that was
  under way is said again from its beginning. The numbers that the model says are not speech, so the
  link is careful with what had sounded, and three to four of them are heard twice. With the
  emulator's own voice an answer fits together word for word
  (`tests/conversation/test_broken_answer.py`).
- A handle that does not say what it holds does not end an utterance: what was said of it before the
  break is said again. Nobody knows yet whether a real handle keeps half an utterance.
- In two of the long utterances the peers' packets came so late at their start that a pause was
  taken for the end. The model began to answer and was cut off; the long silence is the rest of the
  utterance, and the lost words are those between.
- The plain row of three breaks was run twice. In the first run four words were lost, always the
  same two: their numbers were misread for a third one after Opus. The reader was mended.
- The 25 minutes below ran beside other measurements on the same two cores.
"""


def write_page(told: Reliability, path: Path) -> None:
    path.write_text(page_text(told))


def page_text(told: Reliability) -> str:
    return f"""# Reliability

Written by `make faults`, and its last part by `make rotations`.

**Result.** {_result(told)}

{_table(told)}

- *lost*, *doubled*: words of the people that the model never heard, or heard twice. *results
  lost*: of tool calls. How they are counted stands below.
- *gap*: median and worst of what the peer heard too late: the silence before the answer, less
  what is usual without a fault ({_usual(told)} s), or the longest hole within the answer, beyond
  the sound that had arrived when it broke.
- *silence*: the same with all that the model takes to answer: for an unplanned break at most
  {MEDIAN_S:g} s (median) and {WORST_S:g} s (worst) are asked, beyond the watchdog's limit where one
  has to notice.
- *recovered*: from the fault until sound reached the next connection; with a planned change it
  includes the wait for a good moment.
- *broken off*: answers that did not come to their end. *missing, twice*: their words that the
  peers did not hear, or heard twice; a word that a break cuts in two is missing by itself.

{REMARKS}
{METHOD}
{_before(told)}
{told.rotations}
## Machine

{machine.table(told.facts)}
"""


def _result(told: Reliability) -> str:
    if not told.found:
        return "No fault has been measured yet: what stands here is what there was before."
    run = [row for row in told.rows if row.name in told.found]
    found = [told.found[row.name] for row in run]
    kinds = sum(row.kind is not Kind.NONE for row in run)
    faults = sum(each.injected for each in found)
    said = sum(each.said for each in found)
    counts = (
        f"{faults} faults of {kinds} kinds while {said} words were said:"
        f" {sum(each.lost for each in found)} lost, {sum(each.doubled for each in found)} doubled,"
        f" {sum(each.results_lost for each in found)} of {sum(each.calls for each in found)}"
        f" results of tools lost. The run took {told.minutes:.0f} minutes."
    )
    missed = [
        f"- {row.what}: {', '.join(short)}"
        for row in run
        if (short := [each for each in misses(row, told.found[row.name]) if BUSY not in each])
    ]
    if not missed:
        return f"{counts} Every row reaches what is asked of it.{_lateness(found)}"
    return "\n".join(
        [f"{counts}{_lateness(found)} What is asked is not reached here:", "", *missed]
    )


def _lateness(found: Sequence[Summary]) -> str:
    """Rows whose times are the machine's rather than ours."""
    late = sorted(each.late_ms for each in found if each.late_ms > LATE_MS)
    if not late:
        return ""
    return (
        f" In {len(late)} of {len(found)} rows the peers, which share a core with the emulators,"
        f" sent more than {LATE_MS:.0f} ms late (99th percentile; half of these rows more than"
        f" {late[len(late) // 2]:.0f} ms): there the times are upper bounds."
    )


def _table(told: Reliability) -> str:
    lines = [f"| {HEAD} |", "|---" * len(HEAD.split("|")) + "|"]
    for row in told.rows:
        if row.name in told.found:
            lines.append(_row(row.what, told.found[row.name], row))
    return "\n".join(lines)


def _row(what: str, each: Summary, row: Row | None = None) -> str:
    limit = f" (limit {row.limit_s:g} s)" if row is not None and row.limit_s else ""
    allowed = f" of {row.doubled_ok * each.injected} allowed" if row and row.doubled_ok else ""
    results = f"{each.results_lost} of {each.calls}" if each.calls else "–"
    times = "–" if row is not None and row.kind is Kind.NONE else f"{each.injected}"
    return (
        f"| {what}{limit} | {times} | {each.lost} of {each.said} | {each.doubled}{allowed}"
        f" | {results} | {_span(each.gap)} | {_span(each.silence)} | {_span(each.recovered)}"
        f" | {each.broken_off} | {each.answer_words_missing}, {each.answer_words_twice} |"
    )


def _span(span: Span) -> str:
    return "–" if span.median is None else f"{span.median:.2f} / {span.worst:.2f}"


def _usual(told: Reliability) -> str:
    usual = [each.usual_s for each in told.found.values() if each.usual_s]
    return f"{usual[0]:.2f}" if usual else "not measured"


def _before(told: Reliability) -> str:
    parts = []
    for before in told.before:
        lines = [f"| {HEAD} |", "|---" * len(HEAD.split("|")) + "|"]
        whats = {row.name: row.what for row in told.rows}
        lines += [_row(whats.get(each.row, each.row), each) for each in before.summaries]
        parts.append("\n".join([f"## {before.what}", "", *lines, ""]))
    return "\n".join(parts)


METHOD: Final = """## Method

Everything is real but the model: peers with aiortc, `easel serve` alone on one core, google-genai,
and `easel emulator` with the fault of the row in a process of its own, on the other core with the
peers. A dozen rooms talk at a time. In most rows a talk is two utterances and their answers, and
the fault comes with the first.

Nobody recognises words. The peers say numbers, each a word of 250 ms (three pairs of tones, one of
them a check), eight to an utterance; the emulator's ears read the numbers, and it answers with
twelve of its own, by which the peer knows what of an answer came when. A word survives Opus and the
loss of a packet; on a clean path none of some thousand is misread (the first row of the table, and
`tests/bench/test_fault_codec.py`). Each room has numbers of its own, so that words which
reach another one would be seen.

What a model has heard:

- The emulator keeps the sound that each connection was sent, and of a resumed one how much of its
  predecessor's sound the handle remembers. The sound that a handle remembers and what its
  connection was sent after it is one hearing, its lineage; so on over any number of resumptions.
- A word is *doubled* when it stands twice in one lineage.
- A word is *lost* when it is neither in the lineage of the room's last connection, nor in the text
  that this lineage was sent, nor in the sound of a turn that any connection began to answer. Such
  turns are told to a fresh session as text.
- A fresh session, after a refused handle or without handles, begins a lineage of its own.
- The result of a call is lost when no connection got it, under its id or as text.
- With handles that are snapshots nothing may be lost or doubled. Where a handle brings the session
  back as it was at its end (*live handles*), or there are none, nothing may be lost, and of each
  break the utterance that was being said may be doubled. Where a handle comes within an utterance
  and does not say what it holds, the sound that may have been under way then is sent again: two
  words.
"""
