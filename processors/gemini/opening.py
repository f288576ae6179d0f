"""What a connection that is opened has to be told. Pure."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Opening:
    """What a connection that is to be opened is told first: the turns after `since` (None: all
    there were, since it is a fresh session) and `notes`; nothing unless it `tells`.

    `asked` is what was written and will be sent again: it is in the history already.
    """

    handle: str | None
    since: int | None
    notes: tuple[str, ...] = ()
    asked: tuple[str, ...] = ()
    tells: bool = True
