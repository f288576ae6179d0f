"""The duration of an Opus packet, against RFC 6716 and against libopus."""

import pytest
from av import AudioFrame, CodecContext
from av.audio.codeccontext import AudioCodecContext
from hypothesis import given
from hypothesis import strategies as st

from transports.errors import PayloadRefused
from transports.opus_packet import MAX_DURATION, opus_duration_untrusted


@pytest.mark.parametrize(
    ("config", "duration"),
    [
        *zip(range(0, 12), [480, 960, 1920, 2880] * 3, strict=True),
        *zip(range(12, 16), [480, 960] * 2, strict=True),
        *zip(range(16, 32), [120, 240, 480, 960] * 4, strict=True),
    ],
)
def test_each_configuration_has_its_frame_size(config: int, duration: int) -> None:
    toc = config << 3
    assert opus_duration_untrusted(bytes([toc])) == duration
    assert opus_duration_untrusted(bytes([toc | 1, 0, 0])) == duration * 2
    assert opus_duration_untrusted(bytes([toc | 2, 0, 0])) == duration * 2
    assert opus_duration_untrusted(bytes([toc | 3, 2])) == duration * 2


def test_the_stereo_bit_and_the_other_count_bits_do_not_matter() -> None:
    assert opus_duration_untrusted(bytes([0b00001100])) == 960
    assert opus_duration_untrusted(bytes([0b00001111, 0b11000010])) == 1920


@pytest.mark.parametrize(
    "payload",
    [b"", b"\x03", b"\x0b\x00", b"\x1b\x03", b"\x0b\x3f"],
    ids=["empty", "count cut off", "no frames", "180 ms", "1260 ms"],
)
def test_what_opus_does_not_allow_is_refused(payload: bytes) -> None:
    with pytest.raises(PayloadRefused):
        opus_duration_untrusted(payload)


def test_the_longest_packet_is_taken() -> None:
    assert opus_duration_untrusted(b"\x0b\x06") == MAX_DURATION


@pytest.mark.parametrize("frame_ms", ["2.5", "5", "10", "20", "40", "60"])
def test_what_libopus_writes_is_read_right(frame_ms: str) -> None:
    encoder = CodecContext.create("libopus", "w")
    assert isinstance(encoder, AudioCodecContext)
    encoder.sample_rate, encoder.layout, encoder.format = 48000, "mono", "s16"
    encoder.options = {"frame_duration": frame_ms}
    encoder.open()
    frame = AudioFrame("s16", "mono", encoder.frame_size)
    frame.sample_rate, frame.pts = 48000, 0
    packets = [*encoder.encode(frame), *encoder.encode(None)]
    assert packets
    assert {opus_duration_untrusted(bytes(p)) for p in packets} == {round(float(frame_ms) * 48)}


@given(st.binary(max_size=8))
def test_anything_is_a_duration_or_refused(payload: bytes) -> None:
    try:
        duration = opus_duration_untrusted(payload)
    except PayloadRefused:
        return
    assert 0 < duration <= MAX_DURATION and duration % 120 == 0
