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
* Messages that are sent together travel in one SCTP packet.
* Each datagram leaves word that it came (`arrivals.py`): ICE takes half a minute to miss a peer.

The versions are pinned, and what is touched is checked at import: an upgrade fails here, in
words, and in `tests/transports/test_aiortc_seam.py`.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, Final

import aioice.ice
import aiortc.codecs
import aiortc.rtcicetransport
import aiortc.rtcpeerconnection
import aiortc.rtcsctptransport
from aiortc import MediaStreamTrack, RTCRtpReceiver, RTCRtpSender
from aiortc.rtcdtlstransport import RTCDtlsTransport

from transports.aiortc_seam import bundled_sctp, direct_media, packet_guards
from transports.aiortc_seam.arrivals import Arrivals, arrivals
from transports.aiortc_seam.binding import AsyncioForIce, IceBinding, bound, host_addresses
from transports.aiortc_seam.direct_sender import DirectSender
from transports.aiortc_seam.internals import PINNED, SeamBroken, check_internals
from transports.aiortc_seam.sampling_receiver import RtpSink, SamplingReceiver

__all__ = [
    "PINNED",
    "Arrivals",
    "DirectSender",
    "IceBinding",
    "RtpSink",
    "SamplingReceiver",
    "SeamBroken",
    "check_internals",
    "seam",
]

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


_sink: ContextVar[RtpSink | None] = ContextVar("easel_rtp_sink", default=None)


@contextmanager
def seam(
    sink: RtpSink,
    binding: IceBinding,
    on_dropped: packet_guards.OnDropped | None = None,
    came: Arrivals | None = None,
) -> Iterator[None]:
    """Connections whose descriptions are set in this context use our receiver and addresses.

    `on_dropped` hears of each packet that was dropped, by the name of its counter; `came` notes
    that datagrams came.
    """
    sink_token, dropped_token = _sink.set(sink), packet_guards.on_dropped.set(on_dropped)
    came_token = arrivals.set(came)
    try:
        with bound(binding):
            yield
    finally:
        _sink.reset(sink_token)
        packet_guards.on_dropped.reset(dropped_token)
        arrivals.reset(came_token)


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


def _install() -> None:
    check_internals()
    # Any: what is replaced is not typed for replacement.
    peer_connection: Any = aiortc.rtcpeerconnection
    peer_connection.RTCRtpReceiver = _make_receiver
    peer_connection.RTCRtpSender = _make_sender
    peer_connection.RTCDtlsTransport = direct_media.DirectDtlsTransport
    peer_connection.RTCSctpTransport = bundled_sctp.BundledSctpTransport
    sctp: Any = aiortc.rtcsctptransport
    sctp.decode_params = packet_guards.parse_parameters_untrusted
    sctp.parse_packet = packet_guards.parse_packet_untrusted
    ice_transport: Any = aiortc.rtcicetransport
    ice_transport.Connection = direct_media.DirectIceConnection
    ice: Any = aioice.ice
    ice.StunProtocol = direct_media.DirectStunProtocol
    ice.get_host_addresses = host_addresses
    ice.asyncio = AsyncioForIce("asyncio")
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
