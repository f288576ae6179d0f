"""Real Opus over a lossy path, from the jitter window to what Gemini hears, with no socket."""

from collections.abc import Iterable
from itertools import pairwise
from statistics import mean, median

import numpy as np
import pytest
from pipecat.frames.frames import Frame, InputAudioRawFrame

from processors.audio_in import FILL_AFTER_S, FILL_LIMIT_S, AudioIn
from processors.opus import INPUT_HZ, OpusDecoder
from tests.pipeline.browser_speech import carries_fec, packets_of, snr_db
from tests.processors.sounds import Pcm, likeness, silence, spoken
from tests.transports.audio_paths import Path, at_once, run
from transports.jitter import CLOCK_HZ, Missing, Playable, Received, Silence
from transports.rtp_arrival import RtpArrival

SENTENCE = "seven wise men change the colour of every wall in this room to a very light blue"
PACKET_SAMPLES = INPUT_HZ // 50
TICK_S = 0.04
VOICED = 300.0  # RMS of what is worth comparing


def frames_of(played: Iterable[tuple[float, Playable]], until: float) -> list[tuple[float, Pcm]]:
    """What the room passes on and when, as a participant hands it over, with its clock."""
    frames: list[tuple[float, Pcm]] = []
    now = 0.0

    def emit(frame: Frame) -> None:
        if isinstance(frame, InputAudioRawFrame):
            frames.append((now, np.frombuffer(frame.audio, np.int16)))

    audio_in = AudioIn(emit)
    audio_in.add("a")
    for at, playable in [*played, (until, None)]:
        while now and now + TICK_S < at:
            now += TICK_S
            audio_in.tick(now)
        now = at
        match playable:
            case Received(payload):
                audio_in.packet("a", payload, at)
            case Missing(next_payload):
                audio_in.missing("a", next_payload, at)
            case Silence(duration):
                audio_in.silence("a", duration / CLOCK_HZ, at)
    return frames


def heard(played: Iterable[tuple[float, Playable]], until: float) -> Pcm:
    return np.concatenate([sound for _, sound in frames_of(played, until)])


def speech() -> Pcm:
    return spoken(SENTENCE, CLOCK_HZ)


def over(path: Path, packets: list[RtpArrival], seed: int = 1) -> Pcm:
    sent = at_once(packets)
    return heard(run(path.carry(sent, seed)), sent[-1][0] + 0.3)


# ---- how good what is made up is --------------------------------------------------------------


def decoded_with(packets: list[RtpArrival], lost: frozenset[int], *, fec: bool) -> list[Pcm]:
    """The packets' sounds, through the jitter window; without `fec` what is lost is concealed."""
    decoder = OpusDecoder()
    out: list[Pcm] = []
    sent = at_once(packets)
    for _, playable in run(arrived for i, arrived in enumerate(sent) if i not in lost):
        match playable:
            case Received(payload):
                out.append(decoder.decode(payload))
            case Missing(next_payload) if fec and next_payload is not None:
                out.append(decoder.recover(next_payload))
            case Missing():
                out.append(decoder.conceal())
            case Silence():
                raise AssertionError("the sender suppressed nothing")
    return out


def voiced(sounds: list[Pcm], numbers: Iterable[int]) -> list[int]:
    return [n for n in numbers if np.sqrt(np.mean(np.square(sounds[n].astype(float)))) > VOICED]


def test_the_packets_of_speech_carry_fec_where_loss_is_expected() -> None:
    with_fec, without = packets_of(speech()), packets_of(speech(), loss_percent=0)
    assert sum(carries_fec(p.payload) for p in with_fec) > 0.6 * len(with_fec)
    assert not any(carries_fec(p.payload) for p in without)


@pytest.mark.parametrize("phase", range(4))
def test_a_lone_lost_packet_is_recovered_from_the_next(phase: int) -> None:
    packets = packets_of(speech())
    lost = frozenset(range(10 + phase, len(packets) - 2, 9))
    whole = decoded_with(packets, frozenset(), fec=True)
    recovered = decoded_with(packets, lost, fec=True)
    concealed = decoded_with(packets, lost, fec=False)
    assert len(whole) == len(recovered) == len(concealed) == len(packets)
    compared = [n for n in voiced(whole, lost) if carries_fec(packets[n + 1].payload)]
    assert len(compared) > 10
    by_fec = [snr_db(whole[n], recovered[n]) for n in compared]
    by_guess = [snr_db(whole[n], concealed[n]) for n in compared]
    print(f"SNR of lost packets, dB: FEC {mean(by_fec):.1f}, concealed {mean(by_guess):.1f}")
    assert mean(by_fec) > mean(by_guess) + 4
    assert median(by_fec) > 5


