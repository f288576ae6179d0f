import pytest

from processors.errors import ProcessorError, ToolError
from processors.images.errors import (
    Blocked,
    ImageModelFailed,
    ImageNotMade,
    NothingMade,
    OverQuota,
)


@pytest.mark.parametrize("kind", [Blocked, NothingMade, OverQuota, ImageModelFailed])
def test_its_words_are_for_the_model_and_for_people(kind: type[ImageNotMade]) -> None:
    error = kind("No luck.")
    assert isinstance(error, ImageNotMade)
    assert isinstance(error, ToolError)
    assert isinstance(error, ProcessorError)
    assert str(error) == "No luck."
