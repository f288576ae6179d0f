"""The work that a file makes a decoder do, from its markers alone. Pure.

Small files can be slow ones: a JPEG may paint the same pixels in hundreds of scans, and either
format may begin with millions of empty parts, which Pillow walks through in Python.
"""

from typing import Final

PNG_SIGNATURE: Final = b"\x89PNG\r\n\x1a\n"
JPEG_SIGNATURE: Final = b"\xff\xd8\xff"

_PNG_AROUND_DATA: Final = 12  # length, type and checksum
_JPEG_FILL: Final = 0xFF
_JPEG_SCAN: Final = b"\xff\xda"


def parts_untrusted(data: bytes, limit: int) -> int:
    """PNG chunks, or JPEG segments before the first scan; stops counting above `limit`.

    0 for anything else. Never raises.
    """
    if data.startswith(PNG_SIGNATURE):
        return _png_chunks(data, limit)
    if data.startswith(JPEG_SIGNATURE):
        return _jpeg_segments(data, limit)[0]
    return 0


def scans_untrusted(data: bytes, limit: int) -> int:
    """How often a JPEG goes over its pixels: about 1, or 10 for a progressive one.

    1 for anything else. At least the true number if the segments before the first scan are no
    more than `limit`; a little above it where a second image follows in the same file. Never
    raises.
    """
    if not data.startswith(JPEG_SIGNATURE):
        return 1
    # Within a scan 0xFF is never followed by 0xDA, so each occurrence is a marker.
    return max(1, data.count(_JPEG_SCAN, _jpeg_segments(data, limit)[1]))


def _png_chunks(data: bytes, limit: int) -> int:
    count, at = 0, len(PNG_SIGNATURE)
    while at < len(data) and count <= limit:
        count += 1
        at += _PNG_AROUND_DATA + int.from_bytes(data[at : at + 4], "big")
    return count


def _jpeg_segments(data: bytes, limit: int) -> tuple[int, int]:
    """How many come before the first scan, and where they end. Bytes of filling count too."""
    count, at = 0, 2
    while data[at : at + 2] != _JPEG_SCAN and at + 4 <= len(data) and count <= limit:
        count += 1
        if data[at] == data[at + 1] == _JPEG_FILL:
            at += 1
        else:
            at += 2 + int.from_bytes(data[at + 2 : at + 4], "big")
    return count, at
