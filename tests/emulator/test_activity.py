import numpy as np
import pytest

from emulator.activity import (
    MAX_UTTERANCE_S,
    RATE_HZ,
    ActivityEvent,
    AutomaticActivity,
    DetectionConfig,
    Ended,
    ManualActivity,
    Started,
    thresholds,
)

QUICK = DetectionConfig(prefix_padding_ms=40, silence_duration_ms=200)


def tone(seconds: float, dbfs: float = -15.0) -> bytes:
    time = np.arange(round(seconds * RATE_HZ)) / RATE_HZ
    wave = np.sin(2 * np.pi * 300 * time) * 32767 * np.sqrt(2) * 10 ** (dbfs / 20)
    pcm: bytes = np.clip(wave, -32767, 32767).astype("<i2").tobytes()
    return pcm


def noise(seconds: float, dbfs: float, seed: int = 1) -> bytes:
    numbers = np.random.default_rng(seed).normal(size=round(seconds * RATE_HZ))
    return (numbers * 32767 * 10 ** (dbfs / 20)).astype("<i2").tobytes()


def silence(seconds: float) -> bytes:
    return bytes(2 * round(seconds * RATE_HZ))


def feed(detection: AutomaticActivity, pcm: bytes, step: int = 1280) -> list[ActivityEvent]:
    events: list[ActivityEvent] = []
    for position in range(0, len(pcm), step):
        events += detection.feed(pcm[position : position + step])
    return events


def test_one_utterance_begins_and_ends_where_it_was() -> None:
    detection = AutomaticActivity(QUICK)
    events = feed(detection, silence(0.5) + tone(1.0) + silence(0.5))
    assert [type(event) for event in events] == [Started, Ended]
    started, ended = events
    assert isinstance(started, Started) and isinstance(ended, Ended)
    assert started.offset_s == pytest.approx(0.5, abs=0.021)
    assert ended.offset_s == pytest.approx(1.7, abs=0.041)
    assert not detection.active


def test_the_utterance_holds_its_onset_and_a_short_tail() -> None:
    speech = tone(1.0)
    config = DetectionConfig(prefix_padding_ms=40, silence_duration_ms=800)
    events = feed(AutomaticActivity(config), silence(1.0) + speech + silence(1.0))
    ended = events[-1]
    assert isinstance(ended, Ended)
    assert speech in ended.pcm
    # 300 ms before it and 200 ms after it, give or take a frame.
    assert len(ended.pcm) <= len(speech) + len(silence(0.54))


def test_messages_may_cut_anywhere() -> None:
    pcm = silence(0.3) + tone(0.5) + silence(0.5)
    assert feed(AutomaticActivity(QUICK), pcm, 70) == feed(AutomaticActivity(QUICK), pcm, len(pcm))


def test_a_pause_shorter_than_the_silence_does_not_end() -> None:
    config = DetectionConfig(silence_duration_ms=500)
    pcm = tone(0.5) + silence(0.4) + tone(0.5) + silence(0.6)
    assert [type(e) for e in feed(AutomaticActivity(config), pcm)] == [Started, Ended]
    assert len(feed(AutomaticActivity(QUICK), pcm)) == 4


def test_without_more_audio_a_turn_never_ends_by_itself() -> None:
    detection = AutomaticActivity(QUICK)
    assert [type(e) for e in feed(detection, tone(0.5) + silence(0.1))] == [Started]
    [ended] = detection.end_stream()
    assert isinstance(ended, Ended)
    assert (detection.active, detection.end_stream()) == (False, [])


def test_speech_shorter_than_the_prefix_is_no_speech() -> None:
    config = DetectionConfig(prefix_padding_ms=200)
    assert feed(AutomaticActivity(config), tone(0.16) + silence(1.0)) == []
    assert feed(AutomaticActivity(config), tone(0.3) + silence(1.0)) != []


def test_clicks_do_not_add_up_to_speech() -> None:
    clicks = (tone(0.06) + silence(0.06)) * 20
    assert feed(AutomaticActivity(DetectionConfig(prefix_padding_ms=200)), clicks) == []


