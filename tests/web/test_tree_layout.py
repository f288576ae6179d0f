"""Where each picture stands in the tree, and how one walks there."""

from typing import Any

import pytest

from tests.web.conftest import Modules

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]

PLACES = """async (list) => {
  const { layout, neighbour } = await import('/tree_layout.js');
  const laid = layout(list);
  const keys = ['ArrowLeft', 'ArrowRight', 'ArrowUp', 'ArrowDown', 'Home', 'End', 'x'];
  return {
    places: Object.fromEntries(laid.places), rows: laid.rows, columns: laid.columns,
    links: laid.links.map(({ from, to }) => from + to),
    walks: Object.fromEntries(
      list.map(({ id }) => [id, keys.map((key) => neighbour(list, laid, id, key))])),
    nobody: neighbour(list, laid, 'nobody', 'Home'),
  };
}"""


async def laid(modules: Modules, *made: str) -> Any:
    """Each "child" or "child<parent"."""
    parts = [one.partition("<") for one in made]
    images = [{"id": name, "parentIds": list(parents)} for name, _, parents in parts]
    return await modules.page.evaluate(PLACES, images)


async def test_a_line_of_edits_is_one_row(modules: Modules) -> None:
    tree = await laid(modules, "a", "b<a", "c<b")
    assert tree["places"]["c"] == {"column": 2, "row": 0}
    assert (tree["rows"], tree["columns"], tree["links"]) == (1, 3, ["ab", "bc"])


async def test_an_edit_of_an_older_picture_branches_off(modules: Modules) -> None:
    tree = await laid(modules, "a", "b<a", "c<a", "d<c", "e<b", "f<a")
    rows = {name: place["row"] for name, place in tree["places"].items()}
    assert rows == {"a": 0, "b": 0, "c": 1, "d": 1, "e": 0, "f": 2}


async def test_a_new_picture_begins_in_the_first_row(modules: Modules) -> None:
    tree = await laid(modules, "a", "b<a", "c<a", "d")
    assert tree["places"]["d"] == {"column": 3, "row": 0}
    assert (await laid(modules))["rows"] == 1


async def test_there_are_never_too_many_rows(modules: Modules) -> None:
    tree = await laid(modules, "a", "b<a", *(f"{n}<a" for n in range(20)))
    assert tree["rows"] == 6


async def test_arrow_keys_walk_along_and_across(modules: Modules) -> None:
    tree = await laid(modules, "a", "b<a", "c<a", "d")
    walks = tree["walks"]
    assert walks["b"] == ["a", "c", None, "c", "a", "d", None]
    assert walks["a"][:4] == [None, "c", None, "c"]
    assert walks["c"][:4] == ["a", "d", "b", None]
    assert walks["d"][0] == "c"
    assert tree["nobody"] is None
