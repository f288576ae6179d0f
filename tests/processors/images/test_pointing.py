"""Pointing: who is told of it, and when it counts again."""

import pytest

from processors.errors import ToolError
from processors.images.marks import CAMERA, Mark
from processors.images.pointing import Pointing
from processors.images.sources import Sources
from tests.processors.images.test_sources import REGION, frame
from tests.processors.images.test_tree import image, tree_of


def test_it_needs_something_to_point_at() -> None:
    told: list[Mark | None] = []
    sources = Sources(tree_of("a"))
    pointing = Pointing(sources, told.append)
    sources.tree.start(image("made"))
    for nothing in ("nobody", "made"):
        with pytest.raises(ToolError, match="no such picture"):
            pointing.at(REGION, nothing, "ada", 1.0)
    with pytest.raises(ToolError, match="camera is off"):
        pointing.at(REGION, CAMERA, "ada", 1.0)
    pointing.at_nothing()
    assert told == []
    pointing.at(REGION, "a", "ada", 1.0)
    sources.reel.add(frame(2.0))
    pointing.at(REGION, CAMERA, "ada", 2.0)
    pointing.at_nothing()
    assert told == [
        Mark(REGION, "a", "ada", 1.0), Mark(REGION, CAMERA, "ada", 2.0, frame(2.0)), None,
    ]  # fmt: skip


def test_who_tries_again_means_the_same_place() -> None:
    sources = Sources(tree_of("a", "b"))
    pointing = Pointing(sources, lambda mark: None)
    mark, other = (Mark(REGION, target, "ada", 1.0) for target in ("a", "b"))
    on_camera = Mark(REGION, CAMERA, "ada", 1.0, frame(1.0))
    for again in (mark, on_camera):
        sources.marks.clear()
        pointing.again(again)
        assert sources.marks.current == again
    pointing.again(other)
    assert sources.marks.current == on_camera, "a newer one counts"
    sources.marks.clear()
    sources.tree.delete("a")
    pointing.again(mark)
    assert sources.marks.current is None, "it is gone"
