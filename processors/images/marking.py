"""Takes all but the pixels out of an image file, and writes into it that a machine made it. Pure.

The file is taken apart and put together again; no pixel is decoded. Of what stands beside the
pixels only what they need to look right is kept (colour profile, transparency). The mark is XMP
with IPTC's `DigitalSourceType`, which search engines and editors read, and the `Software` field.
Whatever follows the end of the image is gone.
"""

import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final
from xml.sax.saxutils import escape

from processors.errors import ImageRefused
from processors.images.containers import JPEG_SIGNATURE, PNG_SIGNATURE

SOFTWARE: Final = "Easel"
MADE_BY_A_MODEL: Final = "http://cv.iptc.org/newscodes/digitalsourcetype/trainedAlgorithmicMedia"
CHANGED_BY_A_MODEL: Final = (
    "http://cv.iptc.org/newscodes/digitalsourcetype/compositeWithTrainedAlgorithmicMedia"
)

_XMP: Final = """<?xpacket begin="\ufeff" id="W5M0MpCehiHzreSzNTczkc9d"?>\
<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">\
<rdf:Description rdf:about="" xmlns:xmp="http://ns.adobe.com/xap/1.0/" \
xmlns:photoshop="http://ns.adobe.com/photoshop/1.0/" \
xmlns:Iptc4xmpExt="http://iptc.org/std/Iptc4xmpExt/2008-02-29/" \
xmp:CreatorTool="{software}" photoshop:Credit="Made with AI by {made_by}" \
Iptc4xmpExt:DigitalSourceType="{source}" Iptc4xmpExt:AISystemUsed="{made_by}"/>\
</rdf:RDF></x:xmpmeta><?xpacket end="r"?>"""

_PNG_KEPT: Final = frozenset(b"IHDR PLTE IDAT IEND tRNS gAMA cHRM sRGB iCCP sBIT cICP pHYs".split())
_JPEG_DROPPED: Final = frozenset({*range(0xE0, 0xF0), 0xFE})
_JPEG_SCAN: Final = 0xDA
_JPEG_END: Final = 0xD9
_WEBP_KEPT: Final = frozenset({b"VP8 ", b"VP8L", b"ALPH", b"ICCP"})
_WEBP_ICC, _WEBP_ALPHA, _WEBP_XMP, _WEBP_EXIF = 0x20, 0x10, 0x04, 0x08
_XMP_IN_JPEG: Final = b"http://ns.adobe.com/xap/1.0/\0"


def marked(data: bytes, mime_type: str, *, made_by: str, edited: bool = False) -> bytes:
    """`data` has been decoded whole; it is not animated and stands upright.

    `made_by` names the model, `edited` says that it only changed what a camera or a person made.
    Raises `ImageRefused` for a file that a lenient decoder took and that cannot be taken apart.
    """
    xmp = _XMP.format(
        software=SOFTWARE,
        made_by=escape(made_by, {'"': "&quot;"}),
        source=CHANGED_BY_A_MODEL if edited else MADE_BY_A_MODEL,
    ).encode()
    return _rebuilt(
        data, mime_type, _Mark(xmp, f"{SOFTWARE}, {made_by}".encode("ascii", "replace"))
    )


def bare(data: bytes, mime_type: str) -> bytes:
    """The same without a mark, of what people made. A file that is bare already is not changed."""
    return _rebuilt(data, mime_type, None)


@dataclass(frozen=True, slots=True)
class _Mark:
    xmp: bytes
    software: bytes


def _rebuilt(data: bytes, mime_type: str, mark: _Mark | None) -> bytes:
    try:
        match mime_type:
            case "image/png":
                return _png(data, mark)
            case "image/jpeg":
                return _jpeg(data, mark)
            case "image/webp":
                return _webp(data, mark)
    except (IndexError, StopIteration, struct.error):
        pass
    raise ImageRefused("The image is damaged.", counter="upload_no_image")


def _png(data: bytes, mark: _Mark | None) -> bytes:
    out = [PNG_SIGNATURE]
    for name, content in _png_chunks(data):
        if name in _PNG_KEPT:
            out.append(_png_chunk(name, content))
        if name == b"IHDR" and mark is not None:
            out.append(_png_chunk(b"tEXt", b"Software\0" + mark.software))
            out.append(_png_chunk(b"iTXt", b"XML:com.adobe.xmp\0\0\0\0\0" + mark.xmp))
    return b"".join(out)


def _png_chunks(data: bytes) -> Iterator[tuple[bytes, bytes]]:
    at = len(PNG_SIGNATURE)
    name = b""
    while name != b"IEND":
        (length,) = struct.unpack_from(">I", data, at)
        name = data[at + 4 : at + 8]
        content = data[at + 8 : at + 8 + length]
        if len(content) < length or len(name) < 4:
            raise IndexError
        yield name, content
        at += 12 + length


def _png_chunk(name: bytes, content: bytes) -> bytes:
    check = zlib.crc32(name + content)
    return struct.pack(">I", len(content)) + name + content + struct.pack(">I", check)


