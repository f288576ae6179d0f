"""Settings that are changed in the middle of a call (settings_wish.js)."""

from typing import Any

import pytest

from pipeline.catalogue import entries
from processors.gemini.profiles import VOICES
from tests.web.conftest import Modules
from tests.web.messages import rtvi

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]

TOLD = {"kind": "settings", "settings": {"voice": "Kore", "temperature": 0.7}}
ASKED = {"kind": "asked", "id": "a-1", "wanted": {"voice": "Puck"}}


def response(kind: str, message_id: str = "a-1", **data: Any) -> dict[str, Any]:
    return {**rtvi(kind, **data), "id": message_id}


YES = response("server-response", t="update-settings", d={"how": "rotation", "applied": ["voice"]})
NO = response("error-response", error="It stands in the setup.")


async def wish(modules: Modules, *events: object) -> Any:
    return (await modules.reduce(*events))["wish"]


async def test_the_voices_are_those_of_the_service(modules: Modules) -> None:
    assert set(await modules.value("settings_wish.js", "VOICES")) == set(VOICES)


async def test_the_keys_are_those_of_the_service(modules: Modules) -> None:
    keys = {entry.wire_key for entry in entries()}
    assert set(await modules.value("settings_wish.js", "KEYS")) <= keys


async def test_what_the_service_tells_is_known(modules: Modules) -> None:
    assert (await wish(modules, TOLD))["known"] == {"voice": "Kore", "language": None}
    nothing = {"kind": "settings", "settings": None}
    assert (await wish(modules, nothing))["known"] == {"voice": None, "language": None}


async def test_a_yes_makes_it_known(modules: Modules) -> None:
    assert (await wish(modules, TOLD, ASKED))["status"] == "asking"
    said = await wish(modules, TOLD, ASKED, YES)
    assert (said["status"], said["known"]["voice"]) == ("yes", "Puck")


async def test_a_no_has_a_sentence_and_changes_nothing(modules: Modules) -> None:
    said = await wish(modules, TOLD, ASKED, NO)
    assert (said["status"], said["known"]["voice"]) == ("no", "Kore")
    assert said["sentence"] == "It stands in the setup."


@pytest.mark.parametrize(
    "other",
    [
        response("server-response", "a-2", t="x", d={}),
        response("error-response", "a-2", error="No."),
        {"kind": "unanswered", "id": "a-0"},
    ],
)
async def test_other_answers_are_not_taken_for_it(modules: Modules, other: object) -> None:
    assert (await wish(modules, ASKED, other))["status"] == "asking"
    assert (await wish(modules, other))["status"] == "none"


@pytest.mark.parametrize("end", [{"kind": "unanswered", "id": "a-1"}, {"kind": "quiet"}])
async def test_no_answer_is_no_yes(modules: Modules, end: object) -> None:
    said = await wish(modules, TOLD, ASKED, end)
    assert (said["status"], said["known"]["voice"]) == ("unknown", "Kore")
    assert (await wish(modules, TOLD, ASKED, end, YES))["status"] == "unknown"


@pytest.mark.parametrize(
    ("form", "wanted"),
    [
        ({"voice": "Kore", "language": "", "systemInstruction": ""}, {}),
        ({"voice": "Puck", "language": "", "systemInstruction": " "}, {"voice": "Puck"}),
        ({"voice": "", "language": "de-DE", "systemInstruction": " Be brief. "},
         {"voice": None, "language": "de-DE", "systemInstruction": "Be brief."}),
    ],
)  # fmt: skip
async def test_only_what_differs_is_asked_for(
    modules: Modules, form: dict[str, str], wanted: dict[str, str | None]
) -> None:
    known = {"voice": "Kore", "language": None}
    assert await modules.call("settings_wish.js", "difference", known, form) == wanted


@pytest.mark.parametrize(
    ("message", "is_answer"), [(YES, True), (NO, True), (response("error-response", "b"), False)]
)
async def test_its_answer_is_told_from_other_errors(
    modules: Modules, message: object, is_answer: bool
) -> None:
    view = await modules.reduce(ASKED)
    assert await modules.call("protocol.js", "isAnswer", view, message) is is_answer


async def test_what_was_known_is_no_news(modules: Modules) -> None:
    """The form is filled in anew when it is, while somebody writes."""
    assert (await modules.reduce(TOLD, TOLD))["same"] is True
