import asyncio

import numpy as np
import pytest
from pipecat.frames.frames import (
    BotStartedSpeakingFrame,
    CancelFrame,
    EndFrame,
    InterruptionFrame,
    TTSAudioRawFrame,
    UserStartedSpeakingFrame,
    UserStoppedSpeakingFrame,
)

from processors.audio_out import KEEP_ALIVE_BEATS, LEFT_OVER_S, SILENT_PACKET, STALL_LIMIT_S
from processors.frames import (
    AnswerBrokenFrame,
    AnswerSoundFrame,
    GenerationCompleteFrame,
    TurnCompleteFrame,
)
from processors.opus import OUTPUT_HZ, OpusDecoder
from processors.playout import IN_FLIGHT_S, PACKET_S, TIMESTAMP_STEP
from tests.processors.probe import around
from tests.processors.sounds import Pcm, likeness, spoken, tone
from tests.processors.virtual_time import VirtualTimeLoop, in_virtual_time
from tests.processors.voice import Voice, voice

CHUNK_S = 0.2
AUDIBLE = 300
AHEAD_S = 2.5 * PACKET_S  # the first packet and the next beat may fall together


def sound(seconds: float) -> Pcm:
    return tone(seconds, OUTPUT_HZ)


@in_virtual_time
async def test_the_first_packet_leaves_when_the_first_samples_arrive() -> None:
    async with voice() as v:
        await v.later(0.013)  # between two beats
        await v.say(sound(1.0))
        assert len(v.packets) == 1
        assert v.audio_out.speaking


@in_virtual_time
async def test_the_others_follow_every_20_ms() -> None:
    async with voice() as v:
        await v.later(0.013)
        for _ in range(5):
            await v.say(sound(CHUNK_S))
        await v.push(GenerationCompleteFrame(), TurnCompleteFrame())
        await v.to_the_end()
        assert len(v.packets) == 50
        assert np.diff(v.times[1:]) == pytest.approx(PACKET_S, abs=1e-4)
        assert v.times[-1] - v.times[0] == pytest.approx(49 * PACKET_S, abs=PACKET_S)
        assert v.stamps == [v.stamps[0] + n * TIMESTAMP_STEP for n in range(50)]
        assert v.audio_out.counters.packets == 50
        assert v.audio_out.counters.underruns == 0


@in_virtual_time
async def test_what_is_heard_is_what_was_said() -> None:
    speech = spoken("change the wall to blue", OUTPUT_HZ)
    async with voice() as v:
        for start in range(0, speech.size, 4801):  # no multiple of a packet
            await v.say(speech[start : start + 4801])
        await v.push(GenerationCompleteFrame())
        await v.to_the_end()
        assert v.heard.size - speech.size < PACKET_S * OUTPUT_HZ
        assert likeness(speech, v.heard) > 0.95


@in_virtual_time
async def test_who_speaks_is_told_once_and_in_order() -> None:
    async with voice() as v:
        for _ in range(3):
            await v.say(sound(0.5))
            await v.push(GenerationCompleteFrame())
            await v.later(0.6)
            await v.push(TurnCompleteFrame())
        assert v.said == ["started", "generated", "stopped", "turn"] * 3
        assert v.audio_out.counters.answers == 3
        assert not v.audio_out.speaking


@in_virtual_time
async def test_an_interruption_silences_at_once() -> None:
    async with voice() as v:
        await v.say(sound(10.0))
        await v.later(2.0)
        sent = len(v.packets)
        await v.push(InterruptionFrame())
        await v.push(TurnCompleteFrame())
        assert not v.audio_out.speaking
        await v.later(3.0)
        assert set(v.packets[sent:]) == {SILENT_PACKET}
        assert v.said == ["started", "cut", "stopped", "interruption", "turn"]
        assert v.cut.received_s == 10.0
        assert v.cut.heard_s == pytest.approx(2.0 - IN_FLIGHT_S, abs=AHEAD_S)
        assert v.audio_out.counters.cuts == 1


