"""Media of the recorded length."""

import base64
import io

import numpy as np
import pytest
from PIL import Image

from emulator.json_types import JsonObject
from emulator.replay_media import MAX_BYTES, Filler, picture


def blob(mime: str, **measures: int) -> JsonObject:
    return {"mimeType": mime, "data": dict(measures)}


def data_of(body: JsonObject) -> bytes:
    data = body["data"]
    assert isinstance(data, str)
    return base64.b64decode(data)


def test_sound_is_a_tone_as_loud_as_it_was_and_runs_on() -> None:
    filler = Filler()
    mime = "audio/pcm;rate=24000"
    parts = [data_of(filler.filled(blob(mime, bytes=4800, peak=9000))) for _ in range(2)]
    samples = np.frombuffer(b"".join(parts), "<i2").astype(int)
    assert samples.size == 4800
    assert np.abs(samples).max() == pytest.approx(9000, rel=0.01)
    assert np.abs(np.diff(samples)).max() < 1000, "no click where two messages meet"


def test_quiet_sound_is_silence() -> None:
    assert data_of(Filler().filled(blob("audio/pcm", bytes=640, peak=3))) == bytes(640)
    assert data_of(Filler().filled(blob("audio/pcm", bytes=3))) == bytes(2)
    assert data_of(Filler().filled(blob("audio/ogg", bytes=7))) == bytes(7)


@pytest.mark.parametrize("mime", ["image/png", "image/jpeg", "image/webp"])
def test_a_picture_can_be_opened_and_weighs_what_it_did(mime: str) -> None:
    data = data_of(Filler().filled(blob(mime, bytes=20_000)))
    assert len(data) == 20_000
    assert Image.open(io.BytesIO(data)).size == (64, 64)
    assert len(picture(mime, 1)) > 1


def test_all_else_stays_as_it_is() -> None:
    body: JsonObject = {"a": [{"b": {"data": "x"}}, 1], "data": {"no": "measures"}}
    assert Filler().filled(body) == body
    inside: JsonObject = {"parts": [{"inlineData": {"mime_type": "x/y", "data": {"bytes": 2}}}]}
    assert Filler().filled(inside) == {
        "parts": [{"inlineData": {"mime_type": "x/y", "data": "AAA="}}]
    }


def test_sizes_have_a_limit() -> None:
    assert len(data_of(Filler().filled(blob("x/y", bytes=MAX_BYTES * 9)))) == MAX_BYTES
    assert data_of(Filler().filled({"data": {"bytes": "no number"}})) == b""
