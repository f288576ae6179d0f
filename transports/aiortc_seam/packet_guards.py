"""What reads strangers' packets inside aiortc and aioice, made to outlive them.

aiortc ends the connection at many a packet that is not as it should be, and some of them stop
the whole process: a parameter of length 0 is read for ever, a SACK of one packet can name
millions of chunks. An empty datagram, from anyone who knows the port, is enough. The classes
here drop such packets, tell `on_dropped` which kind it was, and the connection lives on.

What each kind of packet may cost is bounded, too. Errors that are not about packets pass through.
`__init__.py` puts all of this in the place of aiortc's own, and checks that it fits.
"""

import contextlib
import logging
from collections.abc import Callable
from contextvars import ContextVar
from struct import error as StructError
from struct import unpack_from
from typing import Any, Final

import aiortc.rtcsctptransport
import pylibsrtp
from aioice.ice import Connection, StunProtocol
from aiortc import RTCSctpTransport
from aiortc.rtcdtlstransport import RTCCertificate, RTCDtlsTransport
from aiortc.rtcicetransport import RTCIceTransport
from aiortc.rtcsctptransport import (
    SCTP_TSN_MODULO,
    WEBRTC_BINARY,
    WEBRTC_DCEP,
    WEBRTC_STRING,
    Chunk,
    DataChunk,
    InboundStream,
    SackChunk,
)
from aiortc.rtp import RtcpPacket, RtcpRtpfbPacket, RtpPacket

from transports.sctp_reassembly import BoundedInboundStream, DiscardingInboundStream

logger = logging.getLogger(__name__)

OnDropped = Callable[[str], None]  # with the name of the counter

MAX_UNREAD_DATAGRAMS: Final = 1024  # four seconds of a camera; before DTLS runs nothing is read
MAX_DATAGRAM_BYTES: Final = 1500  # pylibsrtp's buffer; a longer packet ends the connection
MAX_SCTP_STREAMS: Final = 16  # the SDKs use one
MAX_TSNS_AHEAD: Final = 1024  # the receive window holds 904 chunks of the usual size
MAX_CONTROL_CHUNKS: Final = 16  # in one packet; each may be answered with a packet of ours
MIN_PARAMETER_BYTES: Final = 4  # RFC 9260 section 3.2.1: the length counts its own header

# Set while a connection is described; what is made meanwhile reports there.
on_dropped: ContextVar[OnDropped | None] = ContextVar("easel_on_dropped", default=None)


class PacketMalformed(Exception):
    """Not a ValueError: aiortc drops those without a word."""


def parse_parameters_untrusted(body: bytes) -> list[tuple[int, bytes]]:
    """In place of aiortc's `decode_params`. Raises `PacketMalformed`."""
    parameters = []
    offset = 0
    while offset + MIN_PARAMETER_BYTES <= len(body):
        kind, length = unpack_from("!HH", body, offset)
        if length < MIN_PARAMETER_BYTES:
            raise PacketMalformed("an SCTP parameter is shorter than its header")
        parameters.append((kind, body[offset + MIN_PARAMETER_BYTES : offset + length]))
        offset += (length + 3) & ~3
    return parameters


_stock_parse_packet = aiortc.rtcsctptransport.parse_packet


def parse_packet_untrusted(data: bytes) -> tuple[int, int, int, list[Chunk]]:
    """In place of aiortc's `parse_packet`. Raises `PacketMalformed`."""
    try:
        return _stock_parse_packet(data)
    except (ValueError, StructError) as error:
        raise PacketMalformed(str(error)) from None


class _Drops:
    """Counts what is dropped, for whoever is listening when the connection is made."""

    def __init__(self) -> None:
        self._on_dropped = on_dropped.get()

    def __call__(self, counter: str, error: Exception | None = None) -> None:
        logger.debug("%s: %s", counter, type(error).__name__)
        if self._on_dropped is not None:
            self._on_dropped(counter)


class GuardedStunProtocol(StunProtocol):
    """A socket. Stock: what is nearly STUN is an error of the event loop, with a traceback."""

    def __init__(self, receiver: Connection) -> None:
        super().__init__(receiver)
        self._drop = _Drops()

    def datagram_received(self, data: bytes | str, addr: tuple[Any, ...]) -> None:
        try:
            super().datagram_received(data, addr)
        except Exception as error:  # aioice fails at odd messages in whatever way it does
            self._drop("stun_malformed", error)


class BoundedIceConnection(Connection):
    """Keeps a bounded number of datagrams that nobody has read, none empty, none too long."""

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self._drop = _Drops()

    def data_received(self, data: bytes, component: int) -> None:
        if not data:
            self._drop("datagram_empty")
        elif len(data) > MAX_DATAGRAM_BYTES:
            self._drop("datagram_too_long")
        elif self._queue.qsize() >= MAX_UNREAD_DATAGRAMS:
            self._drop("datagram_unread")
        else:
            super().data_received(data, component)


