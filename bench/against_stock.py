"""Easel against a stock pipecat bot: the same peers, the same Live endpoint, the same run."""

import argparse
import asyncio
import json
from dataclasses import replace

from bench.loads import ROWS, SCALE
from bench.measurement import measure


def main() -> None:
    loads = {load.name: load for load in (*ROWS, *SCALE)}
    parser = argparse.ArgumentParser(prog="python -m bench.against_stock")
    parser.add_argument("loads", nargs="*", default=list(loads))
    parser.add_argument("--kinds", default="easel,stock")
    parser.add_argument("--runs", type=int, default=1)
    parser.add_argument("--window", type=float, default=18.0)
    parser.add_argument("--peers", type=int)
    arguments = parser.parse_args()
    for name in arguments.loads:
        load = replace(loads[name], window_s=arguments.window)
        if arguments.peers:
            load = replace(load, peers=arguments.peers)
        for _ in range(arguments.runs):
            for kind in arguments.kinds.split(","):
                print(name, kind, json.dumps(asyncio.run(measure(kind, load))), flush=True)


if __name__ == "__main__":
    main()
