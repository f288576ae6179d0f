"""Which pictures a wish begins with."""

from dataclasses import replace

import pytest

from processors.errors import ToolError
from processors.images.camera_reel import CameraPicture
from processors.images.marks import CAMERA, Mark
from processors.images.pixels import Picture
from processors.images.region import region_untrusted
from processors.images.sources import MAX_UPLOADS, FromCamera, FromImage, FromUpload, Sources
from processors.images.tree import Original
from processors.pictures import Jpeg
from tests.processors.images.test_tree import STORED, image, tree_of

REGION = region_untrusted({"box": {"x": 0.1, "y": 0.1, "width": 0.2, "height": 0.2}})


def frame(at: float, peer_id: str = "ada") -> CameraPicture:
    return CameraPicture(Jpeg(b"x", 4, 3, 4, 3), at, peer_id)


def upload(name: str) -> Picture:
    return Picture("image/png", name.encode(), 4, 3)


def test_the_camera_is_what_the_asker_showed() -> None:
    sources = Sources(tree_of())
    with pytest.raises(ToolError, match="camera is off"):
        sources.choose("camera", 1.0)
    with pytest.raises(ToolError, match="no picture to edit"):
        sources.choose("last", 1.0)
    sources.reel.add(frame(1.0))
    sources.utterances.wrote("ada", 1.2)
    assert sources.choose("Camera", 2.0) == FromCamera((frame(1.0),))
    assert isinstance(sources.choose("last", 2.0), FromCamera)


def test_last_is_the_image_or_the_upload_whichever_came_later() -> None:
    sources = Sources(tree_of("a"))
    assert sources.choose("last", 0.0) == FromImage("a")
    sources.uploaded("u", upload("u"))
    assert sources.choose("last", 0.0) == FromUpload("u", upload("u"))
    sources.image_came()
    assert sources.choose("it", 0.0) == FromImage("a")
    assert sources.choose("first", 0.0) == FromImage("a")
    assert sources.parent_of(FromImage("a")) is sources.tree["a"]
    assert sources.parent_of(FromUpload("u", upload("u"))) is None


def test_uploads_are_numbered_until_a_wish_uses_them() -> None:
    sources = Sources(tree_of())
    with pytest.raises(ToolError, match="uploaded"):
        sources.choose("upload", 0.0)
    for name in "abc":
        sources.uploaded(name, upload(name))
    assert sources.choose("upload", 0.0) == FromUpload("c", upload("c"))
    assert sources.choose("upload 1", 0.0) == FromUpload("a", upload("a"))
    sources.used([FromUpload("a", upload("a"))], None)
    sources.uploaded("d", upload("d"))
    assert sources.choose("the uploaded picture number 1", 0.0) == FromUpload("d", upload("d"))
    sources.used([FromImage("x")], None)
    with pytest.raises(ToolError, match="no upload 2"):
        sources.choose("upload 2", 0.0)
    sources.used([FromUpload("d", upload("d"))], None)
    assert sources.choose("upload 4", 0.0) == FromUpload("d", upload("d"))
    for number in range(MAX_UPLOADS + 2):
        sources.uploaded(str(number), upload(str(number)))
    assert sources.choose("upload 1", 0.0) == FromUpload("2", upload("2"))


def test_pointing_says_which_picture_is_meant_and_counts_once() -> None:
    sources = Sources(tree_of("a", "b"))
    assert sources.marked("last", 0.0) is None
    mark = Mark(REGION, "a", "ada", 0.0)
    sources.marks.put(mark)
    assert sources.marked("the second one", 1.0) is None
    assert sources.marked("nobody knows", 1.0) is None
    assert sources.marked("first", 1.0) == (FromImage("a"), mark)
    sources.used([FromImage("a")], None)
    assert sources.marked("first", 1.0) == (FromImage("a"), mark), "no wish began with it"
    sources.used([FromImage("a")], mark)
    assert sources.marked("last", 1.0) is None
    sources.marks.put(mark)
    sources.tree.delete("a")
    assert sources.marked("last", 1.0) is None


def test_pointing_at_the_camera_means_what_was_drawn_on() -> None:
    sources = Sources(tree_of("a"))
    drawn_on = frame(3.0)
    sources.marks.put(Mark(REGION, CAMERA, "ada", 3.0, drawn_on))
    found = sources.marked("last", 20.0)
    assert found is not None
    assert found[0] == FromCamera((drawn_on,))


def test_the_newest_frame_is_ones_own_if_there_is_one() -> None:
    sources = Sources(tree_of())
    with pytest.raises(ToolError):
        sources.newest_frame("ada", 1.0)
    sources.reel.add(frame(1.0, "ada"))
    sources.reel.add(frame(2.0, "ben"))
    assert sources.newest_frame("ada", 2.0).at == 1.0
    assert sources.newest_frame("cy", 2.0).at == 2.0


def test_an_image_in_the_making_is_no_source() -> None:
    sources = Sources(tree_of())
    sources.tree.start(image("a"))
    with pytest.raises(ToolError):
        sources.choose("a", 0.0)


def test_what_was_uploaded_before_a_restart_can_be_meant() -> None:
    tree = tree_of()
    for name in ("a", "b", "c"):
        tree.add_original(Original(name, "upload", STORED))
    tree.add_original(Original("d", "camera", STORED))
    tree.start(replace(image("x"), original_ids=("a",)))
    sources = Sources(tree)
    assert sources.upload_ids == {"a", "b", "c"}
    assert sources.choose("upload", 0.0) == FromUpload("c", None)
    assert sources.choose("upload 1", 0.0) == FromUpload("b", None)
