"""The child process that speaks: espeak-ng through ctypes, PCM16 mono.

espeak-ng is GPL-3.0-or-later, so it is loaded here and nowhere else; the emulator reaches this
process through a pipe only. A request is JSON {"text", "voice", "language", "rate_hz"}; the answer
is one status byte (OK or FAILED) and then PCM16 LE mono, or the reason in UTF-8.

    python -m emulator.voice_worker --say "hello" --rate 16000 --out hello.wav
"""

from __future__ import annotations

import argparse
import ctypes
import json
import sys
import wave
from typing import Any, Final

import numpy as np

from emulator.resampling import resample
from emulator.voices import DEFAULT_VOICE, Timbre, timbre
from emulator.worker_pipe import serve

OK: Final = b"\x00"
FAILED: Final = b"\x01"

DEFAULT_RATE_HZ: Final = 24_000
DEFAULT_LANGUAGE: Final = "en-US"
MAX_SPEECH_S: Final = 180

# Constants of espeak-ng's speak_lib.h.
_AUDIO_OUTPUT_SYNCHRONOUS: Final = 2
_INITIALIZE_DONT_EXIT: Final = 0x8000
_PARAMETER_RATE: Final = 1
_PARAMETER_PITCH: Final = 3
_CHARACTERS_UTF8: Final = 1
_STOP_SYNTHESIS: Final = 1
_CONTINUE: Final = 0

_Callback = ctypes.CFUNCTYPE(
    ctypes.c_int, ctypes.POINTER(ctypes.c_short), ctypes.c_int, ctypes.c_void_p
)


class SpeechError(Exception):
    """espeak-ng is not installed or refused; says which."""


class Espeak:
    """espeak-ng in this process. Raises SpeechError when it cannot be loaded."""

    def __init__(self) -> None:
        try:
            import espeakng_loader  # type: ignore[import-untyped]  # it ships no types
        except ImportError as error:
            raise SpeechError("espeakng-loader is not installed") from error
        try:
            self._library: Any = ctypes.CDLL(espeakng_loader.get_library_path())
            data = espeakng_loader.get_data_path().encode()
        except (OSError, RuntimeError) as error:
            raise SpeechError(f"espeak-ng cannot be loaded: {error}") from error
        self._source_hz = int(
            self._library.espeak_Initialize(
                _AUDIO_OUTPUT_SYNCHRONOUS, 0, data, _INITIALIZE_DONT_EXIT
            )
        )
        if self._source_hz <= 0:
            raise SpeechError("espeak-ng does not start")
        self._pieces: list[bytes] = []
        self._room = 0
        # Kept as long as the library may call it.
        self._callback = _Callback(self._collect)
        self._library.espeak_SetSynthCallback(self._callback)

    def speak(self, text: str, sound: Timbre, *, language: str, rate_hz: int) -> bytes:
        """PCM16 LE mono at `rate_hz`, cut at MAX_SPEECH_S. Raises SpeechError."""
        self._choose(sound, language)
        self._pieces = []
        self._room = MAX_SPEECH_S * self._source_hz
        encoded = text.replace("\0", " ").encode() + b"\0"
        status = self._library.espeak_Synth(
            encoded, ctypes.c_size_t(len(encoded)), 0, 0, 0, _CHARACTERS_UTF8, None, None
        )
        if status != 0:
            raise SpeechError(f"espeak-ng answered {status}")
        self._library.espeak_Synchronize()
        samples = np.frombuffer(b"".join(self._pieces), dtype=np.int16)
        return resample(samples, self._source_hz, rate_hz).astype("<i2").tobytes()

    def _choose(self, sound: Timbre, language: str) -> None:
        wanted = language.lower()
        for name in (wanted, wanted.partition("-")[0], DEFAULT_LANGUAGE.lower()):
            if self._library.espeak_SetVoiceByName(f"{name}+{sound.variant}".encode()) == 0:
                break
        else:
            raise SpeechError("espeak-ng has no English voice")
        self._library.espeak_SetParameter(_PARAMETER_RATE, sound.words_per_minute, 0)
        self._library.espeak_SetParameter(_PARAMETER_PITCH, sound.pitch, 0)

    def _collect(self, samples: Any, count: int, _events: Any) -> int:
        if samples and count > 0:
            kept = min(count, self._room)
            self._room -= kept
            self._pieces.append(ctypes.string_at(samples, kept * 2))
        return _CONTINUE if self._room > 0 else _STOP_SYNTHESIS


def answer(espeak: Espeak, request: bytes) -> bytes:
    """The answer to one request of the parent; never raises for a wrong request."""
    try:
        wanted = json.loads(request)
        pcm = espeak.speak(
            wanted["text"],
            timbre(wanted["voice"]),
            language=wanted.get("language", DEFAULT_LANGUAGE),
            rate_hz=int(wanted.get("rate_hz", DEFAULT_RATE_HZ)),
        )
    except (SpeechError, ValueError, KeyError, TypeError, AttributeError) as error:
        return FAILED + str(error).encode()
    return OK + pcm


def write_wav(path: str, pcm: bytes, rate_hz: int) -> None:
    """A PCM16 mono WAV file."""
    with wave.open(path, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(rate_hz)
        file.writeframes(pcm)


def _say(options: argparse.Namespace) -> None:
    sound = timbre(options.voice)
    if options.speed is not None:
        sound = Timbre(sound.variant, sound.pitch, options.speed)
    pcm = Espeak().speak(options.say, sound, language=options.language, rate_hz=options.rate)
    lead = bytes(2 * int(options.lead * options.rate))
    tail = bytes(2 * int(options.tail * options.rate))
    write_wav(options.out, lead + pcm + tail, options.rate)


def main(arguments: list[str] | None = None) -> int:
    """Without arguments: serve the pipe. With --say: write one WAV file. 1 without espeak-ng."""
    parser = argparse.ArgumentParser(prog="python -m emulator.voice_worker")
    parser.add_argument("--say", help="text to speak into a WAV file")
    parser.add_argument("--out", help="the WAV file (PCM16 mono)")
    parser.add_argument("--rate", type=int, default=DEFAULT_RATE_HZ, help="samples per second")
    parser.add_argument("--voice", default=DEFAULT_VOICE, help="a Gemini voice name")
    parser.add_argument("--language", default=DEFAULT_LANGUAGE)
    parser.add_argument("--speed", type=int, help="words per minute, instead of the voice's own")
    parser.add_argument("--lead", type=float, default=0.0, help="seconds of silence before")
    parser.add_argument("--tail", type=float, default=0.0, help="seconds of silence after")
    options = parser.parse_args(arguments)
    if (options.say is None) != (options.out is None):
        parser.error("--say and --out belong together")
    try:
        if options.say is not None:
            _say(options)
        else:
            espeak = Espeak()
            serve(lambda request: answer(espeak, request))
    except SpeechError as error:
        print(f"voice_worker: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
