"""What the emulator recorded of each connection, as the counts need it. Pure."""

import io
import json
import wave
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from bench.faults.codec import HEARD_HZ, Pcm
from bench.faults.lineage import BadRecord, Connection, Turn
from bench.faults.numbering import numbers_of_ours

RESULT_WORDS = "The result of "
SLACK_SAMPLES = HEARD_HZ  # the list and the sound are read one after the other


@dataclass(frozen=True, slots=True)
class Injected:
    """A fault, and when it began."""

    kind: str
    at: float


@dataclass(frozen=True, slots=True)
class Recorded:
    """`calls` and `results` are the numbers of tool calls; `hears_from`: its first sound came."""

    connection: Connection
    faults: Sequence[Injected]
    hears_from: float | None
    calls: Sequence[int]
    results: Sequence[int]


def names_room(record: Mapping[str, Any], name: str) -> bool:
    """Whether that stands in the instruction of the connection's setup."""
    return f"This is {name}." in json.dumps(record["setup"])


def sound_in(wav: bytes) -> Pcm:
    with wave.open(io.BytesIO(wav)) as reader:
        return np.frombuffer(reader.readframes(reader.getnframes()), "<i2")


def recorded(record: Mapping[str, Any], sound: Pcm) -> Recorded:
    """Raises `BadRecord` when not all of its sound was kept."""
    missing = record["audio"]["seconds"] * HEARD_HZ - sound.size
    if missing > SLACK_SAMPLES:
        raise BadRecord(f"{missing:.0f} samples of connection {record['id']} are gone")
    calls = record["calls"]
    return Recorded(
        connection=Connection(
            number=record["id"],
            opened_at=record["opened_at"],
            sound=sound,
            resumed_from=_parent(record.get("resumed_from")),
            answered=list(_answered(record["turns"])),
            told=[number for text in record["texts"] for number in numbers_of_ours(text)],
        ),
        faults=[Injected(fault["kind"], fault["at"]) for fault in record.get("faults", ())],
        hears_from=record["audio"]["first_at"],
        calls=[each["value"]["number"] for each in calls if each["kind"] == "call"],
        results=[*_results(calls), *_results_in_words(record["texts"])],
    )


def _parent(told: Mapping[str, Any] | None) -> tuple[int, int] | None:
    return None if told is None else (told["id"], told["audio_samples"])


def _answered(turns: Sequence[Mapping[str, Any]]) -> Iterator[Turn]:
    for turn in turns:
        begin, end = turn.get("audio_from"), turn.get("audio_to")
        if turn["first_output_at"] is not None and begin is not None and end is not None:
            yield Turn(begin, end)


def _results(calls: Sequence[Mapping[str, Any]]) -> Iterator[int]:
    for call in calls:
        if call["kind"] == "response":
            yield from numbers_of_ours(json.dumps(call["value"]))


def _results_in_words(texts: Sequence[str]) -> Iterator[int]:
    for text in texts:
        if text.startswith(RESULT_WORDS):
            yield from numbers_of_ours(text)
