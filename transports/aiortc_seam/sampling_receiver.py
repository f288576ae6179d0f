"""A receiver that hands RTP to a sink; aiortc's decodes every picture in a thread of its own, adds
80 ms to all speech and holds decoded frames without a bound."""

import asyncio
from struct import Struct
from typing import Any, Final, NamedTuple, Protocol

import aiortc.rtcrtpreceiver
from aiortc import RTCRtpReceiver
from aiortc.rtcdtlstransport import RTCDtlsTransport
from aiortc.rtcrtpparameters import RTCRtpReceiveParameters
from aiortc.rtp import RTCP_PSFB_APP, RtcpPsfbPacket, RtpPacket, pack_remb_fci

from transports.aiortc_seam.packet_guards import forget_srtp_stream
from transports.rtp_arrival import RtpArrival
from transports.rtp_packet import RtpHeader, payload_untrusted

ORIGINAL_SEQUENCE: Final = Struct("!H")
MAX_JITTER_Q4: Final = 0xFFFFFFFF << 4  # of 32 bits in a receiver report, and four behind them
MAX_RTP_STREAMS: Final = 8  # of one section: a receiver report has room for 31


class RtpSink(Protocol):
    """Takes what the receivers of one connection get. Must return quickly and never raise."""

    def wants(self, kind: str, ssrc: int, receiver: "SamplingReceiver") -> bool:
        """Whether a packet of that stream, which has just come, is to be decrypted at all.

        One that is wanted comes by `on_rtp`; others may all the same.
        """

    def on_rtp(self, arrival: RtpArrival, receiver: "SamplingReceiver") -> None: ...


class _Payload(NamedTuple):
    """What a payload type stands for. `of`: the one that an RTX payload carries again."""

    codec: str
    clock_hz: int
    of: int | None


