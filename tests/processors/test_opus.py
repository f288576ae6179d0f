import ctypes
import ctypes.util
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from processors.errors import CodecError
from processors.opus import (
    BITRATE,
    INPUT_HZ,
    MAX_PACKET_S,
    OUTPUT_HZ,
    OpusDecoder,
    OpusEncoder,
    Pcm,
    library_path,
    load_library,
)
from tests.processors.sounds import likeness, noise, silence, spoken, tone

PACKET = OUTPUT_HZ // 50
SENTENCE = "change the wall to blue"


def packets(sound: Pcm, encoder: OpusEncoder | None = None) -> list[bytes]:
    encoder = encoder or OpusEncoder()
    whole = sound[: sound.size // PACKET * PACKET]
    return [encoder.encode(whole[start : start + PACKET]) for start in range(0, whole.size, PACKET)]


def decoded(payloads: list[bytes], rate: int = OUTPUT_HZ) -> Pcm:
    decoder = OpusDecoder(rate)
    return np.concatenate([decoder.decode(payload) for payload in payloads])


def browser_packets(sound: Pcm, *, fec: bool) -> list[bytes]:
    """48 kHz speech with in-band FEC for 20 % loss, as browsers send it."""
    codec: Any = av.CodecContext.create("libopus", "w")
    codec.sample_rate = 48_000
    codec.layout = "mono"
    codec.format = "s16"
    codec.bit_rate = 32_000
    codec.time_base = Fraction(1, 48_000)
    codec.options = {"application": "voip", "fec": str(int(fec)), "packet_loss": "20"}
    out = []
    for start in range(0, sound.size - 960, 960):
        frame = av.AudioFrame.from_ndarray(sound[None, start : start + 960], "s16", "mono")
        frame.sample_rate = 48_000
        frame.pts = start
        out += [bytes(packet) for packet in codec.encode(frame)]
    return out


def test_the_library_is_the_one_that_came_with_av() -> None:
    assert Path(library_path()).parent.parent == Path(av.__file__).parent.parent


def test_it_is_loaded_once() -> None:
    load_library.cache_clear()
    library = load_library()
    assert load_library() is library
    assert library.opus_decoder_create.restype is ctypes.c_void_p


def test_the_systems_serves_where_av_brings_none(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(av, "__file__", str(tmp_path / "av" / "__init__.py"))
    monkeypatch.setattr(ctypes.util, "find_library", lambda name: f"lib{name}.so.0")
    assert library_path() == "libopus.so.0"
    monkeypatch.setattr(ctypes.util, "find_library", lambda name: None)
    with pytest.raises(RuntimeError, match="libopus"):
        library_path()


def test_speech_comes_through() -> None:
    sound = spoken(SENTENCE, OUTPUT_HZ)
    assert likeness(sound, decoded(packets(sound))) > 0.95


def test_a_tone_keeps_its_pitch_at_16_khz() -> None:
    heard = decoded(packets(tone(1.0, OUTPUT_HZ)), INPUT_HZ)
    assert heard.size == INPUT_HZ
    spectrum = np.abs(np.fft.rfft(heard.astype(float)))
    assert abs(int(spectrum.argmax()) - 440) <= 1


def test_32_kbit_a_second_are_what_it_costs() -> None:
    seconds = 4.0
    size = sum(map(len, packets(noise(seconds, -20.0, OUTPUT_HZ))))
    assert size * 8 / seconds == pytest.approx(BITRATE, rel=0.05)


def test_nothing_is_left_of_those_that_are_gone() -> None:
    """A decoder takes 20 KiB, an encoder more."""
    before = resident_kib()
    for _ in range(1500):
        OpusDecoder()
        OpusEncoder()
    assert resident_kib() - before < 16 * 1024


def resident_kib() -> int:
    status = Path("/proc/self/status").read_text()
    return int(status.split("VmRSS:")[1].split()[0])


@pytest.mark.parametrize("ms", [10, 20, 40, 60])
def test_packets_of_other_lengths(ms: int) -> None:
    payload = OpusEncoder().encode(tone(ms / 1000, OUTPUT_HZ))
    assert OpusDecoder().decode(payload).size == INPUT_HZ * ms // 1000


def test_samples_need_not_lie_side_by_side() -> None:
    sound = tone(0.04, OUTPUT_HZ)
    assert OpusEncoder().encode(sound[::2]) == OpusEncoder().encode(sound[::2].copy())


@pytest.mark.parametrize("count", [0, 1, 479, 481, 5000])
def test_other_lengths_are_refused(count: int) -> None:
    with pytest.raises(ValueError, match="opus_encode"):
        OpusEncoder().encode(np.zeros(count, np.int16))


@pytest.mark.parametrize("made", [OpusEncoder, OpusDecoder])
def test_other_rates_are_refused(made: type[OpusEncoder] | type[OpusDecoder]) -> None:
    with pytest.raises(ValueError, match="create failed"):
        made(44_100)


def loss(sound: Pcm, lost: int, how: str) -> Pcm:
    """What is heard of packet `lost` when it never came."""
    payloads = browser_packets(sound, fec=how == "recover")
    decoder = OpusDecoder()
    for payload in payloads[:lost]:
        decoder.decode(payload)
    return decoder.conceal() if how == "conceal" else decoder.recover(payloads[lost + 1])


def test_fec_recovers_what_concealment_can_only_guess() -> None:
    sound = spoken(SENTENCE, 48_000)
    truth = decoded(browser_packets(sound, fec=True), INPUT_HZ)
    better = 0
    losses = range(12, sound.size // 960 - 3, 7)
    for lost in losses:
        original = truth[lost * 320 : (lost + 1) * 320].astype(float)
        errors = {
            how: float(np.linalg.norm(loss(sound, lost, how).astype(float) - original))
            for how in ("conceal", "recover")
        }
        better += errors["recover"] < errors["conceal"]
    assert better > 0.7 * len(losses)


def test_what_is_recovered_is_like_what_was_lost() -> None:
    sound = tone(1.0, 48_000, hertz=300)
    truth = decoded(browser_packets(sound, fec=True), INPUT_HZ)
    recovered = loss(sound, 20, "recover")
    assert recovered.size == 320
    assert likeness(recovered, truth[20 * 320 - 40 : 21 * 320 + 40], most_delay=80) > 0.9


def test_a_lost_packet_is_as_long_as_the_one_before() -> None:
    decoder = OpusDecoder()
    assert decoder.conceal().size == 320
    decoder.decode(OpusEncoder().encode(tone(0.06, OUTPUT_HZ)))
    assert decoder.conceal().size == 960


def test_what_follows_a_loss_without_fec_is_concealed() -> None:
    payloads = packets(tone(0.2, OUTPUT_HZ))
    decoder = OpusDecoder()
    for payload in payloads[:5]:
        decoder.decode(payload)
    assert decoder.recover(payloads[6]).size == 320


def test_decoders_do_not_share_anything() -> None:
    payloads = packets(tone(0.2, OUTPUT_HZ))
    one, other = OpusDecoder(), OpusDecoder()
    first = [one.decode(payload) for payload in payloads]
    kept = first[-1].copy()
    second = [other.decode(payload) for payload in payloads]
    assert all(np.array_equal(a, b) for a, b in zip(first, second, strict=True))
    assert np.array_equal(first[-1], kept), "what was returned must not change"


@pytest.mark.parametrize("payload", [b"", b"\xff", b"\x03", b"\x0b\x00", bytes(1)[:0]])
def test_a_bad_packet_is_refused(payload: bytes) -> None:
    decoder = OpusDecoder()
    with pytest.raises(CodecError):
        decoder.decode(payload)
    with pytest.raises(CodecError):
        decoder.recover(payload)
    assert decoder.decode(OpusEncoder().encode(tone(0.02, OUTPUT_HZ))).size == 320


@given(st.binary(max_size=200))
def test_any_bytes_are_decoded_or_refused(payload: bytes) -> None:
    decoder = OpusDecoder()
    for decode in (decoder.decode, decoder.recover):
        try:
            samples = decode(payload)
        except CodecError:
            continue
        assert 0 < samples.size <= MAX_PACKET_S * INPUT_HZ
    assert decoder.conceal().size > 0


def test_after_a_reset_nothing_is_left_of_what_was_said() -> None:
    quiet = silence(0.02, OUTPUT_HZ)

    def left(*, reset: bool) -> int:
        encoder = OpusEncoder()
        packets(tone(0.1, OUTPUT_HZ), encoder)
        if reset:
            encoder.reset()
        return int(np.abs(OpusDecoder(OUTPUT_HZ).decode(encoder.encode(quiet))).max())

    assert left(reset=False) > 1000
    assert left(reset=True) < 10