def test_low_sensitivity_needs_louder_speech() -> None:
    quiet = silence(0.2) + tone(0.6, dbfs=-46.0) + silence(2.0)
    assert len(feed(AutomaticActivity(DetectionConfig(start="HIGH")), quiet)) == 2
    assert feed(AutomaticActivity(DetectionConfig(start="LOW")), quiet) == []


def test_sensitivities_bring_their_own_durations() -> None:
    low = thresholds(DetectionConfig("LOW", "LOW"))
    high = thresholds(DetectionConfig("HIGH", "HIGH"))
    assert low.speech_frames > high.speech_frames
    assert (high.silence_frames, low.silence_frames) == (40, 60)
    asked = thresholds(DetectionConfig(prefix_padding_ms=0, silence_duration_ms=100))
    assert (asked.speech_frames, asked.silence_frames) == (1, 5)


def test_steady_noise_is_learnt_and_speech_above_it_is_heard() -> None:
    detection = AutomaticActivity(QUICK)
    feed(detection, noise(40.0, dbfs=-45.0))
    assert not detection.active
    pcm = noise(0.5, -45.0) + tone(0.6, -20.0) + noise(0.6, -45.0)
    assert [type(e) for e in feed(detection, pcm)] == [Started, Ended]


def test_a_long_tone_is_one_utterance() -> None:
    events = feed(AutomaticActivity(QUICK), silence(0.2) + tone(20.0, -10.0) + silence(0.4))
    assert [type(event) for event in events] == [Started, Ended]


def test_an_endless_utterance_is_ended() -> None:
    pcm = noise(1.0, -3.0)
    detection = AutomaticActivity(QUICK)
    events: list[ActivityEvent] = []
    for _ in range(int(MAX_UTTERANCE_S) + 2):
        # A click of silence keeps the noise floor down.
        events += feed(detection, pcm + silence(0.06))
    assert any(isinstance(event, Ended) for event in events)


def test_manual_activity_keeps_what_lies_between_the_marks() -> None:
    activity = ManualActivity()
    activity.feed(tone(0.5))
    assert (activity.start(), activity.active) == (True, True)
    assert not activity.start()
    activity.feed(tone(0.25))
    assert (activity.end(), activity.active) == (tone(0.25), False)
    # The clock also counts what was not heard.
    assert activity.offset_s == 0.75
    assert activity.end() == b""


def test_manual_activity_is_bounded() -> None:
    activity = ManualActivity()
    activity.start()
    for second in range(int(MAX_UTTERANCE_S) + 1):
        activity.feed(bytes([second % 256]) * 2 * RATE_HZ)
    pcm = activity.end()
    assert len(pcm) == int(MAX_UTTERANCE_S) * RATE_HZ * 2
    assert pcm[0] == 1


def test_one_endless_message_of_manual_activity_is_bounded_too() -> None:
    activity = ManualActivity()
    activity.start()
    limit = int(MAX_UTTERANCE_S) * RATE_HZ * 2
    activity.feed(b"\1\0" + bytes(limit - 2) + b"\2\0")
    pcm = activity.end()
    assert (len(pcm), pcm[:2], pcm[-2:]) == (limit, b"\0\0", b"\2\0")


def test_an_utterance_says_where_in_the_sound_it_lies() -> None:
    detection = AutomaticActivity(DetectionConfig(silence_duration_ms=400))
    # A crumb that an end of the stream leaves behind still counts.
    feed(detection, silence(0.105))
    detection.end_stream()
    assert detection.samples == 1680
    events = feed(detection, silence(0.5) + tone(0.5) + silence(1.0))
    [ended] = [event for event in events if isinstance(event, Ended)]
    start, end = ended.samples
    assert end - start == len(ended.pcm) // 2
    # 300 ms before the tone, 200 ms behind it.
    assert start == pytest.approx(1680 + 8000 - 4800, abs=640)
    assert end == pytest.approx(1680 + 16000 + 3200, abs=640)
    assert detection.samples == 1680 + 32000


def test_marked_sound_is_counted_too() -> None:
    manual = ManualActivity()
    manual.feed(silence(0.1))
    assert manual.samples == 1600
