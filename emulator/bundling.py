"""Several content events as one message; pure."""

from __future__ import annotations

import copy
from typing import Final

from emulator.json_types import JSON, JsonObject, list_of, object_of, text_of

# A quarter of what the Python SDK reads is left for what a message holds beside its sound.
MAX_BUNDLED_CHARACTERS: Final = 3 * 2**18
MERGED: Final = frozenset({"serverContent", "usageMetadata"})


class Bundle:
    """Takes messages of one turn until it is complete or full."""

    def __init__(self) -> None:
        self.body: JsonObject = {}
        self._characters = 0

    @property
    def complete(self) -> bool:
        """True when the turn is over."""
        return "turnComplete" in object_of(self.body.get("serverContent"))

    def takes(self, body: JsonObject) -> bool:
        """Join one message, unless it is another kind or too much."""
        parts = list_of(
            object_of(object_of(body.get("serverContent")).get("modelTurn")).get("parts")
        )
        data = sum(
            len(text_of(object_of(object_of(part).get("inlineData")).get("data"))) for part in parts
        )
        if not body.keys() <= MERGED or self._characters + data > MAX_BUNDLED_CHARACTERS:
            return False
        self._characters += data
        merged = object_of(self.body.setdefault("serverContent", {}))
        for name, value in object_of(body.get("serverContent")).items():
            merged[name] = _joined(object_of(merged.get(name)), value)
        if "usageMetadata" in body:
            self.body["usageMetadata"] = body["usageMetadata"]
        return True


def _joined(before: JsonObject, value: JSON) -> JSON:
    """Transcripts are appended, parts are listed, all else is replaced."""
    if not isinstance(value, dict):
        return value
    joined = copy.deepcopy(value)
    if "text" in value:
        joined["text"] = text_of(before.get("text")) + text_of(value["text"])
    if "parts" in value:
        joined["parts"] = [*list_of(before.get("parts")), *list_of(value["parts"])]
    return joined
