"""Every kind of image that a peer or a model may send, and every kind that it should not."""

import base64
import io
import random
import struct
import subprocess
import sys
import zlib
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageCms, PngImagePlugin

from processors.errors import ImageRefused
from processors.images import pixels
from processors.images.pixels import (
    MAX_PARTS,
    RECORD_LONG_SIDE,
    THUMBNAIL_LONG_SIDE,
    UPLOAD_LONG_SIDE,
    Picture,
    decoded_untrusted,
    for_the_record,
    opened_plain,
    picture_untrusted,
    thumbnail,
    thumbnail_of,
    upload_untrusted,
    upright_plain,
)
from tests.processors.images.hostile import (
    GREY,
    PALETTE,
    encoded,
    huge_webp,
    jpeg,
    png,
    with_scans,
    with_segments,
)

# Pillow warns of damaged EXIF, which the service does not care about.
pytestmark = pytest.mark.filterwarnings("ignore::UserWarning:PIL")

SECRET = b"52.3105 N 4.7683 E"


def decoded(data: bytes) -> Image.Image:
    image = Image.open(io.BytesIO(data))
    image.load()
    return image


def colour_of(picture: Picture, x: int = 0, y: int = 0) -> tuple[int, ...]:
    found = decoded(picture.data).convert("RGBA").getpixel((x, y))
    assert isinstance(found, tuple)
    return tuple(int(part) for part in found)


def is_about(found: tuple[int, ...], wanted: tuple[int, ...]) -> bool:
    return all(abs(a - b) <= 20 for a, b in zip(found, wanted, strict=True))


def both(data: bytes) -> tuple[ImageRefused, ImageRefused]:
    """The refusals by either door."""
    refusals = []
    for function in (picture_untrusted, upload_untrusted):
        with pytest.raises(ImageRefused) as told:
            function(data)
        refusals.append(told.value)
    return refusals[0], refusals[1]


