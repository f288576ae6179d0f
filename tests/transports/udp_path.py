"""A path between a client and a peer that a test can cut: two sockets between theirs."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, Final

from transports.sdp import CANDIDATE

HOST: Final = "127.0.0.1"

Address = tuple[str, int]


def no_candidates(sdp: str) -> str:
    """The offer of a client that the service learns to reach by what comes from it only."""
    lines = [line for line in sdp.splitlines() if not line.startswith(CANDIDATE)]
    return "\r\n".join(lines) + "\r\n"


class _Socket(asyncio.DatagramProtocol):
    """`far` is whom it passes to what its sibling hears; the client's is learned."""

    def __init__(self, path: "UdpPath") -> None:
        self.path = path
        self.sibling: _Socket | None = None
        self.far: Address | None = None
        self.transport: asyncio.DatagramTransport | None = None

    def connection_made(self, transport: Any) -> None:
        self.transport = transport

    def datagram_received(self, data: bytes, addr: Address) -> None:
        if self is self.path.near:
            self.far = addr
        other = self.sibling
        assert other is not None and other.transport is not None
        if other.far is not None and not self.path.is_cut:
            self.path.passed += 1
            other.transport.sendto(data, other.far)


class UdpPath:
    """`bend` an answer, and its client comes this way; `is_cut`: nothing passes, either way."""

    def __init__(self) -> None:
        self.is_cut = False
        self.passed = 0
        self.near = _Socket(self)
        self.beyond = _Socket(self)
        self.near.sibling, self.beyond.sibling = self.beyond, self.near

    def bend(self, answer: str) -> str:
        """With our address in place of the service's one candidate."""
        assert self.near.transport is not None
        port = self.near.transport.get_extra_info("sockname")[1]
        lines = answer.splitlines()
        for index, line in enumerate(lines):
            if line.startswith(CANDIDATE):
                fields = line.split(" ")
                self.beyond.far = (fields[4], int(fields[5]))
                lines[index] = " ".join([*fields[:4], HOST, str(port), *fields[6:]])
        return "\r\n".join(lines) + "\r\n"


@asynccontextmanager
async def udp_path() -> AsyncIterator[UdpPath]:
    path = UdpPath()
    loop = asyncio.get_running_loop()
    for socket in (path.near, path.beyond):
        await loop.create_datagram_endpoint(lambda s=socket: s, local_addr=(HOST, 0))  # type: ignore[misc]  # mypy infers no lambda with a default
    try:
        yield path
    finally:
        for socket in (path.near, path.beyond):
            assert socket.transport is not None
            socket.transport.close()
