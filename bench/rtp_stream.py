"""Ready RTP packets on their way out, at the pace of a device and at a small price.

aiortc's sender makes a task switch and several objects for each packet, which for twenty cameras
is a whole core. Here one timer serves all streams of the process, and a packet is a header, a
payload that was cut before the measurement, SRTP and `sendto`. What a server can see stays true:
aiortc's own RTCP reports run on, NACK is answered with RTX, PLI with a key picture.

This file reaches into aiortc and aioice for the keys, the socket and the reports' counters.
"""

from __future__ import annotations

import asyncio
import heapq
import itertools
import random
import time
from collections import OrderedDict, deque
from collections.abc import Callable, Sequence
from struct import Struct
from typing import Any, Final, Protocol

from aiortc import clock
from aiortc.rtp import RtpPacket

EARLY_S: Final = 0.0005  # what is due within half a tick of uvloop's clock leaves now
HISTORY: Final = 512  # packets that can be sent again: three seconds of a camera
MAX_LATE: Final = 200_000
MARK: Final = 0x5A17E5  # a time of sending that can be found in a header
_FIXED: Final = Struct("!BBHI")
_NUMBER: Final = Struct("!H")
_SSRC: Final = Struct("!I")


class Source(Protocol):
    """What a stream sends: `next` gives the payloads of one frame, all with one timestamp."""

    interval_s: float
    clock_step: int  # of the RTP timestamp, from one frame to the next

    def next(self, now: float) -> Sequence[bytes]: ...


