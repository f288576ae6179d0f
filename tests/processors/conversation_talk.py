"""A conversation, and what became final in it, written as "turn u: words" or "turn m: words"."""

from processors.conversation import Conversation, Entry
from processors.frames import Role

USER, MODEL = Role.USER, Role.MODEL


class Talk:
    """A conversation, and what became final in it, in that order."""

    def __init__(self) -> None:
        self.conversation = Conversation()
        self.finals: list[Entry] = []

    def voice(self) -> None:
        self.conversation.user_began()

    def user(self, *words: str) -> int:
        return self._say(USER, *words)

    def model(self, *words: str) -> int:
        return self._say(MODEL, *words)

    def _say(self, role: Role, *words: str) -> int:
        """The turn that the last of the words came to."""
        turn = 0
        for word in words:
            finals, entry = self.conversation.append(role, f" {word}", peer_id="p")
            self.finals += finals
            turn = entry.turn
        return turn

    def type(self, text: str) -> None:
        self.finals += self.conversation.typed(text, peer_id="t")

    def sounds(self) -> None:
        self.conversation.answer_sounds()

    def cut(self, share: float) -> None:
        self.finals += self.conversation.cut_answer(share)

    def interrupted(self) -> None:
        self.finals += self.conversation.interrupted()

    def complete(self) -> None:
        self.finals += self.conversation.complete()

    def close(self) -> None:
        self.finals += self.conversation.close()

    @property
    def told(self) -> list[str]:
        return [written(entry) for entry in self.finals]

    @property
    def record(self) -> list[str]:
        return [written(entry) for entry in self.conversation.history]


def written(entry: Entry) -> str:
    cut = " (cut)" if entry.interrupted else ""
    return f"{entry.turn} {'u' if entry.role is USER else 'm'}: {entry.text}{cut}"
