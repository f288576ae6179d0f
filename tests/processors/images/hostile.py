"""Image files, made by hand where no encoder would make them."""

import io
import struct
import zlib
from collections.abc import Sequence
from typing import Any

from PIL import Image

GREY, RGB, PALETTE, GREY_ALPHA, RGBA = 0, 2, 3, 4, 6


def png(
    width: int,
    height: int,
    rows: bytes = b"",
    *,
    kind: int = RGB,
    depth: int = 8,
    chunks: Sequence[tuple[bytes, bytes]] = (),
) -> bytes:
    """`rows` are raw, each with its filter byte before it; `chunks` come before the data."""
    header = struct.pack(">IIBBBBB", width, height, depth, kind, 0, 0, 0)
    body = [(b"IHDR", header), *chunks, (b"IDAT", zlib.compress(rows)), (b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))
        for name, data in body
    )


def encoded(image: Image.Image, form: str, **options: Any) -> bytes:
    out = io.BytesIO()
    image.save(out, form, **options)
    return out.getvalue()


def jpeg(width: int = 16, height: int = 16, colour: Any = "red", **options: Any) -> bytes:
    return encoded(Image.new("RGB", (width, height), colour), "JPEG", **options)


def with_segments(data: bytes, segments: bytes) -> bytes:
    """A JPEG with something more after its first marker."""
    return data[:2] + segments + data[2:]


def with_scans(data: bytes, count: int) -> bytes:
    """A progressive JPEG whose last scan comes `count` times more."""
    *before, last = data.split(b"\xff\xda")
    return b"\xff\xda".join([*before, *[last[:-2]] * count, last])


def huge_webp(width: int, height: int) -> bytes:
    """A small picture on a canvas of that size."""
    frame = encoded(Image.new("RGB", (16, 16)), "WEBP", lossless=True)[12:]

    def three(value: int) -> bytes:
        return struct.pack("<I", value)[:3]

    def chunk(name: bytes, data: bytes) -> bytes:
        return name + struct.pack("<I", len(data)) + data

    body = b"WEBP" + chunk(b"VP8X", b"\x02\0\0\0" + three(width - 1) + three(height - 1))
    body += chunk(b"ANIM", b"\0" * 6)
    body += chunk(b"ANMF", three(0) * 2 + three(15) * 2 + three(100) + b"\0" + frame)
    return b"RIFF" + struct.pack("<I", len(body)) + body