def _jpeg(data: bytes, mark: _Mark | None) -> bytes:
    head, rest = [], []
    for marker, whole in _jpeg_pieces(data):
        if marker == 0xE0 and whole[4:9] == b"JFIF\0":
            # Without the thumbnail that may follow it.
            head.append(b"\xff\xe0\0\x10" + whole[4:16] + b"\0\0")
        elif marker not in _JPEG_DROPPED or _is_colour(marker, whole):
            rest.append(whole)
    notes = []
    if mark is not None:
        notes.append(_jpeg_segment(0xE1, b"Exif\0\0" + _exif(mark.software)))
        notes.append(_jpeg_segment(0xE1, _XMP_IN_JPEG + mark.xmp))
    return b"".join([b"\xff\xd8", *head[:1], *notes, *rest, b"\xff\xd9"])


def _is_colour(marker: int, whole: bytes) -> bool:
    icc = marker == 0xE2 and whole[4:16] == b"ICC_PROFILE\0"
    return icc or (marker == 0xEE and whole[4:9] == b"Adobe")


def _jpeg_pieces(data: bytes) -> Iterator[tuple[int, bytes]]:
    """Each segment with its marker; that of a scan with the coded pixels behind it."""
    if not data.startswith(JPEG_SIGNATURE):
        raise IndexError
    at = 2
    while True:
        while data[at] == 0xFF and data[at + 1] == 0xFF:  # filling
            at += 1
        if data[at] != 0xFF:
            raise IndexError
        marker = data[at + 1]
        if marker == _JPEG_END:
            return
        end = at + 2 + int(struct.unpack_from(">H", data, at + 2)[0])
        if end > len(data):
            raise IndexError
        if marker == _JPEG_SCAN:
            end = _after_scan(data, end)
        yield marker, data[at:end]
        at = end


def _after_scan(data: bytes, at: int) -> int:
    """Where the next marker stands that does not belong to the coded pixels; a file without an
    end ends there."""
    while True:
        at = data.find(0xFF, at)
        if at < 0 or at + 1 >= len(data):
            raise IndexError
        follows = data[at + 1]
        if follows == 0x00 or 0xD0 <= follows <= 0xD7:
            at += 2
        elif follows == 0xFF:
            at += 1
        else:
            return at


def _jpeg_segment(marker: int, content: bytes) -> bytes:
    return bytes((0xFF, marker)) + struct.pack(">H", len(content) + 2) + content


def _exif(software: bytes) -> bytes:
    """A TIFF header with one field, 0x0131."""
    value = software + b"\0"
    entry = struct.pack("<HHIHHII", 42, 0, 0, 0x0131, 2, len(value), 26)
    return b"II" + struct.pack("<HI", 42, 8) + struct.pack("<H", 1) + entry[8:] + b"\0" * 4 + value


def _webp(data: bytes, mark: _Mark | None) -> bytes:
    chunks = [(name, content) for name, content in _webp_chunks(data) if name in _WEBP_KEPT]
    names = {name for name, _ in chunks}
    pixels = next(content for name, content in chunks if name in (b"VP8 ", b"VP8L"))
    width, height, alpha = _webp_size(b"VP8L" in names, pixels)
    notes = [] if mark is None else [(b"EXIF", _exif(mark.software)), (b"XMP ", mark.xmp)]
    flags = _WEBP_XMP | _WEBP_EXIF if notes else 0
    flags |= _WEBP_ICC if b"ICCP" in names else 0
    flags |= _WEBP_ALPHA if alpha or b"ALPH" in names else 0
    sides = (width - 1).to_bytes(3, "little") + (height - 1).to_bytes(3, "little")
    chunks.sort(key=lambda chunk: chunk[0] != b"ICCP")  # it comes first, all else stays in order
    whole = [
        (b"VP8X", bytes((flags, 0, 0, 0)) + sides),
        *chunks,
        *notes,
    ]
    body = b"WEBP" + b"".join(_webp_chunk(name, content) for name, content in whole)
    return b"RIFF" + struct.pack("<I", len(body)) + body


def _webp_chunks(data: bytes) -> Iterator[tuple[bytes, bytes]]:
    end = min(len(data), 8 + int(struct.unpack_from("<I", data, 4)[0]))
    at = 12
    while at + 8 <= end:
        (length,) = struct.unpack_from("<I", data, at + 4)
        content = data[at + 8 : at + 8 + length]
        if len(content) < length:
            raise IndexError
        yield data[at : at + 4], content
        at += 8 + length + length % 2


def _webp_chunk(name: bytes, content: bytes) -> bytes:
    return name + struct.pack("<I", len(content)) + content + b"\0" * (len(content) % 2)


def _webp_size(lossless: bool, pixels: bytes) -> tuple[int, int, bool]:
    """Width, height, and whether the pixels themselves are transparent (RFC 9649)."""
    if lossless:
        (packed,) = struct.unpack_from("<I", pixels, 1)
        return (packed & 0x3FFF) + 1, (packed >> 14 & 0x3FFF) + 1, bool(packed >> 28 & 1)
    width, height = struct.unpack_from("<HH", pixels, 6)
    return width & 0x3FFF, height & 0x3FFF, False
