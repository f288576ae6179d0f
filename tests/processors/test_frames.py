"""Which frames outlive an interruption, in a real pipeline."""

from dataclasses import MISSING, fields
from inspect import getmembers, isclass

import pytest
from pipecat.frames.frames import Frame, SystemFrame

from processors import frames
from processors.frames import (
    AnswerBrokenFrame,
    AnswerCutFrame,
    AnswerSoundFrame,
    AudioDroppedFrame,
    AudioPausedFrame,
    CitationsFrame,
    ContextNoteFrame,
    GenerationCompleteFrame,
    ImageEventFrame,
    ImageUsageFrame,
    LinkStatusFrame,
    ModelImageFrame,
    ModelNoteFrame,
    ModelThoughtFrame,
    Role,
    SpeakerActivityFrame,
    ToolCall,
    ToolCallFrame,
    ToolCancelFrame,
    ToolResultFrame,
    TranscriptDeltaFrame,
    TranscriptFrame,
    TurnCompleteFrame,
    UsageFrame,
    UserImagesFrame,
    UserTextFrame,
    UtteranceReplayedFrame,
)

OURS = [
    kind
    for _, kind in getmembers(frames, isclass)
    if issubclass(kind, Frame) and kind.__module__ == frames.__name__
]
AT_ONCE = {
    SpeakerActivityFrame,
    AudioDroppedFrame,
    AudioPausedFrame,
    AnswerCutFrame,
    ToolCancelFrame,
    LinkStatusFrame,
}


@pytest.mark.parametrize("kind", OURS)
def test_each_frame_is_either_at_once_or_outlives_an_interruption(kind: type[Frame]) -> None:
    if kind in AT_ONCE:
        assert issubclass(kind, SystemFrame)
    else:
        (interruptible,) = (f for f in fields(kind) if f.name == "interruptible")
        assert interruptible.default is False
        assert not interruptible.init


def test_the_frames_that_are_tested_are_all_there_are() -> None:
    later = {
        AnswerBrokenFrame,
        AnswerSoundFrame,
        CitationsFrame,
        ContextNoteFrame,
        GenerationCompleteFrame,
        ImageEventFrame,
        ImageUsageFrame,
        ModelImageFrame,
        ModelNoteFrame,
        ModelThoughtFrame,
        ToolCallFrame,
        ToolResultFrame,
        TranscriptDeltaFrame,
        TranscriptFrame,
        TurnCompleteFrame,
        UsageFrame,
        UserImagesFrame,
        UserTextFrame,
        UtteranceReplayedFrame,
    }
    assert set(OURS) == AT_ONCE | later


def test_roles_are_those_of_gemini() -> None:
    assert [role.value for role in Role] == ["user", "model"]


def test_a_frame_is_described_without_what_was_said() -> None:
    """pipecat logs frames by their `str`."""
    said = UserTextFrame("my number is 555", "peer")
    assert "555" not in str(said)


def test_a_call_that_was_made_cannot_be_changed() -> None:
    call = ToolCall("1", "greet", {})
    with pytest.raises(AttributeError):
        call.name = "other"  # type: ignore[misc]  # what is tested
    assert all(f.default is MISSING for f in fields(ToolCall))
