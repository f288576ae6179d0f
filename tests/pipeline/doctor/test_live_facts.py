"""What a stretch of the wire amounts to."""

import base64
from typing import Any

import pytest

from pipeline.doctor.live_facts import Closed, Message, Stretch, message_of

PCM = base64.b64encode(bytes(4800)).decode()


def said(t: float, body: dict[str, Any]) -> Message:
    return Message(t, False, body, True, 10)


def blob(mime: str, data: str = PCM) -> dict[str, Any]:
    parts = [{"inlineData": {"mimeType": mime, "data": data}}]
    return {"serverContent": {"modelTurn": {"parts": parts}}}


def test_frames_become_messages() -> None:
    assert message_of(1.0, b'{"a": 1}', ours=False) == Message(1.0, False, {"a": 1}, True, 8)
    assert message_of(1.0, '{"ä": 1}', ours=True) == Message(1.0, True, {"ä": 1}, False, 9)
    assert message_of(1.0, b"[1]", ours=False).body == {}
    assert message_of(1.0, b"\xff", ours=False).body == {}


def test_sounds() -> None:
    other = {"serverContent": {"modelTurn": {"parts": [{"text": "x"}, "no part"]}}}
    stretch = Stretch(
        [
            said(1.0, blob("audio/pcm;rate=24000")),
            said(2.0, blob("image/png")),
            said(3.0, other),
            said(4.0, blob("audio/pcm", "AAA=")),
            said(5.0, blob("audio/pcm", "AAAAA")),
            said(6.0, blob("audio/pcm", "AAAA")),
        ]
    )
    first, *rest = stretch.sounds
    assert (first.t, first.whole) == (1.0, True)
    assert first.seconds == pytest.approx(0.1)
    assert first.mime_type == "audio/pcm;rate=24000"
    assert [sound.whole for sound in rest] == [True, False, False]


def test_words_flags_and_counts() -> None:
    stretch = Stretch(
        [
            Message(0.5, True, {"serverContent": {"turnComplete": True}}, False, 1),
            said(1.0, {"serverContent": {"outputTranscription": {"text": " One"}}}),
            said(2.0, {"serverContent": {"outputTranscription": {"text": " two"}}}),
            said(3.0, {"serverContent": {"inputTranscription": {"text": " count"}}}),
            said(4.0, {"serverContent": {"turnComplete": True}}),
            said(5.0, {"serverContent": {"turnComplete": True}}),
            said(6.0, {"serverContent": "nonsense"}),
        ]
    )
    assert (stretch.said, stretch.heard) == ("One two", "count")
    assert (stretch.at("turnComplete"), stretch.count("turnComplete")) == (4.0, 2)
    assert stretch.at("interrupted") is None
    assert stretch.since(2.0).until(3.0).said == "two"


@pytest.mark.parametrize(
    ("body", "answers"),
    [
        (blob("audio/pcm"), True),
        ({"serverContent": {"outputTranscription": {"text": "x"}}}, True),
        ({"toolCall": {"functionCalls": [{"name": "f"}]}}, True),
        ({"serverContent": {"modelTurn": {"parts": [{"text": "x"}]}}}, True),
        ({"serverContent": {"inputTranscription": {"text": "x"}}}, False),
        ({"serverContent": {}}, False),
        ({"toolCall": {"functionCalls": "nonsense"}}, False),
    ],
)
def test_what_is_an_answer(body: dict[str, Any], answers: bool) -> None:
    assert Stretch([said(1.0, body)]).answers is answers


def test_handles_usage_calls_and_go_away() -> None:
    update = {"newHandle": "h", "resumable": True}
    stretch = Stretch(
        [
            said(1.0, {"sessionResumptionUpdate": update}),
            said(2.0, {"sessionResumptionUpdate": {"resumable": False}}),
            said(3.0, {"usageMetadata": {"promptTokenCount": 7}}),
            said(4.0, {"usageMetadata": {}}),
            said(4.5, {"usageMetadata": {"totalTokenCount": 9}}),
            said(5.0, {"toolCall": {"functionCalls": [{"id": "1"}, 5]}}),
            said(6.0, {"goAway": {"timeLeft": "50s"}}),
        ],
        Closed(7.0, 1000, "", "client"),
    )
    assert stretch.handles == [(1.0, "h")]
    assert [t for t, _ in stretch.usages] == [3.0, 4.5]
    assert stretch.prompt_tokens == 7
    assert stretch.calls == [(5.0, {"id": "1"})]
    assert stretch.go_away() == (6.0, "50s")
    assert stretch.since(6.5).go_away() is None
    assert stretch.since(6.5).closed == stretch.closed
    assert stretch.until(6.5).closed is None
    assert Stretch().prompt_tokens == 0


def test_whether_an_answer_is_under_way() -> None:
    words = said(1.0, {"serverContent": {"outputTranscription": {"text": "x"}}})
    complete = said(2.0, {"serverContent": {"turnComplete": True}})
    empty = said(3.0, {"serverContent": {}})
    assert Stretch([words, empty]).busy
    assert not Stretch([words, complete, empty]).busy
    assert Stretch([complete, words]).busy
    assert not Stretch([empty]).busy
