"""The room's record of who said what, turn by turn. Pure.

A turn is what the user said and the model's answer to it; when the model speaks again by
itself, that is a turn with one side. Both sides grow by fragments and become final once; a cut
answer keeps what was heard of it.

Gemini transcribes the user independently of everything else, so the user's words may come after
the answer has begun, or after its end. They belong to the turn that is being answered, unless
the user has spoken again meanwhile. Hence the user's side stays open as long as the answer does.

The answer's own words may come when its sound is over. They belong to it, unless it was cut: then
nobody heard them.
"""

import base64
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from processors.frames import Role
from processors.spoken_text import SpokenText

HISTORY_LIMIT: Final = 2000  # entries; an hour of lively talk is some hundreds
# A room may begin with what another one's history holds: `processors/gemini/history.py` bounds it.
IMAGES_LIMIT_BYTES: Final = 7 << 18  # of 2 MiB; the rest is for the words
MAX_SHOWN: Final = 31  # images to one utterance, the newest of them: a turn has a part more
FORGOTTEN_IMAGE: Final = "[an image]"


@dataclass(slots=True)
class Entry:
    """One side of a turn. `parts` as in Gemini's `Content`; the text comes after them."""

    role: Role
    turn: int
    text: str = ""
    peer_id: str | None = None
    interrupted: bool = False
    parts: list[dict[str, Any]] = field(default_factory=list)
    written: bool = False

    @property
    def words(self) -> str:
        """Those of the turns that came before the room lie in their parts."""
        before = (part.get("text", "") for part in self.parts)
        return "".join([*(text for text in before if text != FORGOTTEN_IMAGE), self.text])

    def content(self) -> dict[str, Any]:
        """As `GET /sessions/{id}` returns it and `history` takes it."""
        parts = [*self.parts, *([{"text": self.text}] if self.text else [])]
        return {"role": self.role.value, "parts": parts}

    def line(self) -> dict[str, Any]:
        """As a message of the type "transcript" told it, when it became final."""
        return {
            "role": self.role.value,
            "turn": self.turn,
            "text": self.words,
            "final": True,
            "interrupted": self.interrupted,
            "peer": self.peer_id,
        }