@in_virtual_time
async def test_after_an_interruption_the_next_answer_counts_from_zero() -> None:
    """Even when Gemini does not end the turn that it cut."""
    async with voice() as v:
        await v.say(sound(5.0))
        await v.later(1.0)
        await v.push(InterruptionFrame())
        await v.say(sound(2.0))
        await v.push(InterruptionFrame())
        assert v.cut.received_s == 2.0
        assert v.cut.heard_s == 0.0
        assert v.audio_out.counters.answers == 2


@in_virtual_time
async def test_a_busy_loop_makes_packets_late_but_no_holes_between_them() -> None:
    async with voice() as v:
        await v.say(sound(1.0))
        await v.later(0.3)
        loop = asyncio.get_running_loop()
        assert isinstance(loop, VirtualTimeLoop)
        loop.jumping.now += 0.11
        await v.push(GenerationCompleteFrame())
        await v.to_the_end()
        assert max(np.diff(v.times)) > 0.1
        assert set(np.diff(v.stamps)) == {TIMESTAMP_STEP}


@in_virtual_time
async def test_an_answer_that_begins_while_no_beats_come_waits_for_one() -> None:
    """Nobody is there to hear its first packet."""
    async with voice() as v:
        await v.later(0.5)
        v.ticker.unsubscribe(v.audio_out.beat)
        await v.later(3.0)
        sent = len(v.packets)
        await v.say(sound(1.0))
        await v.push(GenerationCompleteFrame())
        await v.later(3.0)
        assert len(v.packets) == sent
        v.ticker.subscribe(v.audio_out.beat)
        await v.to_the_end()
        assert v.heard.size == OUTPUT_HZ


@in_virtual_time
async def test_rtp_time_goes_on_while_no_beats_come() -> None:
    """Else the rest of an answer would seem to have been seconds on its way."""
    async with voice() as v:
        await v.say(sound(1.0))
        await v.push(GenerationCompleteFrame())
        await v.later(0.5)
        v.ticker.unsubscribe(v.audio_out.beat)
        await v.later(3.0)
        v.ticker.subscribe(v.audio_out.beat)
        await v.to_the_end()
        assert len(v.packets) == 50
        steps = np.diff(v.stamps)
        assert sorted(steps)[:-1] == [TIMESTAMP_STEP] * 48
        assert steps.max() / TIMESTAMP_STEP * PACKET_S == pytest.approx(3.0, abs=2 * PACKET_S)


@in_virtual_time
async def test_nothing_of_the_cut_answer_opens_the_next_one() -> None:
    async with voice() as v:
        await v.say(sound(2.0))
        await v.later(1.0)
        await v.push(InterruptionFrame(), TurnCompleteFrame())
        sent = len(v.packets)
        await v.say(np.zeros(4800, np.int16))
        await v.push(GenerationCompleteFrame())
        await v.later(0.5)
        first = OpusDecoder(OUTPUT_HZ).decode(v.packets[sent])
        assert np.abs(first).max() < AUDIBLE
        assert v.said[-3:] == ["started", "generated", "stopped"]


@in_virtual_time
async def test_an_interruption_of_nothing_is_passed_on() -> None:
    async with voice() as v:
        await v.push(InterruptionFrame())
        assert v.said == ["interruption"]
        assert v.audio_out.counters.cuts == 0


@in_virtual_time
async def test_a_beginning_and_an_interruption_in_one_moment_keep_their_order() -> None:
    async with voice() as v:
        await v.say(sound(0.5))
        await v.push(InterruptionFrame())
        assert v.said == ["started", "cut", "stopped", "interruption"]
        assert v.cut.heard_s == 0.0


@in_virtual_time
async def test_a_short_rest_is_played_when_the_answer_is_complete() -> None:
    async with voice() as v:
        await v.say(sound(0.105))
        await v.later(0.3)
        assert len(v.packets) == 5, "more may come"
        await v.push(GenerationCompleteFrame())
        await v.to_the_end()
        assert len(v.packets) == 6


@in_virtual_time
async def test_an_answer_shorter_than_a_packet() -> None:
    async with voice() as v:
        await v.say(sound(0.005))
        assert v.packets == []
        await v.push(GenerationCompleteFrame())
        await v.to_the_end()
        assert len(v.packets) == 1
        assert v.said == ["started", "generated", "stopped"]


