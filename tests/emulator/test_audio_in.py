import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from emulator.audio_in import (
    FILTER_REACH_SAMPLES,
    AudioFormatError,
    AudioStream,
    pcm_rate_untrusted,
)


@pytest.mark.parametrize(
    ("mime_type", "rate"),
    [
        ("audio/pcm", 16000),
        ("audio/pcm;rate=24000", 24000),
        ("Audio/PCM; channels=1; Rate=8000", 8000),
        ("audio/l16;rate=44100", 44100),
    ],
)
def test_the_rate_is_in_the_mime_type(mime_type: str, rate: int) -> None:
    assert pcm_rate_untrusted(mime_type) == rate


@pytest.mark.parametrize(
    "mime_type",
    ["", "audio/ogg", "audio/pcm;rate=", "audio/pcm;rate=1", "audio/pcm;rate=9999999"]
    + ["audio/pcm;rate=-5", "audio/pcm;rate=²", "audio/pcm;rate=200000"],
)
def test_other_formats_are_refused(mime_type: str) -> None:
    with pytest.raises(AudioFormatError):
        AudioStream().feed_untrusted(b"\0\0", mime_type)


def test_16_khz_passes_through_even_when_samples_are_cut() -> None:
    stream = AudioStream()
    data = bytes(range(256))
    out = b"".join(
        stream.feed_untrusted(data[position : position + 7], "audio/pcm;rate=16000")
        for position in range(0, 256, 7)
    )
    assert out == data


def tone(rate: int, seconds: float) -> bytes:
    time = np.arange(round(rate * seconds)) / rate
    return (9000 * np.sin(2 * np.pi * 440 * time)).astype("<i2").tobytes()


@pytest.mark.parametrize("rate", [8000, 11025, 24000, 44100, 48000])
def test_other_rates_are_resampled_without_seams(rate: int) -> None:
    stream = AudioStream()
    data = tone(rate, 1.0)
    step = 2 * (rate // 25) + 1
    out = b"".join(
        stream.feed_untrusted(data[position : position + step], f"audio/pcm;rate={rate}")
        for position in range(0, len(data), step)
    )
    samples = np.frombuffer(out, "<i2").astype(float)
    # At most some milliseconds are still held back.
    assert 15000 <= len(samples) <= 16000
    expected = 9000 * np.sin(2 * np.pi * 440 * np.arange(len(samples)) / 16000)
    lag = np.argmax([np.dot(samples[900:9000], expected[900 - k : 9000 - k]) for k in range(900)])
    error = samples[1000:15000] - expected[1000 - lag : 15000 - lag]
    assert np.abs(error).max() < 700


def test_a_new_rate_starts_afresh() -> None:
    stream = AudioStream()
    stream.feed_untrusted(tone(48000, 0.5), "audio/pcm;rate=48000")
    assert stream.feed_untrusted(tone(16000, 0.1), "audio/pcm") == tone(16000, 0.1)


@given(st.lists(st.integers(0, 40), max_size=20))
def test_tiny_messages_lose_nothing(sizes: list[int]) -> None:
    stream = AudioStream()
    got = sum(len(stream.feed_untrusted(bytes(n), "audio/pcm;rate=48000")) for n in sizes)
    # Three samples become one; of 26 the filter still needs what follows.
    assert got == 2 * max(0, sum(sizes) // 2 // 3 - FILTER_REACH_SAMPLES)
