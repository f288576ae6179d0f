"""Whatever the SDK's Live configuration offers is a setting, or refused with the reason."""

import pytest
from google.genai import types

from pipeline.room_overrides import RoomSettingsRefused, room_settings_untrusted
from pipeline.room_settings import RoomSettings
from processors.gemini.refused_levers import NOT_IN_LIVE
from processors.gemini.settings import LiveSettings

from .live_levers import NOT_OURS

SETTINGS = set(LiveSettings.model_fields)
OFFERED = {
    *types.LiveConnectConfig.model_fields,
    *types.GenerationConfig.model_fields,
    *types.Tool.model_fields,
    *types.SpeechConfig.model_fields,
    *(field for fields in NOT_OURS.values() for field in fields),
}
RENAMED = {"language_code": "language"}


@pytest.mark.parametrize("name", sorted(OFFERED - SETTINGS - set(RENAMED)))
def test_what_the_sdk_offers_and_no_setting_is_refused_with_a_reason(name: str) -> None:
    with pytest.raises(RoomSettingsRefused) as refused:
        room_settings_untrusted(RoomSettings(), {name: "x"}, vertex=False)
    assert refused.value.sentence.startswith(f"{refused.value.field} is not accepted: ")
    assert NOT_IN_LIVE[name] in refused.value.sentence


def test_nothing_is_both() -> None:
    assert set(NOT_IN_LIVE) & SETTINGS == set()


def test_nothing_is_refused_that_the_sdk_does_not_offer() -> None:
    assert set(NOT_IN_LIVE) - OFFERED == set()
