"""An interrupted benchmark goes on where it stopped."""

from pathlib import Path

import pytest

from bench.results import BESIDE, MEASURED, Results, fingerprint


def test_what_was_measured_is_found_by_the_next_run(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "results.jsonl"
    first = Results(path, "code")
    assert first.get("vga/easel/0") is None
    first.put("vga/easel/0", {"cpu %": 1.5})
    first.put("vga/stock/0", {"cpu %": 9.0})
    second = Results(path, "code")
    assert second.get("vga/easel/0") == {"cpu %": 1.5}
    assert second.of(["vga/easel/0", "nothing", "vga/stock/0"]) == [{"cpu %": 1.5}, {"cpu %": 9.0}]


def test_other_code_begins_afresh_and_leaves_the_results_of_the_first(tmp_path: Path) -> None:
    path = tmp_path / "results.jsonl"
    Results(path, "old").put("a", {"x": 1.0})
    new = Results(path, "new")
    assert new.get("a") is None
    new.put("a", {"x": 2.0})
    assert Results(path, "old").get("a") == {"x": 1.0}
    assert Results(path, "new").get("a") == {"x": 2.0}


@pytest.mark.parametrize("torn", ['{"code": "c", "key": "b", "fig', "[]", '{"code": "c"}'])
def test_a_line_that_was_being_written_counts_as_none(tmp_path: Path, torn: str) -> None:
    path = tmp_path / "results.jsonl"
    Results(path, "c").put("a", {"x": 1.0})
    with path.open("a") as out:
        out.write(torn)
    again = Results(path, "c")
    assert again.get("a") == {"x": 1.0} and again.get("b") is None
    again.put("b", {"x": 2.0})
    assert Results(path, "c").get("b") == {"x": 2.0}


def test_afresh_forgets_everything(tmp_path: Path) -> None:
    path = tmp_path / "results.jsonl"
    results = Results(path, "c")
    results.put("a", {"x": 1.0})
    results.forget()
    assert results.get("a") is None and Results(path, "c").get("a") is None
    results.forget()


def test_the_fingerprint_knows_any_change_of_what_is_measured(tmp_path: Path) -> None:
    for name in MEASURED:
        (tmp_path / name).mkdir()
        (tmp_path / name / "a.py").write_text("x = 1\n")
    for name in BESIDE:
        (tmp_path / name).write_text("\n")
    first = fingerprint(tmp_path)
    (tmp_path / "docs").mkdir()
    (tmp_path / "docs" / "benchmarks.md").write_text("words\n")
    assert fingerprint(tmp_path) == first
    (tmp_path / MEASURED[1] / "a.py").write_text("x = 2\n")
    changed = fingerprint(tmp_path)
    (tmp_path / MEASURED[1] / "a.py").rename(tmp_path / MEASURED[1] / "b.py")
    assert len({first, changed, fingerprint(tmp_path)}) == 3
