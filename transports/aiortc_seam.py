"""Where private parts of aiortc and aioice are replaced, and why each is.

* `SamplingReceiver` replaces the receiver of the connections made within `seam()`: the stock
  one decodes every picture in a thread of its own, adds 80 ms to all speech and holds decoded
  frames without a bound. Ours hands RTP to a sink and starts no thread.
* `DirectSender` replaces the sender of sound: what we send is encoded already, once for the room.
* ICE binds to the addresses and ports that the settings name, not to all of the machine's.
* Opus is the only audio codec, since what we send is always Opus, and its answer asks for
  forward error correction; aiortc's has no fmtp line.
* What reads packets drops those that are malformed, where aiortc ends the connection, and bounds
  what a peer can make it hold or do (`packet_guards.py`, `sctp_reassembly.py`).

The versions are pinned, and what is touched is checked at import: an upgrade fails here, in
words, and in `tests/transports/test_aiortc_seam.py`.
"""

import asyncio
import errno
import random
import types
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from importlib.metadata import version
from itertools import chain
from struct import Struct
from typing import Any, Final, NamedTuple, Protocol

import aioice.ice
import aiortc.codecs
import aiortc.rtcicetransport
import aiortc.rtcpeerconnection
import aiortc.rtcrtpreceiver
import aiortc.rtcsctptransport
from aiortc import MediaStreamTrack, RTCRtpReceiver, RTCRtpSender, RTCSctpTransport
from aiortc.rtcdtlstransport import RTCDtlsTransport, RtpRouter
from aiortc.rtcrtpparameters import RTCRtpReceiveParameters
from aiortc.rtp import RTCP_PSFB_APP, RtcpPsfbPacket, RtpPacket, pack_remb_fci

from transports import direct_media, packet_guards
from transports.direct_sender import DirectSender
from transports.rtp_arrival import RtpArrival
from transports.rtp_packet import RtpHeader, payload_untrusted

PINNED: Final = {"aiortc": "1.16.0", "aioice": "0.13.0"}

# Wideband is all that Gemini's 16 kHz can use; FEC lets the decoder fill a lost packet. At the
# 20 kbit/s that libwebrtc takes for wideband there is no room for FEC: with 3 % of loss Chromium
# sends none, and with 10 % it narrows the band to make room. At 32 kbit/s all speech has it.
OPUS_ANSWER: Final = {
    "minptime": 10,
    "useinbandfec": 1,
    "maxplaybackrate": 16000,
    "maxaveragebitrate": 32000,
    "stereo": 0,
}

ORIGINAL_SEQUENCE: Final = Struct("!H")
MAX_RTP_STREAMS: Final = 8  # of one section: a receiver report has room for 31


class SeamBroken(ImportError):
    """aiortc or aioice is not the version whose inside this file knows."""


class RtpSink(Protocol):
    """Takes what the receivers of one connection get. Must return quickly and never raise."""

    def wants(self, kind: str, ssrc: int, receiver: "SamplingReceiver") -> bool:
        """Whether a packet of that stream, which has just come, is to be decrypted at all.

        One that is wanted comes by `on_rtp`; others may all the same.
        """

    def on_rtp(self, arrival: RtpArrival, receiver: "SamplingReceiver") -> None: ...


@dataclass(frozen=True, slots=True)
class IceBinding:
    """Addresses to bind (empty: every interface and 127.0.0.1) and ports (None: ephemeral)."""

    hosts: tuple[str, ...] = ()
    ports: range | None = None


_sink: ContextVar[RtpSink | None] = ContextVar("easel_rtp_sink", default=None)
_binding: ContextVar[IceBinding | None] = ContextVar("easel_ice_binding", default=None)


@contextmanager
def seam(
    sink: RtpSink, binding: IceBinding, on_dropped: packet_guards.OnDropped | None = None
) -> Iterator[None]:
    """Connections whose descriptions are set in this context use our receiver and addresses.

    `on_dropped` hears of each packet that was dropped, by the name of its counter.
    """
    sink_token, binding_token = _sink.set(sink), _binding.set(binding)
    dropped_token = packet_guards.on_dropped.set(on_dropped)
    try:
        yield
    finally:
        _sink.reset(sink_token)
        _binding.reset(binding_token)
        packet_guards.on_dropped.reset(dropped_token)


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
        statistics.add(packet)

    def _forget_stream(self, streams: dict[int, Any]) -> None:
        """A peer that makes up streams gets reports on the last few, and on those of its SDP."""
        ssrc = next((ssrc for ssrc in streams if ssrc not in self._declared), next(iter(streams)))
        del streams[ssrc]
        if ssrc not in self._declared:
            self.transport._rtp_router.ssrc_table.pop(ssrc, None)

    def _handle_disconnect(self) -> None:
        """Stock: joins the decoder thread on the event loop. We have none."""

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


def _make_receiver(kind: str, transport: RTCDtlsTransport) -> RTCRtpReceiver:
    sink = _sink.get()
    return (
        RTCRtpReceiver(kind, transport) if sink is None else SamplingReceiver(kind, transport, sink)
    )


def _make_sender(track_or_kind: MediaStreamTrack | str, transport: RTCDtlsTransport) -> Any:
    """Ours where sound is answered; who offers some has a track, or sends nothing."""
    if track_or_kind == "audio" and _sink.get() is not None:
        return DirectSender("audio", transport)
    return RTCRtpSender(track_or_kind, transport)


