"""The one file that touches private parts of aiortc and aioice, and why each is touched.

* `SamplingReceiver` replaces the receiver of the connections made within `seam()`: the stock
  one decodes every picture in a thread of its own, adds 80 ms to all speech and holds decoded
  frames without a bound. Ours hands RTP to a sink and starts no thread.
* ICE binds to the addresses and ports that the settings name, not to all of the machine's.
* The Opus answer asks for forward error correction; aiortc's has no fmtp line.
* SCTP reassembly is bounded; stock reassembly keeps, and rescans, whatever a peer sends.

The versions are pinned, and what is touched is checked at import: an upgrade fails here, in
words, and in `tests/transports/test_aiortc_seam.py`.
"""

import asyncio
import types
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from importlib.metadata import version
from typing import Any, Final, Protocol

import aioice.ice
import aiortc.codecs
import aiortc.rtcpeerconnection
import aiortc.rtcrtpreceiver
import aiortc.rtcsctptransport
from aiortc import RTCRtpReceiver
from aiortc.rtcdtlstransport import RTCDtlsTransport
from aiortc.rtcrtpparameters import RTCRtpReceiveParameters
from aiortc.rtp import (
    RTCP_PSFB_APP,
    RtcpPsfbPacket,
    RtpPacket,
    is_rtcp,
    pack_remb_fci,
    unwrap_rtx,
)

PINNED: Final = {"aiortc": "1.16.0", "aioice": "0.13.0"}

# Wideband is all that Gemini's 16 kHz can use; FEC lets the decoder fill a lost packet.
OPUS_ANSWER: Final = {"minptime": 10, "useinbandfec": 1, "maxplaybackrate": 16000, "stereo": 0}

MAX_REASSEMBLY_BYTES: Final = 1 << 19  # twice the largest message that a peer may send


class SeamBroken(ImportError):
    """aiortc or aioice is not the version whose inside this file knows."""


@dataclass(frozen=True, slots=True)
class RtpArrival:
    """An RTP packet after SRTP and RTX: `kind` is "audio" or "video", `codec` "opus", "VP8" …"""

    kind: str
    codec: str
    ssrc: int
    sequence: int
    timestamp: int
    marker: bool
    payload: bytes


class RtpSink(Protocol):
    """Takes what the receivers of one connection get. Must return quickly and never raise."""

    def attach_receiver(self, kind: str, receiver: "SamplingReceiver") -> None: ...

    def on_rtp(self, arrival: RtpArrival) -> None: ...


@dataclass(frozen=True, slots=True)
class IceBinding:
    """Addresses to bind (empty: every interface and 127.0.0.1) and ports (None: ephemeral)."""

    hosts: tuple[str, ...] = ()
    ports: range | None = None


_sink: ContextVar[RtpSink | None] = ContextVar("easel_rtp_sink", default=None)
_binding: ContextVar[IceBinding | None] = ContextVar("easel_ice_binding", default=None)


@contextmanager
def seam(sink: RtpSink, binding: IceBinding) -> Iterator[None]:
    """Connections whose descriptions are set in this context use our receiver and addresses."""
    sink_token, binding_token = _sink.set(sink), _binding.set(binding)
    try:
        yield
    finally:
        _sink.reset(sink_token)
        _binding.reset(binding_token)


class SamplingReceiver(RTCRtpReceiver):
    """Hands each RTP packet to the connection's sink; decodes nothing, starts no thread."""

    def __init__(self, kind: str, transport: RTCDtlsTransport, sink: RtpSink) -> None:
        super().__init__(kind, transport)
        self._kind = kind
        self._sink = sink
        self._stock: Any = self  # the name-mangled attributes of aiortc's class
        sink.attach_receiver(kind, self)

    async def receive(self, parameters: RTCRtpReceiveParameters) -> None:
        if self._stock._RTCRtpReceiver__started:
            return
        for codec in parameters.codecs:
            self._stock._RTCRtpReceiver__codecs[codec.payloadType] = codec
        for encoding in parameters.encodings:
            if encoding.rtx:
                self._stock._RTCRtpReceiver__rtx_ssrc[encoding.rtx.ssrc] = encoding.ssrc
        self._stock._RTCRtpReceiver__transport._register_rtp_receiver(self, parameters)
        # aiortc's own stop() cancels this task and waits for it.
        self._stock._RTCRtpReceiver__rtcp_task = asyncio.ensure_future(self._run_rtcp())
        self._stock._RTCRtpReceiver__started = True

    async def _handle_rtp_packet(self, packet: RtpPacket, arrival_time_ms: int) -> None:
        codec = self._stock._RTCRtpReceiver__codecs.get(packet.payload_type)
        if codec is None:
            return
        streams = self._stock._RTCRtpReceiver__remote_streams
        statistics = streams.get(packet.ssrc)
        if statistics is None:
            statistics = streams[packet.ssrc] = aiortc.rtcrtpreceiver.StreamStatistics(
                codec.clockRate
            )
        statistics.add(packet)
        if codec.name == "rtx":
            unwrapped = self._unwrap(packet, codec)
            if unwrapped is None:
                return
            packet, codec = unwrapped
        self._sink.on_rtp(
            RtpArrival(
                self._kind,
                codec.name,
                packet.ssrc,
                packet.sequence_number,
                packet.timestamp,
                bool(packet.marker),
                packet.payload,
            )
        )

    def _unwrap(self, packet: RtpPacket, codec: Any) -> tuple[RtpPacket, Any] | None:
        """RFC 4588: the retransmitted packet as it was first sent."""
        ssrc = self._stock._RTCRtpReceiver__rtx_ssrc.get(packet.ssrc)
        payload_type = codec.parameters.get("apt")
        original = self._stock._RTCRtpReceiver__codecs.get(payload_type)
        if ssrc is None or original is None or len(packet.payload) < 2:
            return None
        return unwrap_rtx(packet, payload_type=payload_type, ssrc=ssrc), original

    def _handle_disconnect(self) -> None:
        """Stock: joins the decoder thread on the event loop. We have none."""

    async def request_key_picture(self, ssrc: int) -> None:
        """Sends a PLI (RFC 4585 section 6.3.1)."""
        await self._send_rtcp_pli(ssrc)

    async def request_packets(self, ssrc: int, sequences: tuple[int, ...]) -> None:
        """Sends a generic NACK (RFC 4585 section 6.2.1)."""
        await self._send_rtcp_nack(ssrc, list(sequences))

    async def limit_bitrate(self, ssrc: int, bits_per_s: int) -> None:
        """Sends a REMB: libwebrtc trusts the first ones and ramps up to them at once."""
        own = self._stock._RTCRtpReceiver__rtcp_ssrc
        if own is None:
            return
        fci = pack_remb_fci(bits_per_s, [ssrc])
        await self._send_rtcp(RtcpPsfbPacket(fmt=RTCP_PSFB_APP, ssrc=own, media_ssrc=0, fci=fci))