@in_virtual_time
async def test_an_answer_shorter_than_a_packet_after_a_long_silence() -> None:
    async with voice() as v:
        await v.later(30.0)
        silent = len(v.packets)
        await v.say(sound(0.005))
        await v.later(0.1)
        await v.say(sound(0.1))
        await v.push(GenerationCompleteFrame())
        await v.to_the_end()
        assert len(v.packets) - silent == 6
        assert v.said == ["started", "generated", "stopped"]


@in_virtual_time
async def test_a_short_stall_is_no_end() -> None:
    async with voice() as v:
        await v.say(sound(0.5))
        await v.later(0.5 + STALL_LIMIT_S * 0.8)
        await v.say(sound(0.5))
        await v.push(GenerationCompleteFrame())
        await v.to_the_end()
        assert v.said == ["started", "generated", "stopped"]
        assert v.audio_out.counters.underruns == 1
        jump = np.diff(v.stamps).max() / TIMESTAMP_STEP * PACKET_S
        assert jump == pytest.approx(STALL_LIMIT_S * 0.8, abs=0.05), "RTP time goes on meanwhile"


@in_virtual_time
async def test_a_long_stall_is_a_pause_within_one_answer() -> None:
    async with voice() as v:
        await v.say(sound(0.5))
        await v.later(0.5 + STALL_LIMIT_S + 0.5)
        assert v.said == ["started", "stopped"]
        await v.say(sound(1.0))
        await v.later(0.5)
        await v.push(InterruptionFrame())
        assert v.said == ["started", "stopped", "started", "cut", "stopped", "interruption"]
        assert v.cut.received_s == 1.5
        assert v.cut.heard_s == pytest.approx(1.0 - IN_FLIGHT_S, abs=AHEAD_S)
        assert v.audio_out.counters.answers == 1


@in_virtual_time
async def test_a_stall_lets_the_short_rest_go() -> None:
    """Else it would open the next answer."""
    async with voice() as v:
        await v.say(sound(0.105))
        await v.later(STALL_LIMIT_S + 0.2)
        assert v.said == ["started", "stopped"]
        assert v.audio_out.playout.waiting_s == 0.0
        sent = [packet for packet in v.packets if packet != SILENT_PACKET]
        assert len(sent) == 6


@in_virtual_time
async def test_audio_after_the_generation_was_complete_is_played_too() -> None:
    async with voice() as v:
        await v.say(sound(0.5))
        await v.push(GenerationCompleteFrame())
        await v.say(sound(0.5))
        await v.later(3.0)
        assert v.said == ["started", "generated", "stopped"]
        assert v.heard.size == OUTPUT_HZ


@in_virtual_time
async def test_an_answer_before_the_last_one_has_been_played() -> None:
    """Gemini should hold the turn's end until then; nothing breaks when it does not."""
    async with voice() as v:
        await v.say(sound(1.0))
        await v.push(GenerationCompleteFrame(), TurnCompleteFrame())
        await v.later(0.5)
        await v.say(sound(1.0))
        await v.later(1.0)
        await v.push(InterruptionFrame())
        assert v.said == ["started", "generated", "turn", "cut", "stopped", "interruption"]
        assert v.audio_out.counters.answers == 2
        assert v.cut.received_s == 1.0
        assert v.cut.heard_s == pytest.approx(0.5 - IN_FLIGHT_S, abs=AHEAD_S)


@in_virtual_time
async def test_an_answer_of_ten_minutes_can_be_cut_anywhere() -> None:
    async with voice() as v:
        minute = sound(60.0)
        for _ in range(10):
            await v.say(minute)
        await v.later(20.0)
        await v.push(InterruptionFrame())
        assert v.cut.received_s == 600.0
        assert v.cut.heard_s == pytest.approx(20.0 - IN_FLIGHT_S, abs=AHEAD_S)
        assert v.audio_out.playout.dropped_samples == 0
        assert v.audio_out.playout.waiting_s == 0.0


@in_virtual_time
async def test_what_came_of_a_broken_answer_is_played_to_its_end() -> None:
    async with voice() as v:
        await v.say(sound(1.0))
        await v.say(sound(0.105))
        await v.later(0.5)
        await v.push(AnswerBrokenFrame())
        await v.later(1.0)
        assert v.heard.size == pytest.approx(1.105 * OUTPUT_HZ, abs=PACKET_S * OUTPUT_HZ)
        assert v.said == ["started", "broken", "stopped"]


