"""docs/lifecycle.md shows the tables as they are."""

import runpy
from pathlib import Path

DOCS = Path(__file__).parents[2] / "docs"


def test_the_page_is_up_to_date() -> None:
    page = runpy.run_path(str(DOCS / "generate_lifecycles.py"))["page"]
    assert (DOCS / "lifecycle.md").read_text() == page(), "run make docs"
