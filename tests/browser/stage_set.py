"""What the fake camera and the fake microphone of the browser tests show and say."""

import subprocess
import sys
import wave
from collections.abc import Iterable
from itertools import repeat
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

WIDTH: Final = 640
HEIGHT: Final = 480
FPS: Final = 30
LOOP_FRAMES: Final = 60
WALL: Final = (222, 204, 178)
FLOOR: Final = (120, 82, 52)
SOFA: Final = (52, 110, 74)
WALL_BOTTOM: Final = 320  # the wall is above this row
MICROPHONE_HZ: Final = 48_000

Pcm = NDArray[np.int16]


def room_picture(phase: float) -> Image.Image:
    """A room: a beige wall, a brown floor, a green sofa, and a ball that rolls with `phase`."""
    image = Image.new("RGB", (WIDTH, HEIGHT), WALL)
    draw = ImageDraw.Draw(image)
    draw.rectangle((0, WALL_BOTTOM, WIDTH, HEIGHT), fill=FLOOR)
    draw.rectangle((180, 250, 460, 380), fill=SOFA)
    draw.rectangle((200, 210, 440, 260), fill=SOFA)
    x = int(40 + 560 * phase)
    draw.ellipse((x - 25, 410, x + 25, 460), fill=(200, 40, 40))
    return image


def write_camera(path: Path) -> None:
    """The room as Y4M, two seconds of 30 fps; Chromium plays it in a loop."""
    phases = (abs(1 - 2 * index / LOOP_FRAMES) for index in range(LOOP_FRAMES))
    _write_y4m(path, map(room_picture, phases))


def write_still_camera(path: Path, picture: Image.Image) -> None:
    """One picture of WIDTH × HEIGHT, for as long as anybody looks."""
    _write_y4m(path, repeat(picture, FPS))


def _write_y4m(path: Path, pictures: Iterable[Image.Image]) -> None:
    with path.open("wb") as out:
        out.write(f"YUV4MPEG2 W{WIDTH} H{HEIGHT} F{FPS}:1 Ip A1:1 C420\n".encode())
        for picture in pictures:
            planes = picture.convert("YCbCr").split()
            luma, blue, red = (np.asarray(plane) for plane in planes)
            out.write(b"FRAME\n" + luma.tobytes())
            out.write(blue[::2, ::2].tobytes() + red[::2, ::2].tobytes())


def spoken(text: str, folder: Path) -> Pcm:
    """The text by the emulator's voice, as 48 kHz samples."""
    path = folder / "said.wav"
    worker = (sys.executable, "-m", "emulator.voice_worker")
    subprocess.run(
        [*worker, "--say", text, "--rate", "16000", "--out", str(path)], check=True, timeout=60
    )
    with wave.open(str(path)) as reader:
        samples = np.frombuffer(reader.readframes(reader.getnframes()), np.int16)
        return np.repeat(samples, MICROPHONE_HZ // reader.getframerate())


def write_microphone(path: Path, lines: list[tuple[float, str]], folder: Path) -> None:
    """Each line is said at its time (seconds from the start); 30 s of silence follow."""
    end_s = max((at for at, _ in lines), default=0.0)
    track = np.zeros(int((end_s + 30) * MICROPHONE_HZ), np.int16)
    for at, text in lines:
        said = spoken(text, folder)
        start = int(at * MICROPHONE_HZ)
        track[start : start + said.size] = said
    with wave.open(str(path), "wb") as writer:
        writer.setnchannels(1)
        writer.setsampwidth(2)
        writer.setframerate(MICROPHONE_HZ)
        writer.writeframes(track.tobytes())
