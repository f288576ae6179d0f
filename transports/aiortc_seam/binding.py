"""Which addresses and ports ICE binds: those that the settings name, not all of the machine's."""

import asyncio
import errno
import random
import types
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from itertools import chain
from typing import Any

import aioice.ice


@dataclass(frozen=True, slots=True)
class IceBinding:
    """Addresses to bind (empty: every interface and 127.0.0.1) and ports (None: ephemeral)."""

    hosts: tuple[str, ...] = ()
    ports: range | None = None


_binding: ContextVar[IceBinding | None] = ContextVar("easel_ice_binding", default=None)


@contextmanager
def bound(binding: IceBinding) -> Iterator[None]:
    """Sockets that are made in this context are bound so."""
    token = _binding.set(binding)
    try:
        yield
    finally:
        _binding.reset(token)


_stock_host_addresses = aioice.ice.get_host_addresses


def host_addresses(use_ipv4: bool, use_ipv6: bool) -> list[str]:
    binding = _binding.get()
    if binding is None:
        return _stock_host_addresses(use_ipv4=use_ipv4, use_ipv6=use_ipv6)
    if binding.hosts:
        return list(binding.hosts)
    # aioice leaves loopback out; a browser on this machine may offer nothing else.
    return [*_stock_host_addresses(use_ipv4=use_ipv4, use_ipv6=use_ipv6), "127.0.0.1"]


class _PortRangeLoop:
    """A loop whose ephemeral UDP sockets come from the configured range."""

    def __init__(self, loop: asyncio.AbstractEventLoop, ports: range) -> None:
        self._loop = loop
        self._ports = ports

    def __getattr__(self, name: str) -> Any:
        return getattr(self._loop, name)

    async def create_datagram_endpoint(
        self, protocol_factory: Any, local_addr: tuple[str, int] | None = None, **options: Any
    ) -> Any:
        bind = self._loop.create_datagram_endpoint
        if local_addr is None or local_addr[1] != 0:
            return await bind(protocol_factory, local_addr=local_addr, **options)
        first = random.randrange(len(self._ports))  # so that a busy range is not tried in order
        for port in chain(self._ports[first:], self._ports[:first]):
            try:
                return await bind(protocol_factory, local_addr=(local_addr[0], port), **options)
            except OSError as error:
                if error.errno != errno.EADDRINUSE:
                    raise
        raise OSError(errno.EADDRINUSE, "every port of the ICE range is taken")


class AsyncioForIce(types.ModuleType):
    """aioice's view of asyncio: it offers no other place to choose ports (aioice#47)."""

    def __getattr__(self, name: str) -> Any:
        return getattr(asyncio, name)

    @staticmethod
    def get_running_loop() -> Any:
        loop = asyncio.get_running_loop()
        binding = _binding.get()
        if binding is None or binding.ports is None:
            return loop
        return _PortRangeLoop(loop, binding.ports)