@in_virtual_time
async def test_after_a_broken_answer_the_next_one_counts_from_zero() -> None:
    async with voice() as v:
        await v.say(sound(1.0))
        await v.push(AnswerBrokenFrame())
        await v.later(0.5)
        await v.say(sound(2.0))
        await v.later(1.0)
        await v.push(InterruptionFrame())
        assert v.said == ["started", "broken", "cut", "stopped", "interruption"]
        assert v.audio_out.counters.answers == 2
        assert v.cut.received_s == 2.0
        assert v.cut.heard_s == pytest.approx(0.5 - IN_FLIGHT_S, abs=AHEAD_S)


@pytest.mark.parametrize("over", [AnswerBrokenFrame, TurnCompleteFrame])
@in_virtual_time
async def test_what_is_left_of_an_answer_that_is_over_ends_when_somebody_speaks(
    over: type[AnswerBrokenFrame | TurnCompleteFrame],
) -> None:
    """Gemini interrupts nothing: it is not answering, or does not know that one still listens."""
    async with voice() as v:
        await v.say(sound(5.0))
        await v.push(over())
        await v.later(1.0)
        await v.push(UserStartedSpeakingFrame())
        assert not v.audio_out.speaking
        assert v.said[-2:] == ["cut", "stopped"]
        assert v.cut.heard_s == pytest.approx(1.0 - IN_FLIGHT_S, abs=AHEAD_S)


@in_virtual_time
async def test_so_does_an_answer_that_breaks_while_somebody_speaks() -> None:
    async with voice() as v:
        for speech in (UserStoppedSpeakingFrame(), UserStartedSpeakingFrame()):
            await v.say(sound(5.0))
            await v.push(UserStartedSpeakingFrame(), speech)
            await v.later(1.0)
            assert v.audio_out.speaking
            await v.push(AnswerBrokenFrame())
        assert not v.audio_out.speaking
        assert v.said == ["started", "broken", "cut", "stopped", "broken"]


@in_virtual_time
async def test_an_answer_that_goes_on_is_geminis_to_interrupt() -> None:
    async with voice() as v:
        await v.say(sound(5.0))
        await v.push(GenerationCompleteFrame())
        await v.later(1.0)
        await v.push(UserStartedSpeakingFrame())
        assert v.audio_out.speaking


@in_virtual_time
async def test_the_last_word_of_an_answer_is_not_cut_off() -> None:
    """Gemini ends a turn when it guesses that it has been played."""
    async with voice() as v:
        await v.say(sound(1.0))
        await v.push(TurnCompleteFrame())
        await v.later(1.0 - LEFT_OVER_S + 2 * PACKET_S)
        await v.push(UserStartedSpeakingFrame())
        await v.to_the_end()
        assert v.said == ["started", "turn", "stopped"]


@in_virtual_time
async def test_nobody_interrupts_where_the_settings_say_so() -> None:
    async with voice(interruptible=False) as v:
        await v.say(sound(5.0))
        await v.push(TurnCompleteFrame(), UserStartedSpeakingFrame())
        assert v.audio_out.speaking


@in_virtual_time
async def test_what_will_be_played_is_told_in_order() -> None:
    async with voice() as v:
        await v.say(np.concatenate([sound(0.1), np.zeros(2400, np.int16)]))
        await v.say(sound(0.1), channels=2)
        await v.push(TTSAudioRawFrame(b"\x01", OUTPUT_HZ, 1))
        await v.push(GenerationCompleteFrame())
        (told,) = v.probes.below.of(AnswerSoundFrame)
        assert (told.duration_s, told.heard) == (0.2, b"\x01" * 5 + b"\x00" * 5)
        kinds = [type(frame) for frame in v.probes.below.frames]
        first, last = kinds.index(BotStartedSpeakingFrame), kinds.index(GenerationCompleteFrame)
        assert first < kinds.index(AnswerSoundFrame) < last
        assert TTSAudioRawFrame not in kinds


