"""What each message makes of the page's view of the room (protocol.js)."""

import pytest

from tests.web.conftest import Modules
from tests.web.messages import image, rtvi, said, server, transcript

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]


async def test_bot_ready_tells_version_and_who_we_are(modules: Modules) -> None:
    view = await modules.reduce(rtvi("bot-ready", version="2.2.0", about={"peer": "p1"}))
    assert (view["ready"], view["version"], view["selfId"]) == (True, "2.2.0", "p1")


async def test_bot_ready_without_particulars(modules: Modules) -> None:
    view = await modules.reduce(rtvi("bot-ready"))
    assert (view["ready"], view["version"], view["selfId"]) == (True, None, None)


@pytest.mark.parametrize(
    ("kind", "who"), [("user-started-speaking", "user"), ("bot-started-speaking", "model")]
)
async def test_speaking_starts_and_stops(modules: Modules, kind: str, who: str) -> None:
    start, stop = rtvi(kind), rtvi(kind.replace("started", "stopped"))
    assert (await modules.reduce(start))["speaking"][who] is True
    assert (await modules.reduce(start, start))["same"] is True
    assert (await modules.reduce(start, stop))["speaking"][who] is False


async def test_nobody_speaks_when_the_connection_is_gone(modules: Modules) -> None:
    view = await modules.reduce(rtvi("bot-started-speaking"), {"kind": "quiet"})
    assert view["speaking"] == {"user": False, "model": False}


async def test_what_was_being_said_is_adrift_until_it_is_heard_again(modules: Modules) -> None:
    events = [transcript("user", "Hi", final=True), transcript("model", "Good"), {"kind": "quiet"}]
    adrift = [item["adrift"] for item in (await modules.reduce(*events))["transcript"]["items"]]
    assert adrift == [False, True]
    view = await modules.reduce(*events, transcript("model", "Good day"))
    assert [item["adrift"] for item in view["transcript"]["items"]] == [False, False]
    assert (await modules.reduce(*events, {"kind": "quiet"}))["same"] is True


async def test_lost_sound_leaves_a_note_where_it_is_missing(modules: Modules) -> None:
    lost = server(type="audio-dropped", seconds=4.4)
    view = await modules.reduce(transcript("user", "Then I", final=True), lost, lost)
    note = ("note", "The last 4 seconds could not be kept")
    assert said(view) == [("user", "Then I"), note, note]
    assert view["lost"] == {"seconds": 4.4, "count": 2, "isNews": True}
    echo = transcript("user", note[1], 2)  # somebody reads it aloud
    assert len(said(await modules.reduce(lost, echo))) == 2


@pytest.mark.parametrize("seconds", [0, -1, None, "4"])
async def test_nothing_was_lost(modules: Modules, seconds: object) -> None:
    assert (await modules.reduce(server(type="audio-dropped", seconds=seconds)))["same"] is True


async def test_the_budget_is_told(modules: Modules) -> None:
    view = await modules.reduce(server(type="budget", state="warning", sentence="Soon.", of="cost"))
    assert view["budget"] == {"state": "warning", "sentence": "Soon."}
    view = await modules.reduce(server(type="budget"))
    assert view["budget"] == {"state": "within", "sentence": ""}


@pytest.mark.parametrize(
    ("message", "replaced"),
    [(server(type="replaced"), True), (server(type="transcript"), False),
     (rtvi("replaced", type="replaced"), False)],
)  # fmt: skip
async def test_a_place_that_was_taken(modules: Modules, message: object, replaced: bool) -> None:
    assert await modules.call("protocol.js", "saysReplaced", message) is replaced


async def test_metrics_give_the_latest_first_answer(modules: Modules) -> None:
    metrics = rtvi("metrics", ttfb=[{"value": 1.0}, {"value": 0.4204}])
    assert (await modules.reduce(metrics))["firstAnswerMs"] == 420
    other = rtvi("metrics", tokens=[])
    assert (await modules.reduce(metrics, other))["firstAnswerMs"] == 420
    assert (await modules.reduce(rtvi("metrics", ttfb=[])))["firstAnswerMs"] is None


async def test_link_status_is_kept(modules: Modules) -> None:
    view = await modules.reduce(
        server(type="link-status", status="reconnecting", sentence="It broke.")
    )
    assert view["link"] == {"status": "reconnecting", "sentence": "It broke."}
    view = await modules.reduce(server(type="link-status"))
    assert view["link"] == {"status": "ready", "sentence": ""}


async def test_a_transcript_reaches_the_items(modules: Modules) -> None:
    view = await modules.reduce(transcript("model", "Hello"))
    assert said(view) == [("model", "Hello")]


