"""Answers of image models, judged."""

from dataclasses import replace
from typing import Any

import pytest

from pipeline.doctor import image_verdicts as verdicts
from pipeline.doctor.checks import Finding, Verdict
from pipeline.doctor.image_verdicts import Answer, Drawn

OK, DIFFERS, SKIPPED = Verdict.OK, Verdict.DIFFERS, Verdict.SKIPPED
DRAWN = Drawn("image/png", 1200, "image/png", 64, 32, signed=True)
USAGE: dict[str, Any] = {
    "totalTokenCount": 1130,
    "candidatesTokensDetails": [{"modality": "IMAGE", "tokenCount": 1120}, {"modality": "TEXT"}],
}
GOOD = Answer(images=(DRAWN,), finish="STOP", usage=USAGE)


def by_name(findings: list[Finding]) -> dict[str, tuple[Verdict, str]]:
    return {found.check.name: (found.verdict, found.seen) for found in findings}


def test_an_image_as_it_should_be() -> None:
    assert by_name(verdicts.generated(GOOD)) == {
        "image": (OK, "1 image"),
        "image format": (OK, "image/png, 64 x 32, 1,200 bytes"),
        "image signature": (OK, "a thoughtSignature"),
        "image usage": (OK, "1120 of IMAGE; totalTokenCount 1130"),
    }


@pytest.mark.parametrize(
    ("answer", "name", "seen"),
    [
        (replace(GOOD, images=(DRAWN, DRAWN)), "image", "2 images"),
        (replace(GOOD, images=(DRAWN, DRAWN), thoughts=3), "image", "2 images, 3 thoughts"),
        (
            replace(GOOD, images=(replace(DRAWN, shown_as="image/jpeg"),)),
            "image format",
            "image/png, 64 x 32, 1,200 bytes; its bytes are image/jpeg",
        ),
        (
            replace(GOOD, images=(replace(DRAWN, mime_type="image/tiff", shown_as=""),)),
            "image format",
            "image/tiff, 64 x 32, 1,200 bytes; its bytes are no image",
        ),
        (
            replace(GOOD, images=(replace(DRAWN, signed=False),)),
            "image signature",
            "no thoughtSignature",
        ),
        (replace(GOOD, usage=None), "image usage", "no usageMetadata"),
        (replace(GOOD, usage={"totalTokenCount": 5}), "image usage", "totalTokenCount 5"),
        (
            replace(GOOD, usage={"candidatesTokensDetails": USAGE["candidatesTokensDetails"]}),
            "image usage",
            "1120 of IMAGE; ",
        ),
    ],
)
def test_what_differs_is_told(answer: Answer, name: str, seen: str) -> None:
    found = by_name(verdicts.generated(answer))
    assert found[name] == (DIFFERS, seen)
    assert [verdict for verdict, _ in found.values()].count(DIFFERS) == 1


def test_without_an_image_the_rest_is_skipped() -> None:
    found = by_name(verdicts.generated(Answer(status=503, error="overloaded")))
    assert found.pop("image") == (DIFFERS, "HTTP 503 overloaded")
    assert {verdict for verdict, _ in found.values()} == {SKIPPED}
    assert verdicts.edited("edit", Answer()).seen == "no image: nothing at all"
    assert verdicts.edited("edit", GOOD).verdict is OK


def test_words_only() -> None:
    assert verdicts.words_only(GOOD).verdict is SKIPPED
    fine = verdicts.words_only(Answer(words="It is blue.", finish="STOP"))
    assert (fine.verdict, fine.seen) == (OK, "no image: finishReason STOP, 3 words")
    assert verdicts.words_only(Answer(status=500)).verdict is DIFFERS
    assert verdicts.words_only(Answer()).verdict is DIFFERS


def test_blocked() -> None:
    assert verdicts.blocked(GOOD).verdict is SKIPPED
    assert verdicts.blocked(Answer(block="SAFETY")).seen == "no image: blockReason SAFETY"
    assert verdicts.blocked(Answer(block="SAFETY")).verdict is OK
    assert verdicts.blocked(Answer(finish="IMAGE_SAFETY")).verdict is OK
    assert verdicts.blocked(Answer(finish="STOP")).verdict is DIFFERS
    assert verdicts.blocked(Answer(status=400)).verdict is DIFFERS


def test_a_wrong_key() -> None:
    refused = verdicts.wrong_key(Answer(status=400, error="API key not valid."))
    assert (refused.verdict, refused.seen) == (OK, "400 API key not valid.")
    assert verdicts.wrong_key(GOOD).seen == "it was accepted"
    assert verdicts.wrong_key(Answer(status=500)).verdict is DIFFERS
