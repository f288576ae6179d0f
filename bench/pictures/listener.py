"""A peer that listens: when each audible packet of the answer came. A process of its own.

Each line on standard input is answered with the times since the last one.
"""

import argparse
import asyncio
import json
import sys
from dataclasses import dataclass

import aiohttp
import uvloop

from bench.rtp_stream import Pacer
from bench.synthetic_peer import SyntheticPeer, media


@dataclass(frozen=True)
class Room:
    """The room that somebody else has opened."""

    session_id: str
    token: str


async def run(url: str, room: Room) -> None:
    reader = asyncio.StreamReader()
    loop = asyncio.get_running_loop()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    async with aiohttp.ClientSession(url) as http:
        peer = SyntheticPeer(http, media(None, 30).without_speech(), 0, Pacer())
        await peer.join(room)
        print(json.dumps({"connected": 1}), flush=True)
        while await reader.readline():
            print(json.dumps(peer.saw.audible), flush=True)
            peer.saw.audible.clear()
        await peer.close()


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.pictures.listener")
    parser.add_argument("url")
    parser.add_argument("session")
    parser.add_argument("token")
    arguments = parser.parse_args()
    uvloop.run(run(arguments.url, Room(arguments.session, arguments.token)))


if __name__ == "__main__":
    main()
