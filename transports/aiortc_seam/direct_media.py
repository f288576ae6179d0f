"""RTP on the shortest way: from the socket to the receiver in one call, and back.

Stock aiortc hands each datagram to a queue and a task, parses it as STUN first, and decrypts
every packet of a camera of which one in thirty is looked at. Here a packet's header, which is in
the clear, decides: who gets it, and whether it is decrypted at all. Streams that aiortc has not
routed yet, packets from elsewhere than the peer's address, RTCP, DTLS and STUN take the stock way.

What is noted of a packet that is not decrypted (for receiver reports, and how many pictures a
stream has) is not authenticated. Who can forge the peer's address can spoil the reports and make us
follow a camera picture by picture, no more.
"""

from collections.abc import Callable
from typing import Any, Final, Protocol

import pylibsrtp
from aioice.ice import Connection

from transports.aiortc_seam.arrivals import Arrivals, arrivals
from transports.aiortc_seam.packet_guards import (
    BoundedIceConnection,
    GuardedDtlsTransport,
    GuardedStunProtocol,
)
from transports.errors import PayloadRefused
from transports.rtp_packet import RtpHeader, header_untrusted

# RFC 7983 section 7, and RFC 5761 section 4 for the second byte of RTCP.
_RTP_FIRST: Final = range(128, 192)
_RTCP_SECOND: Final = range(192, 224)
# SRTP counts the wraps of the sequence number from what it decrypts; unread, a stream would be
# lost after 32768 packets (RFC 3711 section 3.3.1).
_DECRYPT_EVERY: Final = 4096
_COMPONENT: Final = 1  # of ICE (RFC 8445 section 4): RTP, and with it all else

Address = tuple[Any, ...]
TakeDatagram = Callable[[bytes, Address], bool]


class DirectReceiver(Protocol):
    """`wants` also takes note that the packet came; `take` gets it decrypted."""

    def wants(self, header: RtpHeader) -> bool: ...

    def take(self, header: RtpHeader, packet: bytes) -> None: ...


class DirectIceConnection(BoundedIceConnection):
    """`take_media` is offered each datagram that may be RTP, and says whether it took it."""

    take_media: TakeDatagram | None = None


class DirectStunProtocol(GuardedStunProtocol):
    """A socket that knows media from everything else by the first byte."""

    def __init__(self, receiver: Connection) -> None:
        super().__init__(receiver)
        self._arrivals = arrivals.get() or Arrivals()

    def datagram_received(self, data: bytes | str, addr: Address) -> None:
        self._arrivals.heard = True
        take: TakeDatagram | None = getattr(self.receiver, "take_media", None)
        if take is None or not isinstance(data, bytes) or len(data) < 2:
            super().datagram_received(data, addr)
        elif data[0] not in _RTP_FIRST or data[1] in _RTCP_SECOND or not take(data, addr):
            super().datagram_received(data, addr)


class DirectDtlsTransport(GuardedDtlsTransport):
    """Takes RTP from the socket as soon as there are keys to decrypt it."""

    def _setup_srtp(self) -> None:
        super()._setup_srtp()
        connection: Connection = self.transport._connection
        if self._rx_srtp is not None and isinstance(connection, DirectIceConnection):
            connection.take_media = self._take

    def send_now(self, packet: bytes) -> bool:
        """Encrypts and sends an RTP packet. False while there is no connection to send it on."""
        connection: Any = self.transport._connection
        pair = connection._nominated.get(_COMPONENT)
        if pair is None or self._tx_srtp is None:
            return False
        pair.protocol.transport.sendto(self._tx_srtp.protect(packet), pair.remote_addr)
        return True

    def _take(self, packet: bytes, address: Address) -> bool:
        """False: let it go the stock way, which decrypts before it believes anything."""
        connection: Any = self.transport._connection
        pair = connection._nominated.get(_COMPONENT)
        if pair is None or address[:2] != pair.remote_addr:
            return False
        try:
            header = header_untrusted(packet)
        except PayloadRefused:
            return False
        receiver: Any = self._rtp_router.ssrc_table.get(header.ssrc)
        if not hasattr(receiver, "take"):  # not routed yet, or a stock receiver
            return False
        if receiver.wants(header) or header.sequence_number % _DECRYPT_EVERY == 0:
            self._decrypt(receiver, header, packet)
        return True

    def _decrypt(self, receiver: DirectReceiver, header: RtpHeader, packet: bytes) -> None:
        try:
            clear = self._rx_srtp.unprotect(packet)
        except (pylibsrtp.Error, ValueError) as error:  # not from this peer, or a repetition
            self._drop("srtp_refused", error)
            return
        try:
            receiver.take(header, clear)
        except PayloadRefused as error:
            self._drop("rtp_malformed", error)
