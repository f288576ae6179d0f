"""Which settings change in a call, and how."""

from collections.abc import Mapping
from typing import Any

import pytest

from pipeline.catalogue import entries
from pipeline.change_plan import RULES, Kind, Plan, Way, plan, rule_of
from pipeline.room_overrides import RoomSettingsRefused
from pipeline.room_settings import RoomSettings
from processors.gemini.settings import LiveSettings

BASE = RoomSettings.model_validate({"live": {"voice": "Kore", "thinking": {"budget": 5}}})


def changed(
    *, context_update: bool = False, base: RoomSettings = BASE, **given: Mapping[str, Any]
) -> Plan:
    parts = {
        name: getattr(base, name).model_copy(update=dict(part)) for name, part in given.items()
    }
    return plan(base, base.model_copy(update=parts), context_update=context_update)


@pytest.mark.parametrize("context_update", [False, True])
def test_the_same_again_changes_nothing(context_update: bool) -> None:
    again = RoomSettings.model_validate(BASE.model_dump(by_alias=True))
    assert plan(BASE, again, context_update=context_update) == Plan(Way.NOTHING, ())


@pytest.mark.parametrize("context_update", [False, True])
@pytest.mark.parametrize(
    ("given", "way", "fields"),
    [
        ({"live": {"voice": "Puck"}}, Way.ROTATION, ("voice",)),
        ({"live": {"language": "pl-PL", "top_p": 0.5}}, Way.ROTATION, ("topP", "language")),
        ({"image": {"aspect_ratio": "16:9"}}, Way.AT_ONCE, ("image.aspectRatio",)),
        ({"video": {"jpeg_quality": 50}}, Way.AT_ONCE, ("video.jpegQuality",)),
        (
            {"live": {"temperature": 1.0}, "image": {"size": "2K"}},
            Way.ROTATION,
            ("temperature", "image.size"),
        ),
    ],
)
def test_what_a_resumed_session_takes_over(
    given: dict[str, Any], way: Way, fields: tuple[str, ...], context_update: bool
) -> None:
    assert changed(context_update=context_update, **given) == Plan(way, fields)


@pytest.mark.parametrize(
    ("live", "instruction", "tools"),
    [
        ({"system_instruction": "Be brief."}, True, False),
        ({"tools": ("weather",)}, False, True),
        ({"google_search": True}, False, True),
        ({"system_instruction": "Be brief.", "tools": ()}, True, True),
    ],
)
def test_what_a_resumed_session_may_keep(
    live: dict[str, Any], instruction: bool, tools: bool
) -> None:
    with_update = changed(live=live, image={"size": "2K"}, context_update=True)
    assert with_update.way is Way.CONTEXT_UPDATE
    assert (with_update.instruction, with_update.tools) == (instruction, tools)
    assert changed(live=live).way is Way.FRESH_SESSION


@pytest.mark.parametrize(
    "live",
    [
        {"system_instruction": "Be brief.", "voice": "Puck"},
        {"system_instruction": None},
        {"system_instruction": "", "tools": ()},
    ],
)
def test_what_a_context_update_cannot_do(live: dict[str, Any]) -> None:
    assert changed(live=live, context_update=True).way is Way.FRESH_SESSION


def test_a_part_is_named_by_itself_and_an_object_that_came_as_a_whole() -> None:
    thinking = BASE.live.thinking.model_copy(update={"budget": 6})
    assert changed(live={"thinking": thinking}).fields == ("thinking.budget",)
    new = RoomSettings.model_validate(
        {"live": {"voice": "Kore", "translation": {"targetLanguageCode": "pl"}}}
    )
    base = RoomSettings.model_validate({"live": {"voice": "Kore"}})
    assert plan(base, new, context_update=False) == Plan(Way.ROTATION, ("translation",))


GROUPS = {("image",), ("video",), ("audio",), ("budget",)}
FIXED = [
    ({"model": "gemini-3.1-flash-live-preview"}, "model"),
    ({"automaticActivityDetection": False}, "automaticActivityDetection.enabled"),
    ({"sessionResumption": False}, "sessionResumption.enabled"),
    ({"history": [{"role": "user", "parts": [{"text": "hi"}]}]}, "history"),
]


@pytest.mark.parametrize(("live", "field"), FIXED)
def test_what_the_room_was_built_from_stays(live: dict[str, Any], field: str) -> None:
    base = RoomSettings()
    new = RoomSettings.model_validate({"live": {"voice": "Puck", **live}})
    with pytest.raises(RoomSettingsRefused) as refused:
        plan(base, new, context_update=True)
    assert refused.value.field == field
    assert refused.value.sentence.startswith(f"{field} cannot change during a call: ")


def test_how_readily_speech_is_heard_may_change() -> None:
    base = RoomSettings()
    new = RoomSettings.model_validate(
        {"live": {"automaticActivityDetection": {"silenceDurationMs": 500}}}
    )
    assert plan(base, new, context_update=False).way is Way.ROTATION


def test_the_greeting_and_the_queues_stay() -> None:
    for new in (
        RoomSettings(greeting="Hello."),
        RoomSettings.model_validate({"audio": {"maxOutputBacklogS": 7}}),
    ):
        with pytest.raises(RoomSettingsRefused):
            plan(RoomSettings(), new, context_update=True)


def test_every_setting_has_a_rule_and_every_rule_a_setting() -> None:
    """Those of the conversation one each, so that nobody forgets to think of a new one."""
    named = {path.removeprefix("live.") for path in RULES if path.startswith("live.")}
    assert set(LiveSettings.model_fields) <= named
    paths = {entry.path[1:] for entry in entries() if entry.for_rooms}
    assert {tuple(path.split(".")) for path in RULES} <= paths | {
        ("image",),
        ("video",),
        ("audio",),
        ("link",),
        ("budget",),
    }
    for path in paths:
        assert rule_of(path).reason
        if path[0] == "image":
            assert rule_of(path).kind is Kind.OURS
