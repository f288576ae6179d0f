"""Frames between the emulator and its child processes: length, request number, payload.

Both sides use the same eight-byte header (two big-endian unsigned 32-bit numbers: the length of the
payload in bytes, the number of the request). The blocking loop below is the whole life of a child:
it ends when its parent closes the pipe, and also when the parent dies.
"""

from __future__ import annotations

import contextlib
import os
import signal
import struct
import sys
from collections.abc import Callable
from typing import BinaryIO, Final

HEADER: Final = struct.Struct(">II")
MAX_FRAME_BYTES: Final = 32 * 1024 * 1024


class FrameError(Exception):
    """The other side of the pipe sent something that is not a frame. A defect of ours."""


def pack_frame(number: int, payload: bytes) -> bytes:
    """One frame. Raises FrameError for a payload above MAX_FRAME_BYTES."""
    if len(payload) > MAX_FRAME_BYTES:
        raise FrameError(f"a frame of {len(payload)} bytes is above {MAX_FRAME_BYTES}")
    return HEADER.pack(len(payload), number) + payload


def unpack_header(header: bytes) -> tuple[int, int]:
    """(payload length in bytes, request number). Raises FrameError for an impossible length."""
    length, number = HEADER.unpack(header)
    if length > MAX_FRAME_BYTES:
        raise FrameError(f"a frame of {length} bytes is above {MAX_FRAME_BYTES}")
    return length, number


def read_frame(stream: BinaryIO) -> tuple[int, bytes] | None:
    """The next (request number, payload), or None at the end of the stream."""
    header = stream.read(HEADER.size)
    if len(header) < HEADER.size:
        return None
    length, number = unpack_header(header)
    payload = stream.read(length)
    return (number, payload) if len(payload) == length else None


def claim_stdout() -> BinaryIO:
    """Stdout as a binary stream of our own; what libraries print goes to stderr from now on."""
    stream = os.fdopen(os.dup(sys.stdout.fileno()), "wb")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    return stream


def serve(answer: Callable[[bytes], bytes]) -> None:
    """Answer frames from stdin on stdout until stdin ends. Runs in the child only."""
    # Ctrl-C reaches the whole process group; the parent decides when this process ends.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    output = claim_stdout()
    with contextlib.suppress(BrokenPipeError):
        while (frame := read_frame(sys.stdin.buffer)) is not None:
            number, request = frame
            output.write(pack_frame(number, answer(request)))
            output.flush()