class TestWhatAModelSends:
    @pytest.mark.parametrize(
        ("form", "mime_type"),
        [("JPEG", "image/jpeg"), ("PNG", "image/png"), ("WEBP", "image/webp")],
    )
    def test_it_stays_as_it_is(self, form: str, mime_type: str) -> None:
        data = encoded(Image.new("RGB", (40, 30), "red"), form)
        assert picture_untrusted(data) == Picture(mime_type, data, 40, 30)

    def test_a_jpeg_with_a_second_picture_behind_it_is_a_jpeg(self) -> None:
        data = encoded(
            Image.new("RGB", (40, 30), "red"),
            "MPO",
            save_all=True,
            append_images=[Image.new("RGB", (40, 30), "blue")],
        )
        assert picture_untrusted(data).mime_type == "image/jpeg"

    def test_a_damaged_one_is_refused_whole(self) -> None:
        data = encoded(Image.effect_noise((64, 64), 50).convert("RGB"), "PNG")
        with pytest.raises(ImageRefused, match="The image is damaged."):
            picture_untrusted(data[: len(data) // 2])


class TestUploads:
    @pytest.mark.parametrize("form", ["JPEG", "PNG", "WEBP"])
    def test_what_has_no_transparency_becomes_a_jpeg(self, form: str) -> None:
        picture = upload_untrusted(encoded(Image.new("RGB", (40, 30), "red"), form))
        assert (picture.mime_type, picture.width, picture.height) == ("image/jpeg", 40, 30)
        assert decoded(picture.data).size == (40, 30)
        assert is_about(colour_of(picture), (255, 0, 0, 255))

    @pytest.mark.parametrize("form", ["PNG", "WEBP"])
    def test_what_has_stays_transparent(self, form: str) -> None:
        picture = upload_untrusted(encoded(Image.new("RGBA", (40, 30), (255, 0, 0, 80)), form))
        assert picture.mime_type == "image/png"
        assert is_about(colour_of(picture), (255, 0, 0, 80))

    def test_an_opaque_alpha_channel_is_no_transparency(self) -> None:
        picture = upload_untrusted(encoded(Image.new("RGBA", (4, 4), "red"), "PNG"))
        assert picture.mime_type == "image/jpeg"

    @pytest.mark.parametrize("size", [(3000, 1500), (1500, 3000)])
    @pytest.mark.parametrize("form", ["JPEG", "PNG"])
    def test_a_large_one_is_shrunk(self, form: str, size: tuple[int, int]) -> None:
        picture = upload_untrusted(encoded(Image.new("RGB", size, "red"), form))
        assert (picture.width, picture.height) == (
            UPLOAD_LONG_SIDE * size[0] // 3000,
            UPLOAD_LONG_SIDE * size[1] // 3000,
        )

    @pytest.mark.parametrize(
        ("size", "small"),
        [
            ((1, 1), (1, 1)),
            ((10_000, 1), (UPLOAD_LONG_SIDE, 1)),
            ((1, 10_000), (1, UPLOAD_LONG_SIDE)),
        ],
    )
    def test_odd_shapes_keep_at_least_a_pixel(
        self, size: tuple[int, int], small: tuple[int, int]
    ) -> None:
        picture = upload_untrusted(encoded(Image.new("RGB", size, "red"), "PNG"))
        assert (picture.width, picture.height) == small

    def test_a_transparent_one_that_would_be_too_many_bytes_is_laid_on_white(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(pixels, "UPLOAD_MAX_BYTES", 100_000)
        noise = Image.effect_noise((200, 200), 100)
        bands = [noise, noise.rotate(90), noise.rotate(180), Image.new("L", noise.size, 0)]
        data = encoded(Image.merge("RGBA", bands), "PNG", compress_level=1)
        assert len(data) > 100_000
        picture = upload_untrusted(data)
        assert picture.mime_type == "image/jpeg"
        assert colour_of(picture) == (255, 255, 255, 255)

    def test_sixteen_bits_of_grey_keep_their_tones(self) -> None:
        rows = (b"\0" + struct.pack(">4H", 0, 0x4000, 0x8000, 0xFFFF)) * 4
        picture = upload_untrusted(png(4, 4, rows, kind=GREY, depth=16))
        tones = [colour_of(picture, x)[0] for x in range(4)]
        assert is_about(tuple(tones), (0, 0x40, 0x80, 0xFF))

    def test_a_large_one_of_sixteen_bits_is_shrunk(self) -> None:
        rows = (b"\0" + b"\x80\0" * 3000) * 10
        assert upload_untrusted(png(3000, 10, rows, kind=GREY, depth=16)).width == UPLOAD_LONG_SIDE

    def test_a_palette_with_transparency_becomes_true_colours(self) -> None:
        palette = (b"PLTE", bytes([255, 0, 0, 0, 255, 0])), (b"tRNS", b"\xff\x40")
        picture = upload_untrusted(png(2, 1, b"\0\0\1", kind=PALETTE, chunks=palette))
        assert [colour_of(picture, x) for x in (0, 1)] == [(255, 0, 0, 255), (0, 255, 0, 64)]

    def test_one_colour_that_counts_as_transparent_is(self) -> None:
        hidden = [(b"tRNS", struct.pack(">3H", 1, 2, 3))]
        picture = upload_untrusted(png(2, 1, b"\0\1\2\3\4\5\6", chunks=hidden))
        assert [colour_of(picture, x)[3] for x in (0, 1)] == [0, 255]

    @pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGBA", "I;16"])
    def test_every_mode_that_a_png_can_have_is_taken(self, mode: str) -> None:
        assert upload_untrusted(encoded(Image.new(mode, (8, 8)), "PNG")).width == 8

    def test_a_printers_jpeg_is_shown_in_its_colours(self) -> None:
        data = encoded(Image.new("CMYK", (8, 8), (0, 255, 255, 0)), "JPEG")
        assert is_about(colour_of(upload_untrusted(data)), (255, 0, 0, 255))

    @pytest.mark.parametrize("form", ["PNG", "WEBP"])
    def test_of_an_animation_the_first_frame_counts(self, form: str) -> None:
        data = encoded(
            Image.new("RGB", (8, 8), "red"),
            form,
            save_all=True,
            append_images=[Image.new("RGB", (8, 8), "blue")],
        )
        assert is_about(colour_of(upload_untrusted(data)), (255, 0, 0, 255))

    @pytest.mark.parametrize("orientation", range(1, 9))
    @pytest.mark.parametrize("form", ["JPEG", "PNG", "WEBP"])
    def test_it_is_turned_upright(self, form: str, orientation: int) -> None:
        """Upright it is wider than high, with red in the upper left and blue in the lower
        right."""
        upright = Image.new("RGB", (32, 16), "white")
        upright.paste("red", (0, 0, 8, 8))
        upright.paste("blue", (24, 8, 32, 16))
        as_held = {
            1: upright,
            2: upright.transpose(Image.Transpose.FLIP_LEFT_RIGHT),
            3: upright.transpose(Image.Transpose.ROTATE_180),
            4: upright.transpose(Image.Transpose.FLIP_TOP_BOTTOM),
            5: upright.transpose(Image.Transpose.TRANSPOSE),
            6: upright.transpose(Image.Transpose.ROTATE_90),
            7: upright.transpose(Image.Transpose.TRANSVERSE),
            8: upright.transpose(Image.Transpose.ROTATE_270),
        }[orientation]
        exif = Image.Exif()
        exif[0x0112] = orientation
        picture = upload_untrusted(encoded(as_held, form, exif=exif))
        assert (picture.width, picture.height) == (32, 16)
        assert is_about(colour_of(picture, 2, 2), (255, 0, 0, 255))
        assert is_about(colour_of(picture, 29, 13), (0, 0, 255, 255))

    @pytest.mark.parametrize(
        "exif",
        [
            b"Exif\0\0MM\0*\0\0\0\x08" + b"\xff" * 40,
            b"Exif\0\0",
            b"Exif\0\0II*\0\x08\0\0\0\x01\0\x12\x01\x03\0\x01\0\0\0\x63\0\0\0\0\0\0\0",
            b"Exif\0\0II*\0\x08\0\0\0\x01\0\x12\x01\x02\0\x04\0\0\0abc\0\0\0\0\0",
            b"Exif\0\0II*\0\x08\0\0\0\x02\0\x12\x01",
        ],
    )
    def test_an_orientation_that_is_none_is_ignored(self, exif: bytes) -> None:
        assert upload_untrusted(jpeg(exif=exif)).width == 16

    def test_nothing_but_pixels_survives(self) -> None:
        exif = Image.Exif()
        exif[0x010E] = SECRET.decode()
        profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
        notes = PngImagePlugin.PngInfo()
        notes.add_text("Comment", SECRET.decode())
        notes.add_itxt("XML:com.adobe.xmp", SECRET.decode())
        solid, clear = Image.new("RGB", (8, 8), "red"), Image.new("RGBA", (8, 8), (1, 2, 3, 4))
        both_kinds: dict[str, Any] = {"exif": exif, "icc_profile": profile}
        for data in (
            encoded(solid, "JPEG", comment=SECRET, xmp=SECRET, dpi=(7, 7), **both_kinds) + SECRET,
            encoded(solid, "PNG", pnginfo=notes, **both_kinds) + SECRET,
            encoded(clear, "PNG", pnginfo=notes, **both_kinds) + SECRET,
            encoded(solid, "WEBP", xmp=SECRET, **both_kinds),
            encoded(clear, "WEBP", xmp=SECRET, **both_kinds),
        ):
            assert SECRET in data
            written = upload_untrusted(data).data
            assert SECRET not in written
            assert profile[:64] not in written
            left = set(decoded(written).info)
            assert left <= {"jfif", "jfif_version", "jfif_unit", "jfif_density"}

    def test_a_polyglot_loses_its_other_half(self) -> None:
        script = b"<html><script>alert(1)</script></html>"
        archive = b"PK\3\4" + b"\0" * 26 + b"evil.sh"
        for data in (
            jpeg() + archive,
            jpeg(comment=script),
            png(1, 1, b"\0\1\2\3", chunks=[(b"tEXt", b"k\0" + script)]) + archive,
        ):
            written = upload_untrusted(data).data
            assert b"script" not in written
            assert b"PK\3\4" not in written


class TestWhatIsNoImage:
    @pytest.mark.parametrize(
        "data",
        [
            b"",
            b"\0",
            b"hello",
            b"<svg xmlns='http://www.w3.org/2000/svg'><script>alert(1)</script></svg>",
            b"<?xml version='1.0'?><!DOCTYPE svg><svg/>",
            b"%PDF-1.7",
            b"PK\3\4" + b"\0" * 100,
            b"\0\0\0\x18ftypheic",
            b"%!PS-Adobe-3.0 EPSF-3.0",
            encoded(Image.new("P", (4, 4)), "GIF"),
            encoded(Image.new("RGB", (4, 4)), "TIFF"),
            encoded(Image.new("RGB", (4, 4)), "BMP"),
            encoded(Image.new("RGB", (4, 4)), "PPM"),
            encoded(Image.new("RGB", (16, 16)), "ICO"),
            jpeg()[2:],
            b"GIF89a" + jpeg(),
        ],
    )
    def test_it_is_refused_by_name(self, data: bytes) -> None:
        for refusal in both(data):
            assert str(refusal) == "The file is not a JPEG, PNG or WEBP image."
            assert refusal.counter == "upload_no_image"

    @pytest.mark.parametrize(
        "data",
        [
            png(4, 4, b"\0" * 5),
            png(4, 4, b"\0" + b"\1" * 12, chunks=[(b"IHDR", b"")]),
            encoded(Image.effect_noise((64, 64), 50), "JPEG")[:-500],
            encoded(Image.effect_noise((64, 64), 50).convert("RGB"), "WEBP")[:-500],
            png(4, 4, b"\0" * 52)[:-40],
            huge_webp(32, 32)[:60],
        ],
    )
    def test_half_an_image_is_refused(self, data: bytes) -> None:
        for refusal in both(data):
            assert refusal.counter == "upload_no_image"

    def test_a_text_that_inflates_without_end_is_refused(self) -> None:
        bomb = b"k\0\0" + zlib.compress(b"a" * (2 << 20))
        for refusal in both(png(1, 1, b"\0\0\0\0", chunks=[(b"zTXt", bomb)] * 70)):
            assert refusal.counter == "upload_no_image"


class TestBombs:
    @pytest.mark.parametrize(
        "data",
        [
            png(6400, 6251),  # just above ours
            png(9459, 9460),  # where Pillow would warn
            png(20_000, 20_000),  # where it would raise
            png(2**31 - 1, 2**31 - 1),
            huge_webp(16_383, 16_383),
            huge_webp(4096, 4300),
            jpeg(8, 8).replace(struct.pack(">HH", 8, 8), struct.pack(">HH", 65_500, 65_500), 1),
        ],
    )
    def test_too_many_pixels_are_refused_before_one_is_decoded(self, data: bytes) -> None:
        for refusal in both(data):
            assert refusal.counter == "upload_too_large"
            assert "pixels, which is too many" in str(refusal)

    @pytest.mark.filterwarnings("error")
    def test_no_warning_comes_of_it(self) -> None:
        both(png(9459, 9460))

    @pytest.mark.parametrize(
        "data",
        [
            png(1, 1, b"\0\0\0\0", chunks=[(b"prVt", b"")] * MAX_PARTS),
            with_segments(jpeg(), b"\xff\xfe\0\2" * MAX_PARTS),
            with_segments(jpeg(), b"\xff" * MAX_PARTS),
        ],
    )
    def test_too_many_parts_are_refused(self, data: bytes) -> None:
        for refusal in both(data):
            assert str(refusal) == "The image is in too many parts."

    def test_too_many_scans_are_refused(self) -> None:
        """268 kB like this took 44 s to decode."""
        for refusal in both(with_scans(jpeg(3200, 3200, progressive=True), 60)):
            assert str(refusal) == "The image has too many scans."
            assert refusal.counter == "upload_too_large"

    def test_an_ordinary_progressive_jpeg_of_the_largest_size_is_taken(self) -> None:
        assert upload_untrusted(jpeg(6400, 6250, progressive=True)).width == UPLOAD_LONG_SIDE

    def test_too_many_bytes_are_refused(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(pixels, "MAX_BYTES", 100)
        for refusal in both(jpeg()):
            assert str(refusal) == "The file is too large."

    def test_the_worst_that_passes_stays_within_memory(self) -> None:
        """What takes the most of its kind, in a process that can have little more."""
        program = """
import resource, sys
from processors.images.pixels import upload_untrusted
from tests.processors.images.hostile import RGB, huge_webp, png

used = int(open("/proc/self/statm").read().split()[0]) * resource.getpagesize()
resource.setrlimit(resource.RLIMIT_AS, (used + (700 << 20), -1))
width, height = 8000, 5000
for data in (
    png(width, height, b"\\0" * (width * 3 + 1) * height, kind=RGB, chunks=[(b"tRNS", b"\\0" * 6)]),
    huge_webp(4096, 4096),
):
    upload_untrusted(data)
print("survived")
"""
        done = subprocess.run(
            [sys.executable, "-c", program], capture_output=True, text=True, timeout=60
        )
        assert done.stdout == "survived\n", done.stderr


class TestForTheRecord:
    @pytest.mark.parametrize("mode", ["RGB", "RGBA"])
    @pytest.mark.parametrize("size", [(2048, 1024), (3, 2)])
    def test_it_is_a_small_jpeg(self, mode: str, size: tuple[int, int]) -> None:
        small = for_the_record(upload_untrusted(encoded(Image.new(mode, size, "red"), "PNG")))
        image = decoded(small.data)
        assert (small.mime_type, image.format) == ("image/jpeg", "JPEG")
        assert image.size == (small.width, small.height)
        assert max(image.size) == min(max(size), RECORD_LONG_SIDE)
        assert is_about(tuple(image.getpixel((0, 0))), (255, 0, 0))  # type: ignore[arg-type]  # a tuple for RGB

    def test_what_shone_through_is_white(self) -> None:
        clear = upload_untrusted(encoded(Image.new("RGBA", (8, 8), (9, 9, 9, 0)), "PNG"))
        image = decoded(for_the_record(clear).data)
        assert is_about(tuple(image.getpixel((4, 4))), (255, 255, 255))  # type: ignore[arg-type]  # as above


class TestThumbnails:
    @pytest.mark.parametrize("size", [(1376, 768), (768, 1376), (1, 1), (10_000, 1)])
    @pytest.mark.parametrize("form", ["JPEG", "PNG", "WEBP"])
    def test_it_is_a_small_webp(self, form: str, size: tuple[int, int]) -> None:
        url = thumbnail(encoded(Image.new("RGB", size, "red"), form))
        head, _, body = url.partition(",")
        assert head == "data:image/webp;base64"
        small = decoded(base64.b64decode(body, validate=True))
        assert small.format == "WEBP"
        assert max(small.size) <= THUMBNAIL_LONG_SIDE
        assert is_about(tuple(small.convert("RGB").getpixel((0, 0))), (255, 0, 0))  # type: ignore[arg-type]  # a tuple for RGB

    @pytest.mark.parametrize("mode", ["RGB", "RGBA", "P", "L"])
    def test_of_what_is_decoded_anyway_it_is_the_same(self, mode: str) -> None:
        data = encoded(Image.new(mode, (400, 300)), "PNG", dpi=(300, 300))
        _, image = decoded_untrusted(data)
        before = image.tobytes()
        assert thumbnail_of(image) == thumbnail(data)
        assert (image.size, image.tobytes()) == ((400, 300), before)

    def test_it_stays_transparent_and_loses_what_was_written(self) -> None:
        data = encoded(Image.new("RGBA", (400, 400), (9, 9, 9, 0)), "WEBP", xmp=SECRET)
        small = base64.b64decode(thumbnail(data).partition(",")[2])
        assert decoded(small).convert("RGBA").getpixel((5, 5))[3] == 0  # type: ignore[index]  # as above
        assert SECRET not in small

    def test_the_largest_thumbnail_fits_into_a_message(self) -> None:
        noise = [Image.effect_noise((640, 640), 200) for _ in range(3)]
        assert len(thumbnail(encoded(Image.merge("RGB", noise), "PNG"))) < 16_000

    @pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "I;16"])
    def test_every_mode_is_taken(self, mode: str) -> None:
        assert thumbnail(encoded(Image.new(mode, (8, 8)), "PNG"))


WHOLE = [
    jpeg(64, 48, exif=Image.Exif()),
    jpeg(64, 48, progressive=True),
    encoded(Image.new("CMYK", (16, 16)), "JPEG"),
    encoded(Image.effect_noise((32, 32), 50), "PNG"),
    encoded(Image.new("P", (16, 16)), "PNG", transparency=0),
    png(4, 4, b"\0" * 36, kind=GREY, depth=16),
    encoded(Image.new("RGBA", (16, 16)), "WEBP", lossless=True),
    huge_webp(64, 64),
]


@settings(max_examples=300)
@given(st.sampled_from(WHOLE), st.integers(0, 2**32), st.integers(1, 12))
def test_damage_of_any_kind_ends_in_a_picture_or_a_refusal(
    whole: bytes, seed: int, wounds: int
) -> None:
    numbers = random.Random(seed)
    data = bytearray(whole)
    for _ in range(wounds):
        at = numbers.randrange(len(data))
        match numbers.randrange(4):
            case 0:
                data[at] = numbers.randrange(256)
            case 1:
                del data[at : at + numbers.randrange(1, 20)]
                data += b"\0"
            case 2:
                data[at:at] = numbers.randbytes(numbers.randrange(1, 9))
            case _:
                data[at : at + 4] = b"\xff\xff\xff\xff"
    functions: list[Callable[[bytes], Picture]] = [picture_untrusted, upload_untrusted]
    for function in functions:
        try:
            picture = function(bytes(data))
        except ImageRefused:
            continue
        assert decoded(picture.data).size == (picture.width, picture.height)
        assert thumbnail(picture.data)


@given(st.binary(max_size=200))
def test_bytes_of_any_kind_are_refused(data: bytes) -> None:
    both(data)


def test_an_image_is_opened_plain_in_any_size() -> None:
    wide = encoded(Image.new("RGB", (400, 300), "red"), "JPEG")
    assert opened_plain(wide).size == (400, 300)
    assert opened_plain(wide, 100).size == (100, 75)
    clear = opened_plain(encoded(Image.new("LA", (4, 3)), "PNG"))
    assert (clear.mode, clear.info) == ("RGBA", {})


@pytest.mark.parametrize(
    ("form", "mode", "mime_type"),
    [("PNG", "RGB", "image/png"), ("JPEG", "RGB", "image/jpeg"), ("WEBP", "RGBA", "image/png"),
     ("WEBP", "RGB", "image/jpeg")],
)  # fmt: skip
def test_what_lies_on_its_side_is_written_upright(form: str, mode: str, mime_type: str) -> None:
    turned = Image.Exif()
    turned[0x0112] = 6
    lying = encoded(Image.new(mode, (40, 20)), form, exif=turned)
    made = upright_plain(lying, 90)
    assert (made.mime_type, made.width, made.height) == (mime_type, 20, 40)
    assert dict(Image.open(io.BytesIO(made.data)).getexif()) == {}