def test_of_three_in_a_row_the_last_is_recovered_and_the_others_are_concealed() -> None:
    packets = packets_of(speech())
    starts = range(12, len(packets) - 5, 15)
    lost = frozenset(start + i for start in starts for i in range(3))
    played = [p for _, p in run(a for i, a in enumerate(at_once(packets)) if i not in lost)]
    for start in starts:
        assert played[start : start + 2] == [Missing(None)] * 2
        assert played[start + 2] == Missing(packets[start + 3].payload)
    whole = decoded_with(packets, frozenset(), fec=True)
    out = decoded_with(packets, lost, fec=True)
    guess = decoded_with(packets, lost, fec=False)
    lasts = voiced(whole, (start + 2 for start in starts))
    by_fec = mean(snr_db(whole[n], out[n]) for n in lasts)
    by_guess = mean(snr_db(whole[n], guess[n]) for n in lasts)
    print(f"SNR of the last of three, dB: FEC {by_fec:.1f}, concealed {by_guess:.1f}")
    assert by_fec > by_guess + 3


@pytest.mark.parametrize("seed", range(3))
def test_two_in_a_hundred_lost_leave_the_sentence_whole(seed: int) -> None:
    packets = packets_of(speech())
    whole, lossy = over(Path(), packets), over(Path(loss=0.02), packets, seed)
    assert abs(whole.size - lossy.size) <= PACKET_SAMPLES * 2
    assert likeness(whole, lossy, 40) > 0.98


# ---- a sender that suppresses silence ---------------------------------------------------------

PAUSES_S = (0.3, 1.7)


def dictation() -> Pcm:
    """Words, and two pauses: one short, one in which the sender falls silent."""
    first, second, third = (spoken(word, CLOCK_HZ) for word in ("blue wall", "stop", "and go"))
    short, long = (silence(pause, CLOCK_HZ) for pause in PAUSES_S)
    return np.concatenate([first, short, second, long, third, silence(1.2, CLOCK_HZ)])


def loud(sound: Pcm) -> list[tuple[int, int]]:
    """The steps of 20 ms that are louder than a breath; what is 200 ms apart is joined."""
    level = [
        float(np.abs(s.astype(int)).max()) for s in np.split(sound, range(320, sound.size, 320))
    ]
    found: list[tuple[int, int]] = []
    for step, peak in enumerate(level):
        if peak < VOICED:
            continue
        if found and step - found[-1][1] < 10:
            found[-1] = found[-1][0], step
        else:
            found.append((step, step))
    return found


def test_the_sender_does_fall_silent() -> None:
    packets = packets_of(dictation(), dtx=True)
    assert len(packets) < 0.7 * len(packets_of(dictation()))


@pytest.mark.parametrize("path", [Path(), Path(loss=0.02), Path(late=0.05, jitter_s=0.015)])
def test_pauses_become_silence_and_no_word_loses_its_beginning_or_end(path: Path) -> None:
    plain = over(Path(), packets_of(dictation()))
    suppressed = over(path, packets_of(dictation(), dtx=True))
    words, heard_words = loud(plain), loud(suppressed)
    assert len(words) == len(heard_words) >= 3
    for word, heard_word in zip(words, heard_words, strict=True):
        assert heard_word == pytest.approx(word, abs=2)  # 40 ms
    assert suppressed.size == pytest.approx(plain.size, abs=INPUT_HZ)  # the end is not sent
    assert likeness(plain, suppressed) > 0.9


def test_a_pause_reaches_the_model_while_it_lasts() -> None:
    """Gemini ends a turn on silence that it hears, so the clock has to speak for the sender."""
    sent = at_once(packets_of(dictation(), dtx=True))
    frames = frames_of(run(sent), sent[-1][0] + FILL_LIMIT_S)
    times = [at for at, _ in frames]
    apart = [later - earlier for earlier, later in pairwise(times)]
    assert 0.3 < max(apart) <= FILL_AFTER_S + 2 * TICK_S