_stock_host_addresses = aioice.ice.get_host_addresses


def _host_addresses(use_ipv4: bool, use_ipv6: bool) -> list[str]:
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


class _AsyncioForIce(types.ModuleType):
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


# What must be there: on the classes and modules, and among what their __init__ sets.
_TOUCHED: Final[tuple[tuple[Any, tuple[str, ...]], ...]] = (
    (RTCRtpReceiver, ("_run_rtcp", "_send_rtcp", "_send_rtcp_pli", "_send_rtcp_nack")),
    (RTCRtpReceiver, ("_handle_rtp_packet", "_handle_disconnect", "receive")),
    (RTCRtpReceiver, ("_handle_rtcp_packet",)),
    (RTCRtpSender, ("_handle_rtcp_packet", "_run_rtp", "kind")),
    (RTCDtlsTransport, ("_register_rtp_receiver", "_unregister_rtp_receiver")),
    (RTCDtlsTransport, ("_handle_rtp_data", "_handle_rtcp_data", "_setup_srtp")),
    (RtpRouter, ("route_rtp", "route_rtcp")),
    (RTCSctpTransport, ("_get_inbound_stream", "_handle_data", "_receive", "_receive_chunk")),
    (RTCSctpTransport, ("_receive_data_chunk", "_receive_sack_chunk")),
    (aioice.ice.StunProtocol, ("datagram_received",)),
    (aioice.ice.Connection, ("data_received",)),
    (aiortc.rtcicetransport, ("Connection",)),
    (aiortc.rtcpeerconnection, ("RTCDtlsTransport", "RTCSctpTransport")),
    (aiortc.rtcpeerconnection, ("RTCRtpReceiver", "RTCRtpSender")),
    (aiortc.rtcrtpreceiver, ("StreamStatistics",)),
    (aiortc.rtcsctptransport, ("decode_params", "parse_packet")),
    (aioice.ice, ("get_host_addresses", "asyncio", "StunProtocol")),
)
_SET: Final[tuple[tuple[type, tuple[str, ...]], ...]] = (
    (
        RTCRtpReceiver,
        tuple(
            f"_RTCRtpReceiver__{name}"
            for name in (
                "codecs",
                "remote_streams",
                "rtcp_ssrc",
                "rtcp_task",
                "rtx_ssrc",
                "started",
                "transport",
            )
        ),
    ),
    (RTCRtpReceiver, ("_enabled",)),
    (
        RTCRtpSender,
        tuple(
            f"_RTCRtpSender__{name}"
            for name in (
                "ntp_timestamp",
                "octet_count",
                "packet_count",
                "rtp_exited",
                "rtp_started",
                "rtp_timestamp",
            )
        ),
    ),
    (RTCRtpSender, ("_ssrc",)),
    (RTCDtlsTransport, ("_rtp_header_extensions_map", "_rtp_router", "_rx_srtp", "_tx_srtp")),
    (RtpRouter, ("ssrc_table",)),
    (RTCSctpTransport, ("_inbound_streams", "_last_received_tsn", "_local_tsn")),
    (aioice.ice.Connection, ("_nominated", "_queue")),
)


def check_internals() -> None:
    """Raises `SeamBroken`, with names, when aiortc or aioice is not what this file knows."""
    for name, pinned in PINNED.items():
        if version(name) != pinned:
            raise SeamBroken(f"{name} {version(name)} is installed, this seam knows {pinned}")
    missing = [
        f"{owner.__name__}.{name}"
        for owner, names in _TOUCHED
        for name in names
        if not hasattr(owner, name)
    ]
    missing += [
        f"{owner.__name__}.{name}"
        for owner, names in _SET
        for name in names
        if name not in owner.__init__.__code__.co_names  # type: ignore[misc]  # a plain function
    ]
    if missing:
        raise SeamBroken(f"not where they were: {', '.join(missing)}")


def _install() -> None:
    check_internals()
    # Any: what is replaced is not typed for replacement.
    peer_connection: Any = aiortc.rtcpeerconnection
    peer_connection.RTCRtpReceiver = _make_receiver
    peer_connection.RTCRtpSender = _make_sender
    peer_connection.RTCDtlsTransport = direct_media.DirectDtlsTransport
    peer_connection.RTCSctpTransport = packet_guards.BoundedSctpTransport
    sctp: Any = aiortc.rtcsctptransport
    sctp.decode_params = packet_guards.parse_parameters_untrusted
    sctp.parse_packet = packet_guards.parse_packet_untrusted
    ice_transport: Any = aiortc.rtcicetransport
    ice_transport.Connection = direct_media.DirectIceConnection
    ice: Any = aioice.ice
    ice.StunProtocol = direct_media.DirectStunProtocol
    ice.get_host_addresses = _host_addresses
    ice.asyncio = _AsyncioForIce("asyncio")
    opus = aiortc.codecs.CODECS["audio"][0]
    opus.parameters = dict(OPUS_ANSWER)
    aiortc.codecs.CODECS["audio"] = [opus]
    # Without abs-send-time aiortc's bandwidth estimator, which we never ask, is never fed.
    aiortc.codecs.HEADER_EXTENSIONS["video"] = [
        extension
        for extension in aiortc.codecs.HEADER_EXTENSIONS["video"]
        if not extension.uri.endswith("abs-send-time")
    ]


_install()
