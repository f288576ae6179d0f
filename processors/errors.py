"""What can go wrong in the processors.

ProcessorError
├── CodecError            an Opus packet or a picture cannot be decoded: the peer's fault
├── ImageRefused          an upload is no image, or one too large: the peer's fault
│   └── UploadsBusy       others are being taken in: the same one may be sent again
├── ToolError             a tool failed or took too long: its author's fault
└── GeminiError           the model's side (processors/gemini/errors.py)
"""


class ProcessorError(Exception):
    """Root of everything this package raises on purpose."""


class CodecError(ProcessorError):
    """Media that cannot be decoded."""


class ImageRefused(ProcessorError):
    """`str()` is a sentence for the one who sent it; `counter` names the metric."""

    def __init__(self, sentence: str, *, counter: str) -> None:
        super().__init__(sentence)
        self.counter = counter


class UploadsBusy(ImageRefused):
    """Nothing is wrong with the image itself."""


class ToolError(ProcessorError):
    """`str()` is what the model is told."""