@in_virtual_time
async def test_what_is_dropped_is_told_to_nobody() -> None:
    async with voice(max_waiting_s=1.0) as v:
        await v.say(sound(0.8))
        await v.say(sound(0.8))
        await v.say(sound(0.8))
        told = [frame.duration_s for frame in v.probes.below.of(AnswerSoundFrame)]
        assert told == [0.8, pytest.approx(0.2, abs=PACKET_S)]


@in_virtual_time
async def test_what_no_one_could_wait_for_is_dropped_and_counted() -> None:
    async with voice(max_waiting_s=1.0) as v:
        await v.say(sound(3.0))
        assert v.audio_out.counters.dropped_samples == pytest.approx(2.0 * OUTPUT_HZ, abs=480)
        await v.push(TurnCompleteFrame())
        await v.to_the_end()
        assert v.heard.size == pytest.approx(1.0 * OUTPUT_HZ, abs=960)


@in_virtual_time
async def test_connections_are_kept_warm_while_nobody_speaks() -> None:
    async with voice() as v:
        await v.later(10.0)
        assert set(v.packets) == {SILENT_PACKET}
        assert len(v.packets) == pytest.approx(10.0 / (KEEP_ALIVE_BEATS * PACKET_S), abs=1)
        assert set(np.diff(v.stamps)) == {KEEP_ALIVE_BEATS * TIMESTAMP_STEP}
        assert v.audio_out.counters.silent_packets == len(v.packets)
        assert v.said == []


def test_the_silent_packet_is_one_for_every_decoder() -> None:
    assert not OpusDecoder().decode(SILENT_PACKET).any()


@in_virtual_time
async def test_what_is_not_gemini_audio_is_refused_and_harms_nothing() -> None:
    async with voice() as v:
        await v.say(sound(0.5), rate=16_000)
        await v.say(sound(0.5), channels=2)
        assert v.said == []
        assert v.audio_out.counters.refused == 2
        await v.say(sound(0.2))
        await v.push(GenerationCompleteFrame())
        await v.to_the_end()
        assert v.heard.size == 0.2 * OUTPUT_HZ


@in_virtual_time
async def test_audio_without_samples_is_none() -> None:
    async with voice() as v:
        for data in (b"", b"\x01"):
            await v.push(TTSAudioRawFrame(data, OUTPUT_HZ, 1))
        await v.later(0.1)
        assert v.said == []
        assert not v.audio_out.speaking


@in_virtual_time
async def test_half_a_sample_at_the_end_is_ignored() -> None:
    async with voice() as v:
        whole = sound(0.1).tobytes()
        for _ in range(2):
            await v.push(TTSAudioRawFrame(whole + b"\x7f", OUTPUT_HZ, 1))
        await v.push(GenerationCompleteFrame())
        await v.to_the_end()
        assert len(v.packets) == 10
        assert likeness(sound(0.2), v.heard) > 0.9


@in_virtual_time
async def test_the_end_comes_after_the_last_word() -> None:
    async with voice() as v:
        await v.say(sound(10.0))
        await v.later(0.5)
    sent = len(v.packets)
    assert v.said == ["started", "stopped", "end"]
    for _ in range(3 * KEEP_ALIVE_BEATS):
        v.audio_out.beat(asyncio.get_running_loop().time())
    assert len(v.packets) == sent
    assert not v.audio_out.speaking


@in_virtual_time
async def test_a_cancellation_ends_it_too() -> None:
    v = Voice()
    async with around(v.audio_out) as v.probes:
        v.audio_out.beat(asyncio.get_running_loop().time())
        await v.say(sound(10.0))
        await v.push(CancelFrame())
        await v.say(sound(1.0))
        v.audio_out.beat(asyncio.get_running_loop().time())
        assert v.said == ["started", "stopped", "cancel"]
        assert len(v.packets) == 1


@in_virtual_time
async def test_it_may_be_ended_twice() -> None:
    async with voice() as v:
        await v.say(sound(0.5))
        await v.push(EndFrame(), EndFrame())
        assert v.said == ["started", "stopped", "end", "end"]


@in_virtual_time
async def test_beats_before_the_start_do_nothing() -> None:
    v = Voice()
    for beat in range(100):
        v.audio_out.beat(beat * PACKET_S)
    assert v.packets == []