class SamplingReceiver(RTCRtpReceiver):
    """Hands each RTP packet to the connection's sink; decodes nothing, starts no thread."""

    def __init__(self, kind: str, transport: RTCDtlsTransport, sink: RtpSink) -> None:
        super().__init__(kind, transport)
        self._kind = kind
        self._sink = sink
        self._declared: set[int] = set()
        self._pictures: dict[int, int] = {}  # that ended, by stream
        self._payloads: dict[int, _Payload] = {}  # aiortc works a codec's name out each time
        self._stock: Any = self  # the name-mangled attributes of aiortc's class

    async def receive(self, parameters: RTCRtpReceiveParameters) -> None:
        """Also after a renegotiation, which may name other codecs and streams."""
        for codec in parameters.codecs:
            self._stock._RTCRtpReceiver__codecs[codec.payloadType] = codec
            again = codec.parameters.get("apt") if codec.name == "rtx" else None
            of = again if isinstance(again, int) else None
            assert codec.payloadType is not None  # it was negotiated
            self._payloads[codec.payloadType] = _Payload(codec.name, codec.clockRate, of)
        retransmitted = {e.rtx.ssrc: e.ssrc for e in parameters.encodings if e.rtx}
        self._stock._RTCRtpReceiver__rtx_ssrc = retransmitted
        self._declared = {e.ssrc for e in parameters.encodings} | retransmitted.keys()
        transport = self._stock._RTCRtpReceiver__transport
        transport._unregister_rtp_receiver(self)  # or streams of earlier offers stay for ever
        transport._register_rtp_receiver(self, parameters)
        if not self._stock._RTCRtpReceiver__started:
            self._stock._RTCRtpReceiver__started = True
            # aiortc's own stop() cancels this task and waits for it.
            self._stock._RTCRtpReceiver__rtcp_task = asyncio.ensure_future(self._run_rtcp())

    async def _handle_rtp_packet(self, packet: RtpPacket, arrival_time_ms: int) -> None:
        """The stock way, of streams that aiortc routes for the first time."""
        header = RtpHeader(
            packet.payload_type,
            packet.marker,
            packet.sequence_number,
            packet.timestamp,
            packet.ssrc,
        )
        if self.wants(header):
            self._hand_over(header, packet.payload)

    def wants(self, header: RtpHeader) -> bool:
        known = self._payloads.get(header.payload_type)
        if known is None:
            return False
        self._count(header, known.clock_hz)  # also when switched off: it bounds the streams
        if not self._enabled:
            return False
        return known.codec == "rtx" or self._sink.wants(self._kind, header.ssrc, self)

    def take(self, header: RtpHeader, packet: bytes) -> None:
        """Raises `PayloadRefused`."""
        if self._enabled:
            self._hand_over(header, payload_untrusted(packet))

    def _hand_over(self, header: RtpHeader, payload: bytes) -> None:
        known = self._payloads.get(header.payload_type)
        ssrc, sequence = header.ssrc, header.sequence_number
        if known is not None and known.codec == "rtx":
            known = None if known.of is None else self._payloads.get(known.of)
            ssrc = self._stock._RTCRtpReceiver__rtx_ssrc.get(ssrc)
            if ssrc is None or len(payload) < ORIGINAL_SEQUENCE.size:
                return
            # RFC 4588 section 4: the number the packet had when it was first sent.
            (sequence,), payload = ORIGINAL_SEQUENCE.unpack_from(payload), payload[2:]
        if known is None:
            return
        arrival = RtpArrival(
            self._kind, known.codec, ssrc, sequence, header.timestamp, bool(header.marker), payload
        )
        self._sink.on_rtp(arrival, self)

    def _count(self, packet: RtpHeader, clock_rate: int) -> None:
        """For the receiver reports."""
        streams = self._stock._RTCRtpReceiver__remote_streams
        statistics = streams.get(packet.ssrc)
        if statistics is None:
            if len(streams) >= MAX_RTP_STREAMS:
                self._forget_stream(streams)
            statistics = aiortc.rtcrtpreceiver.StreamStatistics(clock_rate)
            streams[packet.ssrc] = statistics
            self._pictures[packet.ssrc] = 0
        statistics.add(packet)
        if statistics._jitter_q4 > MAX_JITTER_Q4:  # aiortc could not write it, and would stop
            statistics._jitter_q4 = MAX_JITTER_Q4
        if packet.marker:
            self._pictures[packet.ssrc] += 1

    def _forget_stream(self, streams: dict[int, Any]) -> None:
        """A peer that makes up streams gets reports on the last few, and on those of its SDP."""
        ssrc = next((ssrc for ssrc in streams if ssrc not in self._declared), next(iter(streams)))
        del streams[ssrc], self._pictures[ssrc]
        self._stock._RTCRtpReceiver__lsr.pop(ssrc, None)
        self._stock._RTCRtpReceiver__lsr_time.pop(ssrc, None)
        if ssrc not in self._declared:
            self.transport._rtp_router.ssrc_table.pop(ssrc, None)
            forget_srtp_stream(self.transport, ssrc)

    def _handle_disconnect(self) -> None:
        """Stock: joins the decoder thread on the event loop. We have none."""

    def pictures_of(self, ssrc: int) -> int:
        """How many have ended in that stream, by their marker bits, read or not."""
        return self._pictures.get(ssrc, 0)

    async def request_key_picture(self, ssrc: int) -> None:
        """Sends a PLI (RFC 4585 section 6.3.1)."""
        await self._send_rtcp_pli(ssrc)

    async def request_packets(self, ssrc: int, sequences: tuple[int, ...]) -> None:
        """Sends a generic NACK (RFC 4585 section 6.2.1)."""
        # aiortc cannot write a list that wraps around: it shifts by a negative number.
        for part in _without_wrap(sequences):
            await self._send_rtcp_nack(ssrc, part)

    async def limit_bitrate(self, ssrc: int, bits_per_s: int) -> None:
        """Sends a REMB: libwebrtc trusts the first ones and ramps up to them at once."""
        own = self._stock._RTCRtpReceiver__rtcp_ssrc
        if own is None:
            return
        fci = pack_remb_fci(bits_per_s, [ssrc])
        await self._send_rtcp(RtcpPsfbPacket(fmt=RTCP_PSFB_APP, ssrc=own, media_ssrc=0, fci=fci))


def _without_wrap(sequences: tuple[int, ...]) -> list[list[int]]:
    parts: list[list[int]] = []
    for sequence in sequences:
        if not parts or sequence < parts[-1][-1]:
            parts.append([])
        parts[-1].append(sequence)
    return parts
