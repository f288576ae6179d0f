"""The websocket of the Live API with an ear on it: for the wire log, and for `easel doctor`.

It takes the place of the library's own connection by the argument that the library has for it
(`create_connection`), so that even the setup, which the SDK writes and whose answer it reads, is
heard, and so that a connection without a tap costs nothing.
"""

from typing import Any, Protocol

from websockets.asyncio.client import ClientConnection
from websockets.client import ClientProtocol
from websockets.frames import CloseCode


class Tap(Protocol):
    """Told of everything, at once and in order. None of it may raise or wait."""

    def opened(self) -> int:
        """A connection is made; its number is given back and stands in the other calls."""

    def sent(self, connection: int, data: bytes) -> None:
        """A message of ours, in a text frame."""

    def received(self, connection: int, data: bytes | str) -> None:
        """A message of Gemini's: bytes of a binary frame, letters of a text frame."""

    def closed(self, connection: int, code: int, reason: str, by: str) -> None:
        """The connection is over: closed by "client" or "server", or the "line" was cut."""


def tapped(tap: Tap) -> type[ClientConnection]:
    """The class of connections that tell `tap`."""

    class Tapped(ClientConnection):
        def __init__(self, *arguments: Any, **options: Any) -> None:
            super().__init__(*arguments, **options)
            self.number = number = tap.opened()
            write = self.protocol.send_text

            def send_text(data: Any, fin: bool = True) -> None:
                tap.sent(number, bytes(data))
                write(data, fin)

            # Sound is written past `send`, see client.py: the one place that all messages pass.
            self.protocol.send_text = send_text  # type: ignore[method-assign]  # of this one only

        async def recv(self, decode: bool | None = None) -> Any:
            message = await super().recv()
            tap.received(self.number, message)
            if decode is False and isinstance(message, str):
                return message.encode()
            return message.decode() if decode and isinstance(message, bytes) else message

        def connection_lost(self, exc: Exception | None) -> None:
            super().connection_lost(exc)
            tap.closed(self.number, *_ending(self.protocol))

    return Tapped


def _ending(protocol: ClientProtocol) -> tuple[int, str, str]:
    """Code, reason, and who was the first to close."""
    received, sent = protocol.close_rcvd, protocol.close_sent
    if received is not None and (sent is None or protocol.close_rcvd_then_sent):
        return received.code, received.reason, "server"
    if sent is not None:
        return sent.code, sent.reason, "client"
    return CloseCode.ABNORMAL_CLOSURE, "", "line"