def _make_receiver(kind: str, transport: RTCDtlsTransport) -> RTCRtpReceiver:
    sink = _sink.get()
    return (
        RTCRtpReceiver(kind, transport) if sink is None else SamplingReceiver(kind, transport, sink)
    )


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
        if local_addr is None or local_addr[1] != 0:
            return await self._loop.create_datagram_endpoint(
                protocol_factory, local_addr=local_addr, **options
            )
        for port in self._ports:
            try:
                return await self._loop.create_datagram_endpoint(
                    protocol_factory, local_addr=(local_addr[0], port), **options
                )
            except OSError:
                continue
        raise OSError("every port of the ICE range is taken")


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


_StockInboundStream: Any = aiortc.rtcsctptransport.InboundStream


class BoundedInboundStream(_StockInboundStream):  # type: ignore[misc]  # untyped base
    """SCTP reassembly that keeps at most `MAX_REASSEMBLY_BYTES`.

    A longer message arrives cut short, still longer than any allowed one, so it is refused
    as too large. Messages are looked for only once a last fragment is there: the stock class
    looks after each fragment, which makes a message of n fragments cost n².
    """

    def __init__(self) -> None:
        super().__init__()
        self._kept = 0
        self._ends = 0

    def add_chunk(self, chunk: Any) -> None:
        if self._kept >= MAX_REASSEMBLY_BYTES:
            chunk.user_data = b""
        self._kept += len(chunk.user_data)
        if chunk.flags & aiortc.rtcsctptransport.SCTP_DATA_LAST_FRAG:
            self._ends += 1
        super().add_chunk(chunk)

    def pop_messages(self) -> Iterator[tuple[int, int, bytes]]:
        if not self._ends:
            return
        for message in super().pop_messages():
            self._kept -= len(message[2])
            self._ends -= 1
            yield message

    def prune_chunks(self, tsn: int) -> int:
        pruned: int = super().prune_chunks(tsn)
        last = aiortc.rtcsctptransport.SCTP_DATA_LAST_FRAG
        self._kept -= pruned
        self._ends = sum(1 for chunk in self.reassembly if chunk.flags & last)
        return pruned


def _check() -> None:
    for name, pinned in PINNED.items():
        if version(name) != pinned:
            raise SeamBroken(f"{name} {version(name)} is installed, this seam knows {pinned}")
    probes: list[tuple[Any, tuple[str, ...]]] = [
        (RTCRtpReceiver, ("_run_rtcp", "_send_rtcp", "_send_rtcp_pli", "_send_rtcp_nack")),
        (aiortc.rtcpeerconnection, ("RTCRtpReceiver",)),
        (aioice.ice, ("get_host_addresses", "asyncio")),
        (aiortc.rtcsctptransport, ("InboundStream", "SCTP_DATA_LAST_FRAG")),
    ]
    missing = [
        f"{owner.__name__}.{n}" for owner, names in probes for n in names if not hasattr(owner, n)
    ]
    if missing or is_rtcp(b"\x80\xc8") is not True:
        raise SeamBroken(f"not where they were: {', '.join(missing)}")


def _install() -> None:
    _check()
    # Any: what is replaced is not typed for replacement.
    peer_connection: Any = aiortc.rtcpeerconnection
    ice: Any = aioice.ice
    sctp: Any = aiortc.rtcsctptransport
    peer_connection.RTCRtpReceiver = _make_receiver
    ice.get_host_addresses = _host_addresses
    ice.asyncio = _AsyncioForIce("asyncio")
    sctp.InboundStream = BoundedInboundStream
    aiortc.codecs.CODECS["audio"][0].parameters = dict(OPUS_ANSWER)
    # Without abs-send-time aiortc's bandwidth estimator, which we never ask, is never fed.
    aiortc.codecs.HEADER_EXTENSIONS["video"] = [
        extension
        for extension in aiortc.codecs.HEADER_EXTENSIONS["video"]
        if not extension.uri.endswith("abs-send-time")
    ]


_install()
