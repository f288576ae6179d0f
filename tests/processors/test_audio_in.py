import numpy as np
import pytest
from pipecat.frames.frames import (
    Frame,
    InputAudioRawFrame,
    UserStartedSpeakingFrame,
    UserStoppedSpeakingFrame,
)

from processors.audio_in import FILL_AFTER_S, FILL_LIMIT_S, AudioIn
from processors.frames import AudioPausedFrame, SpeakerActivityFrame
from processors.mixer import FRAME_SAMPLES
from processors.opus import INPUT_HZ, OUTPUT_HZ, OpusEncoder
from tests.processors.sounds import Pcm, likeness, silence, spoken, tone

PACKET_S = 0.02
TICK_S = 0.04
SENTENCE = "change the wall to blue"


class Room:
    """An `AudioIn` with a clock, and what it emitted."""

    def __init__(self, *peers: str) -> None:
        self.frames: list[Frame] = []
        self.audio_in = AudioIn(self.frames.append)
        self.now = 100.0
        self._encoders = {peer: OpusEncoder() for peer in peers}
        for peer in peers:
            self.audio_in.add(peer)

    def speak(self, sound: Pcm, *peers: str) -> None:
        """The peers say the same in step, 20 ms at a time, while the clock runs."""
        step = int(OUTPUT_HZ * PACKET_S)
        for start in range(0, sound.size // step * step, step):
            for peer in peers:
                payload = self._encoders[peer].encode(sound[start : start + step])
                self.audio_in.packet(peer, payload, self.now)
            self.now += PACKET_S
            self.audio_in.tick(self.now)

    def wait(self, seconds: float) -> None:
        for _ in range(round(seconds / TICK_S)):
            self.now += TICK_S
            self.audio_in.tick(self.now)

    def of(self, kind: type[Frame]) -> list[Frame]:
        return [frame for frame in self.frames if isinstance(frame, kind)]

    @property
    def pcm(self) -> Pcm:
        audio = [frame.audio for frame in self.frames if isinstance(frame, InputAudioRawFrame)]
        return np.frombuffer(b"".join(audio), np.int16)

    @property
    def activity(self) -> list[str]:
        """Who spoke and what the room said of it, in order."""
        out = []
        for frame in self.frames:
            match frame:
                case SpeakerActivityFrame(peer_id=peer, speaking=speaking):
                    out.append(f"{peer}{'+' if speaking else '-'}")
                case UserStartedSpeakingFrame():
                    out.append("started")
                case UserStoppedSpeakingFrame():
                    out.append("stopped")
                case AudioPausedFrame():
                    out.append("paused")
        return out


def test_packets_become_40_ms_of_16_khz() -> None:
    room = Room("a")
    sound = spoken(SENTENCE, OUTPUT_HZ)
    room.speak(sound, "a")
    for frame in room.of(InputAudioRawFrame):
        assert isinstance(frame, InputAudioRawFrame)
        assert (frame.sample_rate, frame.num_channels) == (INPUT_HZ, 1)
        assert len(frame.audio) == 2 * FRAME_SAMPLES
    assert abs(room.pcm.size - sound.size * 2 // 3) < 2 * FRAME_SAMPLES
    assert likeness(spoken(SENTENCE), room.pcm) > 0.9
    assert room.audio_in.counters.packets == sound.size // 480


def test_who_speaks_is_told_before_what_they_say() -> None:
    room = Room("a")
    room.speak(tone(0.2, OUTPUT_HZ), "a")
    kinds = [type(frame) for frame in room.frames]
    assert kinds.index(SpeakerActivityFrame) < kinds.index(UserStartedSpeakingFrame) < 4
    room.speak(silence(1.0, OUTPUT_HZ), "a")
    assert room.activity == ["a+", "started", "a-", "stopped"]


def test_two_who_speak_are_one_user() -> None:
    room = Room("a", "b")
    room.speak(tone(0.5, OUTPUT_HZ), "a", "b")
    room.speak(silence(1.0, OUTPUT_HZ), "a")
    room.wait(FILL_LIMIT_S + 0.2)
    assert room.activity[:3] == ["a+", "started", "b+"]
    assert sorted(room.activity[3:5]) == ["a-", "b-"]
    assert room.activity[5:] == ["stopped", "paused"]


def test_two_voices_are_mixed() -> None:
    room = Room("a", "b")
    room.speak(tone(0.5, OUTPUT_HZ, db=-20), "a")
    alone = int(np.abs(room.pcm[2000:]).max())
    room.speak(tone(0.5, OUTPUT_HZ, db=-20), "a", "b")
    assert np.abs(room.pcm[-3000:]).max() > 1.4 * alone


def test_a_frame_leaves_with_the_packet_that_completes_it() -> None:
    room = Room("a")
    for count in range(1, 9):
        room.speak(tone(PACKET_S, OUTPUT_HZ), "a")
        assert room.pcm.size == count // 2 * FRAME_SAMPLES


def test_the_last_packet_before_a_pause_is_heard_before_the_silence() -> None:
    room = Room("a")
    room.speak(tone(0.42, OUTPUT_HZ), "a")
    sent = room.pcm.size
    room.wait(3.0)
    after = room.pcm[sent:]
    packet = int(PACKET_S * INPUT_HZ)
    assert after[:packet].any()
    assert not after[packet:].any()
    assert after.size == FILL_LIMIT_S * INPUT_HZ  # and a rest of half a frame


def test_the_last_packet_before_a_loss_is_heard_before_what_is_made_up() -> None:
    room = Room("a")
    room.speak(np.r_[tone(0.4, OUTPUT_HZ), silence(0.02, OUTPUT_HZ)], "a")
    sent = room.pcm.size
    room.audio_in.missing("a", OpusEncoder().encode(tone(0.02, OUTPUT_HZ)), room.now)
    assert room.pcm.size == sent + FRAME_SAMPLES


def test_a_pause_is_filled_with_silence_for_a_second_and_then_told() -> None:
    room = Room("a")
    room.speak(tone(0.4, OUTPUT_HZ), "a")
    before = room.pcm.size
    assert FILL_AFTER_S > TICK_S + PACKET_S
    room.wait(TICK_S)
    assert room.pcm.size == before, "that long it may be jitter"
    room.wait(5.0)
    assert room.pcm.size == before + FILL_LIMIT_S * INPUT_HZ
    assert not room.pcm[before:].any()
    assert room.activity == ["a+", "started", "a-", "stopped", "paused"]


def test_the_pause_is_told_once_and_again_after_the_next_words() -> None:
    room = Room("a")
    for _ in range(2):
        room.speak(tone(0.2, OUTPUT_HZ), "a")
        room.wait(3.0)
    assert room.activity.count("paused") == 2


def test_a_room_where_nobody_spoke_does_not_pause() -> None:
    room = Room("a")
    room.wait(5.0)
    assert room.frames == []


def test_who_falls_silent_does_not_hold_up_the_others() -> None:
    room = Room("a", "b")
    room.speak(tone(0.2, OUTPUT_HZ), "a", "b")
    before = room.pcm.size
    room.speak(tone(2.0, OUTPUT_HZ), "a")
    assert room.pcm.size >= before + 1.9 * INPUT_HZ
    assert "paused" not in room.activity
    assert room.audio_in.counters.padded_frames > 0, "while b was waited for, and not beyond"
    assert room.audio_in.counters.padded_frames < 2 * FILL_LIMIT_S / 0.04


def test_suppressed_silence_is_restored() -> None:
    room = Room("a")
    room.speak(tone(0.2, OUTPUT_HZ), "a")
    before = room.pcm.size
    room.audio_in.silence("a", 0.4, room.now)
    assert room.pcm.size == before + 0.4 * INPUT_HZ


def test_but_not_what_the_clock_has_filled() -> None:
    room = Room("a")
    room.speak(tone(0.2, OUTPUT_HZ), "a")
    before = room.pcm.size
    room.wait(0.6)
    filled = room.pcm.size - before
    assert filled > 0
    room.audio_in.silence("a", 0.8, room.now)
    assert room.pcm.size == before + 0.8 * INPUT_HZ
    room.audio_in.silence("a", 0.12, room.now)
    assert room.pcm.size == before + 0.92 * INPUT_HZ, "this one is new"


def test_silence_that_was_filled_wholly_adds_nothing() -> None:
    room = Room("a")
    room.speak(tone(0.2, OUTPUT_HZ), "a")
    before = room.pcm.size
    room.wait(0.6)
    room.audio_in.silence("a", 0.2, room.now)
    assert room.pcm.size < before + 0.7 * INPUT_HZ


@pytest.mark.parametrize("duration_s", [3600.0, 10.0, 1.0])
def test_silence_has_a_limit(duration_s: float) -> None:
    room = Room("a")
    room.speak(tone(0.2, OUTPUT_HZ), "a")
    before = room.pcm.size
    room.audio_in.silence("a", duration_s, room.now)
    assert room.pcm.size == before + FILL_LIMIT_S * INPUT_HZ


def test_silence_after_a_long_pause_adds_nothing() -> None:
    room = Room("a")
    room.speak(tone(0.2, OUTPUT_HZ), "a")
    room.wait(30.0)
    before = room.pcm.size
    room.audio_in.silence("a", 30.0, room.now)
    assert room.pcm.size == before


def test_lost_packets_are_made_up() -> None:
    room = Room("a")
    room.speak(tone(0.4, OUTPUT_HZ), "a")
    before = room.pcm.size
    room.audio_in.missing("a", None, room.now)
    room.audio_in.missing("a", OpusEncoder().encode(tone(0.02, OUTPUT_HZ)), room.now)
    assert room.pcm.size == before + FRAME_SAMPLES
    counters = room.audio_in.counters
    assert (counters.packets, counters.concealed, counters.recovered) == (20, 1, 1)


def test_bad_packets_are_counted_and_nothing_else() -> None:
    room = Room("a")
    for payload in (b"", b"\xff", b"\x0b\x00"):
        room.audio_in.packet("a", payload, room.now)
        room.audio_in.missing("a", payload, room.now)
    assert room.audio_in.counters.refused == 6
    room.wait(3.0)
    assert room.frames == []


def test_peers_that_are_not_here_are_ignored() -> None:
    room = Room("a")
    payload = OpusEncoder().encode(tone(0.02, OUTPUT_HZ))
    for _ in range(10):
        room.audio_in.packet("x", payload, room.now)
        room.audio_in.missing("x", None, room.now)
        room.audio_in.silence("x", 1.0, room.now)
    room.audio_in.remove("x")
    assert room.frames == []


def test_who_leaves_while_speaking_has_stopped() -> None:
    room = Room("a")
    room.speak(tone(0.2, OUTPUT_HZ), "a")
    room.audio_in.remove("a")
    room.audio_in.remove("a")
    room.wait(TICK_S)
    assert room.activity == ["a+", "started", "a-", "stopped", "paused"]


def test_who_leaves_silently_is_no_news() -> None:
    room = Room("a", "b")
    room.audio_in.remove("a")
    assert room.frames == []


def test_a_tick_at_the_same_time_fills_nothing_twice() -> None:
    room = Room("a")
    room.speak(tone(0.2, OUTPUT_HZ), "a")
    room.now = room.now - PACKET_S + FILL_LIMIT_S
    room.audio_in.tick(room.now)
    before = room.pcm.size
    room.audio_in.tick(room.now)
    assert room.pcm.size == before
    assert "paused" not in room.activity


def test_who_leaves_gives_the_others_what_they_waited_for() -> None:
    room = Room("a", "b")
    room.speak(tone(0.2, OUTPUT_HZ), "a", "b")
    room.speak(tone(0.06, OUTPUT_HZ), "a")
    before = room.pcm.size
    room.audio_in.remove("b")
    assert room.pcm.size > before


def test_who_comes_back_begins_anew() -> None:
    room = Room("a")
    room.speak(tone(0.2, OUTPUT_HZ), "a")
    room.audio_in.remove("a")
    room.audio_in.add("a")
    room.frames.clear()
    room.speak(tone(0.2, OUTPUT_HZ), "a")
    assert room.activity == ["a+", "started"]
