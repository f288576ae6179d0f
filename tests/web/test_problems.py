"""Everything that can go wrong, in words (problems.js)."""

from typing import Any

import pytest

from tests.web.conftest import Modules

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]


async def words(modules: Modules, code: str, **more: Any) -> Any:
    return await modules.page.evaluate(
        """async ([code, more]) => {
            const { Problem, wordsFor } = await import('/problems.js');
            return wordsFor(new Problem(code, more));
        }""",
        [code, more],
    )


async def of_response(modules: Modules, *arguments: object) -> Any:
    return await modules.page.evaluate(
        """async (rest) => {
            const { problemOfResponse, wordsFor } = await import('/problems.js');
            const problem = problemOfResponse(...rest);
            return { ...problem, isError: problem instanceof Error, words: wordsFor(problem) };
        }""",
        list(arguments),
    )


async def test_every_problem_has_a_title_and_a_sentence(modules: Modules) -> None:
    for code in await modules.value("problems.js", "CODES"):
        said = await words(modules, code, detail="x")
        assert said["title"] and said["text"], code
        assert said["action"] in {None, "reconnect", "new-room", "retry", "here"}, code


@pytest.mark.parametrize(
    ("status", "code", "final"),
    [
        (400, "bad-settings", True),
        (401, "not-allowed", True),
        (403, "not-allowed", True),
        (404, "room-unknown", True),
        (410, "room-unknown", True),
        (418, "service-error", True),
        (422, "bad-settings", True),
        (429, "too-many", False),
        (500, "service-error", False),
        (502, "service-error", False),
        (503, "service-full", False),
    ],
)
async def test_statuses(modules: Modules, status: int, code: str, final: bool) -> None:
    problem = await of_response(modules, status, {"detail": "why"}, None, 0)
    assert (problem["code"], problem["final"], problem["detail"]) == (code, final, "why")
    assert problem["isError"] is True


@pytest.mark.parametrize(
    ("header", "seconds", "phrase"),
    [
        ("20", 20, "in 20 seconds"),
        ("1", 1, "in 1 second."),
        ("180", 180, "in 3 minutes"),
        ("Thu, 01 Jan 1970 00:01:00 GMT", 50, "in 50 seconds"),
        ("Thu, 01 Jan 1970 00:00:01 GMT", 0, "in a moment"),
        ("soon", None, "in a moment"),
        (None, None, "in a moment"),
    ],
)
async def test_retry_after(modules: Modules, header: str, seconds: object, phrase: str) -> None:
    problem = await of_response(modules, 503, None, header, 10_000)
    assert problem["retryAfterS"] == seconds
    assert phrase in problem["words"]["text"]


@pytest.mark.parametrize(
    ("body", "detail"),
    [
        (None, ""),
        ({}, ""),
        ({"detail": {"x": 1}}, ""),
        ({"detail": "no"}, "no"),
        ({"info": "pipecat's own"}, "pipecat's own"),
        (
            {"detail": [{"loc": ["room", "voice"], "msg": "unknown"}, {"msg": "too"}, {}]},
            "room.voice: unknown; too",
        ),
        ({"detail": "x" * 900}, "x" * 400),
    ],
)
async def test_details(modules: Modules, body: object, detail: str) -> None:
    assert await modules.call("problems.js", "detailIn", body) == detail


async def test_refused_settings_are_quoted(modules: Modules) -> None:
    said = await words(modules, "bad-settings", detail="temperature: at most 2")
    assert "temperature: at most 2" in said["text"]


@pytest.mark.parametrize("code", ["model-fatal", "upload-refused"])
async def test_without_a_detail_there_is_still_a_sentence(modules: Modules, code: str) -> None:
    bare = (await words(modules, code))["text"]
    assert bare and bare != (await words(modules, code, detail="It is so."))["text"]


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        ("NotAllowedError", "denied"),
        ("SecurityError", "denied"),
        ("NotFoundError", "missing"),
        ("OverconstrainedError", "missing"),
        ("NotReadableError", "busy"),
        ("AbortError", "busy"),
        ("SomethingNew", "busy"),
    ],
)
@pytest.mark.parametrize("device", ["mic", "camera"])
async def test_media_errors(modules: Modules, device: str, error: str, kind: str) -> None:
    problem = await modules.page.evaluate(
        """async ([device, error]) =>
            (await import('/problems.js')).problemOfMedia(device, error).code""",
        [device, error],
    )
    assert problem == f"{device}-{kind}"
    assert problem in await modules.value("problems.js", "CODES")


@pytest.mark.parametrize(
    ("codes", "merged"),
    [
        (["mic-denied", "camera-denied"], ["media-denied"]),
        (["camera-missing", "mic-missing"], ["media-missing"]),
        (["mic-denied", "camera-missing"], ["mic-denied", "camera-missing"]),
        (["mic-denied"], ["mic-denied"]),
        ([], []),
    ],
)
async def test_one_notice_for_both_devices(
    modules: Modules, codes: list[str], merged: list[str]
) -> None:
    result = await modules.page.evaluate(
        """async (codes) => {
            const { Problem, mergedMedia } = await import('/problems.js');
            return mergedMedia(codes.map((code) => new Problem(code))).map(({ code }) => code);
        }""",
        codes,
    )
    assert result == merged