class Pacer:
    """One timer for all streams of a process. `late_s` says by how much each frame was late."""

    def __init__(self) -> None:
        self.late_s: deque[float] = deque(maxlen=MAX_LATE)
        self._due: list[tuple[float, int, RtpStream]] = []
        self._numbers = itertools.count()
        self._timer: asyncio.TimerHandle | None = None

    def add(self, stream: RtpStream) -> None:
        self._push(asyncio.get_running_loop().time(), stream)
        self._arm()

    def _push(self, due: float, stream: RtpStream) -> None:
        heapq.heappush(self._due, (due, next(self._numbers), stream))

    def _arm(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
        if self._due:
            self._timer = asyncio.get_running_loop().call_at(self._due[0][0], self._run)

    def _run(self) -> None:
        now = asyncio.get_running_loop().time()
        while self._due and self._due[0][0] <= now + EARLY_S:
            due, _, stream = heapq.heappop(self._due)
            if stream.live:
                self.late_s.append(now - due)
                stream.send_frame()
                self._push(due + stream.source.interval_s, stream)
        self._timer = None
        self._arm()


class RtpStream:
    """Takes the place of the sending half of one `RTCRtpSender`. `begin()`, once, to send."""

    def __init__(self, sender: Any, source: Source, pacer: Pacer, loss: float, seed: int) -> None:
        self.source = source
        self.live = False
        self.packets = 0
        self.octets = 0
        self._sender = sender
        self._pacer = pacer
        self._loss = loss
        self._random = random.Random(seed)
        self._sequence = self._random.randrange(1 << 15)
        self._timestamp = self._random.randrange(1 << 31)
        self._again: OrderedDict[int, bytes] = OrderedDict()  # payloads by number, with their time
        self._header = b""
        self._time_at = -1
        self._payload_type = 0
        self._emit: Callable[[bytes], None] = _nowhere
        self._begun = asyncio.Event()
        self._sender._run_rtp = self._run
        self._sender._retransmit = self._send_again

    def begin(self) -> None:
        self._begun.set()

    async def _run(self, codec: Any) -> None:
        """In place of aiortc's loop: until cancelled, the pacer sends."""
        sender = self._sender
        sender._RTCRtpSender__rtp_started.set()
        try:
            self._payload_type = codec.payloadType
            self._make_header(sender._RTCRtpSender__rtp_header_extensions_map)
            self._emit = _socket_of(sender.transport)
            await self._begun.wait()
            self.live = True
            self._pacer.add(self)
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            pass  # aiortc waits for the event below, not for the task
        finally:
            self.live = False
            sender._RTCRtpSender__rtp_exited.set()

    def _make_header(self, extensions: Any) -> None:
        """What follows the first eight bytes; `_time_at` is where the time of sending stands."""
        packet = RtpPacket(payload_type=self._payload_type)
        packet.ssrc = self._sender._ssrc
        packet.extensions.mid = self._sender._RTCRtpSender__mid
        packet.extensions.abs_send_time = MARK
        whole = packet.serialize(extensions)
        self._first, self._header = whole[0], whole[_FIXED.size :]
        self._time_at = self._header.find(MARK.to_bytes(3, "big"))

    def send_frame(self) -> None:
        now = time.monotonic()
        payloads = self.source.next(now)
        last = len(payloads) - 1
        header = self._stamped_header()
        for index, payload in enumerate(payloads):
            mark = 0x80 if index == last else 0
            self._send(mark, self._sequence, self._timestamp, header + payload)
            self._sequence = (self._sequence + 1) & 0xFFFF
        self._report(sum(map(len, payloads)), len(payloads))
        self._timestamp = (self._timestamp + self.source.clock_step) & 0xFFFFFFFF

    def _stamped_header(self) -> bytes:
        if self._time_at < 0:
            return self._header
        sent = (clock.current_ntp_time() >> 14 & 0xFFFFFF).to_bytes(3, "big")
        return self._header[: self._time_at] + sent + self._header[self._time_at + 3 :]

    def _send(self, mark: int, sequence: int, timestamp: int, rest: bytes) -> None:
        fixed = _FIXED.pack(self._first, mark | self._payload_type, sequence, timestamp)
        packet = fixed + rest
        self._again[sequence] = packet
        if len(self._again) > HISTORY:
            self._again.popitem(last=False)
        self._leave(packet)

    def _leave(self, packet: bytes) -> None:
        protected = self._sender.transport._tx_srtp.protect(packet)
        if (
            not self._loss or self._random.random() >= self._loss
        ):  # lost on the way, as by a network
            self._emit(protected)

    def _report(self, octets: int, packets: int) -> None:
        """For aiortc's sender reports."""
        self.packets += packets
        self.octets += octets
        sender = self._sender
        sender._RTCRtpSender__ntp_timestamp = clock.current_ntp_time()
        sender._RTCRtpSender__rtp_timestamp = self._timestamp
        sender._RTCRtpSender__octet_count += octets
        sender._RTCRtpSender__packet_count += packets

    async def _send_again(self, sequence: int) -> None:
        """Answers a NACK: as RTX (RFC 4588) where that was negotiated."""
        packet = self._again.get(sequence)
        if packet is None or not self.live:
            return
        sender = self._sender
        payload_type = sender._RTCRtpSender__rtx_payload_type
        if payload_type is not None:
            number = sender._RTCRtpSender__rtx_sequence_number
            sender._RTCRtpSender__rtx_sequence_number = (number + 1) & 0xFFFF
            after_header = len(self._header) + _FIXED.size
            packet = b"".join(
                (
                    packet[:1],
                    bytes((packet[1] & 0x80 | payload_type,)),
                    _NUMBER.pack(number),
                    packet[4:8],
                    _SSRC.pack(sender._rtx_ssrc),
                    packet[12:after_header],
                    _NUMBER.pack(sequence),
                    packet[after_header:],
                )
            )
        self._leave(packet)


def _nowhere(packet: bytes) -> None:
    """There is no connection yet."""


def _socket_of(dtls: Any) -> Callable[[bytes], None]:
    pair = dtls.transport._connection._nominated[1]
    socket, address = pair.protocol.transport, pair.remote_addr

    def emit(packet: bytes) -> None:
        socket.sendto(packet, address)

    return emit
