"""Messages that are sent together travel in one packet (RFC 9260 section 6.10).

A word of the model's is four messages to each peer. aiortc makes a packet of each, and the peer
acknowledges every second one: encryption, socket and the way back, four times and twice.
"""

from contextlib import suppress
from typing import Any, Final

from aiortc.rtcsctptransport import USERDATA_MAX_LENGTH, Chunk, DataChunk, serialize_packet

from transports.aiortc_seam.packet_guards import BoundedSctpTransport

# A message of the greatest length that aiortc does not divide, and its chunk's header.
MAX_BUNDLE_BYTES: Final = USERDATA_MAX_LENGTH + 16


class _Bundle:
    """Several chunks, for a function that asks one for its bytes."""

    def __init__(self) -> None:
        self._chunks: list[bytes] = []
        self.size = 0

    def add(self, chunk: bytes) -> None:
        self._chunks.append(chunk)
        self.size += len(chunk)

    def __bytes__(self) -> bytes:
        return b"".join(self._chunks)


class BundledSctpTransport(BoundedSctpTransport):
    """Gathers the chunks of the messages that are flushed at once."""

    _bundle: _Bundle | None = None

    async def _data_channel_flush(self) -> None:
        if self._bundle is not None:  # another flush waits for the socket; it sends these, too
            return
        self._bundle = _Bundle()
        with suppress(ConnectionError):  # it ended meanwhile; aiortc's task has nobody to tell
            try:
                await super()._data_channel_flush()
            finally:
                bundle, self._bundle = self._bundle, None
                await self._send_bundle(bundle)

    async def _send_chunk(self, chunk: Chunk) -> None:
        bundle = self._bundle
        data = bytes(chunk)
        gathers = isinstance(chunk, DataChunk)
        if bundle is not None and (not gathers or bundle.size + len(data) > MAX_BUNDLE_BYTES):
            self._bundle = _Bundle()
            await self._send_bundle(bundle)  # what comes after it must not overtake it
            bundle = self._bundle
        if bundle is None or not gathers:
            await super()._send_chunk(chunk)
        else:
            bundle.add(data)

    async def _send_bundle(self, bundle: _Bundle) -> None:
        if not bundle.size:
            return
        assert self._remote_port is not None  # there is an association
        chunk: Any = bundle  # all that is asked of it are its bytes
        tag = self._remote_verification_tag
        packet = serialize_packet(self._local_port, self._remote_port, tag, chunk)
        await self.transport._send_data(packet)
