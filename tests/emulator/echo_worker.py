"""A child process for tests: echoes, crashes, hangs, or prints what must not reach the pipe."""

from __future__ import annotations

import os
import signal

from emulator.worker_pipe import serve


def answer(request: bytes) -> bytes:
    if request == b"crash":
        os._exit(3)
    if request == b"hang":
        signal.pause()
    if request == b"print":
        print("a library talks")
    if request.startswith(b"crash unless "):
        path = request.removeprefix(b"crash unless ").decode()
        if not os.path.exists(path):
            with open(path, "w"):
                os._exit(3)
    return b"echo " + request


if __name__ == "__main__":
    serve(answer)
