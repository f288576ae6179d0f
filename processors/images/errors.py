"""Why an image was not made.

ImageNotMade (a ToolError: its words are what the model is told)
├── Blocked               the model's safety rules: the asker's wish
├── NothingMade           the model answered without an image
├── OverQuota             too many requests for this key: later
├── Cancelled             somebody did not want it any more
├── TooBig                the pictures of the request: the asker's, or too long a chat
└── ImageModelFailed      the service or the connection
"""

from processors.errors import ToolError


class ImageNotMade(ToolError):
    """`str()` is a sentence that a person understands."""


class Blocked(ImageNotMade):
    pass


class NothingMade(ImageNotMade):
    pass


class OverQuota(ImageNotMade):
    pass


class TooBig(ImageNotMade):
    pass


class Cancelled(ImageNotMade):
    pass


class ImageModelFailed(ImageNotMade):
    pass
