"""The images that a room's history begins with. They are a stranger's: nothing of them but the
pixels goes to the model or to other peers."""

import asyncio
from concurrent.futures import Executor
from typing import Final

from pipeline.room_overrides import refused
from pipeline.room_settings import RoomSettings
from processors.errors import ImageRefused
from processors.gemini.history import HistoryPart, HistoryTurn, InlineData
from processors.gemini.refusals import Refusal
from processors.images.examining import cleaned_untrusted

MAX_IMAGES: Final = 16  # each may take its thread for half a second


async def with_clean_history(settings: RoomSettings, executor: Executor) -> RoomSettings:
    """Each image decoded once, and without its metadata. Raises `RoomSettingsRefused`."""
    history = settings.live.history
    if sum(part.inline_data is not None for turn in history for part in turn.parts) > MAX_IMAGES:
        raise refused(Refusal(("live", "history"), f"must have at most {MAX_IMAGES} images"))
    clean = []
    for index, turn in enumerate(history):
        try:
            parts = [await _clean(part, executor) for part in turn.parts]
        except ImageRefused as refusal:
            words = f"has an image that is refused: {refusal}"
            raise refused(Refusal(("live", "history", index), words)) from None
        clean.append(HistoryTurn(role=turn.role, parts=tuple(parts)))
    live = settings.live.model_copy(update={"history": tuple(clean)})
    return settings.model_copy(update={"live": live})


async def _clean(part: HistoryPart, executor: Executor) -> HistoryPart:
    if part.inline_data is None:
        return part
    loop = asyncio.get_running_loop()
    picture = await loop.run_in_executor(executor, cleaned_untrusted, part.inline_data.data)
    data = InlineData.model_validate({"mime_type": picture.mime_type, "data": picture.data})
    return HistoryPart(inline_data=data)
