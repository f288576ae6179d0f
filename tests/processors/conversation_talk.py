"""A conversation, and what became final in it, written as "turn u: words" or "turn m: words"."""

from processors.conversation import Conversation, Entry
from processors.frames import Role

USER, MODEL = Role.USER, Role.MODEL
WORD_S = 0.25


class Talk:
    """A conversation, and what became final in it, in that order."""

    def __init__(self) -> None:
        self.conversation = Conversation()
        self.finals: list[Entry] = []
        self._sounding = False
        self._sound_s = 0.0

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
            turn = turn if entry is None else entry.turn
            if role is MODEL and self._sounding:
                self.sound(WORD_S)
        return turn

    def type(self, text: str) -> None:
        self.finals += self.conversation.typed(text, peer_id="t")

    def sounds(self) -> None:
        """The voice breathes in; from now on each word of the answer comes with its sound."""
        self._sounding, self._sound_s = True, 0.0
        self.sound(WORD_S, b"\x00")

    def sound(self, duration_s: float, heard: bytes = b"\x01") -> None:
        finals, _ = self.conversation.sounded(duration_s, heard)
        self.finals += finals
        self._sound_s += duration_s

    def cut(self, share: float) -> None:
        """When that share of the words was heard."""
        breath_s = min(WORD_S, self._sound_s)
        heard_s = breath_s + share * (self._sound_s - breath_s)
        self.finals += self.conversation.cut_answer(heard_s)
        self._sounding, self._sound_s = False, 0.0

    def broken(self) -> None:
        self.finals += self.conversation.broken()
        self._sounding = False

    def interrupted(self) -> None:
        self.finals += self.conversation.interrupted()
        self._sounding = False

    def complete(self) -> None:
        self.finals += self.conversation.complete()
        self._sounding = False

    def generated(self) -> None:
        self.conversation.generated()

    def forget(self) -> None:
        self.conversation.forget_utterance()

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