@dataclass(slots=True)
class Conversation:
    """`turn` counts from 1. `history` holds final entries only, oldest first.

    Methods that return a list make these entries final, in the order of the conversation. At
    most one entry of each role is open; the user's is always of the present turn.
    """

    history: list[Entry] = field(default_factory=list)
    turn: int = 1
    _open: dict[Role, Entry] = field(default_factory=dict)
    _begun: set[Role] = field(default_factory=set)  # the sides that the present turn has
    _heard: bool = False  # the user's voice, in this turn, before the model answered
    _heard_again: bool = False  # and after the model began
    _sounded: bool = False  # the answer was heard, or is being heard
    _sound_turn: int = 0  # in which it began
    _whole: int = 0  # the last turn that was answered, or written
    _spoken: SpokenText = field(default_factory=SpokenText)  # of the answer, or of the last one
    _spoken_over: bool = False  # words and sound that come now are another answer's
    _words_late: bool = False  # the open answer got its words when it was over
    _words_lost: bool = False  # what comes are the words of an answer that was cut
    _first_words: str = ""  # or, when the next answer sounds right after them, its first
    _end_owed: bool = False  # of the turn that was interrupted
    _shown: list[dict[str, Any]] = field(default_factory=list)  # images; the words to them follow

    @property
    def turn_over(self) -> int:
        """The last turn of which no more is to come: whoever hears of all up to now knows it."""
        return self.turn if self._whole == self.turn else self.turn - 1

    def begin_with(self, contents: Sequence[dict[str, Any]]) -> None:
        """Turns that came before this room, each with role and parts."""
        self.history += [
            Entry(Role(content["role"]), 0, parts=list(content["parts"])) for content in contents
        ]
        self._forget_oldest()

    def go_on_from(self, history: Sequence[Entry], turn: int) -> None:
        """With what was said before a restart of the service, in an unopened conversation."""
        self.history = list(history)
        self.turn = max(turn, 1 + max((entry.turn for entry in history), default=0))

    def entry(self, role: Role) -> Entry | None:
        """The side that is not final yet."""
        return self._open.get(role)

    def contents(self) -> list[dict[str, Any]]:
        return [entry.content() for entry in self.history]

    def told_since(self, turn: int) -> list[dict[str, Any]]:
        """`contents` of the turns after that one. Those from before the room are turn 0."""
        return [entry.content() for entry in self.history if entry.turn > turn]

    def transcript(self) -> list[dict[str, Any]]:
        """What `contents` leaves out too: the turn, the speaker, whether an answer was cut."""
        return [entry.line() for entry in self.history if entry.words]

    def user_began(self) -> None:
        """The user's voice was heard; the words follow, sooner or later."""
        if Role.MODEL in self._begun:
            self._heard_again = True
        else:
            self._heard = True

    def append(
        self, role: Role, fragment: str, *, peer_id: str | None = None
    ) -> tuple[list[Entry], Entry | None]:
        """Adds what was said. Returns what became final by that, and the entry that grew."""
        if role is Role.MODEL and self._words_lost:
            self._first_words = "" if self._spoken.words_owed else fragment
            self._spoken.said(fragment)
            return [], None
        self._first_words = ""
        finals = self._next_turn() if self._opens_turn(role) else []
        entry = self._open.get(role)
        if entry is None:
            entry = self._open[role] = Entry(role, self.turn)
            self._begun.add(role)
            if role is Role.USER:
                entry.parts, self._shown = self._shown, []
        entry.peer_id = peer_id or entry.peer_id
        if role is Role.USER:
            entry.text = (entry.text + fragment).lstrip()
            return finals, entry
        self._words_late = self._spoken_over and (self._words_late or self._spoken.words_owed)
        if not self._words_late:
            self._begin_speech()
        new = self._spoken.said(fragment)
        entry.text = self._spoken.text.lstrip()
        return finals, entry if new else None

    def showed(self, images: Sequence[tuple[str, bytes]]) -> None:
        """Images (MIME type, bytes) that belong to what the user says or writes next."""
        self._shown += [image_part(mime_type, data) for mime_type, data in images]
        del self._shown[:-MAX_SHOWN]

    def typed(self, text: str, *, peer_id: str) -> list[Entry]:
        """A text is a whole utterance, and so are images to which there are no words.

        An answer that is still being given stays open.
        """
        finals = self._next_turn() if self._begun else []
        self.append(Role.USER, text, peer_id=peer_id)
        self._open[Role.USER].written = True
        self._whole = self.turn
        return [*finals, *self.finish(Role.USER)]

    def sounded(
        self, duration_s: float, heard: bytes = b"\x01"
    ) -> tuple[list[Entry], Entry | None]:
        """The next piece of the answer's sound; `heard` as for `SpokenText.sounded`.

        Returns what became final by that, and the entry that begins with it.
        """
        finals, entry = self._finish_late(), None
        first_words, self._first_words = self._first_words, ""
        self._words_lost = False
        self._begin_speech()
        if first_words:
            ended, entry = self.append(Role.MODEL, first_words)
            finals += ended
        self._spoken.sounded(duration_s, heard)
        if not self._sounded:
            self._sounded, self._sound_turn = True, self.turn
        return finals, entry

    def generated(self) -> None:
        """All of the answer's sound has come."""
        self._spoken.completed()

    def forget_utterance(self) -> Entry | None:
        """What the user was saying is said again: the entry that is empty now.

        One that was final is in the record no more. What is being answered is not said again.
        """
        if Role.MODEL in self._begun or (self._sounded and self._sound_turn == self.turn):
            return None
        said = self._open.get(Role.USER) or self._taken_back()
        if said is None or not said.text:
            return None
        said.text = ""
        return said

    def _taken_back(self) -> Entry | None:
        """What the user said last, out of the record."""
        said = self.history[-1] if self.history else None
        if said is None or said.written or (said.role, said.turn) != (Role.USER, self.turn):
            return None
        self.history.pop()
        self._begun.discard(Role.USER)
        self._shown = [*said.parts, *self._shown]
        return said

    def finish(self, role: Role) -> list[Entry]:
        """Makes that side final, when it is open. What is empty is not recorded."""
        entry = self._open.pop(role, None)
        if entry is None:
            return []
        entry.text = entry.text.strip()
        if entry.text or entry.parts:
            self._record(entry)
        return [entry]

    def complete(self) -> list[Entry]:
        """Gemini ended its turn: both sides of what it answered become final."""
        owed, self._end_owed = self._end_owed, False
        if not owed or Role.MODEL in self._open:
            self._mark_whole()
        self._sounded, self._spoken_over = False, True
        if owed and Role.MODEL not in self._open:
            return []  # the end of the answer that was cut; the user is talking
        return self._finish_answered()

    def close(self) -> list[Entry]:
        """The conversation is over, or what was answered is: nothing stays open."""
        return [*self.finish(Role.USER), *self.finish(Role.MODEL)]

    def cut_answer(self, heard_s: float) -> list[Entry]:
        """Keeps what was spoken in the first `heard_s` of the answer's sound."""
        answer = self._open.get(Role.MODEL)
        if answer is not None:
            answer.text = self._spoken.text_until(heard_s)
            answer.interrupted = True
        if not self._spoken_over:
            self._words_lost = self._spoken.words_owed
        return self._end_answer()

    def broken(self) -> list[Entry]:
        """The rest of the answer never comes; what has come will be heard.

        One of which nothing sounded is still to come.
        """
        still_to_come, whole = not self._sounded, self._whole
        self._keep_what_sounded()
        finals = self._end_answer()
        if still_to_come:
            self._begun.discard(Role.MODEL)
            self._whole = whole
        return finals

    def interrupted(self) -> list[Entry]:
        """Gemini heard the user during its turn. Call `cut_answer` before if it sounded then.

        Of an answer that had fallen silent all that came was heard; one that had not begun to
        sound was not heard at all.
        """
        self._end_owed = True
        finals = self._finish_late()
        if self._sounded:
            self._keep_what_sounded(interrupted=True)
            finals += self._end_answer()
        else:
            finals += self.cut_answer(0.0)
        self._heard_again = self._heard_again or Role.MODEL in self._begun
        return finals

    def _begin_speech(self) -> None:
        """What comes now is the answer's that is being given, or the first of the next one."""
        if self._spoken_over:
            before = self._spoken
            self._spoken = SpokenText(before.measured_rate or before.rate)
            self._spoken_over = False

    def _finish_late(self) -> list[Entry]:
        late, self._words_late = self._words_late, False
        return self.finish(Role.MODEL) if late else []

    def _keep_what_sounded(self, *, interrupted: bool = False) -> None:
        """The words of the open answer whose sound has come."""
        answer = self._open.get(Role.MODEL)
        if answer is not None:
            whole, answer.text = answer.text, self._spoken.text_until(self._spoken.sound_s)
            answer.interrupted = interrupted and answer.text != whole.strip()

    def _mark_whole(self) -> None:
        answer = self._open.get(Role.MODEL)
        if answer is not None:
            self._whole = max(self._whole, answer.turn)
        elif self._sounded:
            self._whole = max(self._whole, self._sound_turn)

    def _end_answer(self) -> list[Entry]:
        self._mark_whole()
        sounded, self._sounded = self._sounded, False
        self._spoken_over = True
        if Role.MODEL not in self._open:
            if not sounded:
                return []
            if self._sound_turn == self.turn:
                self._begun.add(Role.MODEL)  # an answer without words is one too
        return self._finish_answered()

    def _opens_turn(self, role: Role) -> bool:
        answered, answering = Role.MODEL in self._begun, Role.MODEL in self._open
        if role is Role.MODEL:
            return answered and not answering
        if Role.USER in self._open:
            return answered and self._heard_again
        if Role.USER in self._begun:
            return True
        late = answering or self._heard
        return answered and (self._heard_again or not late)

    def _next_turn(self) -> list[Entry]:
        finals = [*self.finish(Role.USER), *self._finish_late()]
        self.turn += 1
        self._begun.clear()
        self._heard, self._heard_again = self._heard_again, False
        return finals

    def _finish_answered(self) -> list[Entry]:
        """Both sides, but for a user who is already in a later turn than the answer."""
        answer, said = self._open.get(Role.MODEL), self._open.get(Role.USER)
        ahead = answer is not None and said is not None and said.turn > answer.turn
        return self.finish(Role.MODEL) if ahead else self.close()

    def _record(self, entry: Entry) -> None:
        """In the order of turns, the user first, whatever became final first."""
        place = len(self.history)
        while place and _order(self.history[place - 1]) > _order(entry):
            place -= 1
        self.history.insert(place, entry)
        self._forget_oldest()

    def _forget_oldest(self) -> None:
        """Entries first; of the others the images, whose places stay marked by a word."""
        del self.history[:-HISTORY_LIMIT]
        kept_bytes = 0
        for entry in reversed(self.history):
            for index, part in enumerate(entry.parts):
                kept_bytes += _image_bytes(part)
                if _image_bytes(part) and kept_bytes > IMAGES_LIMIT_BYTES:
                    entry.parts[index] = {"text": FORGOTTEN_IMAGE}


def _order(entry: Entry) -> tuple[int, bool]:
    return entry.turn, entry.role is Role.MODEL


def image_part(mime_type: str, data: bytes) -> dict[str, Any]:
    """As a part of Gemini's `Content`."""
    return {"inlineData": {"mimeType": mime_type, "data": base64.b64encode(data).decode()}}


def _image_bytes(part: dict[str, Any]) -> int:
    data = str(part.get("inlineData", {}).get("data", ""))
    return len(data) * 3 // 4 - data[-2:].count("=")