async def test_another_peers_words_are_not_ours(modules: Modules) -> None:
    ready = rtvi("bot-ready", about={"peer": "me"})
    view = await modules.reduce(
        ready,
        transcript("user", "mine", 1, peer="me"),
        transcript("user", "theirs", 2, peer="you"),
        transcript("user", "nobody's", 3),
    )
    assert said(view) == [("user", "mine"), ("peer", "theirs"), ("user", "nobody's")]


async def test_an_image_event_leaves_a_mark_in_the_transcript(modules: Modules) -> None:
    view = await modules.reduce(image("started", 1), image("ready", 2))
    assert said(view) == [("image", "a")]
    assert view["images"]["list"][0]["state"] == "ready"


async def test_a_selection_leaves_no_mark(modules: Modules) -> None:
    view = await modules.reduce(image("ready", 1), image("ready", 2, "b"), image("selected", 3))
    assert said(view) == [("image", "a"), ("image", "b")]
    assert view["images"]["shownId"] == "a"


@pytest.mark.parametrize(
    "event",
    [
        server(type="something-new"),
        server(type="image-event", seq=1),
        image("exploded", 1),
        image("ready", "one"),  # type: ignore[arg-type]  # a stranger's seq
        rtvi("ui-command", command="x"),
        rtvi("bot-transcription"),
        rtvi("bot-llm-text", text="the same as bot-transcription"),
        transcript("narrator", "x"),
        transcript("model", "x", turn="1"),  # type: ignore[arg-type]  # a stranger's turn
        {"kind": "show", "imageId": "unknown"},
    ],
)
async def test_what_is_not_understood_changes_nothing(modules: Modules, event: object) -> None:
    assert (await modules.reduce(event))["same"] is True


async def test_an_unknown_event_is_a_mistake_of_ours(modules: Modules) -> None:
    empty = await modules.value("protocol.js", "EMPTY")
    assert await modules.raises("protocol.js", "reduce", empty, {"kind": "dance"}) == "RangeError"


async def test_typed_words_and_the_past(modules: Modules) -> None:
    line = {"role": "model", "turn": 1, "text": "Before.", "interrupted": False, "peer": None}
    past = {"kind": "past", "said": [line], "own": []}
    typed = {"kind": "typed", "id": 1, "text": "Now.", "pictures": []}
    assert said(await modules.reduce(past, typed)) == [("model", "Before."), ("user", "Now.")]


async def test_showing_an_image_moves_only_this_page(modules: Modules) -> None:
    view = await modules.reduce(
        image("ready", 1), image("ready", 2, "b"), {"kind": "show", "imageId": "a"}
    )
    assert (view["images"]["shownId"], view["images"]["currentId"]) == ("a", "b")


async def test_another_room_begins_empty(modules: Modules) -> None:
    events = [rtvi("bot-ready"), transcript("model", "x"), image("ready", 5)]
    assert (await modules.reduce(*events, {"kind": "enter", "same": False}))["images"]["list"] == []


async def test_the_same_room_keeps_words_and_images_and_may_number_anew(modules: Modules) -> None:
    events = [rtvi("bot-ready"), transcript("model", "x"), image("ready", 5, prompt="old")]
    again = {"kind": "enter", "same": True}
    view = await modules.reduce(*events, again)
    assert view["ready"] is False
    assert said(view) == [("model", "x"), ("image", "a")]
    view = await modules.reduce(*events, again, image("ready", 1, prompt="new"))
    assert view["images"]["list"][0]["prompt"] == "new"


@pytest.mark.parametrize(
    ("message", "seq"),
    [
        (image("ready", 7), 7),
        (image("exploded", 8), 8),
        (image("ready", "7"), None),  # type: ignore[arg-type]  # a stranger's seq
        (server(type="transcript", seq=3), None),
        (rtvi("metrics", seq=3), None),
    ],
)
async def test_every_image_event_is_acknowledged(
    modules: Modules, message: object, seq: int | None
) -> None:
    assert await modules.call("protocol.js", "toAcknowledge", message) == seq


@pytest.mark.parametrize(
    ("message", "error"),
    [
        (rtvi("error", error="Broken.", fatal=True), {"words": "Broken.", "fatal": True}),
        (rtvi("error", error="Slow."), {"words": "Slow.", "fatal": False}),
        (rtvi("error-response", error="No.", fatal=True), {"words": "No.", "fatal": False}),
        (rtvi("error", error=5), {"words": "", "fatal": False}),
        (rtvi("metrics"), None),
    ],
)
async def test_errors_are_told(modules: Modules, message: object, error: object) -> None:
    assert await modules.call("protocol.js", "errorIn", message) == error
