"""Image model profiles: which model is which, and what each refuses."""

from typing import Any

import pytest

from processors.errors import ToolError
from processors.images.profiles import (
    ALL_RATIOS,
    FLASH_2_5,
    FLASH_3_1,
    FLASH_LITE_3_1,
    MODERATE_RATIOS,
    NANO_BANANA_2_1,
    PRO_3,
    UNKNOWN,
    ImageProfile,
    check,
    profile_for,
    refuse_untrusted,
)
from processors.images.settings import ImageSettings

NEW = "gemini-9-image"


def refused(model: str, *, vertex: bool = False, **given: Any) -> dict[str, str]:
    settings = ImageSettings.model_validate({"model": model, **given})
    return {refusal.field: refusal.sentence for refusal in check(settings, vertex=vertex)}


@pytest.mark.parametrize(
    ("model", "profile"),
    [
        ("gemini-nano-banana-2.1", NANO_BANANA_2_1),
        ("models/gemini-3.1-flash-image", FLASH_3_1),
        ("gemini-3.1-flash-lite-image", FLASH_LITE_3_1),
        ("gemini-3-pro-image", PRO_3),
        ("nano-banana-pro-preview", PRO_3),
        ("gemini-2.5-flash-image", FLASH_2_5),
        (NEW, UNKNOWN),
    ],
)
def test_which_profile(model: str, profile: ImageProfile) -> None:
    assert profile_for(model) is profile
    assert refused(model) == {}
    assert refused(model, vertex=True) == {}


def test_there_are_fourteen_ratios() -> None:
    assert len(ALL_RATIOS) == len(set(ALL_RATIOS)) == 14
    assert len(MODERATE_RATIOS) == 10


@pytest.mark.parametrize(
    ("model", "sizes"),
    [
        ("gemini-nano-banana-2.1", {"1K", "2K", "4K"}),
        ("gemini-3.1-flash-image", {"512", "1K", "2K", "4K"}),
        ("gemini-3.1-flash-lite-image", {"1K"}),
        ("gemini-3-pro-image", {"1K", "2K", "4K"}),
        ("gemini-2.5-flash-image", {"1K"}),
        (NEW, {"512", "1K", "2K", "4K", "8K"}),
    ],
)
def test_sizes(model: str, sizes: set[str]) -> None:
    accepted = {size for size in ("512", "1K", "2K", "4K", "8K") if not refused(model, size=size)}
    assert accepted == sizes


def test_only_3_1_flash_takes_512() -> None:
    assert refused("gemini-nano-banana-2.1", size="512") == {
        "size": "size is not accepted by gemini-nano-banana-2.1; it takes 1K, 2K, 4K."
    }


@pytest.mark.parametrize(
    ("model", "ratios"),
    [
        ("gemini-nano-banana-2.1", set(ALL_RATIOS)),
        ("gemini-3.1-flash-image", set(ALL_RATIOS)),
        ("gemini-3.1-flash-lite-image", {*ALL_RATIOS, "7:5"}),
        ("gemini-3-pro-image", set(MODERATE_RATIOS)),
        ("gemini-2.5-flash-image", set(MODERATE_RATIOS)),
        (NEW, {*ALL_RATIOS, "7:5"}),
    ],
)
def test_aspect_ratios(model: str, ratios: set[str]) -> None:
    tried = (*ALL_RATIOS, "7:5")
    assert {ratio for ratio in tried if not refused(model, aspectRatio=ratio)} == ratios


@pytest.mark.parametrize(
    ("model", "levels"),
    [
        ("gemini-nano-banana-2.1", {"minimal", "medium", "high"}),
        ("gemini-3.1-flash-image", {"minimal", "high"}),
        ("gemini-3-pro-image", set()),
        ("gemini-2.5-flash-image", set()),
        (NEW, {"minimal", "low", "medium", "high"}),
    ],
)
def test_thinking_levels(model: str, levels: set[str]) -> None:
    tried = ("minimal", "low", "medium", "high")
    assert {level for level in tried if not refused(model, thinking={"level": level})} == levels


def test_a_model_without_levels_says_so() -> None:
    assert refused("gemini-3-pro-image", thinking={"level": "low"}) == {
        "thinking.level": "thinking.level is not accepted by gemini-3-pro-image; it takes none."
    }


def test_what_2_5_does_not_do() -> None:
    given: dict[str, Any] = {"thinking": {"includeThoughts": False}, "googleSearch": True}
    found = refused("gemini-2.5-flash-image", googleImageSearch=True, **given)
    assert set(found) == {"thinking.includeThoughts", "googleSearch", "googleImageSearch"}
    assert found["googleSearch"] == "googleSearch is not accepted by gemini-2.5-flash-image."
    assert set(refused("gemini-3-pro-image", googleImageSearch=True, **given)) == {
        "googleImageSearch"
    }
    assert refused("gemini-nano-banana-2.1", googleImageSearch=True, **given) == {}


@pytest.mark.parametrize(
    ("model", "words"),
    [
        ("gemini-3.8-live", "is a Live model"),
        ("gemini-3.8-live-extended-thinking", "is a Live model"),
        ("gemini-live-2.5-flash-native-audio", "is a Live model"),
        ("gemini-2.5-flash-native-audio-latest", "is a Live model"),
        ("imagen-4.0-generate-001", "not reached by generateContent"),
        ("gemini-3-pro-image-preview", "leave out -preview"),
        ("gemini-3.1-flash-image-preview", "leave out -preview"),
        ("gemini-2.0-flash-exp", "was shut down"),
    ],
)
def test_models_that_make_no_images(model: str, words: str) -> None:
    sentence = refused(model)["model"]
    assert sentence.startswith(f"model is not usable here: {model} ")
    assert words in sentence


@pytest.mark.parametrize("model", ["gemini-nano-banana-2.1", NEW])
def test_what_only_vertex_accepts(model: str) -> None:
    given = {
        "personGeneration": "allow_all",
        "prominentPeople": "block_prominent_people",
        "outputMimeType": "image/jpeg",
        "outputCompressionQuality": 80,
    }
    armed: dict[str, Any] = {**given, "modelArmor": {"promptTemplate": "p"}}
    assert refused(model, **armed) == {
        field: f"{field} is accepted by Vertex AI only." for field in armed
    }
    assert refused(model, vertex=True, **armed) == {}
    method = [{"category": "harassment", "threshold": "off", "method": "severity"}]
    assert list(refused(model, safetySettings=method)) == ["safetySettings"]
    assert refused(model, safetySettings=method, vertex=True) == {}


def test_what_only_the_gemini_api_accepts() -> None:
    assert refused(NEW, store=False) == {}
    assert refused(NEW, store=False, vertex=True) == {
        "store": "store is accepted by the Gemini API only, not by Vertex AI."
    }


def test_what_a_wish_asks_for_is_refused_in_words_that_say_what_there_is() -> None:
    model = "gemini-3-pro-image"
    refuse_untrusted(model, None, None)
    refuse_untrusted(model, "16:9", "4K")
    with pytest.raises(ToolError, match="no such size. It takes 1K, 2K, 4K."):
        refuse_untrusted(model, None, "512")
    with pytest.raises(ToolError, match="no such aspect_ratio. It takes 1:1, 2:3"):
        refuse_untrusted(model, "1:8", None)
    refuse_untrusted("somebody-elses-model", "1:8", "512")
