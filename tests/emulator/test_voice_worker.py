"""espeak-ng is GPL and is never loaded into this process: every test asks a child."""

from __future__ import annotations

import importlib.util
import json
import subprocess
import sys
import wave
from pathlib import Path
from typing import BinaryIO, cast

import numpy as np
import pytest

from emulator.worker_pipe import pack_frame, read_frame

pytestmark = pytest.mark.skipif(
    importlib.util.find_spec("espeakng_loader") is None,
    reason="the emulator extra is not installed",
)

WORKER = [sys.executable, "-m", "emulator.voice_worker"]


def ask(*requests: dict[str, object] | bytes) -> list[bytes]:
    frames = b"".join(
        pack_frame(number, one if isinstance(one, bytes) else json.dumps(one).encode())
        for number, one in enumerate(requests)
    )
    with subprocess.Popen(WORKER, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as child:
        assert child.stdin is not None and child.stdout is not None
        child.stdin.write(frames)
        child.stdin.close()
        answers = [read_frame(cast(BinaryIO, child.stdout)) for _ in requests]
        assert child.wait(30) == 0
    return [answer[1] for answer in answers if answer is not None]


def test_speech_has_the_wanted_rate() -> None:
    fast, slow = ask(
        {"text": "hello", "voice": "Kore", "rate_hz": 48_000},
        {"text": "hello", "voice": "Kore", "rate_hz": 16_000},
    )
    assert fast[:1] == slow[:1] == b"\x00"
    assert len(fast) - 1 == pytest.approx(3 * (len(slow) - 1), rel=0.001)
    assert np.abs(np.frombuffer(slow[1:], dtype="<i2")).max() > 3000


def test_unknown_languages_fall_back() -> None:
    """A number is spoken at very different length in other languages."""
    english, japanese, nowhere = (
        len(answer)
        for answer in ask(
            {"text": "1984", "voice": "Kore"},
            {"text": "1984", "voice": "Kore", "language": "ja-JP"},
            {"text": "1984", "voice": "Kore", "language": "xx-XX"},
        )
    )
    assert nowhere == pytest.approx(english, rel=0.03)
    assert japanese != pytest.approx(english, rel=0.1)


def pitch_hz(answer: bytes) -> float:
    """The fundamental frequency of 80 ms in the middle of 24 kHz speech, by autocorrelation."""
    samples = np.frombuffer(answer[1:], dtype="<i2").astype(float)
    middle = samples[len(samples) // 2 - 960 : len(samples) // 2 + 960]
    alike = np.correlate(middle, middle, "full")[len(middle) - 1 :]
    return float(24_000 / (60 + np.argmax(alike[60:400])))


def test_voices_differ_in_pitch() -> None:
    high, low = ask({"text": "now", "voice": "Zephyr"}, {"text": "now", "voice": "Charon"})
    assert pitch_hz(high) > 1.3 * pitch_hz(low)


def test_wrong_requests_are_answered() -> None:
    answers = ask(b"no json", {"text": "x"}, {"text": 3, "voice": "Kore"}, b"[]")
    assert [answer[:1] for answer in answers] == [b"\x01"] * 4


def test_a_wav_file_from_the_command_line(tmp_path: Path) -> None:
    path = tmp_path / "hello.wav"
    say = [*WORKER, "--say", "hello there", "--rate", "16000", "--out", str(path)]
    subprocess.run([*say, "--lead", "0.5", "--tail", "0.25"], check=True, timeout=30)
    with wave.open(str(path)) as file:
        assert (file.getframerate(), file.getnchannels(), file.getsampwidth()) == (16_000, 1, 2)
        pcm = np.frombuffer(file.readframes(file.getnframes()), dtype="<i2")
    assert not pcm[:8000].any() and not pcm[-4000:].any()
    assert 0.4 < len(pcm) / 16_000 - 0.75 < 2.0


def test_the_speed_can_be_chosen(tmp_path: Path) -> None:
    sizes = []
    for speed in ("120", "240"):
        path = tmp_path / f"{speed}.wav"
        say = [*WORKER, "--say", "a longer sentence to speak", "--out", str(path)]
        subprocess.run([*say, "--speed", speed], check=True, timeout=30)
        sizes.append(path.stat().st_size)
    assert sizes[0] > 1.5 * sizes[1]


def test_half_a_command_is_an_error() -> None:
    done = subprocess.run([*WORKER, "--say", "x"], capture_output=True, timeout=30, check=False)
    assert done.returncode == 2
    assert b"belong together" in done.stderr


def test_without_espeak_the_child_says_so() -> None:
    script = (
        "import sys; sys.modules['espeakng_loader'] = None\n"
        "from emulator.voice_worker import main\nsys.exit(main([]))"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, timeout=30, check=False
    )
    assert done.returncode == 1
    assert b"not installed" in done.stderr


def fails(tmp_path: Path, before: str) -> str:
    """What the child says when `before` ran first; `loader` is the package with espeak-ng."""
    script = (
        f"import sys, espeakng_loader as loader\n{before}\n"
        "from emulator.voice_worker import main\n"
        f"sys.exit(main(['--say', 'x', '--out', {str(tmp_path / 'x.wav')!r}]))"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, timeout=30, check=False, text=True
    )
    assert done.returncode == 1
    assert "Traceback" not in done.stderr
    return done.stderr


def test_a_library_that_cannot_be_loaded(tmp_path: Path) -> None:
    said = fails(tmp_path, "loader.get_library_path = lambda: '/nowhere.so'")
    assert "espeak-ng cannot be loaded" in said


def test_a_library_without_its_data_does_not_start(tmp_path: Path) -> None:
    assert "does not start" in fails(tmp_path, "loader.get_data_path = lambda: '/nowhere'")


def test_data_without_languages_has_no_voice(tmp_path: Path) -> None:
    data = tmp_path / "espeak-ng-data"
    data.mkdir()
    spec = importlib.util.find_spec("espeakng_loader")
    assert spec is not None and spec.origin is not None
    for one in (Path(spec.origin).parent / "espeak-ng-data").iterdir():
        if one.is_file():
            (data / one.name).symlink_to(one)
    assert "no English voice" in fails(tmp_path, f"loader.get_data_path = lambda: {str(data)!r}")


def test_a_synthesis_that_fails_is_told(tmp_path: Path) -> None:
    refusing = (
        "from emulator.voice_worker import Espeak\n"
        "choose = Espeak._choose\n"
        "def refuse(self, *wish):\n"
        "    choose(self, *wish)\n"
        "    self._library.espeak_Synth = lambda *_: 268436479\n"
        "Espeak._choose = refuse"
    )
    assert "espeak-ng answered 268436479" in fails(tmp_path, refusing)
