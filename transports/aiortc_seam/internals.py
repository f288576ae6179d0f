"""What is touched inside aiortc and aioice, and the check that it is there.

The versions are pinned: an upgrade fails here, in words.
"""

from importlib.metadata import version
from typing import Any, Final

import aioice.ice
import aiortc.rtcicetransport
import aiortc.rtcpeerconnection
import aiortc.rtcrtpreceiver
import aiortc.rtcsctptransport
from aiortc import RTCRtpReceiver, RTCRtpSender, RTCSctpTransport
from aiortc.rtcdtlstransport import RTCDtlsTransport, RtpRouter

PINNED: Final = {"aiortc": "1.16.0", "aioice": "0.13.0"}


class SeamBroken(ImportError):
    """aiortc or aioice is not the version whose inside this package knows."""


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
    (RTCSctpTransport, ("_data_channel_flush", "_send_chunk")),
    (RTCDtlsTransport, ("_send_data",)),
    (aioice.ice.StunProtocol, ("datagram_received",)),
    (aioice.ice.Connection, ("data_received",)),
    (aiortc.rtcicetransport, ("Connection",)),
    (aiortc.rtcpeerconnection, ("RTCDtlsTransport", "RTCSctpTransport")),
    (aiortc.rtcpeerconnection, ("RTCRtpReceiver", "RTCRtpSender")),
    (aiortc.rtcrtpreceiver, ("StreamStatistics",)),
    (aiortc.rtcsctptransport, ("decode_params", "parse_packet", "serialize_packet")),
    (aioice.ice, ("get_host_addresses", "asyncio", "StunProtocol")),
)
_SET: Final[tuple[tuple[type, tuple[str, ...]], ...]] = (
    (
        RTCRtpReceiver,
        tuple(
            f"_RTCRtpReceiver__{name}"
            for name in (
                "codecs",
                "lsr",
                "lsr_time",
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
    (RTCSctpTransport, ("_local_port", "_remote_port", "_remote_verification_tag")),
    (aiortc.RTCIceTransport, ("_connection",)),
    (aioice.ice.Connection, ("_nominated", "_queue")),
)


def check_internals() -> None:
    """Raises `SeamBroken`, with names, when aiortc or aioice is not what this package knows."""
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
