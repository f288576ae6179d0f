"""What is kept of a room comes back as it was, or not at all."""

import base64
import json
from typing import Any

import pytest

from pipeline.room_record import AWAY_LIMIT_S, revived, room_record
from pipeline.room_settings import RoomSettings
from processors.conversation import Conversation
from processors.frames import Role
from processors.images.records import RecordDamaged
from processors.images.room_store import SavedRoom
from processors.images.tree import ImageTree
from tests.processors.images.test_tree import tree_of


def conversation() -> Conversation:
    talk = Conversation()
    talk.append(Role.USER, "Draw a house")
    talk.append(Role.MODEL, "Here it is.")
    talk.complete()
    return talk


def saved(tree: ImageTree, **changes: Any) -> SavedRoom:
    settings = RoomSettings.model_validate({"live": {"voice": "Puck"}, "image": {"size": "2K"}})
    record = room_record("token", 5.0, settings, tree, conversation())
    return SavedRoom({**json.loads(record.encoded(100.0)), **changes}, tree)


def test_there_and_back() -> None:
    tree = tree_of("a")
    found = revived(saved(tree), 110.0)
    assert found is not None
    assert (found.token, found.created_at, found.tree) == ("token", 5.0, tree)
    assert (found.settings.live.voice, found.settings.image.size) == ("Puck", "2K")
    assert [entry.text for entry in found.history] == ["Draw a house", "Here it is."]
    again = Conversation()
    again.go_on_from(found.history, found.turn)
    assert again.contents() == conversation().contents()
    assert again.turn == 2


def test_a_room_that_began_with_an_image_in_its_history() -> None:
    image = {
        "inline_data": {
            "mime_type": "image/jpeg",
            "data": base64.b64encode(b"\xff\xd8\xfb").decode(),
        }
    }
    history = [{"role": "user", "parts": [image]}]
    settings = RoomSettings.model_validate({"live": {"history": history}})
    record = room_record("token", 5.0, settings, tree_of(), conversation())
    kept = json.loads(record.encoded(100.0))
    found = revived(SavedRoom(kept, tree_of()), 110.0)
    assert found is not None
    assert found.settings.live.history == settings.live.history


def test_it_is_as_it_was_when_it_was_taken() -> None:
    talk, tree = conversation(), tree_of("a", "b")
    talk.showed([("image/jpeg", b"\xff\xd8")])
    talk.typed("Look", peer_id="p")
    record = room_record("token", 5.0, RoomSettings(), tree, talk)
    before = record.encoded(100.0)
    talk.history[2].parts[0] = {"text": "[an image]"}
    talk.append(Role.USER, "More")
    talk.complete()
    tree.undo()
    assert record.encoded(100.0) == before
    history = json.loads(before)["history"]
    assert [entry["peer_id"] for entry in history] == [None, None, "p"]
    assert history[2]["parts"][0]["inlineData"]["mimeType"] == "image/jpeg"


def test_half_a_character_is_kept() -> None:
    """As strangers may write it, with an escape."""
    talk = Conversation()
    talk.append(Role.USER, json.loads('"\\ud800"'))
    talk.complete()
    record = room_record("token", 5.0, RoomSettings(), tree_of(), talk)
    found = revived(SavedRoom(json.loads(record.encoded(100.0)), tree_of()), 110.0)
    assert found is not None
    assert found.history[0].text == "\ud800"


def test_what_is_too_old_or_of_another_version_stays_where_it_is() -> None:
    assert revived(saved(tree_of()), 100.1 + AWAY_LIMIT_S) is None
    assert revived(saved(tree_of(), version=0), 110.0) is None


@pytest.mark.parametrize(
    "changes",
    [{"settings": {"live": {"voice": 7}}}, {"history": [{"role": "x"}]}, {"saved_at": "now"},
     {"turn": None}],
)  # fmt: skip
def test_damage_is_told(changes: dict[str, Any]) -> None:
    with pytest.raises(RecordDamaged):
        revived(saved(tree_of(), **changes), 110.0)
    with pytest.raises(RecordDamaged):
        revived(SavedRoom({}, tree_of()), 1.0)