class GuardedDtlsTransport(RTCDtlsTransport):
    """Drops RTP and RTCP that cannot be parsed."""

    def __init__(self, transport: RTCIceTransport, certificates: list[RTCCertificate]) -> None:
        super().__init__(transport, certificates)
        self._drop = _Drops()

    async def _handle_rtp_data(self, data: bytes, arrival_time_ms: int) -> None:
        try:
            packet = RtpPacket.parse(data, self._rtp_header_extensions_map)
        except (ValueError, StructError) as error:
            self._drop("rtp_malformed", error)
            return
        receiver = self._rtp_router.route_rtp(packet)
        if receiver is None:
            forget_srtp_stream(self, packet.ssrc)
        else:
            await receiver._handle_rtp_packet(packet, arrival_time_ms=arrival_time_ms)

    async def _handle_rtcp_data(self, data: bytes) -> None:
        try:
            for packet in RtcpPacket.parse(data):
                for recipient in self._rtp_router.route_rtcp(packet):
                    if not _asks_for_audio_again(packet, recipient):
                        await recipient._handle_rtcp_packet(packet)
        except ConnectionError:
            raise
        except Exception as error:  # aiortc fails at odd reports in whatever way it does
            self._drop("rtcp_malformed", error)


def forget_srtp_stream(transport: RTCDtlsTransport, ssrc: int) -> None:
    """libsrtp keeps state for each stream of which a packet was authentic, one after another in a
    list that every packet is looked up in; a peer may make up as many as it likes."""
    session: pylibsrtp.Session | None = transport._rx_srtp
    if session is not None:
        with contextlib.suppress(pylibsrtp.Error):  # it has none of it
            session.remove_stream(ssrc)


def _asks_for_audio_again(packet: Any, recipient: Any) -> bool:
    """Our audio is not offered with NACK. One packet of them could ask for thousands of ours."""
    return isinstance(packet, RtcpRtpfbPacket) and getattr(recipient, "kind", "") == "audio"


class BoundedSctpTransport(RTCSctpTransport):
    """SCTP that survives, and does not keep, what a peer should not have sent."""

    def __init__(self, transport: RTCDtlsTransport, port: int = 5000) -> None:
        super().__init__(transport, port)
        self._drop = _Drops()
        self._control_chunks = 0

    async def _handle_data(self, data: bytes) -> None:
        self._control_chunks = 0
        try:
            await super()._handle_data(data)
        except ConnectionError:
            raise
        except Exception as error:  # aiortc fails at odd packets in whatever way it does
            self._drop("sctp_malformed", error)

    async def _receive_chunk(self, chunk: Chunk) -> None:
        if not isinstance(chunk, DataChunk):
            self._control_chunks += 1
            if self._control_chunks > MAX_CONTROL_CHUNKS:
                raise PacketMalformed("an SCTP packet holds too many control chunks")
        await super()._receive_chunk(chunk)

    async def _receive_data_chunk(self, chunk: DataChunk) -> None:
        """One far ahead is not acknowledged: whoever meant it sends it again later."""
        if self._last_received_tsn is None:
            raise PacketMalformed("data came before the association")
        ahead = (chunk.tsn - self._last_received_tsn) % SCTP_TSN_MODULO
        if MAX_TSNS_AHEAD < ahead <= SCTP_TSN_MODULO // 2:
            raise PacketMalformed("a chunk is numbered far ahead of the last one")
        await super()._receive_data_chunk(chunk)

    async def _receive_sack_chunk(self, chunk: SackChunk) -> None:
        """Stock: each number that a gap block names is looked at, sent or not."""
        sent = (self._local_tsn - 1 - chunk.cumulative_tsn) % SCTP_TSN_MODULO
        if sent >= SCTP_TSN_MODULO // 2:
            raise PacketMalformed("a SACK acknowledges what was never sent")
        sizes = [end - start + 1 for start, end in chunk.gaps]
        if sizes and (min(sizes) < 1 or sum(sizes) > sent):
            raise PacketMalformed("a SACK's gap blocks are not of what was sent")
        await super()._receive_sack_chunk(chunk)

    def _get_inbound_stream(self, stream_id: int) -> InboundStream:
        stream = self._inbound_streams.get(stream_id)
        if stream is None:
            if len(self._inbound_streams) >= MAX_SCTP_STREAMS:
                return DiscardingInboundStream()
            stream = self._inbound_streams[stream_id] = BoundedInboundStream()
        return stream

    async def _receive(self, stream_id: int, pp_id: int, data: bytes) -> None:
        if pp_id == WEBRTC_STRING and not _is_utf8(data):
            pp_id = WEBRTC_BINARY  # whoever reads it will say what is wrong with it
        if pp_id != WEBRTC_DCEP:
            await super()._receive(stream_id, pp_id, data)
            return
        try:
            await super()._receive(stream_id, pp_id, data)
        except (AssertionError, UnicodeDecodeError) as error:
            # opened twice, acknowledged but not opened, or with a label that is no text
            self._drop("sctp_malformed", error)


def _is_utf8(data: bytes) -> bool:
    try:
        data.decode()
    except UnicodeDecodeError:
        return False
    return True
