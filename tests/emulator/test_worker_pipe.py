from __future__ import annotations

import io
import struct
import subprocess
import sys

import pytest

from emulator.worker_pipe import (
    HEADER,
    MAX_FRAME_BYTES,
    FrameError,
    pack_frame,
    read_frame,
    unpack_header,
)


def test_frames_follow_one_another() -> None:
    stream = io.BytesIO(pack_frame(1, b"one") + pack_frame(4_000_000_000, b""))
    assert read_frame(stream) == (1, b"one")
    assert read_frame(stream) == (4_000_000_000, b"")
    assert read_frame(stream) is None


@pytest.mark.parametrize("cut", [1, HEADER.size - 1, HEADER.size, HEADER.size + 2])
def test_a_cut_stream_is_an_end(cut: int) -> None:
    assert read_frame(io.BytesIO(pack_frame(1, b"one")[:cut])) is None


def test_impossible_lengths_are_refused() -> None:
    header = struct.pack(">II", MAX_FRAME_BYTES + 1, 0)
    with pytest.raises(FrameError):
        unpack_header(header)
    with pytest.raises(FrameError):
        pack_frame(0, bytes(MAX_FRAME_BYTES + 1))


def test_a_child_answers_until_its_stdin_ends() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "tests.emulator.echo_worker"],
        input=pack_frame(7, b"print") + pack_frame(8, b"x"),
        capture_output=True,
        timeout=30,
    )
    assert done.returncode == 0
    assert done.stdout == pack_frame(7, b"echo print") + pack_frame(8, b"echo x")
    assert b"a library talks" in done.stderr
