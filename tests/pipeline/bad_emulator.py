"""Emulators that do not behave, chosen by `EASEL_TEST_EMULATOR`."""

import json
import os
import signal
import sys
from typing import NoReturn


def _tell(url: str = "https://127.0.0.1:1") -> None:
    told = {"listening": url, "certificate": os.environ["EASEL_TEST_CERTIFICATE"]}
    print(json.dumps(told), flush=True)


def _for_ever() -> NoReturn:
    while True:
        signal.pause()


def main() -> None:
    match os.environ["EASEL_TEST_EMULATOR"]:
        case "silent":
            _for_ever()
        case "mute":
            sys.exit(3)
        case "crashing":
            raise SystemExit("first word\nlast word")
        case "babbling":
            print("[1, 2", flush=True)
            _for_ever()
        case "incomplete":
            print('{"listening": "https://127.0.0.1:1"}', flush=True)
            _for_ever()
        case "endless":
            print("x" * 200_000, flush=True)
            _for_ever()
        case "deaf":
            signal.signal(signal.SIGTERM, signal.SIG_IGN)
            _tell()
            _for_ever()
        case "chatty":
            _tell()
            for number in range(2000):
                print(f"line {number} " + "x" * 100, file=sys.stderr)
            print("y" * 200_000, file=sys.stderr)
            print("all said", file=sys.stderr, flush=True)
            _for_ever()
        case "dying":
            _tell()
            os._exit(5)


main()
