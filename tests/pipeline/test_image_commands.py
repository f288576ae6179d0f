"""What people do with images by tapping."""

from typing import Any

import pytest

from pipeline.image_commands import COMMANDS, obey_untrusted
from processors.errors import ToolError
from tests.processors.images.studio_bench import Bench, bench, model
from tests.processors.images.test_region import BOX


async def two(desk: Bench) -> tuple[str, str]:
    made = [(await desk.tools.create_image(prompt))["image_id"] for prompt in ("a cat", "a dog")]
    return made[0], made[1]


async def test_each_does_what_it_says() -> None:
    async with model() as (_, client):
        with bench(client) as desk:
            first, second = await two(desk)
            studio = desk.studio

            async def ask(kind: str, **data: Any) -> str | None:
                return await obey_untrusted(studio, kind, data, "ada")

            assert "a cat" in str(await ask("image-select", image_id=first))
            assert studio.tree.current_id == first
            await ask("image-undo")
            assert studio.tree.current_id == second
            await ask("image-redo")
            assert studio.tree.current_id == first
            assert "the sea" in str(await ask("image-name", image_id=first, name="the sea"))
            assert "pink" in str(await ask("image-region", target=first, **BOX))
            assert studio.sources.marks.clear()
            assert await ask("image-region", target=None) is None
            assert not studio.sources.marks.clear()
            assert "a cat" in str(await ask("image-delete", image_id=first))
            assert list(studio.tree.images) == [second]


@pytest.mark.parametrize("kind", COMMANDS)
@pytest.mark.parametrize(
    "data",
    [None, [], "x", {}, {"image_id": 7}, {"image_id": "nobody"}, {"target": 7}, {"target": "x"},
     {"target": "camera", **BOX}, {"target": "x", "box": {"x": 9}}, {"image_id": "x", "name": 3},
     {"image_id": "x", "name": "n" * 999}],
)  # fmt: skip
async def test_nonsense_is_refused_in_words(kind: str, data: Any) -> None:
    async with model() as (_, client):
        with bench(client) as desk:
            if kind == "image-region" and not (isinstance(data, dict) and "target" in data):
                assert await obey_untrusted(desk.studio, kind, data, "ada") is None
                return
            with pytest.raises(ToolError, match=r"^[A-Z].*\.$"):
                await obey_untrusted(desk.studio, kind, data, "ada")
