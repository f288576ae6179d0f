"""Our sound to a peer on the shortest way: header, encryption and socket in one call.

aiortc's sender takes packets from a track, in a task of its own: two turns of the event loop, a
queue that an interruption must empty, and objects for what is 12 bytes. Here nothing waits, so
nothing is left to forget when the answer is cut. Sender reports (RFC 3550 section 6.4.1) are still
aiortc's, from the counts that this keeps for it.
"""

import asyncio
from struct import Struct
from typing import Any, Final

from aiortc import RTCRtpSender, clock
from aiortc.rtcdtlstransport import RTCDtlsTransport
from aiortc.rtcrtpparameters import RTCRtpCodecParameters, RTCRtpSendParameters
from aiortc.rtp import HeaderExtensionsMap, RtpPacket
from aiortc.utils import random16, random32

from transports.aiortc_seam.direct_media import DirectDtlsTransport
from transports.rtp_packet import HEADER_BYTES

_HEADER: Final = Struct("!BBHLL")
_MARKER: Final = 0x80


class DirectSender(RTCRtpSender):
    """Sends the packets it is given, one stream of them. It has no track."""

    def __init__(self, kind: str, transport: RTCDtlsTransport) -> None:
        super().__init__(kind, transport)
        self._stock: Any = self  # the name-mangled attributes of aiortc's class
        self._payload_type: int | None = None  # None: not started yet, or stopped
        self._first_byte = 0x80
        self._extension = b""
        # In the lower half: a receiver that misses the first packets must not see it wrap around.
        self._sequence = random16() % 32768
        self._origin = random32()
        self._due: int | None = None

    async def send(self, parameters: RTCRtpSendParameters) -> None:
        """The section's `mid` goes with each packet (RFC 8843 section 9.1), where negotiated."""
        extensions = HeaderExtensionsMap()
        extensions.configure(parameters)
        packet = RtpPacket()
        packet.extensions.mid = parameters.muxId
        written = packet.serialize(extensions)
        self._first_byte, self._extension = written[0], written[HEADER_BYTES:]
        await super().send(parameters)

    async def _run_rtp(self, codec: RTCRtpCodecParameters) -> None:
        """In place of aiortc's loop; its `stop()` cancels this and waits for it."""
        self._payload_type = codec.payloadType
        self._stock._RTCRtpSender__rtp_started.set()
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            pass
        finally:
            self._payload_type = None
            self._stock._RTCRtpSender__rtp_exited.set()

    def send_packet(self, payload: bytes, timestamp: int, duration: int) -> bool:
        """False when the peer cannot be sent to, not yet or no more.

        `timestamp` and `duration` count at the codec's clock. A packet that does not follow the
        one before it without a gap gets the marker (RFC 7587 section 4.2).
        """
        payload_type, transport = self._payload_type, self.transport
        if payload_type is None or not isinstance(transport, DirectDtlsTransport):
            return False
        rtp_timestamp = (self._origin + timestamp) & 0xFFFFFFFF
        second = payload_type if timestamp == self._due else payload_type | _MARKER
        header = _HEADER.pack(self._first_byte, second, self._sequence, rtp_timestamp, self._ssrc)
        if not transport.send_now(header + self._extension + payload):
            return False
        self._sequence = (self._sequence + 1) & 0xFFFF
        self._due = timestamp + duration
        self._report(rtp_timestamp, len(payload))
        return True

    def _report(self, rtp_timestamp: int, octets: int) -> None:
        stock = self._stock
        stock._RTCRtpSender__ntp_timestamp = clock.current_ntp_time()
        stock._RTCRtpSender__rtp_timestamp = rtp_timestamp
        stock._RTCRtpSender__octet_count += octets
        stock._RTCRtpSender__packet_count += 1
