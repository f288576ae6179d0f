import pytest

from processors.errors import ToolError
from processors.images.pixels import Picture
from processors.images.sources import (
    CAMERA_FRESH_S,
    CameraPicture,
    MadeImage,
    Source,
    Sources,
)
from processors.pictures import CodedPictures

NOW = 1000.0
CAMERA = CameraPicture(CodedPictures("VP8", (b"key",)), NOW - 1.0)
STALE = CameraPicture(CodedPictures("VP8", (b"key",)), NOW - CAMERA_FRESH_S - 0.01)
UPLOAD = Picture("image/jpeg", b"upload", 1, 1)
MADE = MadeImage("made")


def sources(*, camera: CameraPicture | None = None, uploaded: bool = False) -> Sources:
    found = Sources(camera)
    if uploaded:
        found.uploaded(UPLOAD)
    return found


def test_each_source_can_be_named() -> None:
    found = sources(camera=CAMERA, uploaded=True)
    found.made("made")
    assert found.choose("camera", NOW) is CAMERA
    assert found.choose("upload", NOW) is UPLOAD
    assert found.choose("last", NOW) == MADE


def test_the_last_is_whichever_came_later() -> None:
    found = sources()
    found.made("made")
    found.uploaded(UPLOAD)
    assert found.choose("last", NOW) is UPLOAD
    found.made("made")
    assert found.choose("last", NOW) == MADE


def test_the_camera_does_not_count_as_later_though_it_is_on() -> None:
    assert sources(camera=CAMERA, uploaded=True).choose("last", NOW) is UPLOAD


def test_the_last_is_the_camera_when_there_is_nothing_else() -> None:
    assert sources(camera=CAMERA).choose("last", NOW) is CAMERA


def test_a_picture_of_the_camera_is_fresh_for_a_while() -> None:
    at_the_limit = CameraPicture(CodedPictures("VP8", (b"key",)), NOW - CAMERA_FRESH_S)
    assert sources(camera=at_the_limit).choose("camera", NOW) is at_the_limit


@pytest.mark.parametrize(
    ("camera", "uploaded", "source", "sentence"),
    [
        (None, True, "camera", "The camera is off."),
        (STALE, True, "camera", "The camera is off."),
        (CAMERA, False, "upload", "No picture has been uploaded."),
        (None, False, "last", "There is no picture to edit, and the camera is off."),
        (STALE, False, "last", "There is no picture to edit, and the camera is off."),
    ],
)
def test_what_is_not_there_is_said(
    camera: CameraPicture | None, uploaded: bool, source: Source, sentence: str
) -> None:
    with pytest.raises(ToolError) as told:
        sources(camera=camera, uploaded=uploaded).choose(source, NOW)
    assert str(told.value) == sentence
