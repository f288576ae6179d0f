"""The tree of errors is the one that its module draws."""

import pytest

from processors import errors
from processors.errors import CodecError, ImageRefused, ProcessorError, ToolError
from processors.gemini.errors import GeminiError


@pytest.mark.parametrize("kind", [CodecError, ImageRefused, ToolError, GeminiError])
def test_all_have_one_root(kind: type[Exception]) -> None:
    assert kind.__bases__ == (ProcessorError,)
    assert kind.__name__ in (errors.__doc__ or "")


def test_a_refused_image_has_words_for_a_person_and_a_name_for_the_metrics() -> None:
    refused = ImageRefused("The image is damaged.", counter="upload_no_image")
    assert (str(refused), refused.counter) == ("The image is damaged.", "upload_no_image")
