"""What the image model is asked."""

from processors.images.client import Exchange
from processors.images.marks import Mark
from processors.images.pixels import Picture
from processors.images.sources import FromImage, FromUpload
from processors.images.wishes import Prepared, Wish, request_for
from tests.processors.images.test_sources import REGION

ONE = Picture("image/png", b"one", 4, 3)
OTHER = Picture("image/jpeg", b"other", 4, 3)


def test_a_new_picture() -> None:
    request = request_for(Wish("a cat", "ada"), Prepared(), variant=0, seed=None)
    assert (request.prompt, request.pictures, request.edits) == ("a cat", (), False)


def test_a_chat_knows_its_picture_already() -> None:
    exchange = Exchange((), 1)
    wish = Wish("warmer", "ada", (FromImage("a"),), edits=True)
    assert (wish.goes_on_from, wish.parent_ids) == ("a", ("a",))
    request = request_for(wish, Prepared((ONE,), None, (exchange,)), variant=0, seed=None)
    assert (request.pictures, request.history, request.edits) == ((), (exchange,), True)
    request = request_for(wish, Prepared((ONE,)), variant=0, seed=None)
    assert request.pictures == (("image/png", b"one"),)


def test_several_pictures_and_uploads_begin_no_chat() -> None:
    wish = Wish("x", "ada", (FromImage("a"), FromImage("b"), FromImage("a")), edits=True)
    assert (wish.goes_on_from, wish.parent_ids) == (None, ("a", "b"))
    wish = Wish("x", "ada", (FromUpload("u", ONE),), edits=True)
    assert (wish.goes_on_from, wish.parent_ids) == (None, ())
    assert Wish("x", "ada", (FromImage("a"),)).goes_on_from is None


def test_a_region_goes_along_in_words_and_as_a_picture() -> None:
    mark = Mark(REGION, "a", "ada", 0.0)
    wish = Wish("remove this", "ada", (FromImage("a"), FromImage("b")), edits=True, mark=mark)
    request = request_for(wish, Prepared((ONE, ONE), OTHER), variant=0, seed=None)
    assert [data for _, data in request.pictures] == [b"one", b"other", b"one"]
    assert request.prompt.startswith("remove this\n(Only inside the area from 10.0 % to 30.0 %")
    assert wish.goes_on_from is None


def test_variants_are_told_to_differ() -> None:
    wish = Wish("a poster", "ada").asking(aspect_ratio="3:4", size="2K", count=3)
    request = request_for(wish, Prepared(), variant=2, seed=9)
    assert "Variant 2 of 3" in request.prompt
    assert (request.seed, request.aspect_ratio, request.size) == (9, "3:4", "2K")
