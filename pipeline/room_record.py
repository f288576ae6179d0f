"""What is kept of a room over a restart, and the room of it. Pure: time is an argument."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from pydantic import TypeAdapter, ValidationError

from pipeline.room_settings import RoomSettings
from processors.conversation import Conversation, Entry
from processors.images.records import RecordDamaged, tree_record
from processors.images.room_store import SavedRoom
from processors.images.tree import ImageTree

VERSION: Final = 1
AWAY_LIMIT_S: Final = 900.0  # so long a service may be away; then nobody waits for it any more

_ENTRIES: Final = TypeAdapter(list[Entry])


@dataclass(frozen=True, slots=True)
class Revived:
    """A room as it was."""

    token: str
    created_at: float
    settings: RoomSettings
    tree: ImageTree
    history: tuple[Entry, ...]
    turn: int


def room_record(
    token: str,
    created_at: float,
    settings: RoomSettings,
    tree: ImageTree,
    conversation: Conversation,
) -> dict[str, Any]:
    """As JSON. It holds what people said: the store is private."""
    return {
        "version": VERSION,
        "token": token,
        "created_at": created_at,
        "settings": settings.model_dump(mode="json", exclude_unset=True),
        "tree": tree_record(tree),
        "history": _ENTRIES.dump_python(conversation.history, mode="json"),
        "turn": conversation.turn,
    }


def revived(saved: SavedRoom, now: float) -> Revived | None:
    """None: it is too long ago. `now` is seconds since the epoch. Raises `RecordDamaged`."""
    record: Mapping[str, Any] = saved.room
    try:
        if record["version"] != VERSION or now - float(record["saved_at"]) > AWAY_LIMIT_S:
            return None
        return Revived(
            token=str(record["token"]),
            created_at=float(record["created_at"]),
            settings=RoomSettings.model_validate(record["settings"]),
            tree=saved.tree,
            history=tuple(_ENTRIES.validate_python(record["history"])),
            turn=int(record["turn"]),
        )
    except (KeyError, TypeError, ValueError, ValidationError) as error:
        raise RecordDamaged(f"the room: {type(error).__name__}") from None
