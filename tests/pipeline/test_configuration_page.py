"""docs/configuration.md says what the settings are."""

import runpy
from pathlib import Path

from pipeline.catalogue import entries

DOCS = Path(__file__).parents[2] / "docs"


def test_the_page_is_up_to_date() -> None:
    """When this fails, run `make docs`."""
    page = runpy.run_path(str(DOCS / "generate_configuration.py"))["page"]
    assert (DOCS / "configuration.md").read_text(encoding="utf-8") == page()


def test_every_variable_is_on_the_page() -> None:
    text = (DOCS / "configuration.md").read_text(encoding="utf-8")
    missing = [entry.variable for entry in entries() if f"| `{entry.variable}` |" not in text]
    assert missing == []
